"""Every operation of the merchant API, and every id that it takes, with another merchant's id.

Which these are says the published document: one that is new and not in the tables below fails.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import orjson
import pytest
from django.utils import timezone

from catalog import queries
from catalog.commission import plans
from orders import queries as orders
from tests import openapi
from tests.catalog.api import Api, Reply
from tests.flows import tenants
from tests.orders import make

pytestmark = pytest.mark.django_db

# A field of an address, a query or a body that holds an id -> what it is the id of.
FIELDS = {
    "barcode": "barcode",
    "delivery_id": "delivery",
    "endpoint": "endpoint",
    "endpoint_id": "endpoint",
    "export_id": "export",
    "feed_id": "feed",
    "image_id": "image",
    "handle": "handle",
    "import_id": "import",
    "lines.[].line": "line",
    "from_location": "main",
    "lines.[].sku": "sku",
    "lines.[].variant": "variant",
    "location": "shop",
    "location_id": "location",
    "object": "order",
    "order": "order",
    "order_id": "order",
    "orders.[]": "order",
    "parts.[].variant": "part",
    "plan_id": "plan",
    "product": "product",
    "product_id": "product",
    "products.[]": "product",
    "rate_id": "rate",
    "return_id": "return",
    "schedule_id": "schedule",
    "shipment_id": "shipment",
    "shopper_id": "shopper",
    "sku": "sku",
    "variant": "variant",
    "variant_id": "variant",
    "variants.[].barcode": "barcode",
    "variants.[].sku": "sku",
    "zone_id": "zone",
    "filters.handle": "handle",
    "prices.[].sku": "sku",
    "products.[].handle": "handle",
    "products.[].variants.[].sku": "sku",
    "skus": "sku",
    "stock.[].location": "shop",
    "stock.[].sku": "sku",
    "to_location": "shop",
}
# Hosts are nobody's: their slugs are public.
PUBLIC = {"host", "hosts.[].host"}
# Ids that merchants give themselves: another merchant may have the same.
OWN = {"sku", "barcode", "handle"}
# Fields of ids that merchants give, which the document does not tell from other words.
NAMED = OWN | {"skus", "object", "host", "location", "from_location", "to_location", "id"}
# Asked again for what is not there, they say so once more; and batches say of each row what became of it.
SAYS_SO = {"hoarder_remove", "stock_batch", "price_batch", "product_batch"}

# What a well-meaning merchant sends; "{product}" and such are its ids.
BODIES: dict[str, Any] = {
    "commission_plan_create": {
        "name": "Mine",
        "kind": "open",
        "rate_bp": 900,
        "products": ["{product}"],
    },
    "commission_plan_change": {"products": ["{product}"]},
    "export_create": {"format": "jsonl", "filters": {"handle": "{handle}"}},
    "feed_change": {"every_minutes": 90},
    "floor_set": {"amount": 1},
    "hoarder_add": {"reason": "never buys"},
    "order_acknowledge": {"reference": "R-1"},
    "order_cancel": {"reason": "broken"},
    "order_cancellation_refuse": {"answer": "Packed."},
    "order_refund": {"reason": "scratched", "lines": [{"line": "{line}", "quantity": 1}]},
    "order_ship": {"carrier": "DHL", "lines": [{"line": "{line}", "quantity": 1}]},
    "parts_set": {"parts": [{"variant": "{part}", "quantity": 2}]},
    "price_batch": {"prices": [{"sku": "{sku}", "amount": 1}]},
    "price_set": {"amount": 700},
    "product_batch": {"products": [{"handle": "{handle}", "title": "New", "variants": [{"sku": "{sku}"}]}]},
    "product_change": {"title": "Mine now"},
    "product_create": {
        "handle": "{handle}",
        "title": "New",
        "variants": [{"sku": "{sku}", "barcode": "{barcode}"}],
    },
    "return_approve": {"answer": "Send it."},
    "return_refund": {},
    "return_refuse": {"answer": "No."},
    "shipment_create": {
        "carrier": "DHL",
        "orders": ["{order}"],
    },
    "shipment_update": {"carrier": "UPS"},
    "shipping_zone_set": {
        "name": "Z",
        "countries": ["FR"],
        "rates": [{"name": "Parcel", "currency": "EUR", "amount": 1, "days_min": 1, "days_max": 2}],
    },
    "stock_adjust": {"delta": -1},
    "stock_batch": {"stock": [{"sku": "{sku}", "available": 0}]},
    "stock_change": {"low_at": 1},
    "stock_set": {"available": 0},
    "image_change": {"alt": "Mine now"},
    "location_change": {"name": "Mine now"},
    "stock_transfer": {
        "from_location": "{main}",
        "to_location": "{shop}",
        "lines": [{"variant": "{variant}", "units": 1}],
    },
    "tax_rate_set": {"country": "FR", "name": "TVA", "bp": 2000, "valid_from": tenants.day(30)},
    "variant_change": {"sku": "{sku}", "barcode": "{barcode}"},
    "variant_create": {"options": {}, "sku": "{sku}", "barcode": "{barcode}"},
    "variant_price_schedule_create": {
        "amount": 800,
        "starts_at": tenants.day(30),
        "ends_at": tenants.day(40),
    },
    "webhook_endpoint_change": {"description": "mine"},
    "webhook_endpoint_replay": {"since": "2026-01-01T00:00:00Z"},
    "webhook_endpoint_rotate_secret": {},
}
# A second body of an operation, for ids that do not go with the first.
MORE = {
    "order_ship": {"carrier": "DHL", "location": "{shop}"},
    "shipment_create": {
        "carrier": "DHL",
        "lines": [{"line": "{line}", "quantity": 1}],
        "location": "{shop}",
    },
    "stock_adjust": {"delta": 1, "location": "{shop}"},
    "stock_batch": {"stock": [{"sku": "{sku}", "available": 0, "location": "{shop}"}]},
    "stock_set": {"available": 0, "location": "{shop}"},
    "stock_transfer": {
        "from_location": "{main}",
        "to_location": "{shop}",
        "lines": [{"sku": "{sku}", "units": 1}],
    },
}
# Not sent with one's own ids, since that is no answer of ours: it calls the endpoint.
NOT_SENT = {"webhook_endpoint_test"}
# Nor with its body, which is a file's bytes.
NOT_SENT |= {"image_upload"}
# Bodies whose merchant's own ids have been used by what the world was made of.
TAKEN = {"product_create", "variant_create"}


@dataclass(frozen=True)
class Case:
    """An operation, where in it an id of another merchant is, and what it is the id of."""

    name: str
    method: str
    path: str
    body: Any
    where: str
    field: str

    @property
    def kind(self) -> str:
        return FIELDS[self.field]

    def __str__(self) -> str:
        return f"{self.name}: {self.where} {self.field}"


def merchants_operations() -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    for path, item in openapi.document()["paths"].items():
        for method, operation in item.items():
            if any("merchantKey" in way for way in operation.get("security", [])):
                yield operation["operationId"], method.upper(), path, operation


def resolved(schema: Any) -> Any:
    while isinstance(schema, dict) and "$ref" in schema:
        found = openapi.document()
        for step in schema["$ref"].split("/")[1:]:
            found = found[step]
        schema = found
    return schema


def is_id(name: str, schema: dict[str, Any]) -> bool:
    last = [step for step in name.split(".") if step != "[]"][-1]
    return schema.get("format") == "uuid" or last in NAMED or last.endswith(("_id", "_ids"))


def ids_in(schema: Any, at: tuple[str, ...] = ()) -> Iterator[str]:
    """Return the fields of a body that hold ids, at any depth."""
    schema = resolved(schema)
    if not isinstance(schema, dict):
        return
    if at and "properties" not in schema and "items" not in schema and is_id(".".join(at), schema):
        yield ".".join(at)
    for part in ("allOf", "anyOf", "oneOf"):
        for each in schema.get(part, ()):
            yield from ids_in(each, at)
    if "items" in schema:
        yield from ids_in(schema["items"], (*at, "[]"))
    for name, each in schema.get("properties", {}).items():
        yield from ids_in(each, (*at, name))


def fields_of(operation: dict[str, Any]) -> set[tuple[str, str]]:
    """Return where an operation takes ids, and in which field: path, query or body."""
    found = {
        (each["in"], each["name"])
        for each in map(resolved, operation.get("parameters", ()))
        if each["in"] in ("path", "query") and is_id(each["name"], resolved(each["schema"]))
    }
    for content in resolved(operation.get("requestBody", {})).get("content", {}).values():
        found |= {("body", name) for name in ids_in(content["schema"])}
    return {each for each in found if each[1] not in PUBLIC}


def placeholders(body: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Return the fields of a body that are filled in, and with what."""
    if isinstance(body, dict):
        for name, each in body.items():
            yield from placeholders(each, (*at, name))
    elif isinstance(body, list):
        for each in body:
            yield from placeholders(each, (*at, "[]"))
    elif isinstance(body, str) and re.fullmatch(r"{\w+}", body):
        yield ".".join(at), body[1:-1]


