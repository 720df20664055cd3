from django.db import migrations

from commerce import tenantkeys

KEYS = [
    ("commerce_webhooksecret", "endpoint", "commerce_webhookendpoint"),
    ("commerce_webhookdelivery", "endpoint", "commerce_webhookendpoint"),
    ("commerce_webhookdelivery", "message", "commerce_webhookmessage"),
    ("commerce_webhookattempt", "delivery", "commerce_webhookdelivery"),
]


class Migration(migrations.Migration):
    dependencies = [("commerce", "0003_webhooks")]
    operations = [tenantkeys.same(table, "merchant", column, target) for table, column, target in KEYS]
