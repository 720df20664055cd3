"""Packing slips: what of which order is in a parcel, what was sent apart and what follows, without prices.

Latin, Greek, Cyrillic and many other letters come from a font that lies beside this file; Chinese, Japanese
and Korean ones are named as every reader of PDF knows them, and not embedded. https://docs.reportlab.com/
"""

import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any
from uuid import UUID
from xml.sax.saxutils import escape

from reportlab.graphics.barcode.qr import QrCodeWidget
from reportlab.graphics.shapes import Drawing
from reportlab.lib import colors
from reportlab.lib.enums import TA_LEFT, TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Flowable, KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from orders import fulfilment, queries
from orders.models import Order, OrderLine, Shipment, parcels_of

OWN = "DejaVuSans"
CHINESE, JAPANESE, KOREAN = "STSong-Light", "HeiseiMin-W3", "HYSMyeongJo-Medium"
WIDTHS = (34 * mm, 71 * mm, 16 * mm, 18 * mm, 16 * mm, 16 * mm)
HEADS = ("SKU", "Item", "Ordered", "In this parcel", "Sent apart", "To follow")
ADDRESS = ("name", "line1", "line2")
# Letters that the CID fonts have, by what they are mostly written in.
_KANA, _HANGUL = (
    re.compile("[\u3040-\u30ff\uff66-\uff9f]"),
    re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]"),
)
_WIDE = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
# One is written at a time: a process answers others meanwhile, and a hundred at once do not fill its memory.
_ONE = Lock()


@dataclass(frozen=True, slots=True)
class Packed:
    """A line of the slip; numbers are units."""

    sku: str
    title: str
    ordered: int
    inside: int
    apart: int
    follows: int


@dataclass(frozen=True, slots=True)
class Section:
    """What of one order is in the parcel."""

    order_id: UUID
    reference: str
    bought_at: datetime
    lines: Sequence[Packed]


@dataclass(frozen=True, slots=True)
class Slip:
    """What stands on a packing slip."""

    merchant: str
    code: str
    carrier: str
    ship_to: queries.Body | None
    sections: Sequence[Section]


def of_order(*, merchant_id: UUID, order_id: UUID) -> bytes:
    """Return the slip, as PDF, for what is to go out of an order; for all of it when all went out.

    Raises UnknownOrder, NotPaid for what is cancelled.
    """
    order = queries.order_of(merchant_id=merchant_id, order_id=order_id)
    if order.status == Order.Status.CANCELLED:
        raise fulfilment.NotPaid(status=order.status)
    waiting = any(line.to_ship for line in order.lines.all())
    inside = {line.id: line.to_ship if waiting else line.shipped_quantity for line in order.lines.all()}
    return draw(
        Slip(
            merchant=order.merchant.name,
            code=str(order.id),
            carrier="",
            ship_to=queries.contact_of(order),
            sections=[_section(order, inside, follows=not waiting)],
        )
    )


def of_shipment(*, merchant_id: UUID, shipment_id: UUID) -> bytes:
    """Return the slip of a parcel, as PDF, with all of its orders; raises UnknownShipment."""
    shipment: Shipment = queries.shipment_of(merchant_id=merchant_id, shipment_id=shipment_id)
    wanted = {line.order_id for line in shipment.lines.all()}
    orders = list(queries.orders_of(merchant_id=merchant_id).filter(pk__in=wanted).order_by("id"))
    sections = []
    for order in orders:
        for inside in (lines for parcel, lines in parcels_of(order) if parcel == shipment):
            sections.append(_section(order, {each.line_id: each.quantity for each in inside}, follows=True))
    if not sections:
        # Taken back while it was read: the money of a pre-order was not there.
        raise queries.UnknownShipment
    return draw(
        Slip(
            merchant=orders[0].merchant.name,
            code=str(orders[0].id if len(orders) == 1 else shipment.id),
            carrier=" ".join(part for part in (shipment.carrier, shipment.tracking_number) if part),
            ship_to=queries.contact_of(orders[0]),
            sections=sections,
        )
    )


def _section(order: Order, inside: dict[UUID, int], *, follows: bool) -> Section:
    def packed(line: OrderLine) -> Packed:
        here = inside.get(line.id, 0)
        return Packed(
            sku=line.sku,
            title=line.title,
            ordered=line.quantity - line.dropped_quantity,
            inside=here,
            apart=line.shipped_quantity - here if follows else line.shipped_quantity,
            follows=line.to_ship if follows else 0,
        )

    return Section(order.id, order.reference, order.created_at, [packed(line) for line in order.lines.all()])


def draw(slip: Slip) -> bytes:
    """Return a slip as PDF, on as many pages as it takes."""
    file = io.BytesIO()
    with _ONE:
        _fonts()
        page = SimpleDocTemplate(
            file,
            pagesize=A4,
            leftMargin=17 * mm,
            rightMargin=17 * mm,
            topMargin=16 * mm,
            bottomMargin=18 * mm,
            title=f"Packing slip {slip.code}",
            author=_clean(slip.merchant),
        )
        page.build(_story(slip), onFirstPage=_foot(slip), onLaterPages=_foot(slip))
    return file.getvalue()


