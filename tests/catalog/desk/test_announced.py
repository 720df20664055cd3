"""Prices in the merchant admin: announced, called off, and set meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from catalog.models import (
    PriceSchedule,
    Variant,
)
from catalog.pricing import prices
from tests.catalog.desk.asking import said, send, text
from tests.deskfolk import client_of

pytestmark = pytest.mark.django_db


def test_a_price_is_announced_in_the_writers_own_time_and_called_off(one: Variant) -> None:
    client = client_of(one.merchant)
    here = f"variants/{one.pk}/prices/"
    day = (timezone.now() + timedelta(days=10)).strftime("%Y-%m-%d")
    page = send(
        client,
        one.merchant,
        here,
        amount="7,50",
        compare_at="9.90",
        starts_at=f"{day}T10:00",
        starts_at_ahead="120",
        ends_at=f"{day}T20:00",
    )
    row = PriceSchedule.objects.get()
    assert (row.amount, row.compare_at) == (750, 990), said(page)
    assert row.starts_at == datetime.fromisoformat(f"{day}T08:00").replace(tzinfo=UTC)
    assert row.ends_at == datetime.fromisoformat(f"{day}T20:00").replace(tzinfo=UTC)
    assert "€7.50" in text(client, "prices/?status=upcoming")
    again = send(
        client,
        one.merchant,
        here,
        amount="7.50",
        compare_at="9.90",
        starts_at=f"{day}T08:00",
        ends_at=f"{day}T20:00",
    )
    assert "announced already" in said(again)

    send(client, one.merchant, f"{here}{row.pk}/call-off/")
    row.refresh_from_db()
    assert row.status == "cancelled"
    assert "Called off" in text(client, here)


def test_a_price_that_is_set_while_an_announced_one_runs_is_the_one_that_comes_back(one: Variant) -> None:
    client = client_of(one.merchant)
    tomorrow = (timezone.now() + timedelta(days=1)).strftime("%Y-%m-%dT00:00")
    sale = {"amount": "15", "compare_at": "21", "ends_at": tomorrow}
    send(client, one.merchant, f"variants/{one.pk}/prices/", **sale)
    page = text(client, f"products/{one.product_id}/")
    assert "€15.00 now, as announced; then" in page
    assert 'name="price" value="19.99"' in page
    told = said(send(client, one.merchant, f"variants/{one.pk}/price/", price="18"))
    assert "costs 18.00 EUR when the announced 15.00 EUR ends." in told
    back = PriceSchedule.objects.get()
    # Not the comparison price of the sale: this one was never compared with anything.
    assert (back.status, back.before_amount, back.before_compare_at) == ("running", 1800, None)
    assert one.prices.get(valid_to=None).amount == 1500


def test_a_comparison_price_stays_where_it_is_still_above_the_price(one: Variant) -> None:
    client = client_of(one.merchant)
    quote = prices.Quote(1999, 2500, "EUR")
    prices.change_many(merchant_id=one.merchant_id, quotes={one.pk: quote}, now=timezone.now())
    for given, compare_at in (("24", 2500), ("25", None)):
        send(client, one.merchant, f"variants/{one.pk}/price/", price=given)
        assert one.prices.get(valid_to=None).compare_at == compare_at


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"amount": "5"}, "Say from when, or until when."),
        ({"amount": "1,000", "ends_at": "2099-01-01T00:00"}, "Write it as in 19.90."),
        ({"amount": "5", "ends_at": "2001-01-01T00:00"}, "A price is announced for a moment to come"),
        ({"amount": "5", "compare_at": "4", "ends_at": "2031-01-01T00:00"}, "compare_at above it"),
        ({"amount": "5", "ends_at": "soon"}, "Enter a valid date"),
        ({"amount": "5", "ends_at": "0001-01-01T00:00", "ends_at_ahead": "840"}, "a date of this era"),
    ],
)
def test_what_is_wrong_with_an_announced_price_stands_in_the_form(
    one: Variant, form: dict[str, str], words: str
) -> None:
    answer = send(client_of(one.merchant), one.merchant, f"variants/{one.pk}/prices/", **form)
    assert (answer.status_code, PriceSchedule.objects.count()) == (400, 0)
    assert words in said(answer)
