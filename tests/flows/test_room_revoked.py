"""Who has signed out, was banned or closed, or has another password, is gone from the room within seconds."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.test import Client

from commerce.models import User
from streams import client
from streams.models import Stream
from streams.moderation import moderators, restraints
from tests.live_server import LiveRoom, aside, environment
from tests.streams import make

PASSWORD = "correct-horse-battery"
SECONDS = 5.0
# Quicker than twice a minute, so that a test can wait for the look at everybody.
OFTEN = "from streams.live import warden; warden.EVERY_SECONDS = 1.0"


@pytest.fixture(scope="module")
def _often(django_db_setup: None) -> Iterator[LiveRoom]:
    live = LiveRoom(environment(), before=OFTEN)
    live.start()
    yield live
    live.stop()
    print(live.log)


@pytest.fixture
def watchful(live_room: LiveRoom, _often: LiveRoom) -> LiveRoom:
    """A live process that looks at everybody every second; the shows have addresses of their own."""
    return _often


def browser_of(user: User) -> Client:
    """Return a browser in which this user has signed in."""
    if not User.objects.get(pk=user.pk).check_password(PASSWORD):
        User.objects.filter(pk=user.pk).update(password=make_password(PASSWORD))
    browser = Client()
    browser.force_login(User.objects.get(pk=user.pk))
    return browser


def room_of(live: LiveRoom, stream: Stream, browser: Client, by: str) -> client.Room:
    """Return the browser's connection to a show, by its cookie or by a ticket it fetches."""
    if by == "ticket":
        ticket = browser.post(f"/api/v1/live/{stream.slug}/ticket").json()["ticket"]
        return live.room(stream, ticket=ticket)
    cookie = f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"
    return live.room(stream, cookie=cookie, origin=settings.BASE_URL)


def sign_out(browser: Client) -> None:
    assert browser.post("/api/v1/account/sign-out").status_code == 204


def sign_out_everywhere(browser: Client) -> None:
    assert browser.post("/api/v1/account/sign-out-everywhere").status_code == 204


def change_password(browser: Client) -> None:
    body = {"old": PASSWORD, "new": "another-horse-battery"}
    answer = browser.post("/api/v1/account/password", body, content_type="application/json")
    assert answer.status_code == 204, answer.content


def close_account(browser: Client) -> None:
    """Let an operator take the user's account away, in the admin."""
    user = User.objects.get(name="Noa")
    staff = Client()
    staff.force_login(User.objects.create_superuser("ops@example.com", PASSWORD, name="Ops"))
    form = {"email": user.email, "name": user.name}
    for inline in ("addresses", "cards"):
        form |= {f"{inline}-TOTAL_FORMS": "0", f"{inline}-INITIAL_FORMS": "0"}
    answer = staff.post(f"/admin/commerce/user/{user.pk}/change/", form)
    assert answer.status_code == 302, answer.content
    assert not User.objects.get(pk=user.pk).is_active


def set_password(browser: Client) -> None:
    """Let an operator set another password, in the admin."""
    user = User.objects.get(name="Noa")
    staff = Client()
    staff.force_login(User.objects.create_superuser("ops@example.com", PASSWORD, name="Ops"))
    form = {"password1": "another-horse-battery", "password2": "another-horse-battery"}
    answer = staff.post(f"/admin/commerce/user/{user.pk}/password/", form)
    assert answer.status_code == 302, answer.content


async def two(live: LiveRoom, by: str) -> tuple[Stream, Client, client.Room, client.Room]:
    """Return a show, Noa's browser, her connection, and one of somebody else."""
    stream = await aside(make.show)
    noa, ben = await aside(make.user, "Noa"), await aside(make.user, "Ben")
    browser = await aside(browser_of, noa)
    mine = await aside(room_of, live, stream, browser, by)
    other = await aside(live.visitor, stream, ben)
    return stream, browser, mine, other


@pytest.mark.parametrize("by", ["cookie", "ticket"])
@pytest.mark.parametrize("end", [sign_out, sign_out_everywhere, change_password, close_account, set_password])
async def test_an_idle_connection_ends(live_room: LiveRoom, end: Callable[[Client], None], by: str) -> None:
    _, browser, mine, other = await two(live_room, by)

    async with mine, other:
        await aside(end, browser)
        await aside(live_room.relay)
        code = await mine.wait_closed(SECONDS)
        assert other.open

    assert code == 4403
    assert mine.of("error")[-1]["d"]["code"] == "UNAUTHENTICATED"


async def test_without_a_word_of_it_the_connection_stays(live_room: LiveRoom) -> None:
    """The control: it is the event that ends it so soon, not chance."""
    _, browser, mine, other = await two(live_room, "cookie")

    async with mine, other:
        await aside(sign_out, browser)
        with pytest.raises(TimeoutError):
            await mine.wait_closed(2)


