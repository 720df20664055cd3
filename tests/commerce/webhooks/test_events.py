"""Every event that merchants can be told reaches an endpoint, and the official library verifies it."""

import re

import pytest
from django.conf import settings

from commerce.models import WebhookDelivery
from commerce.webhooks import messages
from tests.commerce.webhooks.receiver import Receiver
from tests.commerce.webhooks.sent import endpoint, secret_of, send, tell

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("on_loopback")]

EVENTS = list(settings.WEBHOOK_EVENTS)


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_reaches_who_asked_for_it_and_nobody_else(receiver: Receiver, event: str) -> None:
    one = endpoint(receiver, types=[event])
    endpoint(receiver, one.merchant, types=[each for each in EVENTS if each != event])
    endpoint(receiver)

    assert tell(one, 7, type=event) == 1
    assert send() == 1

    (got,) = receiver.got
    said = got.verified(secret_of(one))
    assert (said["type"], said["object"], said["data"]) == (event, "one", {"id": "one", "n": 7})
    assert WebhookDelivery.objects.get().status == "delivered"


def test_an_endpoint_that_names_none_hears_all_of_them(receiver: Receiver) -> None:
    one = endpoint(receiver)
    for n, event in enumerate(EVENTS):
        assert tell(one, n, about=event, type=event) == 1
    while send():
        pass
    secret = secret_of(one)
    assert {got.verified(secret)["type"] for got in receiver.got} == set(EVENTS)
    assert len(receiver.got) == len({got.id for got in receiver.got}) == len(EVENTS)


def test_the_page_about_webhooks_names_each_and_no_other() -> None:
    page = (settings.BASE_DIR / "docs/webhooks.md").read_text("utf-8")
    table = page.partition("| type | `data` | when |")[2].partition("\n\n")[0]
    named = set()
    for cell in re.findall(r"^\| (`[^|]+`) \|", table, re.MULTILINE):
        first, *others = re.findall(r"`([a-z_.]+)`", cell)
        family = first.partition(".")[0]
        named |= {first, *(f"{family}{each}" if each.startswith(".") else each for each in others)}
    assert named == {*EVENTS, messages.TEST}
