"""Checks what the database can show of the promises and exits with 1 when anything is off."""

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from orders import audit


class Command(BaseCommand):
    help = "Check stock, holds, payments, ledger, outbox and stuck work; exits with 1 when anything is off."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the findings as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print one line per check, and what is broken."""
        findings = audit.run()
        bad = [finding for finding in findings if finding.broken]
        if options["json"]:
            self.stdout.write(json.dumps([asdict(finding) for finding in findings], indent=2))
        else:
            for finding in findings:
                mark = self.style.ERROR("BAD") if finding.broken else self.style.SUCCESS("ok ")
                self.stdout.write(f"{mark}  {finding.looked_at:>9,}  {finding.name:<24}  {finding.rule}")
                for example in finding.examples:
                    self.stdout.write(f"                 - {example}")
                if finding.broken > len(finding.examples):
                    self.stdout.write(f"                 - and {finding.broken - len(finding.examples)} more")
            self.stdout.write(
                f"{len(findings)} checks, {len(bad)} BAD." if bad else f"{len(findings)} checks, all ok."
            )
        if bad:
            sys.exit(1)
