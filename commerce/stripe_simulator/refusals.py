"""Errors in the shape of Stripe's API (https://docs.stripe.com/api/errors)."""

from typing import Any

Row = dict[str, Any]

DOCS = "https://docs.stripe.com/error-codes/"


class Refused(Exception):
    """An answer other than 200. `commits` keeps what was written before it was raised (a declined charge is
    a fact).
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        commits: bool = False,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.commits = commits
        self.error: Row = {"message": message, "type": type}
        if code is not None:
            self.error |= {"code": code, "doc_url": DOCS + code.replace("_", "-")}
        if param is not None:
            self.error["param"] = param
        self.error |= {name: value for name, value in more.items() if value is not None}


def missing(kind: str, given: str, param: str, *, status: int = 400) -> Refused:
    """Return the refusal of an id which names nothing; 404 when it stands in the path."""
    name = {"payment_method": "PaymentMethod", "event": "notification event"}.get(kind, kind)
    return Refused(f"No such {name}: '{given}'", code="resource_missing", param=param, status=status)


def unknown_parameter(path: str) -> Refused:
    """Return the refusal of a parameter that the API does not have."""
    return Refused(f"Received unknown parameter: {path}", code="parameter_unknown", param=path)


def not_simulated(path: str) -> Refused:
    """Return the refusal of a parameter that Stripe has and this server does not act on: better than
    ignoring it.
    """
    return Refused(
        f"Stripe knows the parameter {path}, but this simulator does not act on it.",
        code="parameter_not_simulated",
        param=path,
    )


def card_error(decline: Row, **more: Any) -> Refused:
    """Return the 402 for a card that said no; what happened until then stays."""
    return Refused(
        str(decline["message"]),
        status=402,
        type="card_error",
        code=str(decline["code"]),
        commits=True,
        decline_code=decline.get("decline_code"),
        charge=decline.get("charge"),
        payment_method=decline.get("payment_method"),
        **more,
    )


def internal() -> Refused:
    """Return the plain 500 of the API."""
    return Refused("An unknown error occurred (simulated).", status=500, type="api_error")
