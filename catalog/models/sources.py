"""Feeds that we fetch for merchants: where they are, how often, and what came of each time."""

from django.db import models
from django.db.models.functions import Now

from catalog.models.imports import Import
from commerce import ids
from commerce.models import Merchant


class FeedSource(models.Model):
    """The address of a merchant's feed, fetched every so often."""

    class Off(models.TextChoices):
        MERCHANT = "merchant", "turned off by the merchant"
        OPERATOR = "operator", "turned off by operations"
        FAILING = "failing", "failed too often in a row"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    merchant = models.ForeignKey(
        Merchant, on_delete=models.PROTECT, related_name="feed_sources", db_index=False
    )
    url = models.CharField(max_length=1000)
    every_minutes = models.PositiveIntegerField(null=True, blank=True)
    daily_at_hour = models.PositiveSmallIntegerField(null=True, blank=True, help_text="In UTC.")
    username = models.CharField(max_length=200, blank=True)
    sealed_password = models.TextField(blank=True, editable=False)
    enabled = models.BooleanField(default=True)
    off_reason = models.CharField(max_length=8, choices=Off, blank=True, default="")
    failures = models.PositiveSmallIntegerField(default=0, help_text="In a row.")
    due_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True, blank=True, help_text="Somebody fetches it until then.")
    attempt = models.PositiveIntegerField(default=0, help_text="Who may write what came of it.")
    etag = models.CharField(max_length=500, blank=True)
    last_modified = models.CharField(max_length=100, blank=True)
    sha256 = models.CharField(max_length=64, blank=True, help_text="Of the bytes that were imported last.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["merchant", "id"], name="feed_source_of_merchant"),
            models.UniqueConstraint(fields=["merchant", "url"], name="feed_source_once"),
            models.CheckConstraint(
                condition=models.Q(daily_at_hour=None, every_minutes__gte=15, every_minutes__lte=10_080)
                | models.Q(every_minutes=None, daily_at_hour__gte=0, daily_at_hour__lte=23),
                name="feed_source_one_rhythm",
            ),
            models.CheckConstraint(
                condition=models.Q(enabled=True, off_reason="")
                | (models.Q(enabled=False) & ~models.Q(off_reason="")),
                name="feed_source_off_for_a_reason",
            ),
        )
        indexes = (models.Index(fields=["due_at"], condition=models.Q(enabled=True), name="feed_source_due"),)

    def __str__(self) -> str:
        return f"{self.id}"  # Not its address, which may hold a token of the merchant's.


class FeedFetch(models.Model):
    """One time that a feed was fetched. It is written before anybody is asked."""

    class Outcome(models.TextChoices):
        RUNNING = "running"
        IMPORTED = "imported", "imported"
        UNCHANGED = "unchanged", "unchanged since the last time"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    source = models.ForeignKey(FeedSource, on_delete=models.CASCADE, related_name="fetches", db_index=False)
    outcome = models.CharField(max_length=9, choices=Outcome, default=Outcome.RUNNING)
    code = models.CharField(max_length=40, blank=True, default="")
    reason = models.CharField(max_length=300, blank=True, default="")
    status = models.PositiveSmallIntegerField(null=True, blank=True, help_text="What was answered.")
    bytes = models.PositiveIntegerField(default=0)
    job = models.ForeignKey(Import, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "feed fetches"
        indexes = (
            models.Index(fields=["source", "-id"], name="feed_fetch_of_source"),
            models.Index(fields=["merchant", "-id"], name="feed_fetch_of_merchant"),
        )

    def __str__(self) -> str:
        return f"{self.id} ({self.outcome})"
