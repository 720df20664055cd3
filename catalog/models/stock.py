"""Stock: what can still be promised, and every change to it that is not a sale."""

from django.db import models
from django.db.models.functions import Now

from catalog.models.products import Variant
from commerce.models import Merchant


class Stock(models.Model):
    """Units of a variant that can still be promised. `catalog.stock` is its only writer."""

    variant = models.OneToOneField(Variant, on_delete=models.CASCADE, primary_key=True, related_name="stock")
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT)
    available = models.IntegerField(default=0)
    version = models.BigIntegerField(default=0, help_text="Grows by one per change.")
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "stock"
        constraints = (
            models.CheckConstraint(condition=models.Q(available__gte=0), name="stock_never_negative"),
        )

    def __str__(self) -> str:
        return f"{self.variant_id}: {self.available}"


class StockMovement(models.Model):
    """A change of stock other than a sale. Movements less holds is what is available (`manage.py audit`)."""

    class Reason(models.TextChoices):
        IMPORT = "import"
        SET = "set"
        ADJUST = "adjust"
        RETURN = "return", "sold units that came back"

    id = models.BigAutoField(primary_key=True)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT)
    variant = models.ForeignKey(Variant, on_delete=models.CASCADE, related_name="movements")
    delta = models.IntegerField()
    reason = models.CharField(max_length=8, choices=Reason)
    note = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        indexes = (models.Index(fields=["variant", "id"], name="movement_of_variant"),)

    def __str__(self) -> str:
        return f"{self.variant_id} {self.delta:+d} {self.reason}"
