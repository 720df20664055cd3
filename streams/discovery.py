"""Where goods are in shows: what is live now, and all shows and moments in which a product appeared."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, FilteredRelation, OuterRef, Q, QuerySet
from django.urls import reverse

from catalog import storefront
from catalog.models import Product
from commerce.money import Money
from streams import listing
from streams.models import Offer, Pin, ShowcaseItem, Stream

Body = dict[str, Any]


def live_now(product_ids: Collection[UUID], *, now: datetime) -> dict[UUID, list[Body]]:
    """Return in which live shows these products are now, in one statement; the one that shows it first."""
    rows = (
        _on_now()
        .filter(product__in=product_ids)
        .select_related("stream__host")
        .annotate(
            pin=FilteredRelation("pins", condition=Q(pins__unpinned_at=None)),
            running=FilteredRelation(
                "offers", condition=Q(offers__status=Offer.Status.OPEN, offers__closes_at__gt=now)
            ),
        )
        .annotate(
            pinned_since=F("pin__pinned_at"),
            offer=F("running__id"),
            amount=F("running__amount"),
            reference=F("running__reference_amount"),
            currency=F("running__currency"),
            variant=F("running__variant_id"),
            until=F("running__closes_at"),
        )
        .order_by("-stream__live_at", "id")
    )
    found: dict[UUID, list[Body]] = {each: [] for each in product_ids}
    for row in sorted(rows, key=lambda each: each.pinned_since is None):
        found[row.product_id].append(_now(row))
    return found


def live_items() -> QuerySet[ShowcaseItem]:
    """Return the items that are in a live show now."""
    return _on_now()


def shows(
    *,
    now: datetime,
    status: str | None = None,
    product_id: UUID | None = None,
    merchant_id: UUID | None = None,
    host: str | None = None,
) -> QuerySet[Stream]:
    """Return the shows that anybody may know of: to come, live, or over; the latest planned first.

    `host` is a slug. Of a product, or of a merchant's, those in which it is or was shown; nothing of what is
    not on sale.
    """
    coming = Q(status=Stream.Status.SCHEDULED, starts_at__gte=now - listing.OVERDUE)
    public = Q(status__in=(Stream.Status.LIVE, Stream.Status.ENDED)) | coming
    found = Stream.objects.filter(public, host__is_active=True)
    if status is not None:
        found = found.filter(status=status)
    if host is not None:
        found = found.filter(host__slug=host)
    if product_id is not None:
        on_sale = storefront.on_sale().filter(pk=product_id).values("pk")
        found = found.filter(pk__in=_appeared(product__in=on_sale))
    if merchant_id is not None:
        found = found.filter(pk__in=_appeared(product__merchant=merchant_id, product__in=_on_sale()))
    return found.select_related("host").order_by("-starts_at", "-id")


def moments(streams: Collection[Stream], *, product_id: UUID) -> dict[UUID, list[Body]]:
    """Return from when to when each of these shows showed a product, in the order in which it did."""
    rows = Pin.objects.filter(stream__in=streams, item__product_id=product_id).order_by("pinned_at", "id")
    found: dict[UUID, list[Body]] = {each.pk: [] for each in streams}
    for pin in rows:
        found[pin.stream_id].append(
            {
                "from_ms": pin.from_ms,
                "to_ms": pin.to_ms,
                "from_at": pin.pinned_at,
                "to_at": pin.unpinned_at,
            }
        )
    return found


def offers(streams: Collection[Stream], *, product_id: UUID) -> dict[UUID, list[Body]]:
    """Return the offers that each of these shows had for a product, in the order in which they opened."""
    rows = Offer.objects.filter(_offered(), stream__in=streams, item__product_id=product_id)
    found: dict[UUID, list[Body]] = {each.pk: [] for each in streams}
    for offer in rows.order_by("opens_at", "id"):
        found[offer.stream_id].append(
            {
                "id": offer.pk,
                "status": offer.status,
                **_price(offer.amount, offer.reference_amount, offer.currency, offer.variant_id),
                "opens_at": offer.opens_at,
                "ends_at": offer.ended_at or offer.closes_at,
            }
        )
    return found


def card(stream: Stream) -> Body:
    """Return what anybody is told of a show."""
    return {
        "id": stream.pk,
        "slug": stream.slug,
        "title": stream.title,
        "status": stream.status,
        "host": {"name": stream.host.name, "slug": stream.host.slug, "avatar": stream.host.avatar_url},
        "poster": stream.poster_url,
        "address": address(stream),
        "starts_at": stream.starts_at,
        "live_at": stream.live_at,
        "ended_at": stream.ended_at,
    }


def address(stream: Stream) -> str:
    """Return the path of the show's page."""
    return reverse("live", args=[stream.slug])


def _on_now() -> QuerySet[ShowcaseItem]:
    return ShowcaseItem.objects.filter(
        removed_at=None, stream__status=Stream.Status.LIVE, stream__host__is_active=True
    )


def _on_sale() -> QuerySet[Product, Any]:
    return storefront.on_sale().values("pk")


def _appeared(**which: Any) -> QuerySet[ShowcaseItem, Any]:
    """Shows in which such items are, or really were: what was only planned and taken out was never in."""
    shown = Exists(Pin.objects.filter(item=OuterRef("pk")))
    offered = Exists(Offer.objects.filter(_offered(), item=OuterRef("pk")).exclude(status="announced"))
    return ShowcaseItem.objects.filter(Q(removed_at=None) | shown | offered, **which).values("stream")


def _offered() -> Q:
    """Offers that are to come, run or ran; one that was taken back before it opened never was."""
    return ~Q(status=Offer.Status.ENDED) | Q(ended_at__gt=F("opens_at"))


def _now(row: Any) -> Body:
    stream = row.stream
    running = row.offer is not None
    return {
        "stream": stream.pk,
        "title": stream.title,
        "host": stream.host.name,
        "address": address(stream),
        "since": stream.live_at,
        "pinned_since": row.pinned_since,
        "offer": {
            "id": row.offer,
            **_price(row.amount, row.reference, row.currency, row.variant),
            "ends_at": row.until,
        }
        if running
        else None,
    }


def _price(amount: int, reference: int | None, currency: str, variant: UUID | None) -> Body:
    # Struck through is only what recorded prices prove, as in the room (streams/offers/references.py).
    return {
        "price": Money(amount, currency).as_dict(),
        "reference": Money(reference, currency).as_dict() if reference is not None else None,
        "variant": variant,
    }
