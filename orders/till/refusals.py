"""What the till says no with, beside what offers, stock and pricing refuse themselves."""

from typing import Literal
from uuid import UUID

from commerce import errors
from commerce.money import Money
from orders import transactions


class PriceChanged(errors.Conflict):
    """The total is not what the buyer saw; `total` and `lines` say what it would be."""

    code = "PRICE_CHANGED"
    message = "The price has changed. Look at the new total first."


class CurrencyMismatch(errors.Conflict):
    """The total is in another currency than the goods."""

    code = "CURRENCY_MISMATCH"
    message = "These goods are sold in another currency."


class CardRequired(errors.Conflict):
    """There is no saved card to charge."""

    code = "CARD_REQUIRED"
    message = "Add a card first."


class AddressRequired(errors.Conflict):
    """There is no address to send to."""

    code = "ADDRESS_REQUIRED"
    message = "Add an address first."


class UnknownCard(errors.NotFound):
    message = "You have no such card."


class UnknownStream(errors.NotFound):
    message = "There is no such show."


class UnknownVariant(errors.NotFound):
    message = "There is no such product variant."


class UnknownCoupon(errors.NotFound):
    code = "UNKNOWN_COUPON"
    message = "You have not claimed such a coupon in this show."


class NotForSale(errors.Conflict):
    code = "NOT_FOR_SALE"
    message = "This is not for sale."


class HouseholdLimit(errors.Conflict):
    """Her address, or her card, has as many units of the offer as one household may have."""

    code = "HOUSEHOLD_LIMIT"
    message = "Your household has as many of this offer as one household may have."


CouponReason = Literal["used_up", "over", "not_for_these", "below_least", "nothing_off"]

_COUPON: dict[CouponReason, str] = {
    "used_up": "You have used this coupon as often as you may.",
    "over": "This coupon is over.",
    "not_for_these": "This coupon is not for these goods.",
    "below_least": "These goods cost less than this coupon asks for.",
    "nothing_off": "These goods are as cheap as they may be. Buy them without the coupon.",
}


class CouponSpent(errors.Conflict):
    """The coupon was used up, is over, is not for what is bought, or asks for more; `reason` says which."""

    code = "COUPON_NOT_USABLE"
    message = "This coupon cannot be used for this."

    def __init__(self, reason: CouponReason, *, coupon: UUID | None, least: Money | None = None) -> None:
        more = {} if least is None else {"least": least.as_dict()}
        super().__init__(_COUPON[reason], coupon=str(coupon), reason=reason, **more)


class MixedRelease(errors.Conflict):
    """A pre-order is charged when it is shipped, and other goods at once: one payment cannot do both."""

    code = "PREORDER_SEPARATELY"
    message = "A pre-order is paid when it is shipped. Buy it separately, from one seller at a time."


class PreorderTooEarly(errors.Conflict):
    """A card's promise lasts for a week: what comes later cannot be charged when it is shipped."""

    code = "PREORDER_TOO_EARLY"
    message = "This cannot be ordered yet. Pre-orders are taken in the last days before the release."


class TillsAhead(transactions.Busy):
    """Other tills that count the same took too long; stepping over their rows would refuse everybody."""


class TooLate(errors.Unavailable):
    """The line was so long that nothing was begun for this purchase."""

    message = "It took too long to reach the till. Nothing was done; try again."


class TillFull(errors.Unavailable):
    """More purchases wait than can be written in time; nothing was done."""

    message = "Too many people are buying at once. Nothing was done; try again."

    def __init__(self, *, retry_ms: int) -> None:
        super().__init__()
        self.retry_ms = retry_ms  # type: ignore[misc]  # as long as the line is
