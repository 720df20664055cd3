"""What merchants charge beside their goods: shipping per zone, and tax per country. Without rows: nothing."""

from django.db import models
from django.db.models.functions import Now

from commerce import ids
from commerce.models import Merchant


class TaxPolicy(models.Model):
    """Whether a merchant's prices contain tax. Without a row they do."""

    merchant = models.OneToOneField(
        Merchant, on_delete=models.CASCADE, primary_key=True, related_name="tax_policy"
    )
    prices_include_tax = models.BooleanField(default=True)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "tax policies"

    def __str__(self) -> str:
        return f"{self.merchant_id}: {'with' if self.prices_include_tax else 'without'} tax"


class ShippingZone(models.Model):
    """Countries that a merchant ships to at the same rates; or, once per merchant, the rest of the world."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    merchant = models.ForeignKey(
        Merchant, on_delete=models.CASCADE, related_name="shipping_zones", db_index=False
    )
    name = models.CharField(max_length=80)
    rest_of_world = models.BooleanField(default=False, help_text="All countries that no other zone names.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            # Target of the composite foreign keys of countries and rates.
            models.UniqueConstraint(fields=["merchant", "id"], name="shipping_zone_of_merchant"),
            models.UniqueConstraint(
                fields=["merchant"], condition=models.Q(rest_of_world=True), name="shipping_one_rest_of_world"
            ),
        )

    def __str__(self) -> str:
        return self.name


class ShippingCountry(models.Model):
    """A country of a zone; a merchant has each country in one zone at most."""

    id = models.BigAutoField(primary_key=True)
    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="+", db_index=False)
    zone = models.ForeignKey(ShippingZone, on_delete=models.CASCADE, related_name="countries")
    country = models.CharField(max_length=2, help_text="ISO 3166-1 alpha-2.")

    class Meta:
        verbose_name_plural = "shipping countries"
        constraints = (
            models.UniqueConstraint(fields=["merchant", "country"], name="shipping_country_once"),
            models.CheckConstraint(
                condition=models.Q(country__regex="^[A-Z]{2}$"), name="shipping_country_iso"
            ),
        )

    def __str__(self) -> str:
        return self.country


class ShippingRate(models.Model):
    """What a parcel to a zone costs in one currency, per order."""

    id = models.BigAutoField(primary_key=True)
    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="+", db_index=False)
    zone = models.ForeignKey(ShippingZone, on_delete=models.CASCADE, related_name="rates", db_index=False)
    name = models.CharField(max_length=80, help_text="Shown to shoppers.")
    currency = models.CharField(max_length=3)
    amount = models.PositiveIntegerField(help_text="Per order, in minor units.")
    free_from = models.PositiveIntegerField(
        null=True, blank=True, help_text="Free when the goods come to this, in minor units."
    )
    days_min = models.PositiveSmallIntegerField(help_text="Days until it is delivered.")
    days_max = models.PositiveSmallIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["zone", "currency"], name="shipping_rate_once"),
            models.CheckConstraint(
                condition=models.Q(days_min__lte=models.F("days_max")), name="shipping_days_in_order"
            ),
            models.CheckConstraint(
                condition=models.Q(currency__regex="^[A-Z]{3}$"), name="shipping_currency_iso"
            ),
        )

    def __str__(self) -> str:
        return f"{self.name}: {self.amount} {self.currency}"


class TaxRate(models.Model):
    """A tax on what a merchant sells to a country, of all goods or of those of one product type."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="tax_rates", db_index=False)
    country = models.CharField(max_length=2, help_text="ISO 3166-1 alpha-2, where the parcel goes.")
    category = models.CharField(
        max_length=255, blank=True, help_text="A product type in lower case; empty: all others, and shipping."
    )
    name = models.CharField(max_length=40, help_text="Shown to shoppers.")
    bp = models.PositiveIntegerField(help_text="Basis points of the price without it; 1900 are 19 %.")
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True, blank=True, help_text="Not valid any more at this moment.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["merchant", "id"], name="tax_rate_of_merchant"),
            models.CheckConstraint(condition=models.Q(bp__lte=10_000), name="tax_rate_sane"),
            models.CheckConstraint(
                condition=models.Q(country__regex="^[A-Z]{2}$"), name="tax_rate_country_iso"
            ),
            models.CheckConstraint(
                condition=models.Q(valid_to=None) | models.Q(valid_to__gt=models.F("valid_from")),
                name="tax_rate_ends_after_it_starts",
            ),
            # One rate at a time per country and category: an exclusion constraint, in migration 0002.
        )
        indexes = (models.Index(fields=["merchant", "country"], name="tax_rate_of_country"),)

    def __str__(self) -> str:
        return f"{self.name} ({self.country})"
