from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('commerce', '0007_sealed_ledger'),
    ]

    operations = [
        migrations.AddConstraint(
            model_name='ledgertransaction',
            constraint=models.CheckConstraint(
                condition=models.Q(('legs__gte', 1)), name='ledger_of_something'
            ),
        ),
    ]
