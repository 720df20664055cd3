"""Holds for carts: taken, adjusted, moved into a purchase, warned of and given back."""

from collections.abc import Callable
from datetime import datetime
from uuid import uuid4

import msgspec
import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from catalog.models import BundlePart, Variant
from catalog.shelf import stock
from commerce.models import Merchant, User
from orders.carts import bodies, contents, holding, lapsing, policies
from orders.models import Cart, CartHold, CartLine, Hoarder
from orders.settling import charging, payments
from streams.bodies import unix_ms
from streams.frames import buying
from tests.orders import make
from tests.orders.make import NOW, after

pytestmark = pytest.mark.django_db


def add(buyer: User, variant: Variant, quantity: int = 1, *, at: float = 0) -> bodies.Body:
    return contents.add(
        buyer_id=buyer.id, variant_id=variant.id, quantity=quantity, stream_id=None, now=after(at)
    )


def update(buyer: User, variant: Variant, quantity: int, *, at: float = 0) -> bodies.Body:
    return contents.update(
        buyer_id=buyer.id,
        version=Cart.objects.get(pk=buyer.id).version,
        variant_id=variant.id,
        quantity=quantity,
        stream_id=None,
        now=after(at),
    )


def remove(buyer: User, variant: Variant, *, at: float = 0) -> bodies.Body:
    version = Cart.objects.get(pk=buyer.id).version
    return contents.remove(
        buyer_id=buyer.id, version=version, variant_id=variant.id, stream_id=None, now=after(at)
    )


def replace(buyer: User, *lines: tuple[Variant, int], at: float = 0) -> bodies.Body:
    return contents.replace(
        buyer_id=buyer.id,
        version=Cart.objects.get(pk=buyer.id).version,
        lines=[(variant.id, quantity) for variant, quantity in lines],
        stream_id=None,
        now=after(at),
    )


def held(buyer: User, variant: Variant) -> tuple[int, datetime] | None:
    found = CartHold.objects.filter(buyer=buyer, variant=variant).first()
    return (found.quantity, found.until) if found else None


def sweep(at: float) -> dict[str, int]:
    return lapsing.sweep(now=after(at))


@pytest.fixture
def holder() -> Merchant:
    """A merchant who holds goods for carts for ten minutes."""
    merchant = make.merchant()
    policies.set_policy(merchant_id=merchant.id, hold_seconds=600, now=NOW)
    return merchant


def test_without_a_policy_a_cart_holds_nothing() -> None:
    buyer, lipstick = make.user(), make.variant(stocked=1)

    (line,) = add(buyer, lipstick, 3)["lines"]

    assert (line["held"], line["held_until"]) == (0, None)
    assert make.left(lipstick) == 1
    assert not CartHold.objects.exists()
    assert make.broken() == []


def test_with_a_policy_units_leave_the_stock_until_a_published_end(holder: Merchant) -> None:
    buyer, lipstick = make.user(), make.variant(stocked=5, seller=holder)

    cart = add(buyer, lipstick, 2)

    (line,) = cart["lines"]
    assert (line["held"], line["held_until"], line["left"]) == (2, unix_ms(after(600)), 3)
    assert line["merchant"] == {"id": str(holder.id), "name": holder.name}
    assert make.left(lipstick) == 3
    msgspec.convert(cart, buying.Cart)
    assert make.events("stock.moved")[-1]["variants"] == [str(lipstick.id)]
    assert cart == contents.read(buyer_id=buyer.id, stream_id=None, now=after(1))
    assert make.broken() == []


def test_more_units_are_held_until_the_same_end(holder: Merchant) -> None:
    buyer, lipstick = make.user(), make.variant(stocked=5, seller=holder)
    add(buyer, lipstick, 1)

    add(buyer, lipstick, 1, at=300)
    update(buyer, lipstick, 4, at=590)

    assert held(buyer, lipstick) == (4, after(600))
    assert make.left(lipstick) == 1


def test_what_is_not_there_is_refused_and_changes_nothing(holder: Merchant) -> None:
    buyer, lipstick = make.user(), make.variant(stocked=3, seller=holder)
    before = add(buyer, lipstick, 2)

    acts: tuple[Callable[[], object], ...] = (
        lambda: add(buyer, lipstick, 2),
        lambda: update(buyer, lipstick, 4),
    )
    for act in acts:
        with pytest.raises(stock.OutOfStock) as refused:
            act()
        assert refused.value.data == {"variant": str(lipstick.id), "left": 1}

    assert contents.read(buyer_id=buyer.id, stream_id=None, now=NOW) == before
    assert held(buyer, lipstick) == (2, after(600))
    assert make.broken() == []


