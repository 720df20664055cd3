import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from commerce.models import User
from orders import models
from orders import payments as paying
from tests.orders import make
from tests.orders.make import after

pytestmark = pytest.mark.django_db

SCREENS = ("purchase", "order", "payment", "refund", "hold", "commission")


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("ops@example.com", "long enough 1", name="Ops"))
    return client


@pytest.fixture
def sold() -> models.Purchase:
    lipstick = make.variant(stocked=1)
    stream = make.show(lipstick)
    payment = make.sent(make.basket((lipstick, 1), stream=stream).go())
    paying.apply(intent=make.said(payment, "cancelled"), now=after(2))
    make.basket((lipstick, 1), stream=stream).go()
    paying.apply(intent=make.said(payment, "succeeded"), now=after(3))
    paid = make.basket((make.variant(), 1)).go()
    paying.apply(intent=make.said(make.sent(paid), "succeeded"), now=after(3))
    blush = make.variant()
    shown = make.basket((blush, 1), stream=make.show(blush)).go()
    paying.apply(intent=make.said(make.sent(shown), "succeeded"), now=after(3))
    return paid


@pytest.mark.parametrize("screen", SCREENS)
def test_every_screen_lists_and_shows(operator: Client, sold: models.Purchase, screen: str) -> None:
    listed = operator.get(reverse(f"admin:orders_{screen}_changelist"))
    assert listed.status_code == 200

    row = getattr(models, screen.capitalize()).objects.first()
    assert row is not None
    shown = operator.get(reverse(f"admin:orders_{screen}_change", args=[row.pk]))
    assert shown.status_code == 200


@pytest.mark.parametrize("screen", SCREENS)
def test_nothing_is_edited_by_hand(operator: Client, sold: models.Purchase, screen: str) -> None:
    row = getattr(models, screen.capitalize()).objects.first()
    assert row is not None
    assert operator.get(reverse(f"admin:orders_{screen}_add")).status_code == 403
    address = reverse(f"admin:orders_{screen}_change", args=[row.pk])
    assert operator.post(address, {"status": "paid", "amount": 1}).status_code == 403
    assert operator.post(reverse(f"admin:orders_{screen}_delete", args=[row.pk])).status_code == 403


def test_a_purchase_is_found_by_what_the_provider_calls_its_payment(
    operator: Client, sold: models.Purchase
) -> None:
    payment = sold.payments.get()
    for word in (str(sold.id), str(payment.provider_id), payment.charge_id, sold.buyer.email):
        page = operator.get(reverse("admin:orders_purchase_changelist"), {"q": word})
        assert [row.pk for row in page.context["cl"].queryset] == [sold.pk], word


def test_nonsense_in_the_search_finds_nothing(operator: Client, sold: models.Purchase) -> None:
    for screen in SCREENS:
        page = operator.get(reverse(f"admin:orders_{screen}_changelist"), {"q": "no such thing"})
        assert page.status_code == 200, screen


def test_hosts_and_shoppers_do_not_enter() -> None:
    client = Client()
    client.force_login(make.buyer())
    assert client.get(reverse("admin:orders_payment_changelist")).status_code == 302


def test_no_screen_is_forgotten() -> None:
    ours = {model._meta.model_name for model in admin.site._registry if model._meta.app_label == "orders"}
    assert ours == set(SCREENS)
