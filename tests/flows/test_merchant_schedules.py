"""Announced prices over the merchant API."""

from datetime import UTC, datetime, timedelta

import pytest

from catalog.models import Price
from catalog.pricing import applying
from tests.catalog import make
from tests.catalog.api import Api

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Api:
    return Api(make.merchant())


def moment(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


def later(hours: float) -> datetime:
    return datetime.now(UTC) + timedelta(hours=hours)


def test_a_price_is_announced_seen_applied_and_ended(api: Api) -> None:
    one = make.variant(api.merchant, amount=2000, sku="VL")
    path = f"variants/{one.pk}/price/schedule"
    sale = {"amount": 1500, "compare_at": 2000, "starts_at": moment(1), "ends_at": moment(2)}
    made = api.post(path, sale, headers={"Idempotency-Key": "sale-1"})
    assert (made.status, made.body["status"], made.body["sku"]) == (201, "upcoming", "VL")
    assert (made.body["currency"], made.body["comes_back"]) == ("EUR", None)
    assert api.post(path, sale, headers={"Idempotency-Key": "sale-1"}).body == made.body
    again = api.post(path, sale)
    assert (again.status, again.body) == (200, made.body)

    applying.apply_due(now=later(1.5))
    [running] = api.get(f"{path}?status=running").body["results"]
    assert running["comes_back"] == {"amount": 2000, "compare_at": None, "currency": "EUR"}
    assert api.get(f"variants/{one.pk}/price").body["current"]["amount"] == 1500
    applying.apply_due(now=later(2.5))
    assert [row["status"] for row in api.get("prices/schedule?sku=VL").body["results"]] == ["done"]
    assert api.get(f"prices/schedule?variant={one.pk}&status=failed").body["results"] == []
    assert Price.objects.get(variant=one, valid_to=None).amount == 2000


def test_a_price_says_what_is_announced_next(api: Api) -> None:
    one, plain = make.variant(api.merchant, amount=2000), make.variant(api.merchant, amount=2000)
    at = f"variants/{one.pk}/price"
    last = api.post(f"{at}/schedule", {"amount": 1200, "starts_at": moment(5)}).body
    sale = api.post(f"{at}/schedule", {"amount": 1500, "starts_at": moment(1), "ends_at": moment(2)}).body
    told = api.get(at).body
    assert (told["current"]["amount"], told["running"]) == (2000, None)
    assert told["next"] == {
        "id": sale["id"],
        "amount": 1500,
        "compare_at": None,
        "currency": "EUR",
        "starts_at": sale["starts_at"],
        "ends_at": sale["ends_at"],
    }
    applying.apply_due(now=later(1.5))
    told = api.get(at).body
    assert (told["current"]["amount"], told["running"]["id"], told["next"]["id"]) == (
        1500,
        sale["id"],
        last["id"],
    )
    assert told["running"]["comes_back"] == {"amount": 2000, "compare_at": None, "currency": "EUR"}
    applying.apply_due(now=later(6))
    told = api.get(at).body
    assert (told["current"]["amount"], told["running"], told["next"]) == (1200, None, None)
    assert api.get(f"variants/{plain.pk}/price").body["next"] is None


def test_lists_can_be_asked_for_what_is_announced(api: Api) -> None:
    some = [make.variant(api.merchant, amount=2000, sku=f"S{number}") for number in range(4)]
    soon, far, over, _ = some
    made = {
        one: api.post(f"variants/{one.pk}/price/schedule", {"amount": 1500, "starts_at": moment(hours)})
        for one, hours in ((soon, 1), (far, 50), (over, 2))
    }
    api.call("DELETE", f"variants/{over.pk}/price/schedule/{made[over].body['id']}")
    other = make.variant(make.merchant(), amount=2000)
    theirs = Api(other.merchant)
    theirs.post(f"variants/{other.pk}/price/schedule", {"amount": 1500, "starts_at": moment(1)})

    def skus(path: str) -> list[str]:
        return [row["sku"] for row in api.get(path).body["results"]]

    def at(hours: float) -> str:
        return moment(hours).replace("+", "%2B")

    assert skus("prices/schedule?announced=true") == ["S1", "S0"]
    assert skus("prices/schedule?announced=false") == ["S2"]
    assert skus(f"prices/schedule?announced=true&starts_before={at(10)}") == ["S0"]
    assert skus(f"prices/schedule?starts_since={at(10)}") == ["S1"]
    assert skus("variants?announced=true") == ["S1", "S0"]
    assert skus("variants?announced=false") == ["S3", "S2"]
    assert len(api.get(f"variants/{soon.pk}/price/schedule?announced=true").body["results"]) == 1
    for wrong in ("announced=perhaps", "starts_since=soon"):
        assert api.get(f"prices/schedule?{wrong}").status == 400, wrong
    assert api.get("variants?announced=1").status == 400


def test_what_is_called_off_says_so(api: Api) -> None:
    one = make.variant(api.merchant, amount=2000)
    path = f"variants/{one.pk}/price/schedule"
    made = api.post(path, {"amount": 1500, "ends_at": moment(1)})
    assert (made.status, made.body["status"]) == (201, "running")
    off = api.call("DELETE", f"{path}/{made.body['id']}")
    assert (off.status, off.body["status"]) == (200, "cancelled")
    assert api.get(f"variants/{one.pk}/price").body["current"]["amount"] == 2000


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({}, 400, "BAD_SCHEDULE"),
        ({"starts_at": "2001-01-01T00:00:00Z"}, 400, "BAD_SCHEDULE"),
        ({"starts_at": "2035-01-01T00:00:00Z", "ends_at": "2034-01-01T00:00:00Z"}, 400, "BAD_SCHEDULE"),
        ({"starts_at": "9999-01-01T00:00:00Z"}, 400, "BAD_SCHEDULE"),
        ({"starts_at": "soon"}, 400, "BAD_REQUEST"),
        ({"starts_at": 5}, 400, "BAD_REQUEST"),
        ({"ends_at": [1]}, 400, "BAD_REQUEST"),
        ({"begins_at": "2035-01-01T00:00:00Z"}, 400, "BAD_REQUEST"),
    ],
)
def test_what_cannot_be_announced_is_refused_by_name(
    api: Api, sent: dict[str, object], status: int, code: str
) -> None:
    one = make.variant(api.merchant, amount=2000)
    reply = api.post(f"variants/{one.pk}/price/schedule", {"amount": 1500, **sent})
    assert (reply.status, reply.code) == (status, code)