def test_fewer_units_and_a_line_taken_out_go_back_at_once(holder: Merchant) -> None:
    buyer, lipstick = make.user(), make.variant(stocked=5, seller=holder)
    add(buyer, lipstick, 4)

    (line,) = update(buyer, lipstick, 1, at=10)["lines"]
    assert (line["held"], line["left"]) == (1, 4)
    assert (held(buyer, lipstick), make.left(lipstick)) == ((1, after(600)), 4)

    assert remove(buyer, lipstick)["lines"] == []
    assert (held(buyer, lipstick), make.left(lipstick)) == (None, 5)
    assert make.broken() == []


def test_a_replaced_cart_holds_what_is_in_it_now_all_or_none(holder: Merchant) -> None:
    buyer, red, pink, gold = make.user(), *(make.variant(stocked=3, seller=holder) for _ in range(3))
    add(buyer, red, 3)
    add(buyer, pink, 2)

    with pytest.raises(stock.OutOfStock):
        replace(buyer, (red, 1), (gold, 4))
    assert [make.left(each) for each in (red, pink, gold)] == [0, 1, 3]

    replace(buyer, (red, 1), (gold, 2), at=5)

    assert [make.left(each) for each in (red, pink, gold)] == [2, 3, 1]
    assert held(buyer, red) == (1, after(600))
    assert held(buyer, gold) == (2, after(605))
    assert make.broken() == []


def test_a_cart_of_two_merchants_holds_for_the_one_with_the_policy(holder: Merchant) -> None:
    buyer, kept, open_to_all = make.user(), make.variant(stocked=2, seller=holder), make.variant(stocked=2)

    add(buyer, kept)
    cart = add(buyer, open_to_all)

    assert [line["held"] for line in cart["lines"]] == [1, 0]
    assert [line["merchant"]["id"] for line in cart["lines"]] == [
        str(kept.merchant_id),
        str(open_to_all.merchant_id),
    ]
    assert (make.left(kept), make.left(open_to_all)) == (1, 2)


def test_a_bundle_is_not_held(holder: Merchant) -> None:
    buyer, part, bundle = make.user(), *(make.variant(stocked=2, seller=holder) for _ in range(2))
    BundlePart.objects.create(merchant=holder, bundle=bundle, part=part)

    (line,) = add(buyer, bundle)["lines"]

    assert line["held"] == 0
    assert make.left(part) == 2


# --- hoarders and changed policies ---


def test_for_a_hoarder_nothing_more_is_held_and_what_runs_stays(holder: Merchant) -> None:
    buyer, lipstick, blush = make.user(), make.variant(seller=holder), make.variant(seller=holder)
    add(buyer, lipstick, 2)

    policies.bar(merchant_id=holder.id, buyer_id=buyer.id, reason="many", by_id=None, now=after(1))
    (line, other) = add(buyer, blush)["lines"]
    add(buyer, lipstick)

    assert (line["held"], other["held"]) == (2, 0)
    assert held(buyer, lipstick) == (2, after(600))
    assert add(make.user(), blush)["lines"][0]["held"] == 1

    policies.pardon(merchant_id=holder.id, buyer_id=buyer.id)
    update(buyer, blush, 1, at=20)
    assert held(buyer, blush) == (1, after(620))


def test_a_hoarder_at_one_merchant_is_none_at_another(holder: Merchant) -> None:
    buyer, other = make.user(), make.merchant()
    policies.set_policy(merchant_id=other.id, hold_seconds=60, now=NOW)
    add(buyer, make.variant(seller=holder))
    policies.bar(merchant_id=holder.id, buyer_id=buyer.id, reason="", by_id=None, now=NOW)

    cart = add(buyer, make.variant(seller=other))

    assert [line["held"] for line in cart["lines"]] == [1, 1]


def test_only_a_shopper_for_whom_goods_were_held_can_be_named(holder: Merchant) -> None:
    stranger, buyer = make.user(), make.user()
    add(buyer, make.variant(seller=holder))
    for merchant_id, who in ((holder.id, stranger.id), (holder.id, uuid4()), (make.merchant().id, buyer.id)):
        with pytest.raises(policies.UnknownShopper):
            policies.bar(merchant_id=merchant_id, buyer_id=who, reason="", by_id=None, now=NOW)
    assert not Hoarder.objects.exists()


