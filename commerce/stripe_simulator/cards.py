"""Stripe's test cards by the ids it publishes (https://docs.stripe.com/testing), and what each does.

Only cards whose behaviour is simulated are listed; any other id is refused as unknown.
"""

from dataclasses import dataclass
from typing import Literal

from commerce.stripe_simulator.refusals import Row


@dataclass(frozen=True)
class Decline:
    """Why a card says no, in Stripe's words."""

    code: str
    message: str
    decline_code: str | None = None

    def row(self) -> Row:
        """Return the fields that the API's card errors carry."""
        return {
            "code": self.code,
            "message": self.message,
            "decline_code": self.decline_code,
            "type": "card_error",
        }


@dataclass(frozen=True)
class Claim:
    """What the cardholder will tell her bank; an inquiry asks before it takes the money."""

    reason: str
    network_code: str
    inquiry: bool = False


Authentication = Literal["never", "unless_set_up", "always"]


@dataclass(frozen=True)
class Card:
    """One test card. `on_attach` declines when it is saved, `on_charge` when money is asked for; `claim` is
    disputed as soon as it has paid, `refunds` says how refunds end, `at_once` makes the money available.
    """

    title: str
    brand: str = "visa"
    last4: str = "4242"
    funding: str = "credit"
    on_attach: Decline | None = None
    on_charge: Decline | None = None
    authentication: Authentication = "never"
    claim: Claim | None = None
    refunds: Literal["succeed", "wait", "fail"] = "succeed"
    at_once: bool = False


GENERIC = Decline("card_declined", "Your card was declined.", "generic_decline")
FUNDS = Decline("card_declined", "Your card has insufficient funds.", "insufficient_funds")
LOST = Decline("card_declined", "Your card was declined.", "lost_card")
STOLEN = Decline("card_declined", "Your card was declined.", "stolen_card")
VELOCITY = Decline(
    "card_declined",
    "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
    "card_velocity_exceeded",
)
EXPIRED = Decline("expired_card", "Your card has expired.", "expired_card")
CVC = Decline("incorrect_cvc", "Your card's security code is incorrect.", "incorrect_cvc")
PROCESSING = Decline(
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
    "processing_error",
)
UNAUTHENTICATED = Decline(
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
    "authentication_required",
)
FAILED_AUTHENTICATION = (
    "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new "
    "PaymentMethod to attempt to fulfill this PaymentIntent again."
)


def _always(title: str, last4: str, decline: Decline) -> Card:
    """A card that says no both when it is saved and when it is charged."""
    return Card(title, last4=last4, on_attach=decline, on_charge=decline)


CARDS: dict[str, Card] = {
    "pm_card_visa": Card("Pays"),
    "pm_card_visa_debit": Card("Pays", last4="5556", funding="debit"),
    "pm_card_mastercard": Card("Pays", "mastercard", "4444"),
    "pm_card_mastercard_debit": Card("Pays", "mastercard", "8210", "debit"),
    "pm_card_amex": Card("Pays", "amex", "8431"),
    "pm_card_discover": Card("Pays", "discover", "9424"),
    "pm_card_chargeCustomerFail": Card(
        "Saves, then every payment is declined", last4="0341", on_charge=GENERIC
    ),
    "pm_card_visa_chargeDeclined": _always("Declined at once", "0002", GENERIC),
    "pm_card_chargeDeclined": _always("Declined at once", "0002", GENERIC),
    "pm_card_visa_chargeDeclinedInsufficientFunds": _always("Declined, no funds", "9995", FUNDS),
    "pm_card_chargeDeclinedInsufficientFunds": _always("Declined, no funds", "9995", FUNDS),
    "pm_card_visa_chargeDeclinedLostCard": _always("Declined, lost card", "9987", LOST),
    "pm_card_visa_chargeDeclinedStolenCard": _always("Declined, stolen card", "9979", STOLEN),
    "pm_card_visa_chargeDeclinedVelocityLimitExceeded": _always("Declined, too often", "6975", VELOCITY),
    "pm_card_chargeDeclinedExpiredCard": _always("Declined, expired", "0069", EXPIRED),
    "pm_card_chargeDeclinedIncorrectCvc": _always("Declined, wrong security code", "0127", CVC),
    "pm_card_chargeDeclinedProcessingError": _always("Declined, processing error", "0119", PROCESSING),
    "pm_card_createDispute": Card(
        "Pays, then is disputed as fraud", last4="0259", claim=Claim("fraudulent", "10.4")
    ),
    "pm_card_createDisputeProductNotReceived": Card(
        "Pays, then is disputed as not received", last4="2685", claim=Claim("product_not_received", "13.1")
    ),
    "pm_card_createDisputeInquiry": Card(
        "Pays, then the bank inquires", last4="1976", claim=Claim("fraudulent", "10", inquiry=True)
    ),
    "pm_card_pendingRefund": Card("Pays; a refund waits, then succeeds", last4="7726", refunds="wait"),
    "pm_card_refundFail": Card("Pays; a refund succeeds, then fails", last4="5126", refunds="fail"),
    "pm_card_bypassPending": Card("Pays; the money is available at once", last4="0077", at_once=True),
    "pm_card_authenticationRequired": Card(
        "Asks for 3D Secure at every payment", last4="3184", authentication="always"
    ),
    "pm_card_authenticationRequiredOnSetup": Card(
        "Asks for 3D Secure once, when it is saved", last4="3155", authentication="unless_set_up"
    ),
    "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds": Card(
        "Asks for 3D Secure, then has no funds", last4="3178", authentication="always", on_charge=FUNDS
    ),
}

# What the card sheet offers, in this order.
OFFERED = (
    "pm_card_visa",
    "pm_card_mastercard",
    "pm_card_amex",
    "pm_card_authenticationRequired",
    "pm_card_authenticationRequiredOnSetup",
    "pm_card_chargeCustomerFail",
    "pm_card_visa_chargeDeclined",
    "pm_card_visa_chargeDeclinedInsufficientFunds",
)


def by_token(token: str) -> str | None:
    """Return the payment method id that stands for a test token such as `tok_visa`."""
    name = "pm_card_" + token.removeprefix("tok_")
    return name if token.startswith("tok_") and name in CARDS else None
