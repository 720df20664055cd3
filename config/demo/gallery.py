"""Serves the demo's pictures at /demo/pictures/. The addresses exist in development only."""

from functools import cache
from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

FOLDER = Path(__file__).with_name("pictures")


@cache
def _names() -> frozenset[str]:
    return frozenset(path.name for path in FOLDER.glob("*.svg"))


@require_safe
@cache_control(max_age=3600, public=True)
def picture(request: HttpRequest, name: str) -> HttpResponse:
    """Answer with one picture; a name that is not in the folder is not looked for on disk."""
    if name not in _names():
        raise Http404("There is no such picture.")
    return HttpResponse((FOLDER / name).read_bytes(), content_type="image/svg+xml")
