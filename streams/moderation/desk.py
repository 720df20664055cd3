"""What moderators find on their desk: what waits, what was decided, and how often a rule was wrong."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from streams.models import Appeal, ChatMessage, Decision, Report, Restraint, Right, ShowModerator, Stream
from streams.moderation import rules

Status = ChatMessage.Status

# How much waits, in one statement. Reports count by line, as one look settles them all.
_WAITING = """
SELECT (SELECT count(*) FROM streams_chatmessage WHERE stream_id = %(s)s AND status = 'held'),
       (SELECT count(DISTINCT r.message_id) FROM streams_report r
          JOIN streams_chatmessage m ON m.id = r.message_id
         WHERE r.stream_id = %(s)s AND r.decision_id IS NULL AND m.status = 'shown'),
       (SELECT count(*) FROM streams_appeal WHERE stream_id = %(s)s AND outcome = 'open'),
       (SELECT count(*) FROM streams_question q JOIN streams_chatmessage m ON m.id = q.message_id
         WHERE q.stream_id = %(s)s AND q.answered_at IS NULL AND m.status = 'shown')
"""

# A case is opened by the first decision; what followed last says how it stands. An appeal that was upheld
# confirms it, one that was overturned is among what followed.
_RATES = """
SELECT d.rule, d.action, coalesce(last.action, ''), count(*),
       count(a.id), count(a.id) FILTER (WHERE a.outcome = 'upheld'),
       count(a.id) FILTER (WHERE a.outcome = 'overturned')
  FROM streams_decision d
  LEFT JOIN LATERAL (
       SELECT f.action FROM streams_decision f WHERE f.case_id = d.id ORDER BY f.at DESC, f.id DESC LIMIT 1
  ) last ON true
  LEFT JOIN LATERAL (
       SELECT p.id, p.outcome FROM streams_appeal p JOIN streams_decision x ON x.id = p.decision_id
        WHERE x.id = d.id OR x.case_id = d.id ORDER BY p.at DESC LIMIT 1
  ) a ON true
 WHERE d.stream_id = ANY(%(shows)s) AND d.case_id IS NULL
 GROUP BY 1, 2, 3
"""


@dataclass(slots=True)
class Rate:
    """How one rule did. `rate` is overturned / (overturned + upheld), None before anything was looked at."""

    rule: str
    text: str
    by_filter: bool
    cases: int = 0
    waiting: int = 0
    upheld: int = 0
    overturned: int = 0
    standing: int = 0  # Decided by a human at first hand, and never questioned.
    pardoned: int = 0  # Lifted early without an appeal: mercy, no error.
    appeals: int = 0
    appeals_upheld: int = 0
    appeals_overturned: int = 0

    @property
    def rate(self) -> float | None:
        """The error rate, of what a human has looked at again."""
        looked = self.upheld + self.overturned
        return round(self.overturned / looked, 4) if looked else None


def waiting(stream_id: UUID) -> dict[str, int]:
    """Return how many held lines, reported lines, appeals and questions wait in a show."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, {"s": stream_id})
        held, reported, appeals, questions = cursor.fetchone()
    return {"held": held, "reported": reported, "appeals": appeals, "questions": questions}


def whom_to_tell(stream_id: UUID) -> list[UUID]:
    """Return the users who are told how much waits: the host, and moderators who review or answer."""
    host = list(Stream.objects.filter(pk=stream_id).values_list("host__user_id", flat=True))
    helpers = ShowModerator.objects.filter(
        stream_id=stream_id, rights__overlap=[Right.REVIEW, Right.QUESTIONS]
    )
    return host + list(helpers.values_list("user_id", flat=True))


def queue(*, stream_id: UUID, kind: str | None = None) -> QuerySet[ChatMessage]:
    """Return the lines that wait for a verdict, held or reported ones or both; with their open reports."""
    waits = Report.objects.filter(message=OuterRef("pk"), decision=None)
    held, reported = Q(status=Status.HELD), Q(Exists(waits), status=Status.SHOWN)
    wanted = {"held": held, "reported": reported}.get(kind or "", held | reported)
    reports = Report.objects.filter(decision=None).select_related("reporter").order_by("id")
    return (
        ChatMessage.objects.filter(wanted, stream_id=stream_id)
        .select_related("author", "decision", "question__item")
        .prefetch_related(Prefetch("reports", queryset=reports, to_attr="open_reports"))
        .order_by("id")
    )


def log(*, stream_id: UUID) -> QuerySet[Decision]:
    """Return what was decided in a show, the latest first."""
    return _with_all(Decision.objects.filter(stream_id=stream_id))


def about(*, user_id: UUID) -> QuerySet[Decision]:
    """Return what was decided about one user anywhere, the latest first."""
    return _with_all(Decision.objects.filter(subject_id=user_id)).select_related("stream")


def appeals(*, stream_id: UUID) -> QuerySet[Appeal]:
    """Return the appeals in a show, the latest first."""
    return (
        Appeal.objects.filter(stream_id=stream_id)
        .select_related("by", "decided_by", "decision__message", "decision__actor", "decision__restraint")
        .order_by("-id")
    )


def reports(*, stream_id: UUID) -> QuerySet[Report]:
    """Return the reports in a show, the latest first."""
    found = Report.objects.filter(stream_id=stream_id)
    return found.select_related("reporter", "message__author", "decision").order_by("-id")


def restraints(*, stream_id: UUID) -> QuerySet[Restraint]:
    """Return who is or was restrained in a show, the latest first."""
    return (
        Restraint.objects.filter(stream_id=stream_id)
        .select_related("user", "by", "lifted_by")
        .order_by("-id")
    )


def rates(*, stream_ids: Collection[UUID]) -> list[Rate]:
    """Return how every rule did in these shows, those of filters first."""
    found = {
        rule: Rate(rule=rule, text=text, by_filter=rule in rules.FILTERS) for rule, text in rules.ALL.items()
    }
    with connection.cursor() as cursor:
        cursor.execute(_RATES, {"shows": list(stream_ids)})
        for rule, opened, last, cases, asked, upheld, overturned in cursor.fetchall():
            rate = found.setdefault(rule, Rate(rule=rule, text="", by_filter=opened == "held"))
            rate.cases += cases
            rate.appeals += asked
            rate.appeals_upheld += upheld
            rate.appeals_overturned += overturned
            _add(rate, opened=opened, last=last, cases=cases, upheld=upheld, overturned=overturned)
    return list(found.values())


def _add(rate: Rate, *, opened: str, last: str, cases: int, upheld: int, overturned: int) -> None:
    if opened == "held":
        if last == "removed":
            rate.upheld += cases
        elif last:
            rate.overturned += cases
        else:
            rate.waiting += cases
    elif last == "lifted":
        rate.overturned += overturned
        rate.pardoned += cases - overturned
    elif last:
        rate.overturned += cases
    elif opened == "kept":
        rate.standing += cases
    else:
        rate.upheld += upheld
        rate.standing += cases - upheld


def _with_all(found: QuerySet[Decision]) -> QuerySet[Decision]:
    return found.select_related("actor", "subject", "message", "restraint", "appeal", "undone_by").order_by(
        "-id"
    )
