"""Appeals: the person concerned says once why a decision was wrong, and somebody else looks again.

Who decided may not decide the appeal while anybody else with the right is there; a host who is alone with
her show may, since otherwise nobody would. Platform staff may always take it.
"""

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from commerce import errors, throttles
from streams import announce, bodies
from streams.models import Appeal, Decision, Restraint, Right, ShowModerator, Stream
from streams.moderation import decisions, lines, restraints, rules, standing

MAX_TEXT = 500
PER_HOUR = 20


class NothingSaid(errors.Invalid):
    message = f"An appeal has 1 to {MAX_TEXT} characters."


class NotAppealable(errors.Conflict):
    code = "NOT_APPEALABLE"
    message = "This decision cannot be appealed."


class UnknownAppeal(errors.NotFound):
    message = "There is no such appeal."


class OwnDecision(errors.Forbidden):
    code = "OWN_DECISION"
    message = "You made this decision. Let another moderator look at it."


class OwnAppeal(OwnDecision):
    message = "This is your own appeal. Somebody else decides it."


def make(*, decision_id: UUID, by_id: UUID, text: str, now: datetime) -> Appeal:
    """Appeal against a decision about oneself, once; again returns the first.

    Raises UnknownDecision, NotAppealable, NothingSaid, TooOften.
    """
    text = " ".join("".join(c for c in text if c.isprintable() or c.isspace()).split())
    if not 1 <= len(text) <= MAX_TEXT:
        raise NothingSaid(errors={"text": f"1 to {MAX_TEXT} characters"})
    decision = Decision.objects.filter(pk=decision_id, subject_id=by_id).first()
    if decision is None:
        raise decisions.UnknownDecision
    if decision.action not in decisions.APPEALABLE or decision.actor_id == by_id:
        raise NotAppealable(action=decision.action)
    earlier = Appeal.objects.filter(decision=decision).first()
    if earlier is not None:
        return earlier
    if Decision.objects.filter(undoes=decision).exists():
        raise NotAppealable("This decision has been undone already.", action=decision.action)
    throttles.spend(what="appeal", who=str(by_id), limit=PER_HOUR, seconds=3600)
    try:
        with transaction.atomic():
            appeal = Appeal.objects.create(
                stream_id=decision.stream_id, decision=decision, by_id=by_id, text=text, at=now
            )
            decisions.work_changed(decision.stream_id)
    except IntegrityError:
        return Appeal.objects.get(decision=decision)
    return appeal


def decide(
    *, stream_id: UUID, appeal_id: UUID, by_id: UUID, overturn: bool, now: datetime, reason: str = ""
) -> Appeal:
    """Uphold a decision or overturn it, which undoes it, and tell the person; the same again is once.

    Raises UnknownShow, MissingRight, UnknownAppeal, OwnDecision, AlreadyDecided, ReasonMissing.
    """
    by = standing.allowed(stream_id=stream_id, user_id=by_id, now=now, rights=[Right.REVIEW])
    reason = rules.worded(reason)
    outcome = Appeal.Outcome.OVERTURNED if overturn else Appeal.Outcome.UPHELD
    with transaction.atomic():
        appeal = _locked(stream_id, appeal_id)
        if appeal.outcome == outcome:
            return appeal
        if appeal.outcome != Appeal.Outcome.OPEN:
            raise decisions.AlreadyDecided(outcome=appeal.outcome)
        if by_id == appeal.by_id:
            raise OwnAppeal
        if by_id == appeal.decision.actor_id and _others(stream_id, by, appeal):
            raise OwnDecision
        appeal.outcome, appeal.reason = outcome, reason
        appeal.decided_by_id, appeal.decided_at = by_id, now
        appeal.save(update_fields=["outcome", "reason", "decided_by", "decided_at"])
        if overturn:
            _undo(appeal.decision, by=by, reason=reason, now=now)
        announce.tell_user(user_id=appeal.by_id, t="appeal.decided", d=body(appeal))
        decisions.work_changed(stream_id)
    return appeal


def body(appeal: Appeal) -> bodies.Body:
    """Return what the person concerned is told of the outcome."""
    return {
        "stream": str(appeal.stream_id),
        "id": str(appeal.id),
        "decision": str(appeal.decision_id),
        "outcome": appeal.outcome,
        "reason": appeal.reason,
        "at": bodies.unix_ms(appeal.decided_at or appeal.at),
    }


def _locked(stream_id: UUID, appeal_id: UUID) -> Appeal:
    found = Appeal.objects.select_for_update(of=("self",)).select_related("decision")
    appeal = found.filter(pk=appeal_id, stream_id=stream_id).first()
    if appeal is None:
        raise UnknownAppeal
    return appeal


def _others(stream_id: UUID, by: standing.Standing, appeal: Appeal) -> bool:
    """Say whether anybody else of this show may decide: the host, or a moderator with the right."""
    concerned = {by.user_id, appeal.by_id}
    host = Stream.objects.values_list("host__user_id", flat=True).get(pk=stream_id)
    if host not in concerned:
        return True
    helpers = ShowModerator.objects.filter(stream_id=stream_id, rights__contains=[Right.REVIEW])
    return helpers.exclude(user_id__in=concerned).exists()


def _undo(decision: Decision, *, by: standing.Standing, reason: str, now: datetime) -> None:
    if decision.message_id is not None:
        message = lines.locked(stream_id=decision.stream_id, message_id=decision.message_id)
        if message.decision_id == decision.id:
            lines.put_back(message, by=by, reason=reason, now=now)
        return
    restraints.alone(decision.stream_id, decision.subject_id)
    restraint = Restraint.objects.select_for_update(of=("self",)).select_related("decision")
    held = restraint.get(decisions=decision)
    # A later decision stands in its own right, and so does a restraint that was lifted already.
    if held.decision_id == decision.id:
        restraints.lift(held, by_id=by.user_id, reason=reason, now=now)
