"""Shows: the stream, its showcase, which product was shown when, and the log of what viewers were told."""

from django.db import models
from django.db.models.functions import Now

from catalog.models import Product
from commerce import ids
from commerce.models import Host, User


class Stream(models.Model):
    """A live show of one host."""

    class Status(models.TextChoices):
        SCHEDULED = "scheduled"
        LIVE = "live"
        ENDED = "ended"
        CANCELLED = "cancelled"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    host = models.ForeignKey(Host, on_delete=models.PROTECT, related_name="streams", db_index=False)
    slug = models.SlugField(max_length=80, unique=True)
    title = models.CharField(max_length=120)
    description = models.TextField(max_length=2000, blank=True)
    status = models.CharField(max_length=9, choices=Status, default=Status.SCHEDULED)
    starts_at = models.DateTimeField(help_text="When the show is planned to begin (UTC).")
    live_at = models.DateTimeField(null=True, blank=True, help_text="Zero of the stream clock.")
    ended_at = models.DateTimeField(null=True, blank=True)
    video_url = models.CharField(
        max_length=500, blank=True, help_text="HLS playlist, or a picture where there is no video."
    )
    poster_url = models.CharField(max_length=500, blank=True)
    chat_slow_seconds = models.PositiveSmallIntegerField(
        default=0, help_text="Least seconds between two lines of one viewer."
    )
    followers_only = models.BooleanField(default=False, help_text="Only followers of the host may chat.")
    pinned_line = models.ForeignKey(
        "streams.ChatMessage",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="The comment that stays above the chat.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(live_at__isnull=False) | ~models.Q(status__in=["live", "ended"]),
                name="stream_live_has_a_clock",
            ),
            models.UniqueConstraint(
                fields=["host"], condition=models.Q(status="live"), name="stream_one_live_per_host"
            ),
            # Target of a composite foreign key: nobody invites to another host's show.
            models.UniqueConstraint(fields=["host", "id"], name="stream_of_host"),
        )
        indexes = (
            models.Index(fields=["status", "-starts_at"], name="stream_listing"),
            models.Index(fields=["-starts_at", "-id"], name="stream_latest"),
        )

    def __str__(self) -> str:
        return self.title


class StreamMove(models.Model):
    """History of a stream's status."""

    id = models.BigAutoField(primary_key=True)
    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="moves")
    old = models.CharField(max_length=9)
    new = models.CharField(max_length=9)
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.old} -> {self.new}"


class ShowcaseItem(models.Model):
    """A product on a show's list."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="items", db_index=False)
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+")
    position = models.PositiveIntegerField()
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["stream", "product"],
                condition=models.Q(removed_at=None),
                name="showcase_product_once",
            ),
            # Target of the composite foreign keys of pins and offers: no item of another show can be named.
            models.UniqueConstraint(fields=["stream", "id"], name="showcase_item_of_stream"),
        )
        indexes = (models.Index(fields=["stream", "position"], name="showcase_order"),)

    def __str__(self) -> str:
        return f"{self.position}. {self.product}"


class Pin(models.Model):
    """A product moment: the item was being explained from then to then."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="pins")
    item = models.ForeignKey(ShowcaseItem, on_delete=models.PROTECT, related_name="pins")
    from_ms = models.PositiveBigIntegerField(help_text="Milliseconds on the stream clock.")
    to_ms = models.PositiveBigIntegerField(null=True, blank=True)
    pinned_at = models.DateTimeField()
    unpinned_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["stream"], condition=models.Q(unpinned_at=None), name="pin_one_at_a_time"
            ),
        )

    def __str__(self) -> str:
        return f"{self.item} from {self.from_ms} ms"


class ShowEvent(models.Model):
    """One must event that the room was sent, at its place in the lane. Kept for replay and as evidence."""

    id = models.BigAutoField(primary_key=True)
    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="events", db_index=False)
    epoch = models.CharField(max_length=16)
    offset = models.PositiveBigIntegerField()
    key = models.CharField(max_length=120, help_text="The outbox event it came from.")
    frame = models.JSONField()
    at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["stream", "epoch", "offset"], name="show_event_place_once"),
            models.UniqueConstraint(fields=["stream", "epoch", "key"], name="show_event_once"),
        )

    def __str__(self) -> str:
        return f"{self.epoch}:{self.offset}"
