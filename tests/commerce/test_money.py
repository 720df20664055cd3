import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce import money
from commerce.money import Money
from commerce.stripe_simulator import amounts as amounts_there
from commerce.stripe_simulator.refusals import Refused

currencies = st.sampled_from(sorted(money.CURRENCIES))
amounts = st.integers(min_value=0, max_value=10**12)


@given(amount=amounts, weights=st.lists(st.integers(0, 10**6), min_size=1, max_size=12).filter(any))
def test_shares_add_up_to_the_cent_and_stay_within_one_unit_of_the_exact_part(
    amount: int, weights: list[int]
) -> None:
    parts = money.share(amount, weights)

    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * sum(weights) - amount * weight) < sum(weights)


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1]])
def test_shares_of_nothing_or_of_a_negative_weight_are_refused(weights: list[int]) -> None:
    with pytest.raises(ValueError):
        money.share(100, weights)


def test_the_last_cent_goes_to_the_largest_remainder() -> None:
    assert money.share(100, [1, 1, 1]) == [34, 33, 33]
    assert money.share(10, [15, 85]) == [2, 8]
    assert money.share(5, [3, 1]) == [4, 1]


@given(amount=amounts, currency=currencies)
def test_an_amount_printed_and_read_again_is_the_same(amount: int, currency: str) -> None:
    written = str(Money(amount, currency)).removesuffix(f" {currency}").replace(",", "")

    assert money.parse(written, currency) == Money(amount, currency)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [("19.99", "EUR", 1999), ("19.9", "EUR", 1990), ("500", "JPY", 500), ("1.234", "KWD", 1234)],
)
def test_minor_units_follow_the_currency(text: str, currency: str, minor: int) -> None:
    assert money.parse(text, currency).amount == minor


@pytest.mark.parametrize(
    ("text", "currency"),
    [("19.999", "EUR"), ("5.5", "JPY"), ("abc", "EUR"), ("", "EUR"), ("NaN", "EUR"), ("1e400", "EUR")],
)
def test_what_is_not_an_exact_amount_is_refused(text: str, currency: str) -> None:
    with pytest.raises(ValueError):
        money.parse(text, currency)


def test_currencies_never_meet_in_a_sum() -> None:
    with pytest.raises(money.CurrencyMismatch):
        Money(1, "EUR") + Money(1, "USD")


@given(amount=amounts, rate=st.integers(0, 10_000))
def test_a_portion_is_never_more_than_the_whole(amount: int, rate: int) -> None:
    assert 0 <= money.portion(amount, rate) <= amount


@pytest.mark.parametrize(
    ("amount", "currency", "why"),
    [
        (50, "EUR", None),
        (49, "EUR", "TOO_CHEAP"),
        (30, "GBP", None),
        (29, "GBP", "TOO_CHEAP"),
        (50, "JPY", None),
        (49, "JPY", "TOO_CHEAP"),
        (0, "ZAR", "TOO_CHEAP"),
        (1, "ZAR", None),
        (5120, "KWD", None),
        (5124, "KWD", "NOT_PAYABLE"),
        (9, "KWD", "TOO_CHEAP"),
        (10, "TND", None),
        (money.MAX_AMOUNT, "EUR", None),
        (money.MAX_AMOUNT + 1, "EUR", "TOO_EXPENSIVE"),
    ],
)
def test_what_one_payment_can_be_of(amount: int, currency: str, why: str | None) -> None:
    assert money.refusal(Money(amount, currency)) == why


@given(amount=st.integers(0, money.MAX_AMOUNT + 100), currency=currencies)
def test_the_provider_takes_every_amount_that_is_payable_and_no_other(amount: int, currency: str) -> None:
    taken = True
    try:
        amounts_there.check(amount, currency.lower())
    except Refused:
        taken = False

    assert taken == (money.refusal(Money(amount, currency)) is None)
