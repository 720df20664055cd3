"""Composite foreign keys for migrations: a row cannot name a related row of another tenant, whatever a door
forgot to check. The tenant is a merchant, a show or a person, named by a column of both tables.
"""

from django.db.migrations import RunSQL


def same(
    table: str, tenant: str, column: str, target: str, *, theirs: str = "", deferred: bool = False
) -> RunSQL:
    """Return the key that binds `column` of a table to a row of `target` with the same `tenant`.

    `theirs` is the tenant's column there, if it has another name. A `deferred` key is looked at when the
    transaction ends, for rows that name each other.
    """
    name = f"{table}_{column}_same_{tenant}"
    when = "DEFERRED" if deferred else "IMMEDIATE"
    return RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({tenant}_id, {column}_id)"
        f" REFERENCES {target} ({theirs or tenant}_id, id) DEFERRABLE INITIALLY {when}",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )
