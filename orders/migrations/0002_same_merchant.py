from django.db import migrations

from commerce import tenantkeys

# A line's item and stream are evidence of what the buyer saw, checked by who writes it.
KEYS = [
    ("orders_orderline", "order", "orders_order"),
    ("orders_orderline", "variant", "catalog_variant"),
    ("orders_shipment", "order", "orders_order"),
    ("orders_carthold", "variant", "catalog_variant"),
    ("orders_cancellation", "order", "orders_order"),
    ("orders_return", "order", "orders_order"),
    ("orders_shippingcountry", "zone", "orders_shippingzone"),
    ("orders_shippingrate", "zone", "orders_shippingzone"),
]

# Equal texts by their hash: only ranges can be excluded without another extension of PostgreSQL.
ONE_TAX_AT_A_TIME = (
    """
    ALTER TABLE orders_taxrate ADD CONSTRAINT tax_rate_one_at_a_time EXCLUDE USING gist (
        numrange(hashtextextended(merchant_id::text || country || category, 0)::numeric,
                 hashtextextended(merchant_id::text || country || category, 0)::numeric, '[]') WITH &&,
        tstzrange(valid_from, valid_to) WITH &&)
    """,
    "ALTER TABLE orders_taxrate DROP CONSTRAINT tax_rate_one_at_a_time",
)


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial")]
    operations = [
        *(tenantkeys.same(table, "merchant", column, target) for table, column, target in KEYS),
        migrations.RunSQL(*ONE_TAX_AT_A_TIME),
    ]
