"""Buyers, goods and purchases for tests of the trade, made as plainly as they can be."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import httpx
from django.core.management import call_command

from catalog.models import Price, Product, ProductImage, Stock, StockMovement, Variant
from catalog.shelf import stock
from commerce import gateway
from commerce.models import Address, Card, Customer, Event, Host, Merchant, User
from commerce.money import Money
from orders import audit, checkout, quotes
from orders.models import Payment, Purchase
from streams import coupons, offers, pins, showcase, shows
from streams.models import Coupon, Offer, ShowcaseItem, Stream
from tests.stripe_server import StripeServer

NOW = datetime(2030, 5, 1, 18, 0, tzinfo=UTC)
_numbers = count(1)


def coupon(stream: Stream, merchant: Merchant, **more: Any) -> Coupon:
    """Open a coupon of the merchant in the show: a tenth off, for anybody, unless told otherwise."""
    asked = {
        "merchant_id": merchant.id,
        "code": f"MIRA-{next(_numbers)}",
        "percent_bp": 1000,
        "amount_off": None,
        "min_amount": 0,
        "quota": 10,
        "per_buyer": 1,
        "seconds": 3600,
        **more,
    }
    return coupons.create(host_id=stream.host_id, stream_id=stream.id, new=coupons.New(**asked), now=NOW)


def after(seconds: float) -> datetime:
    """Return NOW plus seconds."""
    return NOW + timedelta(seconds=seconds)


def user(name: str = "Noa") -> User:
    """Return a new user without card or address."""
    return User.objects.create(email=f"{name.lower()}{next(_numbers)}@example.com", name=name, password="!")


def address(owner: User) -> Address:
    """Give a user an address."""
    return Address.objects.create(
        user=owner,
        name=owner.name,
        line1="Lindenweg 4",
        city="Bremen",
        postal_code="28195",
        country="DE",
        is_default=True,
    )


def card(owner: User, *, provider_id: str = "", default: bool = True) -> Card:
    """Give a user a card; without a provider's id it is one that the provider does not know."""
    Customer.objects.get_or_create(user=owner, defaults={"provider_id": f"cus_{uuid4().hex}"})
    return Card.objects.create(
        user=owner,
        provider_id=provider_id or f"pm_{uuid4().hex}",
        brand="visa",
        last4="4242",
        exp_month=12,
        exp_year=2034,
        is_default=default,
    )


def buyer(name: str = "Noa") -> User:
    """Return a new user with an address and a card."""
    made = user(name)
    address(made)
    card(made)
    return made


def real_card(owner: User, token: str = "pm_card_visa", *, default: bool = True) -> Card:
    """Give a user a test card that the provider knows; needs the simulator."""
    if not Customer.objects.filter(user=owner).exists():
        known = gateway.ensure_customer(user_id=owner.id, email=owner.email, name=owner.name)
        Customer.objects.create(user=owner, provider_id=known)
    saved = gateway.attach(customer=owner.customer.provider_id, card_id=token)
    return card(owner, provider_id=saved.id, default=default)


def real_buyer(token: str = "pm_card_visa", name: str = "Noa") -> User:
    """Return a new user with an address and a test card that the provider knows."""
    made = user(name)
    address(made)
    real_card(made, token)
    return made


def answer_bank(server: StripeServer, client_secret: str, outcome: str = "complete") -> None:
    """Answer the bank's question as the buyer would on its page."""
    form = {"client_secret": client_secret, "outcome": outcome}
    httpx.post(f"{server.url}/sheet/3ds", data=form, trust_env=False).raise_for_status()


def merchant(name: str = "Atelier Sol", *, commission_bp: int = 1_000, fee_bp: int = 500) -> Merchant:
    """Return a new merchant."""
    return Merchant.objects.create(
        name=name,
        slug=f"merchant-{next(_numbers)}",
        host_commission_bp=commission_bp,
        platform_fee_bp=fee_bp,
    )


def variant(
    *,
    stocked: int = 10,
    amount: int = 1999,
    currency: str = "EUR",
    seller: Merchant | None = None,
    product: Product | None = None,
    title: str = "Red",
) -> Variant:
    """Return a new variant with a price and units in stock, of a new product unless one is given."""
    seller = seller or (product.merchant if product else merchant())
    if product is None:
        handle = f"lipstick-{next(_numbers)}"
        product = Product.objects.create(
            merchant=seller, handle=handle, title="Velvet lipstick", status=Product.Status.APPROVED
        )
        ProductImage.objects.create(merchant=seller, product=product, url=f"/pictures/{handle}.svg")
    made = Variant.objects.create(
        merchant=seller, product=product, title=title, sku=f"SKU-{next(_numbers)}", options={"Shade": title}
    )
    Price.objects.create(merchant=seller, variant=made, amount=amount, currency=currency, valid_from=NOW)
    stock.begin(
        merchant_id=seller.id, units={made.id: stocked}, reason=StockMovement.Reason.SET, note="", now=NOW
    )
    return made


def host(name: str = "Mira") -> Host:
    """Return a new host with a user of her own."""
    return Host.objects.create(user=user(name), name=name, slug=f"{name.lower()}-{next(_numbers)}")


