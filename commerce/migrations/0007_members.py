import commerce.ids
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models


# Staff could not sign in anywhere until now; an owner gives them more.
ROLES = "UPDATE commerce_merchantmember SET role = 'viewer' WHERE role = 'staff'"
# A deferred constraint trigger runs at commit, when all changes of a transaction are there. The merchant's row
# makes those wait that run at the same time: each would else still see the owner whom the other takes away.
AN_OWNER = """
CREATE FUNCTION commerce_merchantmember_keeps_an_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM commerce_merchant WHERE id = OLD.merchant_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF NOT EXISTS (SELECT 1 FROM commerce_merchantmember m JOIN commerce_user u ON u.id = m.user_id
                    WHERE m.merchant_id = OLD.merchant_id AND m.role = 'owner' AND u.is_active) THEN
        RAISE EXCEPTION 'merchant % would be left without an owner', OLD.merchant_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER merchantmember_keeps_an_owner AFTER UPDATE OR DELETE ON commerce_merchantmember
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.role = 'owner')
    EXECUTE FUNCTION commerce_merchantmember_keeps_an_owner();
"""
NO_OWNER = """
DROP TRIGGER merchantmember_keeps_an_owner ON commerce_merchantmember;
DROP FUNCTION commerce_merchantmember_keeps_an_owner();
"""
APPEND_ONLY = """
CREATE FUNCTION commerce_memberevent_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was done to members is append-only'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER memberevent_append_only BEFORE UPDATE OR DELETE ON commerce_memberevent
    FOR EACH STATEMENT EXECUTE FUNCTION commerce_memberevent_append_only();
"""
NOT_APPEND_ONLY = """
DROP TRIGGER memberevent_append_only ON commerce_memberevent;
DROP FUNCTION commerce_memberevent_append_only();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('commerce', '0006_merchant_keys'),
    ]

    operations = [
        migrations.CreateModel(
            name='MemberEvent',
            fields=[
                ('id', models.UUIDField(default=commerce.ids.new, editable=False, primary_key=True, serialize=False)),
                ('action', models.CharField(choices=[('invited', 'invited'), ('withdrawn', 'invitation withdrawn'), ('joined', 'joined'), ('added', 'added'), ('changed', 'role changed'), ('removed', 'removed')], max_length=9)),
                ('email', models.EmailField(help_text='Whom it was about.', max_length=254)),
                ('address', models.GenericIPAddressField(help_text='From where it was done.', null=True)),
                ('details', models.JSONField()),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
            ],
            options={
                'verbose_name': 'change of members',
                'verbose_name_plural': 'changes of members',
            },
        ),
        migrations.CreateModel(
            name='MemberInvitation',
            fields=[
                ('id', models.UUIDField(default=commerce.ids.new, editable=False, primary_key=True, serialize=False)),
                ('email', models.EmailField(max_length=254)),
                ('role', models.CharField(choices=[('owner', 'owner'), ('catalog', 'catalog'), ('orders', 'orders'), ('viewer', 'viewer')], max_length=8)),
                ('hashed', models.CharField(help_text='SHA-256 of the secret in the link.', max_length=64, unique=True)),
                ('created_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('ending', models.CharField(blank=True, choices=[('accepted', 'accepted'), ('withdrawn', 'withdrawn')], max_length=9)),
                ('ended_at', models.DateTimeField(null=True)),
            ],
            options={
                'ordering': ('-created_at', '-id'),
            },
        ),
        migrations.AddField(
            model_name='merchantmember',
            name='created_at',
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
        ),
        migrations.AlterField(
            model_name='merchantmember',
            name='role',
            field=models.CharField(choices=[('owner', 'owner'), ('catalog', 'catalog'), ('orders', 'orders'), ('viewer', 'viewer')], default='viewer', max_length=8),
        ),
        migrations.RunSQL(ROLES, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name='merchantmember',
            constraint=models.CheckConstraint(condition=models.Q(('role__in', ['owner', 'catalog', 'orders', 'viewer'])), name='member_role_is_known'),
        ),
        migrations.AddField(
            model_name='memberevent',
            name='merchant',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='commerce.merchant'),
        ),
        migrations.AddField(
            model_name='memberevent',
            name='person',
            field=models.ForeignKey(help_text='None: the programme itself.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='memberinvitation',
            name='invited_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='memberinvitation',
            name='merchant',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='invitations', to='commerce.merchant'),
        ),
        migrations.AddConstraint(
            model_name='memberevent',
            constraint=models.CheckConstraint(condition=models.Q(('action__in', ['invited', 'withdrawn', 'joined', 'added', 'changed', 'removed'])), name='member_event_is_known'),
        ),
        migrations.AddConstraint(
            model_name='memberinvitation',
            constraint=models.UniqueConstraint(condition=models.Q(('ending', '')), fields=('merchant', 'email'), name='invitation_one_open'),
        ),
        migrations.AddConstraint(
            model_name='memberinvitation',
            constraint=models.CheckConstraint(condition=models.Q(('email', django.db.models.functions.text.Lower('email'))), name='invitation_email_lower_case'),
        ),
        migrations.AddConstraint(
            model_name='memberinvitation',
            constraint=models.CheckConstraint(condition=models.Q(('role__in', ['owner', 'catalog', 'orders', 'viewer'])), name='invitation_role_is_known'),
        ),
        migrations.AddConstraint(
            model_name='memberinvitation',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ended_at', None), ('ending', '')), models.Q(('ended_at__isnull', False), ('ending__in', ['accepted', 'withdrawn'])), _connector='OR'), name='invitation_ends_at_a_moment'),
        ),
        migrations.RunSQL(AN_OWNER, NO_OWNER),
        migrations.RunSQL(APPEND_ONLY, NOT_APPEND_ONLY),
    ]
