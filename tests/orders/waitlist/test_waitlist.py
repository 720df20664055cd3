"""The waitlist: who is next, and where every unit is meanwhile."""

from typing import Any

import pytest
from django.db import connection

from catalog.shelf import stock
from orders import holds
from orders.models import Setback, WaitlistEntry
from orders.waitlist import keeping, places, queue, waiting
from streams import offers, shows
from streams.models import Offer, OfferBuyer
from tests.orders import make
from tests.orders.make import NOW, after
from tests.orders.waitlist.lining import Drop, drop, sold_out, status, told

pytestmark = pytest.mark.django_db


# --- turns ---


def test_units_of_an_ended_purchase_go_to_the_next_in_line() -> None:
    made, purchase = sold_out()
    first, second, third = made.join(), made.join(), made.join()

    holds.release(purchase=purchase, now=after(5))
    type(purchase).objects.filter(pk=purchase.pk).update(status="declined")

    assert [status(each) for each in (first, second, third)] == ["offered", "offered", "waiting"]
    assert made.left() == (0, 0)
    turn = told("waitlist.turn")[0]
    assert turn["id"] == str(first.id)
    assert (turn["variant"], turn["offer"]) == (str(made.variant.id), str(made.offer.id))
    assert turn["until"] == int(after(5 + 120).timestamp() * 1000)
    assert turn["price"] == {"amount": 999, "currency": "EUR"}
    # The room was not told that there is something to be had.
    assert [each["t"] for each in make.events("room.told")].count("offer.started") == 1
    assert {"offer-quota-adds-up", "stock-adds-up", "offer-limit-adds-up"}.isdisjoint(make.broken())


def test_what_nobody_waits_for_goes_back_on_sale() -> None:
    made, purchase = sold_out()

    holds.release(purchase=purchase, now=after(5))

    assert made.left() == (2, 2)
    assert Offer.objects.get(pk=made.offer.pk).status == "open"


def test_an_offer_says_itself_how_long_a_turn_lasts() -> None:
    made, purchase = sold_out(turn_seconds=30)
    entry = made.join()

    holds.release(purchase=purchase, now=NOW)

    assert WaitlistEntry.objects.get(pk=entry.pk).turn_until == after(30)


def test_who_waits_for_the_list_price_gets_the_goods_and_the_offer_its_units() -> None:
    made, purchase = sold_out()
    entry = made.join(listed=True)

    holds.release(purchase=purchase, now=NOW)

    assert status(entry) == "offered"
    assert made.left() == (1, 2)


def test_after_the_offers_window_its_line_gets_nothing() -> None:
    made, purchase = sold_out()
    entry = made.join()

    holds.release(purchase=purchase, now=after(61))

    assert status(entry) == "waiting"
    assert made.left() == (2, 2)


def test_a_buyer_at_her_limit_is_passed_over() -> None:
    made, purchase = sold_out(per_buyer=2)
    ana = make.buyer()
    entry, next_one = made.join(ana, quantity=2), made.join()
    OfferBuyer.objects.create(offer=made.offer, buyer=ana, units=1, cap=2)

    holds.release(purchase=purchase, now=NOW)

    assert (status(entry), status(next_one)) == ("waiting", "offered")


def test_a_turn_that_ends_goes_to_the_next_and_at_last_back_on_sale() -> None:
    made, purchase = sold_out(quota=1, stocked=1, seconds=600)
    first, second = made.join(), made.join()
    holds.release(purchase=purchase, now=NOW)

    assert keeping.end_turns(now=after(119)) == 0
    assert keeping.end_turns(now=after(120)) == 1
    assert [status(first), status(second)] == ["lapsed", "offered"]
    assert told("waitlist.lapsed")[0]["reason"] == "turn_over"
    assert made.left() == (0, 0)

    assert keeping.end_turns(now=after(240)) == 1
    assert made.left() == (1, 1)
    assert Offer.objects.get(pk=made.offer.pk).status == "open"


def test_all_turns_that_are_over_end_in_one_sweep_however_many_batches_it_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, purchase = sold_out(stocked=3, quota=3, per_buyer=3)
    made.join(), made.join(), made.join()
    holds.release(purchase=purchase, now=NOW)
    monkeypatch.setattr(keeping, "BATCH", 1)

    assert keeping.end_turns(now=after(120)) == 3
    assert made.left() == (3, 3)


