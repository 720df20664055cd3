from django.db import migrations

# Composite foreign keys: a row cannot name a related row of another show, whatever a door forgot to check.
KEYS = [
    ("streams_pin", "stream", "item", "streams_showcaseitem"),
    ("streams_offer", "stream", "item", "streams_showcaseitem"),
]


def add(table: str, tenant: str, column: str, target: str) -> migrations.RunSQL:
    name = f"{table}_{column}_same_{tenant}"
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({tenant}_id, {column}_id)"
        f" REFERENCES {target} ({tenant}_id, id) DEFERRABLE INITIALLY IMMEDIATE",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


class Migration(migrations.Migration):
    dependencies = [("streams", "0001_initial")]
    operations = [add(*key) for key in KEYS]
