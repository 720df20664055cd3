"""Addresses of the HTTP side."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from catalog.views import media
from commerce import health, http, merchantsite, sites
from config.demo import gallery

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path(
        "api/docs",
        SpectacularSwaggerSplitView.as_view(url_name="schema", template_name="commerce/api_docs.html"),
        name="docs",
    ),
    path("admin/", admin.site.urls),
    path("studio/", sites.studio.urls),
    path("merchant/", merchantsite.desk.urls),
    path("api/v1/studio/", include("streams.studio.urls")),
    path("api/v1/moderation/", include("streams.moderation_api.urls")),
    path("api/v1/catalog/", include("catalog.urls")),
    path("api/v1/live/", include("streams.urls")),
    path("api/v1/shop/", include("streams.shop.urls")),
    path("api/v1/", include("commerce.urls")),
    path("api/v1/", include("orders.urls")),
    # Not a path converter: an address may have a line break in it (%0A).
    re_path(r"^api/[\s\S]*\Z", http.Nowhere.as_view()),
    path("", include("streams.page_urls")),
    path("media/<path:name>", media.picture, name="media"),
]
if settings.DEBUG:
    urlpatterns.append(path("demo/pictures/<str:name>", gallery.picture))
