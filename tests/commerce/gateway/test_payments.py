"""Charging through the official SDK, against the simulator."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest
import stripe

from commerce import gateway
from commerce.money import Money
from tests.commerce.gateway.conftest import TEN, Buyer
from tests.stripe_server import StripeServer


def test_a_saved_card_pays_and_the_intent_carries_our_ids(buyer: Buyer, stripe_server: StripeServer) -> None:
    payment_id, purchase_id = uuid4(), uuid4()

    intent = gateway.charge(
        key=str(payment_id),
        amount=TEN,
        customer=buyer.customer,
        card=buyer.card,
        payment_id=payment_id,
        purchase_id=purchase_id,
        description="Evening show",
    )

    assert (intent.status, intent.amount, intent.received) == ("succeeded", TEN, TEN)
    assert (intent.payment_id, intent.purchase_id) == (payment_id, purchase_id)
    assert intent.charge_id is not None
    assert intent.charge_id.startswith("ch_")
    assert (intent.decline_code, intent.message, intent.livemode) == (None, None, False)
    assert gateway.retrieve(intent.id) == intent
    book = next(row for row in stripe_server.books()["intents"] if row["payment_intent"] == intent.id)
    assert (book["captured"], book["currency"]) == (1000, "eur")


def test_the_same_key_charges_once(buyer: Buyer, stripe_server: StripeServer) -> None:
    payment_id = uuid4()

    first = buyer.pay(key="k-" + str(payment_id), payment_id=payment_id)
    again = buyer.pay(key="k-" + str(payment_id), payment_id=payment_id)

    assert again == first
    assert len(_charges(stripe_server, payment_id)) == 1


def test_the_same_key_for_another_amount_is_refused(buyer: Buyer) -> None:
    payment_id = uuid4()
    buyer.pay(key=str(payment_id), payment_id=payment_id)

    with pytest.raises(gateway.Refused) as caught:
        buyer.pay(key=str(payment_id), payment_id=payment_id, amount=Money(1001, "EUR"))

    assert caught.value.code == "idempotency_mismatch"


def test_a_declined_card_is_an_answer(buyer: Buyer) -> None:
    card = gateway.attach(customer=buyer.customer, card_id="pm_card_chargeCustomerFail").id
    payment_id = uuid4()

    intent = buyer.pay(card=card, key=str(payment_id), payment_id=payment_id)

    assert (intent.status, intent.decline_code) == ("declined", "generic_decline")
    assert intent.message == "Your card was declined."
    assert intent.received == Money(0, "EUR")
    assert intent.payment_id == payment_id
    assert buyer.pay(card=card, key=str(payment_id), payment_id=payment_id) == intent
    assert gateway.retrieve(intent.id) == intent


def test_a_card_that_asks_its_owner_gives_the_secret_and_the_simulated_page(
    buyer: Buyer, stripe_server: StripeServer
) -> None:
    card = gateway.attach(customer=buyer.customer, card_id="pm_card_authenticationRequired").id

    intent = buyer.pay(card=card)

    assert intent.status == "requires_action"
    assert intent.client_secret is not None
    assert intent.sheet_url == f"{stripe_server.url}/sheet/3ds?client_secret={intent.client_secret}"
    assert intent.client_secret not in repr(intent)


def test_a_card_that_is_gone_is_refused_by_name(buyer: Buyer) -> None:
    gateway.detach(customer=buyer.customer, card_id=buyer.card)

    with pytest.raises(gateway.Refused) as caught:
        buyer.pay()

    assert caught.value.param == "payment_method"


def test_amounts_the_provider_does_not_take_are_refused(buyer: Buyer) -> None:
    with pytest.raises(gateway.Refused) as caught:
        buyer.pay(amount=Money(1, "EUR"))

    assert caught.value.code == "amount_too_small"


def test_currencies_without_cents_are_charged_as_they_are(buyer: Buyer) -> None:
    intent = buyer.pay(amount=Money(500, "JPY"))

    assert (intent.status, intent.amount) == ("succeeded", Money(500, "JPY"))


def test_an_attempt_is_found_by_our_id(buyer: Buyer) -> None:
    payment_id = uuid4()
    for _ in range(3):
        buyer.pay()
    intent = buyer.pay(payment_id=payment_id)
    buyer.pay()

    assert gateway.find(payment_id=payment_id, customer=buyer.customer) == intent
    assert gateway.find(payment_id=uuid4(), customer=buyer.customer) is None


def test_foreign_metadata_is_not_taken_for_ours(buyer: Buyer, stripe_server: StripeServer) -> None:
    api = stripe_server.client().v1
    made = api.payment_intents.create(
        {"amount": 1000, "currency": "eur", "customer": buyer.customer, "metadata": {"payment_id": "order 7"}}
    )

    found = gateway.retrieve(made.id)

    assert (found.payment_id, found.purchase_id, found.status) == (None, None, "declined")


def test_a_missing_intent_is_missing(stripe_server: StripeServer) -> None:
    with pytest.raises(gateway.Missing):
        gateway.retrieve("pi_none")
    with pytest.raises(gateway.Missing):
        gateway.cancel("pi_none")


def test_cancelling_ends_what_waits_and_tells_of_what_was_paid(
    buyer: Buyer, stripe_server: StripeServer
) -> None:
    card = gateway.attach(customer=buyer.customer, card_id="pm_card_authenticationRequired").id
    waiting, paid = buyer.pay(card=card), buyer.pay()

    assert gateway.cancel(waiting.id, reason="abandoned").status == "cancelled"
    assert gateway.cancel(waiting.id).status == "cancelled"
    assert gateway.cancel(paid.id) == paid
    assert gateway.retrieve(paid.id).received == TEN


def test_refunds_go_back_once_per_key_and_never_further(buyer: Buyer, stripe_server: StripeServer) -> None:
    intent, refund_id = buyer.pay(), uuid4()

    def give_back(amount: int, refund_id: UUID) -> gateway.RefundResult:
        return gateway.refund(
            key=str(refund_id), intent_id=intent.id, amount=Money(amount, "EUR"), refund_id=refund_id
        )

    made = give_back(300, refund_id)
    assert (made.status, made.amount, made.refund_id) == ("succeeded", Money(300, "EUR"), refund_id)
    assert (made.intent_id, made.charge_id) == (intent.id, intent.charge_id)
    assert give_back(300, refund_id) == made
    assert gateway.retrieve_refund(made.id) == made
    with pytest.raises(gateway.Refused):
        give_back(701, uuid4())
    assert give_back(700, uuid4()).status == "succeeded"
    with pytest.raises(gateway.Refused) as caught:
        give_back(1, uuid4())
    assert caught.value.code == "charge_already_refunded"
    assert intent.payment_id is not None
    assert [row["refunded"] for row in _charges(stripe_server, intent.payment_id)] == [1000]


def test_many_threads_share_the_client(buyer: Buyer, stripe_server: StripeServer) -> None:
    with ThreadPoolExecutor(8) as pool:
        intents = list(pool.map(lambda _: buyer.pay(), range(40)))

    assert len({intent.id for intent in intents}) == 40
    assert {intent.status for intent in intents} == {"succeeded"}


def test_what_is_sent_is_known_to_the_sdk_and_to_the_simulator(
    buyer: Buyer, stripe_server: StripeServer
) -> None:
    intent = stripe_server.client().v1.payment_intents.retrieve(buyer.pay().id)

    assert intent.allowed_payment_method_types == ["card"]
    assert intent.automatic_payment_methods is None
    assert isinstance(intent, stripe.PaymentIntent)


def _charges(server: StripeServer, payment_id: UUID) -> list[dict[str, int]]:
    rows = server.books()["intents"]
    return [row for row in rows if row["metadata"].get("payment_id") == str(payment_id)]


def test_a_promise_is_taken_once_or_let_go(buyer: Buyer, stripe_server: StripeServer) -> None:
    def promise() -> gateway.Intent:
        payment_id = uuid4()
        return gateway.charge(
            key=str(payment_id),
            amount=TEN,
            customer=buyer.customer,
            card=buyer.card,
            payment_id=payment_id,
            purchase_id=uuid4(),
            capture_later=True,
        )

    first, second = promise(), promise()
    assert (first.status, first.received.amount) == ("held", 0)
    for _ in range(3):
        taken = gateway.capture(first.id)
        assert (taken.status, taken.received) == ("succeeded", TEN)
    assert gateway.cancel(second.id).status == "cancelled"
    assert gateway.capture(second.id).status == "cancelled"
    books = {row["payment_intent"]: row["captured"] for row in stripe_server.books()["intents"]}
    assert (books[first.id], books.get(second.id, 0)) == (1000, 0)
