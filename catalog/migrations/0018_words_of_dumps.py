from django.db import migrations

WORDS = "catalog_words(uuid, text, text, text, text, text, text[], text)"


class Migration(migrations.Migration):
    dependencies = [("catalog", "0017_feed_sources")]
    operations = [
        # A dump is read back without a search path, and the column of words is computed anew while it is.
        migrations.RunSQL(
            f"ALTER FUNCTION {WORDS} SET search_path FROM CURRENT",
            f"ALTER FUNCTION {WORDS} RESET search_path",
        ),
    ]
