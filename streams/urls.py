"""Addresses of the live side, under /api/v1/live/."""

from django.urls import path

from streams import views
from streams.moderation_api import mine

urlpatterns = [
    path("", views.ShowsView.as_view(), name="shows"),
    path("<slug:slug>/snapshot", views.SnapshotView.as_view(), name="show-snapshot"),
    path("<slug:slug>/ticket", views.TicketView.as_view(), name="show-ticket"),
    path("<slug:slug>/coupons/<uuid:coupon_id>/claim", views.ClaimView.as_view(), name="show-coupon-claim"),
    path(
        "<slug:slug>/offers/<uuid:offer_id>/waiting-room",
        views.WaitingRoomView.as_view(),
        name="show-waiting-room",
    ),
    path("<slug:slug>/follow", mine.FollowView.as_view(), name="show-follow"),
    path("<slug:slug>/reports", mine.ReportView.as_view(), name="show-report"),
]
