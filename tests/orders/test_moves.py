import pytest
from django.db import transaction
from django.db.models import F

from commerce.models import Event
from orders import moves
from orders.models import Order, OrderLine, OrderMove, Payment, Purchase, PurchaseMove
from tests.orders import make
from tests.orders.make import after

pytestmark = pytest.mark.django_db


@pytest.fixture
def purchase() -> Purchase:
    return make.basket((make.variant(), 1)).go()


def test_a_move_writes_status_version_history_and_event_together(purchase: Purchase) -> None:
    moves.purchase(purchase, new="declined", reason="generic_decline", now=after(5))

    assert (purchase.status, purchase.version, purchase.updated_at) == ("declined", 2, after(5))
    move = PurchaseMove.objects.order_by("id").last()
    assert move is not None
    assert (move.old, move.new, move.reason, move.at) == (
        "accepted",
        "declined",
        "generic_decline",
        after(5),
    )
    assert make.events("purchase.moved") == [
        {"purchase": str(purchase.id), "status": "declined", "version": 2}
    ]


def test_a_move_to_where_it_is_changes_nothing(purchase: Purchase) -> None:
    moves.purchase(purchase, new="paid", now=after(5))

    moves.purchase(purchase, new="paid", now=after(6))

    assert purchase.version == 2
    assert Event.objects.filter(name="purchase.moved").count() == 1


def test_a_move_the_table_does_not_know_is_refused(purchase: Purchase) -> None:
    moves.purchase(purchase, new="paid", now=after(5))

    with pytest.raises(moves.IllegalMove) as refused:
        moves.purchase(purchase, new="expired", now=after(6))

    assert refused.value.data == {"status": "paid", "wanted": "expired"}


def test_a_stale_row_does_not_overwrite_what_happened_since(purchase: Purchase) -> None:
    stale = Purchase.objects.get(pk=purchase.pk)
    moves.purchase(purchase, new="paid", now=after(5))

    with pytest.raises(moves.IllegalMove):
        moves.purchase(stale, new="expired", now=after(6))

    purchase.refresh_from_db()
    assert (purchase.status, purchase.version) == ("paid", 2)


def test_a_stale_row_that_wants_what_happened_gets_it(purchase: Purchase) -> None:
    stale = Purchase.objects.get(pk=purchase.pk)
    moves.purchase(purchase, new="paid", now=after(5))

    moves.purchase(stale, new="paid", now=after(6))

    assert (stale.status, stale.version) == ("paid", 2)
    assert PurchaseMove.objects.filter(new="paid").count() == 1


def test_orders_move_with_history(purchase: Purchase) -> None:
    order, stale = Order.objects.get(), Order.objects.get()

    moves.order(order, new="open", now=after(1))
    moves.order(stale, new="open", now=after(2))
    with pytest.raises(moves.IllegalMove):
        moves.order(Order.objects.get(), new="pending", now=after(3))

    assert [(move.old, move.new) for move in OrderMove.objects.all()] == [("pending", "open")]


def test_a_payment_notes_when_it_ended(purchase: Purchase) -> None:
    payment = Payment.objects.create(
        purchase=purchase, number=1, card=purchase.card, amount=1999, currency="EUR"
    )
    moves.payment(payment, new="sent", now=after(1), sent_at=after(1))
    assert payment.finished_at is None
    stale = Payment.objects.get()

    moves.payment(payment, new="succeeded", now=after(2))
    assert payment.finished_at == after(2)
    with pytest.raises(moves.IllegalMove):
        moves.payment(stale, new="declined", now=after(3))


# --- many at once ---


@pytest.fixture
def three() -> list[Purchase]:
    goods = make.variant(stocked=3)
    return [make.basket((goods, 1)).go() for _ in range(3)]