def test_two_for_one_time_conflict(api: Api) -> None:
    one = make.variant(api.merchant, amount=2000)
    path = f"variants/{one.pk}/price/schedule"
    first = api.post(path, {"amount": 1500, "starts_at": moment(1), "ends_at": moment(3)})
    refused = api.post(path, {"amount": 1400, "starts_at": moment(2)})
    assert (refused.status, refused.code) == (409, "SCHEDULE_OVERLAPS")
    assert refused.body["data"] == {"schedule": first.body["id"]}


def test_rows_of_a_batch_announce_each_for_itself(api: Api) -> None:
    plain, sale, low, taken = (make.variant(api.merchant, amount=2000, sku=sku) for sku in "PSLT")
    api.put(f"variants/{low.pk}/floor", {"amount": 1800})
    times = {"starts_at": moment(1), "ends_at": moment(2)}
    api.post(f"variants/{taken.pk}/price/schedule", {"amount": 1, **times})
    sent = [
        {"sku": "P", "amount": 1900},
        {"sku": "S", "amount": 1500, **times},
        {"sku": "L", "amount": 1500, **times},
        {"sku": "T", "amount": 1500, **times},
        {"sku": "X", "amount": 1500, "starts_at": "soon"},
        {"sku": "NONE", "amount": 1500, **times},
    ]
    reply = api.post("prices/batch", {"prices": sent})
    told = [(row["result"], [one["code"] for one in row["problems"]]) for row in reply.body["rows"]]
    assert told == [
        ("updated", []),
        ("updated", []),
        ("refused", ["PRICE_BELOW_FLOOR"]),
        ("refused", ["SCHEDULE_OVERLAPS"]),
        ("refused", ["BAD_DATE"]),
        ("refused", ["UNKNOWN_SKU"]),
    ]
    assert reply.body["rows"][4]["problems"][0]["field"] == "starts_at"
    again = api.post("prices/batch", {"prices": sent[:2]})
    assert [row["result"] for row in again.body["rows"]] == ["unchanged", "unchanged"]
    assert Price.objects.get(variant=sale, valid_to=None).amount == 2000
    assert Price.objects.get(variant=plain, valid_to=None).amount == 1900
