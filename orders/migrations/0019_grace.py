"""Declined purchases keep their units for the grace of their offers."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0018_payouts"), ("streams", "0007_grace")]

    operations = [
        migrations.AddField(
            model_name="purchase",
            name="grace_until",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="Declined, and its units are kept until then for another card.",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="purchase",
            name="status",
            field=models.CharField(
                choices=[
                    ("accepted", "accepted, being charged"),
                    ("action_required", "waiting for the buyer's bank"),
                    ("authorized", "pre-order, charged when it is shipped"),
                    ("paid", "Paid"),
                    ("declined", "card declined, units given back after its grace"),
                    ("expired", "not paid in time, units given back"),
                    ("cancelled", "Cancelled"),
                ],
                default="accepted",
                max_length=15,
            ),
        ),
        migrations.AddIndex(
            model_name="purchase",
            index=models.Index(
                condition=models.Q(("grace_until__isnull", False)),
                fields=["grace_until"],
                name="purchase_in_grace",
            ),
        ),
        migrations.AddConstraint(
            model_name="purchase",
            constraint=models.CheckConstraint(
                condition=models.Q(("grace_until", None), ("status", "declined"), _connector="OR"),
                name="purchase_grace_of_declined",
            ),
        ),
    ]
