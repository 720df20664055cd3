"""Batches: arrival decides, one bad purchase fails alone, and everybody gets an answer."""

import asyncio
import dataclasses
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import ANY
from uuid import uuid4

import orjson
import pytest
from django.db import DataError, connection, transaction
from django.db.models import QuerySet

from catalog import stock
from catalog.models import Stock, Variant
from commerce import errors, idempotency
from orders import carts, charging, paces, payments, policies, queries, transactions
from orders.models import Cart, CartHold, CartLine, OrderLine, Purchase, WaitlistEntry
from orders.till import asking, counter, deciding, refusals, ringing
from orders.till.asking import Asked, Receipt
from streams import offers
from streams.models import Coupon, CouponClaim, OfferHousehold
from tests.orders import make
from tests.orders.make import NOW, after

pytestmark = pytest.mark.django_db(transaction=True)


def asked(basket: make.Basket, **more: Any) -> Asked:
    return asking.ask(
        buyer_id=basket.buyer.id,
        key=basket.key,
        lines=basket.lines,
        expect_total=basket.total,
        card_id=basket.card.id if basket.card else None,
        stream_id=basket.stream.id if basket.stream else None,
        seen=basket.seen,
        **more,
    )


def wants(variant: Variant, quantity: int = 1, **more: Any) -> Asked:
    return asked(make.basket((variant, quantity), **more))


def rung(*batch: Asked, now: Any = NOW, **more: Any) -> list[Any]:
    return ringing.ring_up([asking.Press(each) for each in batch], now=now, **more).outcomes


def kinds(outcomes: list[Any]) -> list[type]:
    return [type(outcome) for outcome in outcomes]


# --- one transaction for many ---


def test_the_first_to_arrive_get_the_last_pieces() -> None:
    lipstick = make.variant(stocked=3)

    outcomes = rung(*(wants(lipstick, n) for n in (2, 2, 1, 1)))

    assert kinds(outcomes) == [Receipt, stock.OutOfStock, Receipt, stock.OutOfStock]
    assert [outcomes[1].data["left"], outcomes[3].data["left"]] == [1, 0]
    assert make.left(lipstick) == 0
    assert make.broken() == []


def test_a_batch_is_one_transaction_of_few_statements() -> None:
    lipstick = make.variant(stocked=500)

    def statements(size: int) -> int:
        batch = [wants(lipstick) for _ in range(size)]
        count = 0

        def counted(execute: Any, *args: Any) -> Any:
            nonlocal count
            count += 1
            return execute(*args)

        with connection.execute_wrapper(counted):
            assert set(kinds(rung(*batch))) == {Receipt}
        return count

    assert statements(1) == statements(40) <= 25


def test_a_receipt_says_what_reading_the_purchase_says() -> None:
    lipstick, other = make.variant(amount=1999), make.variant(amount=2500, title="")
    stream = make.show(lipstick, other)
    offer = make.offer(stream, lipstick, amount=999)

    (receipt,) = rung(asked(make.basket((lipstick, 1, offer), (other, 2), stream=stream)), now=after(1))

    assert orjson.loads(receipt.body) == queries.purchase_body(receipt.purchase_id)


def test_a_key_twice_in_a_batch_is_one_purchase() -> None:
    lipstick = make.variant(stocked=10)
    once = wants(lipstick)

    first, second = rung(once, once)

    assert (first.purchase_id, first.replayed) == (second.purchase_id, not second.replayed)
    assert make.left(lipstick) == 9


def test_a_key_with_something_else_is_refused_in_the_batch_and_after_it() -> None:
    lipstick, buyer, key = make.variant(stocked=10), make.buyer(), uuid4()
    one, two = wants(lipstick, 1, by=buyer, key=key), wants(lipstick, 2, by=buyer, key=key)

    assert kinds(rung(one, two)) == [Receipt, idempotency.IdempotencyMismatch]
    assert kinds(rung(two, one)) == [idempotency.IdempotencyMismatch, Receipt]
    assert make.left(lipstick) == 9


