"""Holds: units promised to a line of an order."""

from django.db import models
from django.db.models.functions import Now

from catalog.models import Variant
from orders.models.orders import OrderLine
from orders.models.purchases import Purchase
from streams.models import Offer


class Hold(models.Model):
    """Units promised to an order line, of its variant or of a bundle's part.

    Paying takes them without touching the hot stock row. Of an offer as many units count as the line has.
    """

    class Status(models.TextChoices):
        HELD = "held"
        TAKEN = "taken"
        RELEASED = "released"

    id = models.BigAutoField(primary_key=True)
    line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="holds", db_index=False)
    purchase = models.ForeignKey(
        Purchase, on_delete=models.PROTECT, related_name="holds", db_constraint=False
    )
    variant = models.ForeignKey(
        Variant, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    offer = models.ForeignKey(
        Offer, null=True, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    quantity = models.PositiveSmallIntegerField()
    status = models.CharField(max_length=8, choices=Status, default=Status.HELD)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (models.UniqueConstraint(fields=["line", "variant"], name="hold_once_per_line"),)
        indexes = (
            models.Index(fields=["variant"], condition=~models.Q(status="released"), name="hold_live"),
        )

    def __str__(self) -> str:
        return f"{self.quantity} x {self.variant_id} ({self.status})"