def test_many_move_with_history_and_one_event_each_from_where_it_is(three: list[Purchase]) -> None:
    moves.purchase(three[0], new="action_required", now=after(1))
    moves.purchase(three[1], new="declined", now=after(1), grace_until=after(60))

    moves.purchases(three, new="paid", now=after(5))

    assert [(row.status, row.version) for row in three] == [("paid", 3), ("paid", 3), ("paid", 2)]
    for row in three:
        told = (row.status, row.version, row.grace_until, row.updated_at)
        row.refresh_from_db()
        assert (row.status, row.version, row.grace_until, row.updated_at) == told
    last = PurchaseMove.objects.filter(new="paid").order_by("purchase")
    assert [(move.old, move.at) for move in last] == [
        ("action_required", after(5)),
        ("declined", after(5)),
        ("accepted", after(5)),
    ]
    told_of = Event.objects.filter(name="purchase.moved").order_by("id").last()
    assert told_of is not None
    assert [each["purchase"] for each in told_of.payload["purchases"]] == [str(row.pk) for row in three]


@pytest.mark.parametrize("known", ["status", "version"])
def test_of_many_a_stale_row_keeps_all_from_moving(three: list[Purchase], known: str) -> None:
    stale = Purchase.objects.get(pk=three[1].pk)
    if known == "status":
        Purchase.objects.filter(pk=stale.pk).update(status="expired")
    else:
        Purchase.objects.filter(pk=stale.pk).update(version=7)

    with pytest.raises(moves.IllegalMove), transaction.atomic():
        moves.purchases([three[0], stale, three[2]], new="paid", now=after(6))

    assert not Purchase.objects.filter(status="paid").exists()
    assert not PurchaseMove.objects.filter(new="paid").exists()


def test_orders_of_the_paid_are_open_and_parcels_that_waited_are_shipped(three: list[Purchase]) -> None:
    Order.objects.filter(purchase=three[0]).update(status="shipping")
    OrderLine.objects.filter(order__purchase=three[0]).update(shipped_quantity=F("quantity"))
    Order.objects.filter(purchase=three[1]).update(status="open")

    moves.paid(three, now=after(5))

    assert [Order.objects.get(purchase=row).status for row in three] == ["shipped", "open", "open"]
    noted = OrderMove.objects.order_by("order__purchase")
    assert [(move.order.purchase_id, move.old, move.new, move.at) for move in noted] == [
        (three[0].id, "shipping", "shipped", after(5)),
        (three[2].id, "pending", "open", after(5)),
    ]


def test_of_a_parcel_that_waited_and_had_a_part_the_rest_is_to_follow(three: list[Purchase]) -> None:
    Order.objects.filter(purchase=three[0]).update(status="shipping")

    moves.paid(three[:1], now=after(5))

    assert Order.objects.get(purchase=three[0]).status == "partly_shipped"


def test_an_order_that_cannot_be_open_any_more_keeps_all_from_moving(three: list[Purchase]) -> None:
    Order.objects.filter(purchase=three[1]).update(status="shipped")

    with pytest.raises(moves.IllegalMove), transaction.atomic():
        moves.paid(three, now=after(5))

    assert sorted(Order.objects.values_list("status", flat=True)) == ["pending", "pending", "shipped"]
    assert not OrderMove.objects.exists()


def test_attempts_are_sent_once_and_only_as_long_as_they_were_not(three: list[Purchase]) -> None:
    created, again, sent = (make.sent(row) for row in three)
    Payment.objects.filter(pk=created.pk).update(status="created", sent_at=None)
    Payment.objects.filter(pk=again.pk).update(status="created")

    moves.sent({created.id: after(5), again.id: after(6)})

    rows = Payment.objects.order_by("id")
    assert [(row.status, row.sent_at, row.checked_at) for row in rows] == [
        ("sent", after(5), after(5)),
        ("sent", after(1), after(6)),
        ("sent", after(1), None),
    ]
    with pytest.raises(moves.IllegalMove):
        moves.sent({sent.id: after(7)})


def test_that_no_answer_came_undoes_none_that_did(three: list[Purchase]) -> None:
    away, lost, paid = (make.sent(row) for row in three)
    moves.payment(paid, new="succeeded", now=after(3))

    moves.unanswered({away.id: "created", lost.id: "unknown", paid.id: "unknown"})

    assert list(Payment.objects.order_by("id").values_list("status", flat=True)) == [
        "created",
        "unknown",
        "succeeded",
    ]
