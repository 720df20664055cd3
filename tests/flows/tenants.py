"""A merchant with one of everything, and what a write must leave as it was, for the matrix of tenants."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import InternalError, connection, transaction
from django.utils import timezone

from catalog.commission import plans
from catalog.feeds import exports
from catalog.models import FeedSource, ProductImage, Variant
from catalog.shelf import locations
from commerce.models import Merchant
from commerce.money import Money
from commerce.webhooks import endpoints, messages
from orders import fulfilment
from orders.aftersales import refunding, returning
from orders.carts import contents, policies
from orders.models import Order, OrderLine, Refund, Return, Shipment
from orders.settling import payments
from tests.catalog import make as goods
from tests.catalog.api import Api
from tests.orders import make, tariffing

# Whose key was used last, and how often it may still call, is written by every call.
_NOT_KEPT = {"commerce_merchantkeysecret", "django_session", "django_migrations"}
_DIGEST = "SELECT '{0}', md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {0} t"


def day(number: int) -> str:
    """Return the moment so many days from now."""
    return (timezone.now() + timedelta(days=number)).isoformat()


def everything(seller: Merchant, *, now: datetime) -> dict[str, str]:
    """Give a merchant one of everything that has an id; returns the ids, the merchant's own ones, too."""
    one = make.variant(seller=seller, stocked=50, amount=1000)
    Variant.objects.filter(pk=one.pk).update(sku=f"SKU-{seller.slug}", barcode=f"EAN-{seller.slug}")
    part = make.variant(seller=seller, stocked=50, amount=1000)
    api = Api(seller)
    announced = {"amount": 900, "starts_at": day(60)}
    schedule = api.post(f"variants/{one.pk}/price/schedule", announced)
    assert schedule.status == 201, schedule.body
    main, shop = (
        locations.create(merchant_id=seller.pk, code=f"{code}-{seller.slug}", name=code, now=now)
        for code in ("main", "shop")
    )
    terms = plans.Terms("Spring", 1500, products=[one.product_id])
    plan = plans.create(merchant_id=seller.pk, kind="open", terms=terms, now=now)
    hook = endpoints.create(
        merchant_id=seller.pk, url="https://a.example/", description="", event_types=[], now=now
    )
    opened, shipped = sold(one, now=now), sold(one, now=now)
    label = fulfilment.Label("DHL", "1")
    fulfilment.pack(merchant_id=seller.pk, order_id=shipped.pk, lines=(), label=label, now=now)
    back = sent_back(shipped, now=now)
    refunding.refund(
        merchant_id=seller.pk,
        order_id=opened.pk,
        reason="late",
        actor=refunding.Actor(Refund.By.MERCHANT),
        now=now,
        lines=[],
        amount=Money(100, "EUR"),
    )
    return {
        "product": str(one.product_id),
        "variant": str(one.pk),
        "part": str(part.pk),
        "sku": f"SKU-{seller.slug}",
        "barcode": f"EAN-{seller.slug}",
        "handle": one.product.handle,
        "location": str(shop.pk),
        "main": main.code,
        "shop": shop.code,
        "schedule": schedule.body["id"],
        "plan": str(plan.pk),
        "import": str(goods.import_of(seller, goods.simple_feed(1)).pk),
        "export": str(exports.queue(merchant_id=seller.pk, format="jsonl", filters={}, now=now).pk),
        "zone": str(tariffing.zone(seller, "DE").pk),
        "rate": str(tariffing.tax(seller, "DE").pk),
        "endpoint": str(hook.pk),
        "delivery": str(messages.test(hook, now=now).pk),
        "order": str(opened.pk),
        "line": str(OrderLine.objects.get(order=opened).pk),
        "shipment": str(Shipment.objects.get(merchant=seller).pk),
        "return": str(back.pk),
        "shopper": str(holder(seller, one, now=now)),
        "image": str(picture_of(one, now=now).pk),
        "feed": str(feed_of(seller, now=now).pk),
    }


