"""Reports: a viewer asks somebody to look at a line. A report hides nothing. The only writer of Report."""

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from commerce import errors, throttles
from streams import queries
from streams.models import ChatMessage, Report
from streams.moderation import decisions, rules, standing

PER_HOUR = 30


class UnknownCategory(errors.Invalid):
    message = "There is no such category."


class OwnLine(errors.Forbidden):
    code = "OWN_LINE"
    message = "This is your own line."


def make(
    *, stream_id: UUID, message_id: UUID, by_id: UUID, category: str, now: datetime, note: str = ""
) -> Report:
    """Report a line, once per viewer and line, for the moderators to look at; again returns the first.

    Raises UnknownShow, Banned, Muted, UnknownMessage, OwnLine, UnknownCategory, ReasonMissing, TooOften.
    """
    if category not in Report.Category.values:
        raise UnknownCategory(errors={"category": f"one of {', '.join(Report.Category.values)}"})
    note = rules.worded(note)
    reporter = standing.of(stream_id=stream_id, user_id=by_id, now=now)
    if reporter.banned:
        reporter.check_free()
    earlier = Report.objects.filter(stream_id=stream_id, message_id=message_id, reporter_id=by_id).first()
    if earlier is not None:
        return earlier
    throttles.spend(what="report", who=str(by_id), limit=PER_HOUR, seconds=3600)
    try:
        with transaction.atomic():
            line = ChatMessage.objects.select_for_update(of=("self",), no_key=True)
            message = line.filter(pk=message_id, stream_id=stream_id).first()
            if message is None or message.status != ChatMessage.Status.SHOWN:
                raise queries.UnknownMessage
            if message.author_id == by_id:
                raise OwnLine
            report = Report.objects.create(
                stream_id=stream_id, message=message, reporter_id=by_id, category=category, note=note, at=now
            )
            decisions.work_changed(stream_id)
    except IntegrityError:
        return Report.objects.get(message_id=message_id, reporter_id=by_id)
    return report
