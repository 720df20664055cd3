"""A merchant's part of the committed API document, held against the code by schemathesis.

Each operation is called with what the document allows and with what it forbids (phases examples, coverage).
No answer may be a 5xx, and every answer has to be one that the document describes.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance, response_schema_conformance

from catalog.commission import plans
from catalog.feeds import exports
from catalog.pricing import prices, schedules
from catalog.shelf import locations
from commerce.webhooks import endpoints, messages
from config.env import ROOT
from tests.catalog import make
from tests.flows import tenants
from tests.orders import tariffing
from tests.stripe_server import StripeServer

pytestmark = pytest.mark.django_db

CONFIG = SchemathesisConfig.from_dict(
    {
        "phases": {
            "examples": {"enabled": True},
            "coverage": {"enabled": True},
            "fuzzing": {"enabled": False},
            "stateful": {"enabled": False},
        },
        "generation": {"database": "none"},
        # 422: the phases send other bodies under one idempotency key.
        "checks": {
            "positive_data_acceptance": {"expected-statuses": ["2xx", "304", "404", "409", "412", "422"]}
        },
    }
)
# What a feed's bytes are, how options fit each other and which price is higher, the document cannot say.
BEYOND_THE_DOCUMENT = {
    "image_upload",
    "import_create",
    "export_create",
    "product_create",
    "variant_create",
    "price_set",
}
# Nor which addresses are public, and that one of two is named.
BEYOND_THE_DOCUMENT |= {"feed_create", "feed_change"}
# Nor that an open plan has a rate and a targeted one hosts.
BEYOND_THE_DOCUMENT |= {"variant_price_schedule_create"}
# Nor that a line names a variant or its SKU.
BEYOND_THE_DOCUMENT |= {"stock_transfer"}
BEYOND_THE_DOCUMENT |= {"commission_plan_create", "commission_plan_change"}
# Nor which countries and currencies there are, and how what is said of a zone or a rate fits together.
BEYOND_THE_DOCUMENT |= {"shipping_zone_create", "shipping_zone_set", "tax_rate_create", "tax_rate_set"}
BEYOND_THE_DOCUMENT |= {"payout_account_open"}
# Nor which addresses are public, and how often one may try an endpoint.
BEYOND_THE_DOCUMENT |= {"webhook_endpoint_create", "webhook_endpoint_change", "webhook_endpoint_test"}


@schemathesis.serializer("application/jsonl", "application/x-ndjson")
def as_it_is(ctx: schemathesis.SerializationContext, value: Any) -> bytes:
    """Return a body of a type that schemathesis does not know, as its bytes."""
    if isinstance(value, bytes):
        return value
    return (value if isinstance(value, str) else json.dumps(value)).encode()


document = schemathesis.openapi.from_path(ROOT / "docs" / "openapi.yaml", config=CONFIG)
document.app = get_wsgi_application()
catalog = document.include(path_regex="^/api/v1/catalog/")
webhooks = document.include(path_regex="^/api/v1/webhook-")
own_terms = document.include(path_regex="^/api/v1/(payout-account|shipping-zones|tax-rates|tax-policy)")


@pytest.fixture
def caller() -> Iterator[tuple[dict[str, str], dict[str, UUID]]]:
    """The headers of a merchant with one of everything, and the ids of it."""
    tenants.unhurried()
    seller = make.merchant()
    one = make.variant(seller, sku="S-1")
    job = make.import_of(seller, make.simple_feed(1))
    file = exports.queue(merchant_id=seller.pk, format="jsonl", filters={}, now=make.NOW)
    exports.run(export_id=file.pk, now=make.NOW)
    plan = plans.create(merchant_id=seller.pk, kind="open", terms=plans.Terms("Spring", 1500), now=make.NOW)
    mine = {"plan_id": plan.pk, "variant_id": one.pk, "product_id": one.product_id, "import_id": job.pk}
    later = schedules.Plan(prices.Quote(1500, None, "EUR"), make.NOW + timedelta(days=1), None)
    sale = schedules.make(merchant_id=seller.pk, variant_id=one.pk, plan=later, now=make.NOW).schedule
    place = locations.create(merchant_id=seller.pk, code="main", name="Main", now=make.NOW)
    locations.create(merchant_id=seller.pk, code="berlin", name="Berlin", now=make.NOW)
    mine |= {"export_id": file.pk, "schedule_id": sale.pk, "location_id": place.pk}
    mine |= {"zone_id": tariffing.zone(seller, "DE").pk, "rate_id": tariffing.tax(seller, "DE", 1900).pk}
    hook = endpoints.create(
        merchant_id=seller.pk, url="https://a.example/", description="", event_types=[], now=make.NOW
    )
    mine |= {"endpoint_id": hook.pk, "delivery_id": messages.test(hook, now=make.NOW).pk}
    mine |= {
        "feed_id": tenants.feed_of(seller, now=make.NOW).pk,
        "image_id": tenants.picture_of(one, now=make.NOW).pk,
    }
    # As Django's own test client does: the connection with this test's transaction has to stay.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield {"Authorization": f"Api-Key {make.key(seller)}"}, mine
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def is_id(value: Any) -> bool:
    try:
        return bool(UUID(str(value)))
    except ValueError:
        return False


@catalog.parametrize()
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_catalog_api_does_what_its_document_says(case: Any, caller: Any) -> None:
    _hold(case, *caller)


@own_terms.parametrize()
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_where_one_is_paid_ships_and_taxes_does_what_its_document_says(
    case: Any, caller: Any, stripe_server: StripeServer
) -> None:
    _hold(case, *caller)


@webhooks.parametrize()
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_webhooks_do_what_their_document_says(case: Any, caller: Any) -> None:
    _hold(case, *caller)


def cannot_be_said(case: Any) -> list[Any]:
    """Return the checks that know no answers with some of their fields, which are tested elsewhere."""
    return [response_schema_conformance] if "fields" in (case.query or {}) else []


def well_written(case: Any) -> None:
    """Name entity tags where they are meant: the coverage phase calls "0" a value of any pattern."""
    if case.meta.generation.mode is GenerationMode.POSITIVE:
        for name in {"If-Match", "If-None-Match"} & set(case.headers or {}):
            case.headers[name] = '"1.x"'


def _hold(case: Any, headers: dict[str, str], mine: dict[str, UUID]) -> None:
    for name, value in (case.path_parameters or {}).items():
        if is_id(value):
            case.path_parameters[name] = str(mine[name])
    well_written(case)
    beyond = case.operation.definition.raw["operationId"] in BEYOND_THE_DOCUMENT
    left_out = [*cannot_be_said(case), *([positive_data_acceptance] if beyond else [])]
    with tenants.by_itself():
        case.call_and_validate(headers=headers, excluded_checks=left_out)
