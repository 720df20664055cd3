"""Hosts, goods and shows for tests, made as plainly as they can be."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Model

from catalog.models import Price, Product, ProductImage, Stock, Variant
from commerce.models import Event, Host, Merchant, User
from streams import cohosts, grants, offers, showcase, shows
from streams.models import CoHost, Offer, ShowcaseItem, Stream

NOW = datetime(2030, 5, 1, 18, 0, tzinfo=UTC)
_numbers = count(1)
_LONG_AGO = datetime.now(UTC) - timedelta(days=40)  # Prices have a history of 30 days.


def after(seconds: float) -> datetime:
    """Return NOW plus seconds."""
    return NOW + timedelta(seconds=seconds)


def user(name: str = "Noa") -> User:
    """Return a new user who cannot sign in with a password."""
    return User.objects.create(email=f"{name.lower()}{next(_numbers)}@example.com", name=name, password="!")


def host(name: str = "Mira") -> Host:
    """Return a new host with a user of her own."""
    return Host.objects.create(user=user(name), name=name, slug=f"{name.lower()}-{next(_numbers)}")


def merchant(name: str = "Atelier Sol") -> Merchant:
    """Return a new merchant."""
    return Merchant.objects.create(name=name, slug=f"merchant-{next(_numbers)}")


def product(
    title: str = "Velvet lipstick",
    *,
    seller: Merchant | None = None,
    variants: tuple[tuple[str, int, int], ...] = (("Red", 1999, 10),),
    status: str = Product.Status.APPROVED,
) -> Product:
    """Return a new product; each variant is (title, price in cents, units in stock)."""
    seller = seller or merchant()
    made = Product.objects.create(
        merchant=seller,
        handle=f"product-{next(_numbers)}",
        title=title,
        status=status,
        option_names=["Shade"],
    )
    ProductImage.objects.create(merchant=seller, product=made, url=f"/pictures/{made.handle}.svg")
    for position, (name, amount, available) in enumerate(variants, start=1):
        variant = Variant.objects.create(
            merchant=seller, product=made, title=name, options={"Shade": name}, position=position
        )
        Price.objects.create(
            merchant=seller, variant=variant, amount=amount, currency="EUR", valid_from=_LONG_AGO
        )
        Stock.objects.create(merchant=seller, variant=variant, available=available)
    return made


def show(owner: Host | None = None, *, live: bool = True, products: tuple[Product, ...] = ()) -> Stream:
    """Return a show with these products in its showcase, live since NOW unless told otherwise."""
    owner = owner or host()
    stream = shows.plan(host_id=owner.id, title="Evening glow", starts_at=NOW)
    for each in products:
        showcase.add(host_id=owner.id, stream_id=stream.id, product_id=each.id, now=NOW)
    if live:
        stream = shows.go_live(host_id=owner.id, stream_id=stream.id, now=NOW)
    return stream


def cohost(stream: Stream, share_bp: int = 2_500, *, name: str = "Yuki", now: datetime = NOW) -> CoHost:
    """Return a new host's agreement to host the show for that share of the commission, from `now` on."""
    guest = host(name)
    invited = cohosts.invite(
        host_id=stream.host_id, stream_id=stream.id, whom=guest.slug, share_bp=share_bp, now=now
    )
    return cohosts.accept(host_id=guest.id, cohost_id=invited.id, now=now)


def item(stream: Stream, number: int = 0) -> ShowcaseItem:
    """Return the show's item at that place, the first being 0."""
    return ShowcaseItem.objects.filter(stream=stream, removed_at=None).order_by("position")[number]


def offer(
    stream: Stream,
    *,
    of: ShowcaseItem | None = None,
    amount: int = 999,
    quota: int = 5,
    per_buyer: int = 1,
    seconds: int = 60,
    variant_id: UUID | None = None,
    now: datetime = NOW,
    opens_at: datetime | None = None,
    **more: Any,
) -> Offer:
    """Open an offer on the show's first item, or on the given one; with `opens_at` announce it."""
    asked = {
        "host_id": stream.host_id,
        "stream_id": stream.id,
        "item_id": (of or item(stream)).id,
        "variant_id": variant_id,
        "amount": amount,
        "quota": quota,
        "per_buyer": per_buyer,
        "seconds": seconds,
        "now": now,
        **more,
    }
    if opens_at is not None:
        return offers.announce(opens_at=opens_at, **asked)
    return offers.open(**asked)


def given_back(offer: Offer, buyer: User, *, units: int = 1, now: datetime) -> Offer:
    """Give units back that a buyer has, as the trade does when nobody is in line for them."""
    with transaction.atomic():
        back = offers.put_back(offer_id=offer.id, units=units, now=now)
        grants.give_back(buyers={(offer.id, buyer.id): units}, households={}, claims={})
    return back


def told(stream: Stream) -> list[tuple[str, dict[str, object]]]:
    """Return what the show's room was told so far, in order: frame type and body."""
    events = Event.objects.filter(name="room.told", payload__stream=str(stream.id)).order_by("id")
    return [(event.payload["t"], event.payload["d"]) for event in events]


def told_types(stream: Stream) -> list[str]:
    """Return the types of what the show's room was told so far, in order."""
    return [t for t, _ in told(stream)]


def closed_to_change(row: Model, *, while_: str) -> None:
    """Let the database refuse whatever a test's sweep would do to this row, until the test is over."""
    table = row._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT stays CHECK (id <> '{row.pk}' OR {while_})")
