"""The merchant admin's door: who comes in, at which merchant, and whose goods a form is for."""

from typing import Any

import pytest
from django.test import Client

from commerce import members, merchantsite
from commerce.merchantkeys import By
from commerce.models import Merchant, MerchantMember, User
from commerce.scopes import ROLES

pytestmark = pytest.mark.django_db

PASSWORD = "a long enough password"


def merchant(name: str = "Atelier Sol") -> Merchant:
    return Merchant.objects.create(name=name, slug=name.lower().replace(" ", "-"))


def member(of: Merchant, email: str = "ana@example.com", role: str = "owner") -> User:
    known = User.objects.filter(email=email).first()
    made = known or User.objects.create_user(email, PASSWORD, name="Ana")
    members.add(merchant_id=of.pk, user_id=made.pk, role=role, by=By())
    return made


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def switch(client: Client, to: Merchant, *, seen: Merchant) -> Any:
    return client.post("/merchant/switch/to/", {"to": str(to.pk), "merchant": str(seen.pk)})


def whose(client: Client) -> str:
    return str(client.get("/merchant/").context["merchant"].name)


def sign_in(email: str, password: str = PASSWORD) -> int:
    return Client().post("/merchant/login/", {"username": email, "password": password}).status_code


# --- the login ---


@pytest.mark.parametrize("role", ROLES)
def test_every_member_signs_in(role: str) -> None:
    sol = merchant()
    member(sol, "first@example.com")
    member(sol, "ANA@example.com".lower(), role) if role != "owner" else member(sol)

    assert sign_in("ANA@example.com") == 302
    assert sign_in("ana@example.com", "wrong") == 200


def test_shoppers_operators_and_people_of_inactive_merchants_are_refused() -> None:
    User.objects.create_user("shopper@example.com", PASSWORD, name="Noa")
    User.objects.create_superuser("ops@example.com", PASSWORD, name="Ops")
    gone = merchant("Gone")
    member(gone, "gone@example.com")
    Merchant.objects.filter(pk=gone.pk).update(is_active=False)

    for email in ("shopper@example.com", "ops@example.com", "gone@example.com"):
        assert sign_in(email) == 200
        assert signed_in(User.objects.get(email=email)).get("/merchant/").status_code == 302


def test_passwords_cannot_be_tried_without_end() -> None:
    member(merchant())
    for _ in range(10):
        sign_in("ana@example.com", "wrong")

    assert sign_in("ana@example.com") == 200


def test_whoever_is_removed_is_out_with_the_next_request() -> None:
    sol = merchant()
    member(sol, "first@example.com")
    client = signed_in(member(sol))
    assert client.get("/merchant/").status_code == 200

    MerchantMember.objects.filter(user__email="ana@example.com").delete()

    assert client.get("/merchant/").status_code == 302
    assert client.post("/merchant/switch/to/", {"merchant": str(sol.pk)}).status_code == 302


def test_a_merchant_who_is_made_inactive_locks_its_members_out() -> None:
    client = signed_in(member(merchant()))
    assert client.get("/merchant/").status_code == 200

    Merchant.objects.update(is_active=False)

    assert client.get("/merchant/").status_code == 302


# --- several merchants ---


def test_who_works_for_several_switches_and_the_session_remembers() -> None:
    luna, sol = merchant("Luna"), merchant("Sol")
    client = signed_in(member(luna))
    member(sol, role="owner")
    assert whose(client) == "Luna"

    assert switch(client, sol, seen=luna).status_code == 302

    assert whose(client) == "Sol"
    page = client.get("/merchant/switch/").content.decode()
    assert "Luna" in page
    assert "Switch to Luna" in page


def test_nobody_switches_to_a_merchant_of_others() -> None:
    luna, sol = merchant("Luna"), merchant("Sol")
    client = signed_in(member(luna))
    member(sol, "bo@example.com")

    for asked in (str(sol.pk), "", "x", "\x00"):
        answer = client.post("/merchant/switch/to/", {"to": asked, "merchant": str(luna.pk)})
        assert answer.status_code == 404
    assert whose(client) == "Luna"


def test_a_remembered_merchant_from_which_she_was_removed_is_not_shown() -> None:
    luna, sol = merchant("Luna"), merchant("Sol")
    client = signed_in(member(luna))
    member(sol)
    member(sol, "bo@example.com")
    switch(client, sol, seen=luna)

    MerchantMember.objects.filter(merchant=sol, user__email="ana@example.com").delete()

    assert whose(client) == "Luna"


def test_a_form_made_for_another_merchant_changes_nothing() -> None:
    luna, sol = merchant("Luna"), merchant("Sol")
    client = signed_in(member(luna))
    member(sol)
    switch(client, sol, seen=luna)

    answer = switch(client, luna, seen=luna)  # From a tab that shows Luna still.

    assert answer.status_code == 409
    assert "Nothing was changed" in answer.content.decode()
    assert whose(client) == "Sol"


def test_forms_without_their_proof_are_refused() -> None:
    sol = merchant()
    client = Client(enforce_csrf_checks=True)
    client.force_login(member(sol))

    assert switch(client, sol, seen=sol).status_code == 403


def test_screens_take_no_other_methods() -> None:
    client = signed_in(member(merchant()))

    for method in (client.put, client.patch, client.delete, client.options):
        assert method("/merchant/").status_code == 405
    assert client.post("/merchant/").status_code == 405


def test_an_address_that_is_not_there_is_a_page() -> None:
    client = signed_in(member(merchant()))

    assert client.get("/merchant/nowhere/").status_code == 404


def test_every_screen_says_what_it_needs_in_scopes_that_there_are() -> None:
    client = signed_in(member(merchant()))
    client.get("/merchant/")
    known = {merchantsite.EVERY_MEMBER, *ROLES["owner"]}

    assert merchantsite.desk.needs
    for name, needs in merchantsite.desk.needs.items():
        assert {needs.see, needs.change or merchantsite.EVERY_MEMBER} <= known, name
