"""What viewers are told of an item and of an offer: the JSON bodies that frames and the snapshot share."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Prefetch

from catalog import preorders
from catalog import queries as goods
from catalog.media import shelved
from catalog.models import Price, Product, ProductImage, Variant
from commerce.money import Money
from streams import people, queries
from streams.models import ChatMessage, Offer, Question, ShowcaseItem

Body = dict[str, Any]
DESCRIPTION_LIMIT = 600  # Characters; a feed may hold a whole page, a room needs the gist.


def unix_ms(at: datetime) -> int:
    """Return a moment as Unix milliseconds, as all instants on the wire are."""
    return int(at.timestamp() * 1000)


def showcase(*, stream_id: UUID) -> list[Body]:
    """Return the bodies of a show's items in order."""
    return items(queries.showcase(stream_id=stream_id).values_list("id", flat=True))


def item(*, item_id: UUID) -> Body:
    """Return the body of one item."""
    return items([item_id])[0]


def items(item_ids: Iterable[UUID]) -> list[Body]:
    """Return the bodies of items by position, in four queries however many they are."""
    current = Price.objects.filter(valid_to=None)
    variants = (
        Variant.objects.filter(is_active=True)
        .annotate(units_left=goods.units_left(), released_at=goods.released_at())
        .prefetch_related(Prefetch("prices", queryset=current, to_attr="current_prices"))
        .order_by("position", "id")
    )
    pictures = (
        ProductImage.objects.select_related("picture")
        .order_by("product_id", "position", "id")
        .distinct("product_id")
    )
    rows = (
        ShowcaseItem.objects.filter(pk__in=list(item_ids))
        .select_related("product__merchant")
        .prefetch_related(
            Prefetch("product__variants", queryset=variants, to_attr="sellable"),
            Prefetch("product__images", queryset=pictures, to_attr="pictures"),
        )
        .order_by("position", "id")
    )
    return [_item(row) for row in rows]


def offer(offer: Offer) -> Body:
    """Return the body of an offer."""
    return {
        "id": str(offer.id),
        "item": str(offer.item_id),
        "product": str(offer.item.product_id),
        "variant": str(offer.variant_id) if offer.variant_id else None,
        "price": Money(offer.amount, offer.currency).as_dict(),
        "reference": _reference(offer),
        "quota": offer.quota,
        "left": offer.left,
        "per_buyer": offer.per_buyer,
        "per_household": offer.per_household,
        "grace_seconds": offer.grace_seconds,
        "takes_coupons": offer.takes_coupons,
        "waits": offer.admits_per_second is not None,
        "starts_at": unix_ms(offer.opens_at),
        "ends_at": unix_ms(offer.closes_at),
        "status": offer.status,
    }


def _reference(offer: Offer) -> Body | None:
    """The proven price to strike through; no other is ever shown."""
    if offer.reference_amount is None:
        return None
    return Money(offer.reference_amount, offer.currency).as_dict()


def line(message: ChatMessage, user: Body, *, asked: Question | None) -> Body:
    """Return the body of a line of chat by this person, which may be a question."""
    body = {
        "id": str(message.id),
        "user": user,
        "text": message.text,
        "at": unix_ms(message.at),
    }
    return {**body, "question": question(asked)} if asked is not None else body


def said(message: ChatMessage) -> Body:
    """Return what viewers are told of a line, its author as she appears now."""
    moderators = people.moderators(message.stream_id)
    author = people.among(message.author, message.stream, moderators=moderators)
    return line(message, author.as_dict(), asked=getattr(message, "question", None))


def question(asked: Question) -> Body:
    """Return what makes a line a question: what it is about, and when it was answered."""
    return {
        "item": str(asked.item_id) if asked.item_id else None,
        "product": str(asked.item.product_id) if asked.item else None,
        "answered_at": unix_ms(asked.answered_at) if asked.answered_at else None,
    }


def _item(row: ShowcaseItem) -> Body:
    product = row.product
    variants = [_variant(variant) for variant in _prefetched(product, "sellable") if variant.current_prices]
    pictures = _prefetched(product, "pictures")
    return {
        "id": str(row.id),
        "position": row.position,
        "product": {
            "id": str(product.id),
            "title": product.title,
            "image": shelved.shown(pictures[0]) if pictures else None,
            "merchant": {"id": str(product.merchant_id), "name": product.merchant.name},
            "description": _gist(product.description),
        },
        "price": min(
            (variant["price"] for variant in variants), key=lambda price: price["amount"], default=None
        ),
        "variants": variants,
    }


def _variant(variant: Any) -> Body:
    price, opens_at = variant.current_prices[0], preorders.opens_at(variant.released_at)
    return {
        "id": str(variant.id),
        "title": variant.title,
        "options": variant.options,
        "price": Money(price.amount, price.currency).as_dict(),
        "left": variant.units_left,
        "release_at": unix_ms(variant.released_at) if variant.released_at else None,
        "opens_at": unix_ms(opens_at) if opens_at else None,
    }


def _prefetched(product: Product, name: str) -> list[Any]:
    return list(getattr(product, name))


def _gist(text: str) -> str:
    if len(text) <= DESCRIPTION_LIMIT:
        return text
    return text[:DESCRIPTION_LIMIT].rsplit(None, 1)[0] + "…"
