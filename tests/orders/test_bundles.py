"""Buying bundles: all parts or none, at an offer counted as one unit each, and back as they were taken."""

from uuid import uuid4

import pytest
from django.db import transaction

from catalog import bundles
from catalog.models import Variant
from catalog.shelf import stock
from orders import holds, quotes
from orders.carts import bodies, contents, policies
from orders.models import CartHold, CartLine, Hold, OrderLine, Purchase
from orders.settling import answers, charging, payments
from orders.till import asking, refusals, ringing
from orders.till.asking import Receipt
from streams.models import Offer, OfferBuyer
from tests.orders import make
from tests.orders.make import NOW, after

pytestmark = pytest.mark.django_db


def kit(*stocked: int, quantities: tuple[int, ...] = ()) -> tuple[Variant, list[Variant]]:
    """A bundle and its parts, with so many units in stock."""
    seller = make.merchant()
    parts = [make.variant(stocked=units, seller=seller) for units in stocked]
    one = make.variant(stocked=0, seller=seller, amount=2999)
    wanted = zip(parts, quantities or (1,) * len(parts), strict=True)
    bundles.set_parts(
        merchant_id=seller.id, bundle_id=one.id, parts={part.id: n for part, n in wanted}, now=NOW
    )
    return one, parts


def lefts(parts: list[Variant]) -> list[int]:
    return [make.left(part) for part in parts]


def ring_up(*baskets: make.Basket) -> list[str]:
    """Ring up baskets in one batch and return what came of each."""
    batch = [
        asking.Press(asking.ask(buyer_id=b.buyer.id, key=b.key, lines=b.lines, expect_total=b.total))
        for b in baskets
    ]
    outcomes = ringing.ring_up(batch, now=NOW).outcomes
    return ["sold" if isinstance(each, Receipt) else str(getattr(each, "code", each)) for each in outcomes]


def end(purchase: Purchase) -> None:
    with transaction.atomic():
        locked = Purchase.objects.select_for_update().get(pk=purchase.pk)
        answers.close(locked, now=after(5))


def test_a_bundle_takes_of_each_part_what_is_in_it() -> None:
    one, parts = kit(10, 10, quantities=(3, 1))
    purchase = make.basket((one, 2)).go()
    assert lefts([*parts, one]) == [4, 8, 0]
    held = Hold.objects.filter(purchase=purchase).order_by("quantity")
    assert [(hold.variant_id, hold.quantity) for hold in held] == [(parts[1].id, 2), (parts[0].id, 6)]
    assert not make.broken()


@pytest.mark.parametrize("stocked", [(1, 5), (5, 1)])
def test_a_bundle_of_which_one_part_is_short_takes_nothing(stocked: tuple[int, int]) -> None:
    one, parts = kit(*stocked)
    with pytest.raises(stock.OutOfStock) as refused:
        make.basket((one, 2)).go()
    short = parts[stocked.index(1)]
    assert refused.value.data == {"variant": str(one.id), "left": 1, "part": str(short.id)}
    assert lefts(parts) == list(stocked)
    assert not Hold.objects.exists()


def test_the_refusal_names_the_line_that_was_sent_and_what_is_left_for_it() -> None:
    one, parts = kit(7, 9, quantities=(3, 2))
    with pytest.raises(stock.OutOfStock) as refused:
        make.basket((one, 3)).go()
    assert refused.value.data == {"variant": str(one.id), "left": 2, "part": str(parts[0].id)}

    plain = make.variant(stocked=4)
    with pytest.raises(stock.OutOfStock) as refused:
        make.basket((one, 2), (plain, 5)).go()
    assert refused.value.data == {"variant": str(plain.id), "left": 4}

    # The bundle was made last, so its line is looked at after the part's own.
    with pytest.raises(stock.OutOfStock) as refused:
        make.basket((one, 2), (parts[0], 2)).go()
    assert refused.value.data == {"variant": str(one.id), "left": 1, "part": str(parts[0].id)}


def test_what_a_cart_has_of_bundle_and_part_is_counted_together() -> None:
    one, parts = kit(2, 2)
    with pytest.raises(stock.OutOfStock):
        make.basket((one, 1), (parts[0], 2)).go()
    make.basket((one, 1), (parts[0], 1)).go()
    assert lefts(parts) == [0, 1]
    assert not make.broken()


def test_a_bundle_of_which_a_part_is_off_sale_is_not_for_sale() -> None:
    one, parts = kit(2, 2)
    Variant.objects.filter(pk=parts[1].pk).update(is_active=False)
    with pytest.raises(quotes.NotForSale):
        make.basket((one, 1)).go()


def test_a_bundle_is_a_preorder_until_the_last_of_its_parts_is_released() -> None:
    one, parts = kit(2, 2)
    early, late = after(86_400), after(2 * 86_400)
    Variant.objects.filter(pk=parts[0].pk).update(release_at=late)
    Variant.objects.filter(pk=parts[1].pk).update(release_at=early)

    purchase = make.basket((one, 1)).go()

    assert purchase.pay_at_shipping
    assert OrderLine.objects.get().release_at == late
    with pytest.raises(refusals.MixedRelease):
        make.basket((one, 1), (make.variant(), 1)).go()


