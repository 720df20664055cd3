"""A merchant's system sets up webhooks over the API, and is sent what happens by a real worker."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from commerce import ids
from commerce.models import IdempotencyKey, User, WebhookDelivery, WebhookEndpoint, WebhookMessage
from commerce.webhooks import api as doors
from commerce.webhooks import endpoints, messages, running
from tests.catalog import make
from tests.catalog.api import Api
from tests.commerce.webhooks.receiver import Receiver, listening
from tests.worker_process import Start, relay_until

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = "/api/v1/webhook-endpoints"
LOG = "/api/v1/webhook-deliveries"
URL = "https://hooks.example.com/yellowcart"

CALLS: list[tuple[str, str, Any]] = [
    ("GET", ROOT, None),
    ("POST", ROOT, {"url": URL}),
    ("GET", ROOT + "/{endpoint}", None),
    ("PATCH", ROOT + "/{endpoint}", {"enabled": False}),
    ("DELETE", ROOT + "/{endpoint}", None),
    ("GET", ROOT + "/{endpoint}/secret", None),
    ("POST", ROOT + "/{endpoint}/rotate-secret", {}),
    ("POST", ROOT + "/{endpoint}/test", None),
    ("POST", ROOT + "/{endpoint}/replay", {"since": "2026-01-01T00:00:00Z"}),
    ("GET", LOG, None),
    ("GET", LOG + "/{delivery}", None),
    ("POST", LOG + "/{delivery}/retry", None),
]
OF_ONE = [call for call in CALLS if "{" in call[1]]


@pytest.fixture
def api() -> Api:
    return Api(make.merchant())


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.WEBHOOK_ALLOW_LOOPBACK = True
    with listening() as system:
        yield system


def made(api: Api, url: str = URL, **more: Any) -> Any:
    reply = api.post(ROOT, {"url": url, **more})
    assert reply.status == 201, reply.body
    return reply.body


def tell(seller: Any, n: int = 1, *, about: str = "one") -> None:
    told = messages.Told(seller.pk, "order.opened", f"{about}:{n}", about, {"n": n}, timezone.now())
    messages.tell([told])


def test_an_endpoint_lives(api: Api) -> None:
    body = made(api, description="Shop", event_types=["order.shipped", "order.opened", "order.opened"])
    at = f"{ROOT}/{body['id']}"

    assert (body["url"], body["enabled"], body["off_reason"]) == (URL, True, None)
    assert body["event_types"] == ["order.opened", "order.shipped"]
    assert api.get(at).body == body
    assert api.get(ROOT).body["results"] == [body]
    off = api.patch(at, {"enabled": False, "event_types": []}).body
    assert (off["enabled"], off["off_reason"], off["event_types"]) == (False, "merchant", [])
    assert api.patch(at, {"enabled": True}).body["off_reason"] is None
    assert api.call("DELETE", at).status == 204
    assert api.get(at).code == "NOT_FOUND"
    assert api.get(ROOT).body["results"] == []


def test_the_secret_is_read_by_itself_and_is_in_no_kept_answer(api: Api) -> None:
    reply = api.post(ROOT, {"url": URL}, headers={"Idempotency-Key": "once"})
    again = api.post(ROOT, {"url": URL}, headers={"Idempotency-Key": "once"})
    assert again.body == reply.body
    assert WebhookEndpoint.objects.count() == 1
    at = f"{ROOT}/{reply.body['id']}"

    shown = api.get(f"{at}/secret")
    assert shown.headers["Cache-Control"] == "no-store"
    (first,) = shown.body["secrets"]
    assert first["secret"].startswith("whsec_")
    api.post(f"{at}/rotate-secret", {"overlap_seconds": 3600}, headers={"Idempotency-Key": "turn"})
    api.post(f"{at}/rotate-secret", {"overlap_seconds": 3600}, headers={"Idempotency-Key": "turn"})
    new, old = api.get(f"{at}/secret").body["secrets"]
    assert (old["secret"], new["valid_until"]) == (first["secret"], None)
    assert "whsec_" not in str(list(IdempotencyKey.objects.values()))
    assert "whsec_" not in str(api.get(at).body)


@pytest.mark.parametrize(
    "url",
    [
        *(
            "http://hooks.example.com/",
            "https://127.0.0.1/",
            "https://[::ffff:10.0.0.1]/",
            "https://localhost/",
        ),
        *(
            "https://169.254.169.254/latest/meta-data",
            "https://user:pw@hooks.example.com/",
            "ftp://x.example/",
        ),
        *(
            "https://hooks.example.com:25/",
            "https://2130706433/",
            "https://db.internal/",
            "javascript:alert(1)",
        ),
    ],
)
def test_an_address_that_is_not_public_is_refused(api: Api, url: str) -> None:
    assert api.post(ROOT, {"url": url}).code == "BAD_WEBHOOK_URL"
    one = made(api)
    assert api.patch(f"{ROOT}/{one['id']}", {"url": url}).code == "BAD_WEBHOOK_URL"
    assert WebhookEndpoint.objects.get().url == URL


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": 1},
        {"url": URL, "secret": "whsec_mine"},
        {"url": URL, "event_types": ["order.eaten"]},
        {"url": URL, "event_types": "order.opened"},
        {"url": URL, "description": "x" * 201},
        {"url": "https://a.example/" + "x" * 500},
        [],
        None,
    ],
)
def test_a_body_that_is_wrong_is_refused(api: Api, body: Any) -> None:
    assert api.post(ROOT, body).status == 400
    assert not WebhookEndpoint.objects.exists()


def test_a_merchant_has_twenty_at_most(api: Api) -> None:
    for _ in range(endpoints.MOST_ENDPOINTS):
        made(api)

    reply = api.post(ROOT, {"url": URL})

    assert (reply.status, reply.code) == (409, "TOO_MANY_WEBHOOK_ENDPOINTS")


# --- walls ---


def test_the_calls_above_are_all_there_are() -> None:
    from commerce import urls

    found = set()
    for pattern in urls.urlpatterns:
        path = "/api/v1/" + str(pattern.pattern).replace("<uuid:", "{").replace("_id>", "}")
        view = pattern.callback.view_class  # type: ignore[attr-defined]
        if "/webhook-" in path:
            methods = ("get", "post", "put", "patch", "delete")
            found |= {f"{each.upper()} {path}" for each in methods if hasattr(view, each)}
    assert {f"{method} {path}" for method, path, _ in CALLS} == found


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
def test_nobody_comes_in_without_a_key(api: Api, method: str, path: str, body: Any) -> None:
    api.headers = {}

    reply = api.call(method, path.format(endpoint=ids.new(), delivery=ids.new()), body)

    assert (reply.status, reply.code) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize(("method", "path", "body"), OF_ONE)
def test_another_merchant_s_are_unknown(api: Api, method: str, path: str, body: Any) -> None:
    other = Api(make.merchant())
    theirs = made(other)
    tell(other.merchant)
    row = WebhookDelivery.objects.get()
    before = (other.get(ROOT).body, other.get(f"{ROOT}/{theirs['id']}/secret").body, other.get(LOG).body)

    reply = api.call(method, path.format(endpoint=theirs["id"], delivery=row.id), body)

    assert (reply.status, reply.code) == (404, "NOT_FOUND")
    unknown = api.call(method, path.format(endpoint=ids.new(), delivery=ids.new()), body)
    assert unknown.body["detail"] == reply.body["detail"]
    after = (other.get(ROOT).body, other.get(f"{ROOT}/{theirs['id']}/secret").body, other.get(LOG).body)
    assert after == before


def test_the_log_is_one_s_own_whatever_is_asked(api: Api) -> None:
    other = Api(make.merchant())
    theirs = made(other)
    tell(other.merchant)

    for query in ("", f"?endpoint={theirs['id']}", "?object=one", "?type=order.opened", "?status=pending"):
        assert api.get(LOG + query).body["results"] == []
        assert len(other.get(LOG + query).body["results"]) == 1


# --- the log ---


def test_the_log_is_narrowed(api: Api) -> None:
    one = made(api)
    made(api)
    tell(api.merchant, 1)
    tell(api.merchant, 2, about="two")
    WebhookDelivery.objects.filter(object_id="two").update(status="delivered", finished_at=timezone.now())

    def found(query: str) -> int:
        return len(api.get(f"{LOG}?{query}").body["results"])

    assert (found(""), found(f"endpoint={one['id']}"), found("object=two"), found("status=pending")) == (
        4,
        2,
        2,
        2,
    )
    assert (found("type=order.opened"), found("type=order.shipped")) == (4, 0)
    later = (timezone.now() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert (found(f"occurred_before={later}"), found(f"occurred_from={later}")) == (4, 0)
    for bad in ("status=lost", "endpoint=x", "type=", "type=order.eaten", "occurred_from=soon"):
        assert api.get(f"{LOG}?{bad}").status == 400


def test_what_is_being_sent_cannot_be_sent_again(api: Api) -> None:
    made(api)
    tell(api.merchant)
    row = WebhookDelivery.objects.get()
    WebhookDelivery.objects.update(leased_until=timezone.now() + timedelta(minutes=1))

    reply = api.post(f"{LOG}/{row.id}/retry")

    assert (reply.status, reply.code, reply.body["temporary"]) == (409, "WEBHOOK_BEING_SENT", True)


def test_nothing_is_tried_on_an_endpoint_that_is_off(api: Api) -> None:
    one = made(api)
    at = f"{ROOT}/{one['id']}"
    api.patch(at, {"enabled": False})

    assert api.post(f"{at}/test").code == "WEBHOOK_ENDPOINT_OFF"
    assert api.post(f"{at}/replay", {"since": "2026-01-01T00:00:00Z"}).code == "WEBHOOK_ENDPOINT_OFF"


def test_the_test_button_is_not_pressed_without_end(api: Api) -> None:
    at = f"{ROOT}/{made(api)['id']}/test"
    for _ in range(doors.TESTS_PER_MINUTE):
        assert api.post(at).status == 202

    assert api.post(at).code == "RATE_LIMITED"


# --- sent by a worker ---


def test_a_worker_sends_what_happened_and_tries_what_failed_again(
    api: Api, receiver: Receiver, own_worker: Start
) -> None:
    own_worker(WEBHOOK_ALLOW_LOOPBACK="true")
    one = made(api, receiver.url)
    at = f"{ROOT}/{one['id']}"
    secret = api.get(f"{at}/secret").body["secrets"][0]["secret"]
    goods = make.variant(api.merchant, stocked=3)

    # The button.
    tried = api.post(f"{at}/test").body
    running_tasks()
    assert receiver.wait_for(1)[0].verified(secret)["type"] == "webhook.test"
    relay_until(lambda: api.get(f"{LOG}/{tried['id']}").body["status"] == "delivered")
    whole = api.get(f"{LOG}/{tried['id']}").body
    assert [(each["number"], each["status"]) for each in whole["tries"]] == [(1, 204)]
    assert whole["payload"]["type"] == "webhook.test"

    # What happens; the merchant's system fails at first.
    receiver.status = 503
    sku = f"/api/v1/catalog/variants/{goods.pk}/stock"
    assert api.put(sku, {"available": 0}).status == 200
    relay_until(lambda: WebhookMessage.objects.filter(type="stock.sold_out").exists())
    WebhookDelivery.objects.update(due_at=timezone.now())
    running_tasks()
    assert receiver.wait_for(2)[1].verified(secret)["type"] == "stock.changed"
    failed = WebhookDelivery.objects.filter(message__type="stock.changed", last_status=503)
    relay_until(failed.exists)
    receiver.status = 204
    again = api.post(f"{at}/replay", {"since": "2026-01-01T00:00:00Z"})
    assert (again.status, again.body) == (202, {"deliveries": 2})
    running_tasks()
    got = receiver.wait_for(4)
    assert [each.said["type"] for each in got[2:]] == ["stock.changed", "stock.sold_out"]
    assert got[2].id == got[1].id


def running_tasks() -> None:
    """Ring, as beat does."""
    from commerce.tasks import send_webhooks

    send_webhooks.delay()


# --- operations ---


def test_operations_see_it_and_switch_and_send_again(api: Api) -> None:
    one = made(api)
    secret = api.get(f"{ROOT}/{one['id']}/secret").body["secrets"][0]["secret"]
    tell(api.merchant)
    row, message = WebhookDelivery.objects.get(), WebhookMessage.objects.get()
    client = Client()
    client.force_login(User.objects.create_superuser("ops@example.com", "long enough 1", name="Ops"))

    for name, pk in (
        ("webhookendpoint", one["id"]),
        ("webhookdelivery", row.id),
        ("webhookmessage", message.id),
    ):
        listed = client.get(reverse(f"admin:commerce_{name}_changelist"), {"q": str(pk)})
        shown = client.get(reverse(f"admin:commerce_{name}_change", args=[pk]))
        assert (listed.status_code, shown.status_code) == (200, 200)
        assert secret.removeprefix("whsec_") not in shown.content.decode()
        assert client.get(reverse(f"admin:commerce_{name}_add")).status_code == 403

    def act(name: str, action: str, pk: Any) -> None:
        body = {"action": action, "_selected_action": [str(pk)]}
        client.post(reverse(f"admin:commerce_{name}_changelist"), body)

    act("webhookendpoint", "turn_off", one["id"])
    assert api.get(f"{ROOT}/{one['id']}").body["off_reason"] == "operator"
    act("webhookendpoint", "turn_on", one["id"])
    assert api.get(f"{ROOT}/{one['id']}").body["enabled"]
    WebhookDelivery.objects.update(status="failed", finished_at=timezone.now())
    act("webhookdelivery", "send_again", row.id)
    assert WebhookDelivery.objects.get(pk=row.id).status == "pending"


def test_control_in_production_the_receiver_on_this_machine_is_not_reached(api: Api, settings: Any) -> None:
    settings.WEBHOOK_ALLOW_LOOPBACK = True
    with listening() as system:
        made(api, system.url)
        tell(api.merchant)
        settings.WEBHOOK_ALLOW_LOOPBACK = False
        running.client.cache_clear()
        assert running.send_due(seconds=5) == 1

        assert not system.got
    assert WebhookDelivery.objects.get().last_error == "NOT_PUBLIC"
    running.threads().close()
    running.threads.cache_clear()
    running.client.cache_clear()
