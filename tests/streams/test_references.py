"""The struck-through price beside an offer's: the lowest of the thirty days before."""

import pytest
from django.db import IntegrityError, transaction

from catalog.models import Variant
from catalog.pricing import prices
from streams import offers
from streams.models import Offer, Stream
from tests.streams import make
from tests.streams.make import after
from tests.streams.test_announced_offers import announced, hers

pytestmark = pytest.mark.django_db


@pytest.fixture
def stream() -> Stream:
    return make.show(products=(make.product(),))


DAY = 24 * 3600


def reprice(stream: Stream, amount: int, *, days: float) -> None:
    variant = Variant.objects.get(product=make.item(stream).product_id)
    prices.change(
        merchant_id=variant.merchant_id,
        variant_id=variant.pk,
        amount=amount,
        compare_at=None,
        currency="EUR",
        now=after(days * DAY),
    )


def reference(stream: Stream, *, amount: int = 999, days: float = 0, **more: object) -> int | None:
    return make.offer(stream, amount=amount, now=after(days * DAY), **more).reference_amount  # type: ignore[arg-type]


def test_the_lowest_price_of_the_last_thirty_days_is_struck_through_not_the_list_price(
    stream: Stream,
) -> None:
    reprice(stream, 1499, days=-10)
    reprice(stream, 1999, days=-5)

    offer = make.offer(stream, amount=999)

    assert (offer.list_amount, offer.reference_amount) == (1999, 1499)
    assert make.told(stream)[-1][1]["reference"] == {"amount": 1499, "currency": "EUR"}


def test_nothing_is_struck_through_that_is_not_above_the_price(stream: Stream) -> None:
    reprice(stream, 899, days=-10)
    reprice(stream, 1999, days=-5)

    assert reference(stream, amount=999) is None
    assert make.told(stream)[-1][1]["reference"] is None


def test_nothing_is_struck_through_while_the_history_is_shorter_than_thirty_days(stream: Stream) -> None:
    Variant.objects.get().prices.update(valid_from=after(-29 * DAY))

    assert reference(stream) is None


def test_what_an_offer_charged_in_another_show_was_a_price_applied(stream: Stream) -> None:
    other = make.show(products=(make.item(stream).product,))
    assert reference(other, amount=1299) == 1999

    assert reference(stream, amount=999, days=1) == 1299


def test_an_offer_that_ended_thirty_days_ago_or_never_opened_proves_nothing(stream: Stream) -> None:
    called_off = announced(stream, amount=799, opens=600)
    offers.end(**hers(stream, called_off), now=after(1))  # type: ignore[arg-type]
    make.offer(stream, amount=899, seconds=60, now=after(2))
    offers.close_due(now=after(100))

    assert reference(stream, amount=700, days=29) == 899
    Offer.objects.filter(amount=700).delete()

    assert reference(stream, amount=700, days=31) == 1999


def test_the_same_offer_again_is_no_reduction(stream: Stream) -> None:
    assert reference(stream, amount=999) == 1999
    offers.close_due(now=after(61))

    assert reference(stream, amount=999, days=0.01) is None


def test_an_offer_for_all_variants_needs_the_proof_of_each() -> None:
    stream = make.show(products=(make.product(variants=(("Red", 1999, 10), ("Coral", 1499, 10))),))
    coral = Variant.objects.get(title="Coral")
    assert reference(stream) == 1499
    coral.prices.update(valid_from=after(-DAY))

    offers.close_due(now=after(61))
    assert reference(stream, days=0.01) is None
    offers.close_due(now=after(0.02 * DAY))
    red = Variant.objects.get(title="Red")
    assert reference(stream, amount=500, days=0.03, variant_id=red.id) == 999


def test_a_host_who_asks_for_another_reference_is_refused(stream: Stream) -> None:
    with pytest.raises(offers.ReferenceNotProven) as refused:
        make.offer(stream, reference=2999)
    assert refused.value.data == {"proven": {"amount": 1999, "currency": "EUR"}}
    assert not Offer.objects.exists()

    assert make.offer(stream, reference=1999).reference_amount == 1999


def test_the_reference_is_looked_up_again_when_an_announced_offer_opens(stream: Stream) -> None:
    offer = announced(stream, opens=3600)
    assert offer.reference_amount == 1999
    reprice(stream, 1499, days=0.01)

    offers.open_due(now=after(3600))

    assert Offer.objects.get().reference_amount == 1499
    assert make.told(stream)[-1][1]["reference"] == {"amount": 1499, "currency": "EUR"}


def test_the_database_refuses_a_reference_that_is_not_above_the_price(stream: Stream) -> None:
    offer = make.offer(stream)
    with pytest.raises(IntegrityError, match="offer_reference_above_price"), transaction.atomic():
        Offer.objects.filter(pk=offer.pk).update(reference_amount=offer.amount)
