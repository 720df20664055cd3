from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from catalog.models import Variant
from commerce.models import User
from streams import goods, offers, queries, shows
from streams.models import Offer, OfferBuyer, Stream
from tests.streams import make
from tests.streams.make import NOW, after

pytestmark = pytest.mark.django_db


@pytest.fixture
def stream() -> Stream:
    return make.show(products=(make.product(variants=(("Red", 1999, 10), ("Coral", 1499, 10))),))


def take(offer: Offer, *, buyer: User | None = None, units: int = 1, seconds: float = 1) -> Offer:
    with transaction.atomic():
        return offers.take(
            offer_id=offer.id, buyer_id=(buyer or make.user()).id, units=units, now=after(seconds)
        )


def give_back(offer: Offer, buyer: User, *, units: int = 1, seconds: float = 2) -> Offer:
    return make.given_back(offer, buyer, units=units, now=after(seconds))


# --- opening ---


def test_an_open_offer_is_told_whole(stream: Stream) -> None:
    offer = make.offer(stream, amount=999, quota=5, per_buyer=2, seconds=60)

    assert make.told(stream)[-1] == (
        "offer.started",
        {
            "id": str(offer.id),
            "item": str(make.item(stream).id),
            "product": str(make.item(stream).product_id),
            "variant": None,
            "price": {"amount": 999, "currency": "EUR"},
            "reference": {"amount": 1499, "currency": "EUR"},
            "quota": 5,
            "left": 5,
            "per_buyer": 2,
            "per_household": None,
            "grace_seconds": 0,
            "takes_coupons": False,
            "waits": False,
            "starts_at": int(NOW.timestamp() * 1000),
            "ends_at": int(NOW.timestamp() * 1000) + 60_000,
            "status": "open",
        },
    )


def test_a_price_above_the_lowest_list_price_is_refused(stream: Stream) -> None:
    with pytest.raises(offers.PriceAboveList) as refusal:
        make.offer(stream, amount=1500)

    assert refusal.value.data == {"list_price": {"amount": 1499, "currency": "EUR"}}
    assert make.offer(stream, amount=1499).list_amount == 1499


def test_an_offer_for_one_variant_is_measured_by_that_variants_price(stream: Stream) -> None:
    red = Variant.objects.get(title="Red")

    assert make.offer(stream, variant_id=red.id, amount=1999).list_amount == 1999


def test_a_variant_of_another_product_is_refused(stream: Stream) -> None:
    foreign = Variant.objects.get(product=make.product(variants=(("Blue", 900, 1),)))

    with pytest.raises(goods.NotOfProduct):
        make.offer(stream, variant_id=foreign.id)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("amount", 0), ("quota", 0), ("quota", 1_000_001), ("seconds", 4), ("seconds", 86_401)),
        *(("per_buyer", 0), ("per_buyer", 100), ("per_household", 0), ("per_household", 100)),
        *(("tries_per_minute", 0), ("tries_per_minute", 601), ("admits_per_second", 0)),
        *(("admits_per_second", 10_001), ("turn_seconds", 14), ("turn_seconds", 3601)),
        *(("grace_seconds", -1), ("grace_seconds", 601)),
    ],
)
def test_an_offer_with_nonsense_numbers_is_refused_naming_the_field(
    stream: Stream, field: str, value: int
) -> None:
    with pytest.raises(offers.BadOffer) as refusal:
        make.offer(stream, **{field: value})  # type: ignore[arg-type]

    assert list(refusal.value.data["errors"]) == [field]


def test_an_item_has_one_open_offer(stream: Stream) -> None:
    make.offer(stream)

    with pytest.raises(offers.OfferAlreadyOpen):
        make.offer(stream)


def test_the_next_offer_opens_though_no_sweep_has_closed_the_last_one(stream: Stream) -> None:
    first = make.offer(stream, seconds=10)

    make.offer(stream, now=after(11))

    first.refresh_from_db()
    assert (first.status, first.reason) == ("ended", "time")
    assert make.told_types(stream)[-2:] == ["offer.ended", "offer.started"]


