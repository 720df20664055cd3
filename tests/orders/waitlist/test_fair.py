"""Nobody waits for ever behind those who cannot be served, and nobody is offered more than she may have."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from catalog.pricing import floors, prices
from catalog.shelf import stock
from commerce.models import User
from orders.models import WaitlistEntry
from orders.waitlist import keeping, queue
from streams.models import OfferBuyer
from tests.orders import make
from tests.orders.make import NOW, after
from tests.orders.waitlist.lining import Drop, drop, status

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def few_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "CANDIDATES", 3)


def emptied(*, stocked: int = 4, quota: int = 4, per_buyer: int = 2) -> Drop:
    """A drop of which nothing is left, neither of the goods nor of the offer."""
    made = drop(stocked=stocked, quota=quota, per_buyer=per_buyer)
    type(made.offer).objects.filter(pk=made.offer.pk).update(left=0, status="ended", reason="sold_out")
    stock.take(units={made.variant.id: stocked}, now=NOW)
    return made


def comes_back(made: Drop, units: int = 1, *, of_offer: int = 0) -> None:
    quota = {made.offer.id: of_offer} if of_offer else {}
    queue.returned(units={made.variant.id: units}, of_offers=quota, now=after(1))


def statuses(entries: list[WaitlistEntry]) -> list[str]:
    return [status(each) for each in entries]


def test_who_waits_at_the_list_price_is_not_kept_by_those_whose_offer_has_no_units() -> None:
    made = emptied()
    ahead, last = [made.join() for _ in range(4)], made.join(listed=True)

    comes_back(made)

    assert statuses(ahead) == ["waiting"] * 4
    assert status(last) == "offered"


def test_units_that_are_added_reach_the_one_behind_those_who_cannot_be_served() -> None:
    made = emptied()
    [made.join() for _ in range(4)]
    last = made.join(listed=True)
    merchant_id = made.variant.merchant_id
    stock.adjust(merchant_id=merchant_id, variant_id=made.variant.id, delta=1, note="", now=NOW)

    queue.serve(variant_ids=[made.variant.id], offer_ids=[], now=after(1))

    assert status(last) == "offered"
    assert make.left(made.variant) == 0


def floored(made: Drop) -> None:
    given = {"merchant_id": made.variant.merchant_id, "variant_id": made.variant.id}
    floors.set_floor(**given, amount=made.offer.amount + 1, currency=None, now=NOW)


def in_yen(made: Drop) -> None:
    given = {"merchant_id": made.variant.merchant_id, "variant_id": made.variant.id}
    prices.change(**given, amount=5000, compare_at=None, currency="JPY", now=after(1))


@pytest.mark.parametrize("added", [False, True])
@pytest.mark.parametrize("ends_the_sale", [floored, in_yen])
def test_who_waits_at_a_price_that_is_not_taken_any_more_gets_no_turn(
    ends_the_sale: Callable[[Drop], None], added: bool
) -> None:
    made = drop(stocked=0)
    ahead, last = [made.join() for _ in range(4)], made.join(listed=True)
    ends_the_sale(made)

    if added:
        given = {"merchant_id": made.variant.merchant_id, "variant_id": made.variant.id}
        stock.adjust(**given, delta=1, note="", now=after(2))
        queue.serve(variant_ids=[made.variant.id], offer_ids=[], now=after(2))
    else:
        queue.returned(units={made.variant.id: 1}, of_offers={}, now=after(2))

    assert statuses(ahead) == ["waiting"] * 4
    assert status(last) == "offered"


def test_what_the_till_would_refuse_is_not_ready_for_those_who_wait() -> None:
    made = drop(stocked=0)
    made.join()
    floored(made)
    given = {"merchant_id": made.variant.merchant_id, "variant_id": made.variant.id}
    stock.adjust(**given, delta=1, note="", now=after(1))

    with CaptureQueriesContext(connection) as asked:
        assert queue.serve(variant_ids=[made.variant.id], offer_ids=[], now=after(1)) == []

    assert not [each for each in asked.captured_queries if "FOR NO KEY UPDATE" in each["sql"]]
    assert make.left(made.variant) == 1


def test_one_unit_reaches_the_one_behind_those_who_want_two() -> None:
    made = emptied()
    ahead, last = [made.join(listed=True, quantity=2) for _ in range(4)], made.join(listed=True)

    comes_back(made)

    assert statuses(ahead) == ["waiting"] * 4
    assert status(last) == "offered"


def test_who_has_her_share_of_the_offer_keeps_nobody_behind_her() -> None:
    made = emptied()
    ahead, last = [made.join() for _ in range(4)], made.join()
    OfferBuyer.objects.bulk_create(
        OfferBuyer(offer=made.offer, buyer=each.buyer, units=2, cap=2) for each in ahead
    )

    comes_back(made, of_offer=1)

    assert statuses(ahead) == ["waiting"] * 4
    assert status(last) == "offered"


def test_the_line_of_one_variant_is_not_kept_by_the_longer_one_of_another() -> None:
    first, second = emptied(), emptied()
    longer, last = [first.join(listed=True) for _ in range(4)], second.join(listed=True)

    queue.returned(units={first.variant.id: 1, second.variant.id: 1}, of_offers={}, now=after(1))

    assert statuses(longer) == ["offered", *["waiting"] * 3]
    assert status(last) == "offered"


# --- turns count for the limit of a buyer ---


def two_shades(*, per_buyer: int) -> tuple[Any, Any, Any, User]:
    """An offer on a product of two variants, both gone, and a shopper in both lines."""
    red = make.variant(stocked=1)
    blue = make.variant(stocked=1, product=red.product, title="Blue")
    stream = make.show(red)
    offer = make.offer(stream, red, quota=2, per_buyer=per_buyer)
    type(offer).objects.filter(pk=offer.pk).update(left=0, status="ended", reason="sold_out")
    stock.take(units={red.id: 1, blue.id: 1}, now=NOW)
    ana = make.buyer()
    entries = [Drop(each, stream, offer).join(ana) for each in (red, blue)]
    return offer, entries, [red, blue], ana


@pytest.mark.parametrize("at_once", [True, False])
def test_two_turns_of_one_shopper_are_no_more_than_she_may_have(at_once: bool) -> None:
    offer, entries, shades, _ = two_shades(per_buyer=1)

    for some in [shades] if at_once else [[each] for each in shades]:
        units = {each.id: 1 for each in some}
        queue.returned(units=units, of_offers={offer.id: len(some)}, now=after(1))

    assert statuses(entries) == ["offered", "waiting"]
    assert [make.left(each) for each in shades] == [0, 1]


def test_who_may_have_two_has_two_turns() -> None:
    offer, entries, shades, _ = two_shades(per_buyer=2)

    queue.returned(units={each.id: 1 for each in shades}, of_offers={offer.id: 2}, now=after(1))

    assert statuses(entries) == ["offered", "offered"]


# --- thousands ---


def test_a_line_of_any_length_moves_in_the_same_few_statements(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "CANDIDATES", 500)
    monkeypatch.setattr("streams.showlog.tell_state", lambda **told: True)

    def statements(people: int) -> int:
        made = emptied(stocked=people, quota=1)
        buyers = User.objects.bulk_create(
            User(email=f"{n}@{made.variant.sku.lower()}.example", name="Ana", password="!")
            for n in range(people)
        )
        WaitlistEntry.objects.bulk_create(
            WaitlistEntry(buyer=each, variant=made.variant, stream=made.stream, quantity=1) for each in buyers
        )
        count = 0

        def counted(execute: Any, *given: Any) -> Any:
            nonlocal count
            count += 1
            return execute(*given)

        with connection.execute_wrapper(counted):
            with transaction.atomic():
                comes_back(made, people // 2)
            assert keeping.sweep(now=after(500))["turns"] == people // 2
        WaitlistEntry.objects.all().delete()
        return count

    assert statements(400) <= statements(20) + 5
