from django.db import migrations

# Django drops them with the plain index of the same column (0005): a condition makes them indexes to it.
AGAIN = """
CREATE UNIQUE INDEX IF NOT EXISTS stream_one_live_per_host ON streams_stream (host_id) WHERE status = 'live'
"""


class Migration(migrations.Migration):
    dependencies = [("streams", "0005_leaner_indexes")]
    operations = [migrations.RunSQL(AGAIN, migrations.RunSQL.noop)]
