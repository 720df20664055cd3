import commerce.ids
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        migrations.CreateModel(
            name='User',
            fields=[
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                ('id', models.UUIDField(default=commerce.ids.new, editable=False, primary_key=True, serialize=False)),
                ('email', models.EmailField(max_length=254, unique=True)),
                ('name', models.CharField(help_text='Shown in chat and to merchants.', max_length=80)),
                ('is_active', models.BooleanField(default=True)),
                ('is_staff', models.BooleanField(default=False, help_text='May enter the operations admin.')),
                ('session_round', models.PositiveIntegerField(default=0, editable=False, help_text='Another number ends all sessions.')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('email', django.db.models.functions.text.Lower('email'))), name='user_email_lower_case')],
            },
        ),
        migrations.CreateModel(
            name='Event',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=60)),
                ('key', models.CharField(help_text='Same key, same event: it is recorded once.', max_length=120, unique=True)),
                ('payload', models.JSONField()),
                ('lane', models.CharField(blank=True, default='', help_text='Events of one lane are told as they were recorded.', max_length=60)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('due_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), help_text='Not delivered before; moved on by claims and retries.')),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('delivered_at', models.DateTimeField(blank=True, null=True)),
                ('quarantined_at', models.DateTimeField(blank=True, help_text='Failed too often; needs a human.', null=True)),
                ('error', models.TextField(blank=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('delivered_at', None), ('quarantined_at', None)), fields=['due_at', 'id'], name='event_waiting'), models.Index(condition=models.Q(('delivered_at', None), ('quarantined_at', None), models.Q(('lane', ''), _negated=True)), fields=['lane', 'id'], name='event_waiting_in_lane')],
            },
        ),
        migrations.CreateModel(
            name='IdempotencyKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('caller', models.CharField(help_text='Who used it, such as "merchant:<id>".', max_length=80)),
                ('key', models.CharField(max_length=255)),
                ('fingerprint', models.CharField(help_text='SHA-256 of method, path and body.', max_length=64)),
                ('status', models.PositiveSmallIntegerField()),
                ('reply', models.JSONField()),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), db_index=True, editable=False)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('caller', 'key'), name='idempotency_key_once')],
            },
        ),
        migrations.CreateModel(
            name='LedgerTransaction',
            fields=[
                ('id', models.UUIDField(default=commerce.ids.new, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(max_length=40)),
                ('ref', models.CharField(help_text="What it books, such as a payment's id.", max_length=80)),
                ('legs', models.PositiveSmallIntegerField(db_default=2, default=2, help_text='How many postings it has, for ever.')),
                ('posted_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('ref', 'kind'), name='ledger_once_per_ref_and_kind'), models.CheckConstraint(condition=models.Q(('legs__gte', 1)), name='ledger_of_something')],
            },
        ),
        migrations.CreateModel(
            name='Merchant',
            fields=[
                ('id', models.UUIDField(default=commerce.ids.new, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=120)),
                ('slug', models.SlugField(max_length=60, unique=True)),
                ('logo_url', models.CharField(blank=True, max_length=500)),
                ('currency', models.CharField(default='EUR', help_text='ISO 4217; the currency of its feeds.', max_length=3)),
                ('host_commission_bp', models.PositiveIntegerField(default=1000, help_text="Host's commission in basis points of what the buyer paid.")),
                ('platform_fee_bp', models.PositiveIntegerField(default=500, help_text="Platform's fee in basis points of what the buyer paid.")),
                ('cancel_seconds', models.PositiveIntegerField(db_default=900, default=900, help_text='For so long after paying a buyer may cancel by herself what is not shipped; 0: never.')),
                ('return_days', models.PositiveSmallIntegerField(db_default=30, default=30, help_text='For so many days after shipping goods may be sent back.')),
                ('risk_tier', models.CharField(choices=[('low', 'low: 3 days'), ('standard', 'standard: 7 days'), ('high', 'high: 15 days')], db_default='standard', default='standard', help_text='For so long after shipping what an order brought is kept back.', max_length=8)),
                ('is_active', models.BooleanField(default=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('host_commission_bp__lte', django.db.models.expressions.CombinedExpression(models.Value(10000), '-', models.F('platform_fee_bp'))), ('platform_fee_bp__lte', 10000)), name='merchant_rates_leave_something'), models.CheckConstraint(condition=models.Q(('currency__regex', '^[A-Z]{3}$')), name='merchant_currency_iso')],
            },
        ),
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('provider_id', models.CharField(max_length=255, unique=True)),
                ('type', models.CharField(max_length=80)),
                ('object_id', models.CharField(blank=True, max_length=255)),
                ('payload', models.JSONField()),
                ('livemode', models.BooleanField()),
                ('account', models.CharField(blank=True, db_default='', help_text='The connected account it is of; empty: ours.', max_length=255)),
                ('api_version', models.CharField(blank=True, db_default='', max_length=40)),
                ('source', models.CharField(choices=[('webhook', 'webhook'), ('log', "read from the provider's log")], db_default='webhook', default='webhook', max_length=7)),
                ('created_at', models.DateTimeField(blank=True, help_text='When it happened, by the provider.', null=True)),
                ('received_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('processed_at', models.DateTimeField(blank=True, null=True)),
                ('attempts', models.PositiveSmallIntegerField(db_default=0, default=0)),
                ('error', models.TextField(blank=True, db_default='', default='')),
                ('quarantined_at', models.DateTimeField(blank=True, help_text='Could not be read too often; needs a human.', null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('processed_at', None)), fields=['received_at'], name='notice_unread')],
            },
        ),
        migrations.CreateModel(
            name='Customer',
            fields=[
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='customer', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('provider_id', models.CharField(max_length=255, unique=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
            ],
        ),
        migrations.CreateModel(
            name='Address',
            fields=[
                ('id', models.UUIDField(default=commerce.ids.new, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=120)),
                ('line1', models.CharField(max_length=200)),
                ('line2', models.CharField(blank=True, max_length=200)),
                ('city', models.CharField(max_length=120)),
                ('postal_code', models.CharField(blank=True, max_length=20)),
                ('country', models.CharField(help_text='ISO 3166-1 alpha-2.', max_length=2)),
                ('is_default', models.BooleanField(default=False)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='addresses', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name_plural': 'addresses',
                'constraints': [models.UniqueConstraint(condition=models.Q(('is_default', True)), fields=('user',), name='address_one_default')],
            },
        ),
        migrations.CreateModel(
            name='Card',
            fields=[
                ('id', models.UUIDField(default=commerce.ids.new, editable=False, primary_key=True, serialize=False)),
                ('provider_id', models.CharField(max_length=255, unique=True)),
                ('brand', models.CharField(max_length=20)),
                ('last4', models.CharField(max_length=4)),
                ('exp_month', models.PositiveSmallIntegerField()),
                ('exp_year', models.PositiveSmallIntegerField()),
                ('fingerprint', models.CharField(blank=True, default='', help_text="The provider's: one card has one, whoever saves it.", max_length=64)),
                ('is_default', models.BooleanField(default=False)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('removed_at', models.DateTimeField(blank=True, null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='cards', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('is_default', True), ('removed_at', None)), fields=('user',), name='card_one_default')],
            },
        ),
        migrations.CreateModel(
            name='Host',
            fields=[
                ('id', models.UUIDField(default=commerce.ids.new, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=80)),
                ('slug', models.SlugField(max_length=60, unique=True)),
                ('bio', models.CharField(blank=True, max_length=280)),
                ('avatar_url', models.CharField(blank=True, max_length=500)),
                ('risk_tier', models.CharField(choices=[('low', 'low: 3 days'), ('standard', 'standard: 7 days'), ('high', 'high: 15 days')], db_default='standard', default='standard', help_text='For so long after shipping her commission may still be reversed.', max_length=8)),
                ('is_active', models.BooleanField(default=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='host', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='MerchantKey',
            fields=[
                ('id', models.CharField(editable=False, max_length=150, primary_key=True, serialize=False, unique=True)),
                ('prefix', models.CharField(editable=False, max_length=8, unique=True)),
                ('hashed_key', models.CharField(editable=False, max_length=150)),
                ('created', models.DateTimeField(auto_now_add=True, db_index=True)),
                ('name', models.CharField(default=None, help_text='A free-form name for the API key. Need not be unique. 50 characters max.', max_length=50)),
                ('revoked', models.BooleanField(blank=True, default=False, help_text='If the API key is revoked, clients cannot use it anymore. (This cannot be undone.)')),
                ('expiry_date', models.DateTimeField(blank=True, help_text='Once API key expires, clients cannot use it anymore.', null=True, verbose_name='Expires')),
                ('last_used_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('merchant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='keys', to='commerce.merchant')),
            ],
            options={
                'verbose_name': 'merchant API key',
                'verbose_name_plural': 'API keys',
                'ordering': ('-created',),
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='MerchantMember',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(choices=[('owner', 'Owner'), ('staff', 'Staff')], default='staff', max_length=8)),
                ('merchant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='members', to='commerce.merchant')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('merchant', 'user'), name='member_once')],
            },
        ),
        migrations.CreateModel(
            name='Posting',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('account', models.CharField(max_length=80)),
                ('amount', models.BigIntegerField()),
                ('currency', models.CharField(max_length=3)),
                ('transaction', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='postings', to='commerce.ledgertransaction')),
            ],
            options={
                'indexes': [models.Index(fields=['account', 'currency', 'id'], name='posting_account')],
                'constraints': [models.CheckConstraint(condition=models.Q(('amount', 0), _negated=True), name='posting_not_zero')],
            },
        ),
        migrations.CreateModel(
            name='ConnectedAccount',
            fields=[
                ('id', models.UUIDField(default=commerce.ids.new, editable=False, primary_key=True, serialize=False)),
                ('provider_id', models.CharField(blank=True, max_length=255, null=True, unique=True)),
                ('country', models.CharField(help_text='ISO 3166-1 alpha-2; it cannot be changed later.', max_length=2)),
                ('state', models.CharField(choices=[('new', 'not made at the provider yet'), ('onboarding', 'its owner has to say more'), ('pending', 'the provider looks at what was given'), ('enabled', 'can be paid'), ('restricted', 'the provider wants more, or has stopped it'), ('gone', 'its owner or the provider has cut it off')], default='new', max_length=10)),
                ('charges_enabled', models.BooleanField(default=False)),
                ('payouts_enabled', models.BooleanField(default=False)),
                ('transfers_enabled', models.BooleanField(default=False, help_text='Money can be sent to it.')),
                ('details_submitted', models.BooleanField(default=False)),
                ('requirements_due', models.JSONField(blank=True, default=list, help_text='What the provider wants to know.')),
                ('disabled_reason', models.CharField(blank=True, max_length=120)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('checked_at', models.DateTimeField(blank=True, help_text='Last time the provider was asked.', null=True)),
                ('host', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='payout_account', to='commerce.host')),
                ('merchant', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='payout_account', to='commerce.merchant')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('host__isnull', False), ('merchant__isnull', True)), models.Q(('host__isnull', True), ('merchant__isnull', False)), _connector='OR'), name='payee_is_one_party')],
            },
        ),
    ]
