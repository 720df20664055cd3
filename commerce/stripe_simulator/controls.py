"""The simulator's private endpoints under `/_simulator/`: its books, its faults, its clock. Stripe has none
of these.
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

import orjson
from aiohttp import web

from commerce.stripe_simulator import balance, disputes, onboarding
from commerce.stripe_simulator import books as bookkeeping
from commerce.stripe_simulator.faults import Rate
from commerce.stripe_simulator.refusals import Refused
from commerce.stripe_simulator.simulator import Simulator
from commerce.stripe_simulator.webhooks import Habits

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def add(app: web.Application, simulator: Simulator, authenticate: Callable[[web.Request], None]) -> None:
    """Hang the private endpoints on the application; they take the same test keys as the API."""

    def guarded(handler: Handler) -> Handler:
        async def inner(request: web.Request) -> web.StreamResponse:
            authenticate(request)
            return await handler(request)

        return inner

    async def books(request: web.Request) -> web.StreamResponse:
        return _json(bookkeeping.books(simulator.store, detail="detail" in request.query))

    async def faults(request: web.Request) -> web.StreamResponse:
        if request.method == "POST":
            simulator.faults.add(await _body(request))
        elif request.method == "DELETE":
            simulator.faults.clear()
            simulator.sender.behave(Habits())
        return _json({"latency_ms": simulator.faults.latency_ms, "rules": simulator.faults.rows()})

    async def latency(request: web.Request) -> web.StreamResponse:
        simulator.faults.latency_ms = _whole(await _body(request), "milliseconds", most=60_000)
        return _json({"latency_ms": simulator.faults.latency_ms})

    async def clock(request: web.Request) -> web.StreamResponse:
        simulator.clock.advance(_whole(await _body(request), "advance_seconds", most=10 * 365 * 86_400))
        simulator.catch_up()
        return _json({"now": int(simulator.clock.now())})

    async def later(request: web.Request) -> web.StreamResponse:
        given = await _body(request)
        if "wait_ms" in given:
            simulator.patience = _whole(given, "wait_ms", most=86_400_000) / 1000
        if "hurry_seconds" in given:
            simulator.catch_up(_whole(given, "hurry_seconds", most=10 * 365 * 86_400))
        return _json({"wait_ms": int(simulator.patience * 1000)})

    async def accounts(request: web.Request) -> web.StreamResponse:
        given = await _body(request)
        ident, state = str(given.get("account")), given.get("state")
        status, body = simulator.execute(lambda call: onboarding.change(call, ident, state), params={})
        return web.Response(status=status, body=body, content_type="application/json")

    async def rate(request: web.Request) -> web.StreamResponse:
        if request.method == "POST":
            simulator.faults.rate = Rate(_whole(await _body(request), "per_second", most=100_000))
        known = simulator.faults.rate
        return _json({"per_second": known.per_second, "refused": known.refused})

    async def movements(request: web.Request) -> web.StreamResponse:
        given = await _body(request)
        status, body = simulator.execute(lambda call: balance.inject(call, given), params={})
        return web.Response(status=status, body=body, content_type="application/json")

    async def claims(request: web.Request) -> web.StreamResponse:
        given = await _body(request)
        status, body = simulator.execute(lambda call: disputes.inject(call, given), params={})
        return web.Response(status=status, body=body, content_type="application/json")

    async def webhooks(request: web.Request) -> web.StreamResponse:
        given = await _body(request)
        habits = asdict(simulator.sender.habits)
        for name, value in given.items():
            if name == "deliver" and isinstance(value, bool):
                habits[name] = value
            elif name == "lost" and isinstance(value, int | float) and 0 <= value <= 1:
                habits[name] = float(value)
            elif name in ("copies", "delay_ms", "shuffle_ms", "seed"):
                habits[name] = _whole(given, name, most=60_000)
            else:
                raise Refused(f"Invalid webhook setting: {name}", param=name)
        simulator.sender.behave(Habits(**habits))
        return _json(habits)

    app.router.add_get("/_simulator/books", guarded(books))
    for method in ("GET", "POST", "DELETE"):
        app.router.add_route(method, "/_simulator/faults", guarded(faults))
    app.router.add_post("/_simulator/latency", guarded(latency))
    app.router.add_post("/_simulator/clock", guarded(clock))
    for method in ("GET", "POST"):
        app.router.add_route(method, "/_simulator/rate", guarded(rate))
    app.router.add_post("/_simulator/movements", guarded(movements))
    app.router.add_post("/_simulator/disputes", guarded(claims))
    app.router.add_post("/_simulator/accounts", guarded(accounts))
    app.router.add_post("/_simulator/later", guarded(later))
    app.router.add_post("/_simulator/webhooks", guarded(webhooks))


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        given = orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        given = None
    if not isinstance(given, dict):
        raise Refused("Send a JSON object.")
    return given


def _whole(given: dict[str, Any], name: str, *, most: int) -> int:
    value = given.get(name)
    if type(value) is not int or not 0 <= value <= most:
        raise Refused(f"{name} must be an integer from 0 to {most}", param=name)
    return value


def _json(value: Any) -> web.Response:
    return web.Response(body=orjson.dumps(value), content_type="application/json")
