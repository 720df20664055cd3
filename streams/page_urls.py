"""Addresses of the shoppers' pages."""

from django.urls import path

from streams import pages

urlpatterns = [
    path("", pages.index, name="index"),
    path("live/<slug:slug>", pages.live, name="live"),
]
