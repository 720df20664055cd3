"""Passes: what lets a connection act for a user in a show, and their copies in Redis.

Finding out who a session cookie is costs queries. The answer is kept for minutes under a hash of the
session, so that whoever comes back is let in without one; a live process keeps renewing the passes of those
who are there. `drop` makes every pass and ticket of a user worthless at once, and nothing that was found out
before it is written after it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import msgspec
from redis.exceptions import RedisError

from commerce import errors, redis_client
from commerce.models import User
from streams import people, queries
from streams.moderation import standing

LIFE_SECONDS = 300
_DROPS = "lc:w"  # Counts the drops of all users.
WORD_SECONDS = 3600  # Longer than any pass or ticket lives.

# What is kept is `<user>|<word>|<pass>`; it counts while the user's word is still the same.
_KEEP = """
if ARGV[1] ~= '' and (redis.call('GET', 'lc:w') or '0') ~= ARGV[1] then return 0 end
for i = 1, #KEYS, 2 do
  local word = redis.call('GET', KEYS[i + 1]) or '0'
  redis.call('SET', KEYS[i], ARGV[i + 2] .. '|' .. word .. '|' .. ARGV[i + 3], 'EX', ARGV[2])
end
return 1
"""
_FIND = """
local found = {}
for i = 1, #KEYS do
  local held, pass = redis.call(ARGV[1], KEYS[i]), false
  if held then
    local user, word, kept = string.match(held, '^([^|]*)|(%d+)|(.*)$')
    if user and (redis.call('GET', 'lc:w:' .. user) or '0') == word then pass = kept end
  end
  found[i] = pass
end
return found
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
    [found] = of_all([(user, stream_id, session)], now=now)
    if isinstance(found, errors.Refusal):
        raise found
    return found


def of_all(asked: Sequence[tuple[User, UUID, str | None]], *, now: datetime) -> list[Pass | errors.Refusal]:
    """Return for each user, show and session the pass, or why there is none, as `of` does; one query."""
    here = standing.of_all([(stream_id, user.id) for user, stream_id, _ in asked], now=now)
    return [_of(here.get((stream_id, user.id)), user, session) for user, stream_id, session in asked]


def seal_of(user: User) -> str:
    """Return what changes with a user's password."""
    return user.get_session_auth_hash()[:16]


def find_all(asked: Sequence[tuple[str, UUID]]) -> list[Pass | None]:
    """Return the pass of each session in a show, None where none is kept; raises Unavailable."""
    kept = _found([_key(session, stream_id) for session, stream_id in asked], spend=False)
    return [each and replace(each, session=session) for each, (session, _) in zip(kept, asked, strict=True)]


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
    by_session = {
        _key(each.session, each.stream): replace(each, session=None)
        for each in held
        if each.session is not None
    }
    if by_session:
        _keep(by_session, LIFE_SECONDS, since)


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
    _keep({_ticket_key(token): replace(held, session=masked)}, seconds)


def spend_all(tokens: Sequence[str]) -> list[Pass | None]:
    """Return the pass of each token, once however often it is among them; None where there is none.

    Raises Unavailable.
    """
    kept = _found([_ticket_key(token) for token in tokens], spend=True)
    return [_unmasked(token, each) for token, each in zip(tokens, kept, strict=True)]


def _of(here: standing.Standing | None, user: User, session: str | None) -> Pass | errors.Refusal:
    if here is None:
        return queries.UnknownShow()
    if here.banned:
        return standing.Banned()
    person = people.Person(user.id, here.name, here.role, here.muted_until)
    return Pass(person, here.stream_id, seal_of(user), session)


def _unmasked(token: str, kept: Pass | None) -> Pass | None:
    if kept is None or kept.session is None:
        return kept
    return replace(kept, session=_xor(token, bytes.fromhex(kept.session)).decode())


def _keep(by_key: Mapping[str, Pass], seconds: int, since: str = "") -> None:
    keys: list[str] = []
    args: list[str | int] = [since, seconds]
    for key, held in by_key.items():
        keys += [key, _word(held.person.id)]
        args += [str(held.person.id), msgspec.json.encode(held).decode()]
    try:
        redis_client.run(_KEEP, keys, args)
    except RedisError:
        raise errors.Unavailable from None


def _found(keys: Sequence[str], *, spend: bool) -> list[Pass | None]:
    try:
        return [_read(each) for each in redis_client.run(_FIND, keys, ["GETDEL" if spend else "GET"])]
    except RedisError:
        raise errors.Unavailable from None


def _read(kept: bytes | None) -> Pass | None:
    try:
        return _decoder.decode(kept) if kept else None
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
