"""What a cart looks like: its lines at the prices they would be bought for now, and what is held for them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from catalog import preorders, queries
from catalog.media import shelved
from catalog.models import BundlePart, Variant
from catalog.pricing import prices
from commerce import money
from commerce.money import Money
from orders import taxes
from orders.models import Cart, CartHold, CartHolder, CartLine, CartPolicy, Hoarder
from orders.tariffs import reading as tariffs
from streams.bodies import unix_ms
from streams.models import Offer, OfferBuyer

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """Units of a variant in somebody's cart."""

    variant_id: UUID
    quantity: int


def of_buyer(*, buyer_id: UUID, stream_id: UUID | None, now: datetime) -> Body:
    """Return the body of a buyer's cart, at the prices it would be bought for now in that show.

    A line that has no price any more is left out; its variant cannot be bought.
    """
    version = Cart.objects.filter(pk=buyer_id).values_list("version", flat=True).first() or 0
    rows = CartLine.objects.filter(cart_id=buyer_id).order_by("added_at", "id")
    lines = [Line(*row) for row in rows.values_list("variant_id", "quantity")]
    return _body(version, lines, buyer_id, stream_id, now)


def empty() -> Body:
    """Return the body of the cart of somebody who has none yet."""
    return {"version": 0, "lines": [], "totals": []}


def of_guest(*, version: int, lines: Sequence[Line], stream_id: UUID | None, now: datetime) -> Body:
    """Return the body of a cart of somebody who is not signed in; nothing is held for it."""
    return _body(version, lines, None, stream_id, now)


def _body(
    version: int, rows: Sequence[Line], buyer_id: UUID | None, stream_id: UUID | None, now: datetime
) -> Body:
    shown = Variant.objects.select_related("product", "merchant").annotate(
        units_left=queries.units_left(), released_at=queries.released_at()
    )
    goods: dict[UUID, Any] = shown.in_bulk([row.variant_id for row in rows])
    listed = prices.current(list(goods))
    pictures = shelved.first(variant.product_id for variant in goods.values())
    running = _open_offers(stream_id, now) if rows else []
    had = _had(buyer_id, running)
    held = _held(buyer_id) if rows else {}
    terms = hold_seconds(buyer_id=buyer_id, variants={pk: each.merchant_id for pk, each in goods.items()})
    lines: list[Body] = []
    sold: dict[str, dict[UUID, list[tuple[int, Variant]]]] = defaultdict(dict)  # By currency and merchant.
    for row in rows:
        price, variant = listed.get(row.variant_id), goods.get(row.variant_id)
        if price is None or variant is None:
            continue
        offer = _offer_for(variant, row.quantity, running, had)
        if offer is not None:
            had[offer.id] = had.get(offer.id, 0) + row.quantity
            offer.left -= row.quantity
        unit = Money(offer.amount, offer.currency) if offer else Money(price.amount, price.currency)
        parts = sold[unit.currency].setdefault(variant.merchant_id, [])
        parts.append((unit.amount * row.quantity, variant))
        product, hold = variant.product, held.get(row.variant_id)
        opens_at = preorders.opens_at(variant.released_at)
        lines.append(
            {
                "variant": str(variant.id),
                "product": str(product.id),
                "merchant": {"id": str(variant.merchant_id), "name": variant.merchant.name},
                "title": f"{product.title} ({variant.title})" if variant.title else product.title,
                "image": pictures.get(product.id),
                "quantity": row.quantity,
                "price": unit.as_dict(),
                "offer": str(offer.id) if offer else None,
                "left": variant.units_left,
                "release_at": unix_ms(variant.released_at) if variant.released_at else None,
                "opens_at": unix_ms(opens_at) if opens_at else None,
                "held": hold.quantity if hold else 0,
                "held_until": unix_ms(hold.until) if hold else None,
                "hold_seconds": terms.get(variant.id),
            }
        )
    return {
        "version": version,
        "lines": lines,
        "totals": _totals(sold, buyer_id, now),
    }


