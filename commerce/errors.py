"""Refusals: what the domain says no to, with one stable code for HTTP and the socket alike.

A refusal class stands beside the verb that raises it and subclasses one of the kinds below. The kind gives
the HTTP status, the class gives the code, `data` gives the numbers a client needs. `temporary` means that the
same request may be sent again after `retry_ms`.
"""

from typing import Any, ClassVar


def titled(code: str) -> str:
    """Write a code as the title of a problem, such as "Import finished"."""
    return code.replace("_", " ").capitalize()


class Refusal(Exception):
    """An anticipated no. Subclasses set `code` and `message`; keyword arguments become `data`."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "BAD_REQUEST"
    message: ClassVar[str] = "The request cannot be carried out."
    temporary: ClassVar[bool] = False
    retry_ms: ClassVar[int | None] = None

    def __init__(self, message: str | None = None, **data: Any) -> None:
        self.text = message or self.message
        self.data = data
        super().__init__(self.text)


class Invalid(Refusal):
    """The request is malformed or breaks a rule of its fields (400)."""

    status = 400
    code = "BAD_REQUEST"
    message = "The request is not valid."


class Unauthenticated(Refusal):
    """Nobody is signed in, or the key is unknown (401)."""

    status = 401
    code = "UNAUTHENTICATED"
    message = "Sign in first."


class Forbidden(Refusal):
    """Known, but not allowed (403)."""

    status = 403
    code = "FORBIDDEN"
    message = "You may not do this."


class NotFound(Refusal):
    """No such thing for this caller (404); another tenant's thing is also not found."""

    status = 404
    code = "NOT_FOUND"
    message = "There is no such thing."


class Conflict(Refusal):
    """The state of things forbids it now (409)."""

    status = 409
    code = "CONFLICT"
    message = "This conflicts with the current state."


class TooLarge(Refusal):
    """The body is larger than is taken (413)."""

    status = 413
    code = "TOO_LARGE"
    message = "The request body is too large."


class TooMany(Refusal):
    """Too many requests (429)."""

    status = 429
    code = "RATE_LIMITED"
    message = "Too many requests. Slow down."
    temporary = True
    retry_ms = 1000


class Unavailable(Refusal):
    """A part of ours is down or busy; nothing was done (503)."""

    status = 503
    code = "UNAVAILABLE"
    message = "This is not available right now. Nothing was done; try again."
    temporary = True
    retry_ms = 1000
