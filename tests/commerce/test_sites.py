"""Who may enter the studio and the operations admin."""

import pytest
from django.test import Client

from commerce.models import Host, User

pytestmark = pytest.mark.django_db

PASSWORD = "a long enough password"


def user(email: str, **fields: bool) -> User:
    return User.objects.create_user(email, PASSWORD, name="Mira", **fields)


def host(email: str = "mira@example.com", *, is_active: bool = True) -> Host:
    return Host.objects.create(user=user(email), name="Mira", slug="mira", is_active=is_active)


def sign_in(email: str, password: str = PASSWORD, *, at: str = "/studio/login/") -> int:
    return Client().post(at, {"username": email, "password": password}).status_code


def test_a_host_signs_in_whatever_the_case_of_her_address() -> None:
    host()

    assert sign_in("MIRA@example.com") == 302


def test_a_wrong_password_is_refused() -> None:
    host()

    assert sign_in("mira@example.com", "wrong") == 200


def test_a_shopper_an_operator_and_an_inactive_host_are_refused() -> None:
    user("shopper@example.com")
    user("ops@example.com", is_staff=True, is_superuser=True)
    host("gone@example.com", is_active=False)

    for email in ("shopper@example.com", "ops@example.com", "gone@example.com"):
        assert sign_in(email) == 200


def test_a_host_is_not_let_into_the_operations_admin() -> None:
    host()

    assert sign_in("mira@example.com", at="/admin/login/") == 200


@pytest.mark.parametrize("site", ["studio", "admin"])
def test_passwords_cannot_be_tried_without_end(site: str) -> None:
    host()
    for _ in range(10):
        sign_in("mira@example.com", "wrong", at=f"/{site}/login/")

    answer = Client().post(f"/{site}/login/", {"username": "mira@example.com", "password": PASSWORD})

    assert answer.status_code == 200
    assert "Too many tries" in answer.content.decode()


def test_the_studio_after_signing_out_asks_again() -> None:
    client = Client()
    client.force_login(host().user)
    assert client.get("/studio/earnings/").status_code == 200

    client.post("/studio/logout/")

    assert client.get("/studio/earnings/").status_code == 302


@pytest.mark.parametrize("site", ["studio", "merchant"])
def test_a_wrong_password_is_called_that_and_nobody_is_asked_to_be_staff(site: str) -> None:
    answer = Client().post(f"/{site}/login/", {"username": "mira@example.com", "password": "wrong"})
    said = answer.content.decode()
    assert "Please enter a correct" in said
    assert "staff" not in said
