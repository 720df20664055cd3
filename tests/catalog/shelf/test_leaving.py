"""Sold units leave a location, each with a movement of its own, and lie there again if they did not go."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Location, Stock, StockMovement, Variant
from catalog.shelf import leaving, locations, places, stock
from commerce.models import Merchant
from tests.catalog import located, make
from tests.catalog.located import KEY, adds_up, close, lying, move, set_there
from tests.catalog.make import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller() -> Merchant:
    return located.seller()


def go(seller: Merchant, code: str, *units: tuple[Variant, int, str]) -> None:
    leaving.take_away(
        place=leaving.origin(merchant_id=seller.pk, code=code),
        going=[leaving.Units(one.pk, count, note) for one, count, note in units],
        by=KEY,
        now=NOW,
    )


def come(seller: Merchant, code: str, *units: tuple[Variant, int, str]) -> None:
    leaving.lay_back(
        merchant_id=seller.pk,
        location_id=Location.objects.get(merchant=seller, code=code).pk,
        coming=[leaving.Units(one.pk, count, note) for one, count, note in units],
        now=NOW,
    )


def sent() -> list[tuple[int, int, str, str]]:
    rows = StockMovement.objects.filter(reason="sent").order_by("id")
    return list(rows.values_list("delta", "on_hand_delta", "note", "by_name"))


def test_two_lines_of_one_variant_are_two_movements(seller: Merchant) -> None:
    one = make.variant(seller, stocked=0)
    set_there(one, "berlin", 5)
    stock.take(units={one.pk: 5}, now=NOW)

    go(seller, "berlin", (one, 2, "order 1"), (one, 1, "order 2"))

    assert sent() == [(0, -2, "order 1", "ERP"), (0, -1, "order 2", "ERP")]
    assert (lying(one), Stock.objects.get(pk=one.pk).available) == ({"berlin": 2}, 0)


def test_lines_of_one_variant_are_short_together(seller: Merchant) -> None:
    one, other = make.variant(seller), make.variant(seller)
    set_there(one, "berlin", 3)
    set_there(other, "berlin", 3)
    with pytest.raises(places.NotEnoughThere) as refused:
        go(seller, "berlin", (other, 1, ""), (one, 2, ""), (one, 2, ""))
    assert refused.value.data == {"variant": str(one.pk), "location": "berlin", "left": 3}
    assert (sent(), lying(other)) == ([], {"berlin": 3})


def test_what_did_not_go_lies_there_again(seller: Merchant) -> None:
    one, other = make.variant(seller), make.variant(seller)
    set_there(one, "berlin", 3)
    available = Stock.objects.get(pk=one.pk).available
    go(seller, "berlin", (one, 3, "order 1"))

    come(seller, "berlin", (one, 3, "order 1"), (other, 2, "order 1"))

    assert (lying(one), lying(other)) == ({"berlin": 3}, {"berlin": 2})
    assert Stock.objects.get(pk=one.pk).available == available
    assert sent() == [(0, -3, "order 1", "ERP"), (0, 3, "order 1", ""), (0, 2, "order 1", "")]
    assert adds_up(one) and adds_up(other)


def test_at_a_location_that_was_closed_meanwhile_nothing_lies_again(seller: Merchant) -> None:
    one = make.variant(seller)
    set_there(one, "berlin", 3)
    go(seller, "berlin", (one, 3, ""))
    close(seller, "berlin")

    come(seller, "berlin", (one, 3, ""))

    assert lying(one) == {"berlin": 0}
    assert len(sent()) == 1


def test_of_the_main_location_nothing_is_written(seller: Merchant) -> None:
    one = make.variant(seller)
    go(seller, "main", (one, 3, ""))
    come(seller, "main", (one, 3, ""))
    assert (sent(), lying(one)) == ([], {})


def test_a_closed_location_sends_nothing(seller: Merchant) -> None:
    one = make.variant(seller)
    set_there(one, "berlin", 3)
    move(one, "berlin", "main", 3)
    close(seller, "berlin")
    with pytest.raises(locations.LocationClosed) as refused:
        go(seller, "berlin", (one, 1, ""))
    assert refused.value.data == {"location": "berlin"}


def test_many_take_as_many_statements_as_few(seller: Merchant) -> None:
    taken = []
    for count in (2, 20):
        some = [make.variant(seller) for _ in range(count)]
        for one in some:
            set_there(one, "berlin", 5)
        with CaptureQueriesContext(connection) as made:
            go(seller, "berlin", *((one, 2, "") for one in some))
        taken.append(len(made))
    assert taken[0] == taken[1]
