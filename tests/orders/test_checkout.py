from uuid import uuid4

import pytest
from django.db import transaction

from catalog.models import Price, Product, Variant
from catalog.pricing import prices
from catalog.shelf import stock
from commerce import errors
from commerce.models import Address, Card
from commerce.money import Money
from orders import checkout, pricing, quotes
from orders.carts import contents
from orders.models import Cart, CartLine, Hold, Order, OrderLine, Purchase, PurchaseMove
from orders.till import refusals
from streams import offers, queries, shows
from streams.models import OfferBuyer, Pin
from tests.orders import make
from tests.orders.make import NOW, after

pytestmark = pytest.mark.django_db


def nothing_happened(variant: Variant, stocked: int = 10) -> None:
    assert not Purchase.objects.exists()
    assert not Order.objects.exists()
    assert not Hold.objects.exists()
    assert make.left(variant) == stocked
    assert make.events("purchase.accepted") == []
    assert make.broken() == []


def test_a_purchase_takes_units_and_is_charged_later() -> None:
    lipstick = make.variant(stocked=10, amount=1999)

    purchase = make.basket((lipstick, 2)).go()

    assert purchase.status == Purchase.Status.ACCEPTED
    assert (purchase.amount, purchase.currency) == (3998, "EUR")
    assert purchase.hold_until == after(600)
    assert make.left(lipstick) == 8
    assert Hold.objects.get().status == Hold.Status.HELD
    assert not PurchaseMove.objects.exists()
    assert make.events("purchase.accepted") == [{"purchases": [str(purchase.id)]}]
    assert make.events("stock.moved") == [{"variants": [str(lipstick.id)], "offers": []}]
    assert make.broken() == []


def test_a_purchase_is_split_into_one_order_per_merchant() -> None:
    one = make.variant(amount=1000)
    two = make.variant(amount=200, seller=one.merchant)
    other = make.variant(amount=30)

    make.basket((one, 1), (other, 1), (two, 2)).go()

    amounts = {order.merchant_id: order.amount for order in Order.objects.all()}
    assert amounts == {one.merchant_id: 1400, other.merchant_id: 30}
    assert make.broken() == []


def test_lines_keep_what_the_buyer_saw() -> None:
    lipstick = make.variant(amount=1999)
    stream = make.show(lipstick)
    make.pin(stream, lipstick)
    offer = make.offer(stream, lipstick, amount=999)

    make.basket((lipstick, 1, offer), stream=stream, seen=("k3f9", 41)).go(now=after(12))

    line = OrderLine.objects.get()
    assert (line.unit_amount, line.list_amount, line.offer) == (999, 1999, offer)
    assert (line.stream, line.host_id, line.stream_ms) == (stream, stream.host_id, 12_000)
    assert (line.item, line.pin) == (make.item(stream, lipstick), Pin.objects.get())
    assert (line.frame_epoch, line.frame_offset) == ("k3f9", 41)
    assert (line.host_commission_bp, line.platform_fee_bp) == (1_000, 500)
    assert line.title == "Velvet lipstick (Red)"


def test_goods_that_are_not_on_the_shows_list_earn_the_host_nothing() -> None:
    listed, other = make.variant(), make.variant()
    stream = make.show(listed)
    make.pin(stream, listed)

    make.basket((other, 1), stream=stream).go()

    line = OrderLine.objects.get()
    assert (line.host, line.item, line.pin, line.host_commission_bp) == (None, None, None, 0)
    assert line.platform_fee_bp == 500


def test_an_offer_takes_from_its_quota_and_the_buyers_limit() -> None:
    lipstick = make.variant(stocked=10)
    stream = make.show(lipstick)
    offer = make.offer(stream, lipstick, quota=5, per_buyer=2)
    buyer = make.buyer()

    make.basket((lipstick, 2, offer), by=buyer, stream=stream).go(now=after(1))

    offer.refresh_from_db()
    assert (offer.left, make.left(lipstick)) == (3, 8)
    assert OfferBuyer.objects.get().units == 2
    with pytest.raises(offers.CustomerLimit):
        make.basket((lipstick, 1, offer), by=buyer, stream=stream).go(now=after(2))
    # At the list price she may have more.
    make.basket((lipstick, 1), by=buyer, stream=stream).go(now=after(3))
    assert make.broken() == []


def test_one_variant_at_two_prices_is_two_lines_and_one_stock() -> None:
    lipstick = make.variant(stocked=3, amount=1999)
    stream = make.show(lipstick)
    offer = make.offer(stream, lipstick, amount=999)

    make.basket((lipstick, 1, offer), (lipstick, 2), stream=stream).go()

    assert sorted(OrderLine.objects.values_list("quantity", "unit_amount")) == [(1, 999), (2, 1999)]
    assert make.left(lipstick) == 0
    assert make.broken() == []


def test_equal_lines_are_one() -> None:
    lipstick = make.variant(stocked=10)

    make.basket((lipstick, 1), (lipstick, 2)).go()

    assert OrderLine.objects.get().quantity == 3


