"""Goods that are made up: the same for the same seed, as unevenly spread as a retailer's are. Pure."""

from collections.abc import Iterator
from itertools import accumulate, product
from random import Random

from catalog.assortments.words import KINDS, PLACES, SHARES, SYLLABLES, TONGUES, TRADES, Kind, Tongue
from catalog.feeds.formats.goods import Good, Picture, Unit
from commerce import money

MAKERS = [f"Example {place} {trade}" for place, trade in product(PLACES, TRADES)]
STATUSES = ("approved", "draft", "retired")
MAX_UNITS_OF_ONE = 24

# Few makers and types have much of the goods; that is Zipf's law.
_MAKERS = list(accumulate(1 / rank for rank in range(1, len(MAKERS) + 1)))
_KINDS = list(accumulate(1 / rank**0.7 for rank in range(1, len(KINDS) + 1)))
_CODES, _SHARES = list(TONGUES), list(accumulate(SHARES))
_ENDINGS = (0, 50, 90, 90, 95, 99, 99)


def made_up(*, variants: int, currency: str, seed: int = 1) -> Iterator[Good]:
    """Yield products that have so many variants together; handles and SKUs begin with the seed."""
    random = Random(seed)
    left, number = variants, 0
    while left > 0:
        number += 1
        good = _good(random, number, left, currency, seed)
        left -= len(good.units)
        yield good


def _good(random: Random, number: int, most: int, currency: str, seed: int) -> Good:
    at = _drawn(random, _KINDS)
    kind, code = KINDS[at], _CODES[_drawn(random, _SHARES)]
    tongue = TONGUES[code]
    series = "".join(random.choices(SYLLABLES, k=3)).capitalize()
    words = {
        "quality": random.choice(tongue.qualities),
        "stuff": random.choice(tongue.stuffs),
        "noun": tongue.nouns[at],
        "series": series,
    }
    handle = f"s{seed}-{series.lower()}-{number}"
    title = tongue.title.format(**words)
    texts = random.sample(tongue.texts, k=random.randint(2, len(tongue.texts)))
    return Good(
        handle=handle,
        title=title[0].upper() + title[1:],
        description=" ".join(text.format(**words) for text in texts),
        vendor=MAKERS[_drawn(random, _MAKERS)],
        type=kind.type,
        tags=random.sample(tongue.tags, k=random.choice((0, 1, 2, 2, 3))),
        option_names=(names := _names(random, kind, tongue)),
        status=random.choices(STATUSES, cum_weights=(90, 96, 100))[0],
        pictures=[
            Picture(f"https://img.example.com/{handle}/{n}.jpg", words["noun"])
            for n in range(1, random.choice((1, 1, 2, 3, 5)) + 1)
        ],
        units=list(_units(random, number, most, kind, tongue, names, currency, seed)),
        language=code,
    )


def _names(random: Random, kind: Kind, tongue: Tongue) -> list[str]:
    names = [tongue.size] if kind.sizes and random.random() < 0.85 else []
    return [*names, tongue.color] if kind.colored and random.random() < 0.7 else names


def _units(
    random: Random,
    number: int,
    most: int,
    kind: Kind,
    tongue: Tongue,
    names: list[str],
    currency: str,
    seed: int,
) -> Iterator[Unit]:
    colors = random.sample(tongue.colors, k=random.choice((1, 1, 2, 2, 3, 4)))
    values = [list(kind.sizes) if name == tongue.size else colors for name in names]
    amount = _amount(random, kind.price, currency)
    before = amount * random.choice((120, 125, 150)) // 100 if random.random() < 0.15 else 0
    step = money.step(currency)
    compare_at = min(before - before % step, money.MAX_AMOUNT) or None
    for at, chosen in enumerate(list(product(*values))[: min(most, MAX_UNITS_OF_ONE)]):
        available = 0 if random.random() < 0.08 else int(random.paretovariate(0.9) * 3) % 5_000
        yield Unit(
            id="",
            title=" / ".join(chosen),
            options=dict(zip(names, chosen, strict=True)),
            sku=f"S{seed}-{number:07}-{at:02}",
            barcode=_barcode(number, at) if random.random() < 0.9 else "",
            weight_grams=kind.grams,
            amount=amount,
            compare_at=compare_at if compare_at and compare_at > amount else None,
            currency=currency,
            available=available,
            left=available,
            release_at=None,
            is_active=True,
        )


def _amount(random: Random, about: float, currency: str) -> int:
    """Return a price in minor units that looks like one: 24.90 or 39.99."""
    whole = max(2, round(random.lognormvariate(0, 0.5) * about))
    hundredths = whole * 100 - 100 + random.choice(_ENDINGS)
    amount: int = hundredths * 10 ** money.exponent_of(currency) // 100
    step = money.step(currency)
    return max(step, min(amount - amount % step, money.MAX_AMOUNT))


def _barcode(number: int, at: int) -> str:
    """Return an EAN-13 with a 2 in front, which is for use inside one shop and nobody's article."""
    digits = f"2{number % 10**9:09}{at:02}"
    odd, even = sum(map(int, digits[::2])), sum(map(int, digits[1::2]))
    return f"{digits}{-(odd + 3 * even) % 10}"


def _drawn(random: Random, heights: list[float] | list[int]) -> int:
    return random.choices(range(len(heights)), cum_weights=heights)[0]
