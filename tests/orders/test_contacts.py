"""Buyers' contact is kept as long as a parcel needs it, and then erased; the books stay."""

import json
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from commerce.models import Address, IdempotencyKey, Merchant, User
from commerce.money import Money
from orders import contacts, exporting, fulfilment, queries
from orders.aftersales import cancelling, refunding, returning
from orders.models import Order, OrderLine, Purchase, Return, Shipment
from orders.serializers.merchants import OrderSerializer
from orders.settling import charging, payments
from tests.catalog.api import Api
from tests.orders import make
from tests.orders.make import NOW, after

pytestmark = pytest.mark.django_db

DAY = 86_400
KEPT = (30 + 90) * DAY  # Time for returns, then CONTACT_DAYS.


def sold(*, by: User | None = None, sellers: int = 1) -> Purchase:
    goods = [make.variant(amount=1000) for _ in range(sellers)]
    purchase = make.basket(*((each, 1) for each in goods), by=by).go()
    payments.apply(intent=make.said(make.sent(purchase), "succeeded"), now=after(2))
    return Purchase.objects.get(pk=purchase.pk)


def ship(order: Order, at: float = 10) -> Shipment:
    parcel = {"carrier": "DHL", "tracking_number": "1", "tracking_url": ""}
    fulfilment.ship(merchant_id=order.merchant_id, order_id=order.id, now=after(at), **parcel)
    return Shipment.objects.get(lines__order=order)


def deliver(order: Order, at: float = 20) -> None:
    parcel = ship(order)
    fulfilment.deliver(merchant_id=order.merchant_id, shipment_id=parcel.pk, delivered_at=None, now=after(at))


def shown(order: Order) -> Any:
    row = queries.order_of(merchant_id=order.merchant_id, order_id=order.pk)
    return OrderSerializer(row).data["ship_to"]


def cancel(order: Order) -> None:
    cancelling.cancel_by_merchant(
        merchant_id=order.merchant_id,
        order_id=order.id,
        reason="",
        restock=True,
        actor=refunding.SYSTEM,
        now=after(5),
    )


# --- by itself, when it is no longer needed ---


def test_contact_is_erased_some_time_after_the_time_for_returns_and_the_country_stays() -> None:
    purchase = sold()
    order = purchase.orders.get()
    deliver(order, at=20)

    assert contacts.sweep(now=after(20 + KEPT - 1)) == 0
    assert shown(order)["city"] == "Bremen"
    assert contacts.sweep(now=after(20 + KEPT)) == 1

    assert shown(order) is None
    purchase.refresh_from_db()
    assert (purchase.ship_to, purchase.erased_at) == ({"country": "DE"}, after(20 + KEPT))
    row = exporting.part(
        queries.orders_of(merchant_id=order.merchant_id), exporting.KINDS["jsonl"], after=None
    )
    assert orjson.loads(row.text)["line1"] == ""
    assert contacts.sweep(now=after(21 + KEPT)) == 0
    assert make.broken() == []


def test_what_is_not_sent_keeps_its_contact_and_a_cancelled_order_shows_none_at_once() -> None:
    waiting, gone = sold(), sold()
    cancel(gone.orders.get())

    contacts.sweep(now=after(1000 * DAY))

    assert shown(waiting.orders.get())["name"] == "Noa"
    assert shown(gone.orders.get()) is None
    gone.refresh_from_db()
    assert gone.erased_at is not None


def test_each_merchant_sees_it_as_long_as_its_own_order_needs_it() -> None:
    purchase = sold(sellers=2)
    first, second = purchase.orders.order_by("id")
    deliver(first, at=20)
    ship(second, at=50 * DAY)

    contacts.sweep(now=after(20 + KEPT))
    assert (shown(first), shown(second)["name"]) == (None, "Noa")
    purchase.refresh_from_db()
    assert purchase.erased_at is None
    contacts.sweep(now=after(50 * DAY + KEPT))

    purchase.refresh_from_db()
    assert purchase.ship_to == {"country": "DE"}


def test_goods_that_come_back_keep_it() -> None:
    purchase = sold()
    order = purchase.orders.get()
    deliver(order)
    back = ask_return(purchase, order)

    contacts.sweep(now=after(1000 * DAY))
    assert shown(order) is not None
    returning.refuse(
        merchant_id=order.merchant_id,
        return_id=back.id,
        answer="",
        actor=refunding.SYSTEM,
        now=after(40),
    )
    contacts.sweep(now=after(1000 * DAY))
    assert shown(order) is None
    assert Return.objects.get().note == ""


