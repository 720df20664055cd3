from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0006_shared_commission")]

    operations = [
        migrations.AlterField(
            model_name="discrepancy",
            name="kind",
            field=models.CharField(
                choices=[
                    ("payment", "a payment is not as we asked for it"),
                    ("second_charge", "one payment was charged twice"),
                    ("foreign_charge", "a charge that is not ours"),
                    ("refund", "a refund is not as we asked for it"),
                    ("foreign_refund", "a refund that we did not ask for"),
                    ("transfer", "what a payee was sent is not as we asked for it"),
                    ("debt", "a payee owes what cannot be taken back"),
                    ("dispute", "a charge is disputed"),
                    ("movement", "money moved at the provider and not in our books"),
                    ("not_there", "money moved in our books and not at the provider"),
                    ("gap", "events were not read in time and are gone"),
                ],
                max_length=20,
            ),
        ),
        migrations.AddField(
            model_name="dispute",
            name="reinstated_amount",
            field=models.PositiveIntegerField(db_default=0, default=0, help_text="What of it it gave back."),
        ),
        migrations.AlterField(
            model_name="dispute",
            name="reinstated_at",
            field=models.DateTimeField(blank=True, help_text="When all of it was back.", null=True),
        ),
        migrations.RunSQL(
            "UPDATE orders_dispute SET reinstated_amount = withdrawn_amount WHERE reinstated_at IS NOT NULL",
            migrations.RunSQL.noop,
        ),
        migrations.AddConstraint(
            model_name="dispute",
            constraint=models.CheckConstraint(
                condition=models.Q(("reinstated_amount__lte", models.F("withdrawn_amount"))),
                name="dispute_gives_back_no_more",
            ),
        ),
        migrations.AddConstraint(
            model_name="dispute",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("reinstated_at", None),
                    ("reinstated_amount", models.F("withdrawn_amount")),
                    _connector="OR",
                ),
                name="dispute_reinstated_whole",
            ),
        ),
    ]
