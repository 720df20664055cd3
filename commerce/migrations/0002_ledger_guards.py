from django.db import migrations

# A deferred constraint trigger runs at commit, when all postings of a transaction are there.
BALANCED = """
CREATE FUNCTION commerce_ledger_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM commerce_posting WHERE transaction_id = NEW.transaction_id
                GROUP BY currency HAVING sum(amount) <> 0) THEN
        RAISE EXCEPTION 'ledger transaction % does not sum to zero', NEW.transaction_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_balanced AFTER INSERT ON commerce_posting
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION commerce_ledger_balanced();
"""
APPEND_ONLY = """
CREATE FUNCTION commerce_ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only; book a correction instead'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON commerce_posting
    FOR EACH STATEMENT EXECUTE FUNCTION commerce_ledger_append_only();
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON commerce_ledgertransaction
    FOR EACH STATEMENT EXECUTE FUNCTION commerce_ledger_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("commerce", "0001_initial")]
    operations = [
        migrations.RunSQL(
            BALANCED,
            "DROP TRIGGER ledger_balanced ON commerce_posting; DROP FUNCTION commerce_ledger_balanced();",
        ),
        migrations.RunSQL(
            APPEND_ONLY,
            "DROP TRIGGER ledger_append_only ON commerce_posting;"
            "DROP TRIGGER ledger_append_only ON commerce_ledgertransaction;"
            "DROP FUNCTION commerce_ledger_append_only();",
        ),
    ]
