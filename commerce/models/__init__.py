from commerce.models.cards import Card, Customer
from commerce.models.keys import IdempotencyKey, MerchantKey, MerchantKeyEvent, MerchantKeySecret
from commerce.models.ledger import LedgerTransaction, Posting
from commerce.models.outbox import Event, Notice
from commerce.models.parties import Address, Host, Merchant, MerchantMember, RiskTier, User
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
