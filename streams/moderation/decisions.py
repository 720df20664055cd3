"""What was decided, kept for good and told to whom it concerns. The only writer of Decision."""

from datetime import datetime
from typing import Any
from uuid import UUID

from commerce import errors, ids, outbox
from streams import announce, bodies
from streams.models import ChatMessage, Decision, Restraint

APPEALABLE = frozenset({Decision.Action.REMOVED, Decision.Action.MUTED, Decision.Action.BANNED})


class UnknownDecision(errors.NotFound):
    message = "There is no such decision."


class AlreadyDecided(errors.Conflict):
    code = "ALREADY_DECIDED"
    message = "Somebody has decided this meanwhile."


def about_line(
    message: ChatMessage,
    *,
    action: Decision.Action,
    actor_id: UUID | None,
    rule: str,
    now: datetime,
    reason: str = "",
    matched: str = "",
    case_id: UUID | None = None,
    undoes_id: UUID | None = None,
) -> Decision:
    """Record a decision about a line that the caller has locked, or is just storing."""
    return Decision.objects.create(
        stream_id=message.stream_id,
        message=message,
        subject_id=message.author_id,
        action=action,
        actor_id=actor_id,
        rule=rule,
        reason=reason,
        matched=matched[:200],
        case_id=case_id,
        undoes_id=undoes_id,
        at=now,
    )


def about_user(
    *,
    restraint_id: UUID,
    stream_id: UUID,
    user_id: UUID,
    action: Decision.Action,
    actor_id: UUID,
    rule: str,
    reason: str,
    now: datetime,
    until: datetime | None = None,
    case_id: UUID | None = None,
    undoes_id: UUID | None = None,
) -> Decision:
    """Record a decision about a restraint."""
    return Decision.objects.create(
        id=ids.new(),
        stream_id=stream_id,
        restraint_id=restraint_id,
        subject_id=user_id,
        action=action,
        actor_id=actor_id,
        rule=rule,
        reason=reason,
        until=until,
        case_id=case_id,
        undoes_id=undoes_id,
        at=now,
    )


def case_of(decision: Decision) -> UUID:
    """Return the id of the decision that opened the case."""
    return decision.case_id or decision.id


def tell_author(message: ChatMessage, decision: Decision, *, role: str) -> None:
    """Tell the author of a line what was decided; `role` is who decided: "filter", "host" or "mod"."""
    t = "chat.held" if decision.action == Decision.Action.HELD else "chat.decided"
    announce.tell_user(user_id=message.author_id, t=t, d=line_body(message, decision, role=role))


def line_body(message: ChatMessage, decision: Decision, *, role: str) -> dict[str, Any]:
    """Return what an author is told of a decision about his or her line."""
    return {
        "stream": str(message.stream_id),
        "id": str(message.id),
        "text": message.text,
        "said_at": bodies.unix_ms(message.at),
        "decision": str(decision.id),
        "action": decision.action,
        "rule": decision.rule,
        "reason": decision.reason,
        "by": role,
        "appealable": decision.action in APPEALABLE,
        "at": bodies.unix_ms(decision.at),
    }


def tell_restrained(restraint: Restraint, decision: Decision) -> None:
    """Tell a user that he or she was muted or banned, or is free again, and why."""
    announce.tell_user(
        user_id=restraint.user_id,
        t="user.pardoned" if decision.action == Decision.Action.LIFTED else "user.restrained",
        d=restraint_body(restraint, decision),
    )


def restraint_body(restraint: Restraint, decision: Decision) -> dict[str, Any]:
    """Return what a user is told of a restraint."""
    return {
        "stream": str(restraint.stream_id),
        "kind": restraint.kind,
        "until": bodies.unix_ms(restraint.until) if restraint.until else None,
        "decision": str(decision.id),
        "rule": decision.rule,
        "reason": decision.reason,
        "appealable": decision.action in APPEALABLE,
        "at": bodies.unix_ms(decision.at),
    }


def work_changed(stream_id: UUID) -> None:
    """Say that what waits for a show's moderators changed; the hearer counts."""
    outbox.record(name="moderation.changed", payload={"stream": str(stream_id)})
