"""Where a merchant's goods lie: its locations, and what lies at those other than the main one."""

from django.db import models
from django.db.models.functions import Now

from catalog.models.products import Variant
from commerce import ids
from commerce.models import Merchant


class Location(models.Model):
    """A place where a merchant keeps goods. One is the main one: what lies nowhere else lies there."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="locations", db_index=False)
    code = models.CharField(max_length=50, help_text="The merchant's own id of it.")
    name = models.CharField(max_length=255)
    address = models.CharField(max_length=1000, blank=True)
    country = models.CharField(max_length=2, blank=True, help_text="ISO 3166-1, such as DE.")
    is_active = models.BooleanField(default=True, help_text="No: nothing may come to it.")
    is_main = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["merchant", "code"], name="location_code_once"),
            models.UniqueConstraint(
                fields=["merchant"], condition=models.Q(is_main=True), name="location_one_main"
            ),
            models.CheckConstraint(
                condition=models.Q(is_main=False) | models.Q(is_active=True), name="location_main_is_active"
            ),
            models.UniqueConstraint(fields=["merchant", "id"], name="location_of_merchant"),
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"


class LocationStock(models.Model):
    """Units of a variant that lie at a location other than the main one. Locked after its stock."""

    id = models.BigAutoField(primary_key=True)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    variant = models.ForeignKey(
        Variant, on_delete=models.CASCADE, related_name="location_stock", db_index=False
    )
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="stock", db_index=False)
    on_hand = models.IntegerField(default=0)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "stock by location"
        constraints = (
            models.UniqueConstraint(fields=["variant", "location"], name="location_stock_once"),
            models.CheckConstraint(condition=models.Q(on_hand__gte=0), name="location_stock_never_negative"),
        )
        indexes = (models.Index(fields=["location", "-variant"], name="location_stock_listing"),)

    def __str__(self) -> str:
        return f"{self.variant_id} at {self.location_id}: {self.on_hand}"
