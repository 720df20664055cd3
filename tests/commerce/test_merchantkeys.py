"""Merchants' API keys: hashed, scoped, rotated with an overlap, revoked for good, all of it written down."""

import hashlib
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from commerce import errors, ids, merchantkeys
from commerce.models import Merchant, MerchantKey, MerchantKeyEvent, MerchantKeySecret, User
from tests import apikeys

NOW = datetime(2030, 5, 1, tzinfo=UTC)
BY = merchantkeys.By()

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant() -> Merchant:
    return Merchant.objects.create(name="Atelier Sol", slug="sol")


def rotated(key: MerchantKey, old: str, *, until: datetime = NOW + timedelta(days=1)) -> str:
    return merchantkeys.rotate(key_id=key.pk, prefix=old[:8], until=until, now=NOW, by=BY)


def opens(text: str, *, now: datetime = NOW) -> bool:
    return merchantkeys.of_text(text, now=now) is not None


def test_only_the_hash_of_a_secret_is_kept(merchant: Merchant) -> None:
    _, text = apikeys.key(merchant)

    row = MerchantKeySecret.objects.get()
    assert text.startswith(row.prefix + ".")
    assert row.hashed.startswith("sha512$$")
    kept = str([list(model.objects.values()) for model in (MerchantKey, MerchantKeySecret, MerchantKeyEvent)])
    assert text.partition(".")[2] not in kept


