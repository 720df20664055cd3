"""Full-text search of products: words with weights, a language's word forms, whole SKUs and barcodes first.

The words are kept by PostgreSQL in a generated column that no model loads (migration 0007).
"""

from typing import Any
from uuid import UUID

from django.contrib.postgres.search import SearchQuery
from django.db.models import BooleanField, Case, F, Func, IntegerField, Q, QuerySet, TextField, Value, When
from django.db.models.lookups import Exact, GreaterThan

from catalog.models import Product, Variant

# What is looked at for one search: the newest of what matches. Ranking reads each of them.
WINDOW = 1_000
EXACT = 10_000_000
ANNOTATION = "relevance"


class _Words(Func):
    """The generated column of a product's words, which is no field so that nothing else reads it."""

    output_field = TextField()

    def __init__(self) -> None:
        super().__init__(F("id"))

    def as_sql(  # type: ignore[override]
        self, compiler: Any, connection: Any, **_: Any
    ) -> tuple[str, list[Any]]:
        """Name the column of the table, or of its alias, that the product's id is read from."""
        sql, params = compiler.compile(self.get_source_expressions()[0])
        return sql.removesuffix('"id"') + '"words"', list(params)


class _Has(Func):
    template = "%(expressions)s"
    arg_joiner = " @@ "
    output_field = BooleanField()


class _Both(Func):
    template = "(%(expressions)s)"
    output_field = TextField()

    def __init__(self, *queries: Any, joiner: str) -> None:
        super().__init__(*queries, arg_joiner=joiner)


class _Rank(Func):
    """How well words answer a query, in millionths: whole, so that a cursor can name it exactly."""

    template = "floor(1000000 * ts_rank('{0.1, 0.2, 0.5, 1}', %(expressions)s, 1))::int"
    output_field = IntegerField()


def matching(rows: QuerySet[Product], *, merchant_id: UUID, text: str) -> QuerySet[Product]:
    """Narrow one merchant's products to those that have the words, or a variant of that SKU or barcode."""
    return rows.filter(_has(merchant_id, text, "") | Q(pk__in=_exact(merchant_id, text)))


def ranked(rows: QuerySet[Product], *, merchant_id: UUID, text: str, language: str = "") -> QuerySet[Product]:
    """Narrow like `matching` and annotate ANNOTATION, the larger the better; of the newest WINDOW matches.

    Whole SKUs and barcodes come before all words. `language` (of Product.Language) is what the text is in:
    its word forms are found too.
    """
    exact = _exact(merchant_id, text)
    bare = rows.prefetch_related(None).order_by()
    worded = bare.filter(_has(merchant_id, text, language)).order_by("-id").values("pk")
    found = worded[:WINDOW].union(bare.filter(pk__in=exact).values("pk")[:WINDOW])
    relevance = Case(
        When(pk__in=exact, then=Value(EXACT)),
        default=_Rank(_Words(), _query(text, language)),
        output_field=IntegerField(),
    )
    return rows.filter(pk__in=found).annotate(**{ANNOTATION: relevance})


def ranked_of_all(rows: QuerySet[Product], *, text: str, language: str = "") -> QuerySet[Product]:
    """Do what `ranked` does for products of any merchant; SKUs and barcodes are the merchants' own."""
    bare = rows.prefetch_related(None).select_related(None).order_by()
    found = bare.filter(_has(None, text, language)).order_by("-id").values("pk")[:WINDOW]
    return rows.filter(pk__in=found).annotate(**{ANNOTATION: _Rank(_Words(), _query(text, language))})


def worded(rows: QuerySet[Product], text: str) -> QuerySet[Product]:
    """Narrow to what has every word of the text, where it has any: so that the index of words is read."""
    query = SearchQuery(_plain(text), config="simple", search_type="plain")
    wordless = Exact(Func(query, function="numnode", output_field=IntegerField()), 0)
    return rows.filter(Q(wordless) | Q(_Has(_Words(), query)))


def titled(rows: QuerySet[Product], text: str) -> QuerySet[Product]:
    """Narrow to products whose titles have the words of the text, the last of them perhaps not whole."""
    # What plainto_tsquery gives is quoted as a query has to be: a prefix of a title can be put behind it.
    begun = Func(
        _plain(text),
        template="(nullif(plainto_tsquery('simple', %(expressions)s)::text, '') || ':*A')::tsquery",
        output_field=TextField(),
    )
    return rows.filter(_Has(_Words(), begun))


def _plain(text: str) -> Func:
    return Func(Value(text), function="catalog_plain", output_field=TextField())


def _exact(merchant_id: UUID, text: str) -> QuerySet[Variant, Any]:
    mine = Variant.objects.filter(merchant_id=merchant_id)
    skus, barcodes = mine.filter(sku=text), mine.filter(barcode=text)
    return skus.values("product_id").union(barcodes.values("product_id"))


def _query(text: str, language: str) -> _Both:
    """Return the text as words, or as their stems in its language; quotes, `or` and - as in web search."""
    plain = _plain(text)
    configs = ["simple", *([Product.Language(language).label.lower()] if language else [])]
    queries = [SearchQuery(plain, config=config, search_type="websearch") for config in configs]
    return _Both(*queries, joiner=" || ")


def _has(merchant_id: UUID | None, text: str, language: str) -> Q:
    query = _query(text, language)
    # A text without any word would leave the merchant alone, who has everything.
    worded = GreaterThan(Func(query, function="numnode", output_field=IntegerField()), 0)
    if merchant_id is None:
        return Q(_Has(_Words(), query)) & Q(worded)
    # The merchant is a word, too, so that the index never reads what others sell by the same words.
    merchant = Func(
        Value(str(merchant_id)), template="quote_literal(%(expressions)s)::tsquery", output_field=TextField()
    )
    return Q(_Has(_Words(), _Both(merchant, query, joiner=" && "))) & Q(worded)
