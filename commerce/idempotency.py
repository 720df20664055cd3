"""A caller's key with the answer it got: the effect and its answer commit together."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db import connection, transaction
from django.db.models import QuerySet

from commerce import errors
from commerce.models import IdempotencyKey

MAX_KEY_LENGTH = 255
# Answers with a field and with one of these ids, wherever that stands.
_NAMING = """
SELECT id FROM commerce_idempotencykey
 WHERE strpos(reply, %s) > 0
   AND EXISTS (SELECT 1
                 FROM regexp_matches(reply, '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}', 'g') AS named
                WHERE named[1] = ANY(%s))
"""


class IdempotencyMismatch(errors.Refusal):
    """The key was used before with another request."""

    status = 422
    code = "IDEMPOTENCY_MISMATCH"
    message = "This idempotency key was used with a different request."


class InProgress(errors.Conflict):
    """The first request with this key is still running."""

    code = "IN_PROGRESS"
    message = "A request with this idempotency key is still running."
    temporary = True
    retry_ms = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request with a key got: an HTTP status and a JSON body."""

    status: int
    reply: Any
    replayed: bool


def fingerprint(*parts: bytes) -> str:
    """Return the SHA-256 of the parts, kept apart from each other."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def is_kept(*, caller: str, key: str, fingerprint: str) -> bool:
    """Tell whether just this request was answered under this key."""
    return IdempotencyKey.objects.filter(caller=caller, key=key, fingerprint=fingerprint).exists()


def prune(*, before: datetime, limit: int) -> int:
    """Forget at most `limit` keys used before that moment, with their answers; returns how many."""
    old = IdempotencyKey.objects.filter(created_at__lt=before).order_by("created_at").values("id")[:limit]
    count, _ = IdempotencyKey.objects.filter(id__in=old).delete()
    return count


def blank(*, field: str, where: str, values: Sequence[str]) -> None:
    """Take a field out of the answers that are kept, as null, where another field has one of these ids."""
    with connection.cursor() as cursor:
        cursor.execute(_NAMING, [f'"{field}"', list(values)])
        rows = IdempotencyKey.objects.filter(id__in=[pk for (pk,) in cursor.fetchall()])
    ids = frozenset(values)

    def emptied(reply: Any) -> bool:
        if not isinstance(reply, dict) or field not in reply or reply.get(where) not in ids:
            return False
        reply[field] = None
        return True

    _revise(rows, emptied)


def revise(*, callers: Sequence[str], change: Callable[[Any], bool]) -> None:
    """Have `change` look at every kept answer of callers; what it says it has changed is kept so."""
    _revise(IdempotencyKey.objects.filter(caller__in=callers), change)


def once(*, caller: str, key: str, fingerprint: str, run: Callable[[], tuple[int, Any]]) -> Answer:
    """Run a write once per (caller, key) and keep its answer; a repetition gets the kept answer.

    `run` works inside one transaction with the key; when it raises, neither effect nor key is kept.
    Raises IdempotencyMismatch for another request under the same key, InProgress while the first one runs.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            # A lock on the key's hash rather than an insert: the loser answers at once and waits on no row.
            cursor.execute(
                "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 42))", [f"{caller}\x1f{key}"]
            )
            locked = bool(cursor.fetchone()[0])
        kept = IdempotencyKey.objects.filter(caller=caller, key=key).first()
        if kept is not None:
            if kept.fingerprint != fingerprint:
                raise IdempotencyMismatch
            return Answer(kept.status, orjson.loads(kept.reply), replayed=True)
        if not locked:
            raise InProgress
        status, reply = run()
        IdempotencyKey.objects.create(
            caller=caller, key=key, fingerprint=fingerprint, status=status, reply=_kept(reply)
        )
    return Answer(status, reply, replayed=False)


def _revise(rows: QuerySet[IdempotencyKey], change: Callable[[Any], bool]) -> None:
    for row in rows.order_by("id"):
        reply = orjson.loads(row.reply)
        if change(reply):
            row.reply = _kept(reply)
            row.save(update_fields=["reply"])


def _kept(reply: Any) -> str:
    return orjson.dumps(reply).decode()
