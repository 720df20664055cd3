"""Carts of guests over HTTP, and how they come in with who signs in."""

import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client, RequestFactory
from django.utils import timezone

from catalog.models import Variant
from commerce import errors
from commerce.models import User
from orders.carts import api as cart_api
from orders.carts import contents, guests, lapsing, policies
from orders.models import Cart, CartHold, CartLine, GuestCart
from tests.flows.test_carts_http import (
    CART,
    MERGE,
    PASSWORD,
    put_in,
    quantities,
    refused,
    send,
    sign_in,
)
from tests.orders import make
from tests.orders.threads import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def member() -> User:
    made = make.user("Noa")
    made.set_password(PASSWORD)
    made.save()
    return made


@pytest.fixture
def guest() -> Client:
    return Client()


# --- guests ---


def test_looking_makes_no_cart_and_the_first_line_sets_an_unreadable_cookie(guest: Client) -> None:
    assert guest.get(CART).json() == {"version": 0, "lines": [], "totals": []}
    assert (GuestCart.objects.count(), dict(guest.cookies)) == (0, {})

    answer = put_in(guest, make.variant())

    cookie = answer.cookies[cart_api.COOKIE]
    assert cookie["httponly"]
    assert (cookie["samesite"], cookie["path"]) == ("Lax", "/api/v1/")
    token = cookie.value.split(":")[0]
    assert len(token) >= 43
    assert GuestCart.objects.get().token_hash != token


def test_an_invented_or_changed_token_names_no_cart(guest: Client) -> None:
    lipstick = make.variant()
    put_in(guest, lipstick)
    real = guest.cookies[cart_api.COOKIE].value
    row = GuestCart.objects.get()

    for forged in ("x", "", real[:-1] + "?", real.split(":")[0], row.token_hash, "\x00", "a" * 4000):
        other = Client()
        other.cookies[cart_api.COOKIE] = forged
        assert other.get(CART).json()["lines"] == []
        sign_in(other, fresh := make_member())
        assert not CartLine.objects.filter(cart__buyer=fresh).exists()

    assert GuestCart.objects.get().lines == row.lines


def make_member() -> User:
    made = make.user("Ivo")
    made.set_password(PASSWORD)
    made.save()
    return made


def test_guests_of_one_network_cannot_make_carts_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guests, "NEW_PER_NETWORK", 2)
    lipstick, known = make.variant(), Client()
    put_in(known, lipstick)
    put_in(Client(), lipstick)

    refused(put_in(Client(), lipstick), 429, "RATE_LIMITED")

    assert quantities(put_in(known, lipstick)) == {str(lipstick.id): 2}
    assert GuestCart.objects.count() == 2


def test_the_database_bounds_a_guests_cart() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        GuestCart.objects.create(token_hash="x", lines=[{}] * 21)


def test_a_guests_cart_that_nobody_comes_back_for_is_deleted(guest: Client) -> None:
    put_in(guest, make.variant())
    now = timezone.now()

    assert lapsing.prune(now=now + lapsing.GUESTS_KEPT - timedelta(hours=1), limit=10) == 0
    assert lapsing.prune(now=now + lapsing.GUESTS_KEPT + timedelta(hours=1), limit=10) == 1
    assert guest.get(CART).json()["lines"] == []


def test_old_carts_of_guests_are_deleted_in_batches_the_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lapsing, "BATCH", 2)
    for n in range(6):
        GuestCart.objects.create(token_hash=str(n), updated_at=make.after(n))
    now = make.after(100) + lapsing.GUESTS_KEPT

    assert lapsing.prune(now=now, limit=5) == 5
    assert list(GuestCart.objects.values_list("pk", flat=True)) == ["5"]


# --- coming in ---


def test_signing_in_moves_the_guests_cart_into_her_own_once(guest: Client, member: User) -> None:
    lipstick, blush = make.variant(), make.variant()
    contents.add(buyer_id=member.id, variant_id=blush.id, quantity=98, stream_id=None, now=make.NOW)
    stream = make.show(lipstick)
    put_in(guest, lipstick, 2, stream=stream.slug)
    put_in(guest, blush, 5)

    sign_in(guest, member)

    assert guest.cookies[cart_api.COOKIE].value == "", "the browser forgets it"
    assert quantities(guest.get(CART)) == {str(blush.id): 99, str(lipstick.id): 2}
    assert CartLine.objects.get(variant=lipstick).stream_id == stream.id
    assert not GuestCart.objects.exists()
    told = [each["d"]["version"] for each in make.events("user.told") if each["t"] == "cart.updated"]
    assert told == [1, 2], "her other devices hear of it"

    sign_in(guest, member)
    assert quantities(send(guest, "POST", MERGE)) == {str(blush.id): 99, str(lipstick.id): 2}
    assert Cart.objects.get().version == 2


def test_a_new_account_begins_with_what_she_collected(guest: Client) -> None:
    lipstick = make.variant()
    put_in(guest, lipstick, 2)

    body = {"email": "new@example.com", "name": "New", "password": PASSWORD}
    answer = send(guest, "POST", "/api/v1/account/sign-up", body)

    assert answer.status_code == 201
    assert (answer.cookies[cart_api.COOKIE].value, answer.cookies[cart_api.COOKIE]["max-age"]) == ("", 0)
    assert quantities(guest.get(CART)) == {str(lipstick.id): 2}


