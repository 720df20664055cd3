"""Which addresses of the internet we connect to on a merchant's behalf: public ones, and nothing else."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

PORTS = frozenset({443, 8443})
PLAIN_PORTS = frozenset({80, 8080})
MAX_LENGTH = 500

Address = IPv4Address | IPv6Address

_UNICAST = IPv6Network("2000::/3")  # All that is handed out to the public.
# Handed out for protocols, some of which Python's own list leaves out.
_OF_PROTOCOLS = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"))
_TRANSLATED = IPv6Network("64:ff9b::/96")  # NAT64: the last 32 bits are the IPv4 address behind it.
_NAME = re.compile(r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
_OURS = (".localhost", ".local", ".localdomain", ".internal", ".intranet", ".lan", ".home.arpa", ".onion")


class NotPublic(ValueError):
    """Says why nobody is asked at an address; the words are for the merchant."""


@dataclass(frozen=True, slots=True)
class Target:
    """An address taken apart once, so that what was checked is what is connected to."""

    scheme: str
    host: str
    port: int
    path: str  # With the query.


def read(url: str, *, loopback: bool, plain: bool = False, longest: int = MAX_LENGTH) -> Target:
    """Take an address apart; raises NotPublic, ValueError, for one that nobody is asked at.

    https to a public name or address on a usual port; `plain` takes http, too, and `loopback` also lets http
    and any port of this machine in, for development. A name is looked up, and what it stands for checked,
    each time it is connected to.
    """
    if len(url) > longest or not re.fullmatch(r"[\x21-\x5b\x5d-\x7e]+", url):
        raise NotPublic(f"An address has at most {longest} characters, all of them visible ASCII.")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError as error:
        raise NotPublic("This is not an address.") from error
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise NotPublic("Put no password into the address.")
    if parts.fragment or "#" in url:
        raise NotPublic("This address has no #fragment.")
    if parts.scheme not in ("https", "http"):
        raise NotPublic("The address has to begin with https://.")
    literal = _literal(host)
    here = loopback and (host == "localhost" or (literal is not None and _unwrapped(literal).is_loopback))
    if parts.scheme != "https" and not (plain or here):
        raise NotPublic("The address has to begin with https://.")
    port = port if port is not None else (443 if parts.scheme == "https" else 80)
    if not here:
        _check_host(host, literal)
        if port not in (PORTS if parts.scheme == "https" else PLAIN_PORTS) and not loopback:
            raise NotPublic("The port has to be 443 or 8443.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port, path)


def allowed(text: str, *, loopback: bool) -> bool:
    """Say whether we connect to an address that a name stands for."""
    try:
        address = _unwrapped(ip_address(text))
    except ValueError:
        return False
    return is_public(address) or (loopback and address.is_loopback)


def is_public(address: Address) -> bool:
    """Say whether an address belongs to the public internet, also one that is wrapped in another."""
    address = _unwrapped(address)
    if isinstance(address, IPv6Address) and (address not in _UNICAST or address.scope_id):
        return False
    if any(address in each for each in _OF_PROTOCOLS):
        return False
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_unspecified or address.is_loopback
    )


def _unwrapped(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one stands for, if it does: mapped, NAT64 or 6to4."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.sixtofour if address.sixtofour is not None else address


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _check_host(host: str, literal: Address | None) -> None:
    if literal is not None:
        if not is_public(literal):
            raise NotPublic("This address is not on the public internet.")
        return
    # A name of one word, or a number in another notation (0x7f.1, 2130706433), is nobody's out there.
    if not _NAME.fullmatch(host) or f".{host}".endswith(_OURS):
        raise NotPublic("The host has to be a public name, such as hooks.example.com (punycode for others).")
