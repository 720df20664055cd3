import django.db.models.deletion
from django.db import migrations, models

import commerce.ids

# What was earned before is one host's, whole; the ledger knows it by its line, which stays its name.
OWN_KEY = """
ALTER TABLE orders_commission ADD COLUMN id uuid;
UPDATE orders_commission SET id = line_id;
ALTER TABLE orders_commission ALTER COLUMN id SET NOT NULL;
ALTER TABLE orders_commission DROP CONSTRAINT orders_commission_pkey;
ALTER TABLE orders_commission ADD PRIMARY KEY (id);
"""
LINES_KEY = """
ALTER TABLE orders_commission DROP CONSTRAINT orders_commission_pkey;
ALTER TABLE orders_commission ADD PRIMARY KEY (line_id);
ALTER TABLE orders_commission DROP COLUMN id;
"""
BORNE = """
INSERT INTO orders_commissionback (commission_id, refund_line_id, amount)
SELECT c.id, x.id, x.host_amount FROM orders_refundline x JOIN orders_commission c ON c.line_id = x.line_id
 WHERE x.host_amount > 0;
INSERT INTO orders_commissionback (commission_id, dispute_line_id, amount)
SELECT c.id, x.id, x.host_amount FROM orders_disputeline x JOIN orders_commission c ON c.line_id = x.line_id
 WHERE x.host_amount > 0;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0005_return_lapses"),
        ("streams", "0003_cohosts"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(OWN_KEY, LINES_KEY)],
            state_operations=[
                migrations.AlterField(
                    model_name="commission",
                    name="line",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="commissions",
                        to="orders.orderline",
                    ),
                ),
                migrations.AddField(
                    model_name="commission",
                    name="id",
                    field=models.UUIDField(
                        default=commerce.ids.new, editable=False, primary_key=True, serialize=False
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="commission",
            name="share_bp",
            field=models.PositiveIntegerField(
                db_default=10000, default=10000, help_text="Of the commission: this host's."
            ),
        ),
        migrations.AlterField(
            model_name="commission",
            name="amount",
            field=models.PositiveIntegerField(help_text="This host's part."),
        ),
        migrations.AlterField(
            model_name="commission",
            name="rate_bp",
            field=models.PositiveIntegerField(help_text="Of what was paid: all hosts' commission."),
        ),
        migrations.AddConstraint(
            model_name="commission",
            constraint=models.UniqueConstraint(fields=("line", "host"), name="commission_once_per_host"),
        ),
        migrations.AddConstraint(
            model_name="commission",
            constraint=models.CheckConstraint(
                condition=models.Q(("share_bp__gt", 0), ("share_bp__lte", 10000)),
                name="commission_share_of_something",
            ),
        ),
        migrations.CreateModel(
            name="CommissionBack",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("amount", models.PositiveIntegerField()),
                (
                    "commission",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="given_back",
                        to="orders.commission",
                    ),
                ),
                (
                    "dispute_line",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="hosts",
                        to="orders.disputeline",
                    ),
                ),
                (
                    "refund_line",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="hosts",
                        to="orders.refundline",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "commission given back",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("commission", "refund_line"), name="commission_back_once_per_refund"
                    ),
                    models.UniqueConstraint(
                        fields=("commission", "dispute_line"), name="commission_back_once_per_dispute"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("dispute_line__isnull", False), ("refund_line", None)),
                            models.Q(("dispute_line", None), ("refund_line__isnull", False)),
                            _connector="OR",
                        ),
                        name="commission_back_by_one",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0)), name="commission_back_of_something"
                    ),
                ],
            },
        ),
        migrations.RunSQL(BORNE, migrations.RunSQL.noop),
    ]