def poisoned_among(count: int) -> list[tuple[Drop, WaitlistEntry]]:
    """Turns at so many drops; the first one's cannot end, because its offer has all its units already."""
    turns = []
    for _ in range(count):
        made, purchase = sold_out(quota=1, stocked=1, seconds=3600)
        turns.append((made, made.join()))
        holds.release(purchase=purchase, now=NOW)
    Offer.objects.filter(pk=turns[0][0].offer.pk).update(left=1)
    return turns


def test_a_turn_that_cannot_end_stops_no_other_and_is_put_off() -> None:
    (bad, first), *good = poisoned_among(4)

    assert keeping.sweep(now=after(120))["turns"] == 3

    assert status(first) == "offered"
    assert {status(entry) for _, entry in good} == {"lapsed"}
    assert {made.left() for made, _ in good} == {(1, 1)}
    setback = Setback.objects.get()
    assert (setback.kind, setback.subject) == ("turns", str(first.id))

    Offer.objects.filter(pk=bad.offer.pk).update(left=0)
    assert keeping.end_turns(now=after(121)) == 0, "it is put off"
    assert keeping.end_turns(now=after(131)) == 1
    assert (bad.left(), Setback.objects.exists()) == ((1, 1), False)


def test_a_wait_that_cannot_end_stops_no_other() -> None:
    made, _ = sold_out()
    waits = [made.join() for _ in range(3)]
    # Her place is closed to every change, as by a constraint that an operator has added.
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(
            "ALTER TABLE orders_waitlistentry ADD CONSTRAINT stays CHECK"
            f" (id <> '{waits[1].id}' OR status = 'waiting')"
        )

    assert keeping.sweep(now=after(60))["waits"] == 2

    assert [status(each) for each in waits] == ["lapsed", "waiting", "lapsed"]
    assert Setback.objects.get().subject == str(waits[1].id)


def test_leaving_in_ones_turn_gives_the_units_on() -> None:
    made, purchase = sold_out(quota=1, stocked=1)
    ana = make.buyer()
    first, second = made.join(ana), made.join()
    holds.release(purchase=purchase, now=NOW)

    places.leave(buyer_id=ana.id, variant_id=made.variant.id, offer_id=made.offer.id, now=after(1))

    assert [status(first), status(second)] == ["left", "offered"]
    with pytest.raises(places.NotInLine):
        places.leave(buyer_id=ana.id, variant_id=made.variant.id, offer_id=made.offer.id, now=after(1))


def test_somebody_elses_place_cannot_be_left() -> None:
    made, _ = sold_out()
    entry = made.join()

    with pytest.raises(places.NotInLine):
        places.leave(buyer_id=make.buyer().id, variant_id=made.variant.id, offer_id=made.offer.id, now=NOW)
    assert status(entry) == "waiting"


def test_waiting_ends_with_the_offer_and_with_the_show_and_a_turn_does_not() -> None:
    made, purchase = sold_out(quota=1, stocked=1)
    turn, waits, listed = made.join(), made.join(), made.join(listed=True)
    holds.release(purchase=purchase, now=NOW)

    assert keeping.end_waits(now=after(30)) == 0
    assert keeping.end_waits(now=after(60)) == 1
    assert [status(turn), status(waits), status(listed)] == ["offered", "lapsed", "waiting"]
    assert told("waitlist.lapsed")[-1]["reason"] == "offer_ended"

    shows.end(host_id=made.stream.host_id, stream_id=made.stream.id, now=after(61))
    assert keeping.end_waits(now=after(61)) == 1
    assert [status(turn), status(listed)] == ["offered", "lapsed"]
    assert told("waitlist.lapsed")[-1]["reason"] == "show_ended"


def test_waiting_for_a_sold_out_offer_ends_when_its_host_ends_it() -> None:
    made, purchase = sold_out(quota=2, stocked=2)
    waits, listed = made.join(), made.join(listed=True)

    offers.end(host_id=made.stream.host_id, offer_id=made.offer.id, now=after(1))
    assert keeping.end_waits(now=after(2)) == 1

    assert told("waitlist.lapsed")[-1]["reason"] == "offer_ended"
    holds.release(purchase=purchase, now=after(3))
    # One goes to who waits at the list price, one back to the stock; none at the offer's price.
    assert [status(waits), status(listed)] == ["lapsed", "offered"]
    assert made.left() == (1, 2)
    assert Offer.objects.get(pk=made.offer.pk).status == "ended"


# --- buying in one's turn ---


def turn_of(made: Drop, buyer: Any, units: int, *, seconds: float = 1) -> int:
    line = made.variant.id, made.offer.id
    used = places.take_turns(buyer_id=buyer.id, wanted={line: units}, now=after(seconds))
    return used.get(line, 0)


