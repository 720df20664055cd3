"""Page door: the list of shows, and the shopper's page of one show."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from commerce import countries, gateway
from commerce.models import User
from commerce.serializers import MeSerializer
from streams import listing, places, snapshot


@require_safe
@never_cache
@ensure_csrf_cookie
def index(request: HttpRequest) -> HttpResponse:
    """The shows that are live and those to come."""
    shows = listing.public(now=timezone.now())
    return _guarded(render(request, "streams/index.html", {"shows": shows}))


@require_safe
@never_cache
@ensure_csrf_cookie
def live(request: HttpRequest, slug: str) -> HttpResponse:
    """The shopper's page of one show, with the show's state in it, so that nothing jumps when it opens."""
    stream = listing.find(slug=slug)
    if stream is None:
        raise Http404("There is no such show.")
    user = request.user if isinstance(request.user, User) else None
    position = places.now(stream.id)  # Before the data: what happens in between is told again.
    page = {
        "slug": stream.slug,
        "position": position,
        "socket": f"{settings.LIVE_SOCKET_URL}/ws/v1/live/{stream.slug}",
        "me": MeSerializer(user).data if user else None,
        "snapshot": snapshot.of(stream=stream, user_id=user.id if user else None),
    }
    context = {"stream": stream, "page": page, "countries": sorted(countries.CODES)}
    return _guarded(render(request, "streams/live.html", context))


def _guarded(response: HttpResponse) -> HttpResponse:
    """Let the page run its own files only, and frame only what takes cards."""
    sockets = "{0.scheme}://{0.netloc}".format(urlsplit(settings.LIVE_SOCKET_URL))
    provider_scripts = provider_calls = ""
    frames = settings.STRIPE_API_BASE
    if not gateway.is_simulated():
        # What Stripe names for its script: https://docs.stripe.com/security/guide#content-security-policy
        provider_scripts, provider_calls = " https://js.stripe.com", " https://api.stripe.com"
        frames = "https://js.stripe.com https://hooks.stripe.com"
    # Product pictures stand where the merchants keep them.
    pictures = "'self' data: https:" + (" http:" if settings.DEBUG else "")
    policy = {
        "default-src": "'self'",
        "script-src": f"'self'{provider_scripts}",
        "style-src": "'self'",
        "img-src": pictures,
        "media-src": "'self' blob: https:",
        "connect-src": f"'self' {sockets}{provider_calls}",
        "frame-src": frames,
        "frame-ancestors": "'none'",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
    }
    response["Content-Security-Policy"] = "; ".join(f"{name} {sources}" for name, sources in policy.items())
    return response
