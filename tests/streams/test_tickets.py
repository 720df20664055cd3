"""Tickets: for one user and one show, once, for a minute, and not to be read from Redis."""

from uuid import uuid4

import pytest
import redis

from streams import tickets

USER, STREAM = uuid4(), uuid4()


def issue() -> str:
    return tickets.issue(user_id=USER, stream_id=STREAM, name="Noa", role="viewer")


def test_a_ticket_says_who_its_user_is_once() -> None:
    token = issue()

    ticket = tickets.redeem(token=token, stream_id=STREAM)

    assert (ticket.user, ticket.stream, ticket.name, ticket.role) == (USER, STREAM, "Noa", "viewer")
    with pytest.raises(tickets.BadTicket):
        tickets.redeem(token=token, stream_id=STREAM)


def test_a_ticket_for_another_show_is_spent_and_refused() -> None:
    token = issue()

    for stream in (uuid4(), STREAM):
        with pytest.raises(tickets.BadTicket):
            tickets.redeem(token=token, stream_id=stream)


def test_a_ticket_is_kept_as_a_hash_for_a_minute(redis_server: redis.Redis) -> None:
    token = issue()

    [name] = redis_server.keys("lc:t:*")
    assert token not in f"{name!r} {redis_server.get(name)!r}"
    assert 55 <= redis_server.ttl(name) <= 60


def test_tickets_are_not_alike() -> None:
    assert len({issue() for _ in range(50)}) == 50
