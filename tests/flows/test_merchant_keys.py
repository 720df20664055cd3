"""What API keys open: endpoints name scopes, networks and limits hold, one statement tells whose it is."""

import re
from typing import Any

import pytest
import yaml
from django.conf import settings as configured
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.test import APIClient

from commerce import http
from commerce.scopes import SCOPES
from config.scopes import NEEDS
from tests import apikeys
from tests.catalog import make

pytestmark = pytest.mark.django_db

VERBS = ("get", "post", "put", "patch", "delete")
ID = "0190a7b4-7d1e-7c3a-9a54-2f1f3f4b5c6d"


def endpoints(found: Any = None, before: str = "") -> dict[str, type[Any]]:
    """Return every address of the project that answers merchants' systems, with its view."""
    views: dict[str, type[Any]] = {}
    for each in found or get_resolver().url_patterns:
        route = before + str(each.pattern)
        if isinstance(each, URLResolver):
            views |= endpoints(each.url_patterns, route)
        elif isinstance(each, URLPattern):
            view = getattr(each.callback, "view_class", None)
            if view is not None and issubclass(view, http.MerchantView):
                views |= {
                    f"{verb.upper()} {http.address_of(route)}": view for verb in VERBS if hasattr(view, verb)
                }
    return views


def send(text: str, address: str, **headers: str) -> Any:
    method, path = address.split(" ")
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Api-Key {text}", **headers)
    return client.generic(method, re.sub(r"{\w+}", ID, path), "{}", content_type="application/json")


def test_every_endpoint_for_merchants_names_what_it_needs_and_nothing_else_is_named() -> None:
    assert set(NEEDS) == set(endpoints())
    assert {need.scope for need in NEEDS.values()} == set(SCOPES)


def test_no_endpoint_drops_the_checks_of_keys() -> None:
    for address, view in endpoints().items():
        assert view.permission_classes == http.MerchantView.permission_classes, address
        assert view.authentication_classes == http.MerchantView.authentication_classes, address
        assert view.check_throttles is http.MerchantView.check_throttles, address
        assert view.need is http.MerchantView.need, address


@pytest.mark.parametrize("address", NEEDS)
def test_a_key_with_all_scopes_but_one_is_refused_where_that_is_needed(address: str) -> None:
    needed = NEEDS[address].scope
    seller = make.merchant()
    _, without = apikeys.key(seller, scopes=set(SCOPES) - {needed})
    _, only = apikeys.key(seller, scopes=[needed])

    refused = send(without, address)

    assert refused.status_code == 403
    assert (refused.json()["code"], refused.json()["data"]) == ("MISSING_SCOPE", {"scope": needed})
    opened = send(only, address)
    assert opened.status_code not in (401, 403, 429), opened.content
    assert opened["RateLimit-Policy"].startswith(f'"{NEEDS[address].kind}";q=')


def test_a_method_that_is_none_is_refused_as_such() -> None:
    _, text = apikeys.key(make.merchant(), scopes=["webhooks"])

    assert send(text, "PATCH /api/v1/orders").status_code == 405
    assert send(text, "OPTIONS /api/v1/orders").status_code == 200
    assert send(text, "HEAD /api/v1/orders").status_code == 403


def test_the_document_names_the_scopes() -> None:
    document = yaml.load((configured.BASE_DIR / "docs/openapi.yaml").read_text("utf-8"), yaml.CSafeLoader)

    told = {
        f"{method.upper()} {path}": operation["x-required-scope"]
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if any("merchantKey" in way for way in operation.get("security", []))
    }

    assert told == {address: need.scope for address, need in NEEDS.items()}
    described = document["components"]["securitySchemes"]["merchantKey"]["description"]
    assert [scope for scope in SCOPES if f"`{scope}`" not in described] == []


def test_a_key_is_refused_outside_its_networks() -> None:
    _, text = apikeys.key(make.merchant(), networks=["203.0.113.0/24"])

    inside = send(text, "GET /api/v1/orders", REMOTE_ADDR="203.0.113.9")
    outside = send(text, "GET /api/v1/orders", REMOTE_ADDR="198.51.100.1")
    # What the caller says of itself counts for nothing: the server has read it where a proxy is trusted.
    forged = send(text, "GET /api/v1/orders", REMOTE_ADDR="198.51.100.1", HTTP_X_FORWARDED_FOR="203.0.113.9")

    assert inside.status_code == 200
    assert (outside.status_code, outside.json()["code"]) == (403, "ADDRESS_NOT_ALLOWED")
    assert (forged.status_code, forged.json()["code"]) == (403, "ADDRESS_NOT_ALLOWED")


def test_a_key_that_calls_too_often_is_told_how_long_to_wait(settings: Any) -> None:
    settings.MERCHANT_REQUESTS_PER_MINUTE = {"read": 2, "write": 1, "bulk": 1}
    seller = make.merchant()
    _, text = apikeys.key(seller)
    _, other = apikeys.key(seller)

    answers = [send(text, "GET /api/v1/orders") for _ in range(3)]

    assert [each.status_code for each in answers] == [200, 200, 429]
    assert [each["RateLimit-Policy"] for each in answers] == ['"read";q=2;w=60'] * 3
    told = [re.fullmatch(r'"read";r=(\d);t=(\d+)', each["RateLimit"]) for each in answers]
    assert [each[1] for each in told if each] == ["1", "0", "0"]
    assert all(0 < int(each[2]) <= 30 for each in told if each)
    last = answers[-1]
    assert (last.json()["code"], told[-1] and told[-1][2]) == ("RATE_LIMITED", last["Retry-After"])
    assert last.json()["temporary"] is True
    assert send(text, "POST /api/v1/catalog/products").status_code == 400
    assert send(other, "GET /api/v1/orders").status_code == 200


def test_a_request_takes_one_statement_to_tell_whose_it_is(django_assert_num_queries: Any) -> None:
    _, text = apikeys.key(make.merchant(), networks=["127.0.0.0/8"])
    send(text, "GET /api/v1/orders")

    with django_assert_num_queries(2):  # Whose it is, and the one page.
        assert send(text, "GET /api/v1/orders").status_code == 200
    with django_assert_num_queries(1):
        assert send(text, "PATCH /api/v1/orders").status_code == 405
