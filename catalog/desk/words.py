"""How the catalog's screens say states and how long something takes."""

from datetime import datetime

from catalog.bodies import Body

_STATES = {
    "queued": ("Waiting", ""),
    "running": ("Under way", "scheduled"),
    "done": ("Done", "good"),
    "failed": ("Failed", "bad"),
    "cancelled": ("Stopped", ""),
    "expired": ("Not kept any more", ""),
    "draft": ("Draft", ""),
    "in_review": ("In review", "scheduled"),
    "approved": ("On sale", "good"),
    "retired": ("Retired", ""),
}


def status(name: str) -> tuple[str, str]:
    """Return a state in words, and the colour of its mark."""
    return _STATES.get(name, (name.replace("_", " ").capitalize(), ""))


def standing(body: Body) -> tuple[str, str]:
    """Return a product's state in words: what nobody can buy for want of a price is not on sale."""
    has_price = any(each["is_active"] and each["price"] for each in body["variants"])
    if body["status"] == "approved" and not has_price:
        return ("No price yet", "scheduled")
    return status(body["status"])


def between(start: datetime | None, end: datetime | None) -> str:
    """Write how long something took, pauses included; "" for what has not ended."""
    return duration((end - start).total_seconds()) if start and end else ""


def duration(seconds: float | None) -> str:
    """Write seconds such as "1 min 20 s"; "" for None."""
    if seconds is None:
        return ""
    whole = max(1, round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, rest = divmod(rest, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
