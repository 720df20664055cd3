"""Bodies of batches. What a row says is read row by row, so that one that is wrong costs no other."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog import batches, examples
from catalog.feeds.formats import rows
from catalog.serializers.showing import shown
from commerce.strict import StrictSerializer


class _Rows(serializers.ListField):
    """One to MAX_ROWS rows, as they are."""

    child = serializers.JSONField(allow_null=True)

    def __init__(self, **options: Any) -> None:
        super().__init__(min_length=1, max_length=rows.MAX_ROWS, **options)


def _rows_of(described: str) -> _Rows:
    # Whatever a row is, it costs no other, so the document calls none of them invalid.
    schema = {
        "type": "array",
        "items": {},
        "minItems": 1,
        "maxItems": rows.MAX_ROWS,
        "description": described,
    }
    kind: type[_Rows] = extend_schema_field(schema)(type("Rows", (_Rows,), {}))
    return kind()


@shown(examples.PRODUCT_BATCH, request_only=True)
class ProductBatchSerializer(StrictSerializer):
    """Up to 1,000 products."""

    products = _rows_of(
        "Each as in `POST /products` and in JSON Lines: only `handle` is required, what is left out stays."
    )


@shown(examples.STOCK_BATCH, request_only=True)
class StockBatchSerializer(StrictSerializer):
    """The stock of up to 1,000 SKUs."""

    stock = _rows_of(
        "Each `{sku, available}`: units that can be promised from now on; with `location`, the code of one of"
        " yours, units that lie there."
    )


@shown(examples.PRICE_BATCH, request_only=True)
class PriceBatchSerializer(StrictSerializer):
    """The prices of up to 1,000 SKUs."""

    prices = _rows_of(
        "Each `{sku, amount}` in minor units, and `compare_at`, `currency` if you like; with `starts_at`,"
        " `ends_at` or both the price is announced, as in `POST .../price/schedule`."
    )


class RowProblemSerializer(serializers.Serializer[Any]):
    """What of a row was not taken, or not as it was sent."""

    field = serializers.CharField(allow_blank=True, help_text='Such as "variants[0].price.amount".')
    code = serializers.CharField()
    value = serializers.CharField(allow_blank=True)
    message = serializers.CharField()


class RowResultSerializer(serializers.Serializer[Any]):
    """What became of a row."""

    row = serializers.IntegerField(help_text="Its number, from 1.")
    key = serializers.CharField(allow_blank=True, help_text="The handle or SKU that it named.")
    result = serializers.ChoiceField(choices=[became.value for became in batches.Became])
    id = serializers.UUIDField(allow_null=True, help_text="Of the product or variant.")
    problems = RowProblemSerializer(many=True, help_text="Of a row that was not refused: what of it was.")


@shown(examples.BATCH_RESULT, response_only=True)
class BatchResultSerializer(serializers.Serializer[Any]):
    """What became of a batch."""

    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    refused = serializers.IntegerField()
    partial = serializers.BooleanField(  # type: ignore[assignment]  # The name is an option of serializers.
        help_text="true: something was not taken; rows say what."
    )
    rows = RowResultSerializer(many=True, help_text="In the order in which they were sent.")
