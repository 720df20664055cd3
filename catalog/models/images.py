"""Pictures of products: how merchants name them, and what we keep of them."""

from django.db import models
from django.db.models.functions import Now

from catalog.models.products import Product
from commerce import ids
from commerce.models import Merchant


class Picture(models.Model):
    """A picture as we keep it: files by the hash of the bytes that it was made of, the same once."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    sha256 = models.CharField(max_length=64, help_text="Of the bytes that came.")
    format = models.CharField(max_length=5, help_text="What they were, by their content.")
    renditions = models.JSONField(
        default=list, help_text="[width, height] of each file, the largest first; none: not all written yet."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    unused_since = models.DateTimeField(null=True, blank=True, help_text="No product has it since then.")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["merchant", "id"], name="picture_of_merchant"),
            models.UniqueConstraint(fields=["merchant", "sha256"], name="picture_once"),
        )
        indexes = (
            models.Index(
                fields=["unused_since"], condition=models.Q(unused_since__isnull=False), name="picture_unused"
            ),
        )

    def __str__(self) -> str:
        return self.sha256[:12]


class ProductImage(models.Model):
    """A picture of a product: an address that a merchant named, or what it uploaded."""

    class State(models.TextChoices):
        WAITING = "waiting"
        READY = "ready"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, db_index=False)
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="images", db_index=False)
    url = models.CharField(max_length=1000, help_text="As it was named; where ours is, when it was uploaded.")
    alt = models.CharField(max_length=500, blank=True)
    position = models.PositiveIntegerField(default=1)
    uploaded = models.BooleanField(default=False, db_default=False)
    # Work of ours, no change of what the merchant wrote: the product's version does not grow with it.
    state = models.CharField(max_length=7, choices=State, default=State.WAITING, db_default=State.WAITING)
    picture = models.ForeignKey(
        Picture, null=True, blank=True, on_delete=models.PROTECT, related_name="images"
    )
    code = models.CharField(
        max_length=30, blank=True, default="", db_default="", help_text="Why there is none yet."
    )
    reason = models.CharField(max_length=300, blank=True, default="", db_default="")
    tries = models.PositiveSmallIntegerField(default=0, db_default=0)
    due_at = models.DateTimeField(
        db_default=Now(), help_text="Not tried before; while it is, the end of the lease."
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["product", "url"], name="image_once_per_product"),
            models.UniqueConstraint(fields=["merchant", "id"], name="image_of_merchant"),
            models.CheckConstraint(
                condition=models.Q(state="ready", picture__isnull=False)
                | (~models.Q(state="ready") & models.Q(picture=None)),
                name="image_ready_has_picture",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="failed") | ~models.Q(code=""), name="image_failed_for_a_reason"
            ),
        )
        indexes = (
            models.Index(
                fields=["merchant", "due_at"], condition=models.Q(state="waiting"), name="image_due"
            ),
            models.Index(fields=["merchant", "state", "-id"], name="image_by_state"),
        )

    def __str__(self) -> str:
        return self.url


class ImageChunk(models.Model):
    """A part of an uploaded picture until it was looked at, so that any worker can take it up again."""

    id = models.BigAutoField(primary_key=True)
    image = models.ForeignKey(ProductImage, on_delete=models.CASCADE, related_name="chunks", db_index=False)
    number = models.PositiveIntegerField()
    body = models.BinaryField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["image", "number"], name="image_chunk_once"),)

    def __str__(self) -> str:
        return f"part {self.number} of {self.image_id}"
