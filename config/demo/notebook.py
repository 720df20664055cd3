"""What one installation of the demo has to remember: its password, its keys. Kept in var/demo.json."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def _password() -> str:
    """Easy to type, as nobody but this machine can reach the demo."""
    return "demo-" + "".join(secrets.choice(LETTERS) for _ in range(6))


@dataclass
class Notebook:
    """Secrets of this installation, made once."""

    password: str = field(default_factory=_password)  # of every user of the demo
    secret_key: str = field(default_factory=lambda: secrets.token_urlsafe(40))
    api_keys: dict[str, str] = field(default_factory=dict)  # merchant's slug -> key
    sessions: dict[str, str] = field(default_factory=dict)  # e-mail address -> session of the script

    @classmethod
    def open(cls, var: Path) -> Self:
        """Read the notebook under var, or begin a new one when there is none that can be read."""
        try:
            found = json.loads((var / "demo.json").read_text(encoding="utf-8"))
            return cls(**found)
        except (OSError, ValueError, TypeError):
            return cls()

    def save(self, var: Path) -> None:
        """Write it down, readable by its owner alone; a crash leaves the old one or the new one."""
        var.mkdir(parents=True, exist_ok=True)
        fresh = var / f"demo.json.{os.getpid()}"
        with open(
            os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
        ) as file:
            json.dump(asdict(self), file, indent=2)
        fresh.replace(var / "demo.json")