def test_the_same_variant_twice_cannot_get_round_the_stock() -> None:
    lipstick = make.variant(stocked=3)

    with pytest.raises(stock.OutOfStock):
        make.basket((lipstick, 2), (lipstick, 2)).go()

    nothing_happened(lipstick, stocked=3)


def test_more_than_there_is_gives_nothing_of_anything() -> None:
    plenty, scarce = make.variant(stocked=10), make.variant(stocked=1)

    with pytest.raises(stock.OutOfStock) as refused:
        make.basket((plenty, 2), (scarce, 2)).go()

    assert refused.value.data == {"variant": str(scarce.id), "left": 1}
    nothing_happened(plenty)


@pytest.mark.parametrize("quantity", [0, -1, -(10**30), 100, 10**30])
def test_absurd_quantities_are_refused(quantity: int) -> None:
    lipstick = make.variant()

    with pytest.raises(quotes.BadQuantity):
        make.basket((lipstick, quantity), total=1999).go()

    nothing_happened(lipstick)


def test_quantities_are_limited_after_merging() -> None:
    lipstick = make.variant(stocked=500)

    with pytest.raises(quotes.BadQuantity):
        make.basket((lipstick, 60), (lipstick, 60)).go()

    nothing_happened(lipstick, stocked=500)


def test_nothing_and_too_many_lines_are_refused() -> None:
    buyer = make.buyer()
    many = [quotes.Wanted(uuid4(), 1) for _ in range(21)]

    for lines, refusal in (([], quotes.NothingWanted), (many, quotes.TooManyLines)):
        with pytest.raises(refusal):
            make.Basket(buyer=buyer, lines=lines, total=Money(1, "EUR"), key=uuid4()).go()


def test_an_unknown_variant_is_not_found() -> None:
    with pytest.raises(quotes.UnknownVariant):
        make.Basket(
            buyer=make.buyer(), lines=[quotes.Wanted(uuid4(), 1)], total=Money(1, "EUR"), key=uuid4()
        ).go()


@pytest.mark.parametrize("what", ["variant", "product", "merchant", "price"])
def test_what_is_not_for_sale_cannot_be_bought(what: str) -> None:
    lipstick = make.variant()
    basket = make.basket((lipstick, 1))
    if what == "variant":
        Variant.objects.update(is_active=False)
    elif what == "product":
        Product.objects.update(status=Product.Status.RETIRED)
    elif what == "merchant":
        lipstick.merchant.is_active = False
        lipstick.merchant.save()
    else:
        Price.objects.update(valid_to=NOW)

    with pytest.raises(quotes.NotForSale) as refused:
        basket.go()

    assert refused.value.code == "NOT_FOR_SALE"
    nothing_happened(lipstick)


def test_a_changed_price_is_refused_with_the_new_total() -> None:
    lipstick = make.variant(amount=1999)
    basket = make.basket((lipstick, 2))
    prices.change(
        merchant_id=lipstick.merchant_id,
        variant_id=lipstick.id,
        amount=2099,
        compare_at=None,
        currency="EUR",
        now=after(1),
    )

    with pytest.raises(refusals.PriceChanged) as refused:
        basket.go()

    assert refused.value.data["total"] == {"amount": 4198, "currency": "EUR"}
    nothing_happened(lipstick)


def test_the_same_number_in_another_currency_is_refused() -> None:
    lipstick = make.variant(amount=1999)
    basket = make.basket((lipstick, 1))
    basket.total = Money(1999, "JPY")

    with pytest.raises(refusals.CurrencyMismatch):
        basket.go()


def test_two_currencies_are_not_bought_together() -> None:
    euro, yen = make.variant(), make.variant(currency="JPY")

    with pytest.raises(pricing.MixedCurrencies):
        make.basket((euro, 1), (yen, 1)).go()

    nothing_happened(euro)


def test_an_offer_that_has_closed_is_not_sold_even_before_the_sweep_ends_it() -> None:
    lipstick = make.variant()
    stream = make.show(lipstick)
    offer = make.offer(stream, lipstick, seconds=60)

    with pytest.raises(offers.OfferEnded):
        make.basket((lipstick, 1, offer), stream=stream).go(now=after(60))

    nothing_happened(lipstick)


def test_an_offer_is_good_in_its_own_show_only() -> None:
    lipstick = make.variant()
    stream, other = make.show(lipstick), make.show(lipstick)
    offer = make.offer(stream, lipstick)

    for elsewhere in (other, None):
        with pytest.raises(offers.OfferMismatch):
            make.basket((lipstick, 1, offer), stream=elsewhere).go(now=after(1))

    nothing_happened(lipstick)


def test_an_offer_for_another_product_is_a_mismatch() -> None:
    lipstick, blush = make.variant(), make.variant()
    stream = make.show(lipstick, blush)
    offer = make.offer(stream, lipstick)

    with pytest.raises(offers.OfferMismatch):
        make.basket((blush, 1, offer), stream=stream).go(now=after(1))

    nothing_happened(blush)


