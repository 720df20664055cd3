"""The signed-in users of a process: their lanes are heard as long as they are here, and a little longer."""

import asyncio
from uuid import UUID

import redis

from streams import showlog
from streams.live.subscriber import Subscriber
from streams.live.users import LINGER_SECONDS, Users
from streams.passes import Pass
from streams.people import Person
from tests.live_server import eventually
from tests.streams.live.phones import Queue
from tests.streams.live.test_subscriber import subscriber  # noqa: F401  # the fixture

NOA, BEN = UUID(int=1), UUID(int=2)


class House:
    """Users, and a clock that is set by hand."""

    def __init__(self, heard_by: Subscriber) -> None:
        self.now = 0.0
        self.users = Users(subscriber=heard_by, clock=lambda: self.now)

    async def come(self, user_id: UUID) -> Queue:
        """Let a user in who stands at the beginning of her lane."""
        phone = Queue()
        held = Pass(Person(user_id, "Noa", "viewer"), UUID(int=9), "seal")
        self.users.join(await self.users.follow(phone.viewer, held, lambda _: None), after=("aa", 0))
        return phone


async def test_who_comes_back_while_others_are_forgotten_is_heard(
    subscriber: Subscriber,  # noqa: F811
    redis_server: redis.Redis,
) -> None:
    house = House(subscriber)
    for each in [await house.come(NOA), await house.come(BEN)]:
        house.users.depart(each.viewer)
        await each.end()
    house.now = LINGER_SECONDS + 1

    tidying = asyncio.create_task(house.users.tidy())
    await asyncio.sleep(0)  # It says that Noa is not to be heard any more.
    ben = await house.come(BEN)
    await tidying

    assert not house.users.guests_of(NOA)
    redis_server.publish(showlog.user_channel(BEN), 'aa|1|{"v":1,"t":"me.updated","d":{}}')
    await eventually(lambda: [event["t"] for event in ben.got()] == ["me.updated"])
    await ben.end()
