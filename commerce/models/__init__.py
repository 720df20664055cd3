from commerce.models.cards import Card, Customer
from commerce.models.keys import IdempotencyKey, MerchantKey, MerchantKeyEvent, MerchantKeySecret
from commerce.models.ledger import LedgerTransaction, Posting
from commerce.models.members import MemberEvent, MemberInvitation, MerchantMember
from commerce.models.outbox import Event, Notice
from commerce.models.parties import Address, Host, Merchant, RiskTier, User
from commerce.models.payees import ConnectedAccount
from commerce.models.webhooks import (
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookMessage,
    WebhookSecret,
)

__all__ = [
    "Address",
    "Card",
    "ConnectedAccount",
    "Customer",
    "Event",
    "Host",
    "IdempotencyKey",
    "LedgerTransaction",
    "MemberEvent",
    "MemberInvitation",
    "Merchant",
    "MerchantKey",
    "MerchantKeyEvent",
    "MerchantKeySecret",
    "MerchantMember",
    "Notice",
    "Posting",
    "RiskTier",
    "User",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookMessage",
    "WebhookSecret",
]
