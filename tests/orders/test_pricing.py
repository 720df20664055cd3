from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce import money
from commerce.money import Money
from orders import pricing


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
