import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from streams.frames import document
from streams.live import dispatch

PATH = "docs/asyncapi.yaml"


class Command(BaseCommand):
    help = f"Write {PATH} from the frames' types, or check that it is up to date."

    def add_arguments(self, parser: CommandParser) -> None:
        how = parser.add_mutually_exclusive_group(required=True)
        how.add_argument("--write", action="store_true")
        how.add_argument("--check", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        path = settings.BASE_DIR / PATH
        text = document.text(dispatch.described())
        if options["write"]:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            self.stderr.write(f"{PATH} is out of date; run: python manage.py asyncapi --write")
            sys.exit(1)