def _totals(
    sold: Mapping[str, Mapping[UUID, Sequence[tuple[int, Variant]]]], buyer_id: UUID | None, now: datetime
) -> list[Body]:
    """Return what each currency comes to, as if it were bought at once; why one payment could not be of it;
    and what is shipping and tax of it, where any is charged to the shopper's address.
    """
    merchants = {merchant_id for parts in sold.values() for merchant_id in parts}
    country = tariffs.country_of(buyer_id=buyer_id) if buyer_id and sold else ""
    charged = tariffs.read(merchants, countries={country}, now=now) if country else None
    totals = []
    for currency, parts in sorted(sold.items()):
        orders = [_order(each, currency, country, charged) for each in parts.values()] if charged else []
        goods = sum(amount for part in parts.values() for amount, _ in part)
        total = Money(sum(order["total"]["amount"] for order in orders) if orders else goods, currency)
        refused = money.refusal(total)
        totals.append(
            total.as_dict()
            | ({"refused": refused} if refused else {})
            | ({"orders": orders} if orders else {})
        )
    return totals


def _order(
    part: Sequence[tuple[int, Variant]], currency: str, country: str, charged: tariffs.Tariffs
) -> Body:
    seller = part[0][1].merchant
    body: Body = {}
    try:
        charge = charged.charge(
            seller.id,
            country=country,
            currency=currency,
            amounts=[amount for amount, _ in part],
            categories=[variant.product.product_type for _, variant in part],
        )
    except tariffs.NotShippedThere as refusal:
        charge, body = taxes.Charge(), {"refused": refusal.code}
    merchant = {"id": str(seller.id), "name": seller.name}
    goods = sum(amount for amount, _ in part)
    return taxes.order_body(charge, merchant=merchant, goods=goods, currency=currency) | body


def hold_seconds(*, buyer_id: UUID | None, variants: Mapping[UUID, UUID]) -> dict[UUID, int]:
    """Return for how long each variant (with its merchant) is held for this shopper's cart, or for a guest's
    once she is signed in; without those that are not held.
    """
    kept = CartPolicy.objects.filter(merchant_id__in=set(variants.values()))
    if buyer_id is not None:
        barred = Hoarder.objects.filter(buyer_id=buyer_id, merchant_id=OuterRef("merchant_id"))
        kept = kept.exclude(Exists(barred))
    seconds = dict(kept.values_list("merchant_id", "hold_seconds"))
    if not seconds:
        return {}
    # A bundle has no stock of its own, and its parts may be in the cart beside it: it is not held.
    bundles = set(BundlePart.objects.filter(bundle_id__in=variants).values_list("bundle_id", flat=True))
    return {
        variant_id: seconds[merchant_id]
        for variant_id, merchant_id in variants.items()
        if merchant_id in seconds and variant_id not in bundles
    }


def _held(buyer_id: UUID | None) -> dict[UUID, CartHold]:
    if buyer_id is None:
        return {}
    return {hold.variant_id: hold for hold in CartHold.objects.filter(buyer_id=buyer_id)}


def _had(buyer_id: UUID | None, running: Sequence[Offer]) -> dict[UUID, int]:
    if buyer_id is None or not running:
        return {}
    counted = OfferBuyer.objects.filter(buyer_id=buyer_id, offer__in=running)
    return dict(counted.values_list("offer_id", "units"))


def _open_offers(stream_id: UUID | None, now: datetime) -> list[Offer]:
    if stream_id is None:
        return []
    running = Offer.objects.filter(
        stream_id=stream_id, status=Offer.Status.OPEN, opens_at__lte=now, closes_at__gt=now
    )
    return list(running.select_related("item"))


def _offer_for(
    variant: Variant, quantity: int, running: Iterable[Offer], had: Mapping[UUID, int]
) -> Offer | None:
    for offer in running:
        if offer.item.product_id == variant.product_id and offer.variant_id in (None, variant.id):
            # More than the offer grants this buyer cannot be bought at its price.
            granted = min(offer.per_buyer - had.get(offer.id, 0), offer.left)
            return offer if quantity <= granted else None
    return None


def holders(*, merchant_id: UUID) -> QuerySet[CartHolder]:
    """Return the shoppers for whose carts a merchant has held goods, each with whether she is a hoarder."""
    barred = Hoarder.objects.filter(merchant=OuterRef("merchant"), buyer=OuterRef("buyer"))
    return CartHolder.objects.filter(merchant_id=merchant_id).annotate(hoarder=Exists(barred))
