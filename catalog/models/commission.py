"""What merchants promise hosts: commission plans, and each of their rates from one moment to another."""

from django.db import models
from django.db.models.functions import Now

from catalog.models.products import Product
from commerce import ids
from commerce.models import Host, Merchant


class CommissionPlan(models.Model):
    """What a merchant pays hosts for selling its goods: all hosts, or those that it names."""

    class Kind(models.TextChoices):
        OPEN = "open"
        TARGETED = "targeted"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    merchant = models.ForeignKey(
        Merchant, on_delete=models.PROTECT, related_name="commission_plans", db_index=False
    )
    name = models.CharField(max_length=80, help_text="Shown to the hosts that it is for.")
    kind = models.CharField(max_length=8, choices=Kind)
    all_products = models.BooleanField(help_text="For whatever the merchant sells, or for chosen products.")
    ends_at = models.DateTimeField(null=True, blank=True, help_text="Announced: not for sales from then on.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = (
            # Targets of the composite foreign keys that keep rates inside a merchant and a kind.
            models.UniqueConstraint(fields=["merchant", "id"], name="commission_plan_of_merchant"),
            models.CheckConstraint(
                condition=models.Q(kind__in=["open", "targeted"]), name="commission_plan_kind"
            ),
        )

    def __str__(self) -> str:
        return self.name


class CommissionRate(models.Model):
    """A plan's rate from one moment to another, for all hosts or for one. What has been is never changed."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    plan = models.ForeignKey(CommissionPlan, on_delete=models.CASCADE, related_name="rates")
    host = models.ForeignKey(
        Host, null=True, blank=True, on_delete=models.PROTECT, related_name="commission_rates"
    )
    rate_bp = models.PositiveIntegerField(help_text="Basis points of what the buyer paid without tax.")
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField(null=True, blank=True, help_text="Not for sales from then on.")

    class Meta:
        constraints = (
            models.CheckConstraint(condition=models.Q(rate_bp__lte=10_000), name="commission_rate_sane"),
            models.CheckConstraint(
                condition=models.Q(valid_until=None) | models.Q(valid_until__gt=models.F("valid_from")),
                name="commission_rate_ends_after_it_starts",
            ),
            # One rate at a time per plan and host: an exclusion constraint, in migration 0004.
        )
        indexes = (models.Index(fields=["merchant", "host"], name="commission_rate_of_merchant"),)

    def __str__(self) -> str:
        return f"{self.rate_bp / 100:g} %"


class CommissionProduct(models.Model):
    """That a plan is for a product, from one moment to another."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    plan = models.ForeignKey(CommissionPlan, on_delete=models.CASCADE, related_name="products")
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="commission_plans")
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(valid_until=None) | models.Q(valid_until__gt=models.F("valid_from")),
                name="commission_product_ends_after_it_starts",
            ),
            # Once at a time per plan: an exclusion constraint, in migration 0004.
        )

    def __str__(self) -> str:
        return str(self.product)
