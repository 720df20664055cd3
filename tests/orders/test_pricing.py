import random
from collections import Counter
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from commerce import money
from commerce.money import Money
from orders import pricing
from orders.pricing import Discount, Terms

PUBLISHED = Path(pricing.__file__).parents[1] / "docs" / "pricing.md"


def line(amount: int, *, currency: str = "EUR", quantity: int = 1) -> pricing.Line:
    return pricing.Line(
        variant_id=uuid4(),
        merchant_id=uuid4(),
        title="Velvet lipstick",
        sku="",
        quantity=quantity,
        unit=Money(amount, currency),
        list_amount=amount,
        host_commission_bp=0,
        platform_fee_bp=0,
    )


def test_lines_add_up() -> None:
    assert pricing.total([line(1999, quantity=3), line(1)]) == Money(5998, "EUR")


def test_two_currencies_are_refused() -> None:
    with pytest.raises(pricing.MixedCurrencies) as refused:
        pricing.total([line(100), line(100, currency="JPY")])

    assert refused.value.data == {"currencies": ["EUR", "JPY"]}


def test_the_largest_charge_is_taken_and_one_more_cent_is_not() -> None:
    assert pricing.total([line(money.MAX_AMOUNT)]).amount == money.MAX_AMOUNT
    with pytest.raises(pricing.TooExpensive):
        pricing.total([line(money.MAX_AMOUNT), line(1)])


def test_a_sum_that_the_provider_would_refuse_is_refused_here() -> None:
    with pytest.raises(pricing.TooCheap) as cheap:
        pricing.total([line(49)])
    assert (cheap.value.code, cheap.value.data["least"]) == ("TOO_CHEAP", 50)
    with pytest.raises(pricing.NotPayable) as fine:
        pricing.total([line(5124, currency="KWD")])
    assert (fine.value.code, fine.value.data["step"]) == ("NOT_PAYABLE", 10)
    assert pricing.total([line(25, quantity=2)]).amount == 50
    assert pricing.total([line(5120, currency="KWD")]).amount == 5120


@given(
    prices=st.lists(st.tuples(st.integers(1, 5000), st.integers(1, 5)), min_size=1, max_size=4),
    floors=st.lists(st.integers(1, 30_000), min_size=4, max_size=4),
    discount=st.one_of(
        st.integers(100, 9000).map(lambda bp: Discount(bp, None)),
        st.integers(1, 20_000).map(lambda off: Discount(None, off)),
    ),
)
def test_what_a_coupon_leaves_ends_in_0_where_it_must(
    prices: list[tuple[int, int]], floors: list[int], discount: Discount
) -> None:
    goods = [
        (Terms(10 * amount, "KWD", floor=min(floor, 10 * amount)), quantity)
        for (amount, quantity), floor in zip(prices, floors, strict=False)
    ]

    parts = pricing.discounts(goods, discount)

    assert sum(parts) % 10 == 0
    assert min(parts) >= 0
    for (terms, quantity), part in zip(goods, parts, strict=True):
        assert terms.floor is not None
        assert terms.list_amount * quantity - part >= terms.floor * quantity


def test_merchants_keep_the_order_of_their_first_line() -> None:
    one, two = line(1), line(2)
    three = pricing.Line(**{**{f: getattr(one, f) for f in one.__slots__}, "variant_id": uuid4()})

    assert list(pricing.by_merchant([one, two, three]).values()) == [[one, three], [two]]


@given(
    amount=st.integers(0, money.MAX_AMOUNT),
    host_bp=st.integers(0, 10_000),
    platform_bp=st.integers(0, 10_000),
)
def test_shares_add_up_and_none_is_negative(amount: int, host_bp: int, platform_bp: int) -> None:
    platform_bp = min(platform_bp, 10_000 - host_bp)

    shares = pricing.shares(amount, host_bp=host_bp, platform_bp=platform_bp)

    assert shares.merchant + shares.host + shares.platform == amount
    assert min(shares.merchant, shares.host, shares.platform) >= 0
    assert abs(shares.host - amount * host_bp / 10_000) < 1


