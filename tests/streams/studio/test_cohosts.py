"""The studio's screens of shows with several hosts: who may press what, and what each is told."""

from uuid import uuid4

import pytest
from django.test import Client

from commerce.models import Host, User
from streams import cohosts, shows
from streams.models import CoHost, Stream
from tests.streams import make
from tests.streams.studio.asking import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def show() -> Stream:
    return make.show(make.host(), live=False)


@pytest.fixture
def mira(show: Stream) -> Client:
    return client_of(show.host)


@pytest.fixture
def yuki() -> Host:
    return make.host("Yuki")


@pytest.fixture
def hers(yuki: Host) -> Client:
    return client_of(yuki)


def tab(show: Stream, more: str = "") -> str:
    return f"/studio/shows/{show.id}/cohosts/{more}"


def invited(show: Stream, guest: Host, share_bp: int = 2_500) -> CoHost:
    return cohosts.invite(host_id=show.host_id, stream_id=show.id, whom=guest.slug, share_bp=share_bp)


def text(client: Client, address: str) -> str:
    return " ".join(client.get(address).content.decode().split())


def test_a_host_invites_another_one_who_accepts_and_leaves(
    show: Stream, mira: Client, yuki: Host, hers: Client
) -> None:
    answer = mira.post(tab(show), {"whom": yuki.slug, "share": "12.5"}, follow=True)
    assert "Yuki is invited" in answer.content.decode()
    row = CoHost.objects.get()
    assert (row.share_bp, row.status) == (1_250, "invited")
    assert "87.5 % once all have agreed" in text(mira, tab(show))

    assert f"asks you to host “{show.title}” with her, for 12.5 %" in text(hers, "/studio/")
    hers.post(f"/studio/invitations/{row.id}/accept/")
    assert "Agreed" in text(mira, tab(show))
    assert "since" in text(hers, "/studio/invitations/")
    assert "asks you" not in text(hers, "/studio/")

    hers.post(f"/studio/invitations/{row.id}/leave/")
    row.refresh_from_db()
    assert row.status == "left"
    assert "Yuki</b>, 12.5 %: left" in text(mira, tab(show))


def test_the_sidebar_counts_what_waits_for_her(show: Stream, yuki: Host, hers: Client) -> None:
    def waiting() -> int:
        return int(hers.get("/studio/earnings/").context["sidebar_navigation"][0]["items"][2].get("badge", 0))

    assert waiting() == 0
    row = invited(show, yuki)
    assert waiting() == 1
    hers.post(f"/studio/invitations/{row.id}/decline/")
    assert waiting() == 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"whom": "nobody", "share": "10"}, "There is no host of this name or address."),
        ({"whom": "", "share": "10"}, "This field is required."),
        ({"whom": "Yuki\x00", "share": "10"}, "Null characters are not allowed."),
        ({"whom": "Yuki", "share": "99.5"}, "less than or equal to 99"),
        ({"whom": "Yuki", "share": "0"}, "greater than or equal to 0.01"),
        ({"whom": "Yuki", "share": "1.234"}, "no more than 2 decimal places"),
        ({"whom": "Yuki", "share": "NaN"}, "Enter a number."),
        ({"whom": "Yuki", "share": "ten"}, "Enter a number."),
        ({"whom": "Mira", "share": "10"}, "It is your own show"),
    ],
)
def test_what_cannot_be_is_said_beside_the_form(
    show: Stream, mira: Client, yuki: Host, given: dict[str, str], said: str
) -> None:
    answer = mira.post(tab(show), given)

    assert answer.status_code == 400
    assert said in answer.content.decode()
    assert not CoHost.objects.exists()


def test_more_than_is_left_is_said_with_what_is_left(show: Stream, mira: Client, yuki: Host) -> None:
    invited(show, make.host("Noa"), 9_000)

    answer = mira.post(tab(show), {"whom": yuki.slug, "share": "10"})

    assert answer.status_code == 400
    assert "At most 9 % is left to offer." in " ".join(answer.content.decode().split())


def test_only_the_shows_own_host_sees_and_presses_her_buttons(show: Stream, yuki: Host, hers: Client) -> None:
    row, eve = invited(show, yuki), client_of(make.host("Eve"))

    for client in (eve, hers):
        assert client.get(tab(show)).status_code == 404
        assert client.post(tab(show), {"whom": "Eve", "share": "50"}).status_code == 404
        assert client.post(tab(show, f"{row.id}/withdraw/")).status_code == 404
    row.refresh_from_db()
    assert (row.status, CoHost.objects.count()) == ("invited", 1)


@pytest.mark.parametrize("answer", ["accept", "decline", "leave", "steal"])
def test_only_the_invited_host_answers(show: Stream, mira: Client, yuki: Host, answer: str) -> None:
    row = invited(show, yuki)

    for client in (mira, client_of(make.host("Eve"))):
        assert client.post(f"/studio/invitations/{row.id}/{answer}/").status_code == 404
        assert show.title not in text(client, "/studio/invitations/")
    assert mira.post(f"/studio/invitations/{uuid4()}/{answer}/").status_code == 404
    row.refresh_from_db()
    assert row.status == "invited"


def test_strangers_sign_in_first_and_links_press_nothing(show: Stream, yuki: Host, hers: Client) -> None:
    row = invited(show, yuki)
    addresses = [tab(show), tab(show, f"{row.id}/withdraw/"), "/studio/invitations/"]
    addresses.append(f"/studio/invitations/{row.id}/accept/")

    for address in addresses:
        assert Client().get(address)["Location"].startswith("/studio/login/")
    assert hers.get(f"/studio/invitations/{row.id}/accept/").status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(yuki.user)
    assert strict.post(f"/studio/invitations/{row.id}/accept/").status_code == 403
    row.refresh_from_db()
    assert row.status == "invited"


def test_once_live_an_agreed_share_cannot_be_withdrawn_and_nothing_once_over(
    show: Stream, mira: Client, yuki: Host, hers: Client
) -> None:
    agreed, asked = make.cohost(show), invited(show, yuki)
    shows.go_live(host_id=show.host_id, stream_id=show.id, now=make.NOW)

    page = text(mira, tab(show))
    assert f"{agreed.id}/withdraw/" not in page
    assert "Hers until she leaves" in page
    answer = mira.post(tab(show, f"{agreed.id}/withdraw/"), follow=True)
    assert "The show is live: what she agreed to stays hers." in answer.content.decode()

    shows.end(host_id=show.host_id, stream_id=show.id, now=make.NOW)
    assert "This show is over" in text(mira, tab(show))
    assert mira.post(tab(show), {"whom": "Noa", "share": "1"}).status_code == 400
    answer = hers.post(f"/studio/invitations/{asked.id}/accept/", follow=True)
    assert "The show is over" in answer.content.decode()
    assert "not answered in time" in text(hers, "/studio/invitations/")


def test_operators_see_who_hosts_what_and_change_nothing_by_hand(show: Stream) -> None:
    row, operator = make.cohost(show), Client()
    operator.force_login(User.objects.create_superuser("ops@example.com", "long enough 1", name="Ops"))
    address = f"/admin/streams/cohost/{row.id}/change/"

    assert "Yuki" in operator.get("/admin/streams/cohost/").content.decode()
    assert operator.get(address).status_code == 200
    assert operator.post(address, {"share_bp": 1}).status_code == 403
