"""Where goods belong: one tree of categories for the whole shop, and what is said of the goods in each."""

from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models

from commerce import ids
from commerce.models import Merchant

CODE = RegexValidator(r"\A[a-z0-9][a-z0-9_]{0,39}\Z", "Small letters, digits and _; at most 40.")


class Category(models.Model):
    """A category; operators keep the tree. The database computes `path`, and refuses circles."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    code = models.CharField(max_length=40, unique=True, validators=[CODE], help_text="Feeds name it by this.")
    name = models.CharField(max_length=120)
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    # In this order of bytes a category comes before what is below it, and that before its neighbour.
    path = models.CharField(
        max_length=330,
        unique=True,
        editable=False,
        db_collation="C",
        help_text="The codes from the root to it, with / between them.",
    )

    class Meta:
        verbose_name_plural = "categories"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(code__regex="^[a-z0-9][a-z0-9_]*$"), name="category_code"
            ),
            models.CheckConstraint(
                condition=models.Q(path__regex="^([^/]+/){0,7}[^/]+$"), name="category_depth"
            ),
        )

    def __str__(self) -> str:
        return self.path or self.code


class CategoryAttribute(models.Model):
    """Something that is said of the goods of a category and of those below it."""

    class Kind(models.TextChoices):
        TEXT = "text"
        NUMBER = "number"
        BOOLEAN = "boolean"
        CHOICE = "choice"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    category = models.ForeignKey(
        Category, on_delete=models.CASCADE, related_name="attributes", db_index=False
    )
    code = models.CharField(max_length=40, validators=[CODE])
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.TEXT)
    unit = models.CharField(max_length=20, blank=True, help_text="Of a number, such as cm.")
    choices = ArrayField(
        models.CharField(max_length=120),
        default=list,
        blank=True,
        help_text="Of a choice; commas between them.",
    )
    required = models.BooleanField(default=False, help_text="Nothing is submitted without it.")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["category", "code"], name="attribute_once_per_category"),
            models.CheckConstraint(
                condition=models.Q(kind="choice", choices__len__gt=0)
                | (~models.Q(kind="choice") & models.Q(choices=[])),
                name="attribute_choices_of_choice",
            ),
        )

    def __str__(self) -> str:
        return self.name


class ProductTag(models.Model):
    """A tag of a product once more, kept by the database, so that tags can be listed and counted."""

    pk = models.CompositePrimaryKey("merchant_id", "tag", "product_id")
    merchant = models.ForeignKey(
        Merchant, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    tag = models.CharField(max_length=255, db_collation="C")
    product = models.ForeignKey(
        "catalog.Product", on_delete=models.DO_NOTHING, related_name="+", db_constraint=False
    )

    def __str__(self) -> str:
        return self.tag
