"""Our files of pictures, for everybody's browser. A name is a hash, so what is behind it never changes."""

from django.core.files.storage import default_storage
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from catalog.media import shelved

FOR_EVER = "public, max-age=31536000, immutable"


@require_safe
def picture(request: HttpRequest, name: str) -> HttpResponse:
    """Answer with one file; a name that is not of our making is not looked for."""
    response = _found(request, name) if shelved.NAME.fullmatch(name) else None
    if response is None:
        # Perhaps it is being made: nobody is to remember that there is none.
        response = HttpResponse("There is no such picture.", status=404, content_type="text/plain")
        response["Cache-Control"] = "no-store"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def _found(request: HttpRequest, name: str) -> HttpResponse | None:
    tag = f'"{name.rsplit("/", 1)[1]}"'
    try:
        with default_storage.open(name) as file:
            same = tag in request.headers.get("If-None-Match", "")
            response = (
                HttpResponse(status=304) if same else HttpResponse(file.read(), content_type="image/webp")
            )
    except FileNotFoundError:
        return None
    response["Cache-Control"], response["ETag"] = FOR_EVER, tag
    return response
