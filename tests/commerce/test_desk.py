"""The kernel's screens of the merchant admin: members and joining, API keys, webhooks."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from commerce import merchantkeys
from commerce.models import (
    MemberInvitation,
    Merchant,
    MerchantKey,
    MerchantMember,
    User,
    WebhookDelivery,
    WebhookEndpoint,
)
from tests import apikeys
from tests.catalog import make
from tests.deskfolk import client_of, member_of

pytestmark = pytest.mark.django_db

PASSWORD = "a long enough password"


@pytest.fixture
def shop() -> Merchant:
    return make.merchant()


def send(client: Any, shop: Merchant, to: str, **body: Any) -> Any:
    return client.post(f"/merchant/{to}", {"merchant": str(shop.pk), **body})


def invite(client: Any, shop: Merchant, email: str = "bo@example.com", role: str = "catalog") -> str:
    """Invite somebody and return the link's path and query as the page shows it, once."""
    page = send(client, shop, "members/", email=email, role=role).content.decode()
    found = re.search(r'<code id="secret"[^>]*>([^<]+)</code>', page)
    assert found is not None, page
    link = urlsplit(found[1].replace("&amp;", "&"))
    return f"{link.path}?{link.query}"


def join(link: str, client: Client | None = None, **body: str) -> Any:
    token = link.partition("token=")[2]
    return (client or Client()).post("/merchant/join/", {"token": token, **body})


# --- members ---


def test_whoever_is_invited_makes_an_account_and_is_in(shop: Merchant) -> None:
    owner = client_of(shop)
    link = invite(owner, shop)
    visitor = Client()
    assert "Make your account" in visitor.get(link).content.decode()

    answer = join(link, visitor, name="Bo", password=PASSWORD)

    assert (answer.status_code, answer.url) == (302, "/merchant/")
    assert visitor.get("/merchant/").context["member"].role == "catalog"
    assert visitor.get("/merchant/members/").status_code == 403
    assert join(link, name="Eve", password=PASSWORD).status_code == 404
    assert "bo@example.com" in owner.get("/merchant/members/").content.decode()


def test_a_link_is_mailed_and_shown_once(shop: Merchant) -> None:
    owner = client_of(shop)

    link = invite(owner, shop)

    assert [letter.to for letter in mail.outbox] == [["bo@example.com"]]
    assert link in mail.outbox[0].body
    assert link.partition("token=")[2] not in owner.get("/merchant/members/").content.decode()


def test_without_mail_or_when_it_fails_the_owner_has_the_link(shop: Merchant, settings: Any) -> None:
    owner = client_of(shop)
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    page = send(owner, shop, "members/", email="bo@example.com", role="viewer").content.decode()
    assert "Send this link yourself" in page

    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    page = send(owner, shop, "members/", email="bo@example.com", role="viewer").content.decode()
    assert "Send this link yourself" in page


def test_who_has_an_account_joins_with_its_password(shop: Merchant) -> None:
    User.objects.create_user("bo@example.com", PASSWORD, name="Bo")
    link = invite(client_of(shop), shop)

    wrong = join(link, password="wrong")
    assert wrong.status_code == 400
    assert not shop.members.filter(user__email="bo@example.com").exists()

    assert join(link, password=PASSWORD).status_code == 302
    assert shop.members.get(user__email="bo@example.com").role == "catalog"


def test_passwords_cannot_be_tried_without_end_behind_a_link(shop: Merchant) -> None:
    User.objects.create_user("bo@example.com", PASSWORD, name="Bo")
    link = invite(client_of(shop), shop)
    for _ in range(10):
        join(link, password="wrong")

    answer = join(link, password=PASSWORD)

    assert answer.status_code == 400
    assert "Too many tries" in answer.content.decode()


def test_who_is_signed_in_as_somebody_else_does_not_join(shop: Merchant) -> None:
    link = invite(client_of(shop), shop)
    other = client_of(make.merchant())

    assert other.get(link).status_code == 403
    assert join(link, other).status_code == 403
    assert not shop.members.filter(user__email="bo@example.com").exists()


def test_an_invitation_that_is_over_is_a_page(shop: Merchant) -> None:
    link = invite(client_of(shop), shop)
    MemberInvitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    for answer in (Client().get(link), join(link), Client().get("/merchant/join/")):
        assert answer.status_code == 404
        assert "was used, was withdrawn or has expired" in answer.content.decode()