def picture_of(one: Variant, *, now: datetime) -> ProductImage:
    """Return a picture that could not be fetched, which may be tried again."""
    return ProductImage.objects.create(
        merchant_id=one.merchant_id,
        product_id=one.product_id,
        url="https://img.example.com/1.jpg",
        state=ProductImage.State.FAILED,
        code="TIMEOUT",
        due_at=now,
    )


def feed_of(seller: Merchant, *, now: datetime) -> FeedSource:
    """Return a feed that is fetched every hour."""
    return FeedSource.objects.create(
        merchant=seller, url="https://x.example/feed", every_minutes=60, due_at=now
    )


def sold(one: Variant, *, now: datetime) -> Order:
    """Return an order of three that was paid just now."""
    purchase = make.basket((one, 3)).go(now=now)
    payments.apply(intent=make.said(make.sent(purchase), "succeeded"), now=now)
    return Order.objects.get(purchase=purchase)


def sent_back(order: Order, *, now: datetime) -> Return:
    """Return what its buyer wants to send back of an order."""
    return returning.ask(
        buyer_id=order.purchase.buyer_id,
        purchase_id=order.purchase_id,
        order_id=order.pk,
        lines=[refunding.Wanted(OrderLine.objects.get(order=order).pk, 1)],
        reason=Return.Reason.DAMAGED,
        note="It leaks.",
        now=now,
    )


def holder(seller: Merchant, one: Variant, *, now: datetime) -> UUID:
    """Return a shopper for whose cart the merchant holds a piece."""
    policies.set_policy(merchant_id=seller.pk, hold_seconds=300, now=now)
    buyer = make.user()
    contents.add(buyer_id=buyer.pk, variant_id=one.pk, quantity=1, stream_id=None, now=now)
    return buyer.pk


def written() -> dict[str, int]:
    """Return how many rows of every table this transaction wrote so far, undone or not."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables"
            " WHERE NOT relname = ANY(%s)",
            [sorted(_NOT_KEPT)],
        )
        return dict(cursor.fetchall())


def stands() -> dict[str, str]:
    """Return what every table holds, in one statement."""
    return _digests(_DIGEST.format(name) for name in sorted(_tables()))


def stands_of(merchant: Merchant) -> dict[str, str]:
    """Return what of every table is a merchant's, in one statement."""
    owned = sorted(_tables(column="merchant_id"))
    own = [f"{_DIGEST.format(name)} WHERE merchant_id = '{merchant.pk}'" for name in owned]
    assert len(own) > 30, own
    return _digests([*own, f"{_DIGEST.format('commerce_merchant')} WHERE id = '{merchant.pk}'"])


def names_of(merchant: Merchant) -> set[str]:
    """Return the ids of every row of a merchant, and its own."""
    found = {str(merchant.pk)}
    with connection.cursor() as cursor:
        for name in _tables(column="merchant_id") & _tables(column="id", kind="uuid"):
            cursor.execute(f"SELECT id::text FROM {name} WHERE merchant_id = %s", [merchant.pk])
            found |= {row[0] for row in cursor.fetchall()}
    return found


@contextmanager
def undone() -> Iterator[None]:
    """Let what happens in the block be as if it had not."""
    point = transaction.savepoint()
    try:
        yield
    finally:
        transaction.savepoint_rollback(point)


def unhurried() -> None:
    """Let this test's transaction idle for as long as schemathesis needs to think of calls."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")


@contextmanager
def by_itself() -> Iterator[None]:
    """Let a statement that the database refuses spoil no later one, as without a test's transaction."""
    point = transaction.savepoint()
    yield
    try:
        transaction.savepoint_commit(point)
    except InternalError:
        transaction.savepoint_rollback(point)


def _tables(*, column: str = "", kind: str = "") -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT c.table_name FROM information_schema.columns c
              JOIN information_schema.tables t USING (table_schema, table_name)
             WHERE table_schema = 'public' AND t.table_type = 'BASE TABLE'
               AND %s IN ('', c.column_name) AND %s IN ('', c.data_type)
            """,
            [column, kind],
        )
        return {row[0] for row in cursor.fetchall()} - _NOT_KEPT


def _digests(queries: Any) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(queries))
        return dict(cursor.fetchall())
