"""Bodies of feeds that are fetched, and of the times they were."""

from typing import Any

from rest_framework import serializers

from catalog import examples
from catalog.models import FeedFetch, FeedSource
from catalog.serializers.showing import shown
from commerce.strict import Flag, StrictSerializer, Text, Whole


@shown(examples.FEED_SOURCE_WRITE, request_only=True)
class FeedWriteSerializer(StrictSerializer):
    """A feed to be fetched: every so many minutes, or daily at an hour."""

    url = Text(max_length=1000, help_text="https, at a public name, without a password in it.")
    every_minutes = Whole(min_value=15, max_value=10_080, required=False, allow_null=True, default=None)
    daily_at_hour = Whole(
        min_value=0, max_value=23, required=False, allow_null=True, default=None, help_text="In UTC."
    )
    username = Text(max_length=200, required=False, allow_blank=True, default="")
    password = Text(
        max_length=200,
        required=False,
        allow_blank=True,
        default="",
        write_only=True,
        help_text="Never shown.",
    )
    enabled = Flag(required=False, default=True)


class FeedChangeSerializer(StrictSerializer):
    """What shall change of a feed; the rest stays. Another address has no password until one is sent."""

    url = Text(max_length=1000, required=False)
    every_minutes = Whole(min_value=15, max_value=10_080, required=False, allow_null=True)
    daily_at_hour = Whole(min_value=0, max_value=23, required=False, allow_null=True)
    username = Text(max_length=200, required=False, allow_blank=True)
    password = Text(max_length=200, required=False, allow_blank=True)
    enabled = Flag(required=False)


@shown(examples.FEED_FETCH, response_only=True)
class FeedFetchSerializer(serializers.Serializer[Any]):
    """One time that a feed was fetched."""

    id = serializers.UUIDField()
    outcome = serializers.ChoiceField(choices=FeedFetch.Outcome.choices)
    code = serializers.CharField(allow_blank=True, help_text="Why it failed.")
    reason = serializers.CharField(allow_blank=True)
    status = serializers.IntegerField(allow_null=True, help_text="What the host answered.")
    bytes = serializers.IntegerField()
    job = serializers.UUIDField(allow_null=True, help_text="The import of what came.")
    started_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


@shown(examples.FEED_SOURCE, response_only=True)
class FeedSerializer(serializers.Serializer[Any]):
    """A feed that is fetched."""

    id = serializers.UUIDField()
    url = serializers.CharField()
    every_minutes = serializers.IntegerField(allow_null=True)
    daily_at_hour = serializers.IntegerField(allow_null=True)
    username = serializers.CharField(allow_blank=True)
    has_password = serializers.BooleanField()
    enabled = serializers.BooleanField()
    off_reason = serializers.ChoiceField(choices=FeedSource.Off.choices, allow_blank=True)
    failures = serializers.IntegerField(help_text="In a row; at 10 it is turned off.")
    due_at = serializers.DateTimeField(allow_null=True, help_text="When it is fetched next; null: it is off.")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
