"""Makes up an assortment of any size: straight into the database, or as a feed to be imported."""

import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError
from django.utils import timezone

from catalog.assortments import feeds, goods, loading
from catalog.feeds.formats.writing import WRITERS
from commerce.models import Merchant


class Command(BaseCommand):
    help = "Make up products of a merchant, the same for the same seed: into the database, or into a feed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--variants", type=int, required=True, help="how many altogether")
        parser.add_argument("--merchant", required=True, help="the merchant's slug")
        parser.add_argument("--seed", type=int, default=1, help="another one makes other goods (1)")
        parser.add_argument("--file", type=Path, help="write a feed there instead")
        parser.add_argument("--format", choices=list(WRITERS), default="jsonl", help="of the feed (jsonl)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write it, and say how far it is."""
        merchant = Merchant.objects.filter(slug=options["merchant"]).first()
        if merchant is None:
            raise CommandError(f"There is no merchant {options['merchant']!r}.")
        if options["variants"] < 1 or options["seed"] < 0:
            raise CommandError("--variants has to be 1 or more, --seed 0 or more.")
        made = goods.made_up(variants=options["variants"], currency=merchant.currency, seed=options["seed"])
        if path := options["file"]:
            writer = WRITERS[options["format"]](merchant.currency)
            with path.open("w", encoding="utf-8", newline="") as file:
                count = feeds.write(made, to=file, writer=writer, now=timezone.now())
            self.stdout.write(f"{count:,} variants are in {path}, {path.stat().st_size:,} bytes.")
            return
        begun, done, told = time.monotonic(), 0, 0.0
        try:
            for count in loading.load(merchant_id=merchant.pk, goods=made, now=timezone.now()):
                done += count
                seconds = time.monotonic() - begun
                if seconds - told >= 10 or done == options["variants"]:
                    told = seconds
                    self.stdout.write(f"{done:,} variants, {done / seconds:,.0f} a second")
        except IntegrityError as error:
            again = "Goods of this seed are there already; another --seed makes others."
            raise CommandError(f"{again} {done:,} variants were added. {error}") from error
        loading.analyze()
        self.stdout.write(f"{done:,} variants of {merchant.slug} after {time.monotonic() - begun:.0f} s.")