def test_after_signing_out_nothing_of_her_cart_is_left_in_the_browser(guest: Client, member: User) -> None:
    lipstick = make.variant()
    put_in(guest, lipstick)
    sign_in(guest, member)

    send(guest, "POST", "/api/v1/account/sign-out")

    assert guest.get(CART).json()["lines"] == []
    put_in(guest, lipstick, 3)
    sign_in(guest, member)
    assert quantities(guest.get(CART)) == {str(lipstick.id): 4}


def test_what_comes_in_is_held_where_there_is_enough(guest: Client, member: User) -> None:
    seller = make.merchant()
    policies.set_policy(merchant_id=seller.id, hold_seconds=600, now=timezone.now())
    plenty, scarce = make.variant(stocked=9, seller=seller), make.variant(stocked=1, seller=seller)
    put_in(guest, plenty, 2)
    put_in(guest, scarce, 2)

    sign_in(guest, member)

    lines = guest.get(CART).json()["lines"]
    assert {each["variant"]: each["held"] for each in lines} == {str(plenty.id): 2, str(scarce.id): 0}
    assert (make.left(plenty), make.left(scarce)) == (7, 1)
    assert make.broken() == []


def test_what_is_not_for_sale_or_does_not_fit_stays_outside(guest: Client, member: User) -> None:
    for _ in range(19):
        contents.add(
            buyer_id=member.id, variant_id=make.variant().id, quantity=1, stream_id=None, now=make.NOW
        )
    retired, first, second = make.variant(), make.variant(), make.variant()
    for each in (retired, first, second):
        put_in(guest, each)
    Variant.objects.filter(pk=retired.pk).update(is_active=False)

    sign_in(guest, member)

    assert CartLine.objects.count() == 20
    assert CartLine.objects.filter(variant=first).exists()
    assert not CartLine.objects.filter(variant__in=(retired, second)).exists()


def test_a_merge_that_fails_keeps_nobody_out_and_can_be_asked_for_again(
    guest: Client, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    lipstick = make.variant()
    put_in(guest, lipstick)
    with monkeypatch.context() as patch:

        def busy(**_: object) -> None:
            raise errors.Unavailable

        patch.setattr(contents, "merge", busy)
        sign_in(guest, member)
    assert GuestCart.objects.count() == 1

    assert quantities(send(guest, "POST", MERGE)) == {str(lipstick.id): 1}
    assert not GuestCart.objects.exists()


def test_a_guest_has_nobody_to_merge_with(guest: Client) -> None:
    put_in(guest, make.variant())
    refused(send(guest, "POST", MERGE), 401, "UNAUTHENTICATED")
    assert GuestCart.objects.count() == 1


# --- several at once ---


def several(acts: list[Callable[[], Any]]) -> list[Any]:
    outcomes = at_once(acts)
    failed = [each for each in outcomes if isinstance(each, Exception)]
    assert failed == []
    return outcomes


@pytest.mark.django_db(transaction=True)
def test_two_tabs_that_come_in_at_once_merge_once(guest: Client, member: User) -> None:
    lipstick = make.variant()
    put_in(guest, lipstick, 2)
    token = cart_api.token_of(_request(guest))

    merge = partial(guests.merge, token=token, buyer_id=member.id, now=make.NOW)
    outcomes = several([merge] * 4)

    assert sorted(outcomes) == [False, False, False, True]
    assert CartLine.objects.get().quantity == 2


@pytest.mark.django_db(transaction=True)
def test_without_its_lock_two_tabs_merge_twice(
    guest: Client, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above: a guest's cart that is only read is there for both."""
    lipstick = make.variant()
    put_in(guest, lipstick, 2)
    token = cart_api.token_of(_request(guest))
    monkeypatch.setattr(guests, "_locked", guests._found)
    both, merge_lines = threading.Barrier(2), contents.merge

    def together(**what: Any) -> None:
        both.wait(10)
        merge_lines(**what)

    monkeypatch.setattr(contents, "merge", together)
    monkeypatch.setattr(GuestCart, "delete", lambda self: GuestCart.objects.none())

    several([partial(guests.merge, token=token, buyer_id=member.id, now=make.NOW)] * 2)

    assert CartLine.objects.get().quantity == 4


@pytest.mark.django_db(transaction=True)
def test_the_last_piece_is_held_for_one_of_many_carts() -> None:
    lipstick = make.variant(stocked=1)
    policies.set_policy(merchant_id=lipstick.merchant_id, hold_seconds=600, now=make.NOW)
    buyers = [make.user() for _ in range(6)]

    outcomes = at_once(
        [
            partial(
                contents.add,
                buyer_id=each.id,
                variant_id=lipstick.id,
                quantity=1,
                stream_id=None,
                now=make.NOW,
            )
            for each in buyers
        ]
    )

    assert sorted(type(each).__name__ for each in outcomes) == ["OutOfStock"] * 5 + ["dict"]
    assert CartHold.objects.get().quantity == 1
    assert CartLine.objects.count() == 1
    assert make.left(lipstick) == 0


def _request(client: Client) -> Any:
    factory = RequestFactory()
    factory.cookies = client.cookies
    return factory.get(CART)
