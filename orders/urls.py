"""Addresses of the trade, under /api/v1/."""

from django.urls import path

from orders import order_api, parcel_api, views
from orders.aftersales import api as aftersales_api
from orders.aftersales import returns_api
from orders.books import api as books_api
from orders.carts import api as cart_api
from orders.carts import policy_api
from orders.payouts import api as payouts_api
from orders.tariffs import api as tariffs_api
from orders.waitlist import api as waitlist_api

urlpatterns = [
    path("purchases", views.PurchasesView.as_view(), name="purchases"),
    path("purchases/quote", views.QuoteView.as_view(), name="purchase-quote"),
    path("purchases/<uuid:purchase_id>", views.PurchaseView.as_view(), name="purchase"),
    path("purchases/<uuid:purchase_id>/pay", views.PayView.as_view(), name="purchase-pay"),
    path(
        "purchases/<uuid:purchase_id>/orders/<uuid:order_id>/cancel",
        aftersales_api.CancelView.as_view(),
        name="purchase-cancel",
    ),
    path(
        "purchases/<uuid:purchase_id>/orders/<uuid:order_id>/returns",
        aftersales_api.AskReturnView.as_view(),
        name="purchase-return",
    ),
    path("account/erase-contact", views.EraseContactView.as_view(), name="erase-contact"),
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
    path("orders", order_api.OrdersView.as_view(), name="orders"),
    path("orders/combinable", order_api.CombinableView.as_view(), name="orders-combinable"),
    path("orders/export", order_api.OrderExportView.as_view(), name="orders-export"),
    path("orders/<uuid:order_id>", order_api.OrderView.as_view(), name="order"),
    path(
        "orders/<uuid:order_id>/acknowledge",
        parcel_api.AcknowledgeView.as_view(),
        name="order-acknowledge",
    ),
    path("orders/<uuid:order_id>/ship", parcel_api.ShipView.as_view(), name="order-ship"),
    path("orders/<uuid:order_id>/packing-slip.pdf", order_api.OrderSlipView.as_view(), name="order-slip"),
    path(
        "shipments/<uuid:shipment_id>/packing-slip.pdf",
        order_api.ShipmentSlipView.as_view(),
        name="shipment-slip",
    ),
    path("shipments", parcel_api.ShipmentsView.as_view(), name="shipments"),
    path("shipments/<uuid:shipment_id>", parcel_api.ShipmentView.as_view(), name="shipment"),
    path("shipments/<uuid:shipment_id>/deliver", parcel_api.DeliverView.as_view(), name="shipment-deliver"),
    path("orders/<uuid:order_id>/refunds", aftersales_api.OrderRefundsView.as_view(), name="order-refunds"),
    path("orders/<uuid:order_id>/cancel", aftersales_api.OrderCancelView.as_view(), name="order-cancel"),
    path(
        "orders/<uuid:order_id>/cancellation/refuse",
        aftersales_api.RefuseCancellationView.as_view(),
        name="order-cancellation-refuse",
    ),
    path("return-policy", aftersales_api.WindowsView.as_view(), name="return-policy"),
    path("refunds", aftersales_api.RefundsView.as_view(), name="refunds"),
    path("returns", returns_api.ReturnsView.as_view(), name="returns"),
    path("returns/<uuid:return_id>", returns_api.ReturnView.as_view(), name="return"),
    path("returns/<uuid:return_id>/approve", returns_api.ApproveReturnView.as_view(), name="return-approve"),
    path("returns/<uuid:return_id>/refuse", returns_api.RefuseReturnView.as_view(), name="return-refuse"),
    path("returns/<uuid:return_id>/receive", returns_api.ReceiveReturnView.as_view(), name="return-receive"),
    path("returns/<uuid:return_id>/refund", returns_api.RefundReturnView.as_view(), name="return-refund"),
    path("shipping-zones", tariffs_api.ZonesView.as_view(), name="shipping-zones"),
    path("shipping-zones/<uuid:zone_id>", tariffs_api.ZoneView.as_view(), name="shipping-zone"),
    path("tax-rates", tariffs_api.TaxRatesView.as_view(), name="tax-rates"),
    path("tax-rates/<uuid:rate_id>", tariffs_api.TaxRateView.as_view(), name="tax-rate"),
    path("tax-policy", tariffs_api.TaxPolicyView.as_view(), name="tax-policy"),
    path("payout-account", payouts_api.PayoutAccountView.as_view(), name="payout-account"),
    path("statement", books_api.StatementView.as_view(), name="statement"),
    path("studio/statement", books_api.HostStatementView.as_view(), name="host-statement"),
    path("disputes", aftersales_api.DisputesView.as_view(), name="disputes"),
    path("webhooks/stripe", views.StripeWebhookView.as_view(), name="webhook-stripe"),
]
