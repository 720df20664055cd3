"""What the provider says, applied in every order and repetition."""

from dataclasses import replace
from itertools import product
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from catalog.shelf import stock
from commerce import ledger
from commerce.models import LedgerTransaction, Posting
from commerce.money import Money
from orders import moves
from orders.models import Commission, Hold, Order, Payment, Purchase, Refund
from orders.settling import attempts, charging, discrepancies, payments
from streams.models import Offer, OfferBuyer
from tests.orders import make
from tests.orders.make import after

pytestmark = pytest.mark.django_db


def hear(payment: Payment, status: Any, *, seconds: float = 2, **more: Any) -> Purchase:
    purchase = payments.apply(intent=make.said(payment, status, **more), now=after(seconds))
    assert purchase is not None
    return Purchase.objects.get(pk=purchase.pk)


def balances() -> dict[str, int]:
    found: dict[str, int] = {}
    for posting in Posting.objects.all():
        kind = posting.account.split(":")[0]
        found[kind] = found.get(kind, 0) + posting.amount
    return found


# --- one answer ---


def test_a_capture_pays_sells_books_and_owes_commission() -> None:
    lipstick = make.variant(stocked=10, amount=1999)
    stream = make.show(lipstick)
    offer = make.offer(stream, lipstick, amount=999, per_buyer=2)
    purchase = make.basket((lipstick, 2, offer), stream=stream).go(now=after(1))
    payment = make.sent(purchase)

    purchase = hear(payment, "succeeded")

    payment.refresh_from_db()
    assert purchase.status == Purchase.Status.PAID
    assert (payment.status, payment.charge_id) == ("succeeded", f"ch_{payment.id.hex}")
    assert Order.objects.get().status == Order.Status.OPEN
    assert Hold.objects.get().status == Hold.Status.TAKEN
    assert make.left(lipstick) == 8, "paying does not touch the hot row"
    # 1998 cents: 10 % for the host, 5 % for the platform, the rest for the merchant.
    assert balances() == {"provider": 1998, "clearing": 0, "merchant": -1698, "host": -200, "platform": -100}
    commission = Commission.objects.get()
    assert (commission.amount, commission.base_amount, commission.rate_bp) == (200, 1998, 1_000)
    assert (commission.host_id, commission.stream) == (stream.host_id, stream)
    assert make.events("purchase.moved")[-1]["status"] == "paid"
    assert make.broken() == []


def test_the_rates_are_those_of_the_sale_not_of_today() -> None:
    lipstick = make.variant(amount=1000)
    stream = make.show(lipstick)
    purchase = make.basket((lipstick, 1), stream=stream).go()
    lipstick.merchant.host_commission_bp = 9_000
    lipstick.merchant.save()

    hear(make.sent(purchase), "succeeded")

    assert Commission.objects.get().amount == 100


def test_goods_bought_outside_a_show_owe_no_commission() -> None:
    hear(make.sent(make.basket((make.variant(amount=1000), 1)).go()), "succeeded")

    assert not Commission.objects.exists()
    assert balances() == {"provider": 1000, "clearing": 0, "merchant": -950, "platform": -50}
    assert make.broken() == []


def test_two_merchants_get_their_own() -> None:
    one, two = make.variant(amount=1000), make.variant(amount=333)

    hear(make.sent(make.basket((one, 1), (two, 1)).go()), "succeeded")

    assert ledger.balance(ledger.merchant(one.merchant_id), "EUR") == Money(-950, "EUR")
    assert ledger.balance(ledger.merchant(two.merchant_id), "EUR") == Money(-316, "EUR")
    assert make.broken() == []