def _story(slip: Slip) -> list[Flowable]:
    left: list[Flowable] = [_text(slip.merchant, 15), Spacer(1, 6 * mm)]
    left += [_text(each, 11) for each in _address(slip.ship_to)]
    right = [_text("Packing slip", 11), _qr(slip.code)]
    if slip.carrier:
        right.append(_text(slip.carrier, 8))
    head = Table([[left, right]], colWidths=(127 * mm, 44 * mm), hAlign="LEFT")
    head.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0)]))
    story: list[Flowable] = [head]
    for section in slip.sections:
        words = f"Order {section.order_id}"
        if section.reference:
            words += f" · {section.reference}"
        title = [_text(words, 10), _text(f"Bought on {section.bought_at:%Y-%m-%d}", 8), Spacer(1, 2 * mm)]
        story += [Spacer(1, 7 * mm), KeepTogether(title), _table(section.lines)]
    return story


def _table(lines: Iterable[Packed]) -> Table:
    rows: list[list[Any]] = [[_text(head, 8, right=at > 1) for at, head in enumerate(HEADS)]]
    for line in lines:
        numbers = [str(each) if each else "–" for each in (line.inside, line.apart, line.follows)]
        rows.append([_text(line.sku, 8), _text(line.title, 9), str(line.ordered), *numbers])
    table = Table(rows, colWidths=WIDTHS, repeatRows=1, hAlign="LEFT")
    table.setStyle(
        TableStyle(
            [
                ("FONT", (2, 1), (-1, -1), OWN, 9),
                ("ALIGN", (2, 0), (-1, -1), "RIGHT"),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LINEBELOW", (0, 0), (-1, 0), 0.8, colors.black),
                ("LINEBELOW", (0, 1), (-1, -1), 0.25, colors.lightgrey),
                ("LEFTPADDING", (0, 0), (0, -1), 0),
            ]
        )
    )
    return table


def _address(ship_to: queries.Body | None) -> list[str]:
    if ship_to is None:
        return ["The address is erased."]
    town = " ".join(str(ship_to[part]) for part in ("postal_code", "city") if ship_to.get(part))
    lines = [str(ship_to.get(part) or "") for part in ADDRESS]
    return [line for line in [*lines, town, str(ship_to.get("country") or "")] if line]


def _qr(code: str) -> Drawing:
    widget = QrCodeWidget(code, barLevel="M")
    x1, y1, x2, y2 = widget.getBounds()
    size = 28 * mm
    drawing = Drawing(size, size, transform=[size / (x2 - x1), 0, 0, size / (y2 - y1), 0, 0])
    drawing.add(widget)
    return drawing


def _foot(slip: Slip) -> Any:
    def write(canvas: Any, page: Any) -> None:
        canvas.setFont(OWN, 7)
        canvas.drawString(17 * mm, 10 * mm, slip.code)
        canvas.drawRightString(A4[0] - 17 * mm, 10 * mm, f"Page {page.page}")

    return write


def _text(text: str, size: int, *, right: bool = False) -> Paragraph:
    """Return a paragraph whose letters each come from a font that has them."""
    plain = _clean(text)
    wrap = "CJK" if _WIDE.search(plain) else None
    style = ParagraphStyle(
        "slip",
        fontName=OWN,
        fontSize=size,
        leading=size * 1.35,
        wordWrap=wrap,
        alignment=TA_RIGHT if right else TA_LEFT,
    )
    parts = [f'<font name="{font}">{escape(run)}</font>' for font, run in _runs(plain)]
    return Paragraph("".join(parts) or " ", style)


def _runs(text: str) -> list[tuple[str, str]]:
    """Split a text where the font changes; a letter that no font has becomes a question mark."""
    asian = KOREAN if _HANGUL.search(text) else JAPANESE if _KANA.search(text) else CHINESE
    known = _fonts()
    runs: list[tuple[str, str]] = []
    for letter in text:
        font = OWN
        if ord(letter) not in known:
            font, letter = (asian, letter) if _WIDE.match(letter) else (OWN, "?")
        if runs and runs[-1][0] == font:
            runs[-1] = (font, runs[-1][1] + letter)
        else:
            runs.append((font, letter))
    return runs


def _clean(text: str) -> str:
    return _CONTROLS.sub(" ", text)


@cache
def _fonts() -> frozenset[int]:
    """Make the fonts known, once in a process; returns the letters that our own has."""
    own = TTFont(OWN, str(Path(__file__).parent / "fonts" / "DejaVuSans.ttf"))
    pdfmetrics.registerFont(own)
    for name in (CHINESE, JAPANESE, KOREAN):
        pdfmetrics.registerFont(UnicodeCIDFont(name))
    return frozenset(own.face.charToGlyph)