def test_a_weak_password_is_refused_in_the_form_and_nobody_is_made(shop: Merchant) -> None:
    link = invite(client_of(shop), shop)

    answer = join(link, name="Bo", password="123")

    assert answer.status_code == 400
    assert not User.objects.filter(email="bo@example.com").exists()


def test_roles_are_changed_and_members_removed_at_once(shop: Merchant) -> None:
    owner = client_of(shop)
    bo = member_of(shop, "catalog")
    hers = Client()
    hers.force_login(bo)
    assert hers.get("/merchant/imports/").status_code == 200

    send(owner, shop, f"members/{bo.pk}/role/", role="orders")
    assert send(hers, shop, "imports/").status_code == 403

    send(owner, shop, f"members/{bo.pk}/remove/")
    assert hers.get("/merchant/").status_code == 302


def test_the_last_owner_is_told_why_she_stays(shop: Merchant) -> None:
    client = client_of(shop)
    ana = MerchantMember.objects.get(merchant=shop).user_id

    for act, body in (
        (f"members/{ana}/role/", {"role": "viewer"}),
        (f"members/{ana}/remove/", {}),
        ("leave/", {}),
    ):
        page = client.post(f"/merchant/{act}", {"merchant": str(shop.pk), **body}, follow=True)
        assert "This is the last owner" in page.content.decode()
    assert MerchantMember.objects.get(merchant=shop).role == "owner"


def test_anybody_may_leave(shop: Merchant) -> None:
    client = client_of(shop, "viewer")

    assert send(client, shop, "leave/").status_code == 302
    assert client.get("/merchant/").status_code == 302


def test_a_withdrawn_link_opens_nothing(shop: Merchant) -> None:
    owner = client_of(shop)
    link = invite(owner, shop)

    send(owner, shop, f"invitations/{MemberInvitation.objects.get().pk}/withdraw/")

    assert Client().get(link).status_code == 404


@pytest.mark.parametrize("email", ["", "bo", "x" * 300 + "@example.com"])
def test_a_wrong_address_is_refused_in_the_form(shop: Merchant, email: str) -> None:
    answer = send(client_of(shop), shop, "members/", email=email, role="viewer")

    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()
    assert not MemberInvitation.objects.exists()


def test_operators_change_members_on_the_merchants_page_by_the_verbs(shop: Merchant) -> None:
    ana, bo = member_of(shop), member_of(shop, "viewer")
    operator = Client()
    operator.force_login(User.objects.create_superuser("ops@example.com", "x", name="Ops"))
    rows = list(shop.members.order_by("id"))
    assert [row.user for row in rows] == [ana, bo]
    form = {
        **{name: getattr(shop, name) for name in ("name", "slug", "logo_url", "currency", "risk_tier")},
        **{name: getattr(shop, name) for name in ("host_commission_bp", "platform_fee_bp")},
        **{name: getattr(shop, name) for name in ("cancel_seconds", "return_days")},
        "is_active": "on",
        **{f"{part}-{count}_FORMS": "0" for part in ("members", "keys") for count in ("TOTAL", "INITIAL")},
        "members-TOTAL_FORMS": "2",
        "members-INITIAL_FORMS": "2",
        **{f"members-{n}-id": rows[n].pk for n in (0, 1)},
        **{f"members-{n}-merchant": str(shop.pk) for n in (0, 1)},
        "members-0-role": "viewer",
        "members-1-role": "viewer",
    }
    address = f"/admin/commerce/merchant/{shop.pk}/change/"

    refused = operator.post(address, form, follow=True).content.decode()
    assert "The members stay as they were. This is the last owner" in refused

    handed = operator.post(address, {**form, "members-1-role": "owner"})
    assert handed.status_code == 302
    assert [row.role for row in shop.members.order_by("id")] == ["viewer", "owner"]


# --- keys ---


def made(client: Any, shop: Merchant, **more: Any) -> str:
    body = {"name": "Warehouse", "scopes": ["stock:write"], "networks": "", "expires_at": "", **more}
    page = send(client, shop, "keys/make/", **body).content.decode()
    found = re.search(r'<code id="secret"[^>]*>([^<]+)</code>', page)
    assert found is not None, page
    return found[1]


def opens(text: str) -> bool:
    return merchantkeys.of_text(text, now=timezone.now()) is not None


