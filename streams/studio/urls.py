"""Addresses of the control room's buttons, below /api/v1/studio/."""

from django.urls import path

from streams.studio import api, drops

urlpatterns = [
    path("shows/<uuid:stream_id>/go-live", api.GoLiveView.as_view()),
    path("shows/<uuid:stream_id>/end", api.EndShowView.as_view()),
    path("shows/<uuid:stream_id>/cancel", api.CancelShowView.as_view()),
    path("shows/<uuid:stream_id>/sales", api.SalesView.as_view()),
    path("shows/<uuid:stream_id>/products", api.ProductsView.as_view()),
    path("shows/<uuid:stream_id>/showcase", api.ShowcaseView.as_view()),
    path("shows/<uuid:stream_id>/showcase/order", api.ShowcaseOrderView.as_view()),
    path("shows/<uuid:stream_id>/showcase/<uuid:item_id>", api.ShowcaseItemView.as_view()),
    path("shows/<uuid:stream_id>/pin", api.PinView.as_view()),
    path("shows/<uuid:stream_id>/offers", drops.OffersView.as_view()),
    path("shows/<uuid:stream_id>/showcase/<uuid:item_id>/outlook", drops.OutlookView.as_view()),
    path("offers/<uuid:offer_id>/open", drops.OpenOfferView.as_view()),
    path("offers/<uuid:offer_id>/end", drops.EndOfferView.as_view()),
    path("offers/<uuid:offer_id>/extend", drops.ExtendOfferView.as_view()),
    path("shows/<uuid:stream_id>/coupons", drops.CouponsView.as_view()),
    path("coupons/<uuid:coupon_id>/end", drops.EndCouponView.as_view()),
]
