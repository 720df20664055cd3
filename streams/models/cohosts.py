"""Who hosts a show together with its host, and what of the show's commission is hers."""

from django.db import models
from django.db.models.functions import Now

from commerce import ids
from commerce.models import Host
from streams.models.shows import Stream

MOST_BP = 9_900  # Of all co-hosts of a show together: its host keeps something.


class CoHost(models.Model):
    """An invitation to host a show together, and what came of it.

    What was said is never changed: another share is another invitation. It counts from `agreed_at` until
    `ended_at`, the end excluded.
    """

    class Status(models.TextChoices):
        INVITED = "invited"
        ACCEPTED = "accepted"
        DECLINED = "declined"
        WITHDRAWN = "withdrawn", "taken back by the host of the show"
        LEFT = "left"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    stream = models.ForeignKey(Stream, on_delete=models.PROTECT, related_name="cohosts")
    # The composite foreign key says that it is the show's own.
    inviter = models.ForeignKey(Host, on_delete=models.PROTECT, related_name="+", db_index=False)
    host = models.ForeignKey(Host, on_delete=models.PROTECT, related_name="invitations")
    share_bp = models.PositiveSmallIntegerField(help_text="Of the show's commission, in basis points.")
    status = models.CharField(max_length=9, choices=Status, default=Status.INVITED)
    invited_at = models.DateTimeField(db_default=Now())
    agreed_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "co-host"
        constraints = (
            models.CheckConstraint(
                condition=~models.Q(host=models.F("inviter")), name="cohost_is_another_host"
            ),
            models.CheckConstraint(
                condition=models.Q(share_bp__gt=0, share_bp__lte=MOST_BP), name="cohost_share_of_something"
            ),
            models.CheckConstraint(
                condition=models.Q(status="invited", agreed_at=None, ended_at=None)
                | models.Q(status="accepted", agreed_at__isnull=False, ended_at=None)
                | models.Q(status="declined", agreed_at=None, ended_at__isnull=False)
                | models.Q(status="withdrawn", ended_at__isnull=False)
                | models.Q(status="left", agreed_at__isnull=False, ended_at__isnull=False),
                name="cohost_agreed_and_ended_at_times",
            ),
            models.CheckConstraint(
                condition=models.Q(agreed_at=None)
                | models.Q(ended_at=None)
                | models.Q(ended_at__gte=models.F("agreed_at")),
                name="cohost_ends_after_it_began",
            ),
            models.UniqueConstraint(
                fields=["stream", "host"],
                condition=models.Q(status__in=["invited", "accepted"]),
                name="cohost_once_per_show",
            ),
        )
        indexes = (
            models.Index(
                fields=["host", "-id"], condition=models.Q(status="invited"), name="cohost_to_be_answered"
            ),
        )

    def __str__(self) -> str:
        return f"{self.host}: {self.share_bp / 100:g} % of {self.stream} ({self.status})"
