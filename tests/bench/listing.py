"""P8: lists and searches of a merchant's catalog over HTTP, with 1,000 variants and with 1,000,000.

Asked is the real web process with a key, again and again on one connection. The floor is the same rows with
the same columns, read by psycopg2 with SQL written for it: no key, no limits, no objects and no JSON.
The newest goods are the same at both sizes, so that a page of them has as many rows.
"""

import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from statistics import median
from typing import Any
from urllib.parse import quote, urlencode

from django.db import connection
from django.utils import timezone

from catalog.assortments import goods, loading
from catalog.models import Product
from commerce.models import Merchant
from config import servers
from config.children import Program
from config.embedded import free_port
from config.env import ROOT
from config.processes import listens
from tests import apikeys
from tests.bench import machine
from tests.bench.processes import as_in_earnest
from tests.bench.runs import CannotRun, count, note
from tests.bench.table import Row, at_most_floors

FEW, MANY = 1_000, 1_000_000
PAGE = 50
ASKED, WARM = 40, 15
NO_LIMIT = {
    "MERCHANT_READS_PER_MINUTE": "1000000",
    "MERCHANT_WRITES_PER_MINUTE": "1000000",
    "MERCHANT_BULKS_PER_MINUTE": "1000000",
    "SHOP_READS_PER_MINUTE": "1000000",
}

_PRODUCT = (
    "p.id, p.handle, p.title, p.description, p.vendor, p.product_type, p.tags, p.option_names, p.status,"
    " p.language, p.created_at, p.updated_at"
)
_VARIANT = (
    "v.id, v.product_id, v.title, v.options, v.sku, v.barcode, v.weight_grams, v.position, v.is_active,"
    " v.release_at, v.created_at, v.updated_at, s.available,"
    " r.amount, r.compare_at, r.currency, r.valid_from, r.valid_to"
)
_DRESSED = (
    "LEFT JOIN catalog_stock s ON s.variant_id = v.id"
    " LEFT JOIN catalog_price r ON r.variant_id = v.id AND r.valid_to IS NULL"
)
_FOUND = """
    SELECT p.id FROM catalog_product p
    WHERE p.words @@ (
        quote_literal(%(merchant)s)::tsquery && websearch_to_tsquery('simple', catalog_plain(%(q)s))
    )
    ORDER BY p.id DESC LIMIT 1000
"""
_RANK = "ts_rank('{0.1, 0.2, 0.5, 1}', p.words, websearch_to_tsquery('simple', catalog_plain(%(q)s)), 1)"


@dataclass(frozen=True)
class Question:
    """What is asked: by which path, and by which statement for the page's own rows; none: no floor."""

    what: str
    path: str
    sql: str = ""
    given: dict[str, Any] = field(default_factory=dict)
    counted: bytes = b'"handle":'
    of_variants: bool = False


def run() -> list[Row]:
    """Return the rows of P8."""
    small = _merchant("few")
    _load(small, seed=1, variants=FEW)
    loading.analyze()
    few = _measure(small)
    large = _merchant("many")
    begun = time.monotonic()
    _load(large, seed=2, variants=MANY - FEW)
    seconds = time.monotonic() - begun
    _load(large, seed=1, variants=FEW)
    loading.analyze()
    note(f"{MANY:,} variants were in the tables after {seconds:.0f} s")
    many = _measure(large)
    rows = [Row("P8", f"{MANY:,} variants made up and copied into the tables", MANY / seconds, "/s")]
    for what, (cost, floor) in many.items():
        before, _ = few[what]
        target = at_most_floors(4) if floor else None
        rows += [
            Row("P8", f"{what}, {MANY:,} variants, p50", cost, "ms", floor, target),
            Row("P8", f"the same against {FEW:,} variants", cost, "ms", before, at_most_floors(1.5)),
        ]
    return rows


def _merchant(slug: str) -> Merchant:
    return Merchant.objects.create(name="Example Goods", slug=slug, currency="EUR")


def _load(merchant: Merchant, *, seed: int, variants: int) -> None:
    made = goods.made_up(variants=variants, currency=merchant.currency, seed=seed)
    for _ in loading.load(merchant_id=merchant.pk, goods=made, now=timezone.now()):
        pass


def _measure(merchant: Merchant) -> dict[str, tuple[float, float | None]]:
    """Return for each question what it costs and its floor, p50 in milliseconds."""
    _, key = apikeys.key(merchant)
    figures: dict[str, tuple[float, float | None]] = {}
    with web(**NO_LIMIT) as port:
        asking = HTTPConnection("127.0.0.1", port, timeout=60)
        for question in _questions(merchant):
            ask = _asker(asking, question, key)
            if not question.sql:
                costs = [_p50(ask) for _ in range(count())]
                figures[question.what] = median(costs), None
                note(f"{question.what}: {ask()} rows, {median(costs):.1f} ms")
                continue
            read = _reader(question)
            said, rows = ask(), read()
            if not said or said != rows:
                raise CannotRun(f"{question.what}: {said} rows over HTTP, {rows} by SQL")
            costs, floors = [], []
            for _ in range(count()):
                costs.append(_p50(ask))
                floors.append(_p50(read))
            figures[question.what] = median(costs), median(floors)
            note(f"{question.what}: {said} rows, {median(costs):.1f} ms, raw SQL {median(floors):.1f} ms")
        asking.close()
    return figures


def _p50(do: Callable[[], int]) -> float:
    """Return the median of doing it when everything is warm, in milliseconds."""
    for _ in range(WARM):
        do()
    taken = []
    for _ in range(ASKED):
        begun = time.perf_counter()
        do()
        taken.append(time.perf_counter() - begun)
    return median(taken) * 1000


