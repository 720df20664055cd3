from django.db import migrations

# Django drops them with the plain index of the same column (0020): a condition makes them indexes to it.
AGAIN = """
CREATE UNIQUE INDEX IF NOT EXISTS price_one_current ON catalog_price (variant_id) WHERE valid_to IS NULL
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0021_shoppers_categories")]
    operations = [migrations.RunSQL(AGAIN, migrations.RunSQL.noop)]
