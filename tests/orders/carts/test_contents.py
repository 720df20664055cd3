from collections.abc import Callable
from uuid import uuid4

import msgspec
import pytest

from catalog.models import Price, Variant
from commerce.models import User
from orders import queries, quotes
from orders.carts import contents
from orders.models import CartLine
from streams.frames import buying
from tests.orders import make
from tests.orders.make import NOW, after

pytestmark = pytest.mark.django_db


def add(buyer: User, variant: Variant, quantity: int = 1, **more: object) -> queries.Body:
    return contents.add(
        buyer_id=buyer.id,
        variant_id=variant.id,
        quantity=quantity,
        **{"stream_id": None, "now": NOW, **more},  # type: ignore[arg-type]
    )


def test_units_of_one_variant_are_one_line() -> None:
    buyer, lipstick = make.user(), make.variant(amount=1999)

    add(buyer, lipstick, 1)
    cart = add(buyer, lipstick, 2)

    assert [(line["variant"], line["quantity"]) for line in cart["lines"]] == [(str(lipstick.id), 3)]
    assert cart["totals"] == [{"amount": 5997, "currency": "EUR"}]
    assert cart["version"] == 2


def test_a_cart_holds_goods_of_several_merchants_and_currencies() -> None:
    buyer = make.user()
    add(buyer, make.variant(amount=100))
    add(buyer, make.variant(amount=20))

    cart = add(buyer, make.variant(amount=500, currency="JPY"))

    assert cart["totals"] == [{"amount": 120, "currency": "EUR"}, {"amount": 500, "currency": "JPY"}]
    msgspec.convert(cart, buying.Cart)


def test_an_open_offer_of_the_show_is_the_price() -> None:
    buyer, lipstick = make.user(), make.variant(amount=1999)
    stream = make.show(lipstick)
    offer = make.offer(stream, lipstick, amount=999, per_buyer=1, seconds=60)

    (line,) = add(buyer, lipstick, stream_id=stream.id, now=after(1))["lines"]
    assert (line["price"]["amount"], line["offer"]) == (999, str(offer.id))

    (line,) = contents.read(buyer_id=buyer.id, stream_id=stream.id, now=after(60))["lines"]
    assert (line["price"]["amount"], line["offer"]) == (1999, None)
    (line,) = contents.read(buyer_id=buyer.id, stream_id=None, now=after(1))["lines"]
    assert line["price"]["amount"] == 1999
    (line,) = add(buyer, lipstick, stream_id=stream.id, now=after(2))["lines"]
    assert line["price"]["amount"] == 1999, "two are more than the offer grants one buyer"


def test_a_buyer_who_has_had_her_share_of_an_offer_sees_the_list_price() -> None:
    buyer, lipstick = make.buyer(), make.variant(amount=1999)
    stream = make.show(lipstick)
    offer = make.offer(stream, lipstick, amount=999, per_buyer=1)
    make.basket((lipstick, 1, offer), by=buyer, stream=stream).go(now=after(1))

    (line,) = add(buyer, lipstick, stream_id=stream.id, now=after(2))["lines"]

    assert (line["price"]["amount"], line["offer"]) == (1999, None)


def test_variants_of_one_product_share_what_its_offer_grants() -> None:
    buyer, red = make.buyer(), make.variant(amount=1999)
    pink = make.variant(amount=1999, product=red.product, title="Pink")
    stream = make.show(red)
    offer = make.offer(stream, red, amount=999, per_buyer=1)
    add(buyer, red, stream_id=stream.id, now=after(1))

    cart = add(buyer, pink, stream_id=stream.id, now=after(2))

    assert [line["offer"] for line in cart["lines"]] == [str(offer.id), None]
    assert cart["totals"] == [{"amount": 2998, "currency": "EUR"}]
    make.basket((red, 1, offer), (pink, 1), by=buyer, stream=stream, total=2998).go(now=after(3))


