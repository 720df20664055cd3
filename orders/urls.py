"""Addresses of the trade, under /api/v1/."""

from django.urls import path

from orders import views

urlpatterns = [
    path("purchases", views.PurchasesView.as_view(), name="purchases"),
    path("purchases/<uuid:purchase_id>", views.PurchaseView.as_view(), name="purchase"),
    path("purchases/<uuid:purchase_id>/pay", views.PayView.as_view(), name="purchase-pay"),
    path("cart", views.CartView.as_view(), name="cart"),
    path("orders", views.OrdersView.as_view(), name="orders"),
    path("orders/<uuid:order_id>", views.OrderView.as_view(), name="order"),
    path("orders/<uuid:order_id>/ship", views.ShipView.as_view(), name="order-ship"),
    path("webhooks/stripe", views.StripeWebhookView.as_view(), name="webhook-stripe"),
]
