"""What shows look like over HTTP."""

from typing import Any

from rest_framework import serializers


class ShowCardSerializer(serializers.Serializer[Any]):
    """A show in the list."""

    slug = serializers.CharField()
    title = serializers.CharField()
    status = serializers.ChoiceField(choices=["scheduled", "live", "ended"])
    host = serializers.CharField()
    avatar = serializers.CharField(help_text="Address of the host's picture; may be empty.")
    poster = serializers.CharField(help_text="Address of the show's picture; may be empty.")
    starts_at = serializers.DateTimeField()
    products = serializers.IntegerField(help_text="How many products are in the showcase.")
    viewers = serializers.IntegerField(help_text="How many watch now.")


class ShowsSerializer(serializers.Serializer[Any]):
    """The list of shows."""

    live = ShowCardSerializer(many=True, help_text="On now, most viewers first.")
    soon = ShowCardSerializer(many=True, help_text="Planned, the next first.")
    lately = ShowCardSerializer(many=True, help_text="Ended in the last days, the latest first.")


class PlaceSerializer(serializers.Serializer[Any]):
    """A place in the show's lane."""

    epoch = serializers.CharField()
    offset = serializers.IntegerField()


class RoomSnapshotSerializer(serializers.Serializer[Any]):
    """A show as it is now, and the place from which a socket may resume."""

    position = PlaceSerializer()
    server_ms = serializers.IntegerField(help_text="The server's clock, in Unix milliseconds.")
    snapshot = serializers.DictField(help_text="The body of the socket's `snapshot` frame.")


class CouponMoneySerializer(serializers.Serializer[Any]):
    """Minor units of a currency."""

    amount = serializers.IntegerField()
    currency = serializers.CharField()


class CouponMerchantSerializer(serializers.Serializer[Any]):
    """Whose goods a coupon is for."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class CouponSerializer(serializers.Serializer[Any]):
    """A coupon, as the socket's `coupon.opened` has it."""

    id = serializers.UUIDField()
    merchant = CouponMerchantSerializer()
    code = serializers.CharField()
    percent_bp = serializers.IntegerField(allow_null=True, help_text="Basis points off.")
    amount_off = CouponMoneySerializer(allow_null=True)
    min_amount = CouponMoneySerializer(allow_null=True, help_text="Least amount of the goods it is for.")
    quota = serializers.IntegerField()
    left = serializers.IntegerField(help_text="How many more may claim it.")
    per_buyer = serializers.IntegerField(help_text="How often who claimed it may use it.")
    starts_at = serializers.IntegerField(help_text="Unix milliseconds.")
    ends_at = serializers.IntegerField(help_text="Unix milliseconds.")
    status = serializers.ChoiceField(choices=["open", "ended"])


class CouponClaimSerializer(serializers.Serializer[Any]):
    """A coupon of one's own."""

    coupon = CouponSerializer()
    used = serializers.IntegerField()
    cap = serializers.IntegerField()
    claimed_at = serializers.IntegerField(help_text="Unix milliseconds.")


class TicketSerializer(serializers.Serializer[Any]):
    """A ticket for a `hello`."""

    ticket = serializers.CharField(help_text="Good for one hello, for 60 seconds.")
    socket_url = serializers.CharField(help_text="Where the show's socket is.")
    expires_in = serializers.IntegerField(help_text="Seconds.")


class RoomPlaceSerializer(serializers.Serializer[Any]):
    """A place in an offer's waiting room, as the socket's `waitingroom.enter` replies it."""

    offer = serializers.UUIDField()
    epoch = serializers.CharField(help_text="In another one numbers mean nothing: enter again.")
    number = serializers.IntegerField(allow_null=True, help_text="null: drawn when the offer opens.")
    waiting = serializers.IntegerField()
    admitted = serializers.IntegerField(help_text="Numbers up to this one have been let in.")
    opens_at = serializers.IntegerField(help_text="Unix milliseconds.")
    until = serializers.IntegerField(allow_null=True, help_text="One may buy until then, Unix milliseconds.")
