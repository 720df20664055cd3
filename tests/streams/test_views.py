"""The live side over HTTP: the list of shows, a show's snapshot, tickets."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from streams import chat, passes, showlog, tickets
from streams.frames import wire
from streams.models import Stream
from tests.streams import make

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_list_tells_what_is_on_and_what_comes(client: Client) -> None:
    live = make.show()
    soon = make.show(make.host("Eve"), live=False)
    Stream.objects.filter(pk=soon.pk).update(starts_at=timezone.now() + timedelta(hours=1))

    answer = client.get("/api/v1/live/")

    assert answer.status_code == 200
    body = answer.json()
    assert [each["slug"] for each in body["live"]] == [live.slug]
    assert [each["slug"] for each in body["soon"]] == [soon.slug]


def test_the_snapshot_is_the_body_of_the_sockets_frame(client: Client) -> None:
    stream = make.show(products=(make.product(),))
    chat.say(stream_id=stream.id, author_id=make.user().id, key=uuid4(), text="Hi", now=make.NOW)
    noa = make.user("Noa")
    client.force_login(noa)

    answer = client.get(f"/api/v1/live/{stream.slug}/snapshot")

    body = answer.json()
    place = body["position"]
    wire.check(wire.event("snapshot", body["snapshot"], l="s", e=place["epoch"], o=place["offset"]))
    assert body["snapshot"]["me"]["id"] == str(noa.id)
    assert [line["text"] for line in body["snapshot"]["chat"]] == ["Hi"]
    assert (place["epoch"], place["offset"]) == showlog.position(stream.id)
    assert "no-store" in answer.headers["Cache-Control"]


def test_an_anonymous_snapshot_says_nothing_of_anybody(client: Client) -> None:
    stream = make.show()

    snapshot = client.get(f"/api/v1/live/{stream.slug}/snapshot").json()["snapshot"]

    assert (snapshot["me"], snapshot["cart"], snapshot["purchases"]) == (None, None, [])


def test_a_ticket_is_for_those_who_are_signed_in(client: Client) -> None:
    stream, noa = make.show(), make.user()
    address = f"/api/v1/live/{stream.slug}/ticket"
    assert client.post(address).status_code == 401
    client.force_login(noa)

    answer = client.post(address)

    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json()["socket_url"].endswith(f"/ws/v1/live/{stream.slug}")
    [held] = tickets.redeem_all([(answer.json()["ticket"], stream.id)])
    assert isinstance(held, passes.Pass)
    assert held.person.id == noa.id


def test_a_ticket_is_not_given_to_another_sites_form() -> None:
    stream, noa = make.show(), make.user()
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(noa)

    assert browser.post(f"/api/v1/live/{stream.slug}/ticket").status_code == 403


@pytest.mark.parametrize("path", ["snapshot", "ticket"])
def test_a_show_that_is_not_there_is_not_found(client: Client, path: str) -> None:
    client.force_login(make.user())
    ask = client.post if path == "ticket" else client.get

    answer = ask(f"/api/v1/live/no-such-show/{path}")

    assert answer.status_code == 404
    assert answer.json()["code"] == "NOT_FOUND"
