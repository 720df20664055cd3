"""Two owners at the same moment, each taking the other's ownership away: one of them stays an owner."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from commerce import errors, members
from commerce.merchantkeys import By
from commerce.models import Merchant, MerchantMember, User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def owners() -> tuple[UUID, UUID, UUID]:
    """A merchant and its two owners."""
    merchant = Merchant.objects.create(name="Atelier Sol", slug="sol")
    people = [User.objects.create_user(f"{name}@example.com", "x", name=name) for name in ("ana", "bo")]
    for person in people:
        members.add(merchant_id=merchant.pk, user_id=person.pk, role="owner", by=By())
    return merchant.pk, people[0].pk, people[1].pk


def meanwhile(act: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    """Start the act in a thread and return both, with what it raised."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            act()
        except (IntegrityError, errors.Refusal) as error:
            outcome.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, outcome


def both_leave(owners: tuple[UUID, UUID, UUID], *, waits: bool = True) -> list[Any]:
    """Let one owner leave while the other one's leaving is not committed yet; return what she met with."""
    merchant_id, ana, bo = owners
    with transaction.atomic():
        members.remove(merchant_id=merchant_id, user_id=ana, by=By(ana))
        thread, outcome = meanwhile(lambda: members.remove(merchant_id=merchant_id, user_id=bo, by=By(bo)))
        thread.join(1)
        assert thread.is_alive() == waits
    thread.join(30)
    assert not thread.is_alive()
    return outcome


def left() -> int:
    return MerchantMember.objects.filter(role="owner").count()


def test_of_two_owners_who_leave_at_once_one_is_the_last_and_stays(owners: tuple[UUID, UUID, UUID]) -> None:
    assert [type(error) for error in both_leave(owners)] == [members.LastOwner]
    assert left() == 1


def without_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "_lock", lambda merchant_id, by=None: None)


def test_without_the_verbs_lock_the_database_still_keeps_one(
    owners: tuple[UUID, UUID, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    without_lock(monkeypatch)
    with pytest.raises(IntegrityError, match="left without an owner"):
        # The one in the thread does not wait and commits first.
        both_leave(owners, waits=False)
    assert left() == 1


def test_control_without_lock_and_trigger_nobody_is_left(
    owners: tuple[UUID, UUID, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    without_lock(monkeypatch)
    switch = "ALTER TABLE commerce_merchantmember {} TRIGGER merchantmember_keeps_an_owner"
    with connection.cursor() as cursor:
        cursor.execute(switch.format("DISABLE"))
    try:
        assert both_leave(owners, waits=False) == []
    finally:
        with connection.cursor() as cursor:
            cursor.execute(switch.format("ENABLE"))
    assert left() == 0


def test_two_triggers_at_once_wait_for_each_other(owners: tuple[UUID, UUID, UUID]) -> None:
    """Plain statements, without any verb: what the trigger's own lock is for."""
    _, ana, bo = owners
    with transaction.atomic():
        MerchantMember.objects.filter(user=ana).delete()
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # Seen while the other owner is still there.
        thread, outcome = meanwhile(lambda: MerchantMember.objects.filter(user=bo).delete())
        thread.join(1)
        assert thread.is_alive()
    thread.join(30)
    assert [type(error) for error in outcome] == [IntegrityError]
    assert left() == 1


def test_control_triggers_without_their_lock_let_both_leave(owners: tuple[UUID, UUID, UUID]) -> None:
    _, ana, bo = owners
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef('commerce_merchantmember_keeps_an_owner()'::regprocedure)")
        as_it_is = cursor.fetchone()[0]
        without = as_it_is.replace("FOR NO KEY UPDATE", "")
        assert without != as_it_is
        cursor.execute(without)
    try:
        with transaction.atomic():
            MerchantMember.objects.filter(user=ana).delete()
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            thread, outcome = meanwhile(lambda: MerchantMember.objects.filter(user=bo).delete())
            thread.join(30)
            assert not thread.is_alive()
    finally:
        with connection.cursor() as cursor:
            cursor.execute(as_it_is)
    assert outcome == []
    assert left() == 0


def test_whoever_was_removed_a_moment_ago_changes_nothing_any_more(
    owners: tuple[UUID, UUID, UUID],
) -> None:
    merchant_id, ana, bo = owners
    cy = User.objects.create_user("cy@example.com", "x", name="cy")
    members.add(merchant_id=merchant_id, user_id=cy.pk, role="owner", by=By())
    with transaction.atomic():
        members.remove(merchant_id=merchant_id, user_id=bo, by=By(ana))
        thread, outcome = meanwhile(lambda: members.remove(merchant_id=merchant_id, user_id=ana, by=By(bo)))
        thread.join(1)
        assert thread.is_alive()
    thread.join(30)
    assert [type(error) for error in outcome] == [members.NotAnOwner]


def test_an_invitation_is_used_once_by_two_at_the_same_moment(owners: tuple[UUID, UUID, UUID]) -> None:
    merchant_id, ana, _ = owners
    now = timezone.now()
    _, secret = members.invite(
        merchant_id=merchant_id, email="cy@example.com", role="viewer", now=now, by=By(ana)
    )
    cy = User.objects.create_user("cy@example.com", "x", name="cy").pk
    with transaction.atomic():
        members.accept(secret=secret, user_id=cy, now=now, by=By(cy))
        thread, outcome = meanwhile(lambda: members.accept(secret=secret, user_id=cy, now=now, by=By(cy)))
        thread.join(1)
        assert thread.is_alive()
    thread.join(30)
    assert [type(error) for error in outcome] == [members.UnknownInvitation]
