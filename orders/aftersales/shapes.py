"""What cancelling, refunds, returns and disputes look like over HTTP."""

from typing import Any

from rest_framework import serializers

from commerce import strict
from commerce.models import Merchant
from commerce.money import Money
from orders import claims
from orders.models import Refund, Return
from orders.serializers.asked import MoneySerializer
from orders.serializers.shown import RefundedLineSerializer, RefundSerializer
from streams.bodies import unix_ms


class UnitsSerializer(strict.StrictSerializer):
    """Units of an order line."""

    line = serializers.UUIDField()
    quantity = strict.Whole(min_value=1, max_value=99)


class CancelSerializer(strict.StrictSerializer):
    """Why a buyer cancels."""

    reason = strict.Text(max_length=200, required=False, allow_blank=True, default="")


class AskReturnSerializer(strict.StrictSerializer):
    """What a buyer wants to send back, and why."""

    lines = UnitsSerializer(many=True, allow_empty=False)
    reason = serializers.ChoiceField(choices=Return.Reason.choices)
    note = strict.Text(max_length=500, required=False, allow_blank=True, default="")


class RefundSetSerializer(strict.StrictSerializer):
    """What is given back: units, units for a smaller amount, an amount alone; or, without both, all of it.

    A list of no lines is refused: whoever computed it did not mean all of them.
    """

    lines = UnitsSerializer(many=True, required=False, allow_empty=False, default=list)
    amount = MoneySerializer(required=False, allow_null=True, default=None)
    restock = strict.Flag(required=False, default=False, help_text="Put the units on sale again.")
    reason = strict.Text(max_length=200)


class MerchantCancelSerializer(strict.StrictSerializer):
    """Why a merchant cancels."""

    reason = strict.Text(max_length=200)
    restock = strict.Flag(required=False, default=True, help_text="Put the units on sale again.")


class ClaimAnswerSerializer(strict.StrictSerializer):
    """What the buyer is told."""

    answer = strict.Text(max_length=200, required=False, allow_blank=True, default="")


class ReturnRefundSerializer(strict.StrictSerializer):
    """What is given back for a return: what its units cost, unless a smaller amount is named."""

    amount = MoneySerializer(required=False, allow_null=True, default=None)
    restock = strict.Flag(required=False, default=False, help_text="Put the units on sale again.")


class WindowsSerializer(serializers.ModelSerializer[Merchant]):
    """Until when buyers may cancel by themselves, and send back."""

    class Meta:
        model = Merchant
        fields = ("cancel_seconds", "return_days")


class WindowsSetSerializer(strict.StrictSerializer):
    """Until when buyers may cancel by themselves, and send back."""

    cancel_seconds = strict.Whole(
        min_value=0, max_value=604_800, help_text="From paying on, before it is shipped; 0: never."
    )
    return_days = strict.Whole(min_value=0, max_value=3650, help_text="From shipping on; 0: never.")


class MerchantRefundSerializer(RefundSerializer):
    """A refund, as its merchant sees it."""

    order = serializers.UUIDField()
    lines = RefundedLineSerializer(many=True)


def merchant_refund(row: Refund) -> claims.Body:
    """Return the body of a refund that was read with its lines, for its merchant."""
    decided = row
    while decided.again_of is not None:  # One that is sent anew has its lines from the one that failed.
        decided = decided.again_of
    return {
        **claims.refund(row),
        "order": str(row.order_id),
        "lines": [
            {
                "line": str(each.line_id),
                "quantity": each.quantity,
                "refunded": {"amount": each.amount, "currency": row.currency},
            }
            for each in decided.lines.all()
        ],
    }


class DisputeSerializer(serializers.Serializer[Any]):
    """A charge that the buyer's bank wants back. Of a purchase from several merchants it is the whole."""

    id = serializers.UUIDField()
    order = serializers.UUIDField()
    amount = MoneySerializer()
    reason = serializers.CharField()
    status = serializers.CharField(help_text="As the payment provider has it: needs_response, won, lost, ...")
    due_at = serializers.IntegerField(allow_null=True, help_text="Unix milliseconds; evidence until then.")
    yours = MoneySerializer(help_text="What it took of what you are owed.")
    created_at = serializers.IntegerField(help_text="Unix milliseconds.")


def dispute(row: Any) -> claims.Body:
    """Return the body of a dispute that was read for its merchant."""
    return {
        "id": str(row.id),
        "order": str(row.order_id),
        "amount": Money(row.amount, row.currency).as_dict(),
        "reason": row.reason,
        "status": row.status,
        "due_at": unix_ms(row.due_at) if row.due_at else None,
        "yours": Money(row.yours, row.currency).as_dict(),
        "created_at": unix_ms(row.created_at),
    }
