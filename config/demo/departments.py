"""The departments that the demo's operator keeps, and which of the merchants' goods are in which."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from catalog import products
from catalog.models import Category, CategoryAttribute, Product
from config.demo import cast

# Code, name, and the code of the one above; from the top down.
TREE = (
    ("beauty", "Beauty", None),
    ("make_up", "Make-up", "beauty"),
    ("lips", "Lips", "make_up"),
    ("eyes", "Eyes", "make_up"),
    ("face", "Face", "make_up"),
    ("nails", "Nails", "make_up"),
    ("skin_care", "Skin care", "beauty"),
    ("bath_and_hair", "Bath and hair", "beauty"),
    ("scents", "Scents", "beauty"),
    ("tools", "Brushes and tools", "beauty"),
    ("home", "Home", None),
    ("kitchen", "Kitchen", "home"),
    ("living", "Living", "home"),
    ("fashion", "Fashion", None),
    ("audio", "Audio", None),
)

# By the type that the merchants' feeds say.
DEPARTMENTS = {
    "Lipstick": "lips",
    "Lip Gloss": "lips",
    "Lip Balm": "lips",
    "Lipstick Set": "lips",
    "Eye Makeup": "eyes",
    "Face Makeup": "face",
    "Nail Polish": "nails",
    "Skin Care": "skin_care",
    "Bath & Body": "bath_and_hair",
    "Hair Care": "bath_and_hair",
    "Perfume": "scents",
    "Perfume Set": "scents",
    "Beauty Tool": "tools",
    "Drinkware": "kitchen",
    "Cookware": "kitchen",
    "Kitchen Tool": "kitchen",
    "Lighting": "living",
    "Home Fragrance": "living",
    "Textile": "living",
    "Decor": "living",
    "Storage": "living",
    "Top": "fashion",
    "Shoes": "fashion",
    "Bag": "fashion",
    "Accessory": "fashion",
    "Watch": "fashion",
    "Audio": "audio",
}

# What is said of make-up, and of which goods, by handle.
FINISH, FINISHES = "finish", ("matte", "satin", "gloss")
FINISHED = {"velvet-matte-lipstick": "matte", "satin-glow-lipstick": "satin", "glass-lip-gloss": "gloss"}


def sort(now: datetime) -> int:
    """Lay out the tree, and put the goods in it that are nowhere yet; returns how many were put."""
    rows: dict[str | None, Category | None] = {None: None}
    for code, name, above in TREE:
        rows[code], _ = Category.objects.get_or_create(
            code=code, defaults={"name": name, "parent": rows[above]}
        )
    CategoryAttribute.objects.get_or_create(
        category=rows["make_up"],
        code=FINISH,
        defaults={"name": "Finish", "kind": CategoryAttribute.Kind.CHOICE, "choices": list(FINISHES)},
    )
    theirs = Product.objects.filter(merchant__slug__in=[seller.slug for seller in cast.SELLERS])
    nowhere = list(theirs.filter(category=None, product_type__in=DEPARTMENTS))
    for product in nowhere:
        changes: dict[str, Any] = {"category": DEPARTMENTS[product.product_type]}
        if finish := FINISHED.get(product.handle):
            changes["attributes"] = {FINISH: finish}
        products.change(merchant_id=product.merchant_id, product_id=product.pk, changes=changes, now=now)
    return len(nowhere)
