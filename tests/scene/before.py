"""Before the offer: a merchant's feed, a host's plan, and a newcomer who signs up, each at the front door."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from config.demo import doors
from tests.scene.browser import Browser
from tests.scene.report import Report

Body = dict[str, Any]

FEED = """Handle,Title,Published,Option1 Name,Option1 Value,Variant SKU,Variant Price,Variant Inventory Qty
velvet-lipstick,Velvet Lipstick,true,Shade,Signal Red,VL-RED,14.90,{stock}
velvet-lipstick,,,,Rosewood,VL-ROSE,14.90,40
lip-balm,Lip Balm,true,Scent,Peach,LB-PEACH,7.90,100
hand-cream,Hand Cream,true,Scent,Lemon,HC-LEMON,6.50,100
"""


@dataclass
class Show:
    """What the host has set up."""

    studio: Browser
    id: str
    slug: str
    item: str
    variant: str

    @property
    def desk(self) -> str:
        """The path of its buttons in the studio."""
        return f"studio/shows/{self.id}"


def send_feed(merchant: doors.Door, stock: int, report: Report) -> None:
    """The merchant's goods come in."""
    body = FEED.format(stock=stock).encode()
    job = doors.send_feed(merchant, name="atelier-sol.csv", body=body)
    found = (job["status"], job["products_created"], job["variants_created"], job["problems"])
    report.equal(found, ("done", 3, 4, 0), "its feed was read: 3 products, 4 variants, no problem")
    available = {each["sku"]: each["available"] for each in all_of(merchant, "catalog/variants")}
    report.equal(available["VL-RED"], stock, f"{stock} pieces of the lipstick are in stock")


def plan_show(base: str, email: str, password: str, report: Report) -> Show:
    """The host signs in, plans her show, fills its showcase and goes live."""
    studio = Browser(base)
    me = studio.ask("POST", "account/sign-in", {"email": email, "password": password})
    report.check(me["is_host"], f"{me['name']} signs in")
    starts = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M")
    after = studio.fill_in("/studio/shows/plan/", {"title": "Evening glow", "starts_at": starts})
    stream_id = next(part for part in after.split("/") if part.count("-") == 4)
    desk = f"studio/shows/{stream_id}"
    items: list[Body] = []
    for text in ("Velvet", "Balm", "Cream"):
        product = studio.ask("GET", f"{desk}/products?q={text}")["products"][0]
        items = studio.ask("POST", f"{desk}/showcase", {"product": product["id"]})["items"]
    report.equal(
        [item["product"]["title"] for item in items],
        ["Velvet Lipstick", "Lip Balm", "Hand Cream"],
        "she plans a show with three products in its showcase",
    )
    report.equal(studio.ask("POST", f"{desk}/go-live")["status"], "live", "she goes live")
    variant = next(each for each in items[0]["variants"] if each["title"] == "Signal Red")
    slug = next(show["slug"] for show in studio.ask("GET", "live/")["live"])
    return Show(studio, stream_id, slug, items[0]["id"], variant["id"])


def sign_up(base: str, report: Report) -> Browser:
    """A newcomer makes an account, gives an address and saves a card; her browser gets tickets."""
    browser = Browser(base)
    account = {"email": "newcomer@scene.example", "name": "Newcomer", "password": "a-long-enough-one"}
    browser.ask("POST", "account/sign-up", account)
    home = {"name": "New Comer", "line1": "2 Mill Lane", "city": "York", "postal_code": "YO1 7HH"}
    browser.ask("POST", "account/addresses", {**home, "country": "GB"})
    browser.save_card("pm_card_mastercard")
    report.step("a newcomer signs up, gives an address and saves a card in the provider's form")
    return browser


def all_of(merchant: doors.Door, path: str) -> list[Body]:
    """All rows of a paged list of the merchant API."""
    rows: list[Body] = []
    params = {"page_size": "200"}
    while True:
        page = merchant.ask("GET", path, params=params)
        rows += page["results"]
        if not page["next"]:
            return rows
        params = {name: values[0] for name, values in parse_qs(urlsplit(page["next"]).query).items()}
