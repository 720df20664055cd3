"""Shows are told what is left of a bundle whenever one of its parts moves."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
import redis

from catalog import bundles, products
from catalog.models import Stock, Variant
from catalog.shelf import stock
from commerce.models import Event
from streams import bodies, hearers, showlog
from streams.models import ShowEvent, Stream
from tests.streams import make
from tests.streams.make import NOW, after

pytestmark = pytest.mark.django_db


@pytest.fixture
def kit() -> tuple[Stream, Variant, Variant, Variant]:
    """A live show with a bundle of two parts that are not in it themselves."""
    parts = make.product("Parts", variants=(("Soap", 999, 4), ("Towel", 999, 2)))
    product = make.product("Kit", seller=parts.merchant, variants=(("", 1499, 0),))
    soap, towel = parts.variants.order_by("position")
    one = product.variants.get()
    bundles.set_parts(merchant_id=one.merchant_id, bundle_id=one.pk, parts={soap.pk: 1, towel.pk: 1}, now=NOW)
    return make.show(products=(product,)), one, soap, towel


def moved(*variants: Variant) -> None:
    hearers.show_stock({"variants": [str(each.pk) for each in variants], "offers": []}, key=str(uuid4()))


def told(server: redis.Redis, stream: Stream, one: Variant) -> int | None:
    """The newest number of the bundle's units that the show keeps for who comes later."""
    for key in server.scan_iter(match=f"{showlog.base(stream.pk)}*"):
        if server.type(key) != b"hash":
            continue
        kept: Any = server.hget(key, f"stock:{one.pk}")
        if kept is not None:
            return int(json.loads(kept.partition(b"|")[2])["d"]["left"])
    return None


def sold_out(stream: Stream) -> int:
    return ShowEvent.objects.filter(stream=stream, frame__t="stock.sold_out").count()


def test_an_item_shows_what_the_parts_allow(kit: tuple[Stream, Variant, Variant, Variant]) -> None:
    stream, *_ = kit
    (item,) = bodies.showcase(stream_id=stream.pk)
    assert [variant["left"] for variant in item["variants"]] == [2]


def test_a_part_that_moves_moves_its_bundle(
    kit: tuple[Stream, Variant, Variant, Variant], redis_server: redis.Redis
) -> None:
    stream, one, soap, towel = kit
    stock.take(units={towel.pk: 1}, now=after(1))
    moved(towel)
    assert told(redis_server, stream, one) == 1
    stock.take(units={towel.pk: 1}, now=after(2))
    moved(towel)
    moved(towel)
    stock.take(units={soap.pk: 4}, now=after(3))
    moved(soap)
    assert (told(redis_server, stream, one), sold_out(stream)) == (0, 1)
    stock.give_back(units={soap.pk: 4, towel.pk: 1}, now=after(4))
    moved(soap, towel)
    assert told(redis_server, stream, one) == 1
    stock.take(units={towel.pk: 1}, now=after(5))
    moved(towel)
    assert sold_out(stream) == 2
    assert Stock.objects.get(pk=one.pk).available == 0


def test_a_part_that_is_switched_off_and_on_is_told_of_its_bundle(
    kit: tuple[Stream, Variant, Variant, Variant], redis_server: redis.Redis
) -> None:
    stream, one, soap, _ = kit
    for is_active, left in ((False, 0), (True, 2), (False, 0)):
        products.change_variant(
            merchant_id=one.merchant_id, variant_id=soap.pk, changes={"is_active": is_active}, now=after(5)
        )
        hearers.show_stock(Event.objects.filter(name="stock.moved").latest("id").payload, key=str(uuid4()))
        assert told(redis_server, stream, one) == left
    quiet = Event.objects.filter(name="stock.moved").count()
    for changes in ({"is_active": False}, {"sku": "S-2"}):
        products.change_variant(
            merchant_id=one.merchant_id, variant_id=soap.pk, changes=changes, now=after(6)
        )
    assert Event.objects.filter(name="stock.moved").count() == quiet


def test_an_item_shows_when_the_last_part_is_released(
    kit: tuple[Stream, Variant, Variant, Variant],
) -> None:
    stream, one, soap, towel = kit
    assert bodies.showcase(stream_id=stream.pk)[0]["variants"][0]["release_at"] is None
    for variant, days in ((soap, 3), (towel, 1), (one, 2)):
        Variant.objects.filter(pk=variant.pk).update(release_at=after(86_400 * days))
    shown = bodies.showcase(stream_id=stream.pk)[0]["variants"][0]
    assert shown["release_at"] == int(after(86_400 * 3).timestamp() * 1000)
    assert shown["opens_at"] == shown["release_at"] - 6 * 86_400_000


def test_a_release_in_the_first_year_does_not_keep_a_room_from_being_shown(
    kit: tuple[Stream, Variant, Variant, Variant],
) -> None:
    stream, one, _, _ = kit
    first = datetime(1, 1, 1, tzinfo=UTC)
    products.change_variant(
        merchant_id=one.merchant_id, variant_id=one.pk, changes={"release_at": first}, now=NOW
    )
    [shown] = bodies.item(item_id=make.item(stream).pk)["variants"]
    assert shown["release_at"] == shown["opens_at"] == bodies.unix_ms(first)
