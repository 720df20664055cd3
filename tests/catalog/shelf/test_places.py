"""Locations and what lies there; what can be promised follows what is counted, and not what is moved."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from catalog import bundles, queries
from catalog.models import Location, LocationStock, Stock, StockMovement, Variant
from catalog.shelf import leaving, locations, movements, places, stock
from commerce import ids
from commerce.models import Event, Merchant
from tests.catalog import located, make
from tests.catalog.api import Api
from tests.catalog.located import KEY, adds_up, adjust_there, close, lying, move, place, send, set_there
from tests.catalog.make import NOW, after

pytestmark = pytest.mark.django_db

Act = Callable[[], Any]


@pytest.fixture
def seller() -> Merchant:
    return located.seller()


def standing(one: Variant) -> tuple[int, dict[str, int]]:
    """What can be promised, and what lies elsewhere."""
    return Stock.objects.get(pk=one.pk).available, lying(one)


def test_the_first_location_is_the_main_one(seller: Merchant) -> None:
    mine = Location.objects.filter(merchant=seller).values_list("code", "is_main")
    assert dict(mine) == {"main": True, "berlin": False, "lyon": False}
    with pytest.raises(locations.LocationTaken):
        place(seller, "berlin")
    assert place(make.merchant(), "berlin").is_main


def test_only_so_many_can_be_named(seller: Merchant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locations, "MAX_LOCATIONS", 3)
    with pytest.raises(locations.TooManyLocations):
        place(seller, "rome")


def test_what_is_counted_elsewhere_can_be_promised_too(seller: Merchant) -> None:
    one = make.variant(seller, stocked=10)
    set_there(one, "berlin", 5)
    assert standing(one) == (15, {"berlin": 5})
    set_there(one, "berlin", 3)
    set_there(one, "lyon", 4)
    assert standing(one) == (17, {"berlin": 3, "lyon": 4})
    assert adds_up(one)
    last = StockMovement.objects.latest("id")
    assert last.location is not None
    assert (last.location.code, last.delta, last.on_hand_delta) == ("lyon", 4, 4)
    assert (last.reason, last.note, last.by, last.by_name) == ("set", "counted", "key", "ERP")


def test_the_same_count_again_writes_nothing(seller: Merchant) -> None:
    one = make.variant(seller, stocked=10)
    set_there(one, "berlin", 5)
    Event.objects.all().delete()
    count = StockMovement.objects.count()
    set_there(one, "berlin", 5, at=9)
    assert (StockMovement.objects.count(), Event.objects.count()) == (count, 0)


def test_a_change_is_told_as_any_change_of_stock(seller: Merchant) -> None:
    one = make.variant(seller, stocked=10)
    Event.objects.all().delete()
    adjust_there(one, "berlin", 5)
    assert [event.name for event in Event.objects.all()] == ["stock.moved"]


def test_at_the_main_location_what_remains_is_said(seller: Merchant) -> None:
    one = make.variant(seller, stocked=10)
    set_there(one, "berlin", 5)
    set_there(one, "main", 20)
    assert standing(one) == (25, {"berlin": 5})
    adjust_there(one, "main", -20)
    assert standing(one) == (5, {"berlin": 5})
    assert adds_up(one)


def test_of_several_counts_what_came_is_added_before_what_went_is_taken_away(seller: Merchant) -> None:
    one = make.variant(seller, stocked=0)
    set_there(one, "berlin", 10)
    stock.take(units={one.pk: 10}, now=NOW)
    levels = {(one.pk, "berlin"): 9, (one.pk, "lyon"): 1}
    told = places.set_levels(merchant_id=seller.pk, levels=levels, note="", by=movements.SOMEBODY, now=NOW)
    assert told == {(one.pk, "berlin"): True, (one.pk, "lyon"): True}
    assert standing(one) == (0, {"berlin": 9, "lyon": 1})


def test_promised_units_are_not_taken_away(seller: Merchant) -> None:
    one = make.variant(seller, stocked=0)
    set_there(one, "berlin", 10)
    stock.take(units={one.pk: 8}, now=NOW)
    acts: tuple[Act, ...] = (lambda: set_there(one, "berlin", 7), lambda: adjust_there(one, "berlin", -3))
    for act in acts:
        with pytest.raises(stock.OutOfStock) as refused:
            act()
        assert refused.value.data["left"] == 2
    assert standing(one) == (2, {"berlin": 10})
    set_there(one, "berlin", 8)
    assert standing(one) == (0, {"berlin": 8})


def test_more_than_lies_there_does_not_leave(seller: Merchant) -> None:
    one = make.variant(seller, stocked=10)
    set_there(one, "berlin", 2)
    acts: tuple[Act, ...] = (
        lambda: adjust_there(one, "berlin", -3),
        lambda: move(one, "berlin", "lyon", 3),
        lambda: send(one, "berlin", 3),
    )
    for act in acts:
        with pytest.raises(places.NotEnoughThere) as refused:
            act()
        assert refused.value.data == {"variant": str(one.pk), "location": "berlin", "left": 2}
    # And the database says so, whoever did not look.
    with pytest.raises(IntegrityError, match="location_stock_never_negative"), transaction.atomic():
        LocationStock.objects.update(on_hand=-1)


def test_moving_leaves_alone_what_can_be_promised(seller: Merchant) -> None:
    one = make.variant(seller, stocked=10)
    version = Stock.objects.get(pk=one.pk).version
    move(one, "main", "berlin", 6)
    move(one, "berlin", "lyon", 4)
    move(one, "lyon", "main", 1)
    assert standing(one) == (10, {"berlin": 2, "lyon": 3})
    assert Stock.objects.get(pk=one.pk).version == version
    rows = StockMovement.objects.filter(reason="transfer").order_by("id")
    assert list(rows.values_list("location__code", "delta", "on_hand_delta")) == [
        *(("main", 0, -6), ("berlin", 0, 6), ("berlin", 0, -4), ("lyon", 0, 4)),
        *(("lyon", 0, -1), ("main", 0, 1)),
    ]
    assert adds_up(one)


def test_who_follows_stock_hears_of_what_lies_elsewhere_now(seller: Merchant) -> None:
    api, one = Api(seller), make.variant(seller, stocked=9)

    def told(at: float) -> list[dict[str, int]]:
        since = after(at).isoformat().replace("+00:00", "Z")
        rows = api.get(f"stock?updated_since={since}").body["results"]
        return [{each["location"]: each["on_hand"] for each in row["locations"]} for row in rows]

    about: Any = {"merchant_id": seller.pk, "note": "", "by": KEY}
    assert told(5) == []
    places.transfer(**about, origin="main", target="berlin", units={one.pk: 4}, now=after(5))
    assert told(5) == [{"main": 5, "berlin": 4}]
    counts = {(one.pk, "berlin"): 3, (one.pk, "lyon"): 1}
    places.set_levels(**about, levels=counts, now=after(6))
    assert told(6) == [{"main": 5, "berlin": 3, "lyon": 1}]
    with transaction.atomic():
        start = leaving.origin(merchant_id=seller.pk, code="berlin")
        leaving.take_away(place=start, going=[leaving.Units(one.pk, 2, "order 1")], now=after(7))
    assert told(7) == [{"main": 7, "berlin": 1, "lyon": 1}]
    assert Stock.objects.get(pk=one.pk).version == 1


def test_from_the_main_location_goes_what_is_not_promised(seller: Merchant) -> None:
    one = make.variant(seller, stocked=10)
    move(one, "main", "berlin", 6)
    stock.take(units={one.pk: 3}, now=NOW)
    with pytest.raises(places.NotEnoughThere) as refused:
        move(one, "main", "berlin", 2)
    assert refused.value.data["left"] == 1


def test_several_go_together_or_not_at_all(seller: Merchant) -> None:
    one, other = make.variant(seller, stocked=10), make.variant(seller, stocked=1)
    with pytest.raises(places.NotEnoughThere):
        places.transfer(
            merchant_id=seller.pk,
            origin="main",
            target="lyon",
            units={one.pk: 2, other.pk: 2},
            note="",
            now=NOW,
        )
    assert standing(one) == (10, {})


def test_what_was_sold_leaves_without_being_promised_again(seller: Merchant) -> None:
    one = make.variant(seller, stocked=2)
    set_there(one, "berlin", 5)
    stock.take(units={one.pk: 6}, now=NOW)
    send(one, "berlin", 4)
    assert standing(one) == (1, {"berlin": 1})
    last = StockMovement.objects.latest("id")
    assert (last.reason, last.delta, last.on_hand_delta, last.note) == ("sent", 0, -4, "order 1")
    # What lies at the main one is derived.
    count = StockMovement.objects.count()
    send(one, "main", 2)
    assert StockMovement.objects.count() == count


def test_a_closed_location_takes_nothing_in(seller: Merchant) -> None:
    one = make.variant(seller, stocked=10)
    set_there(one, "berlin", 2)
    with pytest.raises(locations.LocationNotEmpty) as refused:
        close(seller, "berlin")
    assert refused.value.data == {"units": 2}
    with pytest.raises(locations.MainLocation):
        close(seller, "main")
    move(one, "berlin", "main", 2)
    assert not close(seller, "berlin").is_active
    acts: tuple[Act, ...] = (lambda: set_there(one, "berlin", 1), lambda: move(one, "main", "berlin", 1))
    for act in acts:
        with pytest.raises(locations.LocationClosed):
            act()
    with pytest.raises(locations.LocationClosed):
        send(one, "berlin", 1)
    with pytest.raises(locations.NoLocation):
        locations.change(merchant_id=seller.pk, location_id=ids.new(), changes={}, now=NOW)


def test_what_is_not_there_or_anothers_is_unknown(seller: Merchant) -> None:
    one, stranger = make.variant(seller, stocked=10), make.merchant()
    theirs = place(stranger, "hers")
    other = make.variant(stranger)
    with pytest.raises(locations.UnknownLocation):
        set_there(one, "hers", 1)
    with pytest.raises(queries.UnknownVariant):
        places.adjust(
            merchant_id=seller.pk, variant_id=other.pk, location="berlin", delta=1, note="", by=KEY, now=NOW
        )
    with pytest.raises(places.UnknownGoods):
        places.transfer(
            merchant_id=seller.pk, origin="main", target="lyon", units={other.pk: 1}, note="", now=NOW
        )
    with pytest.raises(locations.UnknownLocation):
        send(one, "hers", 1)
    with pytest.raises(places.SameLocation):
        move(one, "main", "main", 1)
    # Nor does the database take a row that mixes merchants.
    for wrong in ({"variant": other}, {"location": theirs}):
        row: dict[str, Any] = {"variant": one, "location": Location.objects.get(code="berlin"), **wrong}
        with pytest.raises(IntegrityError, match="same_merchant"), transaction.atomic():
            LocationStock.objects.create(merchant=seller, on_hand=1, **row)
    with pytest.raises(IntegrityError, match="same_merchant"), transaction.atomic():
        StockMovement.objects.create(merchant=seller, variant=one, location=theirs, delta=0, reason="set")


def test_a_bundle_lies_nowhere(seller: Merchant) -> None:
    part, bundle = make.variant(seller), make.variant(seller, stocked=0)
    bundles.set_parts(merchant_id=seller.pk, bundle_id=bundle.pk, parts={part.pk: 2}, now=NOW)
    acts: tuple[Act, ...] = (
        lambda: set_there(bundle, "berlin", 1),
        lambda: adjust_there(bundle, "berlin", 1),
    )
    for act in acts:
        with pytest.raises(stock.StockOfBundle):
            act()


def test_numbers_stay_within_what_is_kept(seller: Merchant) -> None:
    one = make.variant(seller, stocked=10)
    with pytest.raises(stock.TooMuchStock):
        set_there(one, "berlin", -1)
    with pytest.raises(stock.TooMuchStock):
        set_there(one, "berlin", stock.MAX_UNITS)


def test_many_at_once_each_for_itself(seller: Merchant) -> None:
    one, other = make.variant(seller, stocked=10), make.variant(seller, stocked=0)
    levels = {
        (one.pk, "main"): 7,
        (one.pk, "berlin"): 5,
        (one.pk, "nowhere"): 5,
        (other.pk, "lyon"): 0,
        (other.pk, "berlin"): -1,
    }
    found = places.set_levels(merchant_id=seller.pk, levels=levels, note="", by=KEY, now=NOW)
    assert found[one.pk, "main"] is True
    assert found[one.pk, "berlin"] is True
    assert found[other.pk, "lyon"] is False
    assert isinstance(found[one.pk, "nowhere"], locations.UnknownLocation)
    assert isinstance(found[other.pk, "berlin"], stock.TooMuchStock)
    assert standing(one) == (12, {"berlin": 5})
    assert adds_up(one)


def test_many_take_as_many_statements_as_few(seller: Merchant) -> None:
    taken = []
    for count in (2, 40):
        some = [make.variant(seller) for _ in range(count)]
        with CaptureQueriesContext(connection) as made:
            levels = {(one.pk, "berlin"): 5 for one in some}
            places.set_levels(merchant_id=seller.pk, levels=levels, note="", by=KEY, now=NOW)
        taken.append(len(made))
    assert taken[0] == taken[1]
