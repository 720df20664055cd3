"""What the trade does when something has happened. Called by the relay, perhaps twice; networks other than
Redis are left to tasks, so that one slow provider does not hold up what rooms are told."""

from typing import Any
from uuid import UUID

from commerce import clock
from commerce.tasks import send_webhooks
from orders import notifications, tasks, telling
from orders.waitlist import queue


def start_settling(payload: dict[str, Any], *, key: str) -> None:
    """Have accepted purchases charged: one message for all that were accepted together."""
    tasks.settle.delay(purchases=payload["purchases"])


def tell_buyers(payload: dict[str, Any], *, key: str) -> None:
    """Tell the buyers of accepted purchases, on all their devices."""
    notifications.tell_buyers(purchase_ids=[UUID(each) for each in payload["purchases"]])


def tell_buyer(payload: dict[str, Any], *, key: str) -> None:
    """Tell buyers how their purchases stand, and have those asked whose bank wants to see them."""
    moved = payload.get("purchases") or [payload]
    notifications.tell_buyers(purchase_ids=[UUID(each["purchase"]) for each in moved])
    for each in moved:
        if each.get("status") == "action_required":
            tasks.ask_buyer.delay(purchase_id=each["purchase"])


def ask_again(payload: dict[str, Any], *, key: str) -> None:
    """Have the buyer asked again for what her bank wants."""
    tasks.ask_buyer.delay(purchase_id=payload["purchase"])


def tell_cart(payload: dict[str, Any], *, key: str) -> None:
    """Tell a buyer's devices her cart, out of which she has bought."""
    stream = payload.get("stream")
    notifications.tell_cart(buyer_id=UUID(payload["buyer"]), stream_id=UUID(stream) if stream else None)


def tell_carts(payload: dict[str, Any], *, key: str) -> None:
    """Have many shoppers told that what their carts held is back: too many to tell before anything else."""
    tasks.tell_carts.delay(buyers=payload["buyers"])


def start_capture(payload: dict[str, Any], *, key: str) -> None:
    """Have a pre-order's money taken, whose parcel is ready."""
    tasks.capture.delay(purchase_id=payload["purchase"])


def let_go(payload: dict[str, Any], *, key: str) -> None:
    """Have ended at the provider what nobody wants any more."""
    tasks.let_go.delay(payment_id=payload["payment"])


def read_notice(payload: dict[str, Any], *, key: str) -> None:
    """Have a provider's notice read."""
    tasks.read_notice.delay(notice_id=payload["notice"])


def start_refund(payload: dict[str, Any], *, key: str) -> None:
    """Have a refund carried out."""
    tasks.refund.delay(refund_id=payload["refund"])


def start_payout(payload: dict[str, Any], *, key: str) -> None:
    """Have a payout's legs sent."""
    tasks.send_payout.delay(payout_id=payload["payout"])


def start_reversal(payload: dict[str, Any], *, key: str) -> None:
    """Have money taken back from a payee."""
    tasks.send_reversal.delay(reversal_id=payload["reversal"])


def serve_line(payload: dict[str, Any], *, key: str) -> None:
    """Give units that came on sale, as those a merchant has added, to those who wait for them."""
    queue.serve(
        variant_ids=[UUID(each) for each in payload.get("variants", ())],
        offer_ids=[UUID(each) for each in payload.get("offers", ())],
        now=clock.database_now(),
    )


def tell_merchants(payload: dict[str, Any], *, key: str) -> None:
    """Have merchants' systems told what happened to their orders, when their purchases have moved."""
    moved = payload.get("purchases") or [payload]
    ids = [UUID(each["purchase"]) for each in moved]
    if telling.tell_orders(purchase_ids=ids, now=clock.database_now()):
        send_webhooks.delay()


def tell_refund(payload: dict[str, Any], *, key: str) -> None:
    """Have a merchant's systems told of a refund."""
    if telling.tell_refund(refund_id=UUID(payload["refund"]), now=clock.database_now()):
        send_webhooks.delay()


def tell_dispute(payload: dict[str, Any], *, key: str) -> None:
    """Have merchants' systems told of a dispute."""
    stood, now = payload["stood"], clock.database_now()
    if telling.tell_dispute(dispute_id=UUID(payload["dispute"]), stood=stood, now=now):
        send_webhooks.delay()
