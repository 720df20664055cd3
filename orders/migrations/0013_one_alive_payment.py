from django.db import migrations

# Django drops them with the plain index of the same column (0010): a condition makes them indexes to it.
AGAIN = """
CREATE UNIQUE INDEX IF NOT EXISTS payment_one_alive_per_purchase ON orders_payment (purchase_id)
    WHERE NOT (status IN ('declined', 'cancelled', 'returned'));
CREATE UNIQUE INDEX IF NOT EXISTS shipping_one_rest_of_world ON orders_shippingzone (merchant_id) WHERE rest_of_world
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0012_unsold_kept")]
    operations = [migrations.RunSQL(AGAIN, migrations.RunSQL.noop)]