def test_two_buyers_may_have_the_same_key() -> None:
    lipstick, key = make.variant(stocked=10), uuid4()

    assert kinds(rung(wants(lipstick, key=key), wants(lipstick, key=key))) == [Receipt, Receipt]


def test_one_that_the_database_refuses_fails_alone() -> None:
    lipstick = make.variant(stocked=10)
    stream = make.show(lipstick)
    poisoned = wants(lipstick, stream=stream, seen=("e" * 17, 1))  # The column takes sixteen.

    outcomes = rung(*(wants(lipstick) for _ in range(4)), poisoned, *(wants(lipstick) for _ in range(3)))

    assert kinds(outcomes) == [Receipt] * 4 + [DataError] + [Receipt] * 3
    assert make.left(lipstick) == 3
    assert make.broken() == []


def test_a_mistake_of_ours_costs_one_purchase_and_not_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    lipstick = make.variant(stocked=10)
    batch = [wants(lipstick) for _ in range(5)]
    decide = deciding.decide

    def stumble(each: Asked, *args: Any, **more: Any) -> Any:
        if each is batch[2]:
            raise ZeroDivisionError
        return decide(each, *args, **more)

    monkeypatch.setattr(deciding, "decide", stumble)

    assert kinds(rung(*batch)) == [Receipt, Receipt, ZeroDivisionError, Receipt, Receipt]
    assert make.left(lipstick) == 6


@contextmanager
def locked(rows: QuerySet[Any]) -> Iterator[None]:
    """Keep a row locked by somebody else."""
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            rows.select_for_update().get()
            held.set()
            done.wait(20)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert held.wait(10)
        yield
    finally:
        done.set()
        thread.join()


def test_a_locked_row_is_stepped_over_and_the_rest_of_the_batch_sells() -> None:
    hot, other = make.variant(), make.variant()

    with locked(Stock.objects.filter(pk=hot.id)):
        batch = [wants(other), wants(hot), wants(other)]
        found = ringing.ring_up([asking.Press(each) for each in batch], now=NOW)

    assert kinds(found.outcomes) == [Receipt, refusals.Busy, Receipt]
    assert found.stepped_over
    assert (make.left(hot), make.left(other)) == (10, 8)
    assert make.broken() == []


def test_who_changes_her_cart_at_this_moment_is_asked_to_press_again() -> None:
    """Stepped over, her cart would keep what she bought, and what it holds would be taken a second time."""
    lipstick, buyer = make.variant(), make.buyer()
    carts.add(buyer_id=buyer.id, variant_id=lipstick.id, quantity=1, stream_id=None, now=NOW)

    with locked(Cart.objects.filter(pk=buyer.id)):
        outcomes = rung(wants(lipstick, by=buyer), wants(lipstick))

    assert kinds(outcomes) == [refusals.Busy, Receipt]
    assert CartLine.objects.get().quantity == 1
    assert make.left(lipstick) == 9
    assert make.broken() == []


# --- when it arrived ---


def test_an_offer_is_judged_by_the_moment_of_arrival() -> None:
    lipstick = make.variant(stocked=10)
    stream = make.show(lipstick)
    offer = make.offer(stream, lipstick, quota=5, seconds=60)
    batch = [asked(make.basket((lipstick, 1, offer), stream=stream)) for _ in range(2)]

    presses = [
        asking.Press(each, time.monotonic() - ago) for each, ago in zip(batch, (2.0, 0.5), strict=True)
    ]
    outcomes = ringing.ring_up(presses, now=after(61)).outcomes

    assert kinds(outcomes) == [Receipt, offers.OfferEnded]


def test_the_clock_is_the_databases() -> None:
    lipstick = make.variant(stocked=10)
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        before = cursor.fetchone()[0]

    (receipt,) = ringing.ring_up([asking.Press(wants(lipstick))]).outcomes

    assert isinstance(receipt, Receipt)
    made = Purchase.objects.get(pk=receipt.purchase_id)
    assert before <= made.created_at <= before + timedelta(seconds=20)
    assert make.broken() == []