def show(*goods: Variant, live: bool = True, now: datetime = NOW) -> Stream:
    """Return a show with the products of these variants in its showcase, live since `now`."""
    owner = host()
    stream = shows.plan(host_id=owner.id, title="Evening glow", starts_at=now)
    for product_id in dict.fromkeys(each.product_id for each in goods):
        showcase.add(host_id=owner.id, stream_id=stream.id, product_id=product_id, now=now)
    if live:
        stream = shows.go_live(host_id=owner.id, stream_id=stream.id, now=now)
    return stream


def item(stream: Stream, of: Variant) -> ShowcaseItem:
    """Return the show's item of a variant's product."""
    return ShowcaseItem.objects.get(stream=stream, product_id=of.product_id, removed_at=None)


def pin(stream: Stream, of: Variant, *, now: datetime = NOW) -> None:
    """Pin the item of a variant's product."""
    pins.pin(host_id=stream.host_id, stream_id=stream.id, item_id=item(stream, of).id, now=now)


def offer(
    stream: Stream,
    of: Variant,
    *,
    amount: int = 999,
    quota: int = 5,
    per_buyer: int = 1,
    seconds: int = 60,
    now: datetime = NOW,
) -> Offer:
    """Open an offer on a variant's product."""
    return offers.open(
        host_id=stream.host_id,
        stream_id=stream.id,
        item_id=item(stream, of).id,
        amount=amount,
        quota=quota,
        per_buyer=per_buyer,
        seconds=seconds,
        now=now,
    )


@dataclass
class Basket:
    """What is bought in a test; `go` buys it."""

    buyer: User
    lines: list[quotes.Wanted]
    total: Money
    key: UUID
    stream: Stream | None = None
    card: Card | None = None
    seen: tuple[str, int] | None = None

    def go(self, *, now: datetime = NOW) -> Purchase:
        """Buy it and return the purchase."""
        return self.again(now=now)[0]

    def again(self, *, now: datetime = NOW) -> tuple[Purchase, bool]:
        """Buy it and return the purchase, and whether it was bought before."""
        return checkout.buy(
            buyer_id=self.buyer.id,
            key=self.key,
            lines=self.lines,
            expect_total=self.total,
            card_id=self.card.id if self.card else None,
            stream_id=self.stream.id if self.stream else None,
            seen=self.seen,
            now=now,
        )


def basket(
    *wanted: tuple[Variant, int] | tuple[Variant, int, Offer],
    by: User | None = None,
    stream: Stream | None = None,
    total: int | None = None,
    **more: Any,
) -> Basket:
    """Return a basket of (variant, quantity) and (variant, quantity, offer), with the total it costs now."""
    lines, amount, currency = [], 0, "EUR"
    for each, quantity, *at in wanted:
        price = at[0] if at else Price.objects.get(variant=each, valid_to=None)
        amount, currency = amount + price.amount * quantity, price.currency
        lines.append(quotes.Wanted(each.id, quantity, at[0].id if at else None))
    return Basket(
        buyer=by or buyer(),
        lines=lines,
        total=Money(amount if total is None else total, currency),
        key=more.pop("key", None) or uuid4(),
        stream=stream,
        **more,
    )


def left(of: Variant) -> int:
    """Return the units of a variant that can still be promised."""
    return Stock.objects.get(pk=of.id).available


def stock_of(variant_id: UUID) -> int:
    """Return the units of a variant, by its id, that can still be promised."""
    return Stock.objects.get(pk=variant_id).available


def events(name: str) -> list[dict[str, Any]]:
    """Return the payloads of the recorded events of that name, in order; each of what moved together."""
    payloads = [event.payload for event in Event.objects.filter(name=name).order_by("id")]
    if name != "purchase.moved":
        return payloads
    return [moved for payload in payloads for moved in payload.get("purchases", [payload])]


def broken() -> list[str]:
    """Return the names of the audit's checks that find something."""
    return [finding.name for finding in audit.run() if finding.broken]


def audited() -> None:
    """Run the audit command as an operator would; it exits with 1 when anything is off."""
    call_command("audit")


def sent(purchase: Purchase, number: int = 1) -> Payment:
    """A payment that the provider was asked for and that has not been answered."""
    return Payment.objects.create(
        purchase=purchase,
        number=number,
        card=purchase.card,
        amount=purchase.amount,
        currency=purchase.currency,
        customer=purchase.card.user.customer.provider_id,
        status=Payment.Status.SENT,
        sent_at=after(1),
    )


def said(payment: Payment, status: Any, **more: Any) -> gateway.Intent:
    """The provider's word on a payment."""
    amount = Money(payment.amount, payment.currency)
    declined = status == "declined"
    return gateway.Intent(
        **{
            "id": f"pi_{payment.id.hex}",
            "status": status,
            "amount": amount,
            "received": amount if status == "succeeded" else Money(0, payment.currency),
            "payment_id": payment.id,
            "purchase_id": payment.purchase_id,
            "charge_id": f"ch_{payment.id.hex}" if status in ("succeeded", "declined") else None,
            "decline_code": "insufficient_funds" if declined else None,
            "message": "Your card has insufficient funds." if declined else None,
            "livemode": False,
            "client_secret": "secret",
            "sheet_url": None,
            **more,
        }
    )
