"""What can go wrong between us and the provider, translated once."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import stripe
import structlog
import urllib3

from commerce import errors
from commerce.gateway import pacing

log = structlog.get_logger(__name__)

# These happen before a single byte of the request is sent.
_NOT_SENT = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    pacing.NotAsked,
    ssl.SSLCertVerificationError,
)


class Unavailable(errors.Unavailable):
    """The provider cannot be reached or asks us to slow down. Nothing was done."""

    message = "Payments are not available right now. Nothing was done; try again."


class Misconfigured(Unavailable):
    """The provider does not know our key or does not let it do this: our fault, not the buyer's card."""


class UnknownOutcome(errors.Unavailable):
    """No usable answer came, and it may have been done. Ask again with the same key and the same values."""

    message = "The payment provider has not answered yet. Try again in a moment."


class Refused(Exception):
    """The provider will not take this request, however often it is sent: a bug, a setting, or something
    gone.
    """

    def __init__(self, message: str, *, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.param = param


class Missing(Refused):
    """The provider has no such thing, or not for this customer."""


class Declined(errors.Refusal):
    """The card cannot be saved: its bank said no."""

    status = 402
    code = "PAYMENT_DECLINED"
    message = "Your card was declined."


@contextmanager
def translated(*, reading: bool = False) -> Iterator[None]:
    """Turn the SDK's errors into ours; a read which fails has done nothing, so it is never of unknown
    outcome.
    """
    try:
        yield
    except stripe.StripeError as error:
        failure = translate(error)
        if reading and isinstance(failure, UnknownOutcome):
            failure = Unavailable()
        raise failure from error


def translate(error: stripe.StripeError) -> Exception:
    """Return our exception for one of the SDK's."""
    status = error.http_status or 0
    told = error.error
    code, param = (told.code, told.param) if told is not None else (None, None)
    message = error.user_message or type(error).__name__
    match error:
        case stripe.APIConnectionError():
            return Unavailable() if _was_not_sent(error) else UnknownOutcome()
        case stripe.RateLimitError():
            return Unavailable()
        case stripe.CardError():
            decline_code = (told.decline_code if told is not None else None) or code
            return Declined(message, decline_code=decline_code)
        case stripe.IdempotencyError():
            return Refused(message, code="idempotency_mismatch")
        case stripe.InvalidRequestError() if code == "resource_missing":
            return Missing(message, code=code, param=param)
        case stripe.AuthenticationError() | stripe.PermissionError():
            log.error("gateway.misconfigured", status=status, message=message)
            return Misconfigured()
        case stripe.InvalidRequestError():
            return Refused(message, code=code or f"http_{status}", param=param)
    # 409: the same key is being worked on right now. Below 400: an answer that cannot be read.
    if 400 <= status < 500 and status != 409:
        return Refused(message, code=code or f"http_{status}", param=param)
    return UnknownOutcome()


def _was_not_sent(error: BaseException) -> bool:
    """Say whether the connection was never made."""
    seen: set[int] = set()
    open_: list[object] = [error]
    while open_:
        one = open_.pop()
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, _NOT_SENT):
            return True
        open_ += [one.__cause__, one.__context__, getattr(one, "reason", None)]
    return False
