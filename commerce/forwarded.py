"""What a proxy of ours says of whose request it is, for requests and sockets alike."""

import ipaddress
from collections.abc import Iterable


def seen(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the last entry of X-Forwarded-For, without a port; "" where it is no address."""
    said = [value for name, value in headers if name == b"x-forwarded-for"]
    if not said:
        return ""
    text = said[-1].decode("latin-1").rpartition(",")[2].strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""
