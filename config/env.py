"""The environment, read once and checked against its declaration in config/variables.py.

`python -m config.env --write` writes `.env.example` and `docs/settings.md` from it; `--check` compares.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from config.variables import COMPOSE, VARIABLES, Kind, Variable

ROOT = Path(__file__).resolve().parent.parent

BY_NAME: Mapping[str, Variable] = {variable.name: variable for variable in VARIABLES}


def _flag(variable: Variable, raw: str) -> bool:
    word = raw.lower()
    if word in ("1", "true", "yes", "on"):
        return True
    if word in ("0", "false", "no", "off"):
        return False
    raise ValueError("is neither true nor false")


def _number(variable: Variable, raw: str) -> int:
    try:
        value = int(raw)
    except ValueError:
        raise ValueError("is not a whole number") from None
    if variable.least is not None and value < variable.least:
        raise ValueError(f"is less than {variable.least}")
    if variable.most is not None and value > variable.most:
        raise ValueError(f"is more than {variable.most}")
    return value


def _text(variable: Variable, raw: str) -> str:
    if variable.choices and raw not in variable.choices:
        raise ValueError(f"is not one of {', '.join(variable.choices)}")
    return raw


def _url(variable: Variable, raw: str) -> str:
    if not raw:
        return raw
    try:
        parts = urlsplit(raw)
        parts.port  # noqa: B018  (raises on a port that is no number)
    except ValueError:
        raise ValueError("is not an address") from None
    if parts.scheme not in variable.schemes:
        raise ValueError(f"does not begin with {' or '.join(f'{scheme}://' for scheme in variable.schemes)}")
    if not (parts.hostname or parts.path.strip("/") or parts.query):
        raise ValueError("names no host")
    return raw


def _list(variable: Variable, raw: str) -> list[str]:
    words = [word.strip() for word in raw.split(",") if word.strip()]
    if variable.choices and (unknown := [word for word in words if word not in variable.choices]):
        raise ValueError(f"has {unknown[0]}, which is not one of {', '.join(variable.choices)}")
    return words


PARSERS: Mapping[Kind, Callable[[Variable, str], object]] = {
    "flag": _flag,
    "number": _number,
    "text": _text,
    "url": _url,
    "list": _list,
}


class Environment:
    """The declared variables, read and checked once; raises ImproperlyConfigured naming every wrong one."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._values: dict[str, object] = {}
        self._given: set[str] = set()
        problems: list[str] = []
        for variable in VARIABLES:
            try:
                self._values[variable.name] = self._read(variable, environ)
            except ValueError as error:
                problems.append(f"{variable.name} {error}.")
        if not problems and not self.flag("DEBUG"):
            problems = [
                f"{variable.name} must be set when DEBUG is off. {variable.help}"
                for variable in VARIABLES
                if variable.required and variable.name not in self._given
            ]
        if problems:
            raise ImproperlyConfigured("The environment is not usable:\n  " + "\n  ".join(problems))

    def _read(self, variable: Variable, environ: Mapping[str, str]) -> object:
        raw = environ.get(variable.name, "").strip()
        file = environ.get(f"{variable.name}_FILE", "").strip() if variable.secret else ""
        if raw and file:
            raise ValueError(f"and {variable.name}_FILE are both set")
        if file:
            try:
                raw = Path(file).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise ValueError(f"cannot be read from {variable.name}_FILE: {error}") from None
        if raw:
            self._given.add(variable.name)
        return PARSERS[variable.kind](variable, raw or variable.default)

    def given(self, name: str) -> bool:
        """Whether somebody set the variable, rather than its default standing."""
        return BY_NAME[name].name in self._given

    def _get(self, name: str, *kinds: Kind) -> object:
        if BY_NAME[name].kind not in kinds:
            raise TypeError(f"{name} is a {BY_NAME[name].kind}, not a {kinds[0]}")
        return self._values[name]

    def text(self, name: str) -> str:
        """The value of a text or address."""
        return cast(str, self._get(name, "text", "url"))

    def number(self, name: str) -> int:
        """The value of a number."""
        return cast(int, self._get(name, "number"))

    def flag(self, name: str) -> bool:
        """The value of a flag."""
        return cast(bool, self._get(name, "flag"))

    def words(self, name: str) -> list[str]:
        """The values of a comma-separated list."""
        return list(cast("list[str]", self._get(name, "list")))


def example_text() -> str:
    """What `.env.example` should hold."""
    lines = ["# Every setting, with its default. Written by: python -m config.env --write"]
    section = ""
    for variable in (*VARIABLES, *COMPOSE):
        if variable.section != section:
            section = variable.section
            lines += ["", f"# --- {section} ---"]
        lines += ["", f"# {variable.help}"]
        if variable.choices:
            some = "Some of" if variable.kind == "list" else "One of"
            lines.append(f"# {some}: {', '.join(variable.choices)}")
        if variable.required:
            lines.append("# Required when DEBUG=false.")
        if variable.secret:
            lines.append(f"# Secret: {variable.name}_FILE may name a file that holds it.")
        lines.append(f"#{variable.name}={'' if variable.secret else variable.default}")
    return "\n".join(lines) + "\n"


def page_text() -> str:
    """What `docs/settings.md` should hold."""
    lines = [
        "# Settings",
        "",
        "Everything is read from the environment, or from a file `.env` in the project's folder. Nonsense,",
        "or a required variable that is missing when `DEBUG=false`, stops the start and says which it is.",
        "A secret may also be given as `NAME_FILE=/path/to/file`.",
        "",
        "This page is written from `config/variables.py` by `python -m config.env --write`.",
    ]
    section = ""
    for variable in (*VARIABLES, *COMPOSE):
        if variable.section != section:
            section = variable.section
            lines += [
                "",
                f"## {section}",
                "",
                "| variable | type | default | what it is |",
                "|---|---|---|---|",
            ]
        marks = [
            *(["**Required when `DEBUG=false`.**"] if variable.required else []),
            *(["Secret."] if variable.secret else []),
        ]
        kind = " or ".join(f"`{choice}`" for choice in variable.choices) or variable.kind
        if variable.kind == "list" and variable.choices:
            kind = f"list of {', '.join(f'`{choice}`' for choice in variable.choices)}"
        default = f"`{variable.default}`" if variable.default and not variable.secret else ""
        lines.append(f"| `{variable.name}` | {kind} | {default} | {' '.join([variable.help, *marks])} |")
    return "\n".join(lines) + "\n"


WRITTEN: Mapping[str, Callable[[], str]] = {".env.example": example_text, "docs/settings.md": page_text}


def main(arguments: list[str]) -> int:
    """Write the generated files, or with --check say which are out of date; returns the exit code."""
    if arguments not in (["--write"], ["--check"]):
        print("usage: python -m config.env --write | --check", file=sys.stderr)
        return 2
    stale = 0
    for name, text in WRITTEN.items():
        path = ROOT / name
        if arguments == ["--write"]:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text(), encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text():
            stale += 1
            print(f"{name} is out of date; run: python -m config.env --write", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
