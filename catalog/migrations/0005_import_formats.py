import django.db.models.deletion
from django.db import migrations, models

# A feed that waits keeps its bytes: one part is as good as several.
MOVE = """
    INSERT INTO catalog_importchunk (job_id, number, body) SELECT job_id, 0, body FROM catalog_importcontent;
    UPDATE catalog_import SET bytes_total = length(body) FROM catalog_importcontent WHERE job_id = id;
    SET CONSTRAINTS ALL IMMEDIATE
"""
FORMATS = [
    ("shopify_csv", "Shopify CSV"),
    ("google_tsv", "Google feed, TSV"),
    ("google_xml", "Google feed, XML"),
    ("jsonl", "JSON Lines"),
]
STATUSES = [(word, word.title()) for word in ("queued", "running", "done", "failed", "cancelled")]


class Migration(migrations.Migration):
    dependencies = [("catalog", "0004_commission_walls")]
    operations = [
        migrations.CreateModel(
            name="ImportChunk",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("number", models.PositiveIntegerField()),
                ("body", models.BinaryField()),
                (
                    "job",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="chunks",
                        to="catalog.import",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("job", "number"), name="import_chunk_once")]
            },
        ),
        migrations.AddField("import", "bytes_total", models.PositiveBigIntegerField(default=0)),
        migrations.AddField("import", "bytes_done", models.PositiveBigIntegerField(default=0)),
        migrations.AddField(
            "import",
            "dry_run",
            models.BooleanField(default=False, help_text="Says what it would change, and changes nothing."),
        ),
        migrations.AddField(
            "import",
            "format",
            models.CharField(choices=FORMATS, default="shopify_csv", max_length=12),
        ),
        migrations.AddField("import", "products_unchanged", models.PositiveIntegerField(default=0)),
        migrations.AddField("import", "variants_unchanged", models.PositiveIntegerField(default=0)),
        migrations.AddField(
            "import",
            "skipped",
            models.PositiveIntegerField(
                default=0, help_text="Rows, variants and pictures that were left out."
            ),
        ),
        migrations.AddField(
            "import",
            "working_seconds",
            models.FloatField(default=0.0, help_text="How long it was read for, pauses left out."),
        ),
        migrations.AlterField(
            "import", "status", models.CharField(choices=STATUSES, default="queued", max_length=10)
        ),
        migrations.RemoveConstraint("import", "import_unfinished_once"),
        migrations.AddConstraint(
            "import",
            models.UniqueConstraint(
                condition=models.Q(("status__in", ["queued", "running"])),
                fields=("merchant", "sha256", "dry_run"),
                name="import_unfinished_once",
            ),
        ),
        migrations.RunSQL(MOVE, migrations.RunSQL.noop),
        migrations.DeleteModel("ImportContent"),
    ]
