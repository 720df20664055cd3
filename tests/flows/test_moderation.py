"""Keeping order over real sockets: what is held, decided, appealed and undone, and who hears what of it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import pytest

from commerce.models import User
from streams import client
from streams.models import Right, Stream
from tests.live_server import LiveRoom, aside, eventually
from tests.streams import make
from tests.streams.moderation import acts

RUDE = acts.RUDE


class Scene:
    """A show with a host, a moderator, two viewers and somebody who only watches, all connected."""

    stream: Stream
    noa: User
    max: User
    host: client.Room
    mod: client.Room
    author: client.Room
    other: client.Room
    anonymous: client.Room

    def __init__(self, live_room: LiveRoom) -> None:
        self.live = live_room
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Scene:
        self.stream = await aside(_show)
        self.noa, self.max = await aside(make.user, "Noa"), await aside(make.user, "Max")
        await aside(lambda: acts.mod(self.stream, *Right.values, user=self.max))
        self.host = await self.enter(self.stream.host.user)
        self.mod = await self.enter(self.max)
        self.author = await self.enter(self.noa)
        self.other = await self.enter(await aside(make.user, "Ben"))
        self.anonymous = await self.enter(None)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def enter(self, user: User | None) -> client.Room:
        """Connect somebody."""
        return await self._stack.enter_async_context(await aside(self.live.visitor, self.stream, user))

    async def say(self, text: str, by: client.Room | None = None) -> dict[str, Any]:
        """Say a line and let the relay tell what follows."""
        said = await (by or self.author).command("chat.send", {"text": text}, key=uuid4())
        await aside(self.live.relay)
        return said

    async def ask(self, by: client.Room, t: str, **d: Any) -> dict[str, Any]:
        """Send a command and let the relay tell what follows."""
        reply = await by.command(t, d, key=uuid4())
        await aside(self.live.relay)
        return reply

    async def passed(self) -> None:
        """Wait until everybody has heard all that was told before."""
        marker = uuid4().hex[:8]
        await self.say(f"marker {marker}", self.host)
        for room in (self.host, self.mod, self.author, self.other, self.anonymous):
            if room.open:
                await room.wait("chat.message", lambda d: marker in d["text"])

    def heard(self, room: client.Room, text: str) -> bool:
        """Say whether somebody was told a text at all, in whatever frame."""
        return any(text in str(event) for event in room.events)


async def shows(room: client.Room, line: str) -> None:
    """Wait until a newcomer has a line, by the snapshot or by what follows it."""
    assert room.snapshot is not None
    if line not in str(room.snapshot["chat"]):
        told = ("chat.message", "chat.restored")
        await eventually(lambda: any(e["t"] in told and e["d"]["id"] == line for e in room.events))


def _show() -> Stream:
    made = make.show(products=(make.product(),))
    return Stream.objects.select_related("host__user").get(pk=made.pk)


@pytest.fixture
async def scene(live_room: LiveRoom) -> Any:
    async with Scene(live_room) as made:
        yield made


async def test_a_held_line_is_seen_by_its_author_and_counted_for_the_moderators(scene: Scene) -> None:
    said = await scene.say(RUDE)

    assert said["held"] is True
    held = await scene.author.wait("chat.held")
    assert (held["d"]["id"], held["d"]["rule"], held["d"]["by"]) == (said["id"], "words", "filter")
    for room in (scene.host, scene.mod):
        assert (await room.wait("moderation.waiting"))["d"]["held"] == 1
    await scene.passed()
    assert not any(scene.heard(room, RUDE) for room in (scene.other, scene.anonymous, scene.host, scene.mod))
    assert not scene.other.of("moderation.waiting")


async def test_a_held_line_is_in_nobodys_snapshot_but_its_authors_own_part(scene: Scene) -> None:
    said = await scene.say(RUDE)

    again, stranger = await scene.enter(scene.noa), await scene.enter(None)

    assert again.snapshot is not None and stranger.snapshot is not None
    assert [line["id"] for line in again.snapshot["me"]["held"]] == [said["id"]]
    assert said["id"] not in str(again.snapshot["chat"])
    assert said["id"] not in str(stranger.snapshot)


async def test_a_shown_line_reaches_everybody_and_its_author_is_told(scene: Scene) -> None:
    said = await scene.say(RUDE)

    reply = await scene.ask(scene.mod, "chat.decide", message=said["id"], verdict="show", reason="Harmless")

    assert reply == {"id": said["id"], "status": "shown"}
    for room in (scene.author, scene.other, scene.anonymous, scene.host):
        assert (await room.wait("chat.restored"))["d"]["text"] == RUDE
    told = (await scene.author.wait("chat.decided"))["d"]
    assert (told["action"], told["by"], told["reason"]) == ("shown", "mod", "Harmless")
    await shows(await scene.enter(None), said["id"])


async def test_a_removed_line_is_appealed_and_comes_back(scene: Scene) -> None:
    said = await scene.say("Buy it elsewhere")
    await scene.other.wait("chat.message", lambda d: d["id"] == said["id"])

    await scene.ask(scene.mod, "chat.remove", message=said["id"], rule="spam", reason="Advertising")
    await scene.anonymous.wait("chat.removed", lambda d: d["id"] == said["id"])
    told = (await scene.author.wait("chat.decided"))["d"]
    assert (told["action"], told["rule"], told["reason"], told["appealable"]) == (
        "removed",
        "spam",
        "Advertising",
        True,
    )
    appeal = await scene.ask(scene.author, "chat.appeal", decision=told["decision"], text="It was a question")
    assert appeal["outcome"] == "open"
    await scene.host.wait("moderation.waiting", lambda d: d["appeals"] == 1)
    await scene.ask(scene.host, "chat.restore", message=said["id"], reason="Fair enough")

    assert (await scene.anonymous.wait("chat.restored"))["d"]["id"] == said["id"]
    undone = await scene.author.wait("chat.decided", lambda d: d["action"] == "restored")
    assert (undone["d"]["by"], undone["d"]["reason"]) == ("host", "Fair enough")


async def test_whoever_is_muted_is_told_and_refused_until_pardoned(scene: Scene) -> None:
    mute = {"user": str(scene.noa.id), "seconds": 600, "rule": "abuse", "reason": "Insults"}

    await scene.ask(scene.mod, "user.mute", **mute)

    told = (await scene.author.wait("user.restrained"))["d"]
    assert (told["kind"], told["reason"], told["appealable"]) == ("mute", "Insults", True)
    for t, d in (("chat.send", {"text": "Hi"}), ("chat.ask", {"text": "Hi?"})):
        with pytest.raises(client.RefusedByServer) as refused:
            await scene.author.command(t, d, key=uuid4())
        assert (refused.value.code, refused.value.data["reason"]) == ("MUTED", "Insults")
    assert (await scene.ask(scene.mod, "user.pardon", user=str(scene.noa.id)))["lifted"] == ["mute"]
    await scene.author.wait("user.pardoned")
    assert (await scene.say("Sorry"))["held"] is False


async def test_reactions_of_the_muted_are_refused(scene: Scene) -> None:
    mute = {"user": str(scene.noa.id), "seconds": 600, "rule": "spam", "reason": "Spam"}
    await scene.ask(scene.mod, "user.mute", **mute)
    await scene.author.wait("user.restrained")

    async with asyncio.timeout(10):
        while "MUTED" not in {event["d"]["code"] for event in scene.author.of("error")}:
            await scene.author.send("reaction.send", {"kind": "heart"})
            await asyncio.sleep(0.25)  # Fewer than are allowed, so that nothing else refuses them.
    await scene.author.send("reaction.send", {"kind": "fire"})
    await scene.passed()
    assert not any("fire" in each["d"]["counts"] for each in scene.other.of("reaction.count"))


async def test_whoever_is_banned_is_out_and_does_not_come_back_in_until_pardoned(scene: Scene) -> None:
    await scene.ask(scene.mod, "user.ban", user=str(scene.noa.id), rule="scam", reason="Fake shop")

    assert await scene.author.wait_closed() == 4403
    with pytest.raises((client.RefusedByServer, client.Disconnected)):
        await scene.enter(scene.noa)
    await scene.ask(scene.host, "user.pardon", user=str(scene.noa.id), kind="ban")
    back = await scene.enter(scene.noa)
    assert (await scene.say("Thank you", back))["held"] is False


async def test_followers_only_lets_followers_speak(scene: Scene) -> None:
    assert await scene.ask(scene.mod, "chat.mode", followers_only=True) == {
        "slow_s": 0,
        "followers_only": True,
    }
    for room in (scene.author, scene.anonymous):
        assert (await room.wait("chat.mode"))["d"] == {"slow_s": 0, "followers_only": True}

    with pytest.raises(client.RefusedByServer) as refused:
        await scene.author.command("chat.send", {"text": "Hi"}, key=uuid4())
    assert refused.value.code == "FOLLOWERS_ONLY"
    assert await scene.ask(scene.author, "host.follow") == {"follows": True}
    assert (await scene.say("Hi"))["held"] is False
    late = await scene.enter(scene.noa)
    assert late.snapshot is not None and late.snapshot["me"]["follows"] is True


async def test_a_question_is_asked_of_a_product_and_answered(scene: Scene) -> None:
    item = await aside(make.item, scene.stream)

    asked = await scene.ask(scene.author, "chat.ask", text="Is it matte?", product=str(item.product_id))
    line = (await scene.other.wait("chat.message"))["d"]
    assert line["question"] == {"item": str(item.id), "product": str(item.product_id), "answered_at": None}
    await scene.host.wait("moderation.waiting", lambda d: d["questions"] == 1)
    await scene.ask(scene.mod, "question.answer", question=asked["id"])

    told = (await scene.anonymous.wait("question.answered"))["d"]
    assert told["id"] == asked["id"] and told["answered_at"] is not None


async def test_a_comment_is_pinned_for_everybody_and_for_newcomers(scene: Scene) -> None:
    said = await scene.say("Use code SPRING", scene.host)

    await scene.ask(scene.mod, "chat.pin", message=said["id"])
    assert (await scene.anonymous.wait("chat.pinned"))["d"]["text"] == "Use code SPRING"
    late = await scene.enter(None)
    assert late.snapshot is not None
    # A snapshot may be of the second before; what happened since follows it.
    pinned = late.snapshot["pinned_line"] or (await late.wait("chat.pinned"))["d"]
    assert pinned["id"] == said["id"]
    await scene.ask(scene.mod, "chat.unpin")
    assert (await late.wait("chat.unpinned"))["d"]["id"] == said["id"]


async def test_a_report_hides_nothing_and_waits_for_a_human(scene: Scene) -> None:
    said = await scene.say("Cheaper on my page")

    first = await scene.ask(scene.other, "chat.report", message=said["id"], category="scam", note="Fake")
    again = await scene.ask(scene.other, "chat.report", message=said["id"], category="scam")

    assert first == again
    await scene.mod.wait("moderation.waiting", lambda d: d["reported"] == 1)
    await shows(await scene.enter(None), said["id"])


async def test_a_viewer_keeps_no_order(live_room: LiveRoom) -> None:
    stream, noa = await aside(make.show), await aside(make.user, "Noa")
    line = await aside(lambda: acts.line(stream))
    message, user = {"message": str(line.id)}, {"user": str(line.author_id)}
    asked: list[tuple[str, dict[str, Any]]] = [
        ("chat.remove", message | {"rule": "spam"}),
        ("chat.restore", message),
        ("chat.decide", message | {"verdict": "show"}),
        ("chat.pin", message),
        ("chat.unpin", {}),
        ("chat.mode", {"slow_s": 3}),
        ("user.mute", user | {"seconds": 60, "rule": "spam"}),
        ("user.ban", user | {"rule": "spam"}),
        ("user.pardon", user),
        ("question.answer", {"question": str(line.id)}),
    ]

    async with await aside(live_room.visitor, stream, noa) as viewer:
        for t, d in asked:
            with pytest.raises(client.RefusedByServer) as refused:
                await viewer.command(t, d, key=uuid4())
            assert (t, refused.value.code) == (t, "NOT_FOUND")


async def test_a_new_moderator_is_told_and_may_act_on_the_open_connection(scene: Scene) -> None:
    ben = await aside(make.user, "Ben")
    room = await scene.enter(ben)
    said = await scene.say("Hello")

    await aside(lambda: acts.mod(scene.stream, Right.REMOVE, user=ben))
    await aside(scene.live.relay)

    told = (await room.wait("user.rights"))["d"]
    assert (told["role"], told["rights"]) == ("mod", ["remove"])
    assert (await scene.ask(room, "chat.remove", message=said["id"], rule="spam"))["status"] == "removed"
