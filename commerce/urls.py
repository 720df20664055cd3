"""Addresses of accounts, saved cards and merchants' webhooks, under /api/v1/."""

from django.urls import path

from commerce import views
from commerce.webhooks import api as webhooks

urlpatterns = [
    path("account/sign-up", views.SignUpView.as_view(), name="sign-up"),
    path("account/sign-in", views.SignInView.as_view(), name="sign-in"),
    path("account/sign-out", views.SignOutView.as_view(), name="sign-out"),
    path("account/sign-out-everywhere", views.SignOutEverywhereView.as_view(), name="sign-out-everywhere"),
    path("account/password", views.PasswordView.as_view(), name="password"),
    path("account/me", views.MeView.as_view(), name="me"),
    path("account/addresses", views.AddressesView.as_view(), name="addresses"),
    path("account/addresses/<uuid:address_id>", views.AddressView.as_view(), name="address"),
    path("cards", views.CardsView.as_view(), name="cards"),
    path("cards/setup", views.CardSetupView.as_view(), name="card-setup"),
    path("cards/<uuid:card_id>/default", views.DefaultCardView.as_view(), name="card-default"),
    path("cards/<uuid:card_id>", views.CardView.as_view(), name="card"),
    path("webhook-endpoints", webhooks.EndpointsView.as_view(), name="webhook-endpoints"),
    path("webhook-endpoints/<uuid:endpoint_id>", webhooks.EndpointView.as_view(), name="webhook-endpoint"),
    path("webhook-endpoints/<uuid:endpoint_id>/secret", webhooks.SecretView.as_view(), name="webhook-secret"),
    path(
        "webhook-endpoints/<uuid:endpoint_id>/rotate-secret",
        webhooks.RotateView.as_view(),
        name="webhook-rotate-secret",
    ),
    path("webhook-endpoints/<uuid:endpoint_id>/test", webhooks.TestView.as_view(), name="webhook-test"),
    path("webhook-endpoints/<uuid:endpoint_id>/replay", webhooks.ReplayView.as_view(), name="webhook-replay"),
    path("webhook-deliveries", webhooks.DeliveriesView.as_view(), name="webhook-deliveries"),
    path("webhook-deliveries/<uuid:delivery_id>", webhooks.DeliveryView.as_view(), name="webhook-delivery"),
    path("webhook-deliveries/<uuid:delivery_id>/retry", webhooks.RetryView.as_view(), name="webhook-retry"),
]