# --- what a cart holds, households, coupons ---


def test_what_her_cart_holds_is_bought_without_taking_it_again() -> None:
    lipstick, buyer = make.variant(stocked=10), make.buyer()
    policies.set_policy(merchant_id=lipstick.merchant_id, hold_seconds=300, now=NOW)
    carts.add(buyer_id=buyer.id, variant_id=lipstick.id, quantity=2, stream_id=None, now=NOW)

    assert kinds(rung(wants(lipstick, 3, by=buyer))) == [Receipt]

    assert make.left(lipstick) == 7
    assert not CartHold.objects.exists()
    assert make.broken() == []


def test_what_is_held_for_one_cart_is_nobody_elses() -> None:
    lipstick, buyer = make.variant(stocked=2), make.buyer()
    policies.set_policy(merchant_id=lipstick.merchant_id, hold_seconds=300, now=NOW)
    carts.add(buyer_id=buyer.id, variant_id=lipstick.id, quantity=2, stream_id=None, now=NOW)

    assert kinds(rung(wants(lipstick), wants(lipstick, by=buyer))) == [stock.OutOfStock, Receipt]
    assert CartHold.objects.get().quantity == 1
    assert make.broken() == []


def test_a_household_gets_its_limit_however_many_live_in_it() -> None:
    lipstick = make.variant(stocked=10)
    stream = make.show(lipstick)
    offer = make.offer(stream, lipstick, quota=9)
    type(offer).objects.update(per_household=2)
    family = [make.buyer(name) for name in ("Noa", "Mara", "Ida")]  # One address, three cards.

    outcomes = rung(
        *(asked(make.basket((lipstick, 1, offer), by=each, stream=stream)) for each in family), now=after(1)
    )

    assert kinds(outcomes) == [Receipt, Receipt, refusals.HouseholdLimit]
    assert OfferHousehold.objects.get().units == 2
    assert make.left(lipstick) == 8


def claimed(stream: Any, variant: Variant, buyer: Any, **more: Any) -> Coupon:
    coupon = Coupon.objects.create(
        stream=stream,
        merchant_id=variant.merchant_id,
        code=f"C{uuid4().hex[:8]}",
        currency="EUR",
        quota=5,
        left=4,
        opens_at=NOW,
        closes_at=after(600),
        **{"amount_off": 500, **more},
    )
    CouponClaim.objects.create(coupon=coupon, buyer=buyer, cap=1)
    return coupon


def test_a_claimed_coupon_comes_off_the_price_once() -> None:
    lipstick, buyer = make.variant(amount=1999), make.buyer()
    stream = make.show(lipstick)
    coupon = claimed(stream, lipstick, buyer)

    def press() -> Asked:
        return asked(make.basket((lipstick, 2), by=buyer, stream=stream, total=3498), coupon_id=coupon.id)

    first, second = rung(press(), press(), now=after(1))

    assert isinstance(first, Receipt)
    assert isinstance(second, refusals.CouponSpent)
    line = OrderLine.objects.get()
    assert (line.amount, line.discount_amount) == (3498, 500)
    assert CouponClaim.objects.get().used == 1
    assert make.broken() == []


