"""Shipping and tax at the till: what one merchant charges for one country, and what stays as it was."""

from typing import Any

import orjson
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog import bundles
from catalog.models import Product, Variant
from commerce.models import Address
from commerce.money import Money
from orders import queries
from orders.models import Order, OrderLine, Purchase, WaitlistEntry
from orders.tariffs import keeping
from orders.tariffs.reading import NotShippedThere
from orders.till.asking import Receipt
from orders.till.refusals import AddressRequired, PriceChanged
from streams import coupons
from tests.orders import make, tariffing
from tests.orders.make import NOW, after
from tests.orders.till.asks import asked, kinds, rung, wants

pytestmark = pytest.mark.django_db


def bought(*wanted: Any, total: int, **more: Any) -> Purchase:
    """Buy, and see that the answer at once is what is read later, and that everything adds up."""
    coupon = more.pop("coupon_id", None)
    basket = make.basket(*wanted, total=total, **more)
    (outcome,) = rung(asked(basket, **({"coupon_id": coupon} if coupon else {})))
    assert isinstance(outcome, Receipt), outcome
    assert orjson.loads(outcome.body) == queries.purchase_body(outcome.purchase_id)
    assert make.broken() == []
    return Purchase.objects.get(pk=outcome.purchase_id)


def charged(purchase: Purchase) -> tuple[int, int, int]:
    order = Order.objects.get(purchase=purchase)
    tax = sum(line.tax_amount for line in order.lines.all())
    return order.amount, order.shipping_amount, tax + order.shipping_tax_amount


def test_shipping_is_paid_once_per_order() -> None:
    one = make.variant(amount=1000)
    tariffing.zone(one.merchant, "DE", "AT", amount=490)
    purchase = bought((one, 3), total=3490)
    assert (purchase.amount, charged(purchase)) == (3490, (3490, 490, 0))
    assert Order.objects.get().shipping_name == "Parcel"


def test_two_merchants_in_one_purchase_ship_one_parcel_each() -> None:
    one, other, third = (make.variant(amount=1000) for _ in range(3))
    tariffing.zone(one.merchant, "DE", amount=490)
    tariffing.zone(other.merchant, amount=700)
    purchase = bought((one, 1), (other, 1), (third, 1), total=4190)
    amounts = dict(Order.objects.values_list("merchant", "shipping_amount"))
    assert amounts == {one.merchant_id: 490, other.merchant_id: 700, third.merchant_id: 0}
    assert sum(order.amount for order in purchase.orders.all()) == 4190


def test_shipping_is_free_from_an_amount_that_is_counted_after_the_coupon() -> None:
    one = make.variant(amount=1000)
    stream = make.show(one)
    tariffing.zone(one.merchant, "DE", amount=490, free_from=2000)
    assert bought((one, 2), total=2000, stream=stream).amount == 2000
    buyer = make.buyer()
    coupon = make.coupon(stream, one.merchant, percent_bp=1000)
    coupons.claim(stream_id=stream.id, user_id=buyer.id, coupon_id=coupon.id, now=NOW)
    purchase = bought((one, 2), total=1800 + 490, stream=stream, by=buyer, coupon_id=coupon.id)
    assert charged(purchase) == (2290, 490, 0)


def test_a_country_that_nobody_ships_to_is_refused_and_takes_nothing() -> None:
    one = make.variant(stocked=3)
    tariffing.zone(one.merchant, "AT")
    (refused,) = rung(wants(one, total=2489))
    assert isinstance(refused, NotShippedThere)
    assert refused.data == {"merchant": str(one.merchant_id), "country": "DE"}
    assert (make.left(one), Purchase.objects.count()) == (3, 0)
    tariffing.zone(one.merchant)
    assert bought((one, 1), total=2489).amount == 2489


def test_a_currency_without_a_rate_is_not_shipped_there() -> None:
    one = make.variant(currency="USD")
    tariffing.zone(one.merchant, "DE", currency="EUR")
    assert kinds(rung(wants(one, total=1999))) == [NotShippedThere]


def test_tax_that_prices_contain_changes_no_total() -> None:
    one = make.variant(amount=1190)
    tariffing.tax(one.merchant, bp=1900)
    purchase = bought((one, 2), total=2380)
    line = OrderLine.objects.get()
    assert (line.tax_amount, line.tax_bp, line.tax_name) == (380, 1900, "VAT")
    assert (line.base, line.paid) == (2000, 2380)
    assert charged(purchase) == (2380, 0, 380)


def test_tax_on_top_is_paid_beside_goods_and_shipping() -> None:
    one = make.variant(amount=1000)
    tariffing.tax(one.merchant, bp=1900)
    tariffing.on_top(one.merchant)
    tariffing.zone(one.merchant, "DE", amount=500)
    purchase = bought((one, 2), total=2500 + 475)
    order = Order.objects.get()
    assert (order.tax_on_top, order.shipping_tax_amount, order.shipping_paid) == (True, 95, 595)
    assert (OrderLine.objects.get().tax_amount, purchase.amount) == (380, 2975)


def test_goods_of_another_type_have_their_own_rate() -> None:
    seller = make.merchant()
    book, lipstick = make.variant(seller=seller, amount=1070), make.variant(seller=seller, amount=1190)
    Product.objects.filter(pk=book.product_id).update(product_type="Books")
    tariffing.tax(seller, bp=1900)
    tariffing.tax(seller, bp=700, category=" Books ", name="Reduced VAT")
    bought((book, 1), (lipstick, 1), total=2260)
    taxes = dict(OrderLine.objects.values_list("variant", "tax_amount"))
    assert taxes == {book.id: 70, lipstick.id: 190}


