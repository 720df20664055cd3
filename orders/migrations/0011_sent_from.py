import django.db.models.deletion
from django.db import migrations, models

from commerce import tenantkeys


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0018_words_of_dumps'),
        ('orders', '0010_leaner_indexes'),
    ]

    operations = [
        migrations.AddField(
            model_name='shipment',
            name='location',
            field=models.ForeignKey(blank=True, db_index=False, help_text='From where it left. None: not said, which counts as the main one.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.location'),
        ),
        tenantkeys.same("orders_shipment", "merchant", "location", "catalog_location"),
    ]
