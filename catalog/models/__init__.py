from catalog.models.imports import Import, ImportContent, ImportProblem
from catalog.models.products import Price, Product, ProductImage, Variant
from catalog.models.stock import Stock, StockMovement

__all__ = [
    "Import",
    "ImportContent",
    "ImportProblem",
    "Price",
    "Product",
    "ProductImage",
    "Stock",
    "StockMovement",
    "Variant",
]
