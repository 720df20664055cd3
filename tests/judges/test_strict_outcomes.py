"""What no other stand-in does, put to our simulator and, with `-m stripe_live`, to Stripe's test mode.

Without a key of Stripe's these only say what the simulator holds to be true.
"""

import uuid
from typing import Any

import pytest
import stripe

from tests.judges.conftest import KEY_NAME, STRIPE, Judge, checked_key
from tests.judges.test_shared_outcomes import asked, charge_of

STRICT = pytest.mark.parametrize("judge", ["simulator", STRIPE], indirect=True)
NOW: Any = {"confirm": True, "off_session": True}


def key() -> stripe.RequestOptions:
    """A fresh idempotency key."""
    return {"idempotency_key": str(uuid.uuid4())}


@STRICT
def test_the_same_key_is_one_payment_and_another_body_is_refused(judge: Judge) -> None:
    asking, once = asked(judge, **NOW), key()

    first = judge.api.payment_intents.create(asking, once)

    assert judge.api.payment_intents.create(asking, once).id == first.id
    with pytest.raises(stripe.IdempotencyError):
        judge.api.payment_intents.create(asking | {"amount": 2600}, once)


@STRICT
def test_a_decline_is_kept_under_its_key_and_says_why(judge: Judge) -> None:
    asking, once = asked(judge, card="pm_card_chargeCustomerFail", **NOW), key()
    seen = []
    for _ in range(2):
        with pytest.raises(stripe.CardError) as caught:
            judge.api.payment_intents.create(asking, once)
        error = caught.value.error
        assert error is not None
        assert error.payment_intent is not None
        seen.append((error.code, error.decline_code, error.payment_intent.id))

    assert seen[0] == seen[1]
    assert seen[0][:2] == ("card_declined", "generic_decline")


@STRICT
def test_no_more_is_given_back_than_was_paid(judge: Judge) -> None:
    paid = judge.api.payment_intents.create(asked(judge, **NOW))
    judge.api.refunds.create({"payment_intent": paid.id, "amount": 2000})

    with pytest.raises(stripe.InvalidRequestError) as caught:
        judge.api.refunds.create({"payment_intent": paid.id, "amount": 501})
    assert caught.value.param == "amount"
    judge.api.refunds.create({"payment_intent": paid.id})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        judge.api.refunds.create({"payment_intent": paid.id})
    assert caught.value.code == "charge_already_refunded"
    assert charge_of(judge, paid).refunded


@STRICT
def test_a_paid_payment_cannot_be_cancelled(judge: Judge) -> None:
    paid = judge.api.payment_intents.create(asked(judge, **NOW))

    with pytest.raises(stripe.InvalidRequestError) as caught:
        judge.api.payment_intents.cancel(paid.id)

    assert caught.value.code == "payment_intent_unexpected_state"


@STRICT
@pytest.mark.parametrize(("amount", "currency"), [(49, "eur"), (29, "gbp"), (49, "jpy"), (5124, "kwd")])
def test_amounts_that_cannot_be_charged(judge: Judge, amount: int, currency: str) -> None:
    asking = asked(judge) | {"amount": amount, "currency": currency}
    with pytest.raises(stripe.InvalidRequestError):
        judge.api.payment_intents.create(asking)


@STRICT
def test_a_disputed_payment_is_not_given_back(judge: Judge) -> None:
    paid = judge.api.payment_intents.create(asked(judge, card="pm_card_createDispute", **NOW))

    with pytest.raises(stripe.InvalidRequestError) as caught:
        judge.api.refunds.create({"payment_intent": paid.id})

    assert caught.value.code == "charge_disputed"


@STRICT
def test_a_payment_that_needs_its_owner_says_so_off_session(judge: Judge) -> None:
    asking = asked(judge, card="pm_card_authenticationRequired", **NOW)

    with pytest.raises(stripe.CardError) as caught:
        judge.api.payment_intents.create(asking)

    assert caught.value.code == "authentication_required"


@pytest.mark.parametrize("given", ["", "sk_live_1", "rk_live_1", "pk_test_1", "SK_TEST_1"])
def test_only_a_test_key_is_ever_sent_to_stripe(given: str) -> None:
    with pytest.raises(pytest.fail.Exception, match=KEY_NAME):
        checked_key(given)
    assert checked_key("sk_test_1") == "sk_test_1"


def test_the_other_server_listens_to_this_machine_only(localstripe: str) -> None:
    port = int(localstripe.rpartition(":")[2])
    with open("/proc/net/tcp6") as known, open("/proc/net/tcp") as more:
        rows = [line.split() for line in [*known, *more]]
    listening = [
        row[1].rpartition(":")[0] for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "0A"
    ]
    assert listening == ["0000000000000000FFFF00000100007F"]
