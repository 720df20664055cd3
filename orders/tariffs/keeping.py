"""A merchant's shipping zones and tax rates: made, changed and taken away by itself alone.

A change counts for what is bought from then on: what an order was charged is kept with the order.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from commerce import errors, ids, money
from commerce.countries import CODES
from commerce.models import Merchant
from orders.models import ShippingCountry, ShippingRate, ShippingZone, TaxPolicy, TaxRate
from orders.taxes import MOST_BP

MOST_ZONES, MOST_RATES = 50, 2_000
MOST_DAYS = 365


class UnknownZone(errors.NotFound):
    message = "There is no such shipping zone."


class UnknownTaxRate(errors.NotFound):
    message = "There is no such tax rate."


class BadZone(errors.Invalid):
    """What a zone says contradicts itself; `field` says where."""

    code = "BAD_SHIPPING_ZONE"
    message = "This shipping zone cannot be."


class BadTaxRate(errors.Invalid):
    """What a tax rate says contradicts itself; `field` says where."""

    code = "BAD_TAX_RATE"
    message = "This tax rate cannot be."


class CountryTaken(errors.Conflict):
    """Another zone of the merchant has these countries, or is the rest of the world; `zone` says which."""

    code = "COUNTRY_TAKEN"
    message = "Another of your zones is for this."


class TaxRatesOverlap(errors.Conflict):
    """Another rate is valid for the same country and category in some of that time; `rate` says which."""

    code = "TAX_RATES_OVERLAP"
    message = "Another of your rates is valid then for the same goods. End it first."


class TooManyTariffs(errors.Conflict):
    """As many as a merchant may have."""

    code = "TOO_MANY_TARIFFS"
    message = "You have as many of these as there may be."


@dataclass(frozen=True, slots=True)
class Rate:
    """What a parcel costs in one currency, in minor units; delivery takes so many days."""

    name: str
    currency: str
    amount: int
    free_from: int | None
    days_min: int
    days_max: int


@dataclass(frozen=True, slots=True)
class Zone:
    """What a zone shall be."""

    name: str
    countries: Sequence[str]
    rest_of_world: bool
    rates: Sequence[Rate]


@dataclass(frozen=True, slots=True)
class Tax:
    """What a tax rate shall be."""

    country: str
    category: str
    name: str
    bp: int
    valid_from: datetime
    valid_to: datetime | None


# --- shipping ---


def zones(*, merchant_id: UUID) -> QuerySet[ShippingZone]:
    """Return a merchant's zones with their countries and rates."""
    return ShippingZone.objects.filter(merchant_id=merchant_id).prefetch_related("countries", "rates")


def zone(*, merchant_id: UUID, zone_id: UUID) -> ShippingZone:
    """Return one of a merchant's zones; raises UnknownZone."""
    found = zones(merchant_id=merchant_id).filter(pk=zone_id).first()
    if found is None:
        raise UnknownZone
    return found


def add_zone(*, merchant_id: UUID, new: Zone, now: datetime) -> ShippingZone:
    """Ship to more countries. Raises BadZone, CountryTaken, TooManyTariffs."""
    check_rates(new.rates)
    with transaction.atomic():
        lock(merchant_id)
        if ShippingZone.objects.filter(merchant_id=merchant_id).count() >= MOST_ZONES:
            raise TooManyTariffs(limit=MOST_ZONES)
        check_countries(
            merchant_id=merchant_id,
            countries=new.countries,
            rest_of_world=new.rest_of_world,
            other_than=None,
        )
        row = ShippingZone.objects.create(
            id=ids.new(),
            merchant_id=merchant_id,
            name=new.name,
            rest_of_world=new.rest_of_world,
            created_at=now,
            updated_at=now,
        )
        set_countries(row, new.countries)
        set_rates(row, new.rates)
    return zone(merchant_id=merchant_id, zone_id=row.pk)


