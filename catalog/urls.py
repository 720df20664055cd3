"""Addresses of the catalog, under /api/v1/catalog/."""

from django.urls import path

from catalog.views import batches, bundles, exports, imports, plans, products, reviews, schedules, shelf

urlpatterns = [
    path("commission-plans", plans.PlansView.as_view(), name="commission-plans"),
    path("commission-plans/<uuid:plan_id>", plans.PlanView.as_view(), name="commission-plan"),
    path("commission-plans/<uuid:plan_id>/end", plans.EndPlanView.as_view(), name="commission-plan-end"),
    path("exports", exports.ExportsView.as_view(), name="exports"),
    path("exports/<uuid:export_id>", exports.ExportView.as_view(), name="export"),
    path("exports/<uuid:export_id>/cancel", exports.CancelExportView.as_view(), name="export-cancel"),
    path("exports/<uuid:export_id>/file", exports.ExportFileView.as_view(), name="export-file"),
    path("imports", imports.ImportsView.as_view(), name="imports"),
    path("imports/<uuid:import_id>", imports.ImportView.as_view(), name="import"),
    path("imports/<uuid:import_id>/cancel", imports.CancelImportView.as_view(), name="import-cancel"),
    path("imports/<uuid:import_id>/problems", imports.ProblemsView.as_view(), name="import-problems"),
    path("products", products.ProductsView.as_view(), name="products"),
    path("products/batch", batches.ProductBatchView.as_view(), name="product-batch"),
    path("stock/batch", batches.StockBatchView.as_view(), name="stock-batch"),
    path("prices/schedule", schedules.SchedulesView.as_view(), name="price-schedules"),
    path("prices/batch", batches.PriceBatchView.as_view(), name="price-batch"),
    path("products/<uuid:product_id>", products.ProductView.as_view(), name="product"),
    path("products/<uuid:product_id>/restore", reviews.RestoreView.as_view(), name="product-restore"),
    path("products/<uuid:product_id>/retire", reviews.RetireView.as_view(), name="product-retire"),
    path("products/<uuid:product_id>/reviews", reviews.ReviewsView.as_view(), name="product-reviews"),
    path("products/<uuid:product_id>/submit", reviews.SubmitView.as_view(), name="product-submit"),
    path("products/<uuid:product_id>/withdraw", reviews.WithdrawView.as_view(), name="product-withdraw"),
    path("products/<uuid:product_id>/variants", products.NewVariantView.as_view(), name="product-variants"),
    path("variants", products.VariantsView.as_view(), name="variants"),
    path("variants/<uuid:variant_id>", products.VariantView.as_view(), name="variant"),
    path("variants/<uuid:variant_id>/price", shelf.PriceView.as_view(), name="variant-price"),
    path(
        "variants/<uuid:variant_id>/price/schedule",
        schedules.VariantSchedulesView.as_view(),
        name="variant-price-schedules",
    ),
    path(
        "variants/<uuid:variant_id>/price/schedule/<uuid:schedule_id>",
        schedules.ScheduleView.as_view(),
        name="variant-price-schedule",
    ),
    path("variants/<uuid:variant_id>/floor", shelf.FloorView.as_view(), name="variant-floor"),
    path("variants/<uuid:variant_id>/parts", bundles.PartsView.as_view(), name="variant-parts"),
    path("variants/<uuid:variant_id>/stock", shelf.StockView.as_view(), name="variant-stock"),
]
