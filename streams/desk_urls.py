"""Addresses of the control room's buttons, below /api/v1/studio/."""

from django.urls import path

from streams import desk

urlpatterns = [
    path("shows/<uuid:stream_id>/go-live", desk.GoLiveView.as_view()),
    path("shows/<uuid:stream_id>/end", desk.EndShowView.as_view()),
    path("shows/<uuid:stream_id>/cancel", desk.CancelShowView.as_view()),
    path("shows/<uuid:stream_id>/sales", desk.SalesView.as_view()),
    path("shows/<uuid:stream_id>/products", desk.ProductsView.as_view()),
    path("shows/<uuid:stream_id>/showcase", desk.ShowcaseView.as_view()),
    path("shows/<uuid:stream_id>/showcase/order", desk.ShowcaseOrderView.as_view()),
    path("shows/<uuid:stream_id>/showcase/<uuid:item_id>", desk.ShowcaseItemView.as_view()),
    path("shows/<uuid:stream_id>/pin", desk.PinView.as_view()),
    path("shows/<uuid:stream_id>/offers", desk.OffersView.as_view()),
    path("shows/<uuid:stream_id>/chat/pace", desk.ChatPaceView.as_view()),
    path("offers/<uuid:offer_id>/end", desk.EndOfferView.as_view()),
    path("offers/<uuid:offer_id>/extend", desk.ExtendOfferView.as_view()),
    path("chat/<uuid:message_id>", desk.ChatLineView.as_view()),
]
