"""People of the merchant admin, and one of everything that its screens have addresses for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from django.test import Client
from django.utils import timezone

from catalog.feeds import sources
from catalog.models import Export, Import, Product, ProductImage
from catalog.pricing import prices, schedules
from catalog.shelf import locations
from commerce import gateway, members
from commerce.merchantkeys import By
from commerce.models import Merchant, MerchantMember, User
from commerce.money import Money
from commerce.webhooks import endpoints
from orders import fulfilment
from orders.aftersales import disputes, refunding, returning
from orders.models import Return
from orders.settling import payments
from tests import apikeys
from tests.catalog import make
from tests.orders import make as trade

NOW = datetime(2030, 5, 1, tzinfo=UTC)


def member_of(merchant: Merchant, role: str = "owner") -> User:
    """Return a new member; a merchant gets an owner first."""
    if role != "owner" and not MerchantMember.objects.filter(merchant=merchant, role="owner").exists():
        member_of(merchant)
    user = User.objects.create_user(f"{role}-{uuid4().hex[:8]}@example.com", "x", name=role.capitalize())
    members.add(merchant_id=merchant.pk, user_id=user.pk, role=role, by=By())
    return user


def client_of(merchant: Merchant, role: str = "owner") -> Client:
    """Return a browser in which a new member is signed in."""
    client = Client()
    client.force_login(member_of(merchant, role))
    return client


def things_of(merchant: Merchant) -> dict[str, Any]:
    """Return the id of a new one of each thing that an address can name, by its name there."""
    variant = make.variant(merchant, sku=uuid4().hex)
    feed = Import.objects.create(merchant=merchant, sha256=uuid4().hex, status="done", finished_at=NOW)
    file = Export.objects.create(merchant=merchant, format="jsonl", status="failed", finished_at=NOW)
    invited, _ = members.invite(
        merchant_id=merchant.pk,
        email=f"{uuid4().hex[:8]}@example.com",
        role="viewer",
        now=timezone.now(),
        by=By(),
        as_owner=False,
    )
    key, _ = apikeys.key(merchant)
    endpoint = endpoints.create(
        merchant_id=merchant.pk,
        url="https://hooks.example.com/x",
        description="",
        event_types=[],
        now=timezone.now(),
    )
    sent = endpoints.test(merchant_id=merchant.pk, endpoint_id=endpoint.pk, now=timezone.now())
    place = locations.create(merchant_id=merchant.pk, code=uuid4().hex, name="Berlin", now=NOW)
    feed_source = sources.create(
        merchant_id=merchant.pk,
        url=f"https://shop.example.com/{uuid4().hex}.csv",
        every_minutes=60,
        daily_at_hour=None,
        username="",
        password="",
        enabled=True,
        now=timezone.now(),
    )
    announced = schedules.make(
        merchant_id=merchant.pk,
        variant_id=variant.pk,
        plan=schedules.Plan(prices.Quote(900, None, "EUR"), timezone.now() + timedelta(days=1), None),
        now=timezone.now(),
    )
    picture = ProductImage.objects.create(
        merchant=merchant,
        product_id=variant.product_id,
        url=f"https://shop.example.com/{uuid4().hex}.jpg",
        state="failed",
        code="REFUSED",
    )
    return {
        **_trade_of(merchant),
        "location_id": place.pk,
        "feed_id": feed_source.pk,
        "schedule_id": announced.schedule.pk,
        "image_id": picture.pk,
        "key_id": key.pk,
        "endpoint_id": endpoint.pk,
        "delivery_id": sent.pk,
        "user_id": member_of(merchant, "viewer").pk,
        "invitation_id": invited.pk,
        "product_id": variant.product_id,
        "variant_id": variant.pk,
        "import_id": feed.pk,
        "export_id": file.pk,
    }


def _trade_of(merchant: Merchant) -> dict[str, Any]:
    """Return the ids of an order of which a part went out and is to come back."""
    now = timezone.now()
    product = Product.objects.create(
        merchant=merchant, handle=uuid4().hex, title="Mug", status=Product.Status.APPROVED
    )
    purchase = trade.basket((trade.variant(product=product), 2)).go(now=now)
    payments.apply(intent=trade.said(trade.sent(purchase), "succeeded"), now=now)
    order = purchase.orders.get()
    line = order.lines.get()
    fulfilment.pack(
        merchant_id=merchant.pk,
        order_id=order.pk,
        lines=[fulfilment.Packed(line.pk, 1)],
        label=fulfilment.Label("DHL"),
        now=now,
    )
    back = returning.ask(
        buyer_id=purchase.buyer_id,
        purchase_id=purchase.pk,
        order_id=order.pk,
        lines=[refunding.Wanted(line.pk, 1)],
        reason=Return.Reason.DAMAGED,
        note="",
        now=now,
    )
    shipment = order.parcel_lines.get().shipment_id
    payment = purchase.payments.get()
    dispute = disputes.take_in(
        told=gateway.Dispute(
            id=f"dp_{uuid4().hex}",
            status="warning_closed",
            reason="fraudulent",
            amount=Money(payment.amount, payment.currency),
            charge_id=payment.charge_id,
            intent_id=payment.provider_id,
            due_at=None,
            withdrawn=0,
            reinstated=0,
        ),
        now=now,
    )
    assert dispute is not None
    return {
        "order_id": order.pk,
        "shipment_id": shipment,
        "return_id": back.pk,
        "dispute_id": dispute.pk,
    }
