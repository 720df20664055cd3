"""The pages a shopper sees where Stripe would show its own: choosing a card, and the bank's 3D Secure
question.

They stand in an iframe, a pop-up or a window of their own, and tell the page around them how it went with
`postMessage({source: "yellowcart-simulator", status, intent})`.
"""

import hmac
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from aiohttp import web

from commerce.stripe_simulator import cards, payment_intents, setup_intents
from commerce.stripe_simulator.calls import Call
from commerce.stripe_simulator.refusals import Refused, Row
from commerce.stripe_simulator.simulator import Simulator

PAGES = Path(__file__).parent / "pages"
_LOCAL = "http://localhost:* http://127.0.0.1:* https://localhost:* https://127.0.0.1:*"
HEADERS = {
    "Content-Security-Policy": f"default-src 'self'; base-uri 'none'; frame-ancestors {_LOCAL}",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_MINOR_DIGITS = {"jpy": 0, "krw": 0, "vnd": 0, "clp": 0, "kwd": 3, "bhd": 3, "jod": 3, "omr": 3, "tnd": 3}


def add(app: web.Application, simulator: Simulator) -> None:
    """Hang the pages on the application."""
    sheet = _Sheet(simulator)
    app.router.add_get("/sheet/setup", sheet.setup_page)
    app.router.add_post("/sheet/setup", sheet.setup)
    app.router.add_get("/sheet/3ds", sheet.authentication_page)
    app.router.add_post("/sheet/3ds", sheet.authenticate)
    app.router.add_get("/sheet/{file:sheet\\.(?:css|js)}", _asset)


async def _asset(request: web.Request) -> web.StreamResponse:
    kind = "text/css" if request.path.endswith("css") else "text/javascript"
    text = (PAGES / request.match_info["file"]).read_text()
    return web.Response(text=text, content_type=kind, headers={"Cache-Control": "no-cache"})


class _Sheet:
    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator

    def find(self, secret: str) -> Row:
        """Return the intent a client secret opens. Raises: Refused (404)."""
        row = self.simulator.store.find(secret.partition("_secret_")[0])
        known = str(row.get("client_secret")) if row is not None else ""
        if row is None or not hmac.compare_digest(known.encode(), secret.encode()):
            raise Refused("This link opens nothing: the client secret is not known.", status=404)
        return row

    async def setup_page(self, request: web.Request) -> web.StreamResponse:
        """Show the test cards to choose from."""
        secret = request.query.get("client_secret", "")
        try:
            row = self.find(secret)
        except Refused as refused:
            return message(str(refused), 404)
        if row["object"] != "setup_intent":
            return message("This page saves a card; the link is for something else.", 400)
        if row["status"] == "requires_action":
            raise web.HTTPSeeOther(f"/sheet/3ds?client_secret={secret}")
        choices = "".join(_choice(ident) for ident in cards.OFFERED)
        return _page("setup.html", row, choices=choices)

    async def setup(self, request: web.Request) -> web.StreamResponse:
        """Save the chosen test card: `card` and `client_secret` in, `status` and perhaps `next` out."""
        form = await request.post()
        row = self.find(str(form.get("client_secret", "")))
        params = {"payment_method": str(form.get("card", ""))}
        if row["object"] != "setup_intent" or params["payment_method"] not in cards.CARDS:
            raise Refused("Choose one of the test cards.", param="card")
        status, _ = self.simulator.execute(
            setup_intents.confirm, params=params | {"return_url": "sheet:"}, path={"id": row["id"]}
        )
        return self._outcome(status, row)

    async def authentication_page(self, request: web.Request) -> web.StreamResponse:
        """Show the bank's question."""
        try:
            row = self.find(request.query.get("client_secret", ""))
        except Refused as refused:
            return message(str(refused), 404)
        what = "save this card" if row["object"] == "setup_intent" else f"pay {_money(row)}"
        return _page("authenticate.html", row, what=escape(what))

    async def authenticate(self, request: web.Request) -> web.StreamResponse:
        """Answer the bank's question: `outcome` complete or fail."""
        form = await request.post()
        row = self.find(str(form.get("client_secret", "")))
        outcome = form.get("outcome")
        if outcome not in ("complete", "fail"):
            raise Refused("outcome must be complete or fail", param="outcome")
        if row["status"] != "requires_action":
            return self._outcome(200, row)
        module: Any = setup_intents if row["object"] == "setup_intent" else payment_intents

        def handler(call: Call) -> Row:
            done: Row = module.authenticate(call, row, outcome == "complete")
            return done

        status, _ = self.simulator.execute(handler, params={})
        return self._outcome(status, row)

    def _outcome(self, status: int, row: Row) -> web.Response:
        error = row.get("last_payment_error") or row.get("last_setup_error")
        said: Row = {"status": _status(row), "intent": row["id"]}
        if said["status"] == "failed" and error:
            said["message"] = error["message"]
        if status >= 400 and not error:
            said["message"] = "This cannot be done any more."
        if row["status"] == "requires_action":
            said["next"] = f"/sheet/3ds?client_secret={row['client_secret']}"
        return web.json_response(said, headers=HEADERS)


def _status(row: Row) -> str:
    """Return succeeded, failed, canceled, requires_action or open: what the page around the sheet needs to
    know.
    """
    if row["status"] in ("succeeded", "requires_capture"):
        return "succeeded"
    if row["status"] in ("canceled", "requires_action"):
        return str(row["status"])
    return "failed" if row.get("last_payment_error") or row.get("last_setup_error") else "open"


def _choice(ident: str) -> str:
    card = cards.CARDS[ident]
    return (
        f'<label class="card"><input type="radio" name="card" value="{ident}">'
        f'<span class="brand {card.brand}">{card.brand}</span>'
        f'<span class="number">•••• {card.last4}</span>'
        f'<span class="title">{escape(card.title)}</span></label>'
    )


def _money(row: Row) -> str:
    digits = _MINOR_DIGITS.get(row["currency"], 2)
    return f"{row['amount'] / 10**digits:,.{digits}f} {row['currency'].upper()}"


def _page(name: str, row: Row, **parts: str) -> web.Response:
    back = ((row["next_action"] or {}).get("redirect_to_url") or {}).get("return_url") or ""
    text = Template((PAGES / name).read_text()).substitute(
        secret=escape(row["client_secret"]),
        intent=escape(row["id"]),
        kind=row["object"],
        status=_status(row),
        back=escape(back if back.startswith(("http://", "https://")) else ""),
        **parts,
    )
    return web.Response(text=text, content_type="text/html", headers=HEADERS)


def message(text: str, status: int) -> web.Response:
    """Return a page that only says something."""
    page = Template((PAGES / "message.html").read_text()).substitute(message=escape(text))
    return web.Response(text=page, status=status, content_type="text/html", headers=HEADERS)
