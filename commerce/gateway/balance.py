"""The provider's own bookkeeping: every movement of money on our account there."""

from collections.abc import Iterator
from datetime import UTC, datetime

from stripe import params

from commerce.gateway import connection, values
from commerce.gateway.answers import Movement
from commerce.gateway.failures import translated
from commerce.money import Money


def movements_since(since: datetime) -> Iterator[Movement]:
    """Yield what moved since a time, newest first, page by page. Raises Unavailable, Refused, also in the
    middle.
    """
    wanted: params.BalanceTransactionListParams = {
        "created": {"gte": int(since.timestamp())},
        "limit": 100,
    }
    with translated(reading=True):
        for one in connection.client().balance_transactions.list(wanted).auto_paging_iter():
            currency = one.currency.upper()
            yield Movement(
                id=one.id,
                kind=one.type,
                source=values.id_of(one.source) or "",
                amount=Money(one.amount, currency),
                fee=Money(one.fee, currency),
                made_at=datetime.fromtimestamp(one.created, UTC),
            )