def test_a_decline_gives_the_units_back_to_stock_offer_and_buyer() -> None:
    lipstick = make.variant(stocked=10)
    stream = make.show(lipstick)
    offer = make.offer(stream, lipstick, quota=1)
    purchase = make.basket((lipstick, 1, offer), stream=stream).go(now=after(1))
    offer.refresh_from_db()
    assert offer.status == Offer.Status.ENDED

    purchase = hear(make.sent(purchase), "declined")

    offer.refresh_from_db()
    assert purchase.status == Purchase.Status.DECLINED
    assert (make.left(lipstick), offer.left, offer.status) == (10, 1, Offer.Status.OPEN)
    assert OfferBuyer.objects.get().units == 0
    assert Order.objects.get().status == Order.Status.PENDING
    assert not LedgerTransaction.objects.exists()
    payment = Payment.objects.get()
    assert (payment.decline_code, payment.message) == (
        "insufficient_funds",
        "Your card has insufficient funds.",
    )
    assert make.events("stock.moved")[-1] == {"variants": [str(lipstick.id)], "offers": [str(offer.id)]}
    assert make.broken() == []


def test_the_bank_wants_the_buyer_and_the_hold_is_extended_once() -> None:
    purchase = make.basket((make.variant(), 1)).go()
    payment = make.sent(purchase)

    purchase = hear(payment, "requires_action", seconds=60)
    assert (purchase.status, purchase.hold_until) == ("action_required", after(660))

    purchase = hear(payment, "requires_action", seconds=300)
    assert purchase.hold_until == after(660)
    assert make.broken() == []


def test_the_client_secret_is_stored_nowhere() -> None:
    purchase = make.basket((make.variant(), 1)).go()
    payment = make.sent(purchase)

    hear(payment, "requires_action", client_secret="pi_1_secret_tellnobody")

    rows = [*make.events("purchase.moved"), vars(Payment.objects.get()), vars(Purchase.objects.get())]
    assert "tellnobody" not in str(rows)


def test_a_cancelled_intent_ends_the_purchase() -> None:
    lipstick = make.variant()
    purchase = hear(make.sent(make.basket((lipstick, 1)).go()), "cancelled", seconds=5)
    assert purchase.status == Purchase.Status.CANCELLED

    late = hear(make.sent(make.basket((lipstick, 1)).go()), "cancelled", seconds=700)
    assert late.status == Purchase.Status.EXPIRED
    assert {order.status for order in Order.objects.all()} == {Order.Status.CANCELLED}
    assert make.left(lipstick) == 10
    assert make.broken() == []


def test_an_intent_still_at_work_changes_nothing_but_is_remembered() -> None:
    payment = make.sent(make.basket((make.variant(), 1)).go())

    assert hear(payment, "processing").status == "accepted"

    payment.refresh_from_db()
    assert (payment.status, payment.provider_id) == ("sent", f"pi_{payment.id.hex}")


# --- strangers and lies ---


def test_somebody_elses_intent_is_not_ours() -> None:
    payment = make.sent(make.basket((make.variant(), 1)).go())

    for stranger in (
        make.said(payment, "succeeded", payment_id=uuid4()),
        make.said(payment, "succeeded", payment_id=None),
    ):
        assert payments.apply(intent=stranger, now=after(2)) is None
    payment.refresh_from_db()
    assert payment.status == "sent"


@pytest.mark.parametrize("lie", [Money(1, "EUR"), Money(1999, "JPY")])
def test_an_intent_over_another_amount_is_not_believed(lie: Money) -> None:
    payment = make.sent(make.basket((make.variant(amount=1999), 1)).go())

    with pytest.raises(discrepancies.Mismatch):
        payments.apply(intent=make.said(payment, "succeeded", amount=lie), now=after(2))

    assert Purchase.objects.get().status == "accepted"


def test_a_second_intent_that_names_our_payment_is_not_believed() -> None:
    payment = make.sent(make.basket((make.variant(), 1)).go())
    hear(payment, "processing")

    with pytest.raises(discrepancies.Mismatch):
        payments.apply(intent=make.said(payment, "succeeded", id="pi_other"), now=after(2))


# --- every order and repetition ---

