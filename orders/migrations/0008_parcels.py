import django.db.models.deletion
from django.db import migrations, models

from commerce import tenantkeys

# What is in a parcel from before is what was not given back before it left.
FILL = """
    UPDATE orders_orderline l SET dropped_quantity = l.refunded_quantity
      FROM orders_order o
     WHERE o.id = l.order_id AND l.refunded_quantity > 0 AND o.status NOT IN ('shipped', 'shipping');
    UPDATE orders_orderline l
       SET dropped_quantity = least(l.refunded_quantity, coalesce(
               (SELECT sum(b.quantity) FROM orders_refundline b JOIN orders_refund r ON r.id = b.refund_id
                 WHERE b.line_id = l.id AND r.created_at < s.shipped_at), 0))
      FROM (SELECT order_id, min(shipped_at) AS shipped_at FROM orders_shipment GROUP BY 1) s
     WHERE s.order_id = l.order_id AND l.refunded_quantity > 0;
    INSERT INTO orders_shipmentline (merchant_id, shipment_id, order_id, line_id, quantity)
    SELECT s.merchant_id, s.id, s.order_id, l.id, l.quantity - l.dropped_quantity
      FROM (SELECT DISTINCT ON (order_id) * FROM orders_shipment ORDER BY order_id, id) s
      JOIN orders_orderline l ON l.order_id = s.order_id
     WHERE l.quantity > l.dropped_quantity;
    UPDATE orders_orderline l SET shipped_quantity = x.quantity
      FROM orders_shipmentline x WHERE x.line_id = l.id;
    DELETE FROM orders_shipment s WHERE NOT EXISTS (SELECT FROM orders_shipmentline x WHERE x.shipment_id = s.id);
    SET CONSTRAINTS ALL IMMEDIATE;
    SET CONSTRAINTS ALL DEFERRED;
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0007_debts_and_parts"), ("commerce", "0006_merchant_keys")]

    operations = [
        migrations.AlterField(
            model_name="order",
            name="status",
            field=models.CharField(
                choices=[
                    ("pending", "not paid yet"),
                    ("open", "to be shipped: paid, or a pre-order"),
                    ("shipping", "a pre-order's parcel, being charged"),
                    ("partly_shipped", "a part is on its way, the rest to be shipped"),
                    ("shipped", "Shipped"),
                    ("delivered", "Delivered"),
                    ("cancelled", "Cancelled"),
                ],
                default="pending",
                max_length=14,
            ),
        ),
        migrations.AlterField("ordermove", "old", models.CharField(blank=True, max_length=14)),
        migrations.AlterField("ordermove", "new", models.CharField(max_length=14)),
        migrations.AddField(
            model_name="order",
            name="acknowledged_at",
            field=models.DateTimeField(
                blank=True, help_text="The merchant's system says that it has it.", null=True
            ),
        ),
        migrations.AddField(
            model_name="order",
            name="reference",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="The merchant's own number of it.",
                max_length=80,
            ),
        ),
        migrations.AddField(
            model_name="orderline",
            name="shipped_quantity",
            field=models.PositiveSmallIntegerField(db_default=0, default=0, help_text="In parcels."),
        ),
        migrations.AddField(
            model_name="orderline",
            name="dropped_quantity",
            field=models.PositiveSmallIntegerField(
                db_default=0, default=0, help_text="Never to be shipped: given back or cancelled before."
            ),
        ),
        migrations.AddField(
            model_name="shipment", name="delivered_at", field=models.DateTimeField(blank=True, null=True)
        ),
        migrations.AlterField(
            model_name="shipment",
            name="merchant",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="commerce.merchant",
            ),
        ),
        migrations.CreateModel(
            name="ShipmentLine",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("quantity", models.PositiveSmallIntegerField()),
                (
                    "merchant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="commerce.merchant",
                    ),
                ),
                (
                    "shipment",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lines",
                        to="orders.shipment",
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="parcel_lines",
                        to="orders.order",
                    ),
                ),
                (
                    "line",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="parcel_lines",
                        to="orders.orderline",
                    ),
                ),
            ],
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.RunSQL(
            "ALTER TABLE orders_shipment DROP CONSTRAINT orders_shipment_order_same_merchant",
            migrations.RunSQL.noop,
        ),
        migrations.RemoveField(model_name="shipment", name="order"),
        migrations.AddConstraint(
            model_name="shipment",
            constraint=models.UniqueConstraint(fields=("merchant", "id"), name="shipment_of_merchant"),
        ),
        migrations.AddIndex(
            model_name="shipment",
            index=models.Index(fields=["merchant", "tracking_number"], name="shipment_by_number"),
        ),
        migrations.AddConstraint(
            model_name="shipmentline",
            constraint=models.UniqueConstraint(fields=("shipment", "line"), name="shipment_line_once"),
        ),
        migrations.AddConstraint(
            model_name="shipmentline",
            constraint=models.CheckConstraint(
                condition=models.Q(("quantity__gte", 1)), name="shipment_line_has_units"
            ),
        ),
        migrations.AddConstraint(
            model_name="orderline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("quantity__gte", models.F("shipped_quantity") + models.F("dropped_quantity"))
                ),
                name="order_line_shipped_capped",
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(
                    ("acknowledged_at", None), models.Q(("status", "pending"), _negated=True)
                ),
                fields=["merchant", "-id"],
                name="order_unacknowledged",
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(("status", "pending"), _negated=True),
                fields=["merchant", "updated_at", "id"],
                name="order_changes",
            ),
        ),
        tenantkeys.same("orders_shipmentline", "merchant", "shipment", "orders_shipment"),
        tenantkeys.same("orders_shipmentline", "merchant", "order", "orders_order"),
    ]
