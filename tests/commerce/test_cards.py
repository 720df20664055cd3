from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import ProxyHandler, Request, build_opener
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from commerce import accounts, cards, gateway
from commerce.models import Card, Customer, Event, User
from tests.stripe_server import StripeServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(stripe_server: StripeServer) -> User:
    return shopper()


def shopper(name: str = "ada") -> User:
    # The simulator lives longer than one test, so every shopper is a new one to it.
    return accounts.sign_up(
        email=f"{name}-{uuid4()}@example.com", name=name, password="correct-horse-battery"
    )


def fill_in(form: cards.Form, card: str = "pm_card_visa") -> str:
    """Do in the simulator's card sheet what the buyer's browser does; returns the form's id."""
    assert form.sheet_url is not None
    parts = urlsplit(form.sheet_url)
    assert parse_qs(parts.query)["client_secret"] == [form.client_secret]
    body = urlencode({"client_secret": form.client_secret, "card": card}).encode()
    address = f"{parts.scheme}://{parts.netloc}{parts.path}"
    build_opener(ProxyHandler({})).open(Request(address, data=body), timeout=10).read()
    return form.client_secret.split("_secret_")[0]


def open_form(user: User) -> cards.Form:
    return cards.open_form(user_id=user.id, now=timezone.now())


def saved(user: User, card: str = "pm_card_visa") -> Card:
    form = fill_in(open_form(user), card)
    return cards.add(user_id=user.id, setup_id=form, now=timezone.now())[0]


def test_a_filled_in_form_becomes_the_card_that_pays(ada: User) -> None:
    card = saved(ada)

    assert (card.brand, card.last4, card.is_default) == ("visa", "4242", True)
    assert card.exp_year >= timezone.now().year


def test_one_card_has_one_fingerprint_whoever_saves_it(ada: User) -> None:
    hers, his = saved(ada), saved(shopper("bob"))

    assert hers.fingerprint == his.fingerprint != ""
    assert saved(ada, "pm_card_mastercard").fingerprint != hers.fingerprint


def test_a_card_kept_before_learns_its_fingerprint_when_cards_are_synced(ada: User) -> None:
    card = saved(ada)
    Card.objects.filter(pk=card.pk).update(fingerprint="")

    assert cards.sync(user_id=ada.id, now=timezone.now())[0].fingerprint == card.fingerprint


def test_the_newest_card_pays_and_only_one_does(ada: User) -> None:
    saved(ada)
    newest = saved(ada, "pm_card_mastercard")

    assert [one.is_default for one in cards.of(ada.id)] == [True, False]
    assert cards.of(ada.id)[0] == newest


def test_saying_twice_that_a_form_is_done_saves_once(ada: User) -> None:
    form = fill_in(open_form(ada))

    kept = [cards.add(user_id=ada.id, setup_id=form, now=timezone.now()) for _ in range(2)]
    assert len(kept[0]) == 1
    assert kept[0] == kept[1]


def test_a_form_that_was_not_filled_in_saves_nothing(ada: User) -> None:
    form = open_form(ada)

    with pytest.raises(cards.CardNotSaved):
        cards.add(user_id=ada.id, setup_id=form.client_secret.split("_secret_")[0], now=timezone.now())
    with pytest.raises(cards.CardNotSaved):
        cards.add(user_id=ada.id, setup_id="seti_nobody", now=timezone.now())
    assert cards.of(ada.id) == []


def test_another_users_form_is_not_taken(ada: User) -> None:
    theirs = fill_in(open_form(shopper("bob")))
    open_form(ada)

    with pytest.raises(cards.CardNotSaved):
        cards.add(user_id=ada.id, setup_id=theirs, now=timezone.now())
    assert not Card.objects.exists()


def test_a_user_is_one_customer_however_many_forms_are_opened(ada: User) -> None:
    open_form(ada)
    open_form(ada)

    assert Customer.objects.filter(user=ada).count() == 1


