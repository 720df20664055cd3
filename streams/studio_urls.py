"""Addresses of the control room's buttons, below /api/v1/studio/."""

from django.urls import path

from streams import studio_api

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
    path("shows/<uuid:stream_id>/offers", studio_api.OffersView.as_view()),
    path("offers/<uuid:offer_id>/end", studio_api.EndOfferView.as_view()),
    path("offers/<uuid:offer_id>/extend", studio_api.ExtendOfferView.as_view()),
]
