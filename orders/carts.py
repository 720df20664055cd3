"""Carts: what a buyer means to buy. Nothing is held for a cart. The version guards against lost updates."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F

from catalog.models import Product, Variant
from commerce import errors
from orders import queries, quotes
from orders.models import Cart, CartLine
from streams import announce

MAX_LINES = quotes.MAX_LINES


class CartConflict(errors.Conflict):
    """The cart was changed elsewhere; `data` holds it as it is now."""

    code = "CART_CONFLICT"
    message = "Your cart was changed on another device. Look at it again."


class NotInCart(errors.NotFound):
    message = "This is not in your cart."


def read(*, buyer_id: UUID, stream_id: UUID | None, now: datetime) -> queries.Body:
    """Return the buyer's cart, priced for a show or outside of any."""
    return queries.cart(buyer_id=buyer_id, stream_id=stream_id, now=now)


def add(
    *, buyer_id: UUID, variant_id: UUID, quantity: int, stream_id: UUID | None, now: datetime
) -> queries.Body:
    """Add units of a variant and return the cart.

    Raises BadQuantity, UnknownVariant, NotForSale, TooManyLines.
    """
    _check(variant_id, quantity)
    with transaction.atomic():
        cart = _locked(buyer_id)
        _check_for_sale([variant_id])
        line = CartLine.objects.filter(cart=cart, variant_id=variant_id).first()
        if line is not None:
            _check(variant_id, line.quantity + quantity)
            line.quantity += quantity
            line.stream_id = stream_id or line.stream_id
            line.save(update_fields=["quantity", "stream"])
        else:
            if CartLine.objects.filter(cart=cart).count() >= MAX_LINES:
                raise quotes.TooManyLines(limit=MAX_LINES)
            CartLine.objects.create(
                cart=cart, variant_id=variant_id, quantity=quantity, stream_id=stream_id, added_at=now
            )
        return _changed(cart, stream_id, now)


def update(
    *,
    buyer_id: UUID,
    version: int,
    variant_id: UUID,
    quantity: int,
    stream_id: UUID | None,
    now: datetime,
) -> queries.Body:
    """Set the units of a variant in the cart and return the cart.

    Raises CartConflict, NotInCart, BadQuantity.
    """
    _check(variant_id, quantity)
    with transaction.atomic():
        cart = _at(buyer_id, version, stream_id, now)
        if not CartLine.objects.filter(cart=cart, variant_id=variant_id).update(quantity=quantity):
            raise NotInCart
        return _changed(cart, stream_id, now)


def remove(
    *, buyer_id: UUID, version: int, variant_id: UUID, stream_id: UUID | None, now: datetime
) -> queries.Body:
    """Take a variant out of the cart and return the cart; raises CartConflict, NotInCart."""
    with transaction.atomic():
        cart = _at(buyer_id, version, stream_id, now)
        count, _ = CartLine.objects.filter(cart=cart, variant_id=variant_id).delete()
        if not count:
            raise NotInCart
        return _changed(cart, stream_id, now)


def replace(
    *,
    buyer_id: UUID,
    version: int,
    lines: Sequence[tuple[UUID, int]],
    stream_id: UUID | None,
    now: datetime,
) -> queries.Body:
    """Make the cart hold exactly these units and return it; no lines empty it.

    Raises CartConflict, BadQuantity, UnknownVariant, NotForSale, TooManyLines.
    """
    wanted = {
        one.variant_id: one.quantity
        for one in (quotes.merged([quotes.Wanted(*line) for line in lines]) if lines else [])
    }
    with transaction.atomic():
        cart = _at(buyer_id, version, stream_id, now)
        kept = {line.variant_id: line for line in CartLine.objects.filter(cart=cart)}
        _check_for_sale([variant_id for variant_id in wanted if variant_id not in kept])
        CartLine.objects.filter(cart=cart).exclude(variant_id__in=wanted).delete()
        for variant_id, quantity in wanted.items():
            line = kept.get(variant_id) or CartLine(
                cart=cart, variant_id=variant_id, stream_id=stream_id, added_at=now
            )
            line.quantity = quantity
            line.save()
        return _changed(cart, stream_id, now)


def clear(*, buyer_id: UUID, version: int, stream_id: UUID | None, now: datetime) -> queries.Body:
    """Empty the cart and return it; raises CartConflict."""
    return replace(buyer_id=buyer_id, version=version, lines=[], stream_id=stream_id, now=now)


def bought(
    *, buyer_id: UUID, lines: Sequence[tuple[UUID, int]], stream_id: UUID | None, now: datetime
) -> None:
    """Take bought units out of the buyer's cart, inside the purchase's transaction."""
    variants = [variant_id for variant_id, _ in lines]
    if not CartLine.objects.filter(cart_id=buyer_id, variant_id__in=variants).exists():
        return
    cart = _locked(buyer_id)
    for variant_id, quantity in lines:
        in_cart = CartLine.objects.filter(cart=cart, variant_id=variant_id)
        in_cart.filter(quantity__lte=quantity).delete()
        in_cart.update(quantity=F("quantity") - quantity)
    _changed(cart, stream_id, now)


def _locked(buyer_id: UUID) -> Cart:
    Cart.objects.bulk_create([Cart(buyer_id=buyer_id)], ignore_conflicts=True)
    return Cart.objects.select_for_update(no_key=True).get(pk=buyer_id)


def _at(buyer_id: UUID, version: int, stream_id: UUID | None, now: datetime) -> Cart:
    cart = _locked(buyer_id)
    if cart.version != version:
        raise CartConflict(cart=queries.cart(buyer_id=buyer_id, stream_id=stream_id, now=now))
    return cart


def _changed(cart: Cart, stream_id: UUID | None, now: datetime) -> queries.Body:
    cart.version += 1
    cart.updated_at = now
    cart.save(update_fields=["version", "updated_at"])
    body = queries.cart(buyer_id=cart.buyer_id, stream_id=stream_id, now=now)
    announce.tell_user(
        user_id=cart.buyer_id, t="cart.updated", d=body, key=f"cart.updated:{cart.buyer_id}:{cart.version}"
    )
    return body


def _check(variant_id: UUID, quantity: int) -> None:
    if not 1 <= quantity <= quotes.MAX_QUANTITY:
        raise quotes.BadQuantity(variant=str(variant_id), quantity=quantity)


def _check_for_sale(variant_ids: Sequence[UUID]) -> None:
    for_sale = Variant.objects.filter(
        is_active=True, product__status=Product.Status.ACTIVE, merchant__is_active=True
    )
    found = dict(Variant.objects.filter(pk__in=variant_ids).values_list("id", "is_active"))
    sellable = set(for_sale.filter(pk__in=variant_ids).values_list("id", flat=True))
    for variant_id in variant_ids:
        if variant_id not in found:
            raise quotes.UnknownVariant(variant=str(variant_id))
        if variant_id not in sellable:
            raise quotes.NotForSale(variant=str(variant_id))