def test_two_halves_of_one_cent_do_not_make_two() -> None:
    assert pricing.shares(1, host_bp=5_000, platform_bp=5_000) == pricing.Shares(0, 1, 0)


def test_a_discount_is_taken_off_the_line() -> None:
    reduced = pricing.Line(**{**{f: getattr(line(1000), f) for f in line(1).__slots__}, "discount": 150})

    assert pricing.total([reduced, line(1)]) == Money(851, "EUR")


# --- the published rule ---


def terms(
    amount: int, *, floor: int | None = None, offer: int | None = None, reference: int | None = None
) -> Terms:
    return Terms(amount, "EUR", floor=floor, offer_amount=offer, reference=reference)


@st.composite
def carts(draw: st.DrawFn) -> list[tuple[Terms, int]]:
    found = []
    for _ in range(draw(st.integers(1, 6))):
        listed = draw(st.integers(1, 100_000))
        offer = draw(st.none() | st.integers(1, listed))
        floor = draw(st.none() | st.integers(1, offer or listed))
        allowed = offer is None or draw(st.booleans())
        found.append((Terms(listed, "EUR", floor, offer, None, allowed), draw(st.integers(1, 99))))
    return found


discounts = st.builds(
    Discount,
    percent_bp=st.integers(1, 10_000),
    amount_off=st.none(),
    min_amount=st.integers(0, 200_000),
) | st.builds(
    Discount, percent_bp=st.none(), amount_off=st.integers(1, 10**7), min_amount=st.integers(0, 200_000)
)


@given(carts(), discounts)
@example([(terms(1), 1)], Discount(10_000, None))
@example([(terms(100, floor=100), 3), (terms(5), 1)], Discount(None, 4))
def test_no_line_falls_below_its_floor_and_none_rises(
    cart: list[tuple[Terms, int]], discount: Discount
) -> None:
    for (one, quantity), off in zip(cart, pricing.discounts(cart, discount), strict=True):
        cost = pricing.unit(one) * quantity

        assert 0 <= off <= cost
        assert cost - off >= (one.floor or 1) * quantity
        assert off == 0 or one.coupons_allowed


