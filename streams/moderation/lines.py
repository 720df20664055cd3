"""Lines that are looked at: held, shown, removed, restored. With `chat`, the writer of ChatMessage.

Every change locks the line first, so of two moderators the second one finds it decided.
"""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from commerce import errors
from streams import announce, bodies, metrics, queries
from streams.models import ChatMessage, Decision, Report, Right, Stream
from streams.moderation import decisions, filters, rules, standing

Status, Action = ChatMessage.Status, Decision.Action


class NotDecided(errors.Conflict):
    code = "LINE_HELD"
    message = "The line is held. Decide about it first."


class OwnLine(errors.Forbidden):
    code = "OWN_LINE"
    message = "About your own line somebody else decides."


def hold(message: ChatMessage, *, finding: filters.Finding, now: datetime) -> Decision:
    """Store a new line as held, with the decision that holds it, and tell its author and the moderators.

    Must run inside a transaction.
    """
    decision = Decision(
        stream_id=message.stream_id,
        message=message,
        subject_id=message.author_id,
        action=Action.HELD,
        rule=finding.rule,
        matched=finding.matched[:200],
        at=now,
    )
    message.status, message.decision_id = Status.HELD, decision.id
    message.save(force_insert=True)
    decision.save(force_insert=True)
    metrics.HELD.labels(finding.rule).inc()
    decisions.tell_author(message, decision, role="filter")
    decisions.work_changed(message.stream_id)
    return decision


def decide(
    *,
    stream_id: UUID,
    message_id: UUID,
    by_id: UUID,
    show: bool,
    now: datetime,
    rule: str = "",
    reason: str = "",
) -> ChatMessage:
    """Show or remove a line that is held, or let stand or remove one that was reported.

    Without a rule a held line is removed by the one that held it. The same verdict again changes nothing.
    Raises UnknownShow, MissingRight, UnknownMessage, AlreadyDecided, UnknownRule, ReasonMissing.
    """
    by = standing.allowed(stream_id=stream_id, user_id=by_id, now=now, rights=[Right.REVIEW])
    reason = rules.worded(reason)
    with transaction.atomic():
        message = _locked(stream_id, message_id)
        if message.status == Status.HELD:
            if show:
                _show(message, by=by, action=Action.SHOWN, reason=reason, now=now)
            else:
                held = _standing_decision(message)
                rule, reason = rules.checked(rule, reason) if rule else (held.rule, reason)
                _take_down(message, by=by, rule=rule, reason=reason, case=held, now=now)
        elif message.status == Status.SHOWN:
            if show:
                _keep(message, by=by, reason=reason, now=now)
            elif _open_reports(message).exists():
                rule, reason = rules.checked(rule or _most_named(message), reason or "Reported by viewers.")
                _take_down(message, by=by, rule=rule, reason=reason, case=None, now=now)
            else:
                raise decisions.AlreadyDecided(status=message.status)
        elif show:
            raise decisions.AlreadyDecided(status=message.status)
    return message


def remove(
    *, stream_id: UUID, message_id: UUID, by_id: UUID, now: datetime, rule: str = "other", reason: str
) -> ChatMessage:
    """Take a line down and tell the room and its author; again is once.

    Raises UnknownShow, MissingRight, UnknownMessage, UnknownRule, ReasonMissing.
    """
    by = standing.allowed(stream_id=stream_id, user_id=by_id, now=now, rights=[Right.REMOVE])
    rule, reason = rules.checked(rule, reason)
    with transaction.atomic():
        message = _locked(stream_id, message_id)
        if message.status == Status.HELD:
            held = _standing_decision(message)
            _take_down(message, by=by, rule=rule, reason=reason, case=held, now=now)
        elif message.status == Status.SHOWN:
            _take_down(message, by=by, rule=rule, reason=reason, case=None, now=now)
    return message


def restore(
    *, stream_id: UUID, message_id: UUID, by_id: UUID, now: datetime, reason: str = ""
) -> ChatMessage:
    """Put a removed line back where it was; again is once. A held line is for `decide`.

    Raises UnknownShow, MissingRight, UnknownMessage, AlreadyDecided, ReasonMissing.
    """
    by = standing.allowed(stream_id=stream_id, user_id=by_id, now=now, rights=[Right.REMOVE, Right.REVIEW])
    reason = rules.worded(reason)
    with transaction.atomic():
        message = _locked(stream_id, message_id)
        if message.status == Status.HELD:
            raise NotDecided
        put_back(message, by=by, reason=reason, now=now)
    return message


