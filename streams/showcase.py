"""The showcase: which products a show sells, in which order. The only writer of ShowcaseItem."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from catalog.models import Product, Variant
from commerce import errors
from streams import announce, bodies, goods, offers, pins, queries
from streams.models import ShowcaseItem, Stream

MAX_ITEMS = 50


class UnknownProduct(errors.NotFound):
    message = "There is no such product."


class ShowcaseFull(errors.Conflict):
    code = "SHOWCASE_FULL"
    message = f"A showcase holds {MAX_ITEMS} products at most."


class ShowcaseChanged(errors.Conflict):
    code = "SHOWCASE_CHANGED"
    message = "The showcase has changed meanwhile. Look again and retry."


class ItemHasOffer(errors.Conflict):
    code = "ITEM_HAS_OFFER"
    message = "An offer for this product is running or announced. End it before you remove the product."


def add(*, host_id: UUID, stream_id: UUID, product_id: UUID, now: datetime) -> ShowcaseItem:
    """Put a product at the end of the showcase and tell the room; one that is there stays where it is.

    Raises UnknownShow, ShowOver, UnknownProduct, NotForSale, ShowcaseFull.
    """
    with transaction.atomic():
        queries.editable_show(host_id=host_id, stream_id=stream_id)
        there = queries.showcase(stream_id=stream_id)
        item = there.filter(product_id=product_id).first()
        if item is not None:
            return item
        if not Product.objects.filter(pk=product_id).exists():
            raise UnknownProduct
        goods.list_price(product_id=product_id)
        if there.count() >= MAX_ITEMS:
            raise ShowcaseFull(limit=MAX_ITEMS)
        last: int | None = there.aggregate(last=Max("position"))["last"]
        item = ShowcaseItem.objects.create(
            stream_id=stream_id, product_id=product_id, position=1 if last is None else last + 1
        )
        _tell(stream_id)
    return item


def remove(*, host_id: UUID, stream_id: UUID, item_id: UUID, now: datetime) -> None:
    """Take an item off the showcase, with its pin, and tell the room.

    Raises UnknownShow, ShowOver, UnknownItem, ItemHasOffer.
    """
    with transaction.atomic():
        stream = queries.editable_show(host_id=host_id, stream_id=stream_id)
        item = queries.item(stream_id=stream_id, item_id=item_id)
        if offers.is_taken(item):
            raise ItemHasOffer
        held = pins.current(stream_id=stream_id)
        if held is not None and held.item_id == item.id:
            pins.release(stream=stream, now=now)
        item.removed_at = now
        item.save(update_fields=["removed_at"])
        _tell(stream_id)


def reorder(*, host_id: UUID, stream_id: UUID, item_ids: Sequence[UUID]) -> None:
    """Put the items in the given order, which names each of them once, and tell the room.

    Raises UnknownShow, ShowOver, ShowcaseChanged when the list is not what is in the showcase now.
    """
    with transaction.atomic():
        queries.editable_show(host_id=host_id, stream_id=stream_id)
        there = {item.id: item for item in queries.showcase(stream_id=stream_id)}
        if len(item_ids) != len(there) or set(item_ids) != set(there):
            raise ShowcaseChanged
        for position, item_id in enumerate(item_ids, start=1):
            there[item_id].position = position
        ShowcaseItem.objects.bulk_update(there.values(), ["position"])
        _tell(stream_id)


def show_prices(*, variant_ids: Collection[UUID], key: str) -> int:
    """Tell the rooms that show these variants what their items cost now; returns how many items there were.

    The same `key` again tells nothing.
    """
    shown = ShowcaseItem.objects.filter(
        product__in=Variant.objects.filter(pk__in=variant_ids).values("product"),
        removed_at=None,
        stream__status__in=(Stream.Status.SCHEDULED, Stream.Status.LIVE),
    )
    found: dict[UUID, list[UUID]] = {}
    for stream_id, item_id in shown.order_by("position", "id").values_list("stream_id", "id"):
        found.setdefault(stream_id, []).append(item_id)
    for stream_id, item_ids in found.items():
        with transaction.atomic():
            # Whoever tells the room of items does so in turn, each as they are then.
            Stream.objects.select_for_update(no_key=True).get(pk=stream_id)
            for body in bodies.items(item_ids):
                told = f"{key}:{body['id']}"
                announce.tell_room(stream_id=stream_id, t="product.changed", d=body, key=told)
    return sum(map(len, found.values()))


def _tell(stream_id: UUID) -> None:
    announce.tell_room(
        stream_id=stream_id, t="showcase.changed", d={"items": bodies.showcase(stream_id=stream_id)}
    )
