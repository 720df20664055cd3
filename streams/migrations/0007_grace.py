"""Offers say how long a declined card's units wait for another one."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("streams", "0006_offers_below_the_floor")]

    operations = [
        migrations.AddField(
            model_name="offer",
            name="grace_seconds",
            field=models.PositiveSmallIntegerField(
                db_default=0,
                default=0,
                help_text="How long units of a declined card are kept for another one.",
            ),
        ),
        migrations.AddConstraint(
            model_name="offer",
            constraint=models.CheckConstraint(
                condition=models.Q(("grace_seconds__lte", 600)), name="offer_grace_short"
            ),
        ),
    ]
