import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from commerce.models import User
from commerce.money import Money
from orders import fulfilment, models
from orders.carts import contents, policies
from orders.settling import payments as paying
from tests.orders import make
from tests.orders.make import after

pytestmark = pytest.mark.django_db

SCREENS = ("purchase", "order", "shipment", "payment", "refund", "hold", "commission")
AFTER_THE_SALE = ("return", "cancellation", "dispute")  # See tests/flows/test_aftersales_http.py.
OF_CARTS = ("carthold", "cartholder", "cartpolicy", "hoarder")
OF_PAYEES = ("proceeds", "payout", "reversal")  # See tests/flows/test_payouts.py.
OF_TARIFFS = ("shippingzone", "taxpolicy", "taxrate")
OF_THE_PROVIDER = ("discrepancy", "mark", "movement")  # In test_notices.


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
    order = shown.orders.get()
    parcel = {"carrier": "DHL", "tracking_number": "1", "tracking_url": ""}
    fulfilment.ship(merchant_id=order.merchant_id, order_id=order.id, now=after(4), **parcel)
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
    assert ours == {*SCREENS, *OF_CARTS, *OF_THE_PROVIDER, *AFTER_THE_SALE, *OF_PAYEES, *OF_TARIFFS}


@pytest.mark.parametrize("screen", OF_TARIFFS)
def test_operators_set_tax_and_shipping_for_merchants(operator: Client, screen: str) -> None:
    assert operator.get(reverse(f"admin:orders_{screen}_changelist")).status_code == 200
    assert operator.get(reverse(f"admin:orders_{screen}_add")).status_code == 200


# --- carts ---


@pytest.fixture
def held() -> models.CartHold:
    lipstick = make.variant()
    policies.set_policy(merchant_id=lipstick.merchant_id, hold_seconds=300, now=make.NOW)
    contents.add(buyer_id=make.user().id, variant_id=lipstick.id, quantity=2, stream_id=None, now=make.NOW)
    return models.CartHold.objects.get()


def test_the_screens_of_carts_show_what_is_held_and_for_whom(operator: Client, held: models.CartHold) -> None:
    for screen, row in (
        ("carthold", held),
        ("cartholder", models.CartHolder.objects.get()),
        ("cartpolicy", models.CartPolicy.objects.get()),
    ):
        assert operator.get(reverse(f"admin:orders_{screen}_changelist")).status_code == 200
        assert operator.get(reverse(f"admin:orders_{screen}_change", args=[row.pk])).status_code == 200
    for screen in ("carthold", "cartholder", "hoarder"):
        assert operator.get(reverse(f"admin:orders_{screen}_add")).status_code == 403


def test_an_operator_sets_changes_and_ends_a_policy(operator: Client) -> None:
    merchant = make.merchant()
    add = reverse("admin:orders_cartpolicy_add")

    wrong = operator.post(add, {"merchant": str(merchant.id), "hold_seconds": 5})
    assert wrong.status_code == 200, "the form says what is wrong"
    assert not models.CartPolicy.objects.exists()

    assert operator.post(add, {"merchant": str(merchant.id), "hold_seconds": 300}).status_code == 302
    change = reverse("admin:orders_cartpolicy_change", args=[merchant.id])
    assert operator.post(change, {"hold_seconds": 600}).status_code == 302
    assert models.CartPolicy.objects.get().hold_seconds == 600

    operator.post(reverse("admin:orders_cartpolicy_delete", args=[merchant.id]), {"post": "yes"})
    assert not models.CartPolicy.objects.exists()


def test_an_operator_bars_a_hoarder_and_pardons_her(operator: Client, held: models.CartHold) -> None:
    holder = models.CartHolder.objects.get()
    operator.post(
        reverse("admin:orders_cartholder_changelist"), {"action": "bar", "_selected_action": [holder.pk]}
    )
    row = models.Hoarder.objects.get()
    assert row.by is not None
    assert (row.buyer_id, row.merchant_id, row.by.email) == (
        held.buyer_id,
        held.merchant_id,
        "ops@example.com",
    )

    operator.post(
        reverse("admin:orders_hoarder_changelist"), {"action": "pardon", "_selected_action": [row.pk]}
    )
    assert not models.Hoarder.objects.exists()


def test_amounts_are_money_and_rows_lead_to_what_they_belong_to(
    operator: Client, sold: models.Purchase
) -> None:
    payment = models.Payment.objects.get(purchase=sold)
    money = str(Money(payment.amount, payment.currency))
    shown = operator.get(reverse("admin:orders_payment_change", args=[payment.pk])).content.decode()
    assert money in shown
    assert f">{payment.amount}<" not in shown
    booked = reverse("admin:commerce_ledgertransaction_changelist")
    assert f"{booked}?q={payment.pk}" in shown

    listed = operator.get(reverse("admin:orders_payment_changelist")).content.decode()
    assert money in listed
    assert reverse("admin:orders_purchase_change", args=[sold.pk]) in listed
    sale = operator.get(booked, {"q": str(sold.pk)}).content.decode()
    assert f"merchant:{models.Order.objects.get(purchase=sold).merchant}" in sale, "named, not numbered"
