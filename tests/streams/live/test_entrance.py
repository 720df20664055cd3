"""Coming in together: a few statements for a hundred, and each is told who she is, or why she may not."""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.backends.signals import connection_created
from django.utils import timezone

from commerce import errors
from commerce.models import User
from orders.models import Cart
from streams import passes, snapshot, tickets
from streams.live import admission
from streams.live.entrance import Entrance
from streams.live.executor import BoundedExecutor
from streams.live.room import Show
from streams.models import Stream
from streams.moderation import restraints, standing
from streams.passes import Pass
from tests.live_server import aside, cookie_of, ticket_of
from tests.streams import make
from tests.streams.moderation import acts

pytestmark = pytest.mark.django_db(transaction=True)

ARRIVALS = 1  # Threads that may wait for the database.


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """The statements of all threads that connect from now on."""
    said: list[str] = []

    def note(execute: Any, sql: str, *rest: Any) -> Any:
        said.append(sql)
        return execute(sql, *rest)

    def listen(connection: Any, **_: Any) -> None:
        connection.execute_wrappers.append(note)

    connection_created.connect(listen)
    yield said
    connection_created.disconnect(listen)


@pytest.fixture
async def arrivals() -> AsyncIterator[BoundedExecutor]:
    made = BoundedExecutor(name="arrival", threads=ARRIVALS, waiting=10)
    yield made
    await made.run(lambda: connection.close())  # Of its thread.
    made.stop()


@pytest.fixture
async def entrance(arrivals: BoundedExecutor) -> AsyncIterator[Entrance]:
    made = Entrance(arrivals=arrivals, begin=asyncio.get_running_loop().create_task)
    yield made
    made.stop()


async def made_show() -> tuple[Stream, Show]:
    stream = await aside(make.show)
    return stream, await aside(lambda: Show(stream.id, stream.slug, stream.host.user_id))


def sessions(users: list[User]) -> list[str]:
    return [cookie_of(user).partition("=")[2] for user in users]


async def admit(entrance: Entrance, show: Show, cookie: str) -> Pass | errors.Refusal | None:
    try:
        return await entrance.admit(show, ticket=None, cookie=cookie, origin=settings.BASE_URL)
    except errors.Refusal as refusal:
        return refusal


async def test_a_hundred_at_once_cost_as_many_statements_as_one(
    entrance: Entrance, statements: list[str]
) -> None:
    _, show = await made_show()
    users = await aside(lambda: [make.user(f"Noa {n}") for n in range(101)])
    cookies = await aside(sessions, users)

    async def enter(some: list[str]) -> list[str]:
        statements.clear()
        held = await asyncio.gather(*(admit(entrance, show, each) for each in some))
        own = await asyncio.gather(*(entrance.own(each) for each in held if isinstance(each, Pass)))
        assert len(own) == len(some)
        return [each["me"]["name"] for each in own]

    assert await enter(cookies[:1]) == ["Noa 0"]
    assert len(statements) == 6
    assert await enter(cookies[1:]) == [f"Noa {n}" for n in range(1, 101)]
    assert len(statements) == 6
    # Known, they are let in without any, and told what is theirs with half of them.
    await enter(cookies[1:])
    assert len(statements) == 3


async def test_one_bad_cookie_among_many_refuses_itself_alone(entrance: Entrance) -> None:
    stream, show = await made_show()
    names = ["Ana", "signed out", "expired", "tampered", "new password", "closed", "banned", "Zoe"]
    people = {name: await aside(make.user, name) for name in names}
    cookies = dict(zip(names, await aside(sessions, list(people.values())), strict=True))

    def spoil() -> None:
        kept = {name: Session.objects.filter(pk=key) for name, key in cookies.items()}
        kept["signed out"].delete()
        kept["expired"].update(expire_date=timezone.now() - timedelta(seconds=1))
        kept["tampered"].update(session_data=kept["Ana"].get().session_data[:-1] + "_")
        users = {name: User.objects.filter(pk=user.pk) for name, user in people.items()}
        users["new password"].update(password="!another")
        users["closed"].update(is_active=False)
        host, user = stream.host.user_id, people["banned"]
        restraints.ban(
            stream_id=stream.id, user_id=user.id, by_id=host, rule="spam", reason="Ads", now=make.NOW
        )

    await aside(spoil)
    found = await asyncio.gather(*(admit(entrance, show, cookies[name]) for name in names))

    by_name = dict(zip(names, found, strict=True))
    assert isinstance(by_name.pop("banned"), standing.Banned)
    let_in = {name: each.person.name for name, each in by_name.items() if isinstance(each, Pass)}
    assert let_in == {"Ana": "Ana", "Zoe": "Zoe"}
    assert [each for name, each in by_name.items() if name not in let_in] == [None] * 5