@pytest.mark.parametrize("text", ["", "x", "ab12cd34", "ab12cd34.", "\x00.\x00", "ab12cd34.é", "a" * 9_000])
def test_what_is_no_key_costs_no_statement(
    merchant: Merchant, text: str, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        assert not opens(text)


def test_a_key_is_found_in_one_statement_with_its_merchant(
    merchant: Merchant, django_assert_num_queries: Any
) -> None:
    _, text = apikeys.key(merchant)

    with django_assert_num_queries(1):
        secret = merchantkeys.of_text(text, now=NOW)
        assert secret is not None
        assert secret.key.merchant.slug == "sol"
    with django_assert_num_queries(1):
        assert not opens(text[:-1] + ("a" if text[-1] != "a" else "b"))


def test_a_key_from_before_scopes_opens_as_it_did(merchant: Merchant) -> None:
    key, text = apikeys.key(merchant)
    # SHA-512 of the whole text, as those keys were hashed.
    digest = hashlib.sha512(b"Qv3mXk9a.old").hexdigest()
    MerchantKeySecret.objects.filter(key=key).update(prefix="Qv3mXk9a", hashed=f"sha512$${digest}")

    assert opens("Qv3mXk9a.old")
    assert not opens(text)


def test_a_key_ends_at_the_moment_that_was_set(merchant: Merchant) -> None:
    _, text = apikeys.key(merchant, expires_at=NOW)

    assert opens(text, now=NOW - timedelta(microseconds=1))
    assert not opens(text, now=NOW)


def test_the_old_secret_opens_until_the_end_of_the_overlap(merchant: Merchant) -> None:
    key, old = apikeys.key(merchant)

    new = rotated(key, old, until=NOW + timedelta(hours=1))

    assert opens(old)
    assert opens(new)
    assert not opens(old, now=NOW + timedelta(hours=1))
    assert opens(new, now=NOW + timedelta(hours=1))


def test_a_rotation_without_overlap_ends_all_older_secrets_at_once(merchant: Merchant) -> None:
    key, first = apikeys.key(merchant)
    second = rotated(key, first, until=NOW + timedelta(days=7))

    third = rotated(key, second, until=NOW)

    assert [opens(text) for text in (first, second, third)] == [False, False, True]


def test_a_later_rotation_lengthens_no_overlap(merchant: Merchant) -> None:
    key, first = apikeys.key(merchant)
    second = rotated(key, first, until=NOW + timedelta(hours=1))

    rotated(key, second, until=NOW + timedelta(days=7))

    assert not opens(first, now=NOW + timedelta(hours=1))
    assert opens(second, now=NOW + timedelta(hours=1))


def test_an_overlap_does_not_end_in_the_past(merchant: Merchant) -> None:
    key, old = apikeys.key(merchant)

    with pytest.raises(merchantkeys.BadOverlap):
        rotated(key, old, until=NOW - timedelta(seconds=1))


def test_a_revoked_key_is_over_with_all_its_secrets(merchant: Merchant) -> None:
    key, old = apikeys.key(merchant)
    new = rotated(key, old)

    assert merchantkeys.revoke(key_id=key.pk, now=NOW, by=BY)

    assert not opens(old)
    assert not opens(new)
    assert not merchantkeys.revoke(key_id=key.pk, now=NOW, by=BY)
    with pytest.raises(merchantkeys.KeyRevoked):
        rotated(key, new)
    with pytest.raises(errors.NotFound):
        merchantkeys.revoke(key_id=ids.new(), now=NOW, by=BY)


@pytest.mark.parametrize("scopes", [[], ["catalog:read", "everything"]])
def test_scopes_are_known_ones_and_at_least_one(merchant: Merchant, scopes: list[str]) -> None:
    with pytest.raises(merchantkeys.BadScopes):
        apikeys.key(merchant, scopes=scopes)
    with pytest.raises(DatabaseError), transaction.atomic():
        MerchantKey.objects.create(merchant=merchant, name="by hand", scopes=scopes)


@pytest.mark.parametrize(
    ("networks", "address", "lets_in"),
    [
        ([], "198.51.100.1", True),
        ([], "", True),
        (["203.0.113.0/24"], "203.0.113.9", True),
        (["203.0.113.0/24"], "::ffff:203.0.113.9", True),
        (["203.0.113.0/24"], "203.0.114.9", False),
        (["203.0.113.7"], "203.0.113.8", False),
        (["2001:db8::/32"], "2001:db8::1", True),
        (["2001:db8::/32"], "203.0.113.9", False),
        (["0.0.0.0/0"], "2001:db8::1", False),
        (["203.0.113.0/24"], "", False),
        (["203.0.113.0/24"], "unix", False),
        (["198.51.100.1", "203.0.113.0/24"], "203.0.113.9", True),
    ],
)
def test_a_key_is_used_from_its_networks_only(
    merchant: Merchant, networks: list[str], address: str, lets_in: bool
) -> None:
    key, _ = apikeys.key(merchant, networks=networks)

    assert merchantkeys.may_come_from(key, address) is lets_in


@pytest.mark.parametrize("network", ["203.0.113.7/24", "203.0.113", "host.example", "", "1.2.3.4/33"])
def test_a_network_that_cannot_be_read_is_refused(merchant: Merchant, network: str) -> None:
    with pytest.raises(merchantkeys.BadNetwork):
        apikeys.key(merchant, networks=[network])


@pytest.mark.parametrize("network", ["203.0.113.7/24", "host.example", ""])
def test_the_database_keeps_networks_only(merchant: Merchant, network: str) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        MerchantKey.objects.create(
            merchant=merchant, name="by hand", scopes=["orders:read"], networks=[network]
        )


def test_use_is_written_once_a_minute(merchant: Merchant, django_assert_num_queries: Any) -> None:
    _, text = apikeys.key(merchant)

    def use(now: datetime) -> None:
        secret = merchantkeys.of_text(text, now=now)
        assert secret is not None
        merchantkeys.used(secret, now=now)

    for seconds, statements in ((0, 2), (1, 1), (59, 1), (60, 2), (61, 1)):
        with django_assert_num_queries(statements):
            use(NOW + timedelta(seconds=seconds))
    assert MerchantKeySecret.objects.get().last_used_at == NOW + timedelta(seconds=60)


def test_what_is_done_to_keys_is_written_down_with_who_and_from_where(merchant: Merchant) -> None:
    ada = User.objects.create_user("ada@example.com", "a long enough password", name="Ada")
    by = merchantkeys.By(ada.pk, "203.0.113.9")
    key, old = apikeys.key(merchant, scopes=["orders:read"])
    same = {"name": "tests", "networks": (), "expires_at": None}
    merchantkeys.change(key_id=key.pk, scopes=["orders:read"], by=by, **same)  # type: ignore[arg-type]
    merchantkeys.change(key_id=key.pk, scopes=["orders:read", "stock:write"], by=by, **same)  # type: ignore[arg-type]
    new = merchantkeys.rotate(key_id=key.pk, prefix=old[:8], until=NOW, now=NOW, by=by)
    merchantkeys.revoke(key_id=key.pk, now=NOW, by=by)

    made, *rest = MerchantKeyEvent.objects.order_by("id")
    assert (made.action, made.person_id, made.details["prefix"]) == ("made", None, old[:8])
    assert {(each.person_id, each.address) for each in rest} == {(ada.pk, "203.0.113.9")}
    assert [(each.action, each.details) for each in rest] == [
        ("changed", {"scopes": [["orders:read"], ["stock:write", "orders:read"]]}),
        ("rotated", {"prefix": [old[:8], new[:8]], "old_valid_until": NOW.isoformat()}),
        ("revoked", {}),
    ]


@pytest.mark.parametrize(
    "forgery",
    [
        "UPDATE commerce_merchantkeyevent SET address = NULL",
        "DELETE FROM commerce_merchantkeyevent",
        "UPDATE commerce_merchantkey SET revoked_at = NULL",
        "UPDATE commerce_merchantkey SET revoked_at = now()",
        "UPDATE commerce_merchantkey SET merchant_id = %(other)s",
        "UPDATE commerce_merchantkeysecret SET merchant_id = %(other)s; SET CONSTRAINTS ALL IMMEDIATE",
        "UPDATE commerce_merchantkeysecret SET valid_until = NULL",
    ],
)
def test_the_database_refuses_what_no_verb_does(merchant: Merchant, forgery: str) -> None:
    other = Merchant.objects.create(name="Other", slug="other")
    key, old = apikeys.key(merchant)
    rotated(key, old)
    merchantkeys.revoke(key_id=key.pk, now=NOW, by=BY)

    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(forgery, {"other": other.pk})


@pytest.mark.django_db(transaction=True)
def test_of_two_rotations_at_once_one_is_told_to_look_again(merchant: Merchant) -> None:
    key, old = apikeys.key(merchant)
    start, ends = threading.Barrier(2), []

    def run() -> None:
        start.wait()
        try:
            ends.append(rotated(key, old))
        except merchantkeys.AlreadyRotated as refusal:
            ends.append(refusal.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert ends.count("KEY_ALREADY_ROTATED") == 1
    [new] = [each for each in ends if each != "KEY_ALREADY_ROTATED"]
    assert opens(new)
    assert opens(old)
    assert MerchantKeySecret.objects.filter(key=key).count() == 2


@pytest.mark.django_db(transaction=True)
def test_no_request_waits_for_an_operator_who_holds_the_key(merchant: Merchant) -> None:
    key, text = apikeys.key(merchant)
    secret = merchantkeys.of_text(text, now=NOW)
    assert secret is not None
    held, done = threading.Event(), threading.Event()

    def operator() -> None:
        with transaction.atomic():
            MerchantKey.objects.select_for_update().get(pk=key.pk)
            MerchantKeySecret.objects.select_for_update().get(key=key)
            held.set()
            done.wait(30)
        connection.close()

    thread = threading.Thread(target=operator)
    thread.start()
    assert held.wait(30)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '3s'")
        merchantkeys.used(secret, now=NOW)
    finally:
        done.set()
        thread.join()
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = 0")

    assert MerchantKeySecret.objects.get().last_used_at is None
