"""What the provider says, as plain values."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from commerce.money import Money

# declined: the card said no, another may be tried. held: authorised, not captured.
IntentStatus = Literal["processing", "requires_action", "held", "succeeded", "declined", "cancelled"]
RefundStatus = Literal["pending", "succeeded", "failed"]


@dataclass(frozen=True, slots=True)
class Intent:
    """One attempt to charge, as it stands at the provider."""

    id: str
    status: IntentStatus
    amount: Money
    received: Money
    payment_id: UUID | None  # ours, from the metadata
    purchase_id: UUID | None
    charge_id: str | None
    decline_code: str | None
    message: str | None  # why it was declined, in words for the buyer
    livemode: bool
    # Opens the buyer's step at her bank: for her alone, never stored or logged.
    client_secret: str | None = field(repr=False)
    sheet_url: str | None = field(repr=False)  # the simulator's page for that step; None with Stripe itself


@dataclass(frozen=True, slots=True)
class RefundResult:
    """One refund, as it stands at the provider."""

    id: str
    status: RefundStatus
    amount: Money
    intent_id: str | None
    charge_id: str | None
    failure: str | None
    refund_id: UUID | None  # ours, from the metadata


@dataclass(frozen=True, slots=True)
class Dispute:
    """A charge that the buyer's bank wants back, or has taken back."""

    id: str
    status: str  # needs_response, under_review, won, lost; warning_... while no money was taken
    reason: str
    amount: Money
    charge_id: str
    intent_id: str | None
    due_at: datetime | None  # evidence is taken until then
    withdrawn: int = 0  # minor units that the bank has taken; the provider's fee is not in it
    reinstated: int = 0  # minor units that it has given back
    settled_in: str = ""  # the currency in which it moved money, where that is not the charge's
    submissions: int = 0  # times that evidence was given to the bank


@dataclass(frozen=True, slots=True)
class Account:
    """A merchant's or a host's account that is connected to ours."""

    id: str
    charges_enabled: bool
    payouts_enabled: bool
    transfers_enabled: bool  # money can be sent to it
    details_submitted: bool
    due: list[str]  # what its owner has to give
    pending: list[str]  # what the provider looks at
    disabled_reason: str
    account_id: UUID | None  # ours, from the metadata


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money of a charge that was sent on to a connected account."""

    id: str
    amount: Money
    reversed: int  # minor units that came back
    destination: str
    charge_id: str | None
    leg_id: UUID | None  # ours, from the metadata


@dataclass(frozen=True, slots=True)
class Reversal:
    """Money of a transfer that came back from a connected account."""

    id: str
    amount: Money
    transfer_id: str
    reversal_id: UUID | None  # ours, from the metadata


@dataclass(frozen=True, slots=True)
class Movement:
    """Money that moved on our account at the provider; `amount` is negative when it left."""

    id: str
    kind: str  # charge, refund, refund_failure, adjustment, payout, stripe_fee, ...
    source: str  # what it is of: a charge, a refund, a dispute; empty when of nothing
    amount: Money
    fee: Money  # what the provider keeps of it
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Card:
    """A saved card, as far as a buyer may be shown it."""

    id: str
    customer: str | None
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Setup:
    """A card being saved: `card` is its id once that has succeeded."""

    id: str
    succeeded: bool
    customer: str | None
    card: str | None
    livemode: bool
    client_secret: str | None = field(repr=False)
    sheet_url: str | None = field(repr=False)  # the simulator's card sheet; None with Stripe itself


@dataclass(frozen=True, slots=True)
class Notice:
    """An event of the provider: a hint to look again, not the truth. `payload` is without client secrets."""

    id: str
    type: str
    created: datetime
    livemode: bool
    account: str | None
    object_kind: str
    object_id: str
    payload: dict[str, Any] = field(repr=False)
    api_version: str = ""