def test_a_turn_is_used_once_by_its_owner_in_its_time() -> None:
    made, purchase = sold_out()
    ana = make.buyer()
    entry = made.join(ana, quantity=2)
    holds.release(purchase=purchase, now=NOW)

    assert turn_of(made, make.buyer(), 2) == 0
    assert turn_of(made, ana, 2, seconds=120) == 0
    assert turn_of(made, ana, 1) == 1
    assert WaitlistEntry.objects.get(pk=entry.pk).quantity == 1
    assert turn_of(made, ana, 2) == 1
    assert status(entry) == "bought"
    assert turn_of(made, ana, 1) == 0


# --- units that a merchant adds ---


def test_what_a_merchant_adds_goes_to_the_line_first() -> None:
    made = drop(stocked=1, quota=5)
    made.buy()
    first, second = made.join(), made.join(listed=True)
    stock.adjust(
        merchant_id=made.variant.merchant_id, variant_id=made.variant.id, delta=3, note="", now=after(1)
    )

    served = queue.serve(variant_ids=[made.variant.id], offer_ids=[], now=after(1))

    assert served == [first.id, second.id]
    assert made.left() == (1, 3)
    assert queue.serve(variant_ids=[made.variant.id], offer_ids=[made.offer.id], now=after(1)) == []
    assert make.broken() == []


def test_a_line_is_served_from_a_quota_only_while_its_offer_sells() -> None:
    made = drop(stocked=1, quota=5)
    made.buy()
    entry = made.join()
    stock.adjust(
        merchant_id=made.variant.merchant_id, variant_id=made.variant.id, delta=3, note="", now=after(1)
    )

    assert queue.serve(variant_ids=[made.variant.id], offer_ids=[], now=after(60)) == []
    assert status(entry) == "waiting"


def test_a_shopper_sees_her_places_and_a_host_the_length_of_the_line() -> None:
    made, purchase = sold_out(quota=1, stocked=1)
    ana = make.buyer()
    first, second = made.join(ana), made.join()
    third = made.join()
    holds.release(purchase=purchase, now=NOW)

    (own,) = waiting.bodies(buyer_id=ana.id, stream_id=made.stream.id)
    assert (own["id"], own["status"], own["ahead"]) == (str(first.id), "offered", 0)
    assert waiting.lines() == [waiting.Line(made.stream.id, made.variant.id, waiting=2, first=2, version=4)]
    assert [waiting.body(each)["ahead"] for each in (second, third)] == [0, 1]
    other = sold_out()[0]
    assert waiting.bodies(buyer_id=ana.id, stream_id=other.stream.id) == []


def test_units_that_no_cart_holds_any_more_go_to_the_line() -> None:
    made = drop(stocked=1)
    stock.take(units={made.variant.id: 1}, now=NOW)
    first, second = made.join(listed=True), made.join(listed=True)

    queue.give_back(units={made.variant.id: 1}, now=NOW)

    assert [status(first), status(second), make.left(made.variant)] == ["offered", "waiting", 0]


def test_many_turns_begin_at_once_in_a_few_statements(django_assert_max_num_queries: Any) -> None:
    made = drop(stocked=0, quota=100)
    line = [made.join() for _ in range(12)]
    stock.adjust(
        merchant_id=made.variant.merchant_id, variant_id=made.variant.id, delta=11, note="", now=after(1)
    )

    with django_assert_max_num_queries(30):
        served = queue.serve(variant_ids=[made.variant.id], offer_ids=[], now=after(1))

    assert served == [each.id for each in line[:11]]
    assert [turn["number"] for turn in told("waitlist.turn")] == list(range(1, 12))
    assert waiting.rendered([*line[:7], line[11]])[-1]["number"] == 12


def test_places_are_numbered_alike_one_by_one_and_all_at_once() -> None:
    made, _ = sold_out()
    line = [made.join(listed=n % 2 == 0) for n in range(7)]
    WaitlistEntry.objects.filter(pk=line[2].pk).update(status="left")
    line = list(WaitlistEntry.objects.order_by("id"))

    together = waiting.rendered(line)

    assert together == [waiting.body(each) for each in line]
    assert [each["ahead"] for each in together] == [0, 1, 0, 2, 3, 4, 5]


def test_who_has_a_turn_is_let_past_the_waiting_room() -> None:
    made, purchase = sold_out(admits_per_second=1)
    entry = made.join()

    holds.release(purchase=purchase, now=after(5))

    (event,) = make.events("turn.begun")
    assert (event["user"], event["offer"]) == (str(entry.buyer_id), str(made.offer.id))
    assert event["until"] == after(125).isoformat()