def test_what_a_declined_purchase_counted_is_given_back_and_counted_again() -> None:
    lipstick, buyer = make.variant(stocked=5, amount=1999), make.buyer()
    stream = make.show(lipstick)
    offer = make.offer(stream, lipstick, amount=999, quota=3)
    type(offer).objects.update(per_household=1, takes_coupons=True)
    coupon = claimed(stream, lipstick, buyer, amount_off=99)
    basket = make.basket((lipstick, 1, offer), by=buyer, stream=stream, total=900)
    (receipt,) = rung(asked(basket, coupon_id=coupon.id), now=after(1))
    purchase = Purchase.objects.get(pk=receipt.purchase_id)
    payments.apply(intent=make.said(make.sent(purchase), "declined"), now=after(2))

    assert CouponClaim.objects.get().used == 0
    assert set(OfferHousehold.objects.values_list("units", flat=True)) == {0}
    assert make.broken() == []

    neighbour = make.buyer("Mara")  # At the same address: she is faster.
    assert kinds(
        rung(asked(make.basket((lipstick, 1, offer), by=neighbour, stream=stream)), now=after(3))
    ) == [Receipt]
    with pytest.raises(refusals.HouseholdLimit):
        charging.retry(purchase_id=purchase.id, buyer_id=buyer.id, card_id=None, now=after(4))
    assert make.left(lipstick) == 4
    assert make.broken() == []


def test_a_declined_buyer_whose_turn_it_is_tries_another_card_with_her_turn() -> None:
    lipstick, buyer = make.variant(stocked=1), make.buyer()
    stream = make.show(lipstick)
    (receipt,) = rung(wants(lipstick, by=buyer, stream=stream), now=after(1))
    purchase = Purchase.objects.get(pk=receipt.purchase_id)
    WaitlistEntry.objects.create(variant=lipstick, buyer=buyer, stream=stream)
    payments.apply(intent=make.said(make.sent(purchase), "declined"), now=after(2))
    assert WaitlistEntry.objects.get().status == WaitlistEntry.Status.OFFERED
    assert make.left(lipstick) == 0

    charging.retry(purchase_id=purchase.id, buyer_id=buyer.id, card_id=None, now=after(3))

    assert WaitlistEntry.objects.get().status == WaitlistEntry.Status.BOUGHT
    assert make.left(lipstick) == 0
    assert make.broken() == []


def test_a_coupon_that_somebody_else_claimed_is_unknown() -> None:
    lipstick, buyer = make.variant(amount=1999), make.buyer()
    stream = make.show(lipstick)
    coupon = claimed(stream, lipstick, make.buyer())

    outcomes = rung(
        asked(make.basket((lipstick, 1), by=buyer, stream=stream), coupon_id=coupon.id), now=after(1)
    )

    assert kinds(outcomes) == [refusals.UnknownCoupon]


# --- the counter ---


@pytest.fixture
def till() -> Iterator[counter.Till]:
    made = counter.Till()
    yield made
    made.close()


