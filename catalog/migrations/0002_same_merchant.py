from django.db import migrations

from commerce import tenantkeys

KEYS = [
    ("catalog_variant", "product", "catalog_product"),
    ("catalog_productimage", "product", "catalog_product"),
    ("catalog_price", "variant", "catalog_variant"),
    ("catalog_stock", "variant", "catalog_variant"),
    ("catalog_stockmovement", "variant", "catalog_variant"),
    ("catalog_bundlepart", "bundle", "catalog_variant"),
    ("catalog_bundlepart", "part", "catalog_variant"),
    ("catalog_pricefloor", "variant", "catalog_variant"),
]


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_initial")]
    operations = [tenantkeys.same(table, "merchant", column, target) for table, column, target in KEYS]
