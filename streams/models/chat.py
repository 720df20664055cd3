"""Chat lines of a show."""

from django.db import models
from django.db.models.functions import Now

from commerce import ids
from commerce.models import User
from streams.models.shows import Stream


class ChatMessage(models.Model):
    """A line of chat. Removing hides it from viewers; the row stays, with who removed it and when."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="messages")
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    key = models.UUIDField(help_text="The client's key; a retry with the same key says nothing twice.")
    text = models.CharField(max_length=200)
    at = models.DateTimeField(db_default=Now())
    removed_at = models.DateTimeField(null=True, blank=True)
    removed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["author", "key"], name="chat_key_once"),)
        indexes = (models.Index(fields=["stream", "-id"], name="chat_latest"),)

    def __str__(self) -> str:
        return self.text[:40]