def change_zone(*, merchant_id: UUID, zone_id: UUID, new: Zone, now: datetime) -> ShippingZone:
    """Make a zone what is said, all of it. Raises UnknownZone, BadZone, CountryTaken."""
    check_rates(new.rates)
    with transaction.atomic():
        lock(merchant_id)
        row = zone(merchant_id=merchant_id, zone_id=zone_id)
        check_countries(
            merchant_id=merchant_id,
            countries=new.countries,
            rest_of_world=new.rest_of_world,
            other_than=zone_id,
        )
        row.name, row.rest_of_world, row.updated_at = new.name, new.rest_of_world, now
        row.save(update_fields=["name", "rest_of_world", "updated_at"])
        set_countries(row, new.countries)
        set_rates(row, new.rates)
    return zone(merchant_id=merchant_id, zone_id=zone_id)


def drop_zone(*, merchant_id: UUID, zone_id: UUID) -> None:
    """Ship there no more; without any zone parcels cost nothing and go anywhere. Raises UnknownZone."""
    with transaction.atomic():
        lock(merchant_id)
        zone(merchant_id=merchant_id, zone_id=zone_id).delete()


def check_rates(rates: Sequence[Rate]) -> None:
    """Raise BadZone where a zone cannot have these rates."""
    if not rates or len({rate.currency for rate in rates}) < len(rates):
        raise BadZone("A zone has one rate per currency, and one at least.", field="rates")
    for rate in rates:
        _check_rate(rate)


def _check_rate(rate: Rate) -> None:
    if rate.currency not in money.CURRENCIES:
        raise BadZone("Nothing is sold in this currency.", field="currency")
    amounts = [rate.amount, rate.free_from or 0]
    if any(not 0 <= each <= money.MAX_AMOUNT or each % money.step(rate.currency) for each in amounts):
        step = money.step(rate.currency)
        raise BadZone("This amount cannot be charged.", field="amount", limit=money.MAX_AMOUNT, step=step)
    if not 0 <= rate.days_min <= rate.days_max <= MOST_DAYS:
        raise BadZone("Delivery takes from fewer days to more.", field="days_max", limit=MOST_DAYS)


def check_countries(
    *, merchant_id: UUID, countries: Sequence[str], rest_of_world: bool, other_than: UUID | None
) -> None:
    """Raise BadZone, CountryTaken where a zone cannot be for these countries beside the merchant's others."""
    if rest_of_world == bool(countries):
        raise BadZone("Name countries, or say that it is the rest of the world.", field="countries")
    unknown = sorted(set(countries) - CODES)
    if unknown:
        raise BadZone("There is no such country.", field="countries", countries=unknown)
    taken = ShippingCountry.objects.filter(merchant_id=merchant_id, country__in=countries)
    for each in taken.order_by("country"):
        if each.zone_id != other_than:
            raise CountryTaken(zone=str(each.zone_id), country=each.country)
    rest = ShippingZone.objects.filter(merchant_id=merchant_id, rest_of_world=True)
    for one in rest if rest_of_world else ():
        if one.pk != other_than:
            raise CountryTaken(zone=str(one.pk), country=None)


def set_countries(row: ShippingZone, countries: Sequence[str]) -> None:
    """Make a zone be for these countries, which `check_countries` has let pass, within a transaction."""
    ShippingCountry.objects.filter(zone=row).delete()
    ShippingCountry.objects.bulk_create(
        ShippingCountry(merchant_id=row.merchant_id, zone=row, country=each)
        for each in sorted(set(countries))
    )


def set_rates(row: ShippingZone, rates: Sequence[Rate]) -> None:
    """Give a zone these rates, which `check_rates` has let pass, within a transaction."""
    # All of them anew: a currency may go from one to another.
    ShippingRate.objects.filter(zone=row).delete()
    ShippingRate.objects.bulk_create(
        ShippingRate(merchant_id=row.merchant_id, zone=row, **asdict(rate)) for rate in rates
    )


# --- tax ---


def tax_rates(*, merchant_id: UUID) -> QuerySet[TaxRate]:
    """Return a merchant's tax rates, those of the past as well."""
    return TaxRate.objects.filter(merchant_id=merchant_id)


