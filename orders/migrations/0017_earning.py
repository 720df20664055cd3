import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('commerce', '0008_risk_tiers'),
        ('orders', '0016_tax_and_shipping'),
    ]

    operations = [
        migrations.AddField(
            model_name='commission',
            name='earned_at',
            field=models.DateTimeField(blank=True, help_text='When the time in which goods may come back was over.', null=True),
        ),
        migrations.AlterField(
            model_name='commission',
            name='status',
            field=models.CharField(choices=[('pending', 'goods may still come back'), ('earned', 'to be paid out'), ('paid', 'paid out'), ('reversed', 'all of it taken back')], default='pending', max_length=8),
        ),
        migrations.AddConstraint(
            model_name='commission',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status__in', ['earned', 'paid']), _negated=True), ('earned_at__isnull', False), _connector='OR'), name='commission_earned_at_a_time'),
        ),
        migrations.AddIndex(
            model_name='commission',
            index=models.Index(condition=models.Q(('earned_at', None)), fields=['line'], name='commission_not_earned'),
        ),
        migrations.CreateModel(
            name='Proceeds',
            fields=[
                ('order', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='proceeds', serialize=False, to='orders.order')),
                ('amount', models.PositiveIntegerField()),
                ('currency', models.CharField(max_length=3)),
                ('earned_at', models.DateTimeField()),
                ('merchant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='proceeds', to='commerce.merchant')),
            ],
            options={
                'verbose_name_plural': 'proceeds',
            },
        ),
    ]
