"""Shows who would be paid what and why, and pays them unless it is asked to be dry."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from commerce import clock, gateway
from orders.payouts import paying, planning, sending


class Command(BaseCommand):
    help = "Pay merchants and hosts what they have earned; with --dry-run only say what, and why (not)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say what would be paid, and pay nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print how every payee stands, and write down and send what is due."""
        dues = planning.of_all()
        for due in dues:
            self.stdout.write(
                f"{due.why:<14}{due.money(due.amount)!s:>18}  {due.name or due.payee}"
                f"  (pending {due.money(due.pending)}, payable {due.money(due.payable)},"
                f" under way {due.money(due.under_way)})"
            )
        ready = [due for due in dues if due.why == "ready"]
        if options["dry_run"]:
            self.stdout.write(f"{len(ready)} of {len(dues)} would be paid. Nothing was done.")
            return
        begun = paying.begin_all(now=clock.database_now())
        for payout in begun:
            try:
                sending.send_all(payout_id=payout.id, now=clock.database_now())
            except gateway.Unavailable:
                self.stderr.write("The provider is away. What is left is sent by the sweep.")
                break
        self.stdout.write(f"{len(begun)} payouts begun.")
