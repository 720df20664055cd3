"""Webhooks are believed only when the provider signed exactly this, lately, in our mode."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from commerce import gateway
from tests.commerce.gateway.conftest import Buyer
from tests.commerce.stripe_simulator.conftest import Hearer
from tests.stripe_server import StripeServer

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SECRET = "whsec_one"
EVENT: dict[str, Any] = {
    "id": "evt_1",
    "object": "event",
    "type": "payment_intent.succeeded",
    "created": int(NOW.timestamp()),
    "livemode": False,
    "data": {
        "object": {"id": "pi_1", "object": "payment_intent", "client_secret": "pi_1_secret_2", "amount": 5}
    },
}


def sign(body: bytes, secret: str = SECRET, at: datetime = NOW) -> str:
    """Sign as https://docs.stripe.com/webhooks describes, written apart from the simulator's own signing."""
    stamp = str(int(at.timestamp()))
    return (
        f"t={stamp},v1={hmac.new(secret.encode(), stamp.encode() + b'.' + body, hashlib.sha256).hexdigest()}"
    )


@pytest.fixture(autouse=True)
def _secrets(settings: Settings) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET, "whsec_two"]


@pytest.mark.parametrize("secret", [SECRET, "whsec_two"])
def test_an_event_signed_with_any_of_our_secrets_is_read(secret: str) -> None:
    body = json.dumps(EVENT).encode()

    notice = gateway.read_notice(body, sign(body, secret), now=NOW)

    assert (notice.id, notice.type, notice.object_id) == ("evt_1", "payment_intent.succeeded", "pi_1")
    assert (notice.object_kind, notice.livemode, notice.account) == ("payment_intent", False, None)
    assert notice.created == NOW
    assert notice.payload["data"]["object"] == {"id": "pi_1", "object": "payment_intent", "amount": 5}
    assert "secret" not in json.dumps(notice.payload)


def test_nothing_that_opens_a_payment_is_kept_however_deep_it_lies() -> None:
    url = "https://bank.example.com/3ds?payment_intent_client_secret=pi_1_secret_x"
    thing = {
        "id": "seti_1",
        "object": "setup_intent",
        "client_secret": "seti_1_secret_x",
        "next_action": {"redirect_to_url": {"url": url}},
        "last_setup_error": {"setup_intent": {"id": "seti_1", "client_secret": "seti_1_secret_x"}},
        "list": [{"client_secret": "pi_1_secret_x", "kept": 1}],
    }
    body = json.dumps(
        EVENT | {"data": {"object": thing, "previous_attributes": {"next_action": {}}}}
    ).encode()

    notice = gateway.read_notice(body, sign(body), now=NOW)

    assert "secret" not in json.dumps(notice.payload)
    assert notice.payload["data"]["object"]["list"] == [{"kept": 1}]


def test_what_is_of_a_connected_account_is_read_from_its_own_endpoint_alone(settings: Settings) -> None:
    settings.STRIPE_CONNECT_WEBHOOK_SECRETS = ["whsec_old", "whsec_connect"]
    of_account = json.dumps(EVENT | {"type": "account.updated", "account": "acct_1"}).encode()
    ours = json.dumps(EVENT).encode()

    notice = gateway.read_notice(of_account, sign(of_account, "whsec_connect"), now=NOW)

    assert (notice.type, notice.account) == ("account.updated", "acct_1")
    for body, secret in ((of_account, SECRET), (ours, "whsec_connect")):
        with pytest.raises(gateway.BadSignature):
            gateway.read_notice(body, sign(body, secret), now=NOW)


def test_what_is_not_signed_by_us_is_refused() -> None:
    body = json.dumps(EVENT).encode()
    good = sign(body)
    wrong = [
        (body, ""),
        (body, "nonsense"),
        (body, "t=,v1="),
        (body, "t=abc,v1=def"),
        (body, good + "é"),
        (body, good.replace("v1=", "v0=")),
        (body, sign(body, "whsec_three")),
        (body + b" ", good),
        (body.replace(b"pi_1", b"pi_2"), good),
        (json.dumps(EVENT, indent=1).encode(), good),
        (b"\xff\xfe", sign(b"\xff\xfe")),
        (b"", sign(b"")),
        (body, good + ",t=1"),
    ]
    for given_body, signature in wrong[:-1]:
        with pytest.raises(gateway.BadSignature):
            gateway.read_notice(given_body, signature, now=NOW)
    # A second time stamp changes nothing: the first one is the signed one.
    assert gateway.read_notice(*wrong[-1], now=NOW).id == "evt_1"


@pytest.mark.parametrize(("minutes", "taken"), [(-6, False), (-4, True), (0, True), (4, True), (6, False)])
def test_a_signature_is_good_for_five_minutes_either_way(minutes: int, taken: bool) -> None:
    body = json.dumps(EVENT).encode()
    signature = sign(body, at=NOW + timedelta(minutes=minutes))

    if taken:
        assert gateway.read_notice(body, signature, now=NOW).id == "evt_1"
    else:
        with pytest.raises(gateway.BadSignature):
            gateway.read_notice(body, signature, now=NOW)


