from django.db import migrations, models
from django.db.models.functions import Upper

# Lower case without accents, by what PostgreSQL itself has: no extension. What separates words in a title and
# would be read as a path or an address becomes a blank.
PLAIN = r"""
CREATE FUNCTION catalog_plain(said text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
    SELECT replace(translate(lower(regexp_replace(normalize(said, NFKD), '[\u0300-\u036f]', '', 'g')),
        'øłđħı/_@|', 'oldhi    '), 'ß', 'ss')
$$
"""

STEMS = {
    "ar": "arabic",
    "ca": "catalan",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "eu": "basque",
    "fi": "finnish",
    "fr": "french",
    "ga": "irish",
    "hi": "hindi",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "it": "italian",
    "lt": "lithuanian",
    "ne": "nepali",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
    "yi": "yiddish",
}

# Immutable although array_to_string is only stable: of texts it is the same everywhere.
WORDS = """
CREATE FUNCTION catalog_words(
    merchant uuid, language text, title text, handle text, vendor text, kind text, tags text[], description text
) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
DECLARE
    top text := catalog_plain(title);
    middle text := catalog_plain(concat_ws(' ', vendor, kind, array_to_string(tags, ' '), handle));
    -- A vector holds a megabyte at most, and a customer looks for what is said first.
    low text := catalog_plain(left(description, 20000));
    stems regconfig := CASE language %s END;
    words tsvector := array_to_tsvector(ARRAY[merchant::text])
        || setweight(to_tsvector('simple', top), 'A')
        || setweight(to_tsvector('simple', middle), 'B')
        || setweight(to_tsvector('simple', low), 'C');
BEGIN
    IF stems IS NULL THEN
        RETURN words;
    END IF;
    RETURN words || setweight(to_tsvector(stems, top), 'A') || setweight(to_tsvector(stems, middle), 'B')
        || setweight(to_tsvector(stems, low), 'C');
END
$$
""" % " ".join(f"WHEN '{code}' THEN '{name}'::regconfig" for code, name in STEMS.items())

COLUMN = """
ALTER TABLE catalog_product ADD COLUMN words tsvector GENERATED ALWAYS AS (
    catalog_words(merchant_id, language, title, handle, vendor, product_type, tags::text[], description)
) STORED
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0006_exports")]
    operations = [
        migrations.AddField(
            "product",
            "language",
            models.CharField(
                blank=True,
                choices=[(code, name.capitalize()) for code, name in STEMS.items()],
                db_default="",
                default="",
                help_text="What it is described in: search finds the word forms of this language.",
                max_length=2,
            ),
        ),
        migrations.RunSQL(PLAIN, "DROP FUNCTION catalog_plain(text)"),
        migrations.RunSQL(
            WORDS, "DROP FUNCTION catalog_words(uuid, text, text, text, text, text, text[], text)"
        ),
        migrations.RunSQL(COLUMN, "ALTER TABLE catalog_product DROP COLUMN words"),
        migrations.RunSQL(
            # What waits to be sorted in is read by every search: not much of it.
            "CREATE INDEX product_words ON catalog_product USING gin (words) WITH (gin_pending_list_limit = 512)",
            "DROP INDEX product_words",
        ),
        migrations.AddIndex(
            "product", models.Index("merchant", Upper("vendor"), models.F("id").desc(), name="product_by_vendor")
        ),
        migrations.AddIndex(
            "product", models.Index("merchant", Upper("product_type"), models.F("id").desc(), name="product_by_type")
        ),
        migrations.AddIndex(
            "product", models.Index(fields=["merchant", "updated_at", "id"], name="product_changes")
        ),
        migrations.AddIndex(
            "variant",
            models.Index(
                fields=["merchant", "barcode", "-id"],
                condition=~models.Q(barcode=""),
                name="variant_by_barcode",
            ),
        ),
    ]
