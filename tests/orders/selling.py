"""A show that sells one merchant's goods, for tests of who is paid for them; it needs the simulator."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from catalog.models import Variant
from commerce import payees
from commerce.models import ConnectedAccount
from commerce.money import Money
from orders import fulfilment
from orders.aftersales import refunding
from orders.books import earning
from orders.models import Order, Payout
from orders.payouts import paying, sending
from orders.settling import charging
from streams.models import Stream
from tests.orders import make
from tests.stripe_server import StripeServer

PRICE, COMMISSION, REST = 2000, 200, 1700  # 10 % to the host, 5 % to the platform.
DAY = 86_400


def now(seconds: float = 0) -> datetime:
    return timezone.now() + timedelta(seconds=seconds)


def account(owner: payees.Owner, server: StripeServer, state: str = "enabled") -> ConnectedAccount:
    """An account whose owner has given all that is asked, as far as `state` says."""
    here = "http://127.0.0.1/here"
    payees.open_page(owner=owner, country="DE", back_to=here, again_at=here, now=now())
    row = payees.of(owner)
    assert row is not None and row.provider_id
    server.account(row.provider_id, state)
    known = payees.refresh(provider_id=row.provider_id, now=now())
    assert known is not None
    return known


class Trade:
    """A host's show with one merchant's goods, and both of their accounts."""

    def __init__(self, server: StripeServer) -> None:
        self.server = server
        self.goods: Variant = make.variant(amount=PRICE, stocked=100)
        self.stream: Stream = make.show(self.goods)
        self.host = account(payees.Owner(host_id=self.stream.host_id), server)
        self.merchant = account(payees.Owner(merchant_id=self.goods.merchant_id), server)

    def sell(self, *, earned: bool = True) -> Order:
        """Sell one piece, ship it, and let the time for returns pass."""
        purchase = make.basket((self.goods, 1), by=make.real_buyer(), stream=self.stream).go(now=now())
        charging.charge(purchase_id=purchase.id, now=now())
        order = Order.objects.get(purchase=purchase)
        parcel = {"carrier": "DHL", "tracking_number": "1", "tracking_url": ""}
        fulfilment.ship(merchant_id=order.merchant_id, order_id=order.id, now=now(), **parcel)
        if earned:
            earning.sweep(now=now(8 * DAY))
        return order

    def refund(self, order: Order, amount: int) -> None:
        refunding.refund(
            merchant_id=order.merchant_id,
            order_id=order.id,
            reason="x",
            actor=refunding.SYSTEM,
            amount=Money(amount, "EUR"),
            now=now(),
        )

    def begin(self, whose: ConnectedAccount) -> Payout | None:
        return paying.begin(account_id=whose.id, currency="EUR", now=now())

    def pay(self, whose: ConnectedAccount) -> Payout | None:
        payout = self.begin(whose)
        if payout is not None:
            sending.send_all(payout_id=payout.id, now=now())
            payout.refresh_from_db()
        return payout

    def arrived(self, whose: ConnectedAccount) -> int:
        """How much the provider says the account was sent."""
        wanted: Any = {"destination": whose.provider_id, "limit": 100}
        return sum(int(one.amount) for one in self.server.client().v1.transfers.list(wanted).data)
