"""Bodies of feeds and of what was wrong in them."""

from typing import Any

from rest_framework import serializers

from catalog import examples
from catalog.models import Import
from catalog.serializers.showing import shown


@shown(examples.IMPORT, response_only=True)
class ImportSerializer(serializers.Serializer[Any]):
    """A feed that was sent, and how far it has been read."""

    id = serializers.UUIDField()
    filename = serializers.CharField(allow_blank=True)
    sha256 = serializers.CharField(help_text="Of the bytes that were sent.")
    format = serializers.ChoiceField(choices=Import.Format.choices, help_text="As its first bytes say.")
    dry_run = serializers.BooleanField(help_text="true: nothing was changed; the counts say what would be.")
    status = serializers.ChoiceField(choices=Import.Status.choices)
    rows_total = serializers.IntegerField()
    rows_done = serializers.IntegerField()
    bytes_total = serializers.IntegerField()
    percent = serializers.IntegerField(min_value=0, max_value=100, help_text="Of the bytes.")
    rows_per_second = serializers.FloatField(allow_null=True, help_text="null: nothing was read yet.")
    eta_seconds = serializers.FloatField(allow_null=True, help_text="Until the end, at this pace.")
    products_created = serializers.IntegerField()
    products_updated = serializers.IntegerField(help_text="Those that differ now.")
    products_unchanged = serializers.IntegerField()
    variants_created = serializers.IntegerField()
    variants_updated = serializers.IntegerField(help_text="Those that differ now, price and stock included.")
    variants_unchanged = serializers.IntegerField()
    skipped = serializers.IntegerField(help_text="Rows, variants and pictures that were left out.")
    problems = serializers.IntegerField(help_text="How many; they are listed at /problems.")
    error = serializers.CharField(allow_blank=True, help_text="Why it failed as a whole.")
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)


@shown(examples.PROBLEM, response_only=True)
class ImportProblemSerializer(serializers.Serializer[Any]):
    """One thing that was wrong in a row of a feed."""

    line = serializers.IntegerField(help_text="Line of the file; the header is 1.")
    column = serializers.CharField(allow_blank=True)
    code = serializers.CharField()
    value = serializers.CharField(allow_blank=True, help_text="What the cell says.")
    message = serializers.CharField()
    skipped = serializers.BooleanField(
        help_text="true: the row, variant or picture was left out. false: it was taken with a default."
    )
