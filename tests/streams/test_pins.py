import pytest
from django.db import IntegrityError, transaction

from streams import pins, queries
from streams.models import Pin
from tests.streams import make
from tests.streams.make import NOW, after

pytestmark = pytest.mark.django_db


def test_the_pinned_item_is_told_whole_and_stands_on_the_stream_clock() -> None:
    stream = make.show(products=(make.product("One"),))

    pin = pins.pin(host_id=stream.host_id, stream_id=stream.id, item_id=make.item(stream).id, now=after(12.5))

    assert (pin.from_ms, pin.to_ms) == (12_500, None)
    assert pins.current(stream_id=stream.id) == pin
    t, d = make.told(stream)[-1]
    assert (t, d["product"]["title"]) == ("product.pinned", "One")  # type: ignore[index]


def test_the_next_pin_ends_the_one_before_it_at_the_same_moment() -> None:
    stream = make.show(products=(make.product("One"), make.product("Two")))
    hers = {"host_id": stream.host_id, "stream_id": stream.id}
    pins.pin(**hers, item_id=make.item(stream, 0).id, now=after(1))
    pins.pin(**hers, item_id=make.item(stream, 1).id, now=after(61))
    pins.unpin(**hers, now=after(90))

    assert list(Pin.objects.order_by("id").values_list("from_ms", "to_ms")) == [
        (1_000, 61_000),
        (61_000, 90_000),
    ]
    assert pins.current(stream_id=stream.id) is None
    assert make.told(stream)[-1] == ("product.unpinned", {"id": str(make.item(stream, 1).id)})


def test_pinning_the_pinned_item_again_tells_nobody() -> None:
    stream = make.show(products=(make.product(),))
    hers = {"host_id": stream.host_id, "stream_id": stream.id}
    first = pins.pin(**hers, item_id=make.item(stream).id, now=after(1))

    assert pins.pin(**hers, item_id=make.item(stream).id, now=after(2)) == first
    assert make.told_types(stream).count("product.pinned") == 1


def test_unpinning_nothing_tells_nobody() -> None:
    stream = make.show()

    pins.unpin(host_id=stream.host_id, stream_id=stream.id, now=NOW)

    assert "product.unpinned" not in make.told_types(stream)


def test_nothing_is_pinned_before_the_show_is_live() -> None:
    stream = make.show(live=False, products=(make.product(),))

    with pytest.raises(queries.StreamNotLive):
        pins.pin(host_id=stream.host_id, stream_id=stream.id, item_id=make.item(stream).id, now=NOW)


def test_an_item_of_another_show_cannot_be_pinned() -> None:
    stream, other = make.show(), make.show(products=(make.product(),))

    with pytest.raises(queries.UnknownItem):
        pins.pin(host_id=stream.host_id, stream_id=stream.id, item_id=make.item(other).id, now=NOW)


def test_the_database_refuses_a_second_pin() -> None:
    stream = make.show(products=(make.product(), make.product()))
    pins.pin(host_id=stream.host_id, stream_id=stream.id, item_id=make.item(stream).id, now=NOW)

    with pytest.raises(IntegrityError, match="pin_one_at_a_time"), transaction.atomic():
        Pin.objects.create(stream=stream, item=make.item(stream, 1), pinned_at=NOW, from_ms=0)
