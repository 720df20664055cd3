"""Bodies of exports."""

from typing import Any

from rest_framework import serializers

from catalog import examples
from catalog.models import Export, Import, Product
from catalog.serializers.showing import shown
from commerce.strict import StrictSerializer, Text


class ExportFiltersSerializer(StrictSerializer):
    """Which products; all that are named have to fit, as in the list of products."""

    status = serializers.ChoiceField(choices=Product.Status.choices, required=False)
    vendor = Text(max_length=255, required=False)
    type = Text(max_length=255, required=False)
    handle = Text(max_length=255, required=False)
    updated_since = serializers.DateTimeField(required=False)
    q = Text(max_length=255, required=False, help_text="Words as in the list of products, or a whole SKU.")


@shown(examples.EXPORT_WRITE, request_only=True)
class ExportWriteSerializer(StrictSerializer):
    """A file to be written."""

    format = serializers.ChoiceField(choices=Import.Format.choices)
    filters = ExportFiltersSerializer(required=False, default=dict)


@shown(examples.EXPORT, response_only=True)
class ExportSerializer(serializers.Serializer[Any]):
    """A file that was asked for, and how far it has been written."""

    id = serializers.UUIDField()
    format = serializers.ChoiceField(choices=Import.Format.choices)
    filters = serializers.DictField(child=serializers.CharField())
    status = serializers.ChoiceField(choices=Export.Status.choices)
    products_total = serializers.IntegerField()
    products_done = serializers.IntegerField()
    variants_done = serializers.IntegerField(help_text="Those that are in the file.")
    left_out = serializers.IntegerField(help_text="Products and variants that the format cannot say.")
    bytes = serializers.IntegerField()
    percent = serializers.IntegerField(min_value=0, max_value=100, help_text="Of the products.")
    rows_per_second = serializers.FloatField(
        allow_null=True, help_text="Products. null: none is written yet."
    )
    eta_seconds = serializers.FloatField(allow_null=True, help_text="Until the end, at this pace.")
    error = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True, help_text="The file is kept until then.")
