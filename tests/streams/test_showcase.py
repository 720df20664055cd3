from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from catalog.models import Product
from catalog.pricing import prices
from commerce.models import Event
from streams import bodies, goods, hearers, pins, queries, showcase, shows
from streams.models import ShowcaseItem, Stream
from tests.streams import make
from tests.streams.make import NOW, after

pytestmark = pytest.mark.django_db


def titles(stream: Stream) -> list[str]:
    return [item.product.title for item in queries.showcase(stream_id=stream.id).select_related("product")]


def test_a_product_is_added_at_the_end_and_the_room_sees_the_whole_showcase() -> None:
    stream = make.show(products=(make.product("One"),))
    two = make.product("Two", variants=(("Big", 3000, 4), ("Small", 1500, 0)))

    item = showcase.add(host_id=stream.host_id, stream_id=stream.id, product_id=two.id, now=NOW)

    assert titles(stream) == ["One", "Two"]
    t, d = make.told(stream)[-1]
    assert t == "showcase.changed"
    told = d["items"][1]  # type: ignore[index]
    big, small = two.variants.order_by("title")
    assert told == {
        "id": str(item.id),
        "position": 2,
        "product": {
            "id": str(two.id),
            "title": "Two",
            "image": f"/pictures/{two.handle}.svg",
            "merchant": {"id": str(two.merchant_id), "name": "Atelier Sol"},
            "description": "",
        },
        "price": {"amount": 1500, "currency": "EUR"},
        "variants": [
            {
                "id": str(big.id),
                "title": "Big",
                "options": {"Shade": "Big"},
                "price": {"amount": 3000, "currency": "EUR"},
                "left": 4,
                "release_at": None,
                "opens_at": None,
            },
            {
                "id": str(small.id),
                "title": "Small",
                "options": {"Shade": "Small"},
                "price": {"amount": 1500, "currency": "EUR"},
                "left": 0,
                "release_at": None,
                "opens_at": None,
            },
        ],
    }


def test_a_product_that_is_there_already_stays_where_it_is() -> None:
    one, two = make.product("One"), make.product("Two")
    stream = make.show(products=(one, two))

    again = showcase.add(host_id=stream.host_id, stream_id=stream.id, product_id=one.id, now=NOW)

    assert again == make.item(stream)
    assert titles(stream) == ["One", "Two"]


@pytest.mark.parametrize("status", [Product.Status.DRAFT, Product.Status.RETIRED])
def test_a_product_that_is_not_active_is_refused(status: str) -> None:
    stream = make.show()

    with pytest.raises(goods.NotForSale):
        showcase.add(
            host_id=stream.host_id, stream_id=stream.id, product_id=make.product(status=status).id, now=NOW
        )


def test_a_product_of_an_inactive_merchant_is_refused() -> None:
    stream, product = make.show(), make.product()
    product.merchant.is_active = False
    product.merchant.save()

    with pytest.raises(goods.NotForSale):
        showcase.add(host_id=stream.host_id, stream_id=stream.id, product_id=product.id, now=NOW)


def test_a_product_without_a_price_is_refused() -> None:
    stream = make.show()

    with pytest.raises(goods.NotForSale):
        showcase.add(
            host_id=stream.host_id, stream_id=stream.id, product_id=make.product(variants=()).id, now=NOW
        )


def test_an_unknown_product_is_not_found() -> None:
    stream = make.show()

    with pytest.raises(showcase.UnknownProduct):
        showcase.add(host_id=stream.host_id, stream_id=stream.id, product_id=uuid4(), now=NOW)


def test_a_full_showcase_takes_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(showcase, "MAX_ITEMS", 2)
    stream = make.show(products=(make.product(), make.product()))

    with pytest.raises(showcase.ShowcaseFull):
        showcase.add(host_id=stream.host_id, stream_id=stream.id, product_id=make.product().id, now=NOW)


def test_a_removed_product_loses_its_pin_and_can_come_back_at_the_end() -> None:
    one, two = make.product("One"), make.product("Two")
    stream = make.show(products=(one, two))
    pins.pin(host_id=stream.host_id, stream_id=stream.id, item_id=make.item(stream).id, now=NOW)

    showcase.remove(host_id=stream.host_id, stream_id=stream.id, item_id=make.item(stream).id, now=after(5))

    assert titles(stream) == ["Two"]
    assert pins.current(stream_id=stream.id) is None
    assert make.told_types(stream)[-2:] == ["product.unpinned", "showcase.changed"]
    showcase.add(host_id=stream.host_id, stream_id=stream.id, product_id=one.id, now=after(6))
    assert titles(stream) == ["Two", "One"]


def test_a_product_with_a_running_offer_stays() -> None:
    stream = make.show(products=(make.product(),))
    make.offer(stream)

    with pytest.raises(showcase.ItemHasOffer):
        showcase.remove(host_id=stream.host_id, stream_id=stream.id, item_id=make.item(stream).id, now=NOW)


