"""What the merchant API shows: plain JSON bodies of products, variants, prices, stock and imports."""

from catalog.bodies.body import Body
from catalog.bodies.goods import category, listed_product, name, parts, product, review, stock, variant
from catalog.bodies.jobs import batch, export_job, feed, feed_fetch, import_job, problem
from catalog.bodies.pictures import image, listed_image
from catalog.bodies.plans import plan
from catalog.bodies.pricing import comes_back, floor, price, prices

__all__ = [
    "Body",
    "batch",
    "category",
    "comes_back",
    "export_job",
    "feed",
    "feed_fetch",
    "floor",
    "image",
    "import_job",
    "listed_image",
    "listed_product",
    "name",
    "parts",
    "plan",
    "price",
    "prices",
    "problem",
    "product",
    "review",
    "stock",
    "variant",
]
