from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from commerce import accounts, errors
from commerce.models import Address, User

PASSWORD = "correct-horse-battery"
HOME: dict[str, Any] = {"name": "Ada", "line1": "1 Mill Lane", "city": "York", "country": "gb"}


def shopper(email: str = "ada@example.com") -> User:
    return accounts.sign_up(email=email, name="Ada", password=PASSWORD)


@pytest.mark.django_db
class TestSignUp:
    def test_keeps_the_address_and_only_a_hash_of_the_password(self) -> None:
        user = accounts.sign_up(email="  Ada@Example.COM ", name="  Ada \n Lovelace ", password=PASSWORD)

        user.refresh_from_db()
        assert user.email == "ada@example.com"
        assert user.name == "Ada Lovelace"
        assert PASSWORD not in user.password
        assert user.password.startswith("argon2")
        assert user.check_password(PASSWORD)

    def test_an_address_is_taken_in_any_spelling(self) -> None:
        shopper("ada@example.com")

        with pytest.raises(accounts.EmailTaken):
            shopper("ADA@Example.com")
        assert User.objects.count() == 1

    @pytest.mark.parametrize("password", ["short", "password123", "ada@example.com"])
    def test_a_weak_password_is_refused_with_the_reasons(self, password: str) -> None:
        with pytest.raises(accounts.WeakPassword) as refused:
            accounts.sign_up(email="ada@example.com", name="Ada", password=password)
        assert refused.value.data["reasons"]
        assert not User.objects.exists()

    @pytest.mark.parametrize("name", ["", "   ", "x" * 81])
    def test_a_name_has_1_to_80_characters(self, name: str) -> None:
        with pytest.raises(errors.Invalid) as refused:
            accounts.sign_up(email="ada@example.com", name=name, password=PASSWORD)
        assert "name" in refused.value.data["errors"]


@pytest.mark.django_db
class TestRecognise:
    def test_finds_the_user_in_any_spelling_of_the_address(self) -> None:
        user = shopper()

        assert accounts.recognise(email=" ADA@example.com", password=PASSWORD) == user

    def test_wrong_password_unknown_address_and_closed_account_are_one_answer(self) -> None:
        closed = shopper("gone@example.com")
        User.objects.filter(id=closed.id).update(is_active=False)
        shopper()
        answers = set()
        for email, password in [
            ("ada@example.com", "wrong"),
            ("nobody@example.com", PASSWORD),
            ("gone@example.com", PASSWORD),
        ]:
            with pytest.raises(accounts.WrongCredentials) as refused:
                accounts.recognise(email=email, password=password)
            answers.add((refused.value.code, refused.value.text, str(refused.value.data)))
        assert len(answers) == 1


@pytest.mark.django_db
class TestAddresses:
    def test_the_first_one_is_the_default_even_when_not_asked_for(self) -> None:
        address = accounts.save_address(user_id=shopper().id, is_default=False, **HOME)

        assert address.is_default
        assert address.country == "GB"

    def test_a_new_default_takes_the_flag_from_the_old_one(self) -> None:
        user = shopper()
        old = accounts.save_address(user_id=user.id, **HOME)
        new = accounts.save_address(user_id=user.id, **HOME)

        old.refresh_from_db()
        assert (old.is_default, new.is_default) == (False, True)
        assert accounts.addresses_of(user.id) == [new, old]

    def test_changing_one_keeps_its_id(self) -> None:
        user = shopper()
        address = accounts.save_address(user_id=user.id, **HOME)

        moved = accounts.save_address(user_id=user.id, address_id=address.id, **{**HOME, "city": "Leeds"})

        assert moved.id == address.id
        assert Address.objects.get().city == "Leeds"

    def test_removing_the_default_hands_the_flag_on(self) -> None:
        user = shopper()
        first = accounts.save_address(user_id=user.id, **HOME)
        second = accounts.save_address(user_id=user.id, **HOME)

        accounts.remove_address(user_id=user.id, address_id=second.id)

        assert [one.id for one in Address.objects.filter(is_default=True)] == [first.id]

    def test_another_users_address_is_not_found(self) -> None:
        theirs = accounts.save_address(user_id=shopper("bob@example.com").id, **HOME)
        me = shopper()

        with pytest.raises(accounts.AddressNotFound):
            accounts.save_address(user_id=me.id, address_id=theirs.id, **HOME)
        with pytest.raises(accounts.AddressNotFound):
            accounts.remove_address(user_id=me.id, address_id=theirs.id)
        with pytest.raises(accounts.AddressNotFound):
            accounts.remove_address(user_id=me.id, address_id=uuid4())
        assert Address.objects.filter(id=theirs.id).exists()

    @pytest.mark.parametrize("country", ["XX", "GBR", "", "1!"])
    def test_a_country_is_one_that_exists(self, country: str) -> None:
        with pytest.raises(errors.Invalid) as refused:
            accounts.save_address(user_id=shopper().id, **{**HOME, "country": country})
        assert "country" in refused.value.data["errors"]

    def test_there_is_an_end_to_how_many(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(accounts, "MAX_ADDRESSES", 1)
        user = shopper()
        address = accounts.save_address(user_id=user.id, **HOME)

        with pytest.raises(accounts.TooManyAddresses):
            accounts.save_address(user_id=user.id, **HOME)
        accounts.save_address(user_id=user.id, address_id=address.id, **HOME)


@pytest.mark.django_db(transaction=True)
def test_two_first_addresses_at_once_leave_one_default() -> None:
    user = shopper()

    def save(number: int) -> None:
        try:
            accounts.save_address(user_id=user.id, **{**HOME, "line1": f"{number} Mill Lane"})
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(save, range(8)))

    assert Address.objects.filter(user=user).count() == 8
    assert Address.objects.filter(user=user, is_default=True).count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_address_signs_up_once_however_many_press_at_once() -> None:
    def try_it(_: int) -> bool:
        try:
            shopper()
        except accounts.EmailTaken:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(try_it, range(4)))

    assert outcomes.count(True) == 1
    assert User.objects.count() == 1