def test_the_showcase_is_put_in_another_order() -> None:
    stream = make.show(products=(make.product("One"), make.product("Two"), make.product("Three")))
    one, two, three = (item.id for item in queries.showcase(stream_id=stream.id))

    showcase.reorder(host_id=stream.host_id, stream_id=stream.id, item_ids=[three, one, two])

    assert titles(stream) == ["Three", "One", "Two"]
    assert [item["id"] for item in make.told(stream)[-1][1]["items"]] == [str(three), str(one), str(two)]  # type: ignore[attr-defined]


def test_an_order_that_names_other_items_than_are_there_is_refused() -> None:
    stream = make.show(products=(make.product("One"), make.product("Two")))
    foreign = make.item(make.show(products=(make.product(),)))
    one, two = (item.id for item in queries.showcase(stream_id=stream.id))

    for wrong in ([one], [one, one], [one, foreign.id], [one, two, foreign.id], []):
        with pytest.raises(showcase.ShowcaseChanged):
            showcase.reorder(host_id=stream.host_id, stream_id=stream.id, item_ids=wrong)
    assert titles(stream) == ["One", "Two"]


def test_the_showcase_of_a_show_that_is_over_stays_as_it_was() -> None:
    stream = make.show(products=(make.product("One"),))
    shows.end(host_id=stream.host_id, stream_id=stream.id, now=NOW)
    hers = {"host_id": stream.host_id, "stream_id": stream.id}

    with pytest.raises(queries.ShowOver):
        showcase.add(**hers, product_id=make.product().id, now=NOW)
    with pytest.raises(queries.ShowOver):
        showcase.remove(**hers, item_id=make.item(stream).id, now=NOW)
    with pytest.raises(queries.ShowOver):
        showcase.reorder(**hers, item_ids=[make.item(stream).id])


def test_another_hosts_showcase_does_not_exist() -> None:
    stream, stranger = make.show(products=(make.product("One"),)), make.host("Eve")
    hers = {"host_id": stranger.id, "stream_id": stream.id}

    with pytest.raises(queries.UnknownShow):
        showcase.add(**hers, product_id=make.product().id, now=NOW)
    with pytest.raises(queries.UnknownShow):
        showcase.remove(**hers, item_id=make.item(stream).id, now=NOW)
    with pytest.raises(queries.UnknownShow):
        showcase.reorder(**hers, item_ids=[make.item(stream).id])
    assert titles(stream) == ["One"]


def test_an_item_of_another_show_cannot_be_removed_through_ones_own() -> None:
    mine, other = make.show(products=(make.product(),)), make.show(products=(make.product(),))

    with pytest.raises(queries.UnknownItem):
        showcase.remove(host_id=mine.host_id, stream_id=mine.id, item_id=make.item(other).id, now=NOW)
    assert ShowcaseItem.objects.filter(removed_at=None).count() == 2


# --- prices that change ---


def reprice(product: Product, amount: int) -> dict[str, Any]:
    """Give the product's variants another price and return the event that says so."""
    quotes = {each.pk: prices.Quote(amount, None, "EUR") for each in product.variants.all()}
    prices.change_many(merchant_id=product.merchant_id, quotes=quotes, now=timezone.now())
    event = Event.objects.filter(name="price.moved").latest("id")
    return {"payload": event.payload, "key": event.key}


def told_prices(stream: Stream) -> list[tuple[str, int]]:
    told = [d for t, d in make.told(stream) if t == "product.changed"]
    return [(d["product"]["title"], d["price"]["amount"]) for d in told]  # type: ignore[index]


def test_rooms_that_show_a_product_hear_its_new_price_once() -> None:
    one, two = make.product("One"), make.product("Two")
    live, planned = make.show(products=(one, two)), make.show(live=False, products=(one,))
    over, other = make.show(products=(one,)), make.show(products=(two,))
    shows.end(host_id=over.host_id, stream_id=over.id, now=after(1))

    word = reprice(one, 1750)
    for _ in range(2):
        hearers.show_prices(**word)

    assert [told_prices(each) for each in (live, planned, over, other)] == [
        [("One", 1750)],
        [("One", 1750)],
        [],
        [],
    ]
    body = make.told(live)[-1][1]
    assert body == bodies.item(item_id=make.item(live).id)


def test_a_removed_item_and_the_same_price_again_are_not_told() -> None:
    one, two = make.product("One"), make.product("Two")
    stream = make.show(products=(one, two))
    showcase.remove(
        host_id=stream.host_id, stream_id=stream.id, item_id=make.item(stream, 1).id, now=after(1)
    )

    hearers.show_prices(**reprice(two, 1750))
    first = reprice(one, 1750)
    assert reprice(one, 1750) == first, "nothing was recorded"

    assert told_prices(stream) == []