WORDS = ("processing", "requires_action", "declined", "cancelled", "succeeded")


@pytest.mark.parametrize("first", WORDS)
def test_every_order_and_repetition_ends_the_same_way(first: str) -> None:
    lipstick = make.variant(stocked=1_000)
    stream, buyer = make.show(lipstick), make.buyer()
    for rest in product(WORDS, repeat=2):
        heard = (first, *rest)
        purchase = make.basket((lipstick, 1), by=buyer, stream=stream).go()
        payment = make.sent(purchase)
        for number, word in enumerate(heard):
            purchase = hear(payment, word, seconds=2 + number)

        ends = [word for word in heard if word in ("declined", "cancelled")]
        if "succeeded" in heard:
            expected = "paid"
        elif ends:
            expected = ends[0]
        else:
            expected = "action_required" if "requires_action" in heard else "accepted"
        assert purchase.status == expected, heard
        assert payment.__class__.objects.filter(pk=payment.pk, status="succeeded").exists() == (
            expected == "paid"
        ), heard
    assert make.broken() == []


# --- too late ---


def ended(status: str, *, stocked: int = 1) -> tuple[Any, Payment]:
    """A purchase of the last piece that ended this way, though its payment is still on its way."""
    lipstick = make.variant(stocked=stocked, amount=1000)
    payment = make.sent(make.basket((lipstick, 1)).go())
    hear(payment, status, seconds=700)
    return lipstick, payment


@pytest.mark.parametrize("end", ["declined", "cancelled"])
def test_money_that_comes_late_buys_the_units_again_if_there_are_any(end: str) -> None:
    lipstick, payment = ended(end)

    purchase = hear(payment, "succeeded", seconds=800)

    assert purchase.status == Purchase.Status.PAID
    assert Order.objects.get().status == Order.Status.OPEN
    assert make.left(lipstick) == 0
    assert balances()["clearing"] == 0
    assert make.broken() == []


@pytest.mark.parametrize("end", ["declined", "cancelled"])
def test_money_that_comes_too_late_goes_back_and_the_buyer_is_told(end: str) -> None:
    lipstick, payment = ended(end)
    make.basket((lipstick, 1)).go()  # somebody else has the last piece now
    status = Purchase.objects.get(pk=payment.purchase_id).status

    purchase = hear(payment, "succeeded", seconds=800)

    payment.refresh_from_db()
    assert purchase.status == status
    assert (payment.status, payment.refunded_amount) == ("returned", 1000)
    refund = Refund.objects.get()
    assert (refund.amount, refund.status) == (1000, "created")
    assert make.events("refund.owed") == [{"refund": str(refund.id)}]
    assert make.events("purchase.moved")[-1]["version"] == purchase.version
    assert balances() == {"provider": 1000, "clearing": 0, "refunds": -1000}
    assert make.broken() == []

    again = hear(payment, "succeeded", seconds=900)
    assert (again.version, Refund.objects.count()) == (purchase.version, 1)


def test_the_first_card_pays_after_all_while_the_second_is_being_asked() -> None:
    lipstick = make.variant(stocked=5, amount=1000)
    purchase = make.basket((lipstick, 1)).go()
    first = make.sent(purchase)
    hear(first, "declined")
    charging.retry(purchase_id=purchase.id, buyer_id=purchase.buyer_id, card_id=None, now=after(10))
    second = Payment.objects.get(number=2)

    purchase = hear(first, "succeeded", seconds=11)
    assert purchase.status == Purchase.Status.ACCEPTED
    first.refresh_from_db()
    assert first.status == "returned"

    purchase = hear(second, "succeeded", seconds=12)
    assert purchase.status == Purchase.Status.PAID
    assert make.left(lipstick) == 4
    assert balances()["provider"] == 2000, "the refund of the first has not been carried out yet"
    assert make.broken() == []


