"""What speaks for the merchant in a dispute: what the buyer saw and said, what she was told, and the parcel.

Everything is read from what was kept when it happened. Of the chat only the buyer and the host are named.
"""

from datetime import datetime, timedelta
from typing import Any

import orjson

from commerce.money import Money
from orders.models import Dispute, Order, OrderLine, Purchase, PurchaseMove, parcels_of
from streams.models import ChatMessage, ShowEvent

Body = dict[str, Any]

AROUND = timedelta(minutes=2)  # Chat before and after she bought.
EVENTS = 20  # Events of the room that she had last seen.
CHAT_LINES = 100
MOST_TEXT = 20_000  # Characters per field; the provider takes 150,000 in all.


def bundle(dispute: Dispute) -> Body:
    """Return the evidence for a dispute, as plain values."""
    purchase = Purchase.objects.select_related("buyer", "stream__host", "card").get(
        pk=dispute.payment.purchase_id
    )
    orders = (
        Order.objects.filter(purchase=purchase)
        .select_related("merchant")
        .prefetch_related("parcel_lines__shipment")
    )
    return {
        "dispute": {
            "id": dispute.provider_id,
            "charge": dispute.payment.charge_id,
            "reason": dispute.reason,
            "amount": Money(dispute.amount, dispute.currency).as_dict(),
            "due_at": _moment(dispute.due_at),
        },
        "purchase": {
            "id": str(purchase.id),
            "accepted_at": _moment(purchase.created_at),
            "total": Money(purchase.amount, purchase.currency).as_dict(),
            "card": f"{purchase.card.brand} {purchase.card.last4}",
            "buyer": {"name": purchase.buyer.name, "email": purchase.buyer.email},
            "ship_to": purchase.ship_to,
            "history": [
                {"at": _moment(move.at), "status": move.new, "reason": move.reason}
                for move in PurchaseMove.objects.filter(purchase=purchase).order_by("id")
            ],
        },
        "orders": [_order(order) for order in orders.order_by("id")],
        "show": _show(purchase),
        "seen": _seen(purchase),
        "chat": _chat(purchase),
    }


def for_provider(found: Body) -> dict[str, str]:
    """Return the evidence in the provider's fields (https://docs.stripe.com/api/disputes/evidence_object)."""
    parcels = [parcel for order in found["orders"] for parcel in order["parcels"]]
    buyer = found["purchase"]["buyer"]
    fields = {
        "customer_name": buyer["name"],
        "customer_email_address": buyer["email"],
        "shipping_address": address(found["purchase"]["ship_to"]),
        "shipping_carrier": ", ".join(parcel["carrier"] for parcel in parcels),
        "shipping_tracking_number": ", ".join(
            parcel["tracking_number"] for parcel in parcels if parcel["tracking_number"]
        ),
        "shipping_date": parcels[0]["shipped_at"][:10] if parcels else "",
        "product_description": "; ".join(
            f"{line['quantity']} x {line['title']}" for order in found["orders"] for line in order["lines"]
        ),
        "uncategorized_text": text(found),
    }
    return {name: value[:MOST_TEXT] for name, value in fields.items() if value}


def text(found: Body) -> str:
    """Return the evidence in words, as a bank reads it."""
    purchase, show, dispute = found["purchase"], found["show"], found["dispute"]
    lines = [
        f"Dispute {dispute['id']}: {_money(dispute['amount'])}, {dispute['reason']}",
        "",
        f"Purchase {purchase['id']}, accepted {purchase['accepted_at']},"
        f" {_money(purchase['total'])}, paid by {purchase['card']}.",
        f"Buyer: {purchase['buyer']['name']} <{purchase['buyer']['email']}>",
        f"Sent to: {address(purchase['ship_to'])}",
    ]
    if show:
        lines.append(f"Bought in the live show {show['title']!r} of {show['host']}.")
    lines += ["", "What the buyer saw and pressed:"]
    for order in found["orders"]:
        for line in order["lines"]:
            was = f", struck through {_money(line['reference'])}" if line["reference"] else ""
            moment = f", {line['stream_ms'] // 1000} s into the show" if line["stream_ms"] is not None else ""
            lines.append(
                f"- {line['quantity']} x {line['title']} at {_money(line['unit_price'])} each"
                f" (list price {_money(line['list_price'])}{was}{moment})"
            )
        for parcel in order["parcels"]:
            lines.append(
                f"  {order['merchant']} sent it with {parcel['carrier']} {parcel['tracking_number']}"
                f" on {parcel['shipped_at']}"
                + (f", delivered on {parcel['delivered_at']}" if parcel["delivered_at"] else "")
            )
    lines += ["", "What she was told:"]
    lines += [f"- {move['at']} {move['status']} {move['reason']}".rstrip() for move in purchase["history"]]
    if found["seen"]:
        lines += ["", "The last events of the show on her screen:"]
        lines += [f"- {event['at']} {event['type']}" for event in found["seen"]]
    if found["chat"]:
        lines += ["", "Chat of the show around the moment she bought:"]
        lines += [f"- {line['at']} {line['who']}: {line['text']}" for line in found["chat"]]
    return "\n".join(lines) + "\n"


