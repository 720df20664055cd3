"""The sidebar of the operations admin."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from commerce.models import User
from config import menu


def test_every_screen_stands_in_the_menu_once() -> None:
    shown = [named for screens in menu.SCREENS.values() for _, _, named in screens]

    assert sorted(shown) == sorted(each._meta.label_lower for each in admin.site._registry)


@pytest.mark.django_db
def test_an_operator_is_shown_what_she_may_see(client: Client) -> None:
    operator = User.objects.create_user("ops@shop.example", "a-long-enough-one", name="Ops", is_staff=True)
    operator.user_permissions.add(Permission.objects.get(codename="view_payment"))
    client.force_login(operator)

    page = client.get(reverse("admin:index")).content.decode()

    assert reverse("admin:orders_payment_changelist") in page
    assert reverse("admin:commerce_ledgertransaction_trial_balance") not in page
    assert reverse("admin:streams_stream_changelist") not in page
