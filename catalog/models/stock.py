"""Stock: what can still be promised, and every change to it that is not a sale."""

from django.db import models
from django.db.models.functions import Now

from catalog.models.places import Location
from catalog.models.products import Variant
from commerce.models import Merchant


class Stock(models.Model):
    """Units of a variant that can still be promised. `catalog.shelf.stock` is its only writer."""

    variant = models.OneToOneField(Variant, on_delete=models.CASCADE, primary_key=True, related_name="stock")
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, db_index=False)
    available = models.IntegerField(default=0)
    version = models.BigIntegerField(default=0, help_text="Grows by one per change.")
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "stock"
        constraints = (
            models.CheckConstraint(condition=models.Q(available__gte=0), name="stock_never_negative"),
        )
        # None on what sales write, `available` and `updated_at`: they update their row in place for it.
        indexes = (models.Index(fields=["merchant", "-variant"], name="stock_listing"),)

    def __str__(self) -> str:
        return f"{self.variant_id}: {self.available}"


class LowStock(models.Model):
    """From how few units on a merchant is told of a variant, and how it stood when it was last looked at."""

    variant = models.OneToOneField(
        Variant, on_delete=models.CASCADE, primary_key=True, related_name="low_stock"
    )
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    low_at = models.PositiveIntegerField(help_text="As many, or fewer, are little.")
    is_low = models.BooleanField(default=False)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "low stock"
        constraints = (
            models.CheckConstraint(condition=models.Q(low_at__lte=1_000_000_000), name="low_stock_sane"),
        )
        indexes = (models.Index(fields=["merchant", "-variant"], name="low_stock_listing"),)

    def __str__(self) -> str:
        return f"{self.variant_id}: {self.low_at}"


class StockMovement(models.Model):
    """A change of stock other than a sale. Movements less holds is what is available (`manage.py audit`)."""

    class Reason(models.TextChoices):
        IMPORT = "import"
        SET = "set"
        ADJUST = "adjust"
        RETURN = "return", "sold units that came back"
        TRANSFER = "transfer", "from one location to another"
        SENT = "sent", "sold units left a location"

    class By(models.TextChoices):
        """What kind of somebody moved it."""

        UNKNOWN = "", "not known"
        KEY = "key", "a merchant's system, by its API key"
        IMPORT = "import", "a feed"
        OPERATOR = "operator", "operations"
        MEMBER = "member", "one of the merchant's people"

    id = models.BigAutoField(primary_key=True)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, db_index=False)
    variant = models.ForeignKey(Variant, on_delete=models.CASCADE, related_name="movements", db_index=False)
    location = models.ForeignKey(
        Location,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        help_text="None: the main one.",
    )
    delta = models.IntegerField(help_text="By how much what can be promised changed.")
    on_hand_delta = models.IntegerField(
        default=0,
        db_default=0,
        help_text="By how much what lies at its location changed; not of the main one.",
    )
    reason = models.CharField(max_length=8, choices=Reason)
    note = models.CharField(max_length=200, blank=True)
    by = models.CharField(max_length=8, choices=By, blank=True, default=By.UNKNOWN, db_default="")
    by_name = models.CharField(max_length=150, blank=True, default="", db_default="")
    at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        indexes = (
            models.Index(fields=["variant", "id"], name="movement_of_variant"),
            models.Index(fields=["merchant", "-at", "-id"], name="movement_listing"),
            # Feeds and what is set are most of them, and found without it.
            models.Index(
                fields=["merchant", "reason", "-at", "-id"],
                condition=~models.Q(reason__in=["import", "set"]),
                name="movement_by_reason",
            ),
            models.Index(
                fields=["location", "-at", "-id"],
                condition=models.Q(location__isnull=False),
                name="movement_at_location",
            ),
        )

    def __str__(self) -> str:
        return f"{self.variant_id} {self.delta:+d} {self.reason}"
