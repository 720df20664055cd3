"""Sales that a Google feed says for how long: announced, applied, told again to no change, and exported."""

import pytest

from catalog.feeds import exports, imports
from catalog.models import Import, Price, PriceSchedule, Variant
from catalog.pricing import applying, prices, schedules
from commerce.models import Merchant
from tests.catalog import make
from tests.catalog.make import NOW, after

pytestmark = pytest.mark.django_db

DAY = 86_400.0
TO_COME = "2030-05-03T00:00Z/2030-05-05T00:00Z"
ON = "2030-05-01T00:00Z/2030-05-05T00:00Z"


@pytest.fixture
def seller() -> Merchant:
    return make.merchant()


def feed(period: str, *, price: str = "20.00 EUR", sale: str = "15.00 EUR") -> bytes:
    header = "id\ttitle\tprice\tsale_price\tsale_price_effective_date\n"
    return f"{header}A\tSoap\t{price}\t{sale}\t{period}\n".encode()


def read(seller: Merchant, body: bytes, *, at: float = 0) -> Import:
    job = make.import_of(seller, body, filename="feed.tsv")
    imports.run(import_id=job.pk, now=after(at))
    job.refresh_from_db()
    assert job.status == "done", job.error
    return job


def codes(job: Import) -> list[str]:
    return list(job.problems.values_list("code", flat=True))


def current() -> tuple[int, int | None]:
    row = Price.objects.get(valid_to=None)
    return row.amount, row.compare_at


def standing() -> list[tuple[str, int, int | None]]:
    return list(PriceSchedule.objects.order_by("id").values_list("status", "amount", "before_amount"))


def test_a_sale_to_come_is_announced(seller: Merchant) -> None:
    job = read(seller, feed(TO_COME))
    assert codes(job) == []
    assert (current(), standing()) == ((2000, None), [("upcoming", 1500, None)])
    again = read(seller, feed(TO_COME), at=1)
    assert (again.variants_unchanged, again.variants_updated) == (1, 0)
    applying.apply_due(now=after(2 * DAY))
    assert current() == (1500, 2000)
    meanwhile = read(seller, feed(TO_COME), at=2 * DAY + 1)
    assert (meanwhile.variants_unchanged, current()) == (1, (1500, 2000))
    applying.apply_due(now=after(5 * DAY))
    assert (current(), standing()) == ((2000, None), [("done", 1500, 2000)])


def test_a_sale_that_is_on_ends_as_it_says(seller: Merchant) -> None:
    read(seller, feed(ON))
    assert (current(), standing()) == ((1500, 2000), [("running", 1500, 2000)])
    assert read(seller, feed(ON), at=60).variants_unchanged == 1
    applying.apply_due(now=after(5 * DAY))
    assert current() == (2000, None)


def test_a_sale_is_said_anew_by_the_next_feed(seller: Merchant) -> None:
    read(seller, feed(TO_COME))
    job = read(seller, feed(TO_COME, sale="14.00 EUR"), at=1)
    assert (codes(job), job.variants_updated) == ([], 1)
    assert standing() == [("cancelled", 1500, None), ("upcoming", 1400, None)]
    read(seller, feed(ON), at=2)
    longer = "2030-05-01T00:00Z/2030-05-09T00:00Z"
    assert codes(read(seller, feed(longer), at=3)) == []
    assert standing()[2:] == [("cancelled", 1500, 2000), ("running", 1500, 2000)]
    assert current() == (1500, 2000)


def test_a_list_price_that_changes_during_a_sale_comes_back(seller: Merchant) -> None:
    read(seller, feed(ON))
    read(seller, b"id\ttitle\tprice\nA\tSoap\t22.00 EUR\n", at=60)
    assert current() == (1500, 2000)
    applying.apply_due(now=after(5 * DAY))
    assert current() == (2200, None)


def test_what_the_merchant_announced_is_not_a_feeds_to_change(seller: Merchant) -> None:
    read(seller, feed(""))
    one = Variant.objects.get()
    plan = schedules.Plan(prices.Quote(1700, None, "EUR"), after(DAY), after(3 * DAY))
    schedules.make(merchant_id=seller.pk, variant_id=one.pk, plan=plan, now=after(1))
    job = read(seller, feed(TO_COME), at=2)
    assert codes(job) == ["SCHEDULE_OVERLAPS"]
    assert [status for status, *_ in standing()] == ["upcoming"]


def test_a_sale_that_is_over_is_taken_without(seller: Merchant) -> None:
    job = read(seller, feed("2030-04-01T00:00Z/2030-04-05T00:00Z"))
    assert (codes(job), current(), standing()) == (["SALE_NOT_ON"], (2000, None), [])


def test_a_dry_run_announces_nothing(seller: Merchant) -> None:
    imports.run(import_id=make.import_of(seller, feed(ON), dry_run=True).pk, now=NOW)
    assert not PriceSchedule.objects.exists()


@pytest.mark.parametrize("form", ["google_tsv", "google_xml"])
@pytest.mark.parametrize("period", [TO_COME, ON])
def test_what_is_exported_comes_back_to_no_change_and_to_another_shop_whole(
    seller: Merchant, form: str, period: str
) -> None:
    read(seller, feed(period))
    job = exports.queue(merchant_id=seller.pk, format=form, filters={}, now=after(1))
    exports.run(export_id=job.pk, now=after(1))
    body = b"".join(bytes(one.body) for one in job.chunks.order_by("number"))
    before = (current(), standing(), Price.objects.count())
    again = read(seller, body, at=2)
    assert (again.variants_unchanged, codes(again)) == (1, [])
    assert (current(), standing(), Price.objects.count()) == before

    other = make.merchant()
    assert codes(read(other, body, at=3)) == []
    mine, theirs = (
        PriceSchedule.objects.filter(merchant=one).values(
            "amount", "compare_at", "starts_at", "ends_at", "status"
        )
        for one in (seller, other)
    )
    assert list(mine) == list(theirs) != []


@pytest.mark.parametrize("begins", ["0001-01-01T00:00+23:59", "9999-12-31T23:59-23:59"])
def test_a_sale_at_the_edge_of_the_calendar_costs_no_product(seller: Merchant, begins: str) -> None:
    job = read(seller, feed(f"{begins}/2030-05-05T00:00Z"))
    assert codes(job) == ["BAD_DATE"]
    assert (current(), standing()) == ((2000, None), [])
