"""Imports of a merchant's feed: progress, outcome and what was wrong with which row."""

from django.db import models
from django.db.models.functions import Now

from commerce import ids
from commerce.models import Merchant


class Import(models.Model):
    """One feed that a merchant sent."""

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    class Format(models.TextChoices):
        SHOPIFY_CSV = "shopify_csv", "Shopify CSV"
        GOOGLE_TSV = "google_tsv", "Google feed, TSV"
        GOOGLE_XML = "google_xml", "Google feed, XML"
        JSONL = "jsonl", "JSON Lines"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="imports", db_index=False)
    filename = models.CharField(max_length=255, blank=True)
    sha256 = models.CharField(max_length=64)
    format = models.CharField(max_length=12, choices=Format, default=Format.SHOPIFY_CSV)
    dry_run = models.BooleanField(default=False, help_text="Says what it would change, and changes nothing.")
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    bytes_total = models.PositiveBigIntegerField(default=0)
    bytes_done = models.PositiveBigIntegerField(default=0)
    working_seconds = models.FloatField(default=0.0, help_text="How long it was read for, pauses left out.")
    rows_total = models.PositiveIntegerField(default=0)
    rows_done = models.PositiveIntegerField(default=0)
    products_created = models.PositiveIntegerField(default=0)
    products_updated = models.PositiveIntegerField(default=0)
    products_unchanged = models.PositiveIntegerField(default=0)
    variants_created = models.PositiveIntegerField(default=0)
    variants_updated = models.PositiveIntegerField(default=0)
    variants_unchanged = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(
        default=0, help_text="Rows, variants and pictures that were left out."
    )
    problems_count = models.PositiveIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(
        default=0, help_text="How often a worker took it up since it last got on."
    )
    error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["merchant", "id"], name="import_of_merchant"),
            # The same bytes sent again while they are waiting or being read are the same import.
            models.UniqueConstraint(
                fields=["merchant", "sha256", "dry_run"],
                condition=models.Q(status__in=["queued", "running"]),
                name="import_unfinished_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.filename or 'feed'} ({self.status})"


class ImportChunk(models.Model):
    """A part of a feed's bytes until it has been read, so that any worker can take it up again."""

    id = models.BigAutoField(primary_key=True)
    job = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="chunks", db_index=False)
    number = models.PositiveIntegerField()
    body = models.BinaryField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["job", "number"], name="import_chunk_once"),)

    def __str__(self) -> str:
        return f"part {self.number} of {self.job_id}"


class ImportProblem(models.Model):
    """One thing wrong in one row of a feed."""

    id = models.BigAutoField(primary_key=True)
    job = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="problems", db_index=False)
    line = models.PositiveIntegerField(help_text="Line of the file, the header being 1.")
    column = models.CharField(max_length=255, blank=True)
    code = models.CharField(max_length=40)
    value = models.CharField(max_length=255, blank=True)
    message = models.CharField(max_length=300)
    skipped = models.BooleanField(
        default=True, help_text="The row was left out; otherwise it was taken with a default."
    )

    class Meta:
        indexes = (models.Index(fields=["job", "line"], name="problem_of_import"),)

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}"
