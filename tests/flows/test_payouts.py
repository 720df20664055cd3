"""Getting paid, through the doors: merchants, hosts, notices, operations and the command."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from commerce import gateway, payees
from commerce.models import ConnectedAccount, Host, Notice, User
from orders.models import Payout, Reversal
from orders.reconciling import notices
from tests import apikeys
from tests.orders import make
from tests.orders.selling import COMMISSION, PRICE, Trade
from tests.stripe_server import StripeServer

pytestmark = pytest.mark.django_db

BACK = {"return_url": "https://shop.example.com/paid", "refresh_url": "https://shop.example.com/again"}


@pytest.fixture
def shop() -> Any:
    """A merchant's own calls."""
    _, key = apikeys.key(make.merchant())

    def call(method: str, body: Any = None) -> Any:
        return getattr(Client(), method)(
            "/api/v1/payout-account",
            data=body,
            content_type="application/json",
            headers={"Authorization": f"Api-Key {key}"},
        )

    return call


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("ops@example.com", "long enough 1", name="Ops"))
    return client


def test_a_merchant_opens_its_account_and_is_told_its_state(shop: Any, stripe_server: StripeServer) -> None:
    assert shop("get").json()["state"] == "none"
    assert shop("post", BACK).json()["code"] == "COUNTRY_NEEDED"
    assert shop("post", {**BACK, "country": "DE", "return_url": "javascript:x"}).status_code == 400

    answer = shop("post", {**BACK, "country": "DE"})
    assert answer.status_code == 200, answer.content
    assert answer.json()["url"].startswith(stripe_server.url)
    seen = shop("get").json()
    assert (seen["state"], seen["country"]) == ("onboarding", "DE")
    assert "external_account" in seen["requirements_due"]
    assert shop("post", {**BACK, "country": "FR"}).json()["code"] == "OTHER_COUNTRY"
    again = shop("post", BACK)
    assert again.status_code == 200
    assert again.json()["url"] != answer.json()["url"]
    assert ConnectedAccount.objects.count() == 1


@pytest.mark.parametrize(
    ("kind", "state", "known"),
    [
        ("account.updated", "enabled", "enabled"),
        ("account.updated", "restricted", "restricted"),
        ("account.application.deauthorized", "deauthorized", "gone"),
    ],
)
def test_what_becomes_of_an_account_is_read_from_its_notices(
    shop: Any, stripe_server: StripeServer, kind: str, state: str, known: str
) -> None:
    shop("post", {**BACK, "country": "DE"})
    account = ConnectedAccount.objects.get()
    stripe_server.account(account.provider_id or "", state)
    told = gateway.Notice(
        id="evt_1",
        type=kind,
        created=timezone.now(),
        livemode=False,
        account=account.provider_id,
        object_kind="account",
        object_id=account.provider_id or "",
        payload={},
    )

    assert notices.record(notice=told, now=timezone.now())
    notices.read(notice_id=Notice.objects.get().pk, now=timezone.now())
    account.refresh_from_db()
    assert account.state == known
    assert shop("get").json()["state"] == known
    if known == "gone":
        assert shop("post", BACK).json()["code"] == "PAYOUT_ACCOUNT_GONE"


def test_a_host_sets_up_where_she_is_paid(stripe_server: StripeServer) -> None:
    host: Host = make.host()
    client = Client()
    client.force_login(host.user)
    page = reverse("studio:payout")
    assert "Not set up" in client.get(page).content.decode()
    for country in ("??", "Denmark"):  # Not Germany.
        assert "Say in which country" in client.post(page, {"country": country}).content.decode()

    answer = client.post(page, {"country": "de"})
    assert f'href="{stripe_server.url}/sheet/onboarding?link=' in answer.content.decode()
    account = payees.of(payees.Owner(host_id=host.id))
    assert account is not None
    stripe_server.account(account.provider_id or "", "enabled")
    text = client.get(page + "?back").content.decode()
    assert 'data-account="enabled"' in text


