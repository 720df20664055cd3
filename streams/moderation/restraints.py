"""Mutes and bans of one show: who may not take part, until when and why. The only writer of Restraint.

A restraint binds from its commit on: the database itself refuses a line of whoever is restrained.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from commerce import errors, ids, outbox
from commerce.models import User
from streams import bodies
from streams.models import Decision, Restraint, Right
from streams.moderation import decisions, rules, standing

Kind, Action = Restraint.Kind, Decision.Action
LEAST, MOST_MUTE, MOST_BAN = 10, 24 * 3600, 30 * 24 * 3600  # Seconds.
RIGHTS = {Kind.MUTE: Right.MUTE, Kind.BAN: Right.BAN}


class BadTime(errors.Invalid):
    message = f"A mute takes {LEAST} to {MOST_MUTE} seconds, a ban up to {MOST_BAN} or the whole show."


class UnknownUser(errors.NotFound):
    message = "There is no such user."


class KeepsOrder(errors.Forbidden):
    code = "KEEPS_ORDER"
    message = "Host and moderators cannot be muted or banned. Take the moderator's rights first."


def mute(
    *, stream_id: UUID, user_id: UUID, by_id: UUID, seconds: int, rule: str, reason: str, now: datetime
) -> Restraint:
    """Keep a user from chatting and reacting for so long; a new mute takes the place of the one before.

    Raises UnknownShow, MissingRight, UnknownUser, KeepsOrder, BadTime, UnknownRule, ReasonMissing.
    """
    if not LEAST <= seconds <= MOST_MUTE:
        raise BadTime(errors={"seconds": f"{LEAST} to {MOST_MUTE}"})
    until = now + timedelta(seconds=seconds)
    return _restrain(
        Kind.MUTE,
        stream_id=stream_id,
        user_id=user_id,
        by_id=by_id,
        until=until,
        rule=rule,
        reason=reason,
        now=now,
    )


def ban(
    *,
    stream_id: UUID,
    user_id: UUID,
    by_id: UUID,
    rule: str,
    reason: str,
    now: datetime,
    seconds: int | None = None,
) -> Restraint:
    """Keep a user out of a show for so long, or for the whole of it.

    Raises what `mute` raises.
    """
    if seconds is not None and not LEAST <= seconds <= MOST_BAN:
        raise BadTime(errors={"seconds": f"{LEAST} to {MOST_BAN}"})
    until = now + timedelta(seconds=seconds) if seconds is not None else None
    return _restrain(
        Kind.BAN,
        stream_id=stream_id,
        user_id=user_id,
        by_id=by_id,
        until=until,
        rule=rule,
        reason=reason,
        now=now,
    )


def pardon(
    *,
    stream_id: UUID,
    user_id: UUID,
    by_id: UUID,
    now: datetime,
    kind: str | None = None,
    reason: str = "",
) -> list[Restraint]:
    """Lift a user's mute and ban, or one of them; none there is none lifted.

    Raises UnknownShow, MissingRight, ReasonMissing.
    """
    kinds = [Kind(kind)] if kind else [Kind.MUTE, Kind.BAN]
    by = standing.allowed(
        stream_id=stream_id, user_id=by_id, now=now, rights=[RIGHTS[each] for each in kinds]
    )
    reason = rules.worded(reason)
    lifted = []
    with transaction.atomic():
        alone(stream_id, user_id)
        for restraint in (
            _active(stream_id, user_id, now).filter(kind__in=kinds).select_for_update(of=("self",))
        ):
            by.check_right(RIGHTS[Kind(restraint.kind)])
            lift(restraint, by_id=by_id, reason=reason, now=now)
            lifted.append(restraint)
    return lifted


def lift(restraint: Restraint, *, by_id: UUID, reason: str, now: datetime) -> Decision:
    """Lift a restraint that the caller has locked, and tell the user. Must run inside a transaction."""
    before = restraint.decision
    decision = decisions.about_user(
        restraint_id=restraint.id,
        stream_id=restraint.stream_id,
        user_id=restraint.user_id,
        action=Action.LIFTED,
        actor_id=by_id,
        rule=before.rule,
        reason=reason,
        case_id=decisions.case_of(before),
        undoes_id=before.id,
        now=now,
    )
    restraint.lifted_at, restraint.lifted_by_id, restraint.lift_reason = now, by_id, reason
    restraint.decision = decision
    restraint.save(update_fields=["lifted_at", "lifted_by", "lift_reason", "decision"])
    decisions.tell_restrained(restraint, decision)
    _access_changed(restraint)
    return decision


def alone(stream_id: UUID, user_id: UUID) -> None:
    """Wait until nobody else restrains, pardons or stores a line of this user, to the transaction's end.

    It is the lock that the tables' triggers take, as there may be no row yet. Whoever locks a restraint's row
    takes it first: the other way round two moderators would wait for each other.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7))", [f"{stream_id}{user_id}"])


