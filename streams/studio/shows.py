"""The show that a studio screen is about: the host's own, or the answer where there is none."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse

from commerce.sites import host_of, studio
from streams import queries
from streams.models import Stream


def mine(request: HttpRequest, stream_id: UUID) -> Stream | HttpResponse:
    """Return the host's own show, or the answer for one that is not hers."""
    try:
        return queries.show(host_id=host_of(request).id, stream_id=stream_id)
    except queries.UnknownShow:
        return nowhere(request)


def nowhere(request: HttpRequest) -> HttpResponse:
    """Return the answer where there is nothing for this host."""
    return studio.render(request, "studio/nowhere.html", title="Not found", status=404)