def cases() -> list[Case]:
    found = []
    for name, method, path, operation in merchants_operations():
        bodies = [BODIES.get(name), *([MORE[name]] if name in MORE else [])]
        for where, field in sorted(fields_of(operation)):
            if where != "body":
                found.append(Case(name, method, path, bodies[0], where, field))
        for body in bodies:
            # Rows of batches are told apart by us: the document does not say what is in them.
            found += [Case(name, method, path, body, "body", field) for field, _ in placeholders(body)]
    return found


def filled(text: str, ids: dict[str, str], *, other: dict[str, str], kind: str = "") -> str:
    """Put ids into an address or a body: those of that kind another merchant's."""
    return re.sub(r"{(\w+?)(?:_id)?}", lambda name: (other if name[1] == kind else ids)[name[1]], text)


def differing(before: dict[str, str], now: dict[str, str]) -> list[str]:
    """Return the tables that hold something else than before."""
    return [name for name, digest in now.items() if before[name] != digest]


class World:
    """Two merchants with one of everything; the first calls with ids of the second."""

    def __init__(self) -> None:
        now = timezone.now()
        self.mine, self.theirs = make.merchant("Mine"), make.merchant("Theirs")
        self.ids = tenants.everything(self.mine, now=now)
        self.others = tenants.everything(self.theirs, now=now)
        self.unknown = {kind: str(uuid4()) for kind in self.others}
        self.api = Api(self.mine)
        self.names = tenants.names_of(self.theirs)
        self.whole, self.own = tenants.stands(), tenants.stands_of(self.theirs)
        assert set(self.others.values()) & self.names

    def call(self, case: Case, other: dict[str, str]) -> Reply:
        """Send a case with ids of `other` where the case says so, and one's own elsewhere."""
        kinds = {where: case.kind if where == case.where else "" for where in ("path", "body")}
        path = filled(case.path, self.ids, other=other, kind=kinds["path"])
        if case.where == "query":
            path += f"?{case.field}={other[case.kind]}"
        if case.body is None:
            return self.api.call(case.method, path)
        # `{` that are JSON's own do not look like a field.
        body = orjson.loads(
            filled(orjson.dumps(case.body).decode(), self.ids, other=other, kind=kinds["body"])
        )
        return self.api.call(case.method, path, body)

    def breach(self, case: Case) -> str | None:
        """Tell what is wrong with an answer to another merchant's id, None where nothing is."""
        before = tenants.written()
        with tenants.undone():
            reply = self.call(case, self.others)
            # Most write nothing at all, which is quicker to see than what every table holds.
            wrote = tenants.written() != before
            changed = differing(self.whole, tenants.stands()) if wrote else []
            touched = differing(self.own, tenants.stands_of(self.theirs)) if changed else []
        said = orjson.dumps(reply.body).decode()
        told = {name for name in self.names if name in said}
        if reply.status >= 400:
            told -= {self.others[case.kind]}  # A refusal may say what it refuses.
        if reply.status >= 500 or touched or told:
            return f"{case}: {reply.status}, touched {touched}, told {told}"
        if case.kind in OWN or case.where == "query":
            return None
        if reply.status < 400 and case.name not in SAYS_SO:
            return f"{case}: {reply.status}"
        if changed:
            return f"{case}: {reply.status}, and {changed} changed"
        with tenants.undone():
            nobodys = self.call(case, self.unknown)
        if (nobodys.status, self.said(nobodys, self.unknown)) != (
            reply.status,
            self.said(reply, self.others),
        ):
            return f"{case}: {reply.body}, but of what is nowhere {nobodys.body}"
        return None

    @staticmethod
    def said(reply: Reply, sent: dict[str, str]) -> str:
        """Return what an answer says but for the ids that were sent and the request's own."""
        body = {name: each for name, each in (reply.body or {}).items() if name != "request_id"}
        text = orjson.dumps(body, option=orjson.OPT_SORT_KEYS).decode()
        for each in sent.values():
            text = text.replace(each, "?")
        return text