def banned(stream_id: UUID, user_id: UUID, now: datetime) -> bool:
    """Say whether a user is banned from a show at that moment."""
    return _active(stream_id, user_id, now).filter(kind=Kind.BAN).exists()


def bans(now: datetime) -> QuerySet[Restraint]:
    """Return the bans of all shows that bind at that moment."""
    return Restraint.objects.filter(Q(until=None) | Q(until__gt=now), kind=Kind.BAN, lifted_at=None)


def of_user(*, stream_id: UUID, user_id: UUID, now: datetime) -> list[bodies.Body]:
    """Return what a user is told of the restraints that bind him or her now."""
    found = _active(stream_id, user_id, now).select_related("decision").order_by("kind")
    return [decisions.restraint_body(each, each.decision) for each in found]


def _active(stream_id: UUID, user_id: UUID, now: datetime) -> QuerySet[Restraint]:
    return Restraint.objects.filter(
        Q(until=None) | Q(until__gt=now), stream_id=stream_id, user_id=user_id, lifted_at=None
    )


def _restrain(
    kind: Restraint.Kind,
    *,
    stream_id: UUID,
    user_id: UUID,
    by_id: UUID,
    until: datetime | None,
    rule: str,
    reason: str,
    now: datetime,
) -> Restraint:
    standing.allowed(stream_id=stream_id, user_id=by_id, now=now, rights=[RIGHTS[kind]])
    rule, reason = rules.checked(rule, reason)
    if not User.objects.filter(pk=user_id).exists():
        raise UnknownUser
    if standing.of(stream_id=stream_id, user_id=user_id, now=now).keeps_order:
        raise KeepsOrder
    with transaction.atomic():
        restraint = _locked(kind, stream_id, user_id)
        if restraint is not None and _same(restraint, until=until, rule=rule, reason=reason, by_id=by_id):
            return restraint
        fresh = restraint is None
        restraint = restraint or Restraint(id=ids.new(), stream_id=stream_id, user_id=user_id, kind=kind)
        decision = Decision(
            stream_id=stream_id,
            restraint=restraint,
            subject_id=user_id,
            action=Action.MUTED if kind == Kind.MUTE else Action.BANNED,
            actor_id=by_id,
            rule=rule,
            reason=reason,
            until=until,
            at=now,
        )
        restraint.until, restraint.rule, restraint.reason = until, rule, reason
        restraint.decision, restraint.by_id, restraint.at = decision, by_id, now
        restraint.lifted_at = restraint.lifted_by = None
        restraint.lift_reason = ""
        restraint.save(force_insert=fresh, force_update=not fresh)
        decision.save(force_insert=True)
        decisions.tell_restrained(restraint, decision)
        _access_changed(restraint)
    return restraint


def _access_changed(restraint: Restraint) -> None:
    payload = {"user": str(restraint.user_id), "stream": str(restraint.stream_id)}
    outbox.record(name="access.changed", payload=payload)


def _locked(kind: Restraint.Kind, stream_id: UUID, user_id: UUID) -> Restraint | None:
    alone(stream_id, user_id)
    found = Restraint.objects.filter(stream_id=stream_id, user_id=user_id, kind=kind)
    return found.select_for_update(of=("self",)).first()


def _same(restraint: Restraint, *, until: datetime | None, rule: str, reason: str, by_id: UUID) -> bool:
    """Say whether this is a repetition, such as of a command whose answer was lost."""
    if restraint.lifted_at is not None or (restraint.rule, restraint.reason) != (rule, reason):
        return False
    if restraint.by_id != by_id or (restraint.until is None) != (until is None):
        return False
    return until is None or restraint.until is None or abs(until - restraint.until) < timedelta(seconds=LEAST)
