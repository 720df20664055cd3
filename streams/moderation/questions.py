"""Questions: lines that ask something, and whether they are answered. With `chat`, the writer of Question."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from commerce import errors
from streams import announce, bodies
from streams.models import ChatMessage, Question, Right
from streams.moderation import decisions, standing


class UnknownQuestion(errors.NotFound):
    message = "There is no such question."


def answer(
    *, stream_id: UUID, question_id: UUID, by_id: UUID, now: datetime, answered: bool = True
) -> Question:
    """Mark a question as answered, or as open again, and tell the room; the same again is once.

    Raises UnknownShow, MissingRight, UnknownQuestion.
    """
    standing.allowed(stream_id=stream_id, user_id=by_id, now=now, rights=[Right.QUESTIONS])
    with transaction.atomic():
        found = Question.objects.select_for_update(of=("self",)).select_related("item")
        question = found.filter(
            pk=question_id, stream_id=stream_id, message__status=ChatMessage.Status.SHOWN
        ).first()
        if question is None:
            raise UnknownQuestion
        if (question.answered_at is not None) != answered:
            question.answered_at, question.answered_by_id = (now, by_id) if answered else (None, None)
            question.save(update_fields=["answered_at", "answered_by"])
            d = {"id": str(question.pk), **bodies.question(question)}
            announce.tell_room(stream_id=stream_id, t="question.answered", d=d)
            decisions.work_changed(stream_id)
    return question


def of_show(
    *, stream_id: UUID, answered: bool | None = None, product_id: UUID | None = None
) -> QuerySet[Question]:
    """Return the questions of a show that everybody sees, the latest first."""
    found = Question.objects.filter(
        stream_id=stream_id, message__status=ChatMessage.Status.SHOWN
    ).select_related("message__author", "item__product", "answered_by")
    if answered is not None:
        found = found.filter(answered_at__isnull=not answered)
    if product_id is not None:
        found = found.filter(item__product_id=product_id)
    return found.order_by("-message_id")