def test_a_show_sells_only_while_it_is_live() -> None:
    lipstick = make.variant()
    planned = make.show(lipstick, live=False)
    ended = make.show(lipstick)
    shows.end(host_id=ended.host_id, stream_id=ended.id, now=after(10))

    for stream in (planned, ended):
        with pytest.raises(queries.StreamNotLive):
            make.basket((lipstick, 1), stream=stream).go(now=after(20))
    with pytest.raises(refusals.UnknownStream):
        checkout.buy(
            buyer_id=make.buyer().id,
            key=uuid4(),
            lines=[quotes.Wanted(lipstick.id, 1)],
            expect_total=Money(1999, "EUR"),
            card_id=None,
            stream_id=uuid4(),
            seen=None,
            now=NOW,
        )
    nothing_happened(lipstick)


def test_without_a_card_or_an_address_nothing_is_bought() -> None:
    lipstick = make.variant()
    buyer = make.user()
    with pytest.raises(refusals.CardRequired):
        make.basket((lipstick, 1), by=buyer).go()

    make.card(buyer)
    with pytest.raises(refusals.AddressRequired):
        make.basket((lipstick, 1), by=buyer).go()
    nothing_happened(lipstick)

    make.address(buyer)
    assert make.basket((lipstick, 1), by=buyer).go().ship_to["city"] == "Bremen"


def test_somebody_elses_card_and_a_removed_one_are_not_found() -> None:
    lipstick = make.variant()
    buyer, stranger = make.buyer(), make.buyer()
    removed = make.card(buyer, default=False)
    Card.objects.filter(pk=removed.pk).update(removed_at=NOW)

    for card in (Card.objects.get(user=stranger), removed):
        with pytest.raises(refusals.UnknownCard) as refused:
            make.basket((lipstick, 1), by=buyer, card=card).go()
        assert refused.value.status == 404
    nothing_happened(lipstick)


def test_the_default_card_pays_unless_another_is_named() -> None:
    lipstick = make.variant()
    buyer = make.buyer()
    default = Card.objects.get(user=buyer)
    second = make.card(buyer, default=False)

    assert make.basket((lipstick, 1), by=buyer).go().card == default
    assert make.basket((lipstick, 1), by=buyer, card=second).go().card == second


def test_an_address_changed_afterwards_changes_no_purchase() -> None:
    lipstick = make.variant()
    buyer = make.buyer()
    purchase = make.basket((lipstick, 1), by=buyer).go()

    Address.objects.all().delete()

    purchase.refresh_from_db()
    assert purchase.ship_to["line1"] == "Lindenweg 4"


def test_bought_units_leave_the_cart() -> None:
    lipstick, blush, brush = make.variant(), make.variant(), make.variant()
    buyer = make.buyer()
    for each, quantity in ((lipstick, 1), (blush, 3), (brush, 1)):
        contents.add(buyer_id=buyer.id, variant_id=each.id, quantity=quantity, stream_id=None, now=NOW)
    version = Cart.objects.get().version

    make.basket((lipstick, 2), (blush, 2), by=buyer).go()

    assert dict(CartLine.objects.values_list("variant_id", "quantity")) == {blush.id: 1, brush.id: 1}
    assert Cart.objects.get().version == version + 1
    assert make.events("user.told")[-1]["t"] == "cart.updated"


def test_buying_opens_its_own_transaction() -> None:
    """A caller's transaction around it could undo what the buyer was told is hers."""
    basket = make.basket((make.variant(), 1))
    with transaction.atomic(durable=True), pytest.raises(RuntimeError):
        basket.go()


def test_every_refusal_has_a_stable_code() -> None:
    codes: dict[type[errors.Refusal], str] = {
        quotes.TooManyLines: "TOO_MANY_LINES",
        quotes.BadQuantity: "BAD_QUANTITY",
        quotes.UnknownVariant: "NOT_FOUND",
        quotes.NotForSale: "NOT_FOR_SALE",
        quotes.NothingWanted: "NOTHING_WANTED",
        refusals.PriceChanged: "PRICE_CHANGED",
        refusals.CurrencyMismatch: "CURRENCY_MISMATCH",
        refusals.HouseholdLimit: "HOUSEHOLD_LIMIT",
        refusals.CouponSpent: "COUPON_NOT_USABLE",
        refusals.UnknownCoupon: "UNKNOWN_COUPON",
        refusals.MixedRelease: "PREORDER_SEPARATELY",
        refusals.CardRequired: "CARD_REQUIRED",
        refusals.AddressRequired: "ADDRESS_REQUIRED",
        refusals.UnknownCard: "NOT_FOUND",
        pricing.MixedCurrencies: "MIXED_CURRENCIES",
        contents.CartConflict: "CART_CONFLICT",
    }
    for refusal, code in codes.items():
        assert issubclass(refusal, errors.Refusal)
        assert refusal.code == code
