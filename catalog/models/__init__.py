from catalog.models.commission import CommissionPlan, CommissionProduct, CommissionRate
from catalog.models.exports import Export, ExportChunk
from catalog.models.images import ImageChunk, Picture, ProductImage
from catalog.models.imports import Import, ImportChunk, ImportProblem
from catalog.models.places import Location, LocationStock
from catalog.models.products import BundlePart, Price, PriceFloor, Product, Variant
from catalog.models.reviews import ProductReview, WaitingProduct
from catalog.models.schedules import PriceSchedule
from catalog.models.sources import FeedFetch, FeedSource
from catalog.models.stock import LowStock, Stock, StockMovement
from catalog.models.taxonomy import Category, CategoryAttribute, ProductTag

__all__ = [
    "BundlePart",
    "Category",
    "CategoryAttribute",
    "CommissionPlan",
    "CommissionProduct",
    "CommissionRate",
    "Export",
    "ExportChunk",
    "FeedFetch",
    "FeedSource",
    "ImageChunk",
    "Import",
    "ImportChunk",
    "ImportProblem",
    "Location",
    "LocationStock",
    "LowStock",
    "Picture",
    "Price",
    "PriceFloor",
    "PriceSchedule",
    "Product",
    "ProductImage",
    "ProductReview",
    "ProductTag",
    "Stock",
    "StockMovement",
    "Variant",
    "WaitingProduct",
]
