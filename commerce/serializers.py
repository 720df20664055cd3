"""What accounts, addresses and cards look like over HTTP."""

from typing import Any

from rest_framework import serializers

from commerce.models import Address, Card, User


class SignUpSerializer(serializers.Serializer[Any]):
    """What a new shopper sends."""

    email = serializers.EmailField(max_length=254)
    name = serializers.CharField(max_length=80, help_text="Shown in chat and to merchants.")
    password = serializers.CharField(max_length=128, trim_whitespace=False, write_only=True)


class SignInSerializer(serializers.Serializer[Any]):
    """What somebody who signs in sends."""

    email = serializers.CharField(max_length=254)
    password = serializers.CharField(max_length=128, trim_whitespace=False, write_only=True)


class PasswordSerializer(serializers.Serializer[Any]):
    """A changed password."""

    old = serializers.CharField(max_length=128, trim_whitespace=False, write_only=True)
    new = serializers.CharField(max_length=128, trim_whitespace=False, write_only=True)


class NameSerializer(serializers.Serializer[Any]):
    """A changed name."""

    name = serializers.CharField(max_length=80)


class MeSerializer(serializers.ModelSerializer[User]):
    """The signed-in user."""

    is_host = serializers.SerializerMethodField(help_text="May enter the studio.")

    class Meta:
        model = User
        fields = ("id", "email", "name", "is_host")

    def get_is_host(self, user: User) -> bool:
        host = getattr(user, "host", None)
        return host is not None and host.is_active


class AddressSerializer(serializers.ModelSerializer[Address]):
    """Where parcels go."""

    country = serializers.CharField(min_length=2, max_length=2, help_text="ISO 3166-1 alpha-2, such as DE.")
    is_default = serializers.BooleanField(
        default=True,
        help_text="Parcels go here unless said otherwise. The only address always is the default.",
    )

    class Meta:
        model = Address
        fields = (
            "id",
            "name",
            "line1",
            "line2",
            "city",
            "postal_code",
            "country",
            "phone",
            "email",
            "is_default",
        )
        read_only_fields = ("id",)
        # The one-default constraint is kept by the verb, which moves the flag.
        validators = ()


class CardSerializer(serializers.ModelSerializer[Card]):
    """A saved card, as its owner may see it."""

    class Meta:
        model = Card
        fields = ("id", "brand", "last4", "exp_month", "exp_year", "is_default")


class SetupSerializer(serializers.Serializer[Any]):
    """What the page needs to let the buyer type a card into the provider's own form."""

    client_secret = serializers.CharField()
    sheet_url = serializers.CharField(
        allow_null=True, help_text="Address of the simulator's card form; null with the real provider."
    )
    publishable_key = serializers.CharField(
        allow_null=True, help_text="For the provider's script; null with the simulator."
    )


class CardDoneSerializer(serializers.Serializer[Any]):
    """Which card form was filled in."""

    setup_intent = serializers.CharField(max_length=255, help_text="Id of the SetupIntent, such as seti_...")