def test_an_offer_needs_a_live_show() -> None:
    planned = make.show(live=False, products=(make.product(),))

    with pytest.raises(queries.StreamNotLive):
        make.offer(planned)


def test_a_quota_above_the_stock_is_allowed_and_can_be_seen(stream: Stream) -> None:
    product_id = make.item(stream).product_id

    assert make.offer(stream, quota=500).quota == 500
    assert goods.stock_behind(product_id=product_id) == 20
    assert goods.stock_behind(product_id=product_id, variant_id=Variant.objects.get(title="Red").id) == 10


# --- taking ---


def test_the_window_is_judged_by_the_clock_though_no_sweep_has_run(stream: Stream) -> None:
    offer = make.offer(stream, seconds=60)

    with pytest.raises(offers.OfferNotStarted):
        take(offer, seconds=-0.001)
    with pytest.raises(offers.OfferEnded):
        take(offer, seconds=60)
    assert take(offer, seconds=59.9).status == "open"


def test_a_taken_unit_is_gone_from_the_quota_and_counts_for_its_buyer(stream: Stream) -> None:
    offer, buyer = make.offer(stream, quota=5, per_buyer=3), make.user()

    assert take(offer, buyer=buyer, units=2).left == 3
    assert OfferBuyer.objects.values_list("buyer", "units", "cap").get() == (buyer.id, 2, 3)


def test_a_buyer_gets_no_more_than_her_limit_in_however_many_purchases(stream: Stream) -> None:
    offer, buyer = make.offer(stream, quota=9, per_buyer=2), make.user()
    with pytest.raises(offers.CustomerLimit):
        take(offer, buyer=buyer, units=3)
    take(offer, buyer=buyer)
    with pytest.raises(offers.CustomerLimit):
        take(offer, buyer=buyer, units=2)
    take(offer, buyer=buyer)
    with pytest.raises(offers.CustomerLimit):
        take(offer, buyer=buyer)

    offer.refresh_from_db()
    assert offer.left == 7


def test_the_database_refuses_a_buyer_above_her_limit(stream: Stream) -> None:
    with pytest.raises(IntegrityError, match="offer_limit_holds"), transaction.atomic():
        OfferBuyer.objects.create(offer=make.offer(stream), buyer=make.user(), units=2, cap=1)


def test_the_database_refuses_a_quota_below_zero(stream: Stream) -> None:
    offer = make.offer(stream)

    with pytest.raises(IntegrityError, match="offer_quota_holds"), transaction.atomic():
        Offer.objects.filter(pk=offer.pk).update(left=-1)


def test_the_last_unit_ends_the_offer_and_the_room_is_told(stream: Stream) -> None:
    offer = make.offer(stream, quota=2)
    take(offer)
    take(offer, seconds=3)

    offer.refresh_from_db()
    assert (offer.status, offer.reason, offer.left, offer.ended_at) == ("ended", "sold_out", 0, after(3))
    assert make.told(stream)[-1] == ("offer.ended", {"id": str(offer.id), "reason": "sold_out"})


def test_a_buyer_of_a_sold_out_offer_hears_sold_out_and_after_its_window_that_it_ended(
    stream: Stream,
) -> None:
    offer = make.offer(stream, quota=1, seconds=60)
    take(offer)

    with pytest.raises(offers.OfferSoldOut) as refusal:
        take(offer, seconds=2)
    assert refusal.value.code == "OUT_OF_STOCK"
    with pytest.raises(offers.OfferEnded):
        take(offer, seconds=61)


def test_more_units_than_are_left_are_refused_and_nothing_is_taken(stream: Stream) -> None:
    offer = make.offer(stream, quota=2, per_buyer=5)

    with pytest.raises(offers.OfferSoldOut) as refusal:
        take(offer, units=3)

    assert refusal.value.data["left"] == 2
    offer.refresh_from_db()
    assert offer.left == 2
    assert not OfferBuyer.objects.exists()


def test_an_unknown_offer_cannot_be_taken() -> None:
    with pytest.raises(offers.UnknownOffer), transaction.atomic():
        offers.take(offer_id=uuid4(), buyer_id=make.user().id, units=1, now=NOW)


