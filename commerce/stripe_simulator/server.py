"""The HTTP side: authentication, versions, idempotency keys and faults around every call of the API."""

import asyncio
import base64
import binascii
import logging
import secrets
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from aiohttp import web

from commerce.stripe_simulator import accounts, controls, forms, idempotency, onboarding, shapes, sheet
from commerce.stripe_simulator.calls import API_VERSION
from commerce.stripe_simulator.faults import Fault, too_many
from commerce.stripe_simulator.refusals import Refused, internal, not_simulated
from commerce.stripe_simulator.routes import ROUTES, Route
from commerce.stripe_simulator.simulator import Answer, Simulator, error_answer
from commerce.stripe_simulator.transfers import insufficient

log = logging.getLogger(__name__)

LARGEST_BODY = 256 * 1024
SIMULATED = {"Yellowcart-Simulated": "true"}
BANNER = {
    "simulator": "yellowcart-stripe-simulator",
    "simulated": True,
    "message": "This is not Stripe. It answers like Stripe's API; no money moves.",
    "api_version": API_VERSION,
    "keys": "any sk_test_...",
}


class Dropped(Exception):
    """The connection is to be closed without an answer."""


def authenticate(request: web.Request) -> None:
    """Check the key. Raises: Refused (401) for none, a live one, or anything but `sk_test_...`."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            given = base64.b64decode(given, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            given = ""
    elif scheme.lower() != "bearer":
        given = ""
    if not given:
        raise Refused("You did not provide an API key.", status=401)
    if given.startswith(("sk_live_", "rk_live_")):
        raise Refused(
            "This is a simulator: it takes test keys (sk_test_...) only, never a live key.", status=401
        )
    if not given.startswith("sk_test_") or len(given) <= len("sk_test_"):
        raise Refused(f"Invalid API Key provided: {given[:8]}***", status=401)


def check_headers(request: web.Request) -> None:
    """Raises: Refused for what this simulator does not speak."""
    version = request.headers.get("Stripe-Version", API_VERSION)
    if version != API_VERSION:
        raise Refused(f"This simulator only speaks Stripe-Version {API_VERSION}, not {version[:40]}.")


async def read_form(request: web.Request) -> dict[str, Any]:
    """Return the parameters of a request. Raises: Refused for a body that is no form."""
    if request.method != "POST":
        return forms.read(request.query.items())
    if not request.can_read_body:
        return {}
    if request.content_type != "application/x-www-form-urlencoded":
        raise Refused("Send the parameters as application/x-www-form-urlencoded.")
    try:
        pairs = await request.post()
    except ValueError:
        raise Refused("The body is not a form in UTF-8.") from None
    return forms.read((name, value) for name, value in pairs.items() if isinstance(value, str))


class Server:
    """Serves one simulator over HTTP."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator

    def app(self) -> web.Application:
        """Return the aiohttp application."""
        app = web.Application(middlewares=[self.around], client_max_size=LARGEST_BODY)
        app.router.add_get("/", self.banner)
        for route in ROUTES:
            app.router.add_route(route.method, route.path, partial(self.serve, route))
        controls.add(app, self.simulator, authenticate)
        sheet.add(app, self.simulator)
        onboarding.add(app, self.simulator)
        return app

    async def banner(self, request: web.Request) -> web.Response:
        """Say what this is."""
        return web.json_response(BANNER)

    @web.middleware
    async def around(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Turn every failure into an answer of the API, and mark every answer as simulated."""
        request["id"] = request_id = "req_" + secrets.token_hex(7)
        try:
            response = await handler(request)
        except Refused as refused:
            response = _response(error_answer(refused, request_id))
        except Dropped:
            if request.transport is not None:
                request.transport.abort()
            response = web.Response()
        except web.HTTPSeeOther as elsewhere:
            response = web.Response(status=elsewhere.status, headers={"Location": str(elsewhere.location)})
        except web.HTTPException as error:
            what = f"Unrecognized request URL ({request.method}: {request.path[:200]})."
            if error.status == 413:
                what = "The request body is too large."
            response = _response(error_answer(Refused(what, status=error.status), request_id))
        except Exception:
            log.exception("%s %s", request.method, request.path)
            response = _response(error_answer(internal(), request_id))
        response.headers.update(SIMULATED)
        response.headers["Request-Id"] = request_id
        response.headers["Stripe-Version"] = API_VERSION
        log.debug("%s %s %s", request.method, request.path, response.status)
        return response

    async def serve(self, route: Route, request: web.Request) -> web.StreamResponse:
        """Answer one call of the API. Raises: Refused, Dropped."""
        authenticate(request)
        check_headers(request)
        self.simulator.faults.rate.check()
        fault = self.simulator.faults.strike(request.method, request.path)
        await self._before(fault)
        form = await read_form(request)
        key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
        if key is None:
            answer = await self._run(route, request, form, None, "", fault)
            return _response(answer)
        print_ = idempotency.fingerprint(request.method, request.path, form)
        saved = self.simulator.keys.begin(key, print_)
        if saved is not None:
            again = {
                "Idempotent-Replayed": "true",
                "Original-Request": saved["request"],
                "Idempotency-Key": key,
            }
            return _response((saved["status"], saved["body"].encode()), again)
        try:
            answer = await self._run(route, request, form, key, print_, fault)
        finally:
            self.simulator.keys.release(key)
        return _response(answer, {"Idempotency-Key": key})

    def _account(self, route: Route, request: web.Request) -> str | None:
        """Return the connected account that is spoken for. Raises: Refused when it is none of ours."""
        ident = request.headers.get("Stripe-Account")
        if ident is None:
            return None
        if accounts.find(self.simulator.store, ident) is None:
            raise accounts.no_access(ident)
        if not route.connected:
            raise Refused(
                "The simulator does not do this call for connected accounts.", param="Stripe-Account"
            )
        return ident

    async def _before(self, fault: Fault | None) -> None:
        """Raises: Refused, Dropped for faults that strike before the request is looked at."""
        match fault.kind if fault else None:
            case "rate_limit":
                raise too_many()
            case "balance_insufficient":
                raise insufficient()
            case "error_500":
                raise internal()
            case "drop_before":
                raise Dropped

    async def _run(
        self,
        route: Route,
        request: web.Request,
        form: dict[str, Any],
        key: str | None,
        print_: str,
        fault: Fault | None,
    ) -> Answer:
        params = shapes.check(route.takes, form)
        for name in params:
            if name not in route.acts_on:
                raise not_simulated(name)
        for wanted in params.get("expand", []):
            route.check_expansion(wanted)
        account = self._account(route, request)
        kind = fault.kind if fault else None
        wait = self.simulator.faults.latency_ms + (
            fault.milliseconds if fault and kind == "slow_before" else 0
        )
        if wait:
            await asyncio.sleep(wait / 1000)
        if kind == "error_500_saved":
            return self.simulator.keep_500(key, print_, request["id"])
        answer = self.simulator.execute(
            route.handler,
            params=params,
            path=dict(request.match_info),
            request_id=request["id"],
            key=key,
            print_=print_,
            account=account,
            answer_500=kind == "error_500_after",
        )
        if kind == "drop_after":
            raise Dropped
        if fault and kind == "slow_after":
            await asyncio.sleep(fault.milliseconds / 1000)
        return answer


def _response(answer: Answer, headers: dict[str, str] | None = None) -> web.Response:
    status, body = answer
    return web.Response(status=status, body=body, content_type="application/json", headers=headers)