def test_what_was_never_paid_is_erased_too() -> None:
    purchase = make.basket((make.variant(), 1)).go()
    payments.apply(intent=make.said(make.sent(purchase), "declined"), now=after(2))
    made = datetime.fromtimestamp((purchase.pk.int >> 80) / 1000, tz=NOW.tzinfo)

    contacts.sweep(now=made + timedelta(days=89))
    purchase.refresh_from_db()
    assert purchase.erased_at is None
    contacts.sweep(now=made + timedelta(days=91))

    purchase.refresh_from_db()
    assert purchase.ship_to == {"country": "DE"}


def test_what_was_never_paid_is_erased_however_long_nobody_swept(monkeypatch: pytest.MonkeyPatch) -> None:
    some = [make.basket((make.variant(), 1)).go() for _ in range(3)]
    for purchase in some:
        payments.apply(intent=make.said(make.sent(purchase), "declined"), now=after(2))
    monkeypatch.setattr(contacts, "BATCH", 2)

    contacts.sweep(now=timezone.now() + timedelta(days=1000))

    assert [row.ship_to for row in Purchase.objects.all()] == [{"country": "DE"}] * 3


def test_the_sweep_of_what_was_never_paid_has_an_index_of_its_own() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        plan = contacts._unsold(after(1000 * DAY)).explain()
    assert "purchase_unsold_kept" in plan


# --- because she asks ---


def ask_return(purchase: Purchase, order: Order) -> Return:
    return returning.ask(
        buyer_id=purchase.buyer_id,
        purchase_id=purchase.id,
        order_id=order.id,
        lines=[refunding.Wanted(OrderLine.objects.get(order=order).id, 1)],
        reason=Return.Reason.DAMAGED,
        note="I am at home on Mondays, Noa",
        now=after(30),
    )


def test_a_buyer_has_her_contact_erased_and_the_books_stay_whole() -> None:
    ada = make.buyer("Ada")
    first, second = sold(by=ada), sold(by=ada)
    other = sold()
    deliver(first.orders.get())
    cancel(second.orders.get())
    refunding.refund(
        merchant_id=first.orders.get().merchant_id,
        order_id=first.orders.get().id,
        reason="x",
        actor=refunding.SYSTEM,
        amount=Money(100, "EUR"),
        now=after(60),
    )

    assert contacts.erase_of_buyer(buyer_id=ada.id, now=after(100)) == 2

    for purchase in (first, second):
        purchase.refresh_from_db()
        assert (purchase.ship_to, purchase.amount) == ({"country": "DE"}, 1000)
        assert shown(purchase.orders.get()) is None
    other.refresh_from_db()
    assert other.erased_at is None
    assert not Address.objects.filter(user=ada).exists()
    assert make.broken() == []
    assert contacts.erase_of_buyer(buyer_id=ada.id, now=after(101)) == 0


@pytest.mark.parametrize("reason", ["paying", "parcel", "unsaid", "return"])
def test_it_is_refused_while_something_is_under_way(reason: str) -> None:
    ada = make.buyer("Ada")
    if reason == "paying":
        make.sent(make.basket((make.variant(), 1), by=ada).go())
    else:
        purchase = sold(by=ada)
        order = purchase.orders.get()
        if reason == "unsaid":
            ship(order)
        if reason == "return":
            deliver(order)
            ask_return(purchase, order)
    with pytest.raises(contacts.OnItsWay) as refused:
        contacts.erase_of_buyer(buyer_id=ada.id, now=after(100))

    assert refused.value.data["reason"] == {"unsaid": "parcel"}.get(reason, reason)
    assert Address.objects.filter(user=ada).exists()
    if reason == "unsaid":
        # Nobody says that it is there, and after a month it is.
        assert contacts.erase_of_buyer(buyer_id=ada.id, now=after(31 * DAY)) == 1


def test_answers_that_are_kept_for_repetitions_lose_it_too() -> None:
    ada = make.buyer("Ada")
    purchase, other = sold(by=ada), sold()
    for each in (purchase, other):
        order = each.orders.get()
        api = Api(order.merchant)
        reply = api.post(
            f"/api/v1/orders/{order.id}/ship", {"carrier": "DHL"}, headers={"Idempotency-Key": "1"}
        )
        assert reply.body["ship_to"]["line1"] == "Lindenweg 4"
    Shipment.objects.update(shipped_at=NOW - timedelta(days=60))

    contacts.erase_of_buyer(buyer_id=ada.id, now=after(100))

    replies = map(json.loads, IdempotencyKey.objects.values_list("reply", flat=True))
    kept = {reply["purchase"]: reply["ship_to"] for reply in replies}
    assert kept[str(purchase.id)] is None
    assert kept[str(other.id)]["line1"] == "Lindenweg 4"


