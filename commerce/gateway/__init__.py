"""The way to the payment provider: the only place that speaks Stripe's language (docs/stripe-simulator.md).

Everything goes in and comes out as plain values of ours; no type of the SDK leaves this package. Each call
raises only `Unavailable` (nothing was done, try later), `UnknownOutcome` (it may have been done: ask again
with the same key), `Refused` (this request will never be taken) and, where a card is saved, `Declined`.
"""

from commerce.gateway.accounts import account_link, create_account, find_account, retrieve_account
from commerce.gateway.answers import (
    Account,
    Card,
    Dispute,
    Intent,
    IntentStatus,
    Movement,
    Notice,
    RefundResult,
    RefundStatus,
    Reversal,
    Setup,
    Transfer,
)
from commerce.gateway.balance import movements_since
from commerce.gateway.cards import (
    attach,
    card,
    cards,
    detach,
    ensure_customer,
    retrieve_setup,
    setup,
)
from commerce.gateway.connection import is_live, is_simulated
from commerce.gateway.disputes import retrieve_dispute, submit_evidence
from commerce.gateway.failures import (
    Declined,
    Misconfigured,
    Missing,
    Refused,
    Unavailable,
    UnknownOutcome,
)
from commerce.gateway.notices import BadSignature, events_since, read_notice
from commerce.gateway.pacing import is_resting
from commerce.gateway.payments import cancel, capture, charge, find, intents_since, retrieve
from commerce.gateway.refunds import find_refund, refund, refunds_of, retrieve_refund
from commerce.gateway.transfers import find_reversal, find_transfer, reverse, transfer

__all__ = [
    "Account",
    "BadSignature",
    "Card",
    "Declined",
    "Dispute",
    "Intent",
    "IntentStatus",
    "Misconfigured",
    "Missing",
    "Movement",
    "Notice",
    "RefundResult",
    "RefundStatus",
    "Refused",
    "Reversal",
    "Setup",
    "Transfer",
    "Unavailable",
    "UnknownOutcome",
    "account_link",
    "attach",
    "cancel",
    "capture",
    "card",
    "cards",
    "charge",
    "create_account",
    "detach",
    "ensure_customer",
    "events_since",
    "find",
    "find_account",
    "find_refund",
    "find_reversal",
    "find_transfer",
    "intents_since",
    "is_live",
    "is_resting",
    "is_simulated",
    "movements_since",
    "read_notice",
    "refund",
    "refunds_of",
    "retrieve",
    "retrieve_account",
    "retrieve_dispute",
    "retrieve_refund",
    "retrieve_setup",
    "reverse",
    "setup",
    "submit_evidence",
    "transfer",
]
