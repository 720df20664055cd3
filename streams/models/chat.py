"""Chat lines of a show, the questions among them, and who follows whom."""

from django.db import models
from django.db.models.functions import Now

from commerce import ids
from commerce.models import Host, User
from streams.models.shows import ShowcaseItem, Stream


class ChatMessage(models.Model):
    """A line of chat. Whatever is decided about it, the row stays."""

    class Status(models.TextChoices):
        SHOWN = "shown"
        HELD = "held"
        REMOVED = "removed"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="messages", db_index=False)
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    key = models.UUIDField(help_text="The client's key; a retry with the same key says nothing twice.")
    text = models.CharField(max_length=200)
    at = models.DateTimeField(db_default=Now())
    status = models.CharField(max_length=7, choices=Status, default=Status.SHOWN)
    decision = models.ForeignKey(
        "streams.Decision",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The decision that put the line where it is; empty: none was needed.",
    )
    removed_at = models.DateTimeField(null=True, blank=True)
    removed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["author", "key"], name="chat_key_once"),
            # Target of composite foreign keys: nothing can name a line of another show.
            models.UniqueConstraint(fields=["stream", "id"], name="chat_line_of_stream"),
            models.CheckConstraint(
                condition=models.Q(status="removed", removed_at__isnull=False)
                | (~models.Q(status="removed") & models.Q(removed_at=None)),
                name="chat_removed_has_a_moment",
            ),
            # A line is out of sight only by a decision, which names its rule and reason.
            models.CheckConstraint(
                condition=models.Q(status="shown") | models.Q(decision__isnull=False),
                name="chat_hidden_by_decision",
            ),
        )
        indexes = (
            models.Index(fields=["stream", "id"], condition=models.Q(status="held"), name="chat_held"),
        )

    def __str__(self) -> str:
        return self.text[:40]


class Question(models.Model):
    """A line that asks something, of a product in the showcase or of the host."""

    message = models.OneToOneField(
        ChatMessage, primary_key=True, on_delete=models.CASCADE, related_name="question"
    )
    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="questions")
    item = models.ForeignKey(
        ShowcaseItem, null=True, blank=True, on_delete=models.PROTECT, related_name="questions"
    )
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(answered_at=None, answered_by=None)
                | models.Q(answered_at__isnull=False, answered_by__isnull=False),
                name="question_answered_by_somebody",
            ),
        )
        indexes = (
            models.Index(
                fields=["stream", "message"], condition=models.Q(answered_at=None), name="question_open"
            ),
        )

    def __str__(self) -> str:
        return str(self.message)


class Follow(models.Model):
    """A user follows a host."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="follows", db_index=False)
    host = models.ForeignKey(Host, on_delete=models.CASCADE, related_name="followers", db_index=False)
    at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["user", "host"], name="follow_once"),)
        indexes = (models.Index(fields=["host", "-id"], name="follow_latest"),)

    def __str__(self) -> str:
        return f"{self.user_id} follows {self.host_id}"
