"""The event log and the endpoints that webhooks go to."""

import fnmatch
import secrets
from urllib.parse import urlsplit

from commerce.stripe_simulator.calls import API_VERSION, Call, label
from commerce.stripe_simulator.refusals import Refused, Row

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def retrieve(call: Call) -> Row:
    """Return an event."""
    return call.the("event")


def index(call: Call) -> Row:
    """List events, newest first."""
    params = call.params
    types = params.get("types")
    if types is not None and "type" in params:
        raise Refused("You may only specify one of these parameters: type, types.", param="types")
    wildcard = "*" in params.get("type", "")
    delivered = params.get("delivery_success")

    def keep(row: Row) -> bool:
        return (
            (types is None or row["type"] in types)
            and (not wildcard or fnmatch.fnmatchcase(row["type"], params["type"]))
            and (delivered is None or delivered == (not row["_pending"]))
        )

    return call.page(
        "event", "/v1/events", where={"type": None if wildcard else params.get("type")}, keep=keep
    )


def check_url(url: str) -> str:
    """Return the address. Raises: Refused unless it is on this machine: the simulator speaks to nobody
    else.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or parts.hostname not in _LOOPBACK:
        raise Refused(
            "Invalid URL: the simulator sends webhooks to this machine only.", code="url_invalid", param="url"
        )
    return url


def new_endpoint(call: Call, url: str, enabled_events: list[str], **more: str) -> Row:
    """Return a fresh webhook endpoint, not saved yet."""
    row = call.new(
        "webhook_endpoint", url=check_url(url), enabled_events=enabled_events, status="enabled", **more
    )
    row["_secret"] = f"whsec_{secrets.token_hex(16)}"
    return row


def create_endpoint(call: Call) -> Row:
    """Register a webhook endpoint; its secret is told this once."""
    if not call.params["enabled_events"]:
        raise Refused("Name at least one event.", code="parameter_missing", param="enabled_events")
    if call.params.get("api_version", API_VERSION) != API_VERSION:
        raise Refused(f"This simulator only speaks {API_VERSION}.", param="api_version")
    row = new_endpoint(call, call.params["url"], call.params["enabled_events"])
    row["description"] = call.params.get("description") or None
    row["_connect"] = call.params.get("connect", False)
    label(row, call.params)
    call.store.save(row)
    return row | {"secret": row["_secret"]}


def retrieve_endpoint(call: Call) -> Row:
    """Return a webhook endpoint."""
    return call.the("webhook_endpoint")


def update_endpoint(call: Call) -> Row:
    """Change a webhook endpoint; a disabled one gets no further events."""
    row = call.the("webhook_endpoint")
    params = call.params
    if "url" in params:
        row["url"] = check_url(params["url"])
    if "enabled_events" in params:
        row["enabled_events"] = params["enabled_events"]
    if "description" in params:
        row["description"] = params["description"] or None
    if "disabled" in params:
        row["status"] = "disabled" if params["disabled"] else "enabled"
    label(row, params)
    return call.store.save(row)


def delete_endpoint(call: Call) -> Row:
    """Delete a webhook endpoint."""
    row = call.the("webhook_endpoint")
    gone = {"id": row["id"], "object": "webhook_endpoint", "deleted": True}
    return call.store.save(gone | {"created": row["created"], "enabled_events": [], "status": "disabled"})


def index_endpoints(call: Call) -> Row:
    """List webhook endpoints, newest first."""
    return call.page("webhook_endpoint", "/v1/webhook_endpoints")
