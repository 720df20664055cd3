#!/usr/bin/env python
"""Django's commands; with no database configured the embedded servers run for as long as the command does."""

import os
import sys

from django.core.management import execute_from_command_line

from config import embedded
from config.children import CannotStart

# These look at no server.
SERVERLESS = {
    "",
    "help",
    "version",
    "--help",
    "--version",
    "-h",
    "makemigrations",
    "spectacular",
    "collectstatic",
}


def main() -> None:
    """Run one command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    if command in SERVERLESS or embedded.configured_elsewhere():
        execute_from_command_line(sys.argv)
        return
    try:
        with embedded.available():
            execute_from_command_line(sys.argv)
    except CannotStart as error:
        sys.exit(f"manage.py {command}: {error}")


if __name__ == "__main__":
    main()