async def test_the_same_user_in_two_shows_is_somebody_else_in_each(entrance: Entrance) -> None:
    (_, hers), (other, others) = await made_show(), await made_show()
    host = await aside(lambda: User.objects.get(pk=hers.host_user_id))
    await aside(acts.mod, other, user=host)
    [cookie] = await aside(sessions, [host])

    found = await asyncio.gather(*(admit(entrance, each, cookie) for each in (hers, others, hers)))

    assert [each.person.role for each in found if isinstance(each, Pass)] == ["host", "mod", "host"]


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_ticket_is_spent_once_also_when_many_read_it_together(
    entrance: Entrance, at_once: bool
) -> None:
    stream, noa, ben = await aside(make.show), await aside(make.user), await aside(make.user)
    mine, his = await aside(ticket_of, noa, stream), await aside(ticket_of, ben, stream)

    async def redeem(token: str) -> str:
        try:
            return str((await entrance.redeem(token, stream.id)).person.id)
        except tickets.BadTicket:
            return "no good"

    asked = [mine] * 50 + [his] + ["never given"]
    found = await asyncio.gather(*map(redeem, asked)) if at_once else [await redeem(each) for each in asked]

    assert Counter(found) == {"no good": 50, str(noa.id): 1, str(ben.id): 1}


async def test_who_is_known_does_not_wait_for_those_who_wait_for_the_database(
    arrivals: BoundedExecutor, entrance: Entrance
) -> None:
    _, show = await made_show()
    known, unknown = await aside(lambda: sessions([make.user("Ana"), make.user("Ben")]))
    ana = await admit(entrance, show, known)
    slow = threading.Event()
    waits = [asyncio.create_task(arrivals.run(slow.wait, 20)) for _ in range(ARRIVALS)]
    await asyncio.sleep(0)
    try:
        async with asyncio.timeout(5):
            assert await admit(entrance, show, known) == ana
            assert isinstance(ana, Pass)
            assert await entrance.place(ana.person.id)
        with pytest.raises(TimeoutError):  # The control: to look somebody up takes one of those threads.
            async with asyncio.timeout(0.5):
                await admit(entrance, show, unknown)
    finally:
        slow.set()
        await asyncio.gather(*waits)


async def test_who_only_watches_is_asked_about_nowhere(entrance: Entrance, statements: list[str]) -> None:
    show = Show(uuid4(), "evening-glow", uuid4())
    for cookie, origin in [
        (None, settings.BASE_URL),
        ("abcdefgh12345678", None),
        ("no key", settings.BASE_URL),
    ]:
        assert await entrance.admit(show, ticket=None, cookie=cookie, origin=origin) is None
    with pytest.raises(admission.ForeignOrigin):
        await entrance.admit(show, ticket=None, cookie=None, origin="https://elsewhere.example")
    assert statements == []


async def test_whose_access_changed_while_she_was_looked_up_is_not_kept(
    entrance: Entrance, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, noa, ben = await aside(make.show), await aside(make.user), await aside(make.user)
    asked = [(key, stream.id) for key in await aside(sessions, [noa, ben])]
    found_out = passes.of_all

    def too_late(*args: Any, **more: Any) -> Any:
        found = found_out(*args, **more)
        passes.drop(user_id=noa.id)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(passes, "of_all", too_late)
        await aside(admission.look_up, asked)
    assert passes.find_all(asked) == [None, None]

    found = await aside(admission.look_up, asked)  # The control.
    assert passes.find_all(asked) == found != [None, None]


async def test_each_is_told_what_is_her_own_and_whoever_is_not_there_nothing(entrance: Entrance) -> None:
    stream = await aside(make.show)
    people = [await aside(make.user, name) for name in ("Ana", "Ben", "closed")]

    def change() -> None:
        Cart.objects.create(buyer=people[1], version=7)
        User.objects.filter(pk=people[2].pk).update(is_active=False)

    await aside(change)
    pairs = [(stream.id, people[0].id), (uuid4(), people[0].id), (stream.id, people[1].id)]
    pairs += [(stream.id, people[2].id), (stream.id, people[0].id)]
    ana, unknown, ben, closed, again = await aside(snapshot.own_all, pairs)

    assert isinstance(unknown, errors.NotFound)
    assert closed is snapshot.NOBODY
    assert not isinstance(ana, errors.Refusal)
    assert not isinstance(ben, errors.Refusal)
    assert (ana["me"]["name"], ana["cart"]["version"]) == ("Ana", 0)
    assert (ben["me"]["name"], ben["cart"]["version"], ben["cart"]["lines"]) == ("Ben", 7, [])
    assert again == ana
