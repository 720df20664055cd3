"""Exports of a merchant's assortment: progress, and the file until it expires."""

from django.db import models
from django.db.models.functions import Now

from catalog.models.imports import Import
from commerce import ids
from commerce.models import Merchant


class Export(models.Model):
    """One file that a merchant asked for."""

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"
        EXPIRED = "expired"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="exports", db_index=False)
    format = models.CharField(max_length=12, choices=Import.Format)
    filters = models.JSONField(default=dict, blank=True, help_text="Which products; {} for all.")
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    products_total = models.PositiveIntegerField(default=0)
    products_done = models.PositiveIntegerField(default=0)
    variants_done = models.PositiveIntegerField(default=0)
    left_out = models.PositiveIntegerField(
        default=0, help_text="Products and variants that the format cannot say."
    )
    bytes_done = models.PositiveBigIntegerField(default=0)
    last_product = models.UUIDField(null=True, blank=True, help_text="The last one that is in the file.")
    working_seconds = models.FloatField(default=0.0, help_text="How long it was written, pauses left out.")
    attempts = models.PositiveSmallIntegerField(
        default=0, help_text="How often a worker took it up since it last got on."
    )
    error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["merchant", "id"], name="export_of_merchant"),)
        indexes = (
            models.Index(fields=["expires_at"], condition=models.Q(status="done"), name="export_expiring"),
        )

    def __str__(self) -> str:
        return f"{self.format} ({self.status})"


class ExportChunk(models.Model):
    """A part of an export's file, in the order of the numbers."""

    id = models.BigAutoField(primary_key=True)
    job = models.ForeignKey(Export, on_delete=models.CASCADE, related_name="chunks", db_index=False)
    number = models.PositiveIntegerField()
    body = models.BinaryField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["job", "number"], name="export_chunk_once"),)

    def __str__(self) -> str:
        return f"part {self.number} of {self.job_id}"
