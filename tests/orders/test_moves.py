import pytest

from commerce.models import Event
from orders import moves
from orders.models import Order, OrderMove, Payment, Purchase, PurchaseMove
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