def tax_rate(*, merchant_id: UUID, rate_id: UUID) -> TaxRate:
    """Return one of a merchant's tax rates; raises UnknownTaxRate."""
    found = tax_rates(merchant_id=merchant_id).filter(pk=rate_id).first()
    if found is None:
        raise UnknownTaxRate
    return found


def add_tax(*, merchant_id: UUID, new: Tax, now: datetime) -> TaxRate:
    """Tax what is sold to a country. Raises BadTaxRate, TaxRatesOverlap, TooManyTariffs."""
    with transaction.atomic():
        lock(merchant_id)
        if tax_rates(merchant_id=merchant_id).count() >= MOST_RATES:
            raise TooManyTariffs(limit=MOST_RATES)
        check_tax(merchant_id=merchant_id, new=new, other_than=None)
        return TaxRate.objects.create(id=ids.new(), merchant_id=merchant_id, created_at=now, **_columns(new))


def change_tax(*, merchant_id: UUID, rate_id: UUID, new: Tax) -> TaxRate:
    """Make a tax rate what is said. Raises UnknownTaxRate, BadTaxRate, TaxRatesOverlap."""
    with transaction.atomic():
        lock(merchant_id)
        row = tax_rate(merchant_id=merchant_id, rate_id=rate_id)
        check_tax(merchant_id=merchant_id, new=new, other_than=rate_id)
        for name, value in _columns(new).items():
            setattr(row, name, value)
        row.save()
    return row


def drop_tax(*, merchant_id: UUID, rate_id: UUID) -> None:
    """Tax by this rate no more. Raises UnknownTaxRate."""
    with transaction.atomic():
        lock(merchant_id)
        tax_rate(merchant_id=merchant_id, rate_id=rate_id).delete()


def prices_include_tax(*, merchant_id: UUID) -> bool:
    """Say whether a merchant's prices contain tax; they do unless it said otherwise."""
    return not TaxPolicy.objects.filter(pk=merchant_id, prices_include_tax=False).exists()


def set_policy(*, merchant_id: UUID, prices_include_tax: bool, now: datetime) -> None:
    """Say whether a merchant's prices contain tax."""
    with transaction.atomic():
        lock(merchant_id)
        TaxPolicy.objects.update_or_create(
            merchant_id=merchant_id, defaults={"prices_include_tax": prices_include_tax, "updated_at": now}
        )


def _columns(new: Tax) -> dict[str, object]:
    return {**asdict(new), "category": new.category.strip().lower()}


def check_tax(*, merchant_id: UUID, new: Tax, other_than: UUID | None) -> None:
    """Raise BadTaxRate, TaxRatesOverlap where a merchant cannot have this rate beside its others."""
    if new.country not in CODES:
        raise BadTaxRate("There is no such country.", field="country")
    if not new.name.strip():
        raise BadTaxRate("A tax has a name.", field="name")
    if not 0 <= new.bp <= MOST_BP:
        raise BadTaxRate("A rate has 0 to 10,000 basis points.", field="bp", limit=MOST_BP)
    if new.valid_to is not None and new.valid_to <= new.valid_from:
        raise BadTaxRate("It has to end after it begins.", field="valid_to")
    if not all(each is None or 2000 <= each.year <= 2200 for each in (new.valid_from, new.valid_to)):
        raise BadTaxRate("It is valid from 2000 on and until 2200 at most.", field="valid_from")
    category = new.category.strip().lower()
    same = tax_rates(merchant_id=merchant_id).filter(country=new.country, category=category)
    others = same.exclude(valid_to__lte=new.valid_from)
    if new.valid_to is not None:
        others = others.filter(valid_from__lt=new.valid_to)
    for found in others:
        if found.pk != other_than:
            raise TaxRatesOverlap(rate=str(found.pk))


def lock(merchant_id: UUID) -> None:
    """Keep others from changing what a merchant set, while the transaction lasts."""
    # Two changes at once would each not see the other; the tables' constraints stand behind this.
    Merchant.objects.select_for_update(no_key=True).filter(pk=merchant_id).values_list("pk").first()
