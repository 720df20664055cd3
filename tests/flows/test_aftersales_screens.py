"""Operations give money back, see the books and download evidence on their screens."""

from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from commerce import gateway
from commerce.models import User
from orders.models import OrderLine, Purchase, Refund
from tests.flows.aftersales import asked_back, contested, sold
from tests.orders import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("ops@example.com", "long enough 1", name="Ops"))
    return client


def test_operations_give_money_back(operator: Client) -> None:
    order = sold()
    line = OrderLine.objects.get()
    page = reverse("admin:orders_order_give_back", args=[order.pk])
    shown = operator.get(page)
    assert shown.status_code == 200
    assert "30.00 EUR" in shown.content.decode()

    bad = operator.post(page, {f"units-{line.id}": "9", "reason": "x"})
    assert (bad.status_code, Refund.objects.count()) == (200, 0)
    done = operator.post(page, {f"units-{line.id}": "1", "amount": "7.50", "reason": "scratched"})

    assert done.status_code == 302
    refund = Refund.objects.get()
    assert (refund.amount, refund.by, refund.decided_by and refund.decided_by.name) == (
        750,
        "operator",
        "Ops",
    )
    assert make.broken() == []


def test_only_those_who_may_give_money_back(operator: Client) -> None:
    order = sold()
    helper = User.objects.create_user("help@example.com", "long enough 1", name="Help", is_staff=True)
    client = Client()
    client.force_login(helper)
    for page in (
        reverse("admin:orders_order_give_back", args=[order.pk]),
        reverse("admin:commerce_ledgertransaction_trial_balance"),
        reverse("admin:orders_dispute_evidence_text", args=[contested(order).pk]),
    ):
        assert client.post(page, {"reason": "x"}).status_code == 403
    assert not Refund.objects.exists()


def test_operations_see_the_trial_balance(operator: Client) -> None:
    sold()
    page = reverse("admin:commerce_ledgertransaction_trial_balance")
    text = operator.get(page).content.decode()
    assert "30.00 EUR" in text
    assert "-25.50 EUR" in text
    assert 'data-currency="EUR"' in text
    long_ago = operator.get(page, {"at": "2001-01-01T00:00"}).content.decode()
    assert "Nothing was posted" in long_ago
    assert operator.get(page, {"at": "2001-13-45T00:00"}).status_code == 200
    # An offset that PostgreSQL takes none of, and a moment before the first.
    assert "Nothing was posted" in operator.get(page, {"at": "2001-01-01T00:00+23:59"}).content.decode()
    assert operator.get(page, {"at": "0001-01-01T00:00+14:00"}).status_code == 200


def test_operations_download_evidence(operator: Client) -> None:
    dispute = contested(sold())
    text = operator.get(reverse("admin:orders_dispute_evidence_text", args=[dispute.pk]))
    assert text["Content-Disposition"] == f'attachment; filename="{dispute.provider_id}.txt"'
    assert "Velvet lipstick" in text.content.decode()
    assert operator.get(reverse("admin:orders_dispute_evidence_json", args=[dispute.pk])).json()["orders"]
    assert operator.get(reverse("admin:orders_dispute_send_evidence", args=[dispute.pk])).status_code == 200
    for screen in ("dispute", "return", "cancellation"):
        assert operator.get(reverse(f"admin:orders_{screen}_changelist")).status_code == 200
    assert operator.get(reverse("admin:orders_dispute_change", args=[dispute.pk])).status_code == 200
    assert Purchase.objects.count() == 1


def test_a_button_pressed_twice_gives_back_once(operator: Client) -> None:
    page = reverse("admin:orders_order_give_back", args=[sold().pk])
    key = operator.get(page).context["form"]["key"].value()
    asked = {"amount": "5.00", "reason": "scratched", "key": str(key)}

    assert [operator.post(page, asked).status_code for _ in range(2)] == [302, 302]
    assert Refund.objects.get().amount == 500
    other = operator.post(page, {**asked, "amount": "6.00"})
    assert "This form was sent before" in other.content.decode()
    again = operator.post(page, {**asked, "key": str(uuid4())})
    assert (again.status_code, Refund.objects.count()) == (302, 2)


@pytest.mark.parametrize("unknown", ["frog", "0", "00000000-0000-0000-0000-000000000000"])
def test_screens_of_what_does_not_exist_are_not_found(operator: Client, unknown: str) -> None:
    for name in (
        "order_give_back",
        "dispute_evidence_text",
        "dispute_evidence_json",
        "dispute_send_evidence",
    ):
        page = reverse(f"admin:orders_{name}", args=[unknown])
        assert [operator.get(page).status_code, operator.post(page).status_code] == [404, 404]


def test_evidence_that_the_provider_does_not_take_is_told(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise gateway.Refused("This dispute is closed.")

    order = sold()
    dispute = contested(order)
    monkeypatch.setattr(gateway, "retrieve_dispute", lambda _: asked_back(order))
    monkeypatch.setattr(gateway, "submit_evidence", refuse)
    page = reverse("admin:orders_dispute_send_evidence", args=[dispute.pk])

    assert "This dispute is closed." in operator.post(page, follow=True).content.decode()
    dispute.refresh_from_db()
    assert dispute.submitted_at is None
