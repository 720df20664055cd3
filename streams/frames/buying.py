"""What a shopper is told of her own: cart, quote, purchases, and what comes after them."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from streams.frames.base import Count, Instant, Money, Quantity, Told
from streams.frames.show import MerchantRef


class CartLine(Told):
    """`held` units are hers until `held_until`; 0 and null where nothing is held. `hold_seconds` says for how
    long goods like these are held for a cart: null means that the first to pay has them."""

    variant: UUID
    product: UUID
    merchant: MerchantRef
    title: str
    image: str | None
    quantity: Quantity
    price: Money
    offer: UUID | None
    left: Count
    release_at: Annotated[Instant | None, Meta(description="A pre-order until then; null: it ships now.")]
    opens_at: Annotated[
        Instant | None, Meta(description="It can be ordered from then on; null: at any time.")
    ]
    held: Count
    held_until: Instant | None
    hold_seconds: Count | None


class Tax(Told):
    """An amount of one tax; `bp` basis points of the price without it."""

    name: str
    bp: Count
    amount: Money


class Shipping(Told):
    name: str
    amount: Money


class Charged(Told):
    """What one merchant's part would come to, shipping and tax included."""

    merchant: MerchantRef
    goods: Money
    total: Money
    shipping: Annotated[Shipping | None, Meta(description="Null where none is charged for.")]
    taxes: Annotated[list[Tax], Meta(description="One per name and rate, of goods and shipping together.")]
    tax_on_top: Annotated[bool, Meta(description="Prices are without tax; else it is contained in them.")]
    free_from: Annotated[Money | None, Meta(description="Shipping is free for goods of so much.")]
    days: Annotated[list[Count] | None, Meta(description="Fewest and most days until it is delivered.")]
    refused: Literal["NOT_SHIPPED_THERE"] | UnsetType = UNSET


class CartTotal(Told):
    """What one currency comes to, shipping and tax to the shopper's default address included."""

    amount: Annotated[Count, Meta(description="Minor units.")]
    currency: str
    refused: Annotated[
        Literal["TOO_CHEAP", "TOO_EXPENSIVE", "NOT_PAYABLE"] | UnsetType,
        Meta(description="Why one payment could not be of it."),
    ] = UNSET
    orders: Annotated[
        list[Charged] | UnsetType,
        Meta(description="Per merchant; only where one of them charges shipping or tax."),
    ] = UNSET


class Cart(Told):
    version: Count
    lines: list[CartLine]
    totals: list[CartTotal]


class QuoteLine(Told):
    variant: UUID
    offer: UUID | None
    quantity: Count
    price: Money
    amount: Money
    discount: Money
    tax: Tax | None


class Quote(Told):
    """What a purchase would cost now; send `total` as its `expect_total`."""

    total: Money
    country: Annotated[str | None, Meta(description="Where it goes; null: no address is known.")]
    lines: list[QuoteLine]
    orders: list[Charged]


class EndingHold(Told):
    variant: UUID
    held: Count
    held_until: Instant


class HoldExpiring(Told):
    """Lines of the cart that are held for a minute more at most; each is told once."""

    lines: list[EndingHold]


class CardRef(Told):
    brand: str
    last4: str


class OrderLine(Told):
    id: UUID
    variant: UUID
    title: str
    sku: str
    quantity: Count
    unit_price: Money
    amount: Money
    discount: Annotated[Money, Meta(description="What a coupon took off the amount.")]
    list_price: Money
    reference: Annotated[Money | None, Meta(description="Price of one unit that was shown struck through.")]
    offer: UUID | None
    release_at: Annotated[
        Instant | None, Meta(description="A pre-order until then, charged when it is shipped.")
    ]
    tax: Annotated[Tax | None, Meta(description="Contained in the amount, unless the order has it on top.")]


class Packed(Told):
    """Units of a line in a parcel."""

    line: UUID
    quantity: Count


class Shipment(Told):
    carrier: str
    tracking_number: str
    tracking_url: str
    shipped_at: Instant
    delivered_at: Annotated[Instant | None, Meta(description="Null until it is there.")]
    lines: list[Packed]


class LineBack(Told):
    """Units of a line that came back, or were paid back."""

    line: UUID
    quantity: Count


class RefundedLine(LineBack):
    refunded: Money


class Refund(Told):
    """Money on its way back to the buyer: `owed`, and `paid` once the provider has sent it."""

    id: UUID
    amount: Money
    kind: Literal["late", "cancel", "return", "goodwill"]
    reason: str
    by: Literal["buyer", "merchant", "operator", "system"]
    status: Literal["owed", "paid", "bank"]
    created_at: Instant


class Cancellation(Told):
    """A wish to cancel that its merchant decides."""

    status: Literal["asked", "granted", "refused"]
    reason: str
    answer: str
    asked_at: Instant


class Return(Told):
    id: UUID
    order: UUID
    status: Literal["asked", "approved", "refused", "received", "refunded", "lapsed"]
    reason: str
    note: str
    answer: str
    lines: list[LineBack]
    refund: UUID | None
    until: Instant | None
    created_at: Instant
    updated_at: Instant


class Aftersales(Told):
    """What may still be done with an order, and what was."""

    cancel_until: Annotated[Instant | None, Meta(description="Until then the buyer may cancel by herself.")]
    return_until: Instant | None
    refunded: Money
    lines: list[RefundedLine]
    refunds: list[Refund]
    cancellation: Cancellation | None
    returns: list[Return]


class Order(Told):
    id: UUID
    merchant: MerchantRef
    status: str
    total: Annotated[Money, Meta(description="Lines, shipping, and tax where prices are without it.")]
    shipping: Annotated[Shipping | None, Meta(description="Null where none is charged for.")]
    taxes: Annotated[list[Tax], Meta(description="One per name and rate, of goods and shipping together.")]
    tax_on_top: Annotated[bool, Meta(description="Prices are without tax; else it is contained in them.")]
    lines: list[OrderLine]
    shipments: list[Shipment]
    aftersales: Annotated[Aftersales | None, Meta(description="Null while it is not sold.")]


class Purchase(Told):
    """The truth about a purchase. `version` grows; ignore a lower one."""

    id: UUID
    key: UUID
    status: Literal["accepted", "action_required", "authorized", "paid", "declined", "expired", "cancelled"]
    version: Count
    total: Money
    reason: str | None
    message: str | None
    card: CardRef | None
    hold_until: Instant | None
    retry_until: Annotated[
        Instant | None,
        Meta(description="Declined, and the units are kept until then for another card; null: they are not."),
    ]
    stream: str | None
    orders: list[Order]
    replayed: bool = False


class ActionRequired(Told):
    """The bank wants to see the buyer: confirm the payment with this secret. It is never kept."""

    purchase: UUID
    client_secret: str
    sheet_url: str | None
    publishable_key: str | None
    expires_at: Instant | None


class PaymentWaiting(Told):
    """The purchase waits to be charged, as many do. Place 1 is next; `about_seconds` null: nobody is charged
    right now. Sent while more than a few seconds are expected; `order.updated` is the end of it.
    """

    purchase: UUID
    place: Count
    about_seconds: Count | None
