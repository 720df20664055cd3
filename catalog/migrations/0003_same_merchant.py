from django.db import migrations

# Composite foreign keys: a row cannot name a related row of another merchant, whatever a door forgot to check.
KEYS = [
    ("catalog_variant", "merchant", "product", "catalog_product"),
    ("catalog_productimage", "merchant", "product", "catalog_product"),
    ("catalog_price", "merchant", "variant", "catalog_variant"),
    ("catalog_stock", "merchant", "variant", "catalog_variant"),
    ("catalog_stockmovement", "merchant", "variant", "catalog_variant"),
]


def add(table: str, tenant: str, column: str, target: str) -> migrations.RunSQL:
    name = f"{table}_{column}_same_{tenant}"
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({tenant}_id, {column}_id)"
        f" REFERENCES {target} ({tenant}_id, id) DEFERRABLE INITIALLY IMMEDIATE",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


class Migration(migrations.Migration):
    dependencies = [("catalog", "0002_initial")]
    operations = [add(*key) for key in KEYS]