async def test_signing_out_here_leaves_another_browsers_connection(live_room: LiveRoom) -> None:
    stream, browser, mine, _ = await two(live_room, "cookie")
    elsewhere = await aside(lambda: browser_of(User.objects.get(name="Noa")))
    laptop = await aside(room_of, live_room, stream, elsewhere, "cookie")

    async with mine, laptop:
        await aside(sign_out, browser)
        await aside(live_room.relay)
        assert await mine.wait_closed(SECONDS) == 4403
        # Both were looked at together.
        await laptop.command("chat.send", {"text": "Still here"}, key=uuid4())


@pytest.mark.parametrize("by", ["cookie", "ticket"])
@pytest.mark.parametrize("end", [sign_out, close_account])
async def test_when_nobody_can_say_so_it_is_found_out(
    watchful: LiveRoom, end: Callable[[Client], None], by: str
) -> None:
    _, browser, mine, other = await two(watchful, by)

    async with mine, other:
        await aside(end, browser)  # and no relay
        code = await mine.wait_closed(SECONDS)
        assert other.open

    assert code == 4403


async def test_everybody_is_looked_at_within_the_minute() -> None:
    from streams.live import warden

    assert warden.EVERY_SECONDS * 2 <= 60


@pytest.mark.parametrize("end", [sign_out, change_password])
async def test_a_pass_and_a_ticket_die_with_the_session(
    live_room: LiveRoom, end: Callable[[Client], None]
) -> None:
    stream, browser, mine, _ = await two(live_room, "cookie")
    async with mine:
        pass
    late = await aside(room_of, live_room, stream, browser, "ticket")
    await aside(end, browser)
    await aside(live_room.relay)

    with pytest.raises(client.RefusedByServer) as refused:
        await late.connect()
    assert refused.value.code == "UNAUTHENTICATED"
    async with live_room.room(stream, cookie=mine.cookie, origin=mine.origin) as nobody:
        assert nobody.snapshot is not None
        assert nobody.snapshot["me"] is None


def ban(stream: Stream, user: User) -> Any:
    return restraints.ban(
        stream_id=stream.id,
        user_id=user.id,
        by_id=stream.host.user_id,
        seconds=None,
        rule="abuse",
        reason="Called another viewer names.",
        now=make.NOW,
    )


async def test_who_is_banned_from_a_show_has_to_leave_that_show_alone(live_room: LiveRoom) -> None:
    stream, other, noa = await aside(make.show), await aside(make.show), await aside(make.user, "Noa")
    here = await aside(live_room.visitor, stream, noa)

    async with here, await aside(live_room.visitor, other, noa) as there:
        await aside(ban, stream, noa)
        await aside(live_room.relay)
        assert await here.wait_closed(SECONDS) == 4403
        assert here.of("error")[-1]["d"]["code"] == "BANNED"
        await there.command("time.sync", {"c": 1})

    again = await aside(live_room.visitor, stream, noa)
    with pytest.raises(client.RefusedByServer) as refused:
        await again.connect()
    assert refused.value.code == "BANNED"
    assert await again.wait_closed() == 4403
    browser = await aside(browser_of, noa)
    answer = await aside(browser.post, f"/api/v1/live/{stream.slug}/ticket")
    assert (answer.status_code, answer.json()["code"]) == (403, "BANNED")


async def test_a_new_moderator_is_told_so_and_stays(live_room: LiveRoom) -> None:
    stream, noa = await aside(make.show), await aside(make.user, "Noa")

    async with await aside(live_room.visitor, stream, noa) as viewer:
        await aside(
            lambda: moderators.appoint(
                stream_id=stream.id,
                user_id=noa.id,
                by_id=stream.host.user_id,
                rights=["remove"],
                now=make.NOW,
            )
        )
        await aside(live_room.relay)
        await viewer.wait("me.updated", lambda d: d["role"] == "mod", deadline=SECONDS)
        assert viewer.open


async def test_a_connection_lives_its_time_and_can_be_extended(
    own_process: Callable[..., LiveRoom],
) -> None:
    live = await aside(lambda: own_process(ROOM_LIFE_SECONDS="4"))
    stream, noa = await aside(make.show), await aside(make.user, "Noa")
    browser = await aside(browser_of, noa)
    stays = await aside(room_of, live, stream, browser, "cookie")
    leaves = await aside(live.visitor, stream, noa)

    async with stays, leaves:
        for viewer in (stays, leaves):
            await viewer.wait("auth.expiring")
        door = f"/api/v1/live/{stream.slug}/ticket"
        ticket = (await aside(browser.post, door)).json()["ticket"]
        extended = await stays.command("auth.refresh", {"ticket": ticket})
        assert stays.welcome is not None
        assert extended["expires_at"] > stays.welcome["expires_at"]
        assert await leaves.wait_closed(8) == 4512
        assert stays.open
        assert await stays.wait_closed(8) == 4512