def as_json(found: Body) -> bytes:
    """Return all of the evidence, indented."""
    return orjson.dumps(found, option=orjson.OPT_INDENT_2)


def address(ship_to: Body) -> str:
    """Return an address on one line."""
    parts = ("name", "line1", "line2", "postal_code", "city", "country")
    return ", ".join(str(ship_to[part]) for part in parts if ship_to.get(part))


def _order(order: Order) -> Body:
    return {
        "id": str(order.id),
        "merchant": order.merchant.name,
        "status": order.status,
        "lines": [_line(line) for line in OrderLine.objects.filter(order=order).order_by("id")],
        "parcels": [
            {
                "carrier": parcel.carrier,
                "tracking_number": parcel.tracking_number,
                "tracking_url": parcel.tracking_url,
                "shipped_at": _moment(parcel.shipped_at),
                "delivered_at": _moment(parcel.delivered_at),
                "units": sum(each.quantity for each in lines),
            }
            for parcel, lines in parcels_of(order)
        ],
    }


def _line(line: OrderLine) -> Body:
    currency = line.currency
    return {
        "title": line.title,
        "sku": line.sku,
        "quantity": line.quantity,
        "unit_price": Money(line.unit_amount, currency).as_dict(),
        "list_price": Money(line.list_amount, currency).as_dict(),
        "reference": Money(line.reference_amount, currency).as_dict() if line.reference_amount else None,
        "discount": Money(line.discount_amount, currency).as_dict(),
        "refunded": Money(line.refunded_amount, currency).as_dict(),
        "offer": str(line.offer_id) if line.offer_id else None,
        "pin": str(line.pin_id) if line.pin_id else None,
        "stream_ms": line.stream_ms,
        "frame": f"{line.frame_epoch}:{line.frame_offset}" if line.frame_epoch else None,
    }


def _show(purchase: Purchase) -> Body | None:
    stream = purchase.stream
    if stream is None:
        return None
    return {"title": stream.title, "host": stream.host.name, "slug": stream.slug}


def _seen(purchase: Purchase) -> list[Body]:
    """The events of the room that her client had last, before she pressed."""
    line = OrderLine.objects.filter(order__purchase=purchase).exclude(frame_epoch="").order_by("id").first()
    if line is None or line.frame_offset is None or purchase.stream_id is None:
        return []
    rows = ShowEvent.objects.filter(
        stream=purchase.stream_id,
        epoch=line.frame_epoch,
        offset__lte=line.frame_offset,
        offset__gt=line.frame_offset - EVENTS,
    )
    return [
        {"at": _moment(row.at), "offset": row.offset, "type": str(row.frame.get("t", "")), "frame": row.frame}
        for row in rows.order_by("offset")
    ]


def _chat(purchase: Purchase) -> list[Body]:
    if purchase.stream is None:
        return []
    host_id = purchase.stream.host.user_id
    rows = ChatMessage.objects.filter(
        stream=purchase.stream_id,
        status=ChatMessage.Status.SHOWN,
        at__gte=purchase.created_at - AROUND,
        at__lte=purchase.created_at + AROUND,
    ).order_by("id")[:CHAT_LINES]
    names = {purchase.buyer_id: f"{purchase.buyer.name} (the buyer)", host_id: "the host"}
    return [
        {"at": _moment(row.at), "who": names.get(row.author_id, "a viewer"), "text": row.text} for row in rows
    ]


def _moment(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S UTC") if at else ""


def _money(amount: Body) -> str:
    return str(Money(amount["amount"], amount["currency"]))
