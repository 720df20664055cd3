"""What became of products: every change of their status, by whom and why; and the queue of operators."""

from django.db import models

from catalog.models.products import Product
from commerce.models import Merchant, User


class ProductReview(models.Model):
    """A change of a product's status, or (old and new the same) a look at what had changed since the last."""

    class By(models.TextChoices):
        MERCHANT = "merchant"
        OPERATOR = "operator"

    id = models.BigAutoField(primary_key=True)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="reviews", db_index=False)
    old = models.CharField(max_length=10, choices=Product.Status)
    new = models.CharField(max_length=10, choices=Product.Status)
    by = models.CharField(max_length=8, choices=By)
    person = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=~models.Q(by="operator", new="draft", reason=""),
                name="review_sent_back_with_reason",
            ),
        )
        indexes = (
            models.Index(fields=["product", "-id"], name="review_history"),
            # What waits for a merchant.
            models.Index(
                fields=["merchant", "product"],
                condition=models.Q(by="operator", new="draft"),
                name="review_sent_back",
            ),
        )

    def __str__(self) -> str:
        return f"{self.old} -> {self.new}"


class WaitingProduct(Product):
    """A product that waits for an operator."""

    class Meta:
        proxy = True
        verbose_name = "product to review"
        verbose_name_plural = "products to review"
