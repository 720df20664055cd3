"""A buyer with a card at the simulated provider."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest

from commerce import gateway
from commerce.money import Money
from tests.stripe_server import StripeServer

TEN = Money(1000, "EUR")


@dataclass
class Buyer:
    """A customer at the provider, and how she pays."""

    customer: str
    card: str

    def pay(
        self,
        *,
        key: str | None = None,
        card: str | None = None,
        amount: Money = TEN,
        payment_id: UUID | None = None,
    ) -> gateway.Intent:
        """Charge her card; the key is the payment's id unless given."""
        payment_id = payment_id or uuid4()
        return gateway.charge(
            key=key or str(payment_id),
            amount=amount,
            customer=self.customer,
            card=card or self.card,
            payment_id=payment_id,
            purchase_id=uuid4() if key is None else UUID(int=7),
        )


@pytest.fixture
def buyer(stripe_server: StripeServer) -> Buyer:
    """A buyer whose saved card pays."""
    customer = gateway.ensure_customer(user_id=uuid4(), email="ana@example.com", name="Ana")
    return Buyer(customer, gateway.attach(customer=customer, card_id="pm_card_visa").id)
