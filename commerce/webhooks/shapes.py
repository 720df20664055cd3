"""What merchants send and are shown of their webhooks."""

from typing import Any

import orjson
from django.conf import settings
from rest_framework import serializers

from commerce import strict
from commerce.models import WebhookDelivery, WebhookEndpoint
from commerce.outside import addresses
from commerce.webhooks import messages

Body = dict[str, Any]

TYPES = list(settings.WEBHOOK_EVENTS)
DAY = 86_400


class EndpointSerializer(serializers.Serializer[Any]):
    """Where a merchant's system is told what happens."""

    id = serializers.UUIDField()
    url = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    event_types = serializers.ListField(
        child=serializers.ChoiceField(choices=TYPES), help_text="None: all of them, also later ones."
    )
    enabled = serializers.BooleanField()
    off_reason = serializers.ChoiceField(
        choices=WebhookEndpoint.Off.choices, allow_null=True, help_text="Why it is off; null while it is on."
    )
    off_at = serializers.DateTimeField(allow_null=True)
    failing_since = serializers.DateTimeField(
        allow_null=True, help_text="The first failure behind the last success; null while all goes well."
    )
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class EndpointWriteSerializer(strict.StrictSerializer):
    """A new endpoint."""

    url = strict.Text(
        max_length=addresses.MAX_LENGTH, help_text="https, port 443 or 8443, on the public internet."
    )
    description = strict.Text(max_length=200, required=False, allow_blank=True, default="")
    event_types = serializers.ListField(
        child=serializers.ChoiceField(choices=TYPES),
        required=False,
        default=list,
        max_length=100,
        help_text="None: all of them, also later ones.",
    )


class EndpointChangeSerializer(strict.StrictSerializer):
    """What shall be another way; what is not named stays."""

    url = strict.Text(max_length=addresses.MAX_LENGTH, required=False)
    description = strict.Text(max_length=200, required=False, allow_blank=True)
    event_types = serializers.ListField(
        child=serializers.ChoiceField(choices=TYPES), required=False, max_length=100
    )
    enabled = strict.Flag(required=False, help_text="Turned on again it is sent what waited.")


class SecretSerializer(serializers.Serializer[Any]):
    """A secret that signs messages now."""

    secret = serializers.CharField(help_text="`whsec_...`, as the libraries of Standard Webhooks take it.")
    created_at = serializers.DateTimeField()
    valid_until = serializers.DateTimeField(allow_null=True, help_text="null: until it is rotated.")


class SecretsSerializer(serializers.Serializer[Any]):
    """The secrets of an endpoint, newest first; two while one takes over from the other."""

    secrets = SecretSerializer(many=True)


class RotateSerializer(strict.StrictSerializer):
    """How long the old secret signs beside the new one."""

    overlap_seconds = strict.Whole(min_value=0, max_value=7 * DAY, required=False, default=DAY)


class ReplaySerializer(strict.StrictSerializer):
    """What is sent again."""

    since = serializers.DateTimeField(help_text="What happened then or later.")
    delivered = strict.Flag(required=False, default=False, help_text="Also what was taken.")


class ReplayedSerializer(serializers.Serializer[Any]):
    """How many are sent again."""

    deliveries = serializers.IntegerField(min_value=0)


class DeliverySerializer(serializers.Serializer[Any]):
    """A message on its way to an endpoint."""

    id = serializers.UUIDField()
    endpoint = serializers.UUIDField()
    message = serializers.CharField(help_text="`webhook-id`, the same in all tries.")
    type = serializers.CharField()
    object = serializers.CharField(help_text="Messages about one object are sent in order.")
    status = serializers.ChoiceField(choices=WebhookDelivery.Status.choices)
    attempts = serializers.IntegerField(min_value=0)
    next_at = serializers.DateTimeField(
        allow_null=True, help_text="When it is tried next at the earliest; null when it is not."
    )
    last_status = serializers.IntegerField(allow_null=True)
    last_error = serializers.CharField(allow_blank=True, help_text="Why there was no answer.")
    occurred_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class TrySerializer(serializers.Serializer[Any]):
    """One try."""

    number = serializers.IntegerField()
    started_at = serializers.DateTimeField()
    milliseconds = serializers.IntegerField(allow_null=True)
    status = serializers.IntegerField(allow_null=True)
    error = serializers.CharField(allow_blank=True)
    answer = serializers.CharField(allow_blank=True, help_text="How your system's answer began.")


class WholeDeliverySerializer(DeliverySerializer):
    """A delivery with what was sent and every try."""

    payload = serializers.DictField(help_text="The JSON that is sent.")
    tries = TrySerializer(many=True)


def endpoint(row: WebhookEndpoint) -> Body:
    """Return the body of an endpoint."""
    return {
        "id": row.id,
        "url": row.url,
        "description": row.description,
        "event_types": row.event_types,
        "enabled": row.enabled,
        "off_reason": row.off_reason or None,
        "off_at": row.off_at,
        "failing_since": row.failing_since,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def delivery(row: WebhookDelivery) -> Body:
    """Return the body of a delivery that was read with its message."""
    return {
        "id": row.id,
        "endpoint": row.endpoint_id,
        "message": row.message.public_id,
        "type": row.message.type,
        "object": row.object_id,
        "status": row.status,
        "attempts": row.attempts,
        "next_at": row.due_at if row.status == WebhookDelivery.Status.PENDING else None,
        "last_status": row.last_status,
        "last_error": row.last_error,
        "occurred_at": row.message.occurred_at,
        "finished_at": row.finished_at,
    }


def whole(row: WebhookDelivery) -> Body:
    """Return the body of a delivery with its payload and tries."""
    tries = row.tries.order_by("number").values(
        "number", "started_at", "milliseconds", "status", "error", "answer"
    )
    return {**delivery(row), "payload": orjson.loads(row.message.body), "tries": list(tries)}


DELIVERY_TYPES = [(name, name) for name in (*TYPES, messages.TEST)]
