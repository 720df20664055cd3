"""Files are whole or not there, and what never became one goes."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile

from commerce import media

NOW = datetime(2030, 5, 1, tzinfo=UTC)


@pytest.fixture
def files(tmp_path: Path) -> media.WholeFiles:
    return media.WholeFiles(location=tmp_path)


def test_a_file_replaces_one_of_its_name(files: media.WholeFiles, tmp_path: Path) -> None:
    for body in (b"one", b"two"):
        assert files.save("a/b", ContentFile(body)) == "a/b"
    assert (tmp_path / "a/b").read_bytes() == b"two"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["b"]


def test_what_breaks_off_leaves_nothing(files: media.WholeFiles, tmp_path: Path) -> None:
    class Broken(ContentFile):
        def chunks(self, chunk_size: int | None = None) -> object:  # type: ignore[override]
            yield b"half"
            raise OSError

    with pytest.raises(OSError):
        files.save("a/b", Broken(b""))
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_a_killed_process_left_goes_when_it_is_old(files: media.WholeFiles, tmp_path: Path) -> None:
    files.clear(before=NOW)
    files.save("a/b", ContentFile(b"whole"))
    for name, age in (("old", timedelta(hours=2)), ("young", timedelta())):
        path = tmp_path / media.UNFINISHED / name
        path.write_bytes(b"half")
        os.utime(path, times=((NOW - age).timestamp(),) * 2)
    files.clear(before=NOW - timedelta(hours=1))
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["b", "young"]