def test_her_words_are_nowhere_any_more() -> None:
    ada = make.buyer("Ada")
    own, asked, back = sold(by=ada), sold(by=ada), sold(by=ada)
    Merchant.objects.exclude(pk=own.orders.get().merchant_id).update(cancel_seconds=0)
    for each in (own, asked):
        cancelling.cancel_by_buyer(
            buyer_id=ada.id,
            purchase_id=each.id,
            order_id=each.orders.get().id,
            reason="I moved to Goslar",
            now=after(5),
        )
    order = asked.orders.get()
    path = f"/api/v1/orders/{order.id}/acknowledge"
    said = Api(order.merchant).post(path, {}, headers={"Idempotency-Key": "1"})
    assert said.body["cancellation"]["reason"] == "I moved to Goslar"
    cancel(order)
    order = back.orders.get()
    deliver(order)
    client = Client()
    client.force_login(ada)
    client.post(
        reverse("purchase-return", args=[back.id, order.id]),
        {
            "lines": [{"line": str(order.lines.get().id), "quantity": 1}],
            "reason": "damaged",
            "note": "I moved to Goslar",
        },
        content_type="application/json",
        headers={"Idempotency-Key": "2"},
    )
    wish = Return.objects.get()
    returning.approve(
        merchant_id=order.merchant_id,
        return_id=wish.id,
        answer="",
        actor=refunding.SYSTEM,
        now=after(40),
    )
    path = f"/api/v1/returns/{wish.id}/refund"
    Api(order.merchant).post(path, {}, headers={"Idempotency-Key": "3"})
    assert said_of("Goslar") == {"idempotencykey": 3, "refund": 1, "cancellation": 1, "return": 1}

    contacts.erase_of_buyer(buyer_id=ada.id, now=after(100))

    assert said_of("Goslar") == {}
    assert make.broken() == []


def said_of(word: str) -> dict[str, int]:
    """Return in how many rows of which tables a word is."""
    found: dict[str, int] = {}
    with connection.cursor() as cursor:
        for model in apps.get_models():
            table = connection.ops.quote_name(model._meta.db_table)
            cursor.execute(f"SELECT count(*) FROM {table} AS row WHERE row::text LIKE %s", [f"%{word}%"])
            if count := cursor.fetchone()[0]:
                found[str(model._meta.model_name)] = count
    return found


def test_what_is_erased_is_not_paid_again_as_nobody_knows_where_it_would_go() -> None:
    ada = make.buyer("Ada")
    purchase = make.basket((make.variant(), 1), by=ada).go()
    payment = make.sent(purchase)
    payments.apply(intent=make.said(payment, "declined"), now=after(2))
    contacts.erase_of_buyer(buyer_id=ada.id, now=after(3))

    with pytest.raises(charging.RetryTooLate):
        charging.retry(purchase_id=purchase.id, buyer_id=ada.id, card_id=None, now=after(4))
    payments.apply(intent=make.said(payment, "succeeded"), now=after(5))

    purchase.refresh_from_db()
    payment.refresh_from_db()
    assert (purchase.status, payment.status) == ("declined", "returned")
    assert make.broken() == []


# --- what merchants get ---


def test_phone_and_email_reach_the_merchant_only_if_she_gave_them() -> None:
    ada = make.buyer("Ada")
    plain = sold(by=ada)
    Address.objects.filter(user=ada).update(phone="+49 421 1", email="ada.post@example.com")
    given = sold(by=ada)

    assert (shown(plain.orders.get())["phone"], "phone" in plain.ship_to) == ("", False)
    assert (shown(given.orders.get())["phone"], shown(given.orders.get())["email"]) == (
        "+49 421 1",
        "ada.post@example.com",
    )
    assert ada.email not in str(given.ship_to)


# --- doors ---


def test_she_asks_on_the_site_and_operators_do_it_for_her() -> None:
    ada, eva = make.buyer("Ada"), make.buyer("Eva")
    of_ada, of_eva = sold(by=ada), sold(by=eva)
    for each in (of_ada, of_eva):
        deliver(each.orders.get())
    client = Client()
    path = reverse("erase-contact")
    assert client.post(path).status_code == 401
    client.force_login(ada)
    assert client.post(path).json() == {"purchases": 1}

    operator = Client()
    operator.force_login(User.objects.create_superuser("ops@example.com", "long enough 1", name="Ops"))
    chosen = {"action": "erase_contact", "_selected_action": [str(of_eva.pk)]}
    answer = operator.post(reverse("admin:orders_purchase_changelist"), chosen, follow=True)
    assert b"erased in 1 purchases" in answer.content
    waiting = sold(by=make.buyer("Ida"))
    refused = client.post(path)
    assert refused.status_code == 200
    chosen["_selected_action"] = [str(waiting.pk)]
    answer = operator.post(reverse("admin:orders_purchase_changelist"), chosen, follow=True)
    assert b"on its way" in answer.content
    waiting.refresh_from_db()
    of_eva.refresh_from_db()
    assert (waiting.erased_at, of_eva.ship_to) == (None, {"country": "DE"})
    assert timezone.now() < NOW
