"""Files that we keep: written whole or not at all, so that nobody is ever given half of one."""

import os
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.files.storage import FileSystemStorage

UNFINISHED = ".unfinished"


def is_older(path: Path, moment: datetime) -> bool:
    """Say whether a file or folder was last changed before; one that is gone was not."""
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC) < moment
    except OSError:
        return False


class WholeFiles(FileSystemStorage):
    """Files in a folder. One of the same name is replaced, and is on disk when `save` returns."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Return the name itself."""
        return name

    def _save(self, name: str, content: Any) -> str:
        path = Path(self.path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        # In one place, so that what a killed process leaves is found.
        unfinished = Path(self.path(UNFINISHED))
        unfinished.mkdir(parents=True, exist_ok=True)
        handle, made = tempfile.mkstemp(dir=unfinished)
        try:
            with os.fdopen(handle, "wb") as file:
                for chunk in content.chunks():
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            Path(made).chmod(0o644)
            Path(made).replace(path)
        except BaseException:
            Path(made).unlink(missing_ok=True)
            raise
        return name

    def clear(self, *, before: datetime) -> None:
        """Remove what was begun before and never became a file."""
        for path in Path(self.path(UNFINISHED)).glob("*"):
            if is_older(path, before):
                with suppress(OSError):
                    path.unlink()