@given(carts(), discounts)
def test_an_amount_is_taken_off_whole_as_far_as_the_floors_let_it(
    cart: list[tuple[Terms, int]], discount: Discount
) -> None:
    eligible = [(one, quantity) for one, quantity in cart if one.coupons_allowed]
    subtotal = sum(pricing.unit(one) * quantity for one, quantity in eligible)
    room = sum((pricing.unit(one) - (one.floor or 1)) * quantity for one, quantity in eligible)
    off = sum(pricing.discounts(cart, discount))

    if subtotal < discount.min_amount:
        assert off == 0
    elif discount.amount_off is not None:
        assert off == min(discount.amount_off, room)
    else:
        assert discount.percent_bp is not None
        assert off <= min(-(-subtotal * discount.percent_bp // 10_000), room)


@given(st.lists(st.tuples(st.integers(100, 99_999), st.integers(1, 9)), min_size=1), st.integers(1, 9_000))
def test_a_percentage_is_the_rounded_share_to_the_last_unit_where_no_floor_is_near(
    cart: list[tuple[int, int]], percent_bp: int
) -> None:
    subtotal = sum(amount * quantity for amount, quantity in cart)
    parts = pricing.discounts(
        [(terms(amount), quantity) for amount, quantity in cart], Discount(percent_bp, None)
    )

    assert sum(parts) * 10_000 >= subtotal * percent_bp > (sum(parts) - 1) * 10_000
    for (amount, quantity), off in zip(cart, parts, strict=True):
        assert abs(off - sum(parts) * amount * quantity / subtotal) < 1


@given(carts(), discounts, st.randoms(use_true_random=False))
def test_the_order_of_the_lines_changes_nothing(
    cart: list[tuple[Terms, int]], discount: Discount, chance: random.Random
) -> None:
    def outcome(lines: list[tuple[Terms, int]]) -> Counter[tuple[int, int, int, bool, int]]:
        parts = pricing.discounts(lines, discount)
        return Counter(
            (pricing.unit(one), quantity, one.floor or 1, one.coupons_allowed, off)
            for (one, quantity), off in zip(lines, parts, strict=True)
        )

    assert outcome(chance.sample(cart, len(cart))) == outcome(cart)


def test_the_odd_unit_goes_to_the_same_line_wherever_it_stands() -> None:
    # Half a unit each is left over: the cheaper line has it.
    assert pricing.discounts([(terms(10), 1), (terms(30), 1)], Discount(None, 2)) == [1, 1]
    assert pricing.discounts([(terms(30), 1), (terms(10), 1)], Discount(None, 2)) == [1, 1]


@given(carts())
def test_without_a_coupon_nothing_changes(cart: list[tuple[Terms, int]]) -> None:
    assert pricing.discounts(cart, None) == [0] * len(cart)


def test_an_offer_goes_before_the_list_price_even_when_that_fell_below_it() -> None:
    assert pricing.unit(terms(1999)) == 1999
    assert pricing.unit(terms(1999, offer=999)) == 999
    assert pricing.unit(terms(899, offer=999)) == 999


def test_a_floor_above_the_price_ends_the_sale_and_one_at_it_does_not() -> None:
    assert pricing.unit(terms(1999, offer=999, floor=999)) == 999
    with pytest.raises(pricing.PriceBelowFloor) as refused:
        pricing.unit(terms(1999, offer=999, floor=1000))
    with pytest.raises(pricing.PriceBelowFloor):
        pricing.discounts([(terms(999, floor=1000), 1)], Discount(1000, None))

    assert refused.value.code == "PRICE_BELOW_FLOOR"
    assert refused.value.data == {"price": {"amount": 999, "currency": "EUR"}}


def test_only_a_proven_price_above_what_is_asked_is_struck_through() -> None:
    assert pricing.reference(terms(1999, offer=999, reference=1499)) == 1499
    assert pricing.reference(terms(1999, offer=999, reference=999)) is None
    assert pricing.reference(terms(1999, offer=999)) is None


def test_the_least_amount_is_asked_before_the_discount_and_only_of_what_the_coupon_is_for() -> None:
    through_offer = (Terms(9000, "EUR", offer_amount=8000, coupons_allowed=False), 1)

    assert pricing.discounts([(terms(1000), 2), through_offer], Discount(None, 500, 2000)) == [500, 0]
    assert pricing.discounts([(terms(999), 2), through_offer], Discount(None, 500, 2000)) == [0, 0]


def test_the_published_example_is_what_the_rule_computes() -> None:
    rows = [
        [cell.strip() for cell in text.strip("|").split("|")]
        for text in PUBLISHED.read_text().splitlines()
        if text.startswith(("| lipstick", "| brush", "| perfume"))
    ]
    cart, expected = [], []
    for name, units, listed, offer, floor, before, _, off, pays in rows:
        one = Terms(
            cents(listed) or 0, "EUR", cents(floor), cents(offer), None, coupons_allowed=name != "perfume"
        )
        cart.append((one, int(units)))
        assert pricing.unit(one) * int(units) == cents(before)
        expected.append((cents(off) or 0, cents(pays)))

    parts = pricing.discounts(cart, Discount(2000, None, 2500))

    paid = [pricing.unit(one) * units - off for (one, units), off in zip(cart, parts, strict=True)]
    assert list(zip(parts, paid, strict=True)) == expected
    assert f"She pays {sum(paid) / 100:.2f}." in PUBLISHED.read_text()
    assert pricing.discounts(cart, Discount(None, 1000, 2500)) == [851, 149, 0]
    assert "8.51 and 1.49" in PUBLISHED.read_text()


def cents(text: str) -> int | None:
    return int(Decimal(text) * 100) if text else None
