from django.db import migrations

from commerce import tenantkeys

KEYS = [
    ("catalog_commissionrate", "plan", "catalog_commissionplan"),
    ("catalog_commissionproduct", "plan", "catalog_commissionplan"),
    ("catalog_commissionproduct", "product", "catalog_product"),
]


def one_at_a_time(table: str, name: str, column: str) -> migrations.RunSQL:
    # Equal ids by their hash: only ranges can be excluded without another extension of PostgreSQL.
    same = f"hashtextextended(plan_id::text || coalesce({column}::text, ''), 0)::numeric"
    return migrations.RunSQL(
        f"""
        ALTER TABLE {table} ADD CONSTRAINT {name} EXCLUDE USING gist (
            numrange({same}, {same}, '[]') WITH &&, tstzrange(valid_from, valid_until) WITH &&)
        """,
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


class Migration(migrations.Migration):
    dependencies = [("catalog", "0003_commission")]
    operations = [
        *(tenantkeys.same(table, "merchant", column, target) for table, column, target in KEYS),
        one_at_a_time("catalog_commissionrate", "commission_rate_one_at_a_time", "host_id"),
        one_at_a_time("catalog_commissionproduct", "commission_product_one_at_a_time", "product_id"),
    ]
