"""Addresses of the trade, under /api/v1/."""

from django.urls import path

from orders import cart_api, policy_api, views, waitlist_api

urlpatterns = [
    path("purchases", views.PurchasesView.as_view(), name="purchases"),
    path("purchases/<uuid:purchase_id>", views.PurchaseView.as_view(), name="purchase"),
    path("purchases/<uuid:purchase_id>/pay", views.PayView.as_view(), name="purchase-pay"),
    path("cart", cart_api.CartView.as_view(), name="cart"),
    path("cart/lines", cart_api.CartLinesView.as_view(), name="cart-lines"),
    path("cart/lines/<uuid:variant_id>", cart_api.CartLineView.as_view(), name="cart-line"),
    path("cart/merge", cart_api.CartMergeView.as_view(), name="cart-merge"),
    path("cart-policy", policy_api.PolicyView.as_view(), name="cart-policy"),
    path("cart-holders", policy_api.HoldersView.as_view(), name="cart-holders"),
    path("hoarders", policy_api.HoardersView.as_view(), name="hoarders"),
    path("hoarders/<uuid:shopper_id>", policy_api.HoarderView.as_view(), name="hoarder"),
    path("waitlist", waitlist_api.WaitlistView.as_view(), name="waitlist"),
    path("waitlist/<uuid:place_id>", waitlist_api.WaitlistPlaceView.as_view(), name="waitlist-place"),
    path("orders", views.OrdersView.as_view(), name="orders"),
    path("orders/<uuid:order_id>", views.OrderView.as_view(), name="order"),
    path("orders/<uuid:order_id>/ship", views.ShipView.as_view(), name="order-ship"),
    path("webhooks/stripe", views.StripeWebhookView.as_view(), name="webhook-stripe"),
]
