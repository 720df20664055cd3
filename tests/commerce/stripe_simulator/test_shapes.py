"""Requests are judged by the installed SDK's own parameter types."""

from typing import Any

import pytest
import stripe.params
from hypothesis import given
from hypothesis import strategies as st

from commerce.stripe_simulator import shapes
from commerce.stripe_simulator.refusals import Refused
from commerce.stripe_simulator.routes import ROUTES, Route

PAY = {"amount": "100", "currency": "eur"}


def refusal(name: str, given_: dict[str, Any]) -> Refused:
    with pytest.raises(Refused) as caught:
        shapes.check(name, given_)
    return caught.value


def test_values_get_their_types() -> None:
    checked = shapes.check(
        "PaymentIntentCreateParams",
        PAY
        | {
            "confirm": "true",
            "off_session": "false",
            "metadata": {"a": "1"},
            "shipping": {"address": {"city": "X"}, "name": "N"},
        },
    )

    assert checked == {
        "amount": 100,
        "currency": "eur",
        "confirm": True,
        "off_session": False,
        "metadata": {"a": "1"},
        "shipping": {"address": {"city": "X"}, "name": "N"},
    }


@pytest.mark.parametrize(
    ("extra", "code", "param"),
    [
        ({"bogus": "1"}, "parameter_unknown", "bogus"),
        ({"shipping": {"name": "N", "address": {}, "bogus": "1"}}, "parameter_unknown", "shipping[bogus]"),
        ({"shipping": {"name": "N"}}, "parameter_missing", "shipping[address]"),
        ({"amount": "ten"}, "parameter_invalid_integer", "amount"),
        ({"amount": "1.5"}, "parameter_invalid_integer", "amount"),
        ({"confirm": "yes"}, None, "confirm"),
        ({"metadata": "text"}, None, "metadata"),
        ({"metadata": {"k" * 41: "v"}}, None, f"metadata[{'k' * 41}]"),
        ({"metadata": {"k": "v" * 501}}, None, "metadata[k]"),
        ({"metadata": {str(n): "v" for n in range(51)}}, None, "metadata"),
        ({"allowed_payment_method_types": "card"}, None, "allowed_payment_method_types"),
        ({"allowed_payment_method_types": ["gold"]}, None, "allowed_payment_method_types[0]"),
        ({"capture_method": "later"}, None, "capture_method"),
        ({"description": ""}, "parameter_invalid_empty", "description"),
        ({"api_key": "sk_test_1"}, "parameter_unknown", "api_key"),
        (
            {"payment_method_types": ["card"]},
            "payment_method_types_no_longer_supported",
            "payment_method_types",
        ),
    ],
)
def test_what_the_types_do_not_allow_is_refused(extra: dict[str, Any], code: str | None, param: str) -> None:
    refused = refusal("PaymentIntentCreateParams", PAY | extra)

    assert refused.status == 400
    assert refused.error["type"] == "invalid_request_error"
    assert (refused.error.get("code"), refused.error.get("param")) == (code, param)


def test_a_missing_parameter_is_named() -> None:
    refused = refusal("PaymentIntentCreateParams", {"amount": "100"})

    assert (refused.error["code"], refused.error["param"]) == ("parameter_missing", "currency")


def test_every_route_takes_parameters_that_the_sdk_has() -> None:
    for route in ROUTES:
        known = shapes.fields(getattr(stripe.params, route.takes))
        assert route.acts_on - {"expand"} <= known.keys(), route


NAMES = ["amount", "currency", "metadata", "shipping", "expand", "created", "card", "type", "limit", "x"]


@given(
    st.sampled_from(ROUTES),
    st.dictionaries(
        st.sampled_from(NAMES),
        st.recursive(
            st.text(max_size=8),
            lambda below: (
                st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=8), below, max_size=3)
            ),
            max_leaves=8,
        ),
        max_size=5,
    ),
)
def test_any_form_is_read_or_refused(route: Route, form: dict[str, Any]) -> None:
    try:
        shapes.check(route.takes, form)
    except Refused as refused:
        status = refused.status
    else:
        status = 200

    assert status in (200, 400)
