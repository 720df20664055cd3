"""The studio's screens: who gets in, whose shows they show, what the forms do."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from commerce.models import Host
from streams import shows
from streams.models import Stream
from tests.streams import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def host() -> Host:
    return make.host()


@pytest.fixture
def client(host: Host) -> Client:
    client = Client()
    client.force_login(host.user)
    return client


def a_form(**more: Any) -> dict[str, Any]:
    return {"title": "Evening glow", "starts_at": "2031-07-01T20:00", "ahead": "60", **more}


def test_every_screen_asks_a_stranger_to_sign_in(host: Host) -> None:
    stream = make.show(host, live=False)
    shopper = Client()
    shopper.force_login(make.user())

    for address in ("", "shows/plan/", "earnings/", f"shows/{stream.id}/", f"room/{stream.id}/"):
        for client in (Client(), shopper):
            answer = client.get(f"/studio/{address}")
            assert answer.status_code == 302
            assert answer["Location"].startswith("/studio/login/")


def test_another_hosts_show_is_not_found_on_any_screen(client: Client) -> None:
    hers = make.show(make.host("Eve"), live=False)

    for address in (f"shows/{hers.id}/", f"shows/{hers.id}/showcase/", f"room/{hers.id}/"):
        assert client.get(f"/studio/{address}").status_code == 404
    assert client.post(f"/studio/shows/{hers.id}/", a_form(title="Mine")).status_code == 404
    assert client.post(f"/studio/shows/{hers.id}/cancel/").status_code == 404
    hers.refresh_from_db()
    assert (hers.title, hers.status) == ("Evening glow", "scheduled")


def test_the_list_shows_her_own_shows_only(client: Client, host: Host) -> None:
    make.show(make.host("Eve"), live=False)
    shows.plan(host_id=host.id, title="Mine, planned", starts_at=timezone.now())
    cancelled = shows.plan(host_id=host.id, title="Mine, cancelled", starts_at=timezone.now())
    shows.cancel(host_id=host.id, stream_id=cancelled.id, now=timezone.now())
    make.show(host)

    answer = client.get("/studio/")

    assert [each.title for each in answer.context["upcoming"]] == ["Mine, planned"]
    assert answer.context["live"].host == host
    assert [each.title for each in answer.context["past"]] == ["Mine, cancelled"]


def test_a_planned_show_begins_at_her_own_clock(client: Client, host: Host) -> None:
    answer = client.post("/studio/shows/plan/", a_form())

    stream = Stream.objects.get(host=host)
    assert answer["Location"] == f"/studio/shows/{stream.id}/showcase/"
    assert stream.starts_at == datetime(2031, 7, 1, 19, 0, tzinfo=UTC)
    assert stream.slug == "evening-glow"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", "x" * 121),
        ("starts_at", "soon"),
        ("slug", "not a slug"),
        ("video_url", "javascript:alert(1)"),
        ("poster_url", "ftp://example.com/a.png"),
    ],
)
def test_a_bad_form_comes_back_saying_what_is_wrong(client: Client, field: str, value: str) -> None:
    answer = client.post("/studio/shows/plan/", a_form(**{field: value}))

    assert answer.status_code == 400
    assert list(answer.context["form"].errors) == [field]
    assert not Stream.objects.exists()


def test_an_address_that_is_taken_is_said_at_its_field(client: Client) -> None:
    make.show(make.host("Eve"), live=False)

    answer = client.post("/studio/shows/plan/", a_form(slug="evening-glow"))

    assert answer.status_code == 400
    assert "Another show has this address" in str(answer.context["form"].errors["slug"])


def test_details_can_be_changed(client: Client, host: Host) -> None:
    stream = make.show(host, live=False)

    answer = client.post(f"/studio/shows/{stream.id}/", a_form(title="Late glow", ahead="0"))

    assert answer.status_code == 302
    stream.refresh_from_db()
    assert (stream.title, stream.slug) == ("Late glow", "evening-glow")
    assert stream.starts_at == datetime(2031, 7, 1, 20, 0, tzinfo=UTC)


def test_a_live_show_keeps_its_planned_time(client: Client, host: Host) -> None:
    stream = make.show(host)
    planned = stream.starts_at

    assert client.post(f"/studio/shows/{stream.id}/", a_form(title="Late glow")).status_code == 302

    stream.refresh_from_db()
    assert (stream.title, stream.starts_at) == ("Late glow", planned)


def test_a_planned_show_is_cancelled_and_a_live_one_not(client: Client, host: Host) -> None:
    planned, live = make.show(host, live=False), make.show(host)

    client.post(f"/studio/shows/{planned.id}/cancel/")
    client.post(f"/studio/shows/{live.id}/cancel/")

    planned.refresh_from_db()
    live.refresh_from_db()
    assert (planned.status, live.status) == ("cancelled", "live")


def test_the_control_room_runs_no_script_but_its_own_files(client: Client, host: Host) -> None:
    stream = make.show(host, products=(make.product("</script><script>alert(1)"),))

    answer = client.get(f"/studio/room/{stream.id}/")

    policy = answer["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "script-src" not in policy
    assert "<script>alert(1)" not in answer.content.decode()
    assert answer.context["page"]["snapshot"]["stream"]["id"] == str(stream.id)


def test_every_screen_of_a_show_in_every_status_renders(client: Client, host: Host) -> None:
    ended, cancelled = make.show(host, products=(make.product(),)), make.show(host, live=False)
    shows.end(host_id=host.id, stream_id=ended.id, now=timezone.now())
    shows.cancel(host_id=host.id, stream_id=cancelled.id, now=timezone.now())
    every = [ended, cancelled, make.show(host, live=False), make.show(host)]

    for stream in every:
        for address in (f"shows/{stream.id}/", f"shows/{stream.id}/showcase/", f"room/{stream.id}/"):
            assert client.get(f"/studio/{address}").status_code == 200
    assert client.get("/studio/earnings/").status_code == 200
    assert client.get("/studio/?page=99").status_code == 200
