"""Commission: divided among the hosts of a show at the sale, and borne by them when it goes back."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import F

from commerce import ids, ledger, money
from orders import pricing
from orders.models import Commission, CommissionBack, DisputeLine, OrderLine, Payout, RefundLine
from streams import cohosts


def of_sale(sold: Iterable[tuple[OrderLine, datetime]]) -> dict[UUID, list[Commission]]:
    """Return what each host earns by lines that were bought at these moments, by the line's id; nothing is
    saved.

    The host of the show is first. Nothing is earned by what was bought outside of a show.
    """
    shown = [
        (line, line.host_id, line.stream_id, at)
        for line, at in sold
        if line.host_id is not None and line.stream_id is not None
    ]
    agreed = cohosts.of_sales({(stream_id, at) for _, _, stream_id, at in shown})
    return {
        line.id: _divided(line, host_id, stream_id, agreed[stream_id, at])
        for line, host_id, stream_id, at in shown
    }


def take_back(parts: Sequence[RefundLine | DisputeLine]) -> None:
    """Divide what these parts take of lines' commission among the hosts who still have some, pro rata.

    The caller has locked the purchase and saved the parts. All of it taken makes a commission reversed.
    """
    theirs = _of_lines({part.line_id for part in parts})
    backs: list[CommissionBack] = []
    for part in parts:
        if not part.host_amount:
            continue
        hosts = theirs[part.line_id]
        left = [each.amount - each.reversed_amount for each in hosts]
        for commission, amount in zip(hosts, money.share(part.host_amount, left), strict=True):
            if amount:
                commission.reversed_amount += amount
                backs.append(_back(commission, part, amount))
    CommissionBack.objects.bulk_create(backs)
    for back in backs:
        row = Commission.objects.filter(pk=back.commission_id)
        row.update(reversed_amount=F("reversed_amount") + back.amount)
    _judge([back.commission_id for back in backs])


def give_back(parts: Iterable[DisputeLine]) -> None:
    """Give hosts back what a bank had taken of their commission and has given back; the caller has locked
    the purchase.
    """
    backs = list(CommissionBack.objects.filter(dispute_line__in=list(parts)).order_by("commission"))
    for back in backs:
        row = Commission.objects.filter(pk=back.commission_id)
        row.update(reversed_amount=F("reversed_amount") - back.amount)
    _judge([back.commission_id for back in backs])


def give_part_back(part: DisputeLine, amount: int) -> None:
    """Give hosts back so much (minor units) of what a bank had taken of their commission by a line, pro rata;
    what they still bear of it is left. The caller has locked the purchase.
    """
    if not amount:
        return
    backs = list(CommissionBack.objects.filter(dispute_line=part).order_by("commission"))
    for back, less in zip(backs, money.share(amount, [each.amount for each in backs]), strict=True):
        row = Commission.objects.filter(pk=back.commission_id)
        row.update(reversed_amount=F("reversed_amount") - less)
        back.amount -= less
        if back.amount:
            back.save(update_fields=["amount"])
        else:
            back.delete()
    _judge([back.commission_id for back in backs])


def borne(parts: Sequence[RefundLine | DisputeLine]) -> Counter[str]:
    """Return what hosts' accounts give back for these parts: what was earned, of what may be paid out."""
    rows = CommissionBack.objects.select_related("commission")
    refunds = [part.pk for part in parts if isinstance(part, RefundLine)]
    disputes = [part.pk for part in parts if isinstance(part, DisputeLine)]
    found: Counter[str] = Counter()
    for back in (*rows.filter(refund_line__in=refunds), *rows.filter(dispute_line__in=disputes)):
        account = ledger.host(back.commission.host_id)
        earned = back.commission.earned_at is not None
        found[ledger.payable(account) if earned else account] += back.amount
    return found


def _divided(
    line: OrderLine, host_id: UUID, stream_id: UUID, others: Sequence[cohosts.Part]
) -> list[Commission]:
    sold = pricing.shares(line.base, host_bp=line.host_commission_bp, platform_bp=line.platform_fee_bp)
    hosts = [(host_id, pricing.rest_bp([each.share_bp for each in others]))]
    hosts += [(each.host_id, each.share_bp) for each in others]
    parts = money.share(sold.host, [share_bp for _, share_bp in hosts])
    return [
        Commission(
            id=ids.new(),
            line=line,
            host_id=whose,
            stream_id=stream_id,
            rate_bp=line.host_commission_bp,
            share_bp=share_bp,
            base_amount=line.base,
            amount=amount,
            currency=line.currency,
        )
        for (whose, share_bp), amount in zip(hosts, parts, strict=True)
    ]


def _of_lines(line_ids: Iterable[UUID]) -> dict[UUID, list[Commission]]:
    theirs: dict[UUID, list[Commission]] = defaultdict(list)
    for commission in Commission.objects.filter(line__in=list(line_ids)).order_by("id"):
        theirs[commission.line_id].append(commission)
    return theirs


def _back(commission: Commission, part: RefundLine | DisputeLine, amount: int) -> CommissionBack:
    if isinstance(part, RefundLine):
        return CommissionBack(commission=commission, refund_line=part, amount=amount)
    return CommissionBack(commission=commission, dispute_line=part, amount=amount)


def _judge(commission_ids: Iterable[UUID]) -> None:
    """Make reversed what nothing is left of, and again what it was what a bank has given back."""
    rows = Commission.objects.filter(pk__in=list(commission_ids), amount__gt=0)
    rows.filter(reversed_amount=F("amount")).update(status=Commission.Status.REVERSED)
    again = rows.filter(reversed_amount__lt=F("amount"), status=Commission.Status.REVERSED)
    # Locked, as one that ends just now makes paid what is earned by then.
    payouts = Payout.objects.select_for_update(no_key=True, of=("self",)).order_by("id")
    its = payouts.in_bulk(set(again.exclude(payout=None).values_list("payout", flat=True)))
    arrived = [each.pk for each in its.values() if each.status in (Payout.Status.PAID, Payout.Status.PARTLY)]
    again.filter(earned_at=None).update(status=Commission.Status.PENDING)
    again.filter(payout__in=arrived).update(status=Commission.Status.PAID)
    again.update(status=Commission.Status.EARNED)
