"""Bodies of pictures."""

from typing import Any

from rest_framework import serializers

from catalog import examples
from catalog.models import ProductImage
from catalog.serializers.showing import shown
from commerce.strict import StrictSerializer, Text, Whole


class FileSerializer(serializers.Serializer[Any]):
    """A file of ours: WebP, never changed."""

    url = serializers.CharField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()


class ImageProblemSerializer(serializers.Serializer[Any]):
    """Why a picture is not there."""

    code = serializers.CharField()
    reason = serializers.CharField()


class ImageSerializer(serializers.Serializer[Any]):
    """A picture of a product, and what we have of it."""

    id = serializers.UUIDField()
    url = serializers.CharField(help_text="As you named it; of an upload, where our file is or will be.")
    alt = serializers.CharField(allow_blank=True)
    position = serializers.IntegerField(help_text="Its place, from 1.")
    state = serializers.ChoiceField(choices=ProductImage.State.choices)
    width = serializers.IntegerField(allow_null=True, help_text="Of our largest file.")
    height = serializers.IntegerField(allow_null=True)
    files = FileSerializer(many=True, help_text="The largest first; none before it is ready.")
    problem = ImageProblemSerializer(
        allow_null=True, help_text="Why it failed, or, while it waits, why the last try did."
    )


@shown(examples.LISTED_IMAGE, response_only=True)
class ListedImageSerializer(ImageSerializer):
    """A picture with its product."""

    product = serializers.UUIDField()
    retry_at = serializers.DateTimeField(allow_null=True, help_text="When it is tried next, while it waits.")


class ImageChangeSerializer(StrictSerializer):
    """What shall change of a picture; what is left out stays."""

    alt = Text(max_length=500, required=False, allow_blank=True)
    position = Whole(min_value=1, max_value=1000, required=False, help_text="Past the end is the end.")


class UploadSerializer(StrictSerializer):
    """What is said of a picture that is uploaded."""

    alt = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")
    position = serializers.IntegerField(min_value=1, max_value=1000, required=False)
