from django.db import migrations, models

TIERS = [('low', 'low: 3 days'), ('standard', 'standard: 7 days'), ('high', 'high: 15 days')]


class Migration(migrations.Migration):

    dependencies = [
        ('commerce', '0007_sealed_ledger'),
    ]

    operations = [
        migrations.AddField(
            model_name='host',
            name='risk_tier',
            field=models.CharField(choices=TIERS, db_default='standard', default='standard', help_text='For so long after shipping her commission may still be reversed.', max_length=8),
        ),
        migrations.AddField(
            model_name='merchant',
            name='risk_tier',
            field=models.CharField(choices=TIERS, db_default='standard', default='standard', help_text='For so long after shipping what an order brought is kept back.', max_length=8),
        ),
    ]