def test_a_bundles_own_release_counts_where_it_is_the_latest_and_released_parts_never() -> None:
    one, parts = kit(2, 2)
    Variant.objects.filter(pk=parts[0].pk).update(release_at=after(-1))
    assert not make.basket((one, 1)).go().pay_at_shipping

    Variant.objects.filter(pk=parts[1].pk).update(release_at=after(60))
    Variant.objects.filter(pk=one.pk).update(release_at=after(90))
    make.basket((one, 1)).go()
    assert OrderLine.objects.latest("id").release_at == after(90)


def test_the_cart_shows_of_a_bundle_when_the_last_of_its_parts_is_released() -> None:
    one, parts = kit(2, 2)
    Variant.objects.filter(pk=parts[0].pk).update(release_at=after(60))
    buyer = make.buyer()
    contents.add(buyer_id=buyer.id, variant_id=one.id, quantity=1, stream_id=None, now=NOW)
    (line,) = bodies.of_buyer(buyer_id=buyer.id, stream_id=None, now=NOW)["lines"]
    assert line["release_at"] == int(after(60).timestamp() * 1000)
    assert line["opens_at"] == line["release_at"] - 6 * 86_400_000


def test_in_one_batch_whoever_comes_first_has_the_last_piece() -> None:
    one, parts = kit(5, 1)
    assert ring_up(make.basket((parts[1], 1)), make.basket((one, 1)), make.basket((parts[0], 1))) == [
        *("sold", "OUT_OF_STOCK", "sold")
    ]
    assert lefts(parts) == [4, 0]

    one, parts = kit(5, 1)
    assert ring_up(make.basket((one, 1)), make.basket((parts[1], 1)), make.basket((one, 1))) == [
        *("sold", "OUT_OF_STOCK", "OUT_OF_STOCK")
    ]
    assert lefts(parts) == [4, 0]
    assert not make.broken()


def test_what_is_given_back_is_what_was_taken_whatever_the_bundle_is_now() -> None:
    one, parts = kit(4, 4, quantities=(2, 1))
    purchase = make.basket((one, 1)).go()
    bundles.clear_parts(merchant_id=one.merchant_id, bundle_id=one.id, now=NOW)
    end(purchase)
    assert lefts([*parts, one]) == [4, 4, 0]
    holds.release(purchase=purchase, now=after(6))
    assert lefts([*parts, one]) == [4, 4, 0]
    assert not make.broken()


def test_a_declined_bundle_is_taken_again_whole_or_not_at_all() -> None:
    one, parts = kit(1, 1)
    buyer = make.buyer()
    purchase = make.basket((one, 1), by=buyer).go()
    end(purchase)
    other = make.basket((parts[1], 1)).go()
    with pytest.raises(stock.OutOfStock) as refused:
        holds.retake(purchase=purchase, now=after(9))
    assert refused.value.data == {"variant": str(one.id), "left": 0, "part": str(parts[1].id)}
    assert set(Hold.objects.filter(purchase=purchase).values_list("status", flat=True)) == {"released"}
    end(other)
    holds.retake(purchase=purchase, now=after(9))
    assert lefts(parts) == [0, 0]


def test_a_declined_bundle_that_is_paid_again_has_the_parts_that_its_buyers_cart_holds() -> None:
    one, parts = kit(2, 1, quantities=(2, 1))
    buyer = make.buyer()
    purchase = make.basket((one, 1), by=buyer).go()
    payments.apply(intent=make.said(make.sent(purchase), "declined"), now=after(5))
    policies.set_policy(merchant_id=one.merchant_id, hold_seconds=600, now=NOW)
    contents.add(buyer_id=buyer.id, variant_id=parts[0].id, quantity=2, stream_id=None, now=after(7))
    assert lefts(parts) == [0, 1]

    charging.retry(purchase_id=purchase.id, buyer_id=buyer.id, card_id=None, now=after(9))

    assert lefts(parts) == [0, 0]
    assert not CartHold.objects.exists()
    # As when a bundle is bought for the first time: what she has put in her cart stays there, not held.
    assert CartLine.objects.get().quantity == 2
    assert not make.broken()


def test_of_an_offer_a_bundle_is_one_unit_though_its_parts_are_held() -> None:
    one, parts = kit(9, 9, quantities=(3, 1))
    stream = make.show(one)
    offer = make.offer(stream, one, quota=5, per_buyer=2)
    buyer = make.buyer()
    purchase = make.basket((one, 2, offer), by=buyer, stream=stream).go()
    assert Offer.objects.get(pk=offer.pk).left == 3
    assert OfferBuyer.objects.get(offer=offer, buyer=buyer).units == 2
    assert not make.broken()
    end(purchase)
    assert Offer.objects.get(pk=offer.pk).left == 5
    assert OfferBuyer.objects.get(offer=offer, buyer=buyer).units == 0
    assert lefts(parts) == [9, 9]
    assert not make.broken()


def test_the_cart_shows_of_a_bundle_what_its_parts_allow() -> None:
    one, _ = kit(7, 2, quantities=(3, 1))
    buyer = make.buyer()
    contents.add(buyer_id=buyer.id, variant_id=one.id, quantity=1, stream_id=None, now=NOW)
    (line,) = bodies.of_buyer(buyer_id=buyer.id, stream_id=None, now=NOW)["lines"]
    assert (line["variant"], line["left"]) == (str(one.id), 2)


def test_the_key_of_a_bundle_buys_it_once() -> None:
    one, parts = kit(5, 5)
    basket = make.basket((one, 1), key=uuid4())
    first, second = basket.again(), basket.again()
    assert (first[0].id, second[1]) == (second[0].id, True)
    assert lefts(parts) == [4, 4]
