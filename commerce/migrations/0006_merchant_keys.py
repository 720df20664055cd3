import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import commerce.ids
from commerce import tenantkeys

# What the keys before scopes could do. The list of this migration's day, whatever scopes come later.
ALL = [
    *("catalog:read", "catalog:write", "stock:write", "orders:read", "orders:write", "refunds:write"),
    *("settings:read", "settings:write", "money:read", "money:write", "webhooks"),
]
# The primary key was the prefix with the hash, which then stood in addresses of the admin.
OWN_ID = """
ALTER TABLE commerce_merchantkey ADD COLUMN new_id uuid NOT NULL DEFAULT gen_random_uuid();
ALTER TABLE commerce_merchantkey DROP COLUMN id;
ALTER TABLE commerce_merchantkey RENAME COLUMN new_id TO id;
ALTER TABLE commerce_merchantkey ALTER COLUMN id DROP DEFAULT;
ALTER TABLE commerce_merchantkey ADD CONSTRAINT commerce_merchantkey_pkey PRIMARY KEY (id);
"""
# What was hashed stays as it is, so that keys that are out there go on opening.
SECRETS = """
INSERT INTO commerce_merchantkeysecret (id, merchant_id, key_id, prefix, hashed, created_at, last_used_at)
    SELECT gen_random_uuid(), merchant_id, id, prefix, hashed_key, created_at, last_used_at
      FROM commerce_merchantkey;
UPDATE commerce_merchantkey SET revoked_at = now() WHERE revoked;
SET CONSTRAINTS ALL IMMEDIATE;
"""
NETWORKS = (
    "ALTER TABLE commerce_merchantkey ADD CONSTRAINT merchant_key_networks_are_networks"
    " CHECK (networks::cidr[] IS NOT NULL)"
)
FOR_GOOD = """
CREATE FUNCTION commerce_merchantkey_stays_revoked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a revoked key stays revoked, and a key its merchant''s'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER merchantkey_stays_revoked BEFORE UPDATE ON commerce_merchantkey FOR EACH ROW
    WHEN (NEW.merchant_id <> OLD.merchant_id
          OR (OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at))
    EXECUTE FUNCTION commerce_merchantkey_stays_revoked();
CREATE FUNCTION commerce_merchantkeyevent_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was done to keys is append-only'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER merchantkeyevent_append_only BEFORE UPDATE OR DELETE ON commerce_merchantkeyevent
    FOR EACH STATEMENT EXECUTE FUNCTION commerce_merchantkeyevent_append_only();
"""
MERCHANT = {
    "on_delete": django.db.models.deletion.PROTECT,
    "related_name": "+",
    "db_index": False,
    "to": "commerce.merchant",
}
NOW = django.db.models.functions.datetime.Now()


class Migration(migrations.Migration):
    dependencies = [("commerce", "0005_webhook_due")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(OWN_ID)],
            state_operations=[
                migrations.AlterField(
                    "merchantkey",
                    "id",
                    models.UUIDField(
                        default=commerce.ids.new, editable=False, primary_key=True, serialize=False
                    ),
                )
            ],
        ),
        migrations.RenameField("merchantkey", "created", "created_at"),
        migrations.AlterField(
            "merchantkey", "created_at", models.DateTimeField(db_default=NOW, editable=False)
        ),
        migrations.RenameField("merchantkey", "expiry_date", "expires_at"),
        migrations.AlterField(
            "merchantkey",
            "expires_at",
            models.DateTimeField(blank=True, help_text="Not valid from then on.", null=True),
        ),
        migrations.AlterField(
            "merchantkey", "name", models.CharField(help_text="Which system uses it.", max_length=50)
        ),
        migrations.AlterField(
            "merchantkey",
            "merchant",
            models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="keys", to="commerce.merchant"
            ),
        ),
        migrations.AddField(
            "merchantkey",
            "scopes",
            django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=30), default=ALL, help_text="What it opens.", size=None
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            "merchantkey",
            "networks",
            django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=43),
                blank=True,
                default=list,
                help_text="Networks it may be used from, such as 203.0.113.0/24. None: from anywhere.",
                size=None,
            ),
        ),
        migrations.AddField(
            "merchantkey", "revoked_at", models.DateTimeField(blank=True, editable=False, null=True)
        ),
        migrations.AlterModelOptions(
            "merchantkey", {"ordering": ("-created_at", "-id"), "verbose_name": "merchant API key"}
        ),
        migrations.AddConstraint(
            "merchantkey",
            models.UniqueConstraint(fields=("merchant", "id"), name="merchant_key_of_merchant"),
        ),
        migrations.AddConstraint(
            "merchantkey",
            models.CheckConstraint(
                condition=models.Q(("scopes__contained_by", ALL), ("scopes__len__gt", 0)),
                name="merchant_key_scopes_are_known",
            ),
        ),
        migrations.CreateModel(
            name="MerchantKeySecret",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=commerce.ids.new, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("prefix", models.CharField(max_length=8, unique=True)),
                ("hashed", models.CharField(max_length=150)),
                ("created_at", models.DateTimeField(db_default=NOW, editable=False)),
                ("valid_until", models.DateTimeField(blank=True, null=True)),
                ("last_used_at", models.DateTimeField(blank=True, null=True)),
                (
                    "key",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="secrets",
                        to="commerce.merchantkey",
                    ),
                ),
                ("merchant", models.ForeignKey(**MERCHANT)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("valid_until", None)),
                        fields=("key",),
                        name="merchant_key_one_current_secret",
                    )
                ]
            },
        ),
        migrations.CreateModel(
            name="MerchantKeyEvent",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=commerce.ids.new, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("made", "made"),
                            ("changed", "changed"),
                            ("rotated", "rotated"),
                            ("revoked", "revoked"),
                        ],
                        max_length=7,
                    ),
                ),
                (
                    "address",
                    models.GenericIPAddressField(help_text="From where it was done.", null=True),
                ),
                ("details", models.JSONField()),
                ("at", models.DateTimeField(db_default=NOW, editable=False)),
                (
                    "key",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="commerce.merchantkey",
                    ),
                ),
                ("merchant", models.ForeignKey(**MERCHANT)),
                (
                    "person",
                    models.ForeignKey(
                        help_text="None: the programme itself.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("action__in", ["made", "changed", "rotated", "revoked"])),
                        name="merchant_key_event_is_known",
                    )
                ]
            },
        ),
        tenantkeys.same("commerce_merchantkeysecret", "merchant", "key", "commerce_merchantkey"),
        tenantkeys.same("commerce_merchantkeyevent", "merchant", "key", "commerce_merchantkey"),
        migrations.RunSQL(SECRETS, elidable=False),
        migrations.RunSQL(NETWORKS),
        migrations.RunSQL(FOR_GOOD),
        migrations.RemoveField("merchantkey", "prefix"),
        migrations.RemoveField("merchantkey", "hashed_key"),
        migrations.RemoveField("merchantkey", "revoked"),
        migrations.RemoveField("merchantkey", "last_used_at"),
    ]
