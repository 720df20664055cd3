"""Zones on the operations screen: what the API would refuse is refused there, and what it takes is taken."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from commerce.models import Merchant, User
from orders.models import ShippingRate, ShippingZone
from tests.orders import make, tariffing

pytestmark = pytest.mark.django_db

RATE = {
    "name": "Parcel",
    "currency": "EUR",
    "amount": "490",
    "free_from": "",
    "days_min": "2",
    "days_max": "4",
}


@pytest.fixture
def operator() -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("ops@example.com", "long enough 1", name="Ops"))
    return client


@pytest.fixture
def zone() -> ShippingZone:
    seller: Merchant = make.merchant()
    tariffing.zone(seller, "DE")
    return ShippingZone.objects.get()


def sent(client: Client, zone: ShippingZone, *rows: dict[str, Any], **fields: Any) -> Any:
    """Save the screen of a zone with these rows; a row with an id is the one that is there."""
    kept = [row for row in rows if row.get("id")] + [row for row in rows if not row.get("id")]
    body: dict[str, Any] = {
        "name": "Home",
        "countries": "DE",
        "rates-TOTAL_FORMS": len(kept),
        "rates-INITIAL_FORMS": sum(bool(row.get("id")) for row in kept),
        "rates-MIN_NUM_FORMS": 1,
        "rates-MAX_NUM_FORMS": 1000,
        **fields,
    }
    for number, row in enumerate(kept):
        body |= {f"rates-{number}-{name}": value for name, value in {**row, "zone": zone.pk}.items()}
    return client.post(reverse("admin:orders_shippingzone_change", args=[zone.pk]), body)


def now() -> list[tuple[str, int]]:
    return sorted(ShippingRate.objects.values_list("currency", "amount"))


def test_a_rate_is_replaced_by_another_of_its_currency(operator: Client, zone: ShippingZone) -> None:
    old = {**RATE, "id": ShippingRate.objects.get().pk, "DELETE": "on"}

    answer = sent(operator, zone, old, {**RATE, "amount": "690"})

    assert answer.status_code == 302, answer.content
    assert now() == [("EUR", 690)]


def test_two_rates_change_places(operator: Client, zone: ShippingZone) -> None:
    row = {**RATE, "id": ShippingRate.objects.get().pk}
    assert sent(operator, zone, row, {**RATE, "currency": "JPY", "amount": "700"}).status_code == 302
    euros, yen = ShippingRate.objects.order_by("currency")

    changed = {**RATE, "id": euros.pk, "currency": "JPY", "amount": "800"}, {**RATE, "id": yen.pk}
    assert sent(operator, zone, *changed).status_code == 302

    assert now() == [("EUR", 490), ("JPY", 800)]


@pytest.mark.parametrize(
    "change",
    [
        {"amount": "-1"},
        {"amount": str(2**70)},
        {"amount": "4.90"},
        {"amount": "100000000"},
        {"currency": "XTS"},
        {"currency": "eur"},
        {"currency": "E\x00R"},
        {"days_min": "9"},
        {"days_max": "400"},
        {"name": "x" * 81},
        {"name": ""},
        {"free_from": "-1"},
    ],
)
def test_an_absurd_rate_is_refused(operator: Client, zone: ShippingZone, change: dict[str, str]) -> None:
    before = now()

    answer = sent(operator, zone, {**RATE, "id": ShippingRate.objects.get().pk, **change})

    assert answer.status_code == 200, answer.status_code
    assert now() == before


@pytest.mark.parametrize("countries", ["XX", "D\x00E", "DE " * 5000 + "QQ", "Germany", ""])
def test_absurd_countries_are_refused(operator: Client, zone: ShippingZone, countries: str) -> None:
    row = {**RATE, "id": ShippingRate.objects.get().pk}

    assert sent(operator, zone, row, countries=countries).status_code == 200
    assert [each.country for each in zone.countries.all()] == ["DE"]


def test_the_last_rate_of_a_zone_stays(operator: Client, zone: ShippingZone) -> None:
    gone = {**RATE, "id": ShippingRate.objects.get().pk, "DELETE": "on"}

    assert sent(operator, zone, gone).status_code == 200
    assert len(now()) == 1


def test_a_rate_of_another_merchants_zone_cannot_be_taken_along(operator: Client, zone: ShippingZone) -> None:
    tariffing.zone(make.merchant("Other"), "FR")
    theirs = ShippingRate.objects.exclude(zone=zone).get()

    sent(operator, zone, {**RATE, "id": theirs.pk, "amount": "1"})

    theirs.refresh_from_db()
    assert (theirs.amount, theirs.zone.name) == (490, "Zone")
