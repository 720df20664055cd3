"""The views of merchants' systems and of shoppers, and of an address that is none."""

import re
from functools import cache, partial
from typing import Any, cast

from django.conf import settings
from django.urls import ResolverMatch
from rest_framework import permissions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from commerce import buckets, errors, etags, picking
from commerce.http.callers import (
    FromItsNetworks,
    IsMerchant,
    IsShopper,
    MerchantKeyAuthentication,
    SessionAuthentication,
)
from commerce.models import Merchant, MerchantKey
from commerce.schema import IF_MATCH
from commerce.scopes import Need, may


class MissingScope(errors.Forbidden):
    """The API key has not the scope of this endpoint; `data["scope"]` names it."""

    code = "MISSING_SCOPE"
    message = "This API key does not open this."


class HasScope(permissions.BasePermission):
    """Lets in keys that have what the endpoint needs; raises MissingScope."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        need = cast(MerchantView, view).need(request)
        if need is not None and not may(cast(MerchantKey, request.auth).scopes, need.scope):
            raise MissingScope(f"This API key has not the scope {need.scope}.", scope=need.scope)
        return True


@cache
def address_of(route: str) -> str:
    """Return a route's address as the API document writes it: `/api/v1/orders/{order_id}`."""
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route)


def _takes_conditions(view: APIView) -> bool:
    """Tell whether an operation looks at If-Match: as with fields, what its document says is what counts."""
    described = getattr(getattr(view, str(view.request.method).lower()), "kwargs", {}).get("schema")
    if described is None:
        return False
    schema = described()
    schema.view, schema.method = view, view.request.method
    return IF_MATCH in schema.get_override_parameters()


class MerchantView(APIView):
    """A view for merchants' systems; `self.merchant` is the caller and every queryset starts from it."""

    authentication_classes = [MerchantKeyAuthentication]
    permission_classes = [IsMerchant, FromItsNetworks, HasScope]
    standing: buckets.Standing | None = None
    wanted = picking.ALL

    @property
    def merchant(self) -> Merchant:
        return cast(MerchantKey, self.request.auth).merchant

    def need(self, request: Request) -> Need | None:
        """Return what this request needs, None where nothing is done; KeyError: the table does not say."""
        method = "GET" if request.method == "HEAD" else str(request.method)
        if method == "OPTIONS" or not hasattr(self, method.lower()):
            return None
        needs: dict[str, Need] = settings.MERCHANT_NEEDS
        return needs[f"{method} {address_of(cast(ResolverMatch, request.resolver_match).route)}"]

    def check_throttles(self, request: Request) -> None:
        """Count the request for its key; raises RateLimited."""
        super().check_throttles(request)
        need = self.need(request)
        if need is None or not isinstance(request.auth, MerchantKey):
            return
        self.standing = buckets.take(key_id=request.auth.pk, kind=need.kind)
        if self.standing is not None and not self.standing.taken:
            raise self.standing.refusal()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Let the caller in; raises BadTag, NoCondition, UnknownField, BadFields for what it names."""
        super().initial(request, *args, **kwargs)
        if request.method in ("GET", "HEAD") and picking.PARAMETER in request.query_params:
            self.wanted = picking.asked(request, picking.shape_of(self))
        if self.need(request) is not None:
            asked = [each for each in ("If-Match", "If-None-Match") if etags.seen(request, each) is not None]
            if asked and request.method not in ("GET", "HEAD") and not _takes_conditions(self):
                raise etags.NoCondition

    def answer(self, about: etags.Resource) -> Response:
        """Answer with what the request is about; raises PreconditionFailed."""
        about.check(self.request)
        body = about.look()
        return etags.shown(body, about.version(body))

    def _picked(self, body: Any) -> Any:
        if isinstance(body, dict) and body.keys() == {"next", "previous", "results"}:
            return {**body, "results": self.wanted.pick(body["results"])}
        return self.wanted.pick(body)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Say on every answer, refusals too, how often the key may still call; give what is read its tag."""
        if isinstance(response, Response) and response.status_code == 200:
            response.data = self._picked(response.data)
        final: Any = super().finalize_response(request, response, *args, **kwargs)
        if isinstance(final, Response) and final.headers.get("Cache-Control") != "no-store":
            final.add_post_render_callback(partial(etags.settle, request))
        for name, value in (self.standing.headers() if self.standing else {}).items():
            final[name] = value
        return final


class ShopperView(APIView):
    """A view for signed-in users; every queryset starts from `request.user`."""

    authentication_classes = [SessionAuthentication]
    permission_classes = [IsShopper]


class Nowhere(APIView):
    """What an API address that is none answers, so that clients get a problem document there too."""

    authentication_classes = ()
    permission_classes = ()
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse every method; raises NotFound."""
        raise errors.NotFound("There is nothing at this address.")