def test_the_first_card_pays_after_the_second_has() -> None:
    purchase = make.basket((make.variant(amount=1000), 1)).go()
    first = make.sent(purchase)
    hear(first, "declined")
    charging.retry(purchase_id=purchase.id, buyer_id=purchase.buyer_id, card_id=None, now=after(10))
    hear(Payment.objects.get(number=2), "succeeded", seconds=11)

    purchase = hear(first, "succeeded", seconds=12)

    assert purchase.status == Purchase.Status.PAID
    assert Refund.objects.get().payment == first
    assert make.broken() == []


# --- another card ---


def test_another_card_is_another_attempt_on_the_same_units() -> None:
    lipstick = make.variant(stocked=1)
    purchase = make.basket((lipstick, 1)).go()
    hear(make.sent(purchase), "declined")
    second = make.card(purchase.buyer, default=False)

    purchase = charging.retry(
        purchase_id=purchase.id, buyer_id=purchase.buyer_id, card_id=second.id, now=after(30)
    )

    assert (purchase.status, purchase.card, purchase.hold_until) == ("accepted", second, after(630))
    assert [(p.number, p.status, p.card) for p in Payment.objects.order_by("number")] == [
        (1, "declined", Payment.objects.get(number=1).card),
        (2, "created", second),
    ]
    assert make.left(lipstick) == 0
    assert len(make.events("purchase.accepted")) == 2
    assert make.broken() == []


def test_another_card_is_too_late_when_the_units_have_gone() -> None:
    lipstick = make.variant(stocked=1)
    purchase = make.basket((lipstick, 1)).go()
    hear(make.sent(purchase), "declined")
    make.basket((lipstick, 1)).go()

    with pytest.raises(stock.OutOfStock):
        charging.retry(purchase_id=purchase.id, buyer_id=purchase.buyer_id, card_id=None, now=after(30))

    purchase.refresh_from_db()
    assert purchase.status == "declined"
    assert Payment.objects.count() == 1
    assert make.broken() == []


def test_pressing_pay_twice_is_one_attempt() -> None:
    purchase = make.basket((make.variant(), 1)).go()
    hear(make.sent(purchase), "declined")

    for _ in range(2):
        charging.retry(purchase_id=purchase.id, buyer_id=purchase.buyer_id, card_id=None, now=after(30))

    assert Payment.objects.count() == 2


def test_only_a_declined_purchase_can_be_paid_again_and_only_by_its_buyer() -> None:
    purchase = make.basket((make.variant(), 1)).go()
    with pytest.raises(attempts.UnknownPurchase):
        charging.retry(purchase_id=purchase.id, buyer_id=make.buyer().id, card_id=None, now=after(3))
    hear(make.sent(purchase), "succeeded")

    with pytest.raises(moves.IllegalMove):
        charging.retry(purchase_id=purchase.id, buyer_id=purchase.buyer_id, card_id=None, now=after(3))


# --- the database's own guards ---


def test_the_database_refuses_a_second_payment_under_way() -> None:
    purchase = make.basket((make.variant(), 1)).go()
    make.sent(purchase)

    with pytest.raises(IntegrityError, match="payment_one_alive_per_purchase"), transaction.atomic():
        make.sent(purchase, number=2)


def test_the_database_refuses_to_refund_more_than_was_captured() -> None:
    payment = make.sent(make.basket((make.variant(amount=1000), 1)).go())

    with pytest.raises(IntegrityError, match="payment_refund_capped"), transaction.atomic():
        Payment.objects.filter(pk=payment.pk).update(refunded_amount=1001, receivable_amount=1)


def test_two_intents_cannot_be_one_payment() -> None:
    one, two = (make.sent(make.basket((make.variant(), 1)).go()) for _ in range(2))
    hear(one, "processing", id="pi_same")

    with pytest.raises(IntegrityError):
        payments.apply(intent=replace(make.said(two, "processing"), id="pi_same"), now=after(2))