def test_a_cart_that_was_changed_elsewhere_is_a_conflict_and_is_sent_along() -> None:
    buyer, lipstick = make.user(), make.variant()
    version = add(buyer, lipstick)["version"]
    add(buyer, lipstick)

    stale_acts: tuple[Callable[[], object], ...] = (
        lambda: contents.update(
            buyer_id=buyer.id, version=version, variant_id=lipstick.id, quantity=5, stream_id=None, now=NOW
        ),
        lambda: contents.remove(
            buyer_id=buyer.id, version=version, variant_id=lipstick.id, stream_id=None, now=NOW
        ),
        lambda: contents.clear(buyer_id=buyer.id, version=version, stream_id=None, now=NOW),
    )
    for stale in stale_acts:
        with pytest.raises(contents.CartConflict) as refused:
            stale()
        assert refused.value.data["cart"]["version"] == version + 1

    assert CartLine.objects.get().quantity == 2


def test_lines_are_set_and_taken_out() -> None:
    buyer, lipstick, blush = make.user(), make.variant(), make.variant()
    add(buyer, lipstick)
    version = add(buyer, blush)["version"]

    cart = contents.update(
        buyer_id=buyer.id, version=version, variant_id=lipstick.id, quantity=7, stream_id=None, now=NOW
    )
    cart = contents.remove(
        buyer_id=buyer.id, version=cart["version"], variant_id=blush.id, stream_id=None, now=NOW
    )

    assert [(line["variant"], line["quantity"]) for line in cart["lines"]] == [(str(lipstick.id), 7)]
    with pytest.raises(contents.NotInCart):
        contents.remove(
            buyer_id=buyer.id, version=cart["version"], variant_id=blush.id, stream_id=None, now=NOW
        )


def test_a_cart_is_replaced_as_a_whole() -> None:
    buyer, lipstick, blush = make.user(), make.variant(), make.variant()
    version = add(buyer, lipstick)["version"]

    cart = contents.replace(
        buyer_id=buyer.id,
        version=version,
        lines=[(blush.id, 1), (blush.id, 1)],
        stream_id=None,
        now=NOW,
    )
    assert [(line["variant"], line["quantity"]) for line in cart["lines"]] == [(str(blush.id), 2)]

    cart = contents.clear(buyer_id=buyer.id, version=cart["version"], stream_id=None, now=NOW)
    assert (cart["lines"], cart["totals"]) == ([], [])


@pytest.mark.parametrize("quantity", [0, -3, 100])
def test_absurd_quantities_are_refused(quantity: int) -> None:
    buyer, lipstick = make.user(), make.variant()
    with pytest.raises(quotes.BadQuantity):
        add(buyer, lipstick, quantity)
    assert not CartLine.objects.exists()


def test_adding_never_goes_beyond_the_limits() -> None:
    buyer, lipstick = make.user(), make.variant()
    add(buyer, lipstick, 99)
    with pytest.raises(quotes.BadQuantity):
        add(buyer, lipstick, 1)
    for _ in range(19):
        add(buyer, make.variant())
    with pytest.raises(quotes.TooManyLines):
        add(buyer, make.variant())


def test_only_what_is_for_sale_goes_in() -> None:
    buyer, lipstick = make.user(), make.variant()
    Variant.objects.update(is_active=False)

    with pytest.raises(quotes.NotForSale):
        add(buyer, lipstick)
    with pytest.raises(quotes.UnknownVariant):
        contents.add(buyer_id=buyer.id, variant_id=uuid4(), quantity=1, stream_id=None, now=NOW)


def test_what_lost_its_price_is_left_out_of_what_can_be_bought() -> None:
    buyer, lipstick = make.user(), make.variant()
    add(buyer, lipstick)
    Price.objects.update(valid_to=NOW)

    cart = contents.read(buyer_id=buyer.id, stream_id=None, now=after(1))

    assert (cart["lines"], cart["totals"], cart["version"]) == ([], [], 1)


def test_every_change_is_told_on_the_buyers_lane() -> None:
    buyer, lipstick = make.user(), make.variant()

    cart = add(buyer, lipstick)

    assert make.events("user.told") == [{"user": str(buyer.id), "t": "cart.updated", "d": cart}]


def test_nobody_sees_another_buyers_cart() -> None:
    buyer, stranger, lipstick = make.user(), make.user(), make.variant()
    add(buyer, lipstick)

    assert contents.read(buyer_id=stranger.id, stream_id=None, now=NOW)["lines"] == []
    with pytest.raises(contents.CartConflict):
        contents.clear(buyer_id=stranger.id, version=1, stream_id=None, now=NOW)
    assert CartLine.objects.count() == 1