def test_a_key_is_made_shown_once_rotated_and_revoked(shop: Merchant) -> None:
    client = client_of(shop)
    text = made(client, shop, networks="203.0.113.0/24")
    key = MerchantKey.objects.get()
    assert (key.scopes, key.networks, key.merchant) == (["stock:write"], ["203.0.113.0/24"], shop)
    assert opens(text)
    assert text.partition(".")[2] not in client.get(f"/merchant/keys/{key.pk}/").content.decode()

    page = send(client, shop, f"keys/{key.pk}/rotate/", overlap="86400", prefix=text[:8]).content.decode()
    second = re.findall(r'<code id="secret"[^>]*>([^<]+)</code>', page)[0]
    assert opens(text)
    assert opens(second)
    stale = client.post(
        f"/merchant/keys/{key.pk}/rotate/",
        {"merchant": str(shop.pk), "overlap": "0", "prefix": text[:8]},
        follow=True,
    )
    assert "was rotated meanwhile" in stale.content.decode()

    send(client, shop, f"keys/{key.pk}/revoke/")
    assert not opens(text)
    assert not opens(second)
    events = key.events.order_by("at", "id").values_list("action", "person__email")
    who = MerchantMember.objects.get(merchant=shop).user.email
    assert list(events) == [("made", who), ("rotated", who), ("revoked", who)]


def test_a_key_is_changed(shop: Merchant) -> None:
    client = client_of(shop)
    key, _ = apikeys.key(shop)

    send(
        client,
        shop,
        f"keys/{key.pk}/",
        name="ERP",
        scopes=["orders:read"],
        networks="",
        expires_at="2030-01-01T00:00",
    )

    key.refresh_from_db()
    assert (key.name, key.scopes, key.expires_at and key.expires_at.isoformat()) == (
        "ERP",
        ["orders:read"],
        "2030-01-01T00:00:00+00:00",
    )


@pytest.mark.parametrize(
    "wrong",
    [{"name": ""}, {"scopes": []}, {"scopes": ["members"]}, {"networks": "x"}, {"expires_at": "soon"}],
)
def test_what_is_wrong_with_a_key_stands_in_the_form(shop: Merchant, wrong: dict[str, Any]) -> None:
    body = {"name": "ERP", "scopes": ["orders:read"], "networks": "", "expires_at": "", **wrong}

    answer = send(client_of(shop), shop, "keys/make/", **body)

    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()
    assert not MerchantKey.objects.exists()


# --- webhooks ---


def test_an_endpoint_is_added_tried_turned_off_and_replayed(shop: Merchant) -> None:
    client: Any = client_of(shop)
    answer = send(client, shop, "webhooks/", url="https://hooks.example.com/x", description="ERP")
    row = WebhookEndpoint.objects.get()
    assert answer.url == f"/merchant/webhooks/{row.pk}/"

    tried = send(client, shop, f"webhooks/{row.pk}/test/")
    sent = WebhookDelivery.objects.get()
    assert tried.url == f"/merchant/deliveries/{sent.pk}/"
    page = client.get(tried.url).content.decode()
    assert "webhook.test" in page
    assert "data-follow" in page

    send(client, shop, f"webhooks/{row.pk}/switch/")
    assert not WebhookEndpoint.objects.get().enabled
    refused = client.post(
        f"/merchant/webhooks/{row.pk}/test/", {"merchant": str(shop.pk)}, follow=True
    ).content.decode()
    assert "This endpoint is turned off" in refused
    send(client, shop, f"webhooks/{row.pk}/switch/", enabled="yes")

    WebhookDelivery.objects.update(status="failed", finished_at=timezone.now())
    send(client, shop, f"webhooks/{row.pk}/replay/", hours="24")
    assert WebhookDelivery.objects.get().status == "pending"


def test_an_address_that_nothing_is_sent_to_is_refused_in_the_form(shop: Merchant) -> None:
    answer = send(client_of(shop), shop, "webhooks/", url="http://127.0.0.1/x")

    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()


def test_an_endpoint_that_others_turned_off_waits_on_the_overview(shop: Merchant) -> None:
    client = client_of(shop)
    send(client, shop, "webhooks/", url="https://hooks.example.com/x", description="ERP")
    off = {"enabled": False, "off_at": timezone.now()}

    WebhookEndpoint.objects.update(off_reason="gone", **off)
    assert "webhook endpoint was turned off" in client.get("/merchant/").content.decode()

    WebhookEndpoint.objects.update(off_reason="merchant", **off)
    assert "Nothing waits for you" in client.get("/merchant/").content.decode()
