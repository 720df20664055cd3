"""Parcels: what of which orders goes out together."""

from typing import NamedTuple

from django.db import models

from catalog.models import Location
from commerce import ids
from commerce.models import Merchant
from orders.models.orders import Order, OrderLine


class Shipment(models.Model):
    """A parcel, with units of one or several orders of a merchant."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    carrier = models.CharField(max_length=80)
    tracking_number = models.CharField(max_length=120, blank=True)
    tracking_url = models.CharField(max_length=500, blank=True)
    # The tenant's wall is a composite foreign key, on (merchant, location).
    location = models.ForeignKey(
        Location,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="From where it left. None: not said, which counts as the main one.",
    )
    shipped_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["merchant", "id"], name="shipment_of_merchant"),)
        indexes = (models.Index(fields=["merchant", "tracking_number"], name="shipment_by_number"),)

    def __str__(self) -> str:
        return f"{self.carrier} {self.tracking_number}"


class ShipmentLine(models.Model):
    """Units of an order line in a parcel."""

    id = models.BigAutoField(primary_key=True)
    # The tenant's walls are composite foreign keys, on (merchant, shipment) and (merchant, order).
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    shipment = models.ForeignKey(Shipment, on_delete=models.CASCADE, related_name="lines", db_index=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="parcel_lines")
    line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="parcel_lines")
    quantity = models.PositiveSmallIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["shipment", "line"], name="shipment_line_once"),
            models.CheckConstraint(condition=models.Q(quantity__gte=1), name="shipment_line_has_units"),
        )

    def __str__(self) -> str:
        return f"{self.quantity} x {self.line_id}"


class Parcel(NamedTuple):
    """A shipment with what of one order is in it."""

    shipment: Shipment
    lines: list[ShipmentLine]


def parcels_of(order: Order) -> list[Parcel]:
    """Return an order's parcels with what of it is in them, oldest first; it was read with `parcel_lines`."""
    found: dict[Shipment, list[ShipmentLine]] = {}
    for line in order.parcel_lines.all():
        found.setdefault(line.shipment, []).append(line)
    parcels = (Parcel(*each) for each in found.items())
    return sorted(parcels, key=lambda each: (each.shipment.shipped_at, each.shipment.pk))
