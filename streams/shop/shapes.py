"""What goods and shows look like to shoppers who look around."""

from typing import Any

from rest_framework import serializers

from catalog.browsing import LOOKED_AT, MOST_VALUES
from catalog.models import CategoryAttribute
from catalog.serializers.taxonomy import Attributes
from catalog.storefront import FEW
from commerce.strict import StrictSerializer


class ShopMoneySerializer(serializers.Serializer[Any]):
    """Minor units of a currency."""

    amount = serializers.IntegerField()
    currency = serializers.CharField()


class ShopMerchantNameSerializer(serializers.Serializer[Any]):
    """Who sells it."""

    slug = serializers.CharField()
    name = serializers.CharField()


class ShopCategorySerializer(serializers.Serializer[Any]):
    """Where a product belongs."""

    code = serializers.CharField(help_text="Lists are narrowed by it: `category=`.")
    name = serializers.CharField()
    path = serializers.CharField(help_text="The codes from the root to it, with / between them.")


class ShopBranchSerializer(ShopCategorySerializer):
    """A category that has something on sale, there or below it."""

    parent = serializers.CharField(  # type: ignore[assignment]  # DRF takes the fields out of the class
        allow_null=True, help_text="Code of the one above it; null: it is at the top."
    )


class FacetValueSerializer(serializers.Serializer[Any]):
    """Something that goods say, and how many do."""

    value = serializers.CharField(help_text="As `attribute=` takes it, behind the code and a colon.")
    products = serializers.IntegerField(help_text="Of those that were looked at.")


class FacetSerializer(serializers.Serializer[Any]):
    """What goods of a category say about one thing."""

    code = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=CategoryAttribute.Kind.choices)
    unit = serializers.CharField(help_text="Of a number; may be empty.")
    values = FacetValueSerializer(many=True, help_text=f"What most say first; {MOST_VALUES} at most.")


class ShopShelfSerializer(ShopBranchSerializer):
    """A category with what is around it, and what its goods can be narrowed by."""

    above = ShopCategorySerializer(many=True, help_text="From the top down to the one above it.")
    below = ShopCategorySerializer(many=True, help_text="Directly below it, with something on sale.")
    looked_at = serializers.IntegerField(
        help_text=f"How many products `facets` are counted among: {LOOKED_AT:,} at most, the newest on sale."
    )
    facets = FacetSerializer(many=True, help_text="Of what the category, or one above it, defines.")


class ShopOfferSerializer(serializers.Serializer[Any]):
    """A live-only price."""

    id = serializers.UUIDField()
    price = ShopMoneySerializer()
    reference = ShopMoneySerializer(
        allow_null=True,
        help_text="What may be struck through: the lowest price of the 30 days before, where it is recorded.",
    )
    variant = serializers.UUIDField(allow_null=True, help_text="null: every variant.")
    ends_at = serializers.DateTimeField()


class ShopOfferHadSerializer(ShopOfferSerializer):
    """An offer that a show has or had."""

    status = serializers.ChoiceField(choices=["announced", "open", "ended"])
    opens_at = serializers.DateTimeField()


class LiveNowSerializer(serializers.Serializer[Any]):
    """A live show that the product is in now."""

    stream = serializers.UUIDField()
    title = serializers.CharField()
    host = serializers.CharField()
    address = serializers.CharField(help_text="Path of the show's page.")
    since = serializers.DateTimeField(help_text="Since when the show is live.")
    pinned_since = serializers.DateTimeField(
        allow_null=True, help_text="Since when the host is showing it; null: it is in the showcase."
    )
    offer = ShopOfferSerializer(allow_null=True)


class ShopProductSerializer(serializers.Serializer[Any]):
    """A product in a list."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    vendor = serializers.CharField()
    type = serializers.CharField()
    category = ShopCategorySerializer(allow_null=True)
    attributes = Attributes(help_text="What is said of it, by code; lists are narrowed by `attribute=`.")
    merchant = ShopMerchantNameSerializer()
    image = serializers.CharField(allow_null=True, help_text="Address of its first picture.")
    price = ShopMoneySerializer(help_text="Of its cheapest variant.")
    price_to = ShopMoneySerializer(help_text="Of its dearest variant.")
    stock = serializers.ChoiceField(choices=["yes", "few", "no"], help_text=f"few: {FEW} at most.")
    live_now = LiveNowSerializer(many=True)


class ShopImageSerializer(serializers.Serializer[Any]):
    """A picture."""

    url = serializers.CharField()
    alt = serializers.CharField()


class ShopVariantSerializer(serializers.Serializer[Any]):
    """What is bought."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    options = serializers.DictField(child=serializers.CharField())
    price = ShopMoneySerializer()
    stock = serializers.ChoiceField(choices=["yes", "few", "no"])
    release_at = serializers.DateTimeField(allow_null=True, help_text="A pre-order before then.")
    opens_at = serializers.DateTimeField(allow_null=True, help_text="From when on it can be ordered.")


class ShopProductWholeSerializer(ShopProductSerializer):
    """A product with all that is shown of it."""

    description = serializers.CharField()
    language = serializers.CharField(help_text="What it is described in; empty: not said.")
    tags = serializers.ListField(child=serializers.CharField())
    options = serializers.ListField(child=serializers.CharField())
    images = ShopImageSerializer(many=True)
    variants = ShopVariantSerializer(many=True)


class ShopHostSerializer(serializers.Serializer[Any]):
    """Who hosts it."""

    name = serializers.CharField()
    slug = serializers.CharField()
    avatar = serializers.CharField(help_text="Address of her picture; may be empty.")


class ShopStreamSerializer(serializers.Serializer[Any]):
    """A show."""

    id = serializers.UUIDField()
    slug = serializers.CharField()
    title = serializers.CharField()
    status = serializers.ChoiceField(choices=["scheduled", "live", "ended"])
    host = ShopHostSerializer()
    poster = serializers.CharField(help_text="Address of its picture; may be empty.")
    address = serializers.CharField(help_text="Path of its page.")
    starts_at = serializers.DateTimeField(help_text="When it is planned to begin.")
    live_at = serializers.DateTimeField(allow_null=True, help_text="Zero of the stream clock.")
    ended_at = serializers.DateTimeField(allow_null=True)


class MomentSerializer(serializers.Serializer[Any]):
    """From when to when the host showed it."""

    from_ms = serializers.IntegerField(help_text="Milliseconds on the stream clock.")
    to_ms = serializers.IntegerField(allow_null=True, help_text="null: she still does.")
    from_at = serializers.DateTimeField()
    to_at = serializers.DateTimeField(allow_null=True)


class ShopShowSerializer(ShopStreamSerializer):
    """A show of a product."""

    moments = MomentSerializer(many=True)
    offers = ShopOfferHadSerializer(many=True)


class ShopMerchantSerializer(ShopMerchantNameSerializer):
    """A merchant."""

    logo = serializers.CharField(help_text="Address of its picture; may be empty.")
    live_now = ShopStreamSerializer(many=True, help_text="Live shows that have its goods.")


class TypedSerializer(StrictSerializer):
    """What is typed so far."""

    q = serializers.CharField(min_length=2, max_length=100)


class SuggestionsSerializer(serializers.Serializer[Any]):
    """Titles that the text may be the beginning of."""

    suggestions = serializers.ListField(child=serializers.CharField())
