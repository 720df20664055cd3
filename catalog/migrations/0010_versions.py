from django.db import migrations, models

# The transaction that stamped a row last: a stamp is believed only of who writes this, and a transaction stamps
# a product once. Rows from before have none.
COLUMNS = """
ALTER TABLE {table} ADD COLUMN changed_in xid8;
ALTER TABLE {table} ALTER COLUMN changed_in SET DEFAULT pg_current_xact_id()
"""

# The id of the transaction is taken before the clock is read, so that whoever reads the changes knows of the
# transaction by the time a stamp can be before his own moment (commerce.following).
STAMP = """
CREATE FUNCTION {table}_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    same {table} := NEW;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        same.version := OLD.version;
        same.updated_at := OLD.updated_at;
        same.changed_in := OLD.changed_in;
        {generated}
        IF same IS NOT DISTINCT FROM OLD THEN
            IF NEW.changed_in IS NOT DISTINCT FROM OLD.changed_in THEN
                NEW.version := OLD.version;
                NEW.updated_at := OLD.updated_at;
            END IF;
            RETURN NEW;
        END IF;
        NEW.version := OLD.version + 1;
    END IF;
    NEW.changed_in := pg_current_xact_id();
    NEW.updated_at := clock_timestamp();
    RETURN NEW;
END
$$;
CREATE TRIGGER {table}_stamp BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_stamp()
"""

# Once a transaction. Numbers of transactions come again after a dump was restored: hence the second look.
MARK_PRODUCTS = """
CREATE FUNCTION catalog_mark_products(ids uuid[]) RETURNS void LANGUAGE sql AS $$
    WITH theirs AS MATERIALIZED (
        SELECT id FROM catalog_product
         WHERE id = ANY(ids)
           AND (changed_in IS DISTINCT FROM pg_current_xact_id() OR updated_at < transaction_timestamp())
         ORDER BY id FOR NO KEY UPDATE
    )
    UPDATE catalog_product p
       SET version = version + 1, changed_in = pg_current_xact_id(), updated_at = clock_timestamp()
      FROM theirs WHERE p.id = theirs.id
$$
"""

MARKS = """
CREATE FUNCTION {table}_mark() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    ids uuid[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        ids := (SELECT array_agg(DISTINCT product_id) FROM new_rows);
    ELSIF TG_OP = 'DELETE' THEN
        ids := (SELECT array_agg(DISTINCT product_id) FROM old_rows);
    ELSE
        ids := (SELECT array_agg(DISTINCT product) FROM (
            SELECT unnest(ARRAY[o.product_id, n.product_id]) AS product
              FROM new_rows n JOIN old_rows o USING (id) WHERE {differs}
        ) moved);
    END IF;
    IF ids IS NOT NULL THEN
        PERFORM catalog_mark_products(ids);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER {table}_mark_new AFTER INSERT ON {table} REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION {table}_mark();
CREATE TRIGGER {table}_mark_changed AFTER UPDATE ON {table} REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION {table}_mark();
CREATE TRIGGER {table}_mark_gone AFTER DELETE ON {table} REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION {table}_mark()
"""

# A new price is a change of its variant, not another version of what the merchant wrote.
PRICES = """
CREATE FUNCTION catalog_price_mark() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH theirs AS MATERIALIZED (
        SELECT id FROM catalog_variant
         WHERE id IN (SELECT variant_id FROM new_rows)
           AND (changed_in IS DISTINCT FROM pg_current_xact_id() OR updated_at < transaction_timestamp())
         ORDER BY id FOR NO KEY UPDATE
    )
    UPDATE catalog_variant v
       SET changed_in = pg_current_xact_id(), updated_at = clock_timestamp()
      FROM theirs WHERE v.id = theirs.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER catalog_price_mark_new AFTER INSERT ON catalog_price REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_price_mark();
CREATE TRIGGER catalog_price_mark_changed AFTER UPDATE ON catalog_price REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_price_mark()
"""


def stamped(table, generated=""):
    return [
        migrations.RunSQL(COLUMNS.format(table=table), f"ALTER TABLE {table} DROP COLUMN changed_in"),
        migrations.RunSQL(
            STAMP.format(table=table, generated=generated), f"DROP FUNCTION {table}_stamp() CASCADE"
        ),
    ]


def version():
    return models.BigIntegerField(
        db_default=1, editable=False, help_text="Grows with every change of what the merchant writes."
    )


class Migration(migrations.Migration):
    dependencies = [("catalog", "0009_price_schedules")]
    operations = [
        migrations.AddField("product", "version", version()),
        migrations.AddField("variant", "version", version()),
        migrations.AddIndex(
            "variant", models.Index(fields=["merchant", "updated_at", "id"], name="variant_changes")
        ),
        *stamped("catalog_product", "same.words := OLD.words;"),
        *stamped("catalog_variant"),
        migrations.RunSQL(MARK_PRODUCTS, "DROP FUNCTION catalog_mark_products(uuid[])"),
        migrations.RunSQL(
            MARKS.format(table="catalog_variant", differs="o.version <> n.version"),
            "DROP FUNCTION catalog_variant_mark() CASCADE",
        ),
        migrations.RunSQL(
            MARKS.format(table="catalog_productimage", differs="o IS DISTINCT FROM n"),
            "DROP FUNCTION catalog_productimage_mark() CASCADE",
        ),
        migrations.RunSQL(PRICES, "DROP FUNCTION catalog_price_mark() CASCADE"),
    ]