def put_back(message: ChatMessage, *, by: standing.Standing, reason: str, now: datetime) -> None:
    """Show a locked line that was removed; any other is left alone."""
    if message.status == Status.REMOVED:
        _show(message, by=by, action=Action.RESTORED, reason=reason, now=now)


def locked(*, stream_id: UUID, message_id: UUID) -> ChatMessage:
    """Lock and return a line of a show until the transaction ends; raises UnknownMessage."""
    return _locked(stream_id, message_id)


def _locked(stream_id: UUID, message_id: UUID) -> ChatMessage:
    found = ChatMessage.objects.select_for_update(no_key=True, of=("self",)).select_related(
        "author", "stream__host", "question__item", "decision"
    )
    message = found.filter(pk=message_id, stream_id=stream_id).first()
    if message is None:
        raise queries.UnknownMessage
    return message


def _show(
    message: ChatMessage, *, by: standing.Standing, action: Decision.Action, reason: str, now: datetime
) -> None:
    if message.author_id == by.user_id and by.role != "host":
        raise OwnLine
    before = _standing_decision(message)
    decision = decisions.about_line(
        message,
        action=action,
        actor_id=by.user_id,
        rule=before.rule,
        reason=reason,
        case_id=decisions.case_of(before),
        undoes_id=before.id,
        now=now,
    )
    _move(message, Status.SHOWN, decision)
    announce.tell_room(
        stream_id=message.stream_id,
        t="chat.restored",
        d=bodies.said(message),
        key=f"chat.restored:{decision.id}",
    )
    decisions.tell_author(message, decision, role=by.role)
    decisions.work_changed(message.stream_id)


def _take_down(
    message: ChatMessage,
    *,
    by: standing.Standing,
    rule: str,
    reason: str,
    case: Decision | None,
    now: datetime,
) -> None:
    seen = message.status == Status.SHOWN
    decision = decisions.about_line(
        message,
        action=Action.REMOVED,
        actor_id=by.user_id,
        rule=rule,
        reason=reason,
        case_id=decisions.case_of(case) if case else None,
        now=now,
    )
    _move(message, Status.REMOVED, decision)
    _open_reports(message).update(decision=decision)
    if seen:
        if Stream.objects.filter(pk=message.stream_id, pinned_line=message).update(pinned_line=None):
            announce.tell_room(stream_id=message.stream_id, t="chat.unpinned", d={"id": str(message.id)})
        announce.tell_room(
            stream_id=message.stream_id,
            t="chat.removed",
            d={"id": str(message.id)},
            key=f"chat.removed:{decision.id}",
        )
    decisions.tell_author(message, decision, role=by.role)
    decisions.work_changed(message.stream_id)


def _keep(message: ChatMessage, *, by: standing.Standing, reason: str, now: datetime) -> None:
    if not _open_reports(message).exists():
        return  # Nobody waits for a verdict: it stands already.
    decision = decisions.about_line(
        message, action=Action.KEPT, actor_id=by.user_id, rule=_most_named(message), reason=reason, now=now
    )
    _open_reports(message).update(decision=decision)
    decisions.work_changed(message.stream_id)


def _move(message: ChatMessage, status: ChatMessage.Status, decision: Decision) -> None:
    removed = status == Status.REMOVED
    message.status, message.decision = status, decision
    message.removed_at = decision.at if removed else None
    message.removed_by_id = decision.actor_id if removed else None
    message.save(update_fields=["status", "decision", "removed_at", "removed_by"])


def _standing_decision(message: ChatMessage) -> Decision:
    if message.decision is None:
        raise RuntimeError(f"line {message.id} is {message.status} without a decision")
    return message.decision


def _open_reports(message: ChatMessage) -> "QuerySet[Report]":
    return Report.objects.filter(message=message, decision=None)


def _most_named(message: ChatMessage) -> str:
    named = list(_open_reports(message).values_list("category", flat=True))
    return max(sorted(set(named)), key=named.count)