def test_choosing_another_card_moves_the_flag(ada: User) -> None:
    first, second = saved(ada), saved(ada, "pm_card_mastercard")

    kept = cards.make_default(user_id=ada.id, card_id=first.id)

    assert [one.id for one in kept] == [first.id, second.id]
    assert [one.is_default for one in kept] == [True, False]


def test_removing_the_card_that_pays_hands_on_to_the_newest_other(ada: User) -> None:
    first, second = saved(ada), saved(ada, "pm_card_mastercard")

    cards.remove(user_id=ada.id, card_id=second.id, now=timezone.now())

    assert [(one.id, one.is_default) for one in cards.of(ada.id)] == [(first.id, True)]
    assert Event.objects.filter(name="card.removed", payload__card=str(second.id)).count() == 1


def test_a_removed_card_is_forgotten_by_the_provider_and_does_not_come_back(ada: User) -> None:
    card = saved(ada)
    form_of_card = gateway.setup(customer=Customer.objects.get(user=ada).provider_id)
    cards.remove(user_id=ada.id, card_id=card.id, now=timezone.now())

    assert cards.sync(user_id=ada.id, now=timezone.now()) == []
    cards.detach(card_id=card.id)
    cards.detach(card_id=card.id)

    assert gateway.cards(customer=Customer.objects.get(user=ada).provider_id) == []
    assert form_of_card.card is None


def test_a_card_the_provider_no_longer_has_is_taken_off_the_list(ada: User) -> None:
    card, other = saved(ada), saved(ada, "pm_card_mastercard")
    gateway.detach(customer=Customer.objects.get(user=ada).provider_id, card_id=other.provider_id)

    assert cards.sync(user_id=ada.id, now=timezone.now()) == [card]
    assert Card.objects.get(id=card.id).is_default


def test_another_users_card_is_not_found(ada: User) -> None:
    theirs = saved(shopper("bob"))

    with pytest.raises(cards.CardNotFound):
        cards.make_default(user_id=ada.id, card_id=theirs.id)
    with pytest.raises(cards.CardNotFound):
        cards.remove(user_id=ada.id, card_id=theirs.id, now=timezone.now())
    theirs.refresh_from_db()
    assert theirs.is_default


def test_a_customer_of_another_account_is_made_anew(ada: User) -> None:
    card = saved(ada)
    Customer.objects.filter(user=ada).update(provider_id="cus_of_another_account")

    form = open_form(ada)

    assert form.client_secret
    assert cards.of(ada.id) == []
    card.refresh_from_db()
    assert card.removed_at is not None


def test_a_customer_the_provider_has_deleted_is_a_refusal_with_a_code(
    ada: User, stripe_server: StripeServer
) -> None:
    open_form(ada)
    # Within a day, asking for the customer again gives back the deleted one.
    stripe_server.client().v1.customers.delete(Customer.objects.get(user=ada).provider_id)

    with pytest.raises(cards.NoCardForm):
        open_form(ada)


def test_with_the_provider_down_nothing_is_changed(ada: User, stripe_server: StripeServer) -> None:
    card = saved(ada)
    stripe_server.fault("error_500", method="POST", times=None)
    stripe_server.fault("error_500", method="GET", times=None)

    with pytest.raises(gateway.Unavailable):
        open_form(ada)
    with pytest.raises(gateway.Unavailable):
        cards.sync(user_id=ada.id, now=timezone.now())
    assert cards.of(ada.id) == [card]


def test_there_is_an_end_to_how_many(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards, "MAX_CARDS", 1)
    saved(ada)

    with pytest.raises(cards.TooManyCards):
        open_form(ada)


@pytest.mark.django_db(transaction=True)
def test_cards_added_at_once_leave_one_that_pays(ada: User) -> None:
    forms = [fill_in(open_form(ada)) for _ in range(4)]

    def add(form: str) -> None:
        try:
            cards.add(user_id=ada.id, setup_id=form, now=timezone.now())
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, forms))

    assert Card.objects.filter(user=ada).count() == 4
    assert Card.objects.filter(user=ada, is_default=True).count() == 1
