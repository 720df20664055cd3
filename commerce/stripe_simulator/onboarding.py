"""The page where the owner of a connected account says who she is, or does not say everything."""

import secrets
from html import escape
from string import Template
from typing import Any

from aiohttp import web

from commerce.stripe_simulator import accounts, sheet
from commerce.stripe_simulator.calls import Call
from commerce.stripe_simulator.refusals import Refused, Row
from commerce.stripe_simulator.simulator import Simulator

OUTCOMES = ("enabled", "pending", "restricted", "left")


def add(app: web.Application, simulator: Simulator) -> None:
    """Hang the page on the application."""

    async def show(request: web.Request) -> web.StreamResponse:
        try:
            row = accounts.link(simulator.store, request.query.get("link", ""))
        except Refused as refused:
            return sheet.message(str(refused), 404)
        if row.get("_session") or row["expires_at"] <= simulator.clock.now():
            # As at Stripe: a link is good for one visit, then the platform has to make another.
            raise web.HTTPSeeOther(row["_refresh"])
        session = secrets.token_urlsafe(24)
        simulator.execute(lambda call: _visited(call, row, session), params={})
        text = Template((sheet.PAGES / "onboarding.html").read_text()).substitute(
            link=escape(row["id"].removeprefix("alink_")), session=session, account=escape(row["_for"])
        )
        return web.Response(text=text, content_type="text/html", headers=sheet.HEADERS)

    async def answer(request: web.Request) -> web.StreamResponse:
        form = await request.post()
        row = accounts.link(simulator.store, str(form.get("link", "")))
        outcome = str(form.get("outcome"))
        if not row.get("_session") or form.get("session") != row["_session"]:
            raise Refused("This page is no longer good: open a new link.", status=404)
        if outcome not in OUTCOMES:
            raise Refused(f"outcome must be one of {', '.join(OUTCOMES)}", param="outcome")
        if outcome != "left":
            simulator.execute(lambda call: change(call, row["_for"], outcome), params={})
        raise web.HTTPSeeOther(row["_return"])

    app.router.add_get("/sheet/onboarding", show)
    app.router.add_post("/sheet/onboarding", answer)


def change(call: Call, ident: str, state: Any) -> Row:
    """Put a connected account into another state. Raises: Refused for one that is not connected."""
    if state not in accounts.STATES:
        raise Refused(f"state must be one of {', '.join(accounts.STATES)}", param="state")
    return accounts.become(call, accounts.get(call, ident), state)


def _visited(call: Call, row: Row, session: str) -> Row:
    row["_session"] = session
    return call.store.save(row)
