"""Which amounts can be charged and given back (https://docs.stripe.com/currencies)."""

from commerce.stripe_simulator.refusals import Refused

_SMALLEST = {
    **dict.fromkeys(["usd", "aud", "brl", "cad", "chf", "eur", "inr", "jpy", "nzd", "sgd"], 50),
    "aed": 200,
    "bgn": 100,
    "czk": 1500,
    "dkk": 250,
    "gbp": 30,
    "hkd": 400,
    "huf": 17500,
    "mxn": 1000,
    "myr": 200,
    "nok": 300,
    "pln": 200,
    "ron": 200,
    "sek": 300,
    "thb": 1000,
}
_LARGEST = 99_999_999
# The last digit is 0 with three decimals; two currencies without decimals are still written with two.
_STEPS = dict.fromkeys(["bhd", "jod", "kwd", "omr", "tnd"], 10) | {"isk": 100, "ugx": 100}


def check(amount: int, currency: str) -> None:
    """Raises: Refused for an amount or currency that cannot be charged."""
    if len(currency) != 3 or not currency.isascii() or not currency.isalpha() or currency != currency.lower():
        raise Refused(f"Invalid currency: {currency}", param="currency")
    if amount < 1:
        raise Refused(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="amount"
        )
    if amount < _SMALLEST.get(currency, 1):
        raise Refused(
            f"Amount must be at least {_SMALLEST[currency]} {currency}, in minor units.",
            code="amount_too_small",
            param="amount",
        )
    if amount > _LARGEST:
        raise Refused(f"Amount must be no more than {_LARGEST}.", code="amount_too_large", param="amount")
    check_step(amount, currency)


def check_step(amount: int, currency: str, param: str = "amount") -> None:
    """Raises: Refused for an amount that is finer than the currency's payments can be."""
    step = _STEPS.get(currency, 1)
    if amount % step:
        raise Refused(
            f"Invalid amount: in {currency} it must be a multiple of {step}.",
            code="parameter_invalid_integer",
            param=param,
        )
