"""Stale tickets, signing out and bans while sockets are open: who may not is out, and leaves nothing."""

import asyncio
import time

import pytest
import redis
from django.conf import settings
from django.test import Client
from django.utils import timezone

from commerce.models import User
from streams import client
from streams.models import Stream
from streams.moderation import restraints
from tests.faults import room
from tests.live_server import LiveRoom, aside, cookie_of, eventually, ticket_of
from tests.streams import make

pytestmark = pytest.mark.faults


async def test_a_stale_reused_or_foreign_ticket_opens_nothing(
    live_room: LiveRoom, redis_server: redis.Redis
) -> None:
    stream, other, noa = await aside(make.show), await aside(make.show), await aside(make.user)

    async def refused(ticket: str, *, at: Stream = stream, origin: str | None = None) -> int:
        late = live_room.room(at, ticket=ticket, origin=origin)
        with pytest.raises((client.RefusedByServer, client.Disconnected)):
            await late.connect()
        return await late.wait_closed()

    stale = await aside(ticket_of, noa, stream)
    [key] = redis_server.scan_iter("lc:t*")
    assert 0 < redis_server.ttl(key) <= 60
    redis_server.pexpire(key, 1)
    await eventually(lambda: not redis_server.exists(key))
    good = await aside(ticket_of, noa, stream)
    async with live_room.room(stream, ticket=good):
        await room.counted(stream, 1)
        assert await refused(stale) == 4401
        assert await refused(good) == 4401
        assert await refused(await aside(ticket_of, noa, other)) == 4401
        cookie = await aside(cookie_of, noa)
        foreign = live_room.room(stream, cookie=cookie, origin="https://elsewhere.example")
        with pytest.raises((client.RefusedByServer, client.Disconnected)):
            await foreign.connect()
        assert await foreign.wait_closed() == 4403
        await room.counted(stream, 1)
    await room.counted(stream, 0)
    await room.deserted(live_room)


async def test_whoever_signs_out_is_out_everywhere_within_a_minute_and_nobody_else(
    live_room: LiveRoom, live_process: LiveRoom
) -> None:
    stream, noa, ben = await aside(make.show), await aside(make.user, "Noa"), await aside(make.user, "Ben")
    browser = Client()
    await aside(browser.force_login, noa)
    cookie = f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"

    async with await aside(live_room.visitor, stream, ben) as other, live_process.room(stream) as anonymous:
        hers = [
            live.room(stream, cookie=cookie, origin=settings.BASE_URL) for live in (live_room, live_process)
        ]
        await asyncio.gather(*(each.connect() for each in hers))
        await room.counted(stream, 3)
        began = time.monotonic()
        answer = await aside(browser.post, "/api/v1/account/sign-out")
        assert answer.status_code < 300
        await aside(LiveRoom.relay)
        codes = await asyncio.gather(*(each.wait_closed(60) for each in hers))
        print(f"out after {time.monotonic() - began:.1f} s")
        assert codes == [4403, 4403]
        await room.counted(stream, 2)
        assert other.open
        assert anonymous.open


async def test_a_banned_user_is_out_everywhere_within_a_minute_and_stays_out(
    live_room: LiveRoom, live_process: LiveRoom
) -> None:
    stream, noa = await aside(make.show), await aside(make.user, "Noa")
    ticket = await aside(ticket_of, noa, stream)

    async with live_room.room(stream) as other:
        hers = [await aside(live.visitor, stream, noa) for live in (live_room, live_process)]
        await asyncio.gather(*(each.connect() for each in hers))
        await room.counted(stream, 2)
        began = time.monotonic()
        await aside(ban, stream, noa)
        codes = await asyncio.gather(*(each.wait_closed(60) for each in hers))
        print(f"out after {time.monotonic() - began:.1f} s")
        assert codes == [4403, 4403]
        again = [live_room.room(stream, ticket=ticket), await aside(live_room.visitor, stream, noa)]
        for late in again:
            with pytest.raises((client.RefusedByServer, client.Disconnected)):
                await late.connect()
        assert [await late.wait_closed() for late in again] == [
            4401,
            4403,
        ]  # the ticket has gone with the ban
        await room.counted(stream, 1)
        assert other.open


def ban(stream: Stream, user: User) -> None:
    """Ban a user from a show, as its host."""
    restraints.ban(
        stream_id=stream.id,
        user_id=user.id,
        by_id=Stream.objects.get(pk=stream.pk).host.user_id,
        seconds=None,
        rule="abuse",
        reason="",
        now=timezone.now(),
    )
    LiveRoom.relay()