def test_threads_that_press_together_are_written_together(till: counter.Till) -> None:
    lipstick = make.variant(stocked=8)
    presses = [wants(lipstick) for _ in range(20)]
    found: list[Any] = []

    def press(each: Asked) -> None:
        try:
            found.append(till.buy(each))
        except errors.Refusal as refusal:
            found.append(refusal)

    threads = [threading.Thread(target=press, args=(each,)) for each in presses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sum(isinstance(each, Receipt) for each in found) == 8
    assert {type(each) for each in found} == {Receipt, stock.OutOfStock}
    assert make.left(lipstick) == 0
    assert make.broken() == []


async def test_an_event_loop_hands_over_and_is_answered_on_itself(till: counter.Till) -> None:
    batch = await asyncio.to_thread(_batch_of, 30)
    answers: asyncio.Queue[Any] = asyncio.Queue()
    here = threading.get_ident()

    for each in batch:
        till.hand_over(each, lambda outcome: answers.put_nowait((outcome, threading.get_ident())))

    async with asyncio.timeout(20):
        found = [await answers.get() for _ in batch]
    assert {type(outcome) for outcome, _ in found} == {Receipt}
    assert {thread for _, thread in found} == {here}


def _batch_of(n: int) -> list[Asked]:
    lipstick = make.variant(stocked=100)
    batch = [wants(lipstick) for _ in range(n)]
    connection.close()
    return batch


def test_who_presses_too_often_is_refused_and_a_repetition_is_no_press(
    settings: Any, till: counter.Till
) -> None:
    settings.PURCHASES_PER_MINUTE = 2
    lipstick, buyer = make.variant(stocked=10), make.buyer()
    presses = [wants(lipstick, by=buyer) for _ in range(3)]

    first = till.buy(presses[0])
    till.buy(presses[1])
    with pytest.raises(paces.TooFast):
        till.buy(presses[2])

    assert till.buy(presses[0]) == dataclasses.replace(first, body=ANY, replayed=True)
    assert make.left(lipstick) == 8


def test_a_line_that_is_full_is_refused_with_how_long_to_wait() -> None:
    full = counter.Till(most_waiting=0)

    with pytest.raises(refusals.TillFull) as refused:
        full.buy(wants(make.variant()))

    assert (refused.value.code, refused.value.temporary) == ("UNAVAILABLE", True)
    assert (refused.value.retry_ms or 0) >= 500
    assert not Purchase.objects.exists()
    full.close()


def test_who_waited_too_long_is_told_so_and_nothing_was_done(
    monkeypatch: pytest.MonkeyPatch, till: counter.Till
) -> None:
    monkeypatch.setattr(counter, "DEADLINE_SECONDS", -1.0)
    lipstick = make.variant()

    with pytest.raises(refusals.TooLate):
        till.buy(wants(lipstick))

    assert not Purchase.objects.exists()
    assert make.left(lipstick) == 10


def test_who_gets_no_answer_in_time_is_told_to_ask_with_the_same_key(
    monkeypatch: pytest.MonkeyPatch, till: counter.Till
) -> None:
    monkeypatch.setattr(counter, "ANSWERED_WITHIN", 0.1)
    let_go, ring_up = threading.Event(), ringing.ring_up

    def slowly(*args: Any, **more: Any) -> Any:
        let_go.wait(10)
        return ring_up(*args, **more)

    monkeypatch.setattr(ringing, "ring_up", slowly)
    once = wants(make.variant())

    with pytest.raises(transactions.OutcomeUnknown):
        till.buy(once)
    let_go.set()
    monkeypatch.setattr(counter, "ANSWERED_WITHIN", 20.0)

    assert till.buy(once).replayed
    assert Purchase.objects.count() == 1


def test_a_till_that_closes_finishes_what_is_in_line(monkeypatch: pytest.MonkeyPatch) -> None:
    till = counter.Till(most_at_once=2)
    lipstick = make.variant(stocked=10)
    let_go, ring_up = threading.Event(), ringing.ring_up

    def slowly(*args: Any, **more: Any) -> Any:
        let_go.wait(10)
        return ring_up(*args, **more)

    monkeypatch.setattr(ringing, "ring_up", slowly)
    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda each=each: found.append(till.buy(each)))
        for each in [wants(lipstick) for _ in range(6)]
    ]
    for thread in threads:
        thread.start()
    while till.waiting < 4:
        threading.Event().wait(0.01)
    closing = threading.Thread(target=till.close)
    closing.start()
    let_go.set()
    closing.join(20)
    for thread in threads:
        thread.join(20)

    assert kinds(found) == [Receipt] * 6
    with pytest.raises(refusals.TillFull):
        till.buy(wants(lipstick))


def test_a_batch_that_breaks_the_counter_is_answered_and_the_next_one_sells(
    monkeypatch: pytest.MonkeyPatch, till: counter.Till
) -> None:
    lipstick, ring_up = make.variant(), ringing.ring_up

    def broken(*_: Any, **__: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(ringing, "ring_up", broken)
    with pytest.raises(errors.Unavailable):
        till.buy(wants(lipstick))
    monkeypatch.setattr(ringing, "ring_up", ring_up)

    assert isinstance(till.buy(wants(lipstick)), Receipt)


def test_a_till_goes_on_after_its_connection_was_lost(till: counter.Till) -> None:
    lipstick = make.variant()
    till.buy(wants(lipstick))
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    assert isinstance(till.buy(wants(lipstick)), Receipt)
    assert make.left(lipstick) == 8
