"""What the other contract tests leave of the merchant API, the shoppers' doors, and calls one after another.

Held against the committed document by schemathesis, with the same choice of calls each time.
`CONTRACT_EXAMPLES=50` makes so many at random besides, and so many longer walks.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.utils import timezone
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode
from schemathesis.generation.meta import negated_parameters
from schemathesis.specs.openapi.checks import (
    ensure_resource_availability,
    ignored_auth,
    negative_data_rejection,
    positive_data_acceptance,
    use_after_free,
)

from commerce import redis_client
from commerce.models import Merchant
from config.env import ROOT
from tests import apikeys, openapi
from tests.flows import tenants, test_merchant_contract
from tests.flows.test_tenant_matrix import FIELDS
from tests.orders import make

pytestmark = pytest.mark.django_db

EXAMPLES = int(os.environ.get("CONTRACT_EXAMPLES") or 0)
REST = (
    r"^/api/v1/(orders|shipments|returns|refunds|disputes|cart-policy|cart-holders|hoarders|return-policy"
    r"|statement|shop)(/|$)"
)
CONFIG = SchemathesisConfig.from_dict(
    {
        "phases": {
            "examples": {"enabled": True},
            "coverage": {"enabled": True},
            "fuzzing": {"enabled": bool(EXAMPLES)},
            "stateful": {"enabled": True},
        },
        "generation": {"database": "none"},
        # 422: the phases send other bodies under one idempotency key.
        "checks": {
            "positive_data_acceptance": {"expected-statuses": ["2xx", "304", "404", "409", "412", "422"]}
        },
    }
)
SETTINGS = settings(
    deadline=None,
    derandomize=not EXAMPLES,
    max_examples=EXAMPLES or 12,
    stateful_step_count=EXAMPLES or 8,
    suppress_health_check=list(HealthCheck),
)
# What is dropped is gone, what is retired is not.
LEFT_OUT = [use_after_free, ensure_resource_availability]
# What is valid by itself may be refused for what the document cannot say.
BEYOND_THE_DOCUMENT = {
    "order_refund": "lines are of the order, and the amount is in its currency and not more",
    "order_ship": "lines are of the order",
    "shipment_create": "either lines or orders are named, which go to one address",
    "shipment_deliver": "a parcel arrives after it left, and not in the future",
    "shop_product_list": "which currencies there are",
    "statement_get": "the span begins before it ends",
}

document = schemathesis.openapi.from_path(ROOT / "docs" / "openapi.yaml", config=CONFIG)
document.app = get_wsgi_application()
rest = document.include(path_regex=REST)
# A walk is from what makes something to what is done with it.
walks = document.include(path_regex="^/api/v1/(catalog|shipping-zones|tax-rates)(/|$)").exclude(
    path_regex="(imports|exports|images|feeds)"
)


@pytest.fixture
def caller() -> Iterator[tuple[Merchant, dict[str, str]]]:
    """A merchant with one of everything, and the ids of it."""
    tenants.unhurried()
    seller = make.merchant()
    mine = tenants.everything(seller, now=timezone.now())
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield seller, mine
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def headers_of(seller: Merchant) -> dict[str, str]:
    return {"Authorization": f"Api-Key {apikeys.key(seller)[1]}"}


def without_key(case: Any) -> list[Any]:
    """Return the check that takes a call for one without a key, which these tests always send."""
    left_out = any(name == "Authorization" for name, _ in negated_parameters(case.meta))
    return [negative_data_rejection] if left_out else []


@rest.parametrize()
@SETTINGS
def test_orders_and_the_shop_do_what_their_document_says(case: Any, caller: Any) -> None:
    seller, mine = caller
    for name, value in (case.path_parameters or {}).items():
        if name == "slug" and case.meta.generation.mode is GenerationMode.POSITIVE:
            case.path_parameters[name] = seller.slug
        elif test_merchant_contract.is_id(value):
            case.path_parameters[name] = mine[FIELDS[name]]
    test_merchant_contract.well_written(case)
    left_out = [*LEFT_OUT, *test_merchant_contract.cannot_be_said(case)]
    # Cursors are those that we gave.
    beyond = case.operation.definition.raw["operationId"] in BEYOND_THE_DOCUMENT
    if beyond or (case.query or {}).get("cursor"):
        left_out.append(positive_data_acceptance)
    left_out += without_key(case)
    with tenants.by_itself():
        case.call_and_validate(headers=headers_of(seller), excluded_checks=left_out)


def test_walks_through_the_api_meet_nothing_that_the_document_does_not_say(caller: Any) -> None:
    headers = headers_of(caller[0])
    seen: list[tuple[str, int]] = []

    class Walk(walks.as_state_machine()):  # type: ignore[misc]
        # Hypothesis walks again what it walked before, and takes other answers than then for its own mistake:
        # no walk may find what another left, be it a row, a kept answer or a transaction that is spoilt.
        def setup(self) -> None:
            redis_client.sync().flushall()
            self.undone = tenants.undone()
            self.undone.__enter__()

        def teardown(self) -> None:
            self.undone.__exit__(None, None, None)

        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"headers": headers}

        def call(self, case: Any, **kwargs: Any) -> Any:
            with tenants.by_itself():
                return super().call(case, **kwargs)

        def validate_response(self, response: Any, case: Any, **kwargs: Any) -> None:
            seen.append((case.operation.definition.raw["operationId"], response.status_code))
            # Who calls is said by the walk, and so schemathesis takes the key for one that it made up.
            left_out = [
                *LEFT_OUT,
                positive_data_acceptance,
                ignored_auth,
                *test_merchant_contract.cannot_be_said(case),
            ]
            left_out += without_key(case)
            case.validate_response(response, excluded_checks=left_out, transport_kwargs=kwargs)

    Walk.run(settings=SETTINGS)
    assert len(seen) > 20
    assert {name for name, status in seen if status < 400}


def test_every_operation_of_merchants_and_of_the_shop_is_held_against_the_document() -> None:
    held = {
        operation.ok().definition.raw["operationId"]  # type: ignore[union-attr]  # the document is valid
        for each in (
            rest,
            test_merchant_contract.catalog,
            test_merchant_contract.webhooks,
            test_merchant_contract.own_terms,
        )
        for operation in each.get_all_operations()
    }
    asked = {
        name
        for name, (_, _, operation) in openapi.operations().items()
        if any("merchantKey" in way for way in operation.get("security", [])) or "Shop" in operation["tags"]
    }
    assert asked <= held, asked - held
