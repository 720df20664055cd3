"""Addresses for shoppers who look around, under /api/v1/shop/."""

from django.urls import path

from streams.shop import categories, views

urlpatterns = [
    path("categories", categories.CategoriesView.as_view(), name="shop-categories"),
    path("categories/<slug:code>", categories.CategoryView.as_view(), name="shop-category"),
    path("merchants/<slug:slug>", views.MerchantView.as_view(), name="shop-merchant"),
    path("products", views.ProductsView.as_view(), name="shop-products"),
    path("products/<uuid:product_id>", views.ProductView.as_view(), name="shop-product"),
    path("products/<uuid:product_id>/shows", views.ShowsView.as_view(), name="shop-product-shows"),
    path("search/suggest", views.SuggestView.as_view(), name="shop-suggest"),
    path("streams", views.StreamsView.as_view(), name="shop-streams"),
]
