"""What was accepted survives a kill."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
import stripe

from commerce.stripe_simulator.journal import Journal
from config.env import ROOT
from tests.commerce.stripe_simulator.conftest import Hearer
from tests.stripe_server import StripeServer

PAID: Any = {
    "amount": 1000,
    "currency": "eur",
    "confirm": True,
    "allowed_payment_method_types": ["card"],
}


def test_a_killed_simulator_remembers_what_it_answered(tmp_path: Path, hearer: Hearer) -> None:
    state = tmp_path / "state"
    server = StripeServer(state_file=state)
    api = server.client().v1
    customer = api.customers.create({"email": "ana@example.com"})
    visa = api.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    paying = PAID | {"customer": customer.id, "payment_method": visa.id}
    paid = api.payment_intents.create(paying, {"idempotency_key": "k1"})
    api.refunds.create({"payment_intent": paid.id, "amount": 100})
    events = [event.to_dict() for event in api.events.list({"limit": 100}).data]
    books = server.books()

    for _ in range(2):
        server.kill()
        server = StripeServer(port=server.port, state_file=state)

    try:
        api = server.client().v1
        assert api.payment_intents.create(paying, {"idempotency_key": "k1"}).to_dict() == paid.to_dict()
        assert [one.id for one in api.payment_intents.list({"customer": customer.id}).data] == [paid.id]
        assert [event.to_dict() for event in api.events.list({"limit": 100}).data] == events
        assert server.books() == books
        with pytest.raises(stripe.InvalidRequestError):
            api.refunds.create({"payment_intent": paid.id, "amount": 901})
        again = api.payment_intents.create(paying, {"idempotency_key": "k2"})
        assert again.status == "succeeded"
    finally:
        server.stop()


def test_what_was_to_happen_happens_by_itself_also_after_a_restart(tmp_path: Path, hearer: Hearer) -> None:
    state, hook = tmp_path / "state", (hearer.url, "whsec_test")
    server = StripeServer(state_file=state, webhook=hook)
    api = server.client().v1
    paid = api.payment_intents.create(PAID | {"payment_method": "pm_card_pendingRefund"})
    api.payment_intents.create(PAID | {"payment_method": "pm_card_createDispute"})
    server.ask("/_simulator/later", {"wait_ms": 4000})
    waits = api.refunds.create({"payment_intent": paid.id})
    assert waits.status == "pending"
    server.kill()

    server = StripeServer(port=server.port, state_file=state, webhook=hook)
    try:
        # Nobody asks anything: only the simulator's own clock can bring this about.
        hearer.wait(lambda heard: any(b'"refund.updated"' in body for body, _ in heard))
        api = server.client().v1
        assert api.refunds.retrieve(waits.id).status == "succeeded"
        assert api.disputes.list({}).data[0].status == "needs_response"
    finally:
        server.stop()


def test_webhooks_that_were_under_way_are_sent_after_the_restart(tmp_path: Path, hearer: Hearer) -> None:
    state, hook = tmp_path / "state", (hearer.url, "whsec_test")
    server = StripeServer(state_file=state, webhook=hook)
    server.webhooks(delay_ms=60_000)
    customer = server.client().v1.customers.create({})
    server.kill()
    assert hearer.heard == []

    server = StripeServer(state_file=state, webhook=hook)
    try:
        hearer.wait(lambda heard: len(heard) == 1)
        event = stripe.Webhook.construct_event(*hearer.heard[0], "whsec_test")
        assert event.data.object["id"] == customer.id
        deadline = time.monotonic() + 5
        while server.client().v1.events.list({"delivery_success": False}).data:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        server.stop()


def test_two_simulators_do_not_share_a_file(tmp_path: Path) -> None:
    server = StripeServer(state_file=tmp_path / "state")
    try:
        second = subprocess.run(
            [
                sys.executable,
                "-m",
                "commerce.stripe_simulator",
                "--port=0",
                f"--state-file={tmp_path / 'state'}",
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert second.returncode == 1
        assert second.stderr == f"{tmp_path / 'state'} is in use by another simulator\n"
    finally:
        server.stop()


def test_a_line_cut_off_by_a_kill_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "state"
    journal = Journal(path)
    journal.write({"rows": [1]})
    journal.write({"rows": [2]})
    journal.close()
    with path.open("ab") as file:
        file.write(b'{"rows":[3')

    journal = Journal(path)
    assert list(journal.read()) == [{"rows": [1]}, {"rows": [2]}]
    journal.rewrite(journal.read())
    journal.write({"rows": [4]})
    journal.close()

    lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    assert lines == [{"rows": [1]}, {"rows": [2]}, {"rows": [4]}]


def test_it_stops_when_told(tmp_path: Path) -> None:
    server = StripeServer()
    server.child.tell(signal.SIGTERM)

    assert server.child.process.wait(5) == 0
