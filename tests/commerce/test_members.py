"""Who works for a merchant: invited, joined, changed, removed, written down, never without an owner."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from commerce import members
from commerce.merchantkeys import By
from commerce.models import MemberEvent, MemberInvitation, Merchant, MerchantMember, User
from commerce.scopes import OF_PEOPLE, ROLES, SCOPES, may

NOW = datetime(2030, 5, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def sol() -> Merchant:
    return Merchant.objects.create(name="Atelier Sol", slug="sol")


def user(email: str) -> User:
    return User.objects.create_user(email, "x", name=email.partition("@")[0].capitalize())


def member(merchant: Merchant, email: str, role: str) -> User:
    made = user(email)
    members.add(merchant_id=merchant.pk, user_id=made.pk, role=role, by=By())
    return made


@pytest.fixture
def ana(sol: Merchant) -> User:
    return member(sol, "ana@example.com", "owner")


def invited(merchant: Merchant, owner: User, email: str = "bo@example.com", role: str = "catalog") -> str:
    return members.invite(merchant_id=merchant.pk, email=email, role=role, now=NOW, by=By(owner.pk))[1]


def accept(secret: str, person: User, *, now: datetime = LATER) -> MerchantMember:
    return members.accept(secret=secret, user_id=person.pk, now=now, by=By(person.pk, "203.0.113.7"))


def roles(merchant: Merchant) -> dict[str, str]:
    return dict(merchant.members.values_list("user__email", "role"))


# --- roles ---


def test_roles_open_scopes_that_there_are_and_owners_all_of_them() -> None:
    for role, granted in ROLES.items():
        assert granted <= {*SCOPES, *OF_PEOPLE}, role
    assert ROLES["owner"] == {*SCOPES, *OF_PEOPLE}
    assert not any(may(ROLES[role], scope) for role in ROLES if role != "owner" for scope in OF_PEOPLE)
    assert not any(scope.endswith(":write") for scope in ROLES["viewer"])


def test_the_roles_of_the_database_are_those_of_the_table(sol: Merchant) -> None:
    assert set(MerchantMember._meta.get_field("role").choices or ()) == {(role, role) for role in ROLES}
    with pytest.raises(IntegrityError, match="member_role_is_known"), transaction.atomic():
        MerchantMember.objects.create(merchant=sol, user=user("x@example.com"), role="staff")


# --- invitations ---


def test_who_is_invited_joins_with_the_role_once(sol: Merchant, ana: User) -> None:
    secret = invited(sol, ana, " Bo@Example.com ")
    bo = user("bo@example.com")

    assert accept(secret, bo).role == "catalog"

    assert roles(sol) == {"ana@example.com": "owner", "bo@example.com": "catalog"}
    with pytest.raises(members.UnknownInvitation):
        accept(secret, bo)


def test_the_secret_of_an_invitation_is_kept_nowhere(sol: Merchant, ana: User) -> None:
    secret = invited(sol, ana)

    kept = str([list(model.objects.values()) for model in (MemberInvitation, MemberEvent)])
    assert secret not in kept
    assert len(MemberInvitation.objects.get().hashed) == 64


def test_an_invitation_is_for_one_address(sol: Merchant, ana: User) -> None:
    secret = invited(sol, ana)

    with pytest.raises(members.OtherAddress):
        accept(secret, user("eve@example.com"))

    accept(secret, user("bo@example.com"))


def test_an_invitation_expires_and_can_be_withdrawn(sol: Merchant, ana: User) -> None:
    secret, bo = invited(sol, ana), user("bo@example.com")
    with pytest.raises(members.UnknownInvitation):
        accept(secret, bo, now=NOW + members.INVITED_FOR)

    row = MemberInvitation.objects.get()
    members.withdraw(merchant_id=sol.pk, invitation_id=row.pk, now=LATER, by=By(ana.pk))

    with pytest.raises(members.UnknownInvitation):
        accept(secret, bo)


def test_inviting_again_makes_the_earlier_link_worthless(sol: Merchant, ana: User) -> None:
    first = invited(sol, ana)
    second = invited(sol, ana, role="orders")
    bo = user("bo@example.com")

    with pytest.raises(members.UnknownInvitation):
        accept(first, bo)
    assert accept(second, bo).role == "orders"


def test_an_inactive_merchants_invitation_opens_nothing(sol: Merchant, ana: User) -> None:
    secret = invited(sol, ana)
    Merchant.objects.update(is_active=False)

    with pytest.raises(members.UnknownInvitation):
        accept(secret, user("bo@example.com"))


@pytest.mark.parametrize("email", ["", "bo", "bo@", "a@b@c.de", "bo@example.com\nBcc: x@example.com"])
def test_only_addresses_are_invited(sol: Merchant, ana: User, email: str) -> None:
    with pytest.raises(members.BadEmail):
        invited(sol, ana, email)


def test_a_member_is_not_invited_again_and_roles_are_known(sol: Merchant, ana: User) -> None:
    with pytest.raises(members.AlreadyMember):
        invited(sol, ana, "ana@example.com")
    with pytest.raises(members.BadRole):
        invited(sol, ana, role="staff")


def test_there_is_an_end_to_inviting(sol: Merchant, ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "MOST", 2)
    invited(sol, ana)
    invited(sol, ana)  # In place of the first.

    with pytest.raises(members.TooManyMembers):
        invited(sol, ana, "cy@example.com")


# --- who may ---


@pytest.mark.parametrize("role", [role for role in ROLES if role != "owner"])
def test_only_owners_change_who_works_there(sol: Merchant, ana: User, role: str) -> None:
    bo = By(member(sol, "bo@example.com", role).pk)
    invited(sol, ana, "cy@example.com")
    row = MemberInvitation.objects.get()

    for refused in (
        lambda: members.invite(merchant_id=sol.pk, email="d@example.com", role="owner", now=NOW, by=bo),
        lambda: members.withdraw(merchant_id=sol.pk, invitation_id=row.pk, now=NOW, by=bo),
        lambda: members.change(merchant_id=sol.pk, user_id=bo.person_id or UUID(int=0), role="owner", by=bo),
        lambda: members.remove(merchant_id=sol.pk, user_id=ana.pk, by=bo),
    ):
        with pytest.raises(members.NotAnOwner):
            refused()
    assert roles(sol) == {"ana@example.com": "owner", "bo@example.com": role}


def test_another_merchants_members_are_not_found(sol: Merchant, ana: User) -> None:
    luna = Merchant.objects.create(name="Luna", slug="luna")
    member(luna, "bo@example.com", "owner")
    bo = User.objects.get(email="bo@example.com")
    member(luna, "cy@example.com", "owner")
    secret_row = members.invite(
        merchant_id=luna.pk, email="d@example.com", role="viewer", now=NOW, by=By(bo.pk)
    )[0]

    with pytest.raises(members.UnknownMember):
        members.remove(merchant_id=sol.pk, user_id=bo.pk, by=By(ana.pk))
    with pytest.raises(members.UnknownMember):
        members.change(merchant_id=sol.pk, user_id=bo.pk, role="viewer", by=By(ana.pk))
    with pytest.raises(members.UnknownInvitation):
        members.withdraw(merchant_id=sol.pk, invitation_id=secret_row.pk, now=NOW, by=By(ana.pk))
    with pytest.raises(members.NotAnOwner):
        members.remove(merchant_id=luna.pk, user_id=bo.pk, by=By(ana.pk))


# --- the last owner ---


def test_the_last_owner_stays_one(sol: Merchant, ana: User) -> None:
    with pytest.raises(members.LastOwner):
        members.change(merchant_id=sol.pk, user_id=ana.pk, role="viewer", by=By(ana.pk))
    with pytest.raises(members.LastOwner):
        members.remove(merchant_id=sol.pk, user_id=ana.pk, by=By(ana.pk))

    member(sol, "bo@example.com", "owner")
    members.remove(merchant_id=sol.pk, user_id=ana.pk, by=By(ana.pk))
    assert roles(sol) == {"bo@example.com": "owner"}


def test_an_owner_who_cannot_sign_in_does_not_count(sol: Merchant, ana: User) -> None:
    member(sol, "bo@example.com", "owner")
    User.objects.filter(email="bo@example.com").update(is_active=False)

    with pytest.raises(members.LastOwner):
        members.remove(merchant_id=sol.pk, user_id=ana.pk, by=By(ana.pk))


@pytest.mark.parametrize(
    "act",
    [
        lambda rows: rows.delete(),
        lambda rows: rows.update(role="viewer"),
        lambda rows: User.objects.filter(memberships__in=rows).delete(),
    ],
)
def test_the_database_keeps_an_owner_whoever_asks(sol: Merchant, ana: User, act: Any) -> None:
    rows = MerchantMember.objects.filter(user=ana)

    with pytest.raises(IntegrityError, match="left without an owner"), transaction.atomic():
        at_the_commit(act, rows)


def at_the_commit(act: Any, rows: Any) -> None:
    """Do it, and have the database look as it does when a transaction ends."""
    act(rows)
    connection.check_constraints()


def test_a_merchant_can_be_handed_over_within_one_transaction(sol: Merchant, ana: User) -> None:
    bo = member(sol, "bo@example.com", "viewer")
    with transaction.atomic():
        MerchantMember.objects.filter(user=ana).update(role="viewer")
        at_the_commit(lambda rows: rows.update(role="owner"), MerchantMember.objects.filter(user=bo))

    assert roles(sol) == {"ana@example.com": "viewer", "bo@example.com": "owner"}


# --- what is written down ---


def test_every_change_is_written_down_with_who_did_it(sol: Merchant, ana: User) -> None:
    secret = invited(sol, ana)
    bo = user("bo@example.com")
    accept(secret, bo)
    members.change(merchant_id=sol.pk, user_id=bo.pk, role="orders", by=By(ana.pk))
    members.change(merchant_id=sol.pk, user_id=bo.pk, role="orders", by=By(ana.pk))  # No change.
    members.remove(merchant_id=sol.pk, user_id=bo.pk, by=By(ana.pk))

    said = MemberEvent.objects.order_by("at", "id").values_list("action", "email", "person__email")
    assert list(said) == [
        ("added", "ana@example.com", None),
        ("invited", "bo@example.com", "ana@example.com"),
        ("joined", "bo@example.com", "bo@example.com"),
        ("changed", "bo@example.com", "ana@example.com"),
        ("removed", "bo@example.com", "ana@example.com"),
    ]
    joined = MemberEvent.objects.get(action="joined")
    assert (joined.address, joined.details) == ("203.0.113.7", {"role": "catalog"})


def test_what_was_done_to_members_cannot_be_changed(sol: Merchant, ana: User) -> None:
    for act in (
        lambda: MemberEvent.objects.update(email="x@example.com"),
        lambda: MemberEvent.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            act()