@pytest.fixture
def world() -> World:
    return World()


def test_every_id_of_the_document_is_in_the_matrix() -> None:
    """Add what is missing to FIELDS, and to BODIES with an id of one's own as a placeholder."""
    covered = {(case.name, case.where, case.field) for case in cases()}
    missing = {
        (name, where, field)
        for name, _, _, operation in merchants_operations()
        for where, field in fields_of(operation)
        if field not in FIELDS or (name, where, field) not in covered
    }
    assert not missing
    known = {name for name, *_ in merchants_operations()}
    assert BODIES.keys() <= known, BODIES.keys() - known
    written = {
        name
        for name, _, path, operation in merchants_operations()
        if "{" in path and resolved(operation.get("requestBody", {})).get("required")
    }
    assert written <= BODIES.keys(), written - BODIES.keys()


def test_what_is_sent_is_taken_from_its_own_merchant(world: World) -> None:
    """Were it not, a refusal of another merchant's id would prove nothing."""
    wrong = {}
    for case in cases():
        if case.name in NOT_SENT | TAKEN:
            continue
        with tenants.undone():
            reply = world.call(case, world.ids)
        if reply.status >= 400 and reply.status != 409:
            wrong[str(case)] = (reply.status, reply.body)
    assert not wrong


def test_another_merchants_ids_open_nothing(world: World) -> None:
    assert [found for found in map(world.breach, cases()) if found] == []


