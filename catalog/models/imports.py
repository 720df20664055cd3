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

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="imports")
    filename = models.CharField(max_length=255, blank=True)
    sha256 = models.CharField(max_length=64)
    status = models.CharField(max_length=8, choices=Status, default=Status.QUEUED)
    rows_total = models.PositiveIntegerField(default=0)
    rows_done = models.PositiveIntegerField(default=0)
    products_created = models.PositiveIntegerField(default=0)
    products_updated = models.PositiveIntegerField(default=0)
    variants_created = models.PositiveIntegerField(default=0)
    variants_updated = models.PositiveIntegerField(default=0)
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
                fields=["merchant", "sha256"],
                condition=models.Q(status__in=["queued", "running"]),
                name="import_unfinished_once",
            ),
        )
        indexes = (models.Index(fields=["merchant", "-id"], name="import_listing"),)

    def __str__(self) -> str:
        return f"{self.filename or 'feed'} ({self.status})"


class ImportContent(models.Model):
    """The bytes of a feed until it has been read, so that any worker can take it up again."""

    job = models.OneToOneField(Import, on_delete=models.CASCADE, primary_key=True, related_name="content")
    body = models.BinaryField()

    def __str__(self) -> str:
        return f"content of {self.job_id}"


class ImportProblem(models.Model):
    """One thing wrong in one row of a feed."""

    id = models.BigAutoField(primary_key=True)
    job = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="problems")
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