def _asker(asking: HTTPConnection, question: Question, key: str) -> Callable[[], int]:
    headers = {"Authorization": f"Api-Key {key}"}

    def ask() -> int:
        asking.request("GET", f"/api/v1/{question.path}", headers=headers)
        answer = asking.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise CannotRun(f"{question.path}: {answer.status} {body[:300]!r}")
        return body.count(question.counted)

    return ask


def _reader(question: Question) -> Callable[[], int]:
    def read() -> int:
        with connection.connection.cursor() as cursor:
            cursor.execute(question.sql, question.given)
            rows = cursor.fetchall()
            if question.of_variants:
                return len(rows)
            ids = [str(row[0]) for row in rows]
            cursor.execute(
                "SELECT product_id, id, url, alt FROM catalog_productimage"
                " WHERE product_id = ANY(%s::uuid[]) ORDER BY position, id",
                [ids],
            )
            cursor.fetchall()
            cursor.execute(
                f"SELECT {_VARIANT} FROM catalog_variant v {_DRESSED}"
                " WHERE v.product_id = ANY(%s::uuid[]) ORDER BY v.position, v.id",
                [ids],
            )
            cursor.fetchall()
            return len(rows)

    connection.ensure_connection()
    return read


def _questions(merchant: Merchant) -> Iterator[Question]:
    """Yield what is asked; the pages have as many rows however many variants there are."""
    mine = Product.objects.filter(merchant=merchant)
    newest = list(mine.order_by("-id")[:200])
    given: dict[str, Any] = {"merchant": str(merchant.pk), "size": PAGE}
    head = f"SELECT {_PRODUCT} FROM catalog_product p WHERE p.merchant_id = %(merchant)s"
    tail = "ORDER BY p.id DESC LIMIT %(size)s"
    yield Question("newest products", "catalog/products?", f"{head} {tail}", given)
    yield Question(
        "products by status",
        "catalog/products?status=approved",
        f"{head} AND p.status = 'approved' {tail}",
        given,
    )
    maker = goods.MAKERS[0]
    yield Question(
        "products of a vendor",
        f"catalog/products?vendor={quote(maker)}",
        f"{head} AND upper(p.vendor) = upper(%(maker)s) {tail}",
        given | {"maker": maker},
    )
    since = newest[-1].updated_at
    yield Question(
        "products changed lately",
        f"catalog/products?updated_since={quote(since.isoformat())}",
        f"{head} AND p.updated_at >= %(since)s {tail}",
        given | {"since": since},
    )
    middle = newest[120] if mine.count() < 1_000 else mine.order_by("-id")[mine.count() // 2]
    cursor = b64encode(urlencode({"p": str(middle.pk)}).encode()).decode()
    yield Question(
        "a page from the middle",
        f"catalog/products?cursor={quote(cursor)}",
        f"{head} AND p.id < %(middle)s {tail}",
        given | {"middle": str(middle.pk)},
    )
    yield Question(
        "newest variants",
        "catalog/variants?",
        f"SELECT {_VARIANT} FROM catalog_variant v {_DRESSED} WHERE v.merchant_id = %(merchant)s"
        " ORDER BY v.id DESC LIMIT %(size)s",
        given,
        b'"weight_grams":',
        of_variants=True,
    )
    sku = newest[0].variants.order_by("id")[0].sku
    yield Question(
        "a variant by SKU",
        f"catalog/variants?sku={quote(sku)}",
        f"SELECT {_VARIANT} FROM catalog_variant v {_DRESSED}"
        " WHERE v.merchant_id = %(merchant)s AND v.sku = %(sku)s",
        given | {"sku": sku},
        b'"weight_grams":',
        of_variants=True,
    )
    english = next(product for product in newest if product.language == "en")
    for what, text, size in (
        ("search: a word that one has", f"{english.handle}", 1),
        ("search: a word that many have", "everyday", PAGE),
        ("search: two words", "cotton everyday", 5),
        ("search: a phrase", '"careful seams"', PAGE),
    ):
        yield Question(
            what,
            f"catalog/products?q={quote(text)}&page_size={size}",
            f"SELECT {_PRODUCT}, {_RANK} AS rank FROM catalog_product p WHERE p.id IN ({_FOUND})"
            " ORDER BY rank DESC, p.id DESC LIMIT %(size)s",
            given | {"q": text, "size": size},
        )
    yield Question(
        "search: a SKU",
        f"catalog/products?q={quote(sku)}",
        f"{head} AND p.id IN (SELECT product_id FROM catalog_variant"
        " WHERE merchant_id = %(merchant)s AND sku = %(sku)s)",
        given | {"sku": sku},
    )
    yield Question("brands", "catalog/brands?page_size=20", counted=b'"name":')
    yield Question("tags", "catalog/tags?page_size=20", counted=b'"name":')
    for what, asked in (
        ("newest", ""),
        ("by price", "sort=price&currency=EUR"),
        ("a word that many have", "q=everyday"),
    ):
        yield Question(
            f"the shop's products, {what}", f"shop/products?page_size=20&{asked}", counted=b'"title":'
        )


@contextmanager
def web(**env: str) -> Iterator[int]:
    """Run one web process with these settings on top of ours, until the block ends; gives its port."""
    port = free_port()
    child = servers.start(
        Program(
            name="web",
            argv=[sys.executable, "-m", "config.web"],
            cwd=ROOT,
            env={**as_in_earnest(), "METRICS_PORT": "0", "WEB_PORT": str(port), **env},
            ready=listens(port),
            stop_within=3,
            quiet=True,
        )
    )
    try:
        machine.pin(child.pid, machine.SERVER_CORE)
        yield port
    finally:
        child.stop()