def test_a_changed_policy_counts_for_what_is_held_from_then_on(holder: Merchant) -> None:
    buyer, lipstick, blush = make.user(), make.variant(seller=holder), make.variant(seller=holder)
    add(buyer, lipstick)
    policies.set_policy(merchant_id=holder.id, hold_seconds=60, now=after(1))
    add(buyer, lipstick, at=2)
    add(buyer, blush, at=2)
    assert (held(buyer, lipstick), held(buyer, blush)) == ((2, after(600)), (1, after(62)))

    policies.drop_policy(merchant_id=holder.id)
    add(buyer, lipstick, at=3)
    assert held(buyer, lipstick) == (2, after(600))


@pytest.mark.parametrize("seconds", [0, -1, 59, 3601, 2**40])
def test_an_absurd_hold_time_is_refused(seconds: int) -> None:
    merchant = make.merchant()
    with pytest.raises(policies.BadHoldTime):
        policies.set_policy(merchant_id=merchant.id, hold_seconds=seconds, now=NOW)


# --- into a purchase ---


def test_the_last_piece_is_bought_by_the_one_who_holds_it(holder: Merchant) -> None:
    buyer, other, lipstick = make.buyer(), make.buyer(), make.variant(stocked=2, seller=holder)
    add(buyer, lipstick, 2)

    with pytest.raises(stock.OutOfStock):
        make.basket((lipstick, 1), by=other).go(now=after(5))
    make.basket((lipstick, 2), by=buyer).go(now=after(10))

    assert (held(buyer, lipstick), make.left(lipstick)) == (None, 0)
    assert not CartLine.objects.exists()
    assert make.broken() == []


def test_who_buys_fewer_keeps_the_rest_held(holder: Merchant) -> None:
    buyer, lipstick = make.buyer(), make.variant(stocked=4, seller=holder)
    add(buyer, lipstick, 3)

    make.basket((lipstick, 1), by=buyer).go(now=after(10))

    assert held(buyer, lipstick) == (2, after(600))
    assert (CartLine.objects.get().quantity, make.left(lipstick)) == (2, 1)
    assert make.broken() == []


def test_who_buys_more_takes_the_others_from_the_stock(holder: Merchant) -> None:
    buyer, lipstick = make.buyer(), make.variant(stocked=4, seller=holder)
    add(buyer, lipstick, 1)

    make.basket((lipstick, 3), by=buyer).go(now=after(10))

    assert (held(buyer, lipstick), make.left(lipstick)) == (None, 1)
    assert make.broken() == []


def test_held_units_are_consumed_once(holder: Merchant) -> None:
    buyer, stranger, lipstick = make.buyer(), make.user(), make.variant(stocked=4, seller=holder)
    add(buyer, lipstick, 3)
    units = {lipstick.id: 2, uuid4(): 5}

    assert holding.moved_into_purchase(buyer_id=buyer.id, variant_ids=units) == {lipstick.id: 3}
    assert holding.consume(buyer_id=stranger.id, units=units) == {}
    assert holding.consume(buyer_id=buyer.id, units=units) == {lipstick.id: 2}
    assert holding.consume(buyer_id=buyer.id, units=units) == {lipstick.id: 1}
    assert holding.consume(buyer_id=buyer.id, units=units) == {}
    assert not CartHold.objects.exists()


def test_another_card_pays_with_what_the_cart_holds_meanwhile(holder: Merchant) -> None:
    buyer, lipstick = make.buyer(), make.variant(stocked=1, seller=holder)
    declined = make.basket((lipstick, 1), by=buyer).go(now=after(1))
    payments.apply(intent=make.said(make.sent(declined), "declined"), now=after(2))
    add(buyer, lipstick, at=3)
    assert make.left(lipstick) == 0

    charging.retry(purchase_id=declined.id, buyer_id=buyer.id, card_id=None, now=after(4))

    assert (held(buyer, lipstick), make.left(lipstick)) == (None, 0)
    assert not CartLine.objects.exists(), "what is bought leaves the cart"
    assert make.broken() == []


# --- what the database holds ---


def test_the_database_keeps_holds_sane_and_in_their_tenant(holder: Merchant) -> None:
    buyer, lipstick = make.user(), make.variant(seller=holder)
    add(buyer, lipstick)
    for merchant, quantity in ((make.merchant(), 1), (holder, 0), (holder, 1)):
        with pytest.raises(IntegrityError), transaction.atomic():
            CartHold.objects.create(
                buyer=buyer, merchant=merchant, variant=lipstick, quantity=quantity, until=NOW
            )


def test_a_user_with_held_goods_is_not_deleted_with_them(holder: Merchant) -> None:
    buyer, lipstick = make.user(), make.variant(seller=holder)
    add(buyer, lipstick)

    with pytest.raises(ProtectedError):
        buyer.delete()
    sweep(600)
    buyer.delete()
    assert make.broken() == []
