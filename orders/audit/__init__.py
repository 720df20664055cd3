"""The auditor: what the database shows of the promises, in plain SQL, so that no verb's mistake can hide."""

from collections.abc import Iterable

from django.db import connection, transaction

from orders.audit.charges import CHARGES
from orders.audit.checks import Check, Finding
from orders.audit.debts import DEBTS
from orders.audit.earned import EARNED
from orders.audit.ends import ENDS
from orders.audit.goods import COUPONS, STOCK, TRADE
from orders.audit.hosts import HOSTS
from orders.audit.money import MONEY
from orders.audit.work import WORK

SHOWN = 5  # Broken rows that are named per check.
CHECKS: tuple[Check, ...] = (
    *STOCK,
    *COUPONS,
    *TRADE,
    *MONEY,
    *CHARGES,
    *EARNED,
    *HOSTS,
    *DEBTS,
    *WORK,
    *ENDS,
)


def run(checks: Iterable[Check] | None = None) -> list[Finding]:
    """Return what each check finds, all in one snapshot of the database."""
    findings = []
    with transaction.atomic(), connection.cursor() as cursor:
        if len(connection.savepoint_ids) == 0:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        for check in CHECKS if checks is None else checks:
            cursor.execute(check.looked_at)
            looked_at = int(cursor.fetchone()[0])
            cursor.execute(f"SELECT count(*) FROM ({check.broken}) AS broken")
            broken = int(cursor.fetchone()[0])
            examples = []
            if broken:
                cursor.execute(f"{check.broken} LIMIT {SHOWN}")
                examples = [str(row[0]) for row in cursor.fetchall()]
            findings.append(Finding(check.name, check.rule, looked_at, broken, examples))
    return findings
