import commerce.ids
import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('catalog', '0001_initial'),
        ('commerce', '0001_initial'),
        ('commerce', '__first__'),
    ]

    operations = [
        migrations.CreateModel(
            name='BlockedWord',
            fields=[
                ('id', models.UUIDField(default=commerce.ids.new, editable=False, primary_key=True, serialize=False)),
                ('text', models.CharField(max_length=60)),
                ('folded', models.CharField(help_text='As it is compared.', max_length=120)),
                ('at', models.DateTimeField()),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('host', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='blocked_words', to='commerce.host')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('host', 'folded'), name='blocked_word_once')],
            },
        ),
        migrations.CreateModel(
            name='Follow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('host', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='followers', to='commerce.host')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='follows', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(fields=['host', '-id'], name='follow_latest')],
                'constraints': [models.UniqueConstraint(fields=('user', 'host'), name='follow_once')],
            },
        ),
        migrations.CreateModel(
            name='Stream',
            fields=[
                ('id', models.UUIDField(default=commerce.ids.new, editable=False, primary_key=True, serialize=False)),
                ('slug', models.SlugField(max_length=80, unique=True)),
                ('title', models.CharField(max_length=120)),
                ('description', models.TextField(blank=True, max_length=2000)),
                ('status', models.CharField(choices=[('scheduled', 'Scheduled'), ('live', 'Live'), ('ended', 'Ended'), ('cancelled', 'Cancelled')], default='scheduled', max_length=9)),
                ('starts_at', models.DateTimeField(help_text='When the show is planned to begin (UTC).')),
                ('live_at', models.DateTimeField(blank=True, help_text='Zero of the stream clock.', null=True)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('video_url', models.CharField(blank=True, help_text='HLS playlist, or a picture where there is no video.', max_length=500)),
                ('poster_url', models.CharField(blank=True, max_length=500)),
                ('chat_slow_seconds', models.PositiveSmallIntegerField(default=0, help_text='Least seconds between two lines of one viewer.')),
                ('followers_only', models.BooleanField(default=False, help_text='Only followers of the host may chat.')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('host', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='streams', to='commerce.host')),
            ],
            options={
                'indexes': [models.Index(fields=['status', '-starts_at'], name='stream_listing')],
                'constraints': [models.CheckConstraint(condition=models.Q(('live_at__isnull', False), models.Q(('status__in', ['live', 'ended']), _negated=True), _connector='OR'), name='stream_live_has_a_clock'), models.UniqueConstraint(condition=models.Q(('status', 'live')), fields=('host',), name='stream_one_live_per_host')],
            },
        ),
        migrations.CreateModel(
            name='ChatMessage',
            fields=[
                ('id', models.UUIDField(default=commerce.ids.new, editable=False, primary_key=True, serialize=False)),
                ('key', models.UUIDField(help_text="The client's key; a retry with the same key says nothing twice.")),
                ('text', models.CharField(max_length=200)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('status', models.CharField(choices=[('shown', 'Shown'), ('held', 'Held'), ('removed', 'Removed')], default='shown', max_length=7)),
                ('removed_at', models.DateTimeField(blank=True, null=True)),
                ('author', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('removed_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('stream', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='messages', to='streams.stream')),
            ],
            options={
                'indexes': [models.Index(fields=['stream', '-id'], name='chat_latest'), models.Index(condition=models.Q(('status', 'held')), fields=['stream', 'id'], name='chat_held')],
                'constraints': [models.UniqueConstraint(fields=('author', 'key'), name='chat_key_once'), models.UniqueConstraint(fields=('stream', 'id'), name='chat_line_of_stream'), models.CheckConstraint(condition=models.Q(models.Q(('removed_at__isnull', False), ('status', 'removed')), models.Q(models.Q(('status', 'removed'), _negated=True), ('removed_at', None)), _connector='OR'), name='chat_removed_has_a_moment')],
            },
        ),
        migrations.CreateModel(
            name='ShowModerator',
            fields=[
                ('id', models.UUIDField(default=commerce.ids.new, editable=False, primary_key=True, serialize=False)),
                ('rights', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('remove', 'Remove'), ('review', 'Review'), ('mute', 'Mute'), ('ban', 'Ban'), ('pin', 'Pin'), ('questions', 'Questions'), ('pace', 'Pace')], max_length=9), size=None)),
                ('at', models.DateTimeField()),
                ('given_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('stream', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='moderators', to='streams.stream')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('stream', 'user'), name='moderator_once'), models.CheckConstraint(condition=models.Q(('rights__contained_by', ['remove', 'review', 'mute', 'ban', 'pin', 'questions', 'pace']), ('rights__len__gt', 0)), name='moderator_rights_known')],
            },
        ),
        migrations.CreateModel(
            name='ShowEvent',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('epoch', models.CharField(max_length=16)),
                ('offset', models.PositiveBigIntegerField()),
                ('key', models.CharField(help_text='The outbox event it came from.', max_length=120)),
                ('frame', models.JSONField()),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('stream', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='events', to='streams.stream')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('stream', 'epoch', 'offset'), name='show_event_place_once'), models.UniqueConstraint(fields=('stream', 'epoch', 'key'), name='show_event_once')],
            },
        ),
        migrations.CreateModel(
            name='ShowcaseItem',
            fields=[
                ('id', models.UUIDField(default=commerce.ids.new, editable=False, primary_key=True, serialize=False)),
                ('position', models.PositiveIntegerField()),
                ('removed_at', models.DateTimeField(blank=True, null=True)),
                ('product', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.product')),
                ('stream', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='items', to='streams.stream')),
            ],
            options={
                'indexes': [models.Index(fields=['stream', 'position'], name='showcase_order')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('removed_at', None)), fields=('stream', 'product'), name='showcase_product_once'), models.UniqueConstraint(fields=('stream', 'id'), name='showcase_item_of_stream')],
            },
        ),
        migrations.CreateModel(
            name='Coupon',
            fields=[
                ('id', models.UUIDField(default=commerce.ids.new, editable=False, primary_key=True, serialize=False)),
                ('code', models.CharField(max_length=40)),
                ('percent_bp', models.PositiveIntegerField(blank=True, help_text='Basis points off.', null=True)),
                ('amount_off', models.PositiveIntegerField(blank=True, help_text='Minor units off.', null=True)),
                ('currency', models.CharField(max_length=3)),
                ('min_amount', models.PositiveIntegerField(default=0, help_text='Least amount of goods it is for.')),
                ('quota', models.PositiveIntegerField(help_text='How many shoppers may claim it.')),
                ('left', models.IntegerField()),
                ('per_buyer', models.PositiveSmallIntegerField(default=1, help_text='How often who claimed it may use it.')),
                ('status', models.CharField(choices=[('open', 'Open'), ('ended', 'Ended')], default='open', max_length=5)),
                ('opens_at', models.DateTimeField()),
                ('closes_at', models.DateTimeField()),
                ('version', models.BigIntegerField(default=0)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('merchant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='commerce.merchant')),
                ('stream', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='coupons', to='streams.stream')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('stream', 'code'), name='coupon_code_once'), models.CheckConstraint(condition=models.Q(models.Q(('amount_off', None), ('percent_bp__gte', 1), ('percent_bp__lte', 10000)), models.Q(('amount_off__gte', 1), ('percent_bp', None)), _connector='OR'), name='coupon_percent_or_amount'), models.CheckConstraint(condition=models.Q(('left__gte', 0), ('left__lte', models.F('quota'))), name='coupon_quota_holds'), models.CheckConstraint(condition=models.Q(('closes_at__gt', models.F('opens_at'))), name='coupon_window_forward')],
            },
        ),
        migrations.CreateModel(
            name='StreamMove',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('old', models.CharField(max_length=9)),
                ('new', models.CharField(max_length=9)),
                ('at', models.DateTimeField()),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
                ('stream', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='moves', to='streams.stream')),
            ],
        ),
        migrations.CreateModel(
            name='Decision',
            fields=[
                ('id', models.UUIDField(default=commerce.ids.new, editable=False, primary_key=True, serialize=False)),
                ('action', models.CharField(choices=[('held', 'Held'), ('shown', 'Shown'), ('kept', 'Kept'), ('removed', 'Removed'), ('restored', 'Restored'), ('muted', 'Muted'), ('banned', 'Banned'), ('lifted', 'Lifted')], max_length=8)),
                ('rule', models.CharField(max_length=32)),
                ('reason', models.CharField(blank=True, max_length=200)),
                ('matched', models.CharField(blank=True, help_text='The part of the line that the rule found.', max_length=200)),
                ('until', models.DateTimeField(blank=True, null=True)),
                ('at', models.DateTimeField()),
                ('actor', models.ForeignKey(blank=True, help_text='Empty: a filter.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('case', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='followed_by', to='streams.decision')),
                ('message', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to='streams.chatmessage')),
                ('subject', models.ForeignKey(help_text='Whom it concerns: author or user.', on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('undoes', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='undone_by', to='streams.decision')),
                ('stream', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to='streams.stream')),
            ],
            options={
                'indexes': [models.Index(fields=['stream', '-id'], name='decision_latest'), models.Index(fields=['stream', 'rule'], name='decision_by_rule'), models.Index(fields=['subject', '-id'], name='decision_about')],
                'constraints': [models.CheckConstraint(condition=models.Q(('actor__isnull', False), ('action', 'held'), _connector='OR'), name='decision_filter_only_holds'), models.CheckConstraint(condition=models.Q(('undoes', None), ('action__in', ('shown', 'restored', 'lifted')), _connector='OR'), name='decision_undoes_by_undoing'), models.UniqueConstraint(fields=('stream', 'id'), name='decision_of_stream'), models.UniqueConstraint(fields=('subject', 'id'), name='decision_of_subject')],
            },
        ),
        migrations.CreateModel(
            name='Pin',
            fields=[
                ('id', models.UUIDField(default=commerce.ids.new, editable=False, primary_key=True, serialize=False)),
                ('from_ms', models.PositiveBigIntegerField(help_text='Milliseconds on the stream clock.')),
                ('to_ms', models.PositiveBigIntegerField(blank=True, null=True)),
                ('pinned_at', models.DateTimeField()),
                ('unpinned_at', models.DateTimeField(blank=True, null=True)),
                ('item', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='pins', to='streams.showcaseitem')),
                ('stream', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pins', to='streams.stream')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('unpinned_at', None)), fields=('stream',), name='pin_one_at_a_time')],
            },
        ),
        migrations.CreateModel(
            name='Offer',
            fields=[
                ('id', models.UUIDField(default=commerce.ids.new, editable=False, primary_key=True, serialize=False)),
                ('amount', models.PositiveIntegerField(help_text='Live price in minor units.')),
                ('list_amount', models.PositiveIntegerField(help_text='List price when it was announced, in minor units.')),
                ('reference_amount', models.PositiveIntegerField(blank=True, help_text='Lowest price of the 30 days before it was announced, shown struck through.', null=True)),
                ('currency', models.CharField(max_length=3)),
                ('quota', models.PositiveIntegerField(help_text='Units that may be sold at this price.')),
                ('left', models.IntegerField(help_text='Units of the quota not yet taken.')),
                ('per_buyer', models.PositiveSmallIntegerField(help_text='Most units for one buyer.')),
                ('per_household', models.PositiveSmallIntegerField(blank=True, help_text='Most units for one address, and for one card.', null=True)),
                ('tries_per_minute', models.PositiveSmallIntegerField(blank=True, help_text='How often one buyer may press buy.', null=True)),
                ('admits_per_second', models.PositiveSmallIntegerField(blank=True, help_text='Pace of the waiting room; empty: there is none.', null=True)),
                ('turn_seconds', models.PositiveSmallIntegerField(default=120, help_text='How long the next of the waitlist has for a unit that came back.')),
                ('grace_seconds', models.PositiveSmallIntegerField(db_default=0, default=0, help_text='How long units of a declined card are kept for another one.')),
                ('takes_coupons', models.BooleanField(default=False, help_text='Whether coupons count on top of its price.')),
                ('status', models.CharField(choices=[('announced', 'Announced'), ('open', 'Open'), ('ended', 'Ended')], default='open', max_length=9)),
                ('announced_at', models.DateTimeField(blank=True, null=True)),
                ('opens_at', models.DateTimeField()),
                ('closes_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('reason', models.CharField(blank=True, choices=[('time', 'Time'), ('sold_out', 'Sold Out'), ('host', 'Host'), ('floor', "below the merchant's floor")], max_length=8)),
                ('version', models.BigIntegerField(default=0)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('variant', models.ForeignKey(blank=True, help_text='Empty: every variant.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.variant')),
                ('item', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='offers', to='streams.showcaseitem')),
                ('stream', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='offers', to='streams.stream')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('left__gte', 0), ('left__lte', models.F('quota'))), name='offer_quota_holds'), models.CheckConstraint(condition=models.Q(('per_buyer__gte', 1)), name='offer_limit_positive'), models.CheckConstraint(condition=models.Q(('grace_seconds__lte', 600)), name='offer_grace_short'), models.CheckConstraint(condition=models.Q(('closes_at__gt', models.F('opens_at'))), name='offer_window_forward'), models.CheckConstraint(condition=models.Q(('amount__gt', 0), ('amount__lte', models.F('list_amount'))), name='offer_price_below_list'), models.CheckConstraint(condition=models.Q(('reference_amount', None), ('reference_amount__gt', models.F('amount')), _connector='OR'), name='offer_reference_above_price'), models.CheckConstraint(condition=models.Q(('per_household', None), ('per_household__gte', 1), _connector='OR'), name='offer_household_positive'), models.UniqueConstraint(condition=models.Q(('status', 'open')), fields=('item',), name='offer_one_open_per_item'), models.UniqueConstraint(condition=models.Q(('status', 'announced')), fields=('item',), name='offer_one_announced_per_item')],
            },
        ),
        migrations.CreateModel(
            name='Question',
            fields=[
                ('message', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='question', serialize=False, to='streams.chatmessage')),
                ('answered_at', models.DateTimeField(blank=True, null=True)),
                ('answered_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('item', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='questions', to='streams.showcaseitem')),
                ('stream', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='questions', to='streams.stream')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('answered_at', None)), fields=['stream', 'message'], name='question_open')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('answered_at', None), ('answered_by', None)), models.Q(('answered_at__isnull', False), ('answered_by__isnull', False)), _connector='OR'), name='question_answered_by_somebody')],
            },
        ),
        migrations.CreateModel(
            name='CouponClaim',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('used', models.IntegerField(default=0)),
                ('cap', models.PositiveSmallIntegerField()),
                ('claimed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('buyer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('coupon', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='claims', to='streams.coupon')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('coupon', 'buyer'), name='coupon_claim_once'), models.CheckConstraint(condition=models.Q(('used__gte', 0), ('used__lte', models.F('cap'))), name='coupon_claim_limit_holds')],
            },
        ),
        migrations.CreateModel(
            name='Restraint',
            fields=[
                ('id', models.UUIDField(default=commerce.ids.new, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('mute', 'Mute'), ('ban', 'Ban')], max_length=4)),
                ('until', models.DateTimeField(blank=True, help_text='Empty: for the whole show; only a ban.', null=True)),
                ('rule', models.CharField(max_length=32)),
                ('reason', models.CharField(blank=True, max_length=200)),
                ('at', models.DateTimeField()),
                ('lifted_at', models.DateTimeField(blank=True, null=True)),
                ('lift_reason', models.CharField(blank=True, max_length=200)),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('decision', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='streams.decision')),
                ('lifted_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('stream', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='restraints', to='streams.stream')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('stream', 'user', 'kind'), name='restraint_once'), models.UniqueConstraint(fields=('stream', 'id'), name='restraint_of_stream'), models.CheckConstraint(condition=models.Q(('kind', 'ban'), ('until__isnull', False), _connector='OR'), name='restraint_mute_is_timed'), models.CheckConstraint(condition=models.Q(models.Q(('lifted_at', None), ('lifted_by', None)), models.Q(('lifted_at__isnull', False), ('lifted_by__isnull', False)), _connector='OR'), name='restraint_lifted_by_somebody')],
            },
        ),
        migrations.CreateModel(
            name='Report',
            fields=[
                ('id', models.UUIDField(default=commerce.ids.new, editable=False, primary_key=True, serialize=False)),
                ('category', models.CharField(choices=[('abuse', 'Abuse'), ('spam', 'Spam'), ('scam', 'Scam'), ('sexual', 'Sexual'), ('personal', 'Personal'), ('other', 'Other')], max_length=8)),
                ('note', models.CharField(blank=True, max_length=200)),
                ('at', models.DateTimeField()),
                ('decision', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reports', to='streams.decision')),
                ('message', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reports', to='streams.chatmessage')),
                ('reporter', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('stream', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reports', to='streams.stream')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('decision', None)), fields=['stream', 'message'], name='report_open')],
                'constraints': [models.UniqueConstraint(fields=('message', 'reporter'), name='report_once')],
            },
        ),
        migrations.CreateModel(
            name='Appeal',
            fields=[
                ('id', models.UUIDField(default=commerce.ids.new, editable=False, primary_key=True, serialize=False)),
                ('text', models.CharField(max_length=500)),
                ('at', models.DateTimeField()),
                ('outcome', models.CharField(choices=[('open', 'Open'), ('upheld', 'Upheld'), ('overturned', 'Overturned')], default='open', max_length=10)),
                ('reason', models.CharField(blank=True, max_length=200)),
                ('decided_at', models.DateTimeField(blank=True, null=True)),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('decided_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('decision', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='appeal', to='streams.decision')),
                ('stream', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='appeals', to='streams.stream')),
            ],
            options={
                'indexes': [models.Index(fields=['stream', '-id'], name='appeal_latest')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('decided_at', None), ('decided_by', None), ('outcome', 'open')), models.Q(models.Q(('outcome', 'open'), _negated=True), ('decided_at__isnull', False), ('decided_by__isnull', False)), _connector='OR'), name='appeal_decided_by_somebody'), models.CheckConstraint(condition=models.Q(('decided_by', models.F('by')), _negated=True), name='appeal_not_by_oneself')],
            },
        ),
        migrations.CreateModel(
            name='OfferBuyer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('units', models.IntegerField(default=0)),
                ('cap', models.PositiveSmallIntegerField()),
                ('buyer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('offer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='buyers', to='streams.offer')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('offer', 'buyer'), name='offer_buyer_once'), models.CheckConstraint(condition=models.Q(('units__gte', 0), ('units__lte', models.F('cap'))), name='offer_limit_holds')],
            },
        ),
        migrations.CreateModel(
            name='OfferHousehold',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(help_text='A keyed hash of the address or of the card.', max_length=64)),
                ('units', models.IntegerField(default=0)),
                ('cap', models.PositiveSmallIntegerField()),
                ('offer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='households', to='streams.offer')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('offer', 'key'), name='offer_household_once'), models.CheckConstraint(condition=models.Q(('units__gte', 0), ('units__lte', models.F('cap'))), name='offer_household_limit_holds')],
            },
        ),
        migrations.AddField(
            model_name='chatmessage',
            name='decision',
            field=models.ForeignKey(blank=True, help_text='The decision that put the line where it is; empty: none was needed.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='streams.decision'),
        ),
        migrations.AddField(
            model_name='decision',
            name='restraint',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to='streams.restraint'),
        ),
        migrations.AddField(
            model_name='stream',
            name='pinned_line',
            field=models.ForeignKey(blank=True, help_text='The comment that stays above the chat.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='streams.chatmessage'),
        ),
        migrations.AddConstraint(
            model_name='decision',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('action__in', ('held', 'shown', 'kept', 'removed', 'restored')), ('message__isnull', False), ('restraint', None)), models.Q(('action__in', ('muted', 'banned', 'lifted')), ('message', None), ('restraint__isnull', False)), _connector='OR'), name='decision_about_one_thing'),
        ),
        migrations.AddConstraint(
            model_name='chatmessage',
            constraint=models.CheckConstraint(condition=models.Q(('status', 'shown'), ('decision__isnull', False), _connector='OR'), name='chat_hidden_by_decision'),
        ),
    ]
