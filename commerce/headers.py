"""The Content-Security-Policy of each page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase


class ContentSecurityPolicy:
    """Send the policy of the longest matching path in CONTENT_SECURITY_POLICIES, unless the view sent one."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.policies = [
            (path, "; ".join(f"{name} {sources}" for name, sources in policy.items()))
            for path, policy in sorted(
                settings.CONTENT_SECURITY_POLICIES.items(), key=lambda item: len(item[0]), reverse=True
            )
        ]
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.is_async:
            return self._asynchronous(request)
        return self._with_policy(request, self.get_response(request))

    async def _asynchronous(self, request: HttpRequest) -> HttpResponseBase:
        return self._with_policy(request, await self.get_response(request))

    def _with_policy(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if "Content-Security-Policy" not in response:
            policy = next((policy for path, policy in self.policies if request.path.startswith(path)), None)
            if policy:
                response["Content-Security-Policy"] = policy
        return response
