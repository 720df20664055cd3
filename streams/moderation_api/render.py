"""Rows of moderation as JSON bodies."""

from datetime import datetime
from typing import Any
from uuid import UUID

from commerce.models import User
from streams.models import (
    Appeal,
    BlockedWord,
    ChatMessage,
    Decision,
    Follow,
    Question,
    Report,
    Restraint,
    ShowModerator,
)
from streams.moderation import decisions, desk, rules

Body = dict[str, Any]


def person(user: User | None) -> Body | None:
    """Return a user by id and name."""
    return {"id": user.id, "name": user.name} if user else None


def line(row: ChatMessage) -> Body:
    """Return a line of the queue with its open reports, where they were loaded."""
    decision = row.decision
    return {
        "id": row.id,
        "author": person(row.author),
        "text": row.text,
        "at": row.at,
        "status": row.status,
        "rule": decision.rule if decision else "",
        "matched": decision.matched if decision else "",
        "reason": decision.reason if decision else "",
        "question": getattr(row, "question", None) is not None,
        "reports": [report(each, of=row) for each in getattr(row, "open_reports", ())],
    }


def report(row: Report, *, of: ChatMessage | None = None) -> Body:
    """Return a report."""
    message = of or row.message
    return {
        "id": row.id,
        "reporter": person(row.reporter),
        "category": row.category,
        "note": row.note,
        "at": row.at,
        "open": row.decision_id is None,
        "line": message.id,
        "text": message.text,
    }


def decision(row: Decision) -> Body:
    """Return a decision for those who keep order."""
    against = _appeal(row)
    return {
        "id": row.id,
        "stream": row.stream_id,
        "action": row.action,
        "actor": person(row.actor),
        "subject": person(row.subject),
        "rule": row.rule,
        "reason": row.reason,
        "matched": row.matched,
        "line": row.message_id,
        "text": row.message.text if row.message else "",
        "until": row.until,
        "case": decisions.case_of(row),
        "undoes": row.undoes_id,
        "undone_by": _undone_by(row),
        "appeal": against.outcome if against else None,
        "at": row.at,
    }


def own_decision(row: Decision) -> Body:
    """Return a decision for the person it is about."""
    against = _appeal(row)
    undone = _undone_by(row) is not None
    open_to_appeal = row.action in decisions.APPEALABLE and row.actor_id != row.subject_id
    return {
        "id": row.id,
        "stream": row.stream_id,
        "slug": row.stream.slug,
        "action": row.action,
        "by": "people" if row.actor_id else "filter",
        "rule": row.rule,
        "rule_text": rules.ALL.get(row.rule, ""),
        "reason": row.reason,
        "line": row.message_id,
        "text": row.message.text if row.message else "",
        "until": row.until,
        "undone": undone,
        "appealable": open_to_appeal and against is None and not undone,
        "appeal": against.outcome if against else None,
        "appeal_reason": against.reason if against else "",
        "at": row.at,
    }


def appeal(row: Appeal) -> Body:
    """Return an appeal with its decision."""
    return {
        "id": row.id,
        "by": person(row.by),
        "text": row.text,
        "at": row.at,
        "outcome": row.outcome,
        "reason": row.reason,
        "decided_by": person(row.decided_by),
        "decided_at": row.decided_at,
        "decision": decision(row.decision),
    }


def rate(row: desk.Rate) -> Body:
    """Return how a rule did."""
    names = ("rule", "text", "by_filter", "cases", "waiting", "upheld", "overturned", "standing", "pardoned")
    more = ("appeals", "appeals_upheld", "appeals_overturned", "rate")
    return {name: getattr(row, name) for name in (*names, *more)}


def moderator(row: ShowModerator) -> Body:
    """Return a moderator."""
    return {
        "user": person(row.user),
        "rights": row.rights,
        "given_by": person(row.given_by),
        "at": row.at,
    }


def restraint(row: Restraint, *, now: datetime) -> Body:
    """Return a mute or ban as it stands now."""
    return {
        "id": row.id,
        "user": person(row.user),
        "kind": row.kind,
        "until": row.until,
        "rule": row.rule,
        "reason": row.reason,
        "by": person(row.by),
        "at": row.at,
        "lifted_at": row.lifted_at,
        "lifted_by": person(row.lifted_by),
        "lift_reason": row.lift_reason,
        "active": row.lifted_at is None and (row.until is None or row.until > now),
    }


def question(row: Question) -> Body:
    """Return a question."""
    return {
        "id": row.message_id,
        "author": person(row.message.author),
        "text": row.message.text,
        "at": row.message.at,
        "item": row.item_id,
        "product": row.item.product_id if row.item else None,
        "product_title": row.item.product.title if row.item else "",
        "answered_at": row.answered_at,
        "answered_by": person(row.answered_by),
    }


def follower(row: Follow) -> Body:
    """Return a follower."""
    return {"user": person(row.user), "at": row.at}


def word(row: BlockedWord) -> Body:
    """Return a word of a host's list."""
    return {"id": row.id, "text": row.text, "at": row.at}


def _appeal(row: Decision) -> Appeal | None:
    return getattr(row, "appeal", None)


def _undone_by(row: Decision) -> UUID | None:
    undoing: Decision | None = getattr(row, "undone_by", None)
    return undoing.id if undoing else None
