"""Tax and shipping of one order: rounded once, and never a minor unit lost or made."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce import money
from orders import taxes
from orders.taxes import NO_TAX, Rate, Tariff, Tax

VAT, BOOKS = Rate("VAT", 1900), Rate("VAT", 700)
PARCEL = Tariff("Parcel", 490, 5000, 2, 4)
RATES = [None, VAT, BOOKS, Rate("Zero", 0), Rate("Odd", 1)]
CURRENCIES = st.sampled_from(["JPY", "KWD", "EUR"])


def test_the_tax_in_a_price_is_rounded_half_up() -> None:
    assert taxes.contained(11900, 1900) == 1900
    assert taxes.contained(1999, 1900) == 319  # 319.168
    assert taxes.contained(3, 10_000) == 2  # 1.5
    assert taxes.contained(1, 0) == 0


def test_the_tax_on_a_price_is_rounded_half_up_to_what_can_be_paid() -> None:
    assert taxes.on_top(1999, 1900) == 380  # 379.81
    assert taxes.on_top(50, 100) == 1  # 0.5
    assert taxes.on_top(49, 100) == 0
    assert taxes.on_top(5120, 500, step=10) == 260  # 256.0


def test_tax_is_rounded_once_per_rate_and_not_once_per_line() -> None:
    # Each line alone would have 0.475, rounded to nothing.
    found = taxes.charge([25] * 4, rates=[Rate("VAT", 190)] * 4, on_top=True, currency="EUR")
    assert [tax.amount for tax in found.goods] == [1, 1, 0, 0]
    assert found.added == 2


def test_each_rate_is_shown_once_and_shipping_belongs_to_its_own() -> None:
    found = taxes.charge(
        [2000, 1000],
        rates=[VAT, BOOKS],
        on_top=False,
        currency="EUR",
        tariff=PARCEL,
        shipping_rate=VAT,
    )
    assert found.taxes == [Tax("VAT", 1900, taxes.contained(2490, 1900)), Tax("VAT", 700, 65)]
    assert found.goods[0].amount + found.shipping_tax.amount == 398
    assert found.added == 490  # What is contained is not paid beside the prices.


def test_shipping_is_free_from_an_amount_on() -> None:
    assert taxes.shipping_of(PARCEL, goods=4999) == 490
    assert taxes.shipping_of(PARCEL, goods=5000) == 0
    assert taxes.shipping_of(PARCEL._replace(free_from=None), goods=10**7) == 490
    free = taxes.charge([5000], rates=[None], on_top=True, currency="EUR", tariff=PARCEL, shipping_rate=VAT)
    assert (free.added, free.shipping_tax, free.tariff) == (0, NO_TAX, PARCEL)


def test_nothing_configured_costs_nothing() -> None:
    found = taxes.charge([1999, 1], rates=[None, None], on_top=False, currency="EUR")
    assert (found.added, found.taxes, found.goods) == (0, [], (NO_TAX, NO_TAX))


@given(
    currency=CURRENCIES,
    amounts=st.lists(st.integers(0, 999_999), min_size=1, max_size=20),
    picks=st.lists(
        st.sampled_from([None, VAT, BOOKS, Rate("Zero", 0), Rate("Odd", 1)]), min_size=21, max_size=21
    ),
    shipping=st.integers(0, 99_999),
    above=st.booleans(),
)
def test_shares_add_up_to_the_tax_of_each_rate(
    currency: str, amounts: list[int], picks: list[Rate | None], shipping: int, above: bool
) -> None:
    step = money.step(currency)
    amounts, shipping = [each * step for each in amounts], shipping * step
    rates = picks[: len(amounts)]
    found = taxes.charge(
        amounts,
        rates=rates,
        on_top=above,
        currency=currency,
        tariff=Tariff("Parcel", shipping, None, 1, 2),
        shipping_rate=picks[20],
    )
    for rate in {rate for rate in picks if rate}:
        base = sum(each for each, its in zip(amounts, rates, strict=True) if its == rate)
        base += shipping if picks[20] == rate else 0
        due = taxes.on_top(base, rate.bp, step=step) if above else taxes.contained(base, rate.bp)
        got = sum(tax.amount for tax in found.taxes if (tax.name, tax.bp) == rate)
        assert got == due
        # Half up: never further than half a step from the exact share.
        exact = base * rate.bp / 10_000 if above else base * rate.bp / (10_000 + rate.bp)
        assert abs(due - exact) <= (step if above else 1) / 2
    assert all(0 <= tax.amount <= each for tax, each in zip(found.goods, amounts, strict=True))
    assert found.shipping_tax.amount <= shipping
    total = sum(amounts) + found.added
    assert total == sum(amounts) + shipping + (sum(tax.amount for tax in found.taxes) if above else 0)
    assert total % step == 0


@given(
    tax=st.integers(0, 10**7), more=st.integers(0, 10**8), cuts=st.lists(st.integers(0, 10**8), max_size=9)
)
def test_the_tax_of_parts_adds_up_to_the_tax_of_all(tax: int, more: int, cuts: list[int]) -> None:
    whole = tax + more
    marks = [0, *sorted(min(cut, whole) for cut in cuts), whole]
    parts = [taxes.part(tax, of=whole, before=low, amount=high - low) for low, high in pairwise(marks)]
    assert sum(parts) == tax
    assert all(0 <= part <= high - low for part, low, high in zip(parts, marks, marks[1:], strict=False))


@pytest.mark.parametrize("currency", ["JPY", "KWD", "EUR"])
def test_a_charge_on_top_can_be_paid_in_every_currency(currency: str) -> None:
    step = money.step(currency)
    found = taxes.charge(
        [1230, 4570], rates=[VAT, VAT], on_top=True, currency=currency, tariff=PARCEL, shipping_rate=VAT
    )
    assert (1230 + 4570 + found.added) % step == 0
    assert all(tax.amount % step == 0 for tax in found.goods)
