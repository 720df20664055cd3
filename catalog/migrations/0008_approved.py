from django.db import migrations, models

RENAME = """
UPDATE catalog_product SET status = 'approved' WHERE status = 'active';
UPDATE catalog_export SET filters = jsonb_set(filters, '{status}', '"approved"') WHERE filters->>'status' = 'active'
"""
BACK = """
UPDATE catalog_product SET status = 'active' WHERE status = 'approved';
UPDATE catalog_product SET status = 'draft' WHERE status = 'in_review';
UPDATE catalog_export SET filters = jsonb_set(filters, '{status}', '"active"') WHERE filters->>'status' = 'approved'
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0007_search")]
    operations = [
        migrations.AlterField(
            "product",
            "status",
            models.CharField(
                choices=[
                    ("draft", "Draft"),
                    ("in_review", "In Review"),
                    ("approved", "Approved"),
                    ("retired", "Retired"),
                ],
                default="draft",
                max_length=10,
            ),
        ),
        migrations.RunSQL(RENAME, BACK),
    ]
