from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('commerce', '0009_connected_accounts'),
    ]

    operations = [
        migrations.AddConstraint(
            model_name='ledgertransaction',
            constraint=models.CheckConstraint(
                condition=models.Q(('legs__gte', 1)), name='ledger_of_something'
            ),
        ),
    ]