def test_test_and_live_events_do_not_mix(settings: Settings) -> None:
    live = json.dumps(EVENT | {"livemode": True}).encode()
    with pytest.raises(gateway.BadSignature, match="mode"):
        gateway.read_notice(live, sign(live), now=NOW)

    settings.STRIPE_SECRET_KEY = "sk_live_x"
    assert gateway.read_notice(live, sign(live), now=NOW).livemode


def test_without_a_secret_nothing_is_believed(settings: Settings) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = []
    body = json.dumps(EVENT).encode()

    with pytest.raises(gateway.BadSignature):
        gateway.read_notice(body, sign(body), now=NOW)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{}", b"[" * 100_000, b'{"id": 1}', b"text"])
def test_signed_nonsense_is_refused(body: bytes) -> None:
    with pytest.raises(gateway.BadSignature):
        gateway.read_notice(body, sign(body), now=NOW)


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "\n", 5, {"a": 1}, True])
@pytest.mark.parametrize("place", ["id", "type", "account", "object"])
def test_texts_that_no_database_keeps_are_refused(place: str, text: object) -> None:
    told = {"data": {"object": {"id": text, "object": "refund"}}} if place == "object" else {place: text}
    body = json.dumps(EVENT | told).encode()

    with pytest.raises(gateway.BadSignature):
        gateway.read_notice(body, sign(body), now=NOW)


@pytest.mark.parametrize("created", [10**18, -(10**18), 10**400, 1e300, "soon", None])
def test_a_time_that_is_none_is_refused(created: object) -> None:
    body = json.dumps(EVENT | {"created": created}).encode()

    with pytest.raises(gateway.BadSignature):
        gateway.read_notice(body, sign(body), now=NOW)


@given(st.binary(max_size=60), st.text(max_size=60))
def test_any_body_and_header_are_refused_and_never_an_error(body: bytes, signature: str) -> None:
    with pytest.raises(gateway.BadSignature):
        gateway.read_notice(body, signature, now=NOW)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=8), below, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["id", "type", "created", "livemode", "data"]), json_values))
def test_any_signed_json_is_read_or_refused(changes: dict[str, Any]) -> None:
    body = json.dumps(EVENT | changes).encode()

    try:
        notice = gateway.read_notice(body, sign(body), now=NOW)
    except gateway.BadSignature:
        return
    assert isinstance(notice.id, str)
    assert isinstance(notice.object_id, str)


def test_the_simulators_webhooks_are_read(
    buyer: Buyer, stripe_server: StripeServer, settings: Settings
) -> None:
    hearer = Hearer()
    api = stripe_server.client().v1
    endpoint = api.webhook_endpoints.create(
        {"url": hearer.url, "enabled_events": ["payment_intent.succeeded"]}
    )
    settings.STRIPE_WEBHOOK_SECRETS = [endpoint.secret]
    try:
        intent = buyer.pay()
        hearer.wait(lambda heard: len(heard) == 1)
    finally:
        api.webhook_endpoints.delete(endpoint.id)
        hearer.stop()

    notice = gateway.read_notice(*hearer.heard[0], now=stripe_server.advance(0))

    assert (notice.type, notice.object_id) == ("payment_intent.succeeded", intent.id)
    assert gateway.retrieve(notice.object_id) == intent


def test_what_the_simulator_tells_of_a_connected_account_is_read(
    stripe_server: StripeServer, settings: Settings
) -> None:
    hearer = Hearer()
    api = stripe_server.client().v1
    endpoint = api.webhook_endpoints.create(
        {"url": hearer.url, "enabled_events": ["account.updated"], "connect": True}
    )
    settings.STRIPE_CONNECT_WEBHOOK_SECRETS = [endpoint.secret]
    try:
        account_id = uuid4()
        account = gateway.create_account(
            key=str(account_id), account_id=account_id, country="DE", email="mira@example.com"
        )
        stripe_server.account(account.id, "enabled")
        hearer.wait(lambda heard: len(heard) >= 1)
    finally:
        api.webhook_endpoints.delete(endpoint.id)
        hearer.stop()

    notice = gateway.read_notice(*hearer.heard[0], now=stripe_server.advance(0))

    assert (notice.type, notice.account, notice.object_id) == ("account.updated", account.id, account.id)


def test_the_event_log_is_read_page_by_page(buyer: Buyer) -> None:
    since = datetime.now(UTC) - timedelta(seconds=1)
    made = [buyer.pay().id for _ in range(3)]

    notices = gateway.events_since(since, types=["payment_intent.succeeded"])

    seen = [notice.object_id for notice in notices]
    assert [one for one in seen if one in made] == made[::-1]
    everything = list(gateway.events_since(since))
    assert {"payment_intent.created", "charge.succeeded"} <= {notice.type for notice in everything}
    assert all(notice.created >= since.replace(microsecond=0) for notice in everything)
    assert list(gateway.events_since(datetime.now(UTC) + timedelta(hours=1))) == []