def test_what_takes_no_id_tells_nothing_of_another_merchant(world: World) -> None:
    told = {}
    for name, method, path, operation in merchants_operations():
        answers = operation["responses"].get("200", {}).get("content", {})
        if method == "GET" and "{" not in path and "application/json" in answers:
            reply = world.api.call(method, path)
            assert reply.status in (200, 404), name
            said = orjson.dumps(reply.body).decode()
            told[name] = {each for each in world.names if each in said}
    assert len(told) > 10
    assert not any(told.values()), told


# --- each wall, seen to be needed ---


@pytest.mark.parametrize(
    ("module", "wall", "name"),
    [
        (queries, "products", "product_get"),
        (queries, "variants", "variant_list"),
        (queries, "variants", "variant_get"),
        (orders, "orders_of", "order_get"),
        (orders, "shipments_of", "shipment_get"),
    ],
)
def test_a_queryset_without_its_wall_is_found(
    world: World, monkeypatch: pytest.MonkeyPatch, module: Any, wall: str, name: str
) -> None:
    of = getattr(module, wall)
    ours = [case for case in cases() if case.name == name]
    assert ours
    assert not any(map(world.breach, ours))

    def of_theirs(*, merchant_id: Any, **asked: Any) -> Any:
        return of(merchant_id=world.theirs.pk, **asked)

    monkeypatch.setattr(module, wall, of_theirs)
    assert any(map(world.breach, ours))


def test_a_write_without_its_wall_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    end = plans.end
    [case] = [case for case in cases() if case.name == "commission_plan_end"]
    assert world.breach(case) is None

    def end_anybodys(*, merchant_id: Any, **asked: Any) -> Any:
        return end(merchant_id=world.theirs.pk, **asked)

    monkeypatch.setattr(plans, "end", end_anybodys)
    assert "catalog_commission" in str(world.breach(case))