def test_operations_see_who_would_be_paid_and_pay(operator: Client, stripe_server: StripeServer) -> None:
    trade = Trade(stripe_server)
    trade.sell()
    trade.sell(earned=False)
    ConnectedAccount.objects.filter(pk=trade.merchant.pk).update(state="restricted", requirements_due=["x.y"])
    page = reverse("admin:orders_payout_outlook")

    text = operator.get(page).content.decode()
    assert 'data-why="ready"' in text and 'data-why="not_onboarded"' in text
    assert "(x.y)" in text
    out = StringIO()
    call_command("payout", "--dry-run", stdout=out)
    assert "ready" in out.getvalue() and "1 of 2 would be paid. Nothing was done." in out.getvalue()
    assert not Payout.objects.exists()

    assert operator.post(page).status_code == 302
    assert Payout.objects.get().amount == COMMISSION
    assert 'data-why="sending"' in operator.get(page).content.decode()
    for screen in ("payout", "proceeds"):
        assert operator.get(reverse(f"admin:orders_{screen}_changelist")).status_code == 200
    assert (
        operator.get(reverse("admin:orders_payout_change", args=[Payout.objects.get().pk])).status_code == 200
    )
    assert operator.get(reverse("admin:commerce_connectedaccount_changelist")).status_code == 200


def test_operations_take_back_what_a_payee_owes(operator: Client, stripe_server: StripeServer) -> None:
    trade = Trade(stripe_server)
    order = trade.sell()
    trade.pay(trade.host)
    trade.refund(order, PRICE)
    page = reverse("admin:orders_payout_outlook")
    asked = f"{trade.host.id} EUR"
    assert f'name="take_back" value="{asked}"' in operator.get(page).content.decode()

    said = operator.post(page, {"take_back": asked}, follow=True).content.decode()
    assert "2.00 EUR are taken back." in said and 'name="take_back"' not in said
    row = Reversal.objects.get()
    assert (row.amount, row.decided_by and row.decided_by.name) == (COMMISSION, "Ops")
    assert (
        "nothing to take back now" in operator.post(page, {"take_back": asked}, follow=True).content.decode()
    )
    for nonsense in ("", "x EUR", f"{order.id} EUR"):
        said = operator.post(page, {"take_back": nonsense}, follow=True).content.decode()
        assert "no such payee" in said
    assert operator.get(reverse("admin:orders_reversal_changelist")).status_code == 200
    assert operator.get(reverse("admin:orders_reversal_change", args=[row.pk])).status_code == 200


def test_only_those_who_may_see_payouts_see_them(stripe_server: StripeServer) -> None:
    helper = User.objects.create_user("help@example.com", "long enough 1", name="Help", is_staff=True)
    client = Client()
    client.force_login(helper)
    assert client.get(reverse("admin:orders_payout_outlook")).status_code == 403
    assert client.post(reverse("admin:orders_payout_outlook")).status_code == 403


def test_the_command_pays_and_the_statement_shows_it(stripe_server: StripeServer) -> None:
    trade = Trade(stripe_server)
    order = trade.sell()
    call_command("payout", stdout=StringIO())
    assert set(Payout.objects.values_list("status", flat=True)) == {"paid"}

    _, key = apikeys.key(order.merchant)
    period = {"since": "2020-01-01T00:00:00Z", "until": "2040-01-01T00:00:00Z"}
    answer = Client().get("/api/v1/statement", period, headers={"Authorization": f"Api-Key {key}"})
    rows = [line.split(",") for line in answer.content.decode().splitlines()]
    kinds = [(row[1], row[3], row[4], row[6]) for row in rows[1:]]
    assert kinds == [
        ("opening", "", "0.00", "pending"),
        ("sale", "17.00", "17.00", "pending"),
        ("proceeds.earned", "-17.00", "0.00", "pending"),
        ("closing", "", "0.00", "pending"),
        ("opening", "", "0.00", "payable"),
        ("proceeds.earned", "17.00", "17.00", "payable"),
        ("transfer.owed", "-17.00", "0.00", "payable"),
        ("closing", "", "0.00", "payable"),
    ]
