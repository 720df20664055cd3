"""What the provider and our books do not agree on: noted once, told to operators, resolved by one of them.

Nothing is booked by what differs. It is a human who says what it was, and what was done about it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.db import IntegrityError, transaction

from commerce import errors
from commerce.money import Money
from orders.models import Discrepancy

log = structlog.get_logger(__name__)
Kind = Discrepancy.Kind


class NoteRequired(errors.Refusal):
    """Resolving says what it was."""

    code = "NOTE_REQUIRED"
    message = "Say what it was, and what was done about it."


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs: what it is about at the provider, and the amounts of both sides if any."""

    kind: str
    provider_id: str
    what: str
    ours: Money | None = None
    theirs: Money | None = None
    payment_id: UUID | None = None
    anew: bool = False  # It happened once more, though one just like it was resolved.


class Mismatch(RuntimeError):
    """The provider reports something else than we asked for; it is not taken in, and needs a human."""

    def __init__(self, difference: Difference) -> None:
        super().__init__(f"{difference.kind} {difference.provider_id}: {difference.what}")
        self.difference = difference


def note(difference: Difference, *, now: datetime) -> bool:
    """Write down a difference, or that it is still there; says whether it was not known.

    One that was resolved is not opened again while it is as it was, unless it happened anew.
    """
    one = difference
    money = one.theirs or one.ours
    facts: dict[str, Any] = {
        "payment_id": one.payment_id,
        "ours": one.ours.amount if one.ours else None,
        "theirs": one.theirs.amount if one.theirs else None,
        "currency": money.currency if money else "",
        "what": one.what[:300],
    }
    same = Discrepancy.objects.filter(kind=one.kind, provider_id=one.provider_id)
    if same.filter(resolved_at=None).update(**facts, last_seen=now):
        return False
    as_it_was = same.filter(ours=facts["ours"], theirs=facts["theirs"], currency=facts["currency"])
    if not one.anew and as_it_was.exists():
        return False
    try:
        with transaction.atomic():
            Discrepancy.objects.create(
                kind=one.kind, provider_id=one.provider_id, first_seen=now, last_seen=now, **facts
            )
    except IntegrityError:  # Somebody noted it at the same moment.
        return False
    log.error("discrepancy.found", kind=one.kind, provider_id=one.provider_id, what=one.what)
    return True


def resolve(*, discrepancy_id: int, note: str, by_id: UUID | None, now: datetime) -> bool:
    """Close a difference with what it was; False when it was closed before. Raises NoteRequired."""
    if not note.strip():
        raise NoteRequired
    return bool(
        Discrepancy.objects.filter(pk=discrepancy_id, resolved_at=None).update(
            resolved_at=now, resolved_by=by_id, note=note.strip()[:500]
        )
    )


def gone(*, kind: str, provider_id: str, now: datetime) -> None:
    """Close a difference that is none any more, as money that arrived at the other side after all."""
    Discrepancy.objects.filter(kind=kind, provider_id=provider_id, resolved_at=None).update(
        resolved_at=now, note="Both sides agree now."
    )