@pytest.mark.parametrize(("currency", "amount", "tax"), [("JPY", 1000, 100), ("KWD", 5120, 510)])
def test_tax_on_top_is_a_sum_that_can_be_paid(currency: str, amount: int, tax: int) -> None:
    one = make.variant(amount=amount, currency=currency)
    tariffing.tax(one.merchant, bp=1000)
    tariffing.on_top(one.merchant)
    tariffing.zone(one.merchant, "DE", amount=0, currency=currency)
    assert charged(bought((one, 1), total=amount + tax)) == (amount + tax, 0, tax)


def test_a_rate_counts_from_its_moment_to_its_end() -> None:
    one = make.variant(amount=1190)
    tariffing.tax(one.merchant, bp=1600, valid_from=after(-1000), valid_to=NOW)
    assert charged(bought((one, 1), total=1190)) == (1190, 0, 0)
    tariffing.tax(one.merchant, bp=1900, valid_from=NOW)
    assert charged(bought((one, 1), total=1190)) == (1190, 0, 190)


def test_buyers_of_different_countries_in_one_batch_have_bills_of_their_own() -> None:
    one = make.variant(amount=1000)
    tariffing.zone(one.merchant, "DE", amount=490)
    tariffing.zone(one.merchant, "FR", amount=990)
    buyers = [make.buyer() for _ in range(4)]
    for buyer in buyers[1::2]:
        tariffing.move(buyer, "FR")
    batch = [wants(one, by=buyer, total=1990 if n % 2 else 1490) for n, buyer in enumerate(buyers)]
    assert kinds(rung(*batch)) == [Receipt] * 4
    shipping = [row.orders.get().shipping_amount for row in Purchase.objects.order_by("id")]
    assert sorted(shipping) == [490, 490, 990, 990]
    assert make.broken() == []


def test_a_rate_that_changed_since_it_was_shown_is_told_and_nobody_is_charged() -> None:
    one = make.variant(amount=1000)
    zone = tariffing.zone(one.merchant, "DE", amount=490)
    press = wants(one, total=1490)
    dearer = keeping.Rate("Parcel", "EUR", 590, None, 1, 2)
    keeping.change_zone(
        merchant_id=one.merchant_id,
        zone_id=zone.id,
        new=keeping.Zone("Zone", ["DE"], False, [dearer]),
        now=NOW,
    )
    (refused,) = rung(press)
    assert isinstance(refused, PriceChanged)
    assert refused.data["total"] == {"amount": 1590, "currency": "EUR"}
    assert refused.data["orders"] == [
        {
            "merchant": str(one.merchant_id),
            "shipping": {"name": "Parcel", "amount": {"amount": 590, "currency": "EUR"}},
            "taxes": [],
            "tax_on_top": False,
        }
    ]
    assert not Purchase.objects.exists()
    assert bought((one, 1), total=1590).amount == 1590


def test_without_an_address_it_is_asked_for_before_a_price_is_named() -> None:
    one = make.variant()
    tariffing.zone(one.merchant, "DE")
    buyer = make.buyer()
    Address.objects.filter(user=buyer).delete()
    assert kinds(rung(wants(one, by=buyer, total=1))) == [AddressRequired]


def test_what_one_merchant_sets_is_not_asked_of_another() -> None:
    one, other = make.variant(), make.variant()
    tariffing.zone(other.merchant, "AT")
    tariffing.tax(other.merchant)
    assert charged(bought((one, 1), total=1999)) == (1999, 0, 0)


def test_offers_bundles_preorders_and_turns_are_charged_the_same() -> None:
    one = make.variant(amount=2000, stocked=9)
    seller = one.merchant
    tariffing.zone(seller, "DE", amount=500)
    tariffing.tax(seller, bp=1900)
    tariffing.on_top(seller)
    stream = make.show(one)
    offer = make.offer(stream, one, amount=1000, per_buyer=2)
    assert bought((one, 1, offer), stream=stream, total=1500 + 285).amount == 1785
    kit = make.variant(stocked=0, seller=seller, amount=3000)
    bundles.set_parts(merchant_id=seller.id, bundle_id=kit.id, parts={one.id: 2}, now=NOW)
    assert charged(bought((kit, 1), total=3500 + 665)) == (4165, 500, 665)
    later = make.variant(seller=seller, amount=1000)
    Variant.objects.filter(pk=later.pk).update(release_at=after(3600))
    assert bought((later, 1), total=1500 + 285).pay_at_shipping
    sold_out = make.variant(seller=seller, amount=1000, stocked=1)
    first = bought((sold_out, 1), total=1785)
    assert first.amount == 1785
    hers = make.buyer()
    WaitlistEntry.objects.create(buyer=hers, variant=sold_out, status="offered", turn_until=after(60))
    (outcome,) = rung(wants(sold_out, by=hers, total=1785))
    assert isinstance(outcome, Receipt), outcome


def test_a_batch_reads_tariffs_once_however_many_buy() -> None:
    one = make.variant(amount=1000, stocked=50)
    tariffing.zone(one.merchant, "DE", amount=490)
    tariffing.tax(one.merchant)

    def asks(count: int) -> list[str]:
        batch = [wants(one, total=1490) for _ in range(count)]
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert kinds(rung(*batch)) == [Receipt] * count
        return [
            each["sql"] for each in seen if "orders_shippingzone" in each["sql"] or "taxrate" in each["sql"]
        ]

    assert len(asks(1)) == len(asks(12)) == 2


def test_the_smallest_payment_is_asked_of_all_that_is_paid() -> None:
    one = make.variant(amount=30)
    tariffing.zone(one.merchant, "DE", amount=490)
    assert bought((one, 1), total=520).amount == Money(520, "EUR").amount
