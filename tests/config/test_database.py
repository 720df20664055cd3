import ast
from collections.abc import Iterator
from pathlib import Path

from config.env import ROOT
from tests import database


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None and not node.level, path
            yield from (f"{node.module}.{each.name}" for each in node.names)


def test_migrations_use_nothing_of_ours_but_what_the_kept_database_is_named_by() -> None:
    rooms = {path.parent.parent.name for path in database.migrations()}
    assert rooms == {"commerce", "catalog", "streams", "orders"}
    used = {name for path in database.migrations() for name in imported(path) if name.split(".")[0] in rooms}
    assert {f"{name.replace('.', '/')}.py" for name in used} == set(database.USED)
    for each in database.USED:
        ours = {name.split(".")[0] for name in imported(ROOT / each)} & rooms
        assert not ours, each


def test_what_is_kept_has_another_name_when_a_migration_changes(tmp_path: Path) -> None:
    first, second = (tmp_path / name for name in ("0001_initial.py", "0002_more.py"))
    seen = set()
    for texts in (("a", "b"), ("a", "c"), ("ab", ""), ("", "ab")):
        first.write_text(texts[0])
        second.write_text(texts[1])
        seen.add(database.digest([first, second]))
    assert len(seen) == 4
    assert set(database.migrations()) < set(database.sources())
