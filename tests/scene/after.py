"""After the offer: the merchant ships, the host sees what she earned, and all books agree."""

from __future__ import annotations

import asyncio
from typing import Any

from config.demo import doors
from tests.scene import before
from tests.scene.books import Books
from tests.scene.crowd import DEADLINE, Buyer
from tests.scene.people import COMMISSION_BP
from tests.scene.report import Report

TRACKING = "SP0001"


async def ship(merchant: doors.Door, winners: list[Buyer], *, stock: int, price: int, report: Report) -> None:
    """The merchant finds its orders and ships one, and its buyer is told."""
    orders = await asyncio.to_thread(before.all_of, merchant, "orders")
    report.equal(len(orders), stock, f"the merchant has exactly {stock} orders")
    bought = {part["id"]: each for each in winners if each.purchase for part in each.purchase["orders"]}
    report.equal({order["id"] for order in orders}, set(bought), "they are the orders of those who paid")
    report.equal(
        {(order["status"], order["total"]["amount"]) for order in orders},
        {("open", price)},
        "each is to be shipped, at the live price",
    )
    order = orders[-1]["id"]
    parcel = {"carrier": "Scene Parcel", "tracking_number": TRACKING, "tracking_url": ""}
    await asyncio.to_thread(merchant.ask, "POST", f"orders/{order}/ship", json=parcel)
    buyer = bought[order]
    told = await buyer.room.wait(
        "order.updated", lambda d: any(part["shipments"] for part in d["orders"]), deadline=DEADLINE
    )
    numbers = [parcel["tracking_number"] for part in told["d"]["orders"] for parcel in part["shipments"]]
    report.equal(numbers, [TRACKING], f"it ships one, and {buyer.name} is shown the tracking number")


def commission(show: before.Show, *, stock: int, price: int, report: Report) -> None:
    """The host sees what was sold and what is hers of it."""
    sales = show.studio.ask("GET", f"{show.desk}/sales")
    each = price * COMMISSION_BP // 10_000
    report.equal(
        [sales["units"], *(money["amount"] for money in (*sales["revenue"], *sales["commission"]))],
        [stock, stock * price, stock * each],
        f"the host sees {stock} sold for {_eur(stock * price)}, and her commission of {_eur(stock * each)}",
    )


def balance(books: Books, *, stock: int, price: int, report: Report) -> None:
    """The provider's books and ours agree, nothing is left to be told, and the auditor finds nothing."""
    provider = books.provider()
    total = stock * price
    report.check(provider["consistent"], "the provider's books agree with themselves")
    eur: Any = provider["totals"].get("eur", {})
    report.equal(
        (eur.get("charged"), eur.get("refunded"), eur.get("charges")),
        (total, 0, stock),
        f"the provider has charged {_eur(total)} in {stock} charges",
    )
    report.equal(books.charged_here(), books.charged_there(provider), "charge by charge, so have we")
    fees = _eur(eur.get("fees", 0))
    report.equal(
        books.wait_for_agreement(within=30),
        (0, 0),
        f"reconciled, both ledgers agree to the cent, less {fees} of fees",
    )
    report.equal(books.wait_for_outbox(within=30), 0, "everything that happened has been told")
    lines, status = books.audit()
    report.quote(lines)
    report.equal(status, 0, "the auditor finds nothing")


def _eur(cents: int) -> str:
    return f"{cents / 100:.2f} EUR"
