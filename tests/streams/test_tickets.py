"""Tickets: for one user and one show, once, for a minute, and not to be read from Redis."""

from uuid import UUID, uuid4

import pytest
import redis

from streams import passes, tickets
from streams.people import Person

USER, STREAM = uuid4(), uuid4()
SESSION = "s3ss10nkey0123456789abcdefghijkl"


def a_pass(session: str | None = None) -> passes.Pass:
    return passes.Pass(Person(USER, "Noa", "viewer"), STREAM, "seal", session)


def issue(session: str | None = None) -> str:
    return tickets.issue(held=a_pass(session))


def redeem(token: str, stream: UUID = STREAM) -> passes.Pass:
    [found] = tickets.redeem_all([(token, stream)])
    if isinstance(found, tickets.BadTicket):
        raise found
    return found


def find(session: str, stream: UUID) -> passes.Pass | None:
    [found] = passes.find_all([(session, stream)])
    return found


@pytest.mark.parametrize("session", [None, SESSION])
def test_a_ticket_says_who_its_user_is_once(session: str | None) -> None:
    token = issue(session)

    assert redeem(token) == a_pass(session)

    with pytest.raises(tickets.BadTicket):
        redeem(token)


def test_a_ticket_for_another_show_is_spent_and_refused() -> None:
    token = issue()

    for stream in (uuid4(), STREAM):
        with pytest.raises(tickets.BadTicket):
            redeem(token, stream)


def test_neither_ticket_nor_session_can_be_read_from_redis(redis_server: redis.Redis) -> None:
    token = issue(SESSION)
    passes.keep(a_pass(SESSION), since=passes.mark())

    for name in redis_server.keys("lc:*"):
        kept = f"{name!r} {redis_server.get(name)!r}"
        assert token not in kept
        assert SESSION not in kept


def test_a_ticket_is_kept_for_a_minute(redis_server: redis.Redis) -> None:
    issue()

    [name] = redis_server.keys("lc:t:*")
    assert 55 <= redis_server.ttl(name) <= 60


def test_tickets_are_not_alike() -> None:
    assert len({issue() for _ in range(50)}) == 50


def test_a_pass_is_found_by_its_session_in_its_show_only() -> None:
    passes.keep(a_pass(SESSION), since=passes.mark())

    assert find(SESSION, STREAM) == a_pass(SESSION)
    assert find(SESSION, uuid4()) is None
    assert find(SESSION[::-1], STREAM) is None


def test_what_a_user_held_is_worthless_once_it_is_dropped() -> None:
    token = issue(SESSION)
    passes.keep(a_pass(SESSION), since=passes.mark())

    passes.drop(user_id=USER)

    assert find(SESSION, STREAM) is None
    with pytest.raises(tickets.BadTicket):
        redeem(token)
    passes.keep(a_pass(SESSION), since=passes.mark())
    assert find(SESSION, STREAM) is not None


def test_dropping_one_users_passes_leaves_the_others() -> None:
    passes.keep(a_pass(SESSION), since=passes.mark())

    passes.drop(user_id=uuid4())

    assert find(SESSION, STREAM) is not None


def test_a_pass_that_was_found_before_it_was_dropped_is_not_kept_after() -> None:
    before = passes.mark()
    passes.drop(user_id=USER)

    passes.keep(a_pass(SESSION), since=before)
    assert find(SESSION, STREAM) is None

    passes.keep(a_pass(SESSION), since=passes.mark())
    assert find(SESSION, STREAM) is not None