# --- giving back ---


def test_a_unit_that_comes_back_can_be_bought_again_by_anybody(stream: Stream) -> None:
    offer, buyer = make.offer(stream, quota=3), make.user()
    take(offer, buyer=buyer)

    assert give_back(offer, buyer).left == 3
    assert take(offer, buyer=buyer, seconds=3).left == 2


def test_a_sold_out_offer_opens_again_while_its_window_runs_and_the_room_is_told(stream: Stream) -> None:
    offer, buyer = make.offer(stream, quota=1, seconds=60), make.user()
    take(offer, buyer=buyer)

    back = give_back(offer, buyer, seconds=59)

    assert (back.status, back.reason, back.left, back.ended_at) == ("open", "", 1, None)
    t, d = make.told(stream)[-1]
    assert (t, d["left"], d["status"]) == ("offer.started", 1, "open")
    assert take(offer, seconds=59.5).left == 0


def test_a_sold_out_offer_stays_ended_after_its_window(stream: Stream) -> None:
    offer, buyer = make.offer(stream, quota=1, seconds=60), make.user()
    take(offer, buyer=buyer)

    back = give_back(offer, buyer, seconds=60)

    assert (back.status, back.left) == ("ended", 1)
    assert make.told_types(stream)[-1] == "offer.ended"


def test_a_sold_out_offer_stays_ended_when_its_show_is_over(stream: Stream) -> None:
    offer, buyer = make.offer(stream, quota=1, seconds=60), make.user()
    take(offer, buyer=buyer)
    shows.end(host_id=stream.host_id, stream_id=stream.id, now=after(5))

    assert give_back(offer, buyer, seconds=6).status == "ended"
    assert make.told_types(stream)[-1] == "stream.status"


def test_an_offer_that_the_host_ended_stays_ended(stream: Stream) -> None:
    offer, buyer = make.offer(stream, quota=2), make.user()
    take(offer, buyer=buyer)
    offers.end(host_id=stream.host_id, offer_id=offer.id, now=after(2))

    assert give_back(offer, buyer, seconds=3).status == "ended"


def test_a_sold_out_offer_that_the_host_ended_stays_ended_and_the_room_is_told(stream: Stream) -> None:
    offer, buyer = make.offer(stream, quota=1, seconds=60), make.user()
    take(offer, buyer=buyer)

    offers.end(host_id=stream.host_id, offer_id=offer.id, now=after(2))

    back = give_back(offer, buyer, seconds=3)
    assert (back.status, back.reason, back.left, back.ended_at) == ("ended", "host", 1, after(2))
    assert make.told(stream)[-1] == ("offer.ended", {"id": str(offer.id), "reason": "host"})
    with pytest.raises(offers.OfferEnded):
        take(offer, seconds=4)


def test_a_sold_out_offer_whose_time_is_over_cannot_be_ended_again(stream: Stream) -> None:
    offer = make.offer(stream, quota=1, seconds=60)
    take(offer)
    told = make.told_types(stream)

    assert offers.end(host_id=stream.host_id, offer_id=offer.id, now=after(60)).reason == "sold_out"
    assert make.told_types(stream) == told


def test_a_sold_out_offer_stays_ended_when_another_one_has_opened_for_its_item(stream: Stream) -> None:
    offer, buyer = make.offer(stream, quota=1, seconds=60), make.user()
    take(offer, buyer=buyer)
    second = make.offer(stream, quota=3, now=after(5))

    back = give_back(offer, buyer, seconds=6)

    assert (back.status, back.reason, back.left) == ("ended", "sold_out", 1)
    assert list(Offer.objects.filter(status="open")) == [second]


def test_units_a_buyer_never_had_cannot_come_back(stream: Stream) -> None:
    offer, buyer = make.offer(stream, quota=3, per_buyer=2), make.user()
    take(offer, buyer=buyer)

    with pytest.raises(ValueError, match="do not have"):
        give_back(offer, make.user())
    take(offer, buyer=make.user())
    with pytest.raises(ValueError, match="do not have"):
        give_back(offer, buyer, units=2)
    offer.refresh_from_db()
    assert offer.left == 1
