import commerce.ids
import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('commerce', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Import',
            fields=[
                ('id', models.UUIDField(default=commerce.ids.new, editable=False, primary_key=True, serialize=False)),
                ('filename', models.CharField(blank=True, max_length=255)),
                ('sha256', models.CharField(max_length=64)),
                ('status', models.CharField(choices=[('queued', 'Queued'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed')], default='queued', max_length=8)),
                ('rows_total', models.PositiveIntegerField(default=0)),
                ('rows_done', models.PositiveIntegerField(default=0)),
                ('products_created', models.PositiveIntegerField(default=0)),
                ('products_updated', models.PositiveIntegerField(default=0)),
                ('variants_created', models.PositiveIntegerField(default=0)),
                ('variants_updated', models.PositiveIntegerField(default=0)),
                ('problems_count', models.PositiveIntegerField(default=0)),
                ('attempts', models.PositiveSmallIntegerField(default=0, help_text='How often a worker took it up since it last got on.')),
                ('error', models.CharField(blank=True, max_length=500)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('merchant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='imports', to='commerce.merchant')),
            ],
            options={
                'indexes': [models.Index(fields=['merchant', '-id'], name='import_listing')],
                'constraints': [models.UniqueConstraint(fields=('merchant', 'id'), name='import_of_merchant'), models.UniqueConstraint(condition=models.Q(('status__in', ['queued', 'running'])), fields=('merchant', 'sha256'), name='import_unfinished_once')],
            },
        ),
        migrations.CreateModel(
            name='Product',
            fields=[
                ('id', models.UUIDField(default=commerce.ids.new, editable=False, primary_key=True, serialize=False)),
                ('handle', models.CharField(help_text="The merchant's own id of the product.", max_length=255)),
                ('title', models.CharField(max_length=255)),
                ('description', models.TextField(blank=True, help_text='Plain text.')),
                ('vendor', models.CharField(blank=True, max_length=255)),
                ('product_type', models.CharField(blank=True, max_length=255)),
                ('tags', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=255), blank=True, default=list, size=None)),
                ('option_names', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=255), blank=True, default=list, size=None)),
                ('status', models.CharField(choices=[('draft', 'Draft'), ('active', 'Active'), ('retired', 'Retired')], default='draft', max_length=8)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('updated_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('merchant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='products', to='commerce.merchant')),
            ],
            options={
                'indexes': [models.Index(fields=['merchant', 'status', '-id'], name='product_listing')],
                'constraints': [models.UniqueConstraint(fields=('merchant', 'handle'), name='product_handle_once'), models.UniqueConstraint(fields=('merchant', 'id'), name='product_of_merchant')],
            },
        ),
        migrations.CreateModel(
            name='ImportProblem',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('line', models.PositiveIntegerField(help_text='Line of the file, the header being 1.')),
                ('column', models.CharField(blank=True, max_length=255)),
                ('code', models.CharField(max_length=40)),
                ('value', models.CharField(blank=True, max_length=255)),
                ('message', models.CharField(max_length=300)),
                ('skipped', models.BooleanField(default=True, help_text='The row was left out; otherwise it was taken with a default.')),
                ('job', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='problems', to='catalog.import')),
            ],
            options={
                'indexes': [models.Index(fields=['job', 'line'], name='problem_of_import')],
            },
        ),
        migrations.CreateModel(
            name='Variant',
            fields=[
                ('id', models.UUIDField(default=commerce.ids.new, editable=False, primary_key=True, serialize=False)),
                ('title', models.CharField(help_text='Its option values, such as "Small / Red".', max_length=255)),
                ('options', models.JSONField(default=dict, help_text='Such as {"Size": "Small"}.')),
                ('sku', models.CharField(blank=True, max_length=255)),
                ('barcode', models.CharField(blank=True, max_length=64)),
                ('weight_grams', models.PositiveIntegerField(default=0)),
                ('position', models.PositiveIntegerField(default=1)),
                ('is_active', models.BooleanField(default=True)),
                ('release_at', models.DateTimeField(blank=True, help_text='A pre-order before this moment: charged when it is shipped.', null=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('updated_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('merchant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='commerce.merchant')),
                ('product', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='variants', to='catalog.product')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('product', 'title'), name='variant_title_once'), models.UniqueConstraint(condition=models.Q(('sku', ''), _negated=True), fields=('merchant', 'sku'), name='variant_sku_once'), models.UniqueConstraint(fields=('merchant', 'id'), name='variant_of_merchant')],
            },
        ),
        migrations.CreateModel(
            name='ProductImage',
            fields=[
                ('id', models.UUIDField(default=commerce.ids.new, editable=False, primary_key=True, serialize=False)),
                ('url', models.CharField(max_length=1000)),
                ('alt', models.CharField(blank=True, max_length=500)),
                ('position', models.PositiveIntegerField(default=1)),
                ('merchant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='commerce.merchant')),
                ('product', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='images', to='catalog.product')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('product', 'url'), name='image_once_per_product')],
            },
        ),
        migrations.CreateModel(
            name='ImportContent',
            fields=[
                ('job', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='content', serialize=False, to='catalog.import')),
                ('body', models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name='BundlePart',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('quantity', models.PositiveSmallIntegerField(default=1)),
                ('merchant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='commerce.merchant')),
                ('bundle', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='parts', to='catalog.variant')),
                ('part', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='in_bundles', to='catalog.variant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('bundle', 'part'), name='bundle_part_once'), models.CheckConstraint(condition=models.Q(('quantity__gte', 1), ('quantity__lte', 99)), name='bundle_quantity_sane'), models.CheckConstraint(condition=models.Q(('bundle', models.F('part')), _negated=True), name='bundle_not_of_itself')],
            },
        ),
        migrations.CreateModel(
            name='Price',
            fields=[
                ('id', models.UUIDField(default=commerce.ids.new, editable=False, primary_key=True, serialize=False)),
                ('amount', models.PositiveIntegerField()),
                ('compare_at', models.PositiveIntegerField(blank=True, help_text="The merchant's own comparison price.", null=True)),
                ('currency', models.CharField(max_length=3)),
                ('valid_from', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('valid_to', models.DateTimeField(blank=True, null=True)),
                ('merchant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='commerce.merchant')),
                ('variant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='prices', to='catalog.variant')),
            ],
            options={
                'indexes': [models.Index(fields=['variant', '-valid_from'], name='price_history')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('valid_to', None)), fields=('variant',), name='price_one_current'), models.CheckConstraint(condition=models.Q(('valid_to', None), ('valid_to__gte', models.F('valid_from')), _connector='OR'), name='price_ends_after_it_starts')],
            },
        ),
        migrations.CreateModel(
            name='StockMovement',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('delta', models.IntegerField()),
                ('reason', models.CharField(choices=[('import', 'Import'), ('set', 'Set'), ('adjust', 'Adjust'), ('return', 'sold units that came back')], max_length=8)),
                ('note', models.CharField(blank=True, max_length=200)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('merchant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='commerce.merchant')),
                ('variant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='movements', to='catalog.variant')),
            ],
            options={
                'indexes': [models.Index(fields=['variant', 'id'], name='movement_of_variant')],
            },
        ),
        migrations.CreateModel(
            name='PriceFloor',
            fields=[
                ('variant', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='floor', serialize=False, to='catalog.variant')),
                ('amount', models.PositiveIntegerField(help_text='Of one unit, in minor units.')),
                ('currency', models.CharField(max_length=3)),
                ('updated_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('merchant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='commerce.merchant')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('amount__gt', 0)), name='floor_positive')],
            },
        ),
        migrations.CreateModel(
            name='Stock',
            fields=[
                ('variant', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='stock', serialize=False, to='catalog.variant')),
                ('available', models.IntegerField(default=0)),
                ('version', models.BigIntegerField(default=0, help_text='Grows by one per change.')),
                ('updated_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('merchant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='commerce.merchant')),
            ],
            options={
                'verbose_name_plural': 'stock',
                'constraints': [models.CheckConstraint(condition=models.Q(('available__gte', 0)), name='stock_never_negative')],
            },
        ),
    ]
