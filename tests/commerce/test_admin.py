"""The operations admin: every screen opens, keys are shown once, and what happened cannot be edited."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db import transaction
from django.test import Client, RequestFactory
from django.urls import reverse

from commerce import ledger, merchantkeys, outbox
from commerce.models import Event, LedgerTransaction, Merchant, MerchantKey, MerchantKeyEvent, User
from commerce.money import Money
from streams import chat, shows
from streams.models import ChatMessage, Stream
from tests import apikeys
from tests.streams import make

pytestmark = pytest.mark.django_db

NOW = datetime(2030, 5, 1, tzinfo=UTC)


@pytest.fixture
def operator() -> User:
    return User.objects.create_superuser("ops@example.com", "a long enough password", name="Ops")


@pytest.fixture
def client(operator: User) -> Client:
    client = Client()
    client.force_login(operator)
    return client


def act(client: Client, model: type[Any], action: str, *rows: Any) -> Any:
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return client.post(
        address, {"action": action, "_selected_action": [str(row.pk) for row in rows]}, follow=True
    )


def test_every_list_and_every_form_opens_with_rows_in_it(client: Client) -> None:
    stream = make.show(products=(make.product(),))
    make.offer(stream)
    with transaction.atomic():
        ledger.post(kind="test", ref=str(uuid4()), postings=[("a", Money(5, "EUR")), ("b", Money(-5, "EUR"))])

    asked = RequestFactory().get("/")
    for model, screen in admin.site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        assert client.get(reverse(f"{name}_changelist")).status_code == 200, model
        assert client.get(reverse(f"{name}_changelist"), {"q": "x"}).status_code == 200, model
        new = client.get(reverse(f"{name}_add"))
        assert new.status_code in (200, 403) and b"DatabaseDefault" not in new.content, model
        # What the screen lists: some show a part of a table alone.
        row = screen.get_queryset(asked).first()
        if row is not None:
            assert client.get(reverse(f"{name}_change", args=[row.pk])).status_code == 200, model


def test_an_api_key_is_shown_once_and_works(client: Client) -> None:
    merchant = Merchant.objects.create(name="Atelier Sol", slug="sol")

    answer = client.post(
        reverse("admin:commerce_merchantkey_add"),
        {"merchant": str(merchant.id), "name": "Feed", "scopes": ["orders:read"], "networks": "203.0.113.7"},
        follow=True,
    )

    [message] = [str(each) for each in answer.context["messages"] if "copy it now" in str(each)]
    key = message.split(": ", 1)[1].split(" ", 1)[0]
    made = merchantkeys.of_text(key, now=NOW)
    assert made is not None
    assert made.key == MerchantKey.objects.get(merchant=merchant)
    assert (made.key.scopes, made.key.networks) == (["orders:read"], ["203.0.113.7/32"])
    again = client.get(reverse("admin:commerce_merchantkey_change", args=[made.key.pk])).content.decode()
    assert key not in again
    assert made.prefix in again


def test_a_key_needs_scopes_that_there_are_and_networks_that_can_be_read(client: Client) -> None:
    merchant = Merchant.objects.create(name="Atelier Sol", slug="sol")
    good = {"merchant": str(merchant.id), "name": "Feed", "scopes": ["orders:read"], "networks": ""}

    wrongs: list[dict[str, Any]] = [
        *({"scopes": []}, {"scopes": ["all"]}),
        *({"networks": "203.0.113.7/24"}, {"networks": "home"}),
    ]
    for wrong in wrongs:
        client.post(reverse("admin:commerce_merchantkey_add"), good | wrong)

    assert not MerchantKey.objects.exists()


def test_a_revoked_key_stays_revoked(client: Client, operator: User) -> None:
    key, text = apikeys.key(Merchant.objects.create(name="Atelier Sol", slug="sol"))

    act(client, MerchantKey, "revoke_chosen", key)
    address = reverse("admin:commerce_merchantkey_change", args=[key.pk])
    answer = client.post(address, {"name": "Feed", "scopes": ["orders:read"], "networks": ""})

    assert answer.status_code == 403
    assert client.get(address).status_code == 200
    assert merchantkeys.of_text(text, now=NOW) is None
    made, revoked = MerchantKeyEvent.objects.order_by("id")
    assert (made.person, revoked.action) == (None, "revoked")
    assert (revoked.person, revoked.address) == (operator, "127.0.0.1")


def test_a_key_is_changed_and_stays_its_merchants(client: Client) -> None:
    merchant = Merchant.objects.create(name="Atelier Sol", slug="sol")
    other = Merchant.objects.create(name="Other", slug="other")
    key, text = apikeys.key(merchant)

    client.post(
        reverse("admin:commerce_merchantkey_change", args=[key.pk]),
        {"merchant": str(other.id), "name": "Feed", "scopes": ["stock:write"], "networks": "2001:db8::/32"}
        | {"expires_at_0": "2031-01-01", "expires_at_1": "00:00:00"}
        | {f"{rows}-{count}_FORMS": 0 for rows in ("secrets", "events") for count in ("TOTAL", "INITIAL")},
    )

    found = merchantkeys.of_text(text, now=NOW)
    assert found is not None
    assert (found.key.merchant, found.key.scopes) == (merchant, ["stock:write"])
    assert MerchantKeyEvent.objects.get(action="changed").details["networks"] == [[], ["2001:db8::/32"]]


def test_a_rotated_key_shows_its_new_secret_once_and_keeps_the_old_one_for_a_while(client: Client) -> None:
    key, old = apikeys.key(Merchant.objects.create(name="Atelier Sol", slug="sol"))
    address = reverse("admin:commerce_merchantkey_rotate", args=[key.pk])
    asked = {"replaced": old[:8], "until_0": "2030-06-01", "until_1": "00:00:00"}
    assert client.get(address).status_code == 200

    shown = client.post(address, asked)
    again = client.post(address, asked)

    new = shown.context["text"]
    assert new in shown.content.decode()
    assert "no-store" in shown["Cache-Control"]
    assert merchantkeys.AlreadyRotated.message in again.content.decode()
    assert merchantkeys.of_text(new, now=NOW) is not None
    assert merchantkeys.of_text(old, now=NOW) is not None
    assert merchantkeys.of_text(old, now=datetime(2030, 6, 1, tzinfo=UTC)) is None
    assert client.get(reverse("admin:commerce_merchantkey_rotate", args=[uuid4()])).status_code == 404


def test_only_who_may_change_keys_makes_rotates_and_revokes_them(client: Client, operator: User) -> None:
    key, text = apikeys.key(Merchant.objects.create(name="Atelier Sol", slug="sol"))
    User.objects.filter(pk=operator.pk).update(is_superuser=False, is_staff=True)
    operator.user_permissions.add(Permission.objects.get(codename="view_merchantkey"))
    rotated = client.post(
        reverse("admin:commerce_merchantkey_rotate", args=[key.pk]),
        {"replaced": text[:8], "until_0": "2030-06-01", "until_1": "00:00:00"},
    )
    act(client, MerchantKey, "revoke_chosen", key)

    assert rotated.status_code in (302, 403)
    assert key.secrets.count() == 1
    assert MerchantKey.objects.get().revoked_at is None
    assert client.get(reverse("admin:commerce_merchantkey_add")).status_code == 403


def test_a_quarantined_event_is_tried_again(client: Client) -> None:
    with transaction.atomic():
        outbox.record(name="thing.happened", payload={}, key="stuck")
        outbox.record(name="thing.happened", payload={}, key="done")
    Event.objects.filter(key="stuck").update(quarantined_at=NOW, attempts=10)
    Event.objects.filter(key="done").update(delivered_at=NOW)

    act(client, Event, "try_again", *Event.objects.all())

    stuck, done = Event.objects.get(key="stuck"), Event.objects.get(key="done")
    assert (stuck.quarantined_at, stuck.attempts) == (None, 0)
    assert done.delivered_at == NOW


def test_the_books_cannot_be_edited(client: Client) -> None:
    with transaction.atomic():
        ledger.post(kind="test", ref=str(uuid4()), postings=[("a", Money(5, "EUR")), ("b", Money(-5, "EUR"))])
    row = LedgerTransaction.objects.get()

    assert (
        client.post(reverse("admin:commerce_ledgertransaction_change", args=[row.pk]), {}).status_code == 403
    )
    assert (
        client.post(reverse("admin:commerce_ledgertransaction_delete", args=[row.pk]), {}).status_code == 403
    )
    assert client.get(reverse("admin:commerce_ledgertransaction_add")).status_code == 403


def test_an_operator_ends_a_show_of_a_host_who_is_not_active_any_more(client: Client, operator: User) -> None:
    stream, planned = make.show(), make.show(live=False)
    stream.host.is_active = False
    stream.host.save()

    act(client, Stream, "end", stream, planned)

    stream.refresh_from_db()
    planned.refresh_from_db()
    assert (stream.status, planned.status) == ("ended", "scheduled")
    assert stream.moves.get(new="ended").by == operator


def test_an_operator_takes_a_line_down(client: Client, operator: User) -> None:
    stream = make.show()
    chat.say(stream_id=stream.id, author_id=make.user().id, key=uuid4(), text="Spam", now=NOW)

    act(client, ChatMessage, "take_down", ChatMessage.objects.get())

    assert ChatMessage.objects.get().removed_by == operator


def test_staff_who_may_only_look_cannot_step_in() -> None:
    looker = User.objects.create_user("look@example.com", "a long enough password", name="L", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_stream"))
    client, stream = Client(), make.show()
    client.force_login(looker)

    assert client.get(reverse("admin:streams_stream_changelist")).status_code == 200
    act(client, Stream, "end", stream)

    stream.refresh_from_db()
    assert stream.status == "live"
    assert shows.end(host_id=stream.host_id, stream_id=stream.id, now=NOW).status == "ended"
