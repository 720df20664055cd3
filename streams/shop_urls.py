"""Addresses for shoppers who look around, under /api/v1/shop/."""

from django.urls import path

from streams import shop, shop_categories

urlpatterns = [
    path("categories", shop_categories.CategoriesView.as_view(), name="shop-categories"),
    path("categories/<slug:code>", shop_categories.CategoryView.as_view(), name="shop-category"),
    path("merchants/<slug:slug>", shop.MerchantView.as_view(), name="shop-merchant"),
    path("products", shop.ProductsView.as_view(), name="shop-products"),
    path("products/<uuid:product_id>", shop.ProductView.as_view(), name="shop-product"),
    path("products/<uuid:product_id>/shows", shop.ShowsView.as_view(), name="shop-product-shows"),
    path("search/suggest", shop.SuggestView.as_view(), name="shop-suggest"),
    path("streams", shop.StreamsView.as_view(), name="shop-streams"),
]
