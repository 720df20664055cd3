"""Passes: what lets a connection act for a user in a show, and their copies in Redis.

Finding out who a session cookie is costs queries. The answer is kept for minutes under a hash of the
session, so that whoever comes back is let in without one; a live process keeps renewing the passes of those
who are there. `drop` makes every pass and ticket of a user worthless at once, and nothing that was found out
before it is written after it.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from redis.exceptions import RedisError

from commerce import errors, redis_client
from commerce.models import User
from streams import people
from streams.moderation import standing

LIFE_SECONDS = 300
_DROPS = "lc:w"  # Counts the drops of all users.
WORD_SECONDS = 3600  # Longer than any pass or ticket lives.

# What is kept is `<user>|<word>|<pass>`; it counts while the user's word is still the same.
_KEEP = """
if ARGV[4] ~= '' and (redis.call('GET', 'lc:w') or '0') ~= ARGV[4] then return 0 end
local word = redis.call('GET', KEYS[2]) or '0'
redis.call('SET', KEYS[1], ARGV[1] .. '|' .. word .. '|' .. ARGV[2], 'EX', ARGV[3])
return 1
"""
_FIND = """
local held = redis.call(ARGV[1], KEYS[1])
if not held then return false end
local user, word, pass = string.match(held, '^([^|]*)|(%d+)|(.*)$')
if not user or (redis.call('GET', 'lc:w:' .. user) or '0') ~= word then return false end
return pass
"""


@dataclass(frozen=True, slots=True)
class Pass:
    """Who somebody is in a show, and by what."""

    person: people.Person
    stream: UUID
    seal: str  # Another after every change of the password.
    session: str | None = None  # The session's key.


_decoder = msgspec.json.Decoder(Pass)


def of(*, user: User, stream_id: UUID, session: str | None, now: datetime) -> Pass:
    """Return the pass of a user who came by this session, in one query; raises Banned, UnknownShow."""
    here = standing.of(stream_id=stream_id, user_id=user.id, now=now)
    if here.banned:
        raise standing.Banned
    person = people.Person(user.id, here.name, here.role, here.muted_until)
    return Pass(person, stream_id, seal_of(user), session)


def seal_of(user: User) -> str:
    """Return what changes with a user's password."""
    return user.get_session_auth_hash()[:16]


def find(*, session: str, stream_id: UUID) -> Pass | None:
    """Return the pass of a session in a show, None when none is kept; raises Unavailable."""
    kept = _found(_key(session, stream_id), spend=False)
    return replace(kept, session=session) if kept else None


def mark() -> str:
    """Return what changes with every `drop`, to be read before it is looked who may come in.

    Raises Unavailable.
    """
    try:
        counted = redis_client.sync().get(_DROPS)
    except RedisError:
        raise errors.Unavailable from None
    return counted.decode() if isinstance(counted, bytes) else "0"


def keep(*held: Pass, since: str) -> None:
    """Keep passes that came by a session for LIFE_SECONDS, unless any was dropped since that mark.

    What was found out before somebody's access changed must not be written after it. Raises Unavailable.
    """
    try:
        with redis_client.sync().pipeline(transaction=False) as pipe:
            for each in held:
                if each.session is not None:
                    key = _key(each.session, each.stream)
                    _keep(pipe, key, replace(each, session=None), LIFE_SECONDS, since)
            pipe.execute()
    except RedisError:
        raise errors.Unavailable from None


def drop(*, user_id: UUID) -> None:
    """Make every pass and ticket of a user worthless."""
    with redis_client.sync().pipeline() as pipe:
        pipe.incr(_word(user_id))
        pipe.expire(_word(user_id), WORD_SECONDS)
        pipe.incr(_DROPS)
        pipe.execute()


def keep_once(token: str, held: Pass, *, seconds: int) -> None:
    """Keep a pass under a token that only its holder knows; raises Unavailable.

    The session's key is masked by the token, so that what lies in Redis signs nobody in.
    """
    masked = _xor(token, held.session.encode()).hex() if held.session else None
    try:
        _keep(redis_client.sync(), _ticket_key(token), replace(held, session=masked), seconds)
    except RedisError:
        raise errors.Unavailable from None


def spend(token: str) -> Pass | None:
    """Return the pass of a token, once; None when there is none. Raises Unavailable."""
    kept = _found(_ticket_key(token), spend=True)
    if kept is None or kept.session is None:
        return kept
    return replace(kept, session=_xor(token, bytes.fromhex(kept.session)).decode())


def _keep(client: Any, key: str, held: Pass, seconds: int, since: str = "") -> None:
    user = held.person.id
    client.eval(_KEEP, 2, key, _word(user), str(user), msgspec.json.encode(held), seconds, since)


def _found(key: str, *, spend: bool) -> Pass | None:
    try:
        found = redis_client.run(_FIND, [key], ["GETDEL" if spend else "GET"])
        return _decoder.decode(found) if found else None
    except RedisError:
        raise errors.Unavailable from None
    except msgspec.MsgspecError:
        return None  # Of another version of ours.


def _word(user_id: UUID) -> str:
    return f"lc:w:{user_id}"


def _key(session: str, stream_id: UUID) -> str:
    return f"lc:a:{hashlib.sha256(f'{session}:{stream_id}'.encode()).hexdigest()}"


def _ticket_key(token: str) -> str:
    return f"lc:t:{hashlib.sha256(token.encode()).hexdigest()}"


def _xor(token: str, text: bytes) -> bytes:
    # A one-time pad: every token is random and used for one session.
    pad = hashlib.shake_256(b"session:" + token.encode()).digest(len(text))
    return bytes(a ^ b for a, b in zip(text, pad, strict=True))
