"""Addresses of the control room's buttons, below /api/v1/studio/."""

from django.urls import path

from streams import studio_api, studio_drops

urlpatterns = [
    path("shows/<uuid:stream_id>/go-live", studio_api.GoLiveView.as_view()),
    path("shows/<uuid:stream_id>/end", studio_api.EndShowView.as_view()),
    path("shows/<uuid:stream_id>/cancel", studio_api.CancelShowView.as_view()),
    path("shows/<uuid:stream_id>/sales", studio_api.SalesView.as_view()),
    path("shows/<uuid:stream_id>/products", studio_api.ProductsView.as_view()),
    path("shows/<uuid:stream_id>/showcase", studio_api.ShowcaseView.as_view()),
    path("shows/<uuid:stream_id>/showcase/order", studio_api.ShowcaseOrderView.as_view()),
    path("shows/<uuid:stream_id>/showcase/<uuid:item_id>", studio_api.ShowcaseItemView.as_view()),
    path("shows/<uuid:stream_id>/pin", studio_api.PinView.as_view()),
    path("shows/<uuid:stream_id>/offers", studio_drops.OffersView.as_view()),
    path("shows/<uuid:stream_id>/showcase/<uuid:item_id>/outlook", studio_drops.OutlookView.as_view()),
    path("offers/<uuid:offer_id>/open", studio_drops.OpenOfferView.as_view()),
    path("offers/<uuid:offer_id>/end", studio_drops.EndOfferView.as_view()),
    path("offers/<uuid:offer_id>/extend", studio_drops.ExtendOfferView.as_view()),
    path("shows/<uuid:stream_id>/coupons", studio_drops.CouponsView.as_view()),
    path("coupons/<uuid:coupon_id>/end", studio_drops.EndCouponView.as_view()),
]
