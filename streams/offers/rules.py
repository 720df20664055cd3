"""What an offer may be: its refusals, its numbers, and whether it sells at a moment."""

from datetime import datetime
from typing import NotRequired, TypedDict
from uuid import UUID

from commerce import errors
from streams import bodies
from streams.models import Offer

SECONDS = range(5, 24 * 3600 + 1)
_BOUNDS: dict[str, tuple[int, int]] = {
    "quota": (1, 1_000_000),
    "per_buyer": (1, 99),
    "per_household": (1, 99),
    "tries_per_minute": (1, 600),
    "admits_per_second": (1, 10_000),
    "turn_seconds": (15, 3600),
    "grace_seconds": (0, 600),
}


class UnknownOffer(errors.NotFound):
    message = "There is no such offer."


class OfferMismatch(errors.Conflict):
    code = "OFFER_MISMATCH"
    message = "This offer is not for this product."


class OfferNotStarted(errors.Conflict):
    code = "OFFER_NOT_STARTED"
    message = "The offer has not started yet."
    temporary = True
    retry_ms = 1000


class OfferEnded(errors.Conflict):
    code = "OFFER_ENDED"
    message = "The offer has ended."


class OfferSoldOut(errors.Conflict):
    code = "OUT_OF_STOCK"
    message = "Sold out: somebody was faster."


class CustomerLimit(errors.Conflict):
    code = "CUSTOMER_LIMIT"
    message = "You have as many of this offer as one buyer may have."


class OfferAlreadyOpen(errors.Conflict):
    code = "OFFER_ALREADY_OPEN"
    message = "An offer for this product is running then. End it first."


class OfferAnnounced(errors.Conflict):
    code = "OFFER_ANNOUNCED"
    message = "Another offer for this product is announced for that time. End it first."


class PriceAboveList(errors.Invalid):
    code = "PRICE_ABOVE_LIST"
    message = "A live price may not be above the list price."


class PriceBelowFloor(errors.Conflict):
    code = "PRICE_BELOW_FLOOR"
    message = "The merchant does not sell this below a higher price."


class ReferenceNotProven(errors.Conflict):
    code = "REFERENCE_NOT_PROVEN"
    message = "Only the lowest price of the last 30 days may be struck through."


class BadOffer(errors.Invalid):
    message = "The offer is not valid."


class Asked(TypedDict):
    """What a host asks for: amounts in minor units, a window in seconds, limits that may be left out.

    `reference` may only repeat what the recorded prices prove; left out, that is what is shown.
    """

    item_id: UUID
    amount: int
    quota: int
    seconds: int
    variant_id: NotRequired[UUID | None]
    reference: NotRequired[int | None]
    per_buyer: NotRequired[int]
    per_household: NotRequired[int | None]
    tries_per_minute: NotRequired[int | None]
    admits_per_second: NotRequired[int | None]
    turn_seconds: NotRequired[int]
    grace_seconds: NotRequired[int]
    takes_coupons: NotRequired[bool]


def check(asked: Asked) -> None:
    """Check the numbers; raises BadOffer, which names those that are wrong."""
    wrong = {} if asked["amount"] > 0 else {"amount": "above zero"}
    if asked["seconds"] not in SECONDS:
        wrong["seconds"] = f"between {SECONDS.start} and {SECONDS[-1]}"
    for field, (least, most) in _BOUNDS.items():
        value = asked.get(field)
        if value is not None and not (isinstance(value, int) and least <= value <= most):
            wrong[field] = f"between {least} and {most}"
    if wrong:
        raise BadOffer(errors=wrong)


def check_window(offer: Offer, now: datetime) -> None:
    """Check that an offer sells at this moment; raises OfferSoldOut, OfferEnded, OfferNotStarted."""
    if offer.status == Offer.Status.ENDED and offer.reason == Offer.Reason.SOLD_OUT and now < offer.closes_at:
        raise OfferSoldOut(offer=str(offer.id), left=0)
    if offer.status == Offer.Status.ENDED or now >= offer.closes_at:
        raise OfferEnded(offer=str(offer.id), reason=offer.reason or Offer.Reason.TIME)
    if now < offer.opens_at:
        raise OfferNotStarted(offer=str(offer.id), starts_at=bodies.unix_ms(offer.opens_at))
