"""What merchants offer a host, as she sees it while she fills her showcase."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from catalog.commission import plans
from catalog.models import Product
from commerce.models import Host
from streams.models import Stream
from tests.streams import make
from tests.streams.studio.asking import at

pytestmark = pytest.mark.django_db


def picks(client: Client, stream: Stream, **query: str) -> dict[str, dict[str, Any]]:
    """Return what the search finds, by title."""
    found = client.get(at(stream, "products"), query).json()["products"]
    return {each["title"]: each for each in found}


def promise(product: Product, rate: int | None = None, **hosts: Any) -> Any:
    terms = plans.Terms("Spring", rate, hosts.get("hosts"), hosts.get("products"))
    kind = "open" if rate else "targeted"
    return plans.create(merchant_id=product.merchant_id, kind=kind, terms=terms, now=timezone.now())


def test_a_host_sees_what_she_gets_and_until_when_it_is_locked(
    client: Client, planned: Stream, product: Product
) -> None:
    own = picks(client, planned)[product.title]["commission"]
    assert own == {
        "rate_bp": 1000,
        "each": {"amount": 149, "currency": "EUR"},
        "plan": "",
        "locked_until": None,
        "then_bp": None,
    }
    plan = promise(product, 2000)
    offered = picks(client, planned)[product.title]["commission"]
    assert (offered["rate_bp"], offered["each"]["amount"], offered["plan"]) == (2000, 299, "Spring")
    week = timedelta(days=7).total_seconds() * 1000
    ahead = offered["locked_until"] - timezone.now().timestamp() * 1000
    assert week - 60_000 < ahead <= week
    cut = plans.Terms(rate_bp=1200)
    soon = timezone.now() - timedelta(days=2)
    plan.rates.update(valid_from=soon - timedelta(days=9))
    plans.change(merchant_id=product.merchant_id, plan_id=plan.pk, terms=cut, now=soon)
    offered = picks(client, planned)[product.title]["commission"]
    assert (offered["rate_bp"], offered["then_bp"]) == (2000, 1200)
    assert offered["locked_until"] == int((soon + timedelta(days=7)).timestamp() * 1000)


def test_a_host_sees_open_plans_and_hers_and_nobody_elses(
    client: Client, host: Host, planned: Stream, product: Product
) -> None:
    other = make.host()
    promise(product, hosts={other.slug: 4000})
    assert picks(client, planned)[product.title]["commission"]["rate_bp"] == 1000
    assert picks(client, planned, plan="yes") == {}
    promise(product, hosts={host.slug: 3000}, products=[product.pk])
    assert picks(client, planned)[product.title]["commission"]["rate_bp"] == 3000
    assert set(picks(client, planned, plan="yes")) == {product.title}
    assert "4000" not in client.get(at(planned, "products")).text


def test_what_is_offered_is_read_in_as_many_queries_for_one_product_as_for_many(
    client: Client, planned: Stream, product: Product, django_assert_max_num_queries: Any
) -> None:
    for each in ("One", "Three", "Four"):
        promise(make.product(each), 2000)
    with django_assert_max_num_queries(14):
        assert len(picks(client, planned)) == 5
