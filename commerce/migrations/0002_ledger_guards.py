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
# The postings of a transaction are announced with it. Both triggers run at commit, when all of them are there,
# so nothing can be added to one that was committed, and none is left empty.
WHOLE = """
CREATE FUNCTION commerce_ledger_whole(head uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    announced integer;
    found integer;
BEGIN
    SELECT legs INTO announced FROM commerce_ledgertransaction WHERE id = head;
    SELECT count(*) INTO found FROM commerce_posting WHERE transaction_id = head;
    IF found <> announced THEN
        RAISE EXCEPTION 'ledger transaction % has % postings and announced %', head, found, announced
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
END $$;
CREATE FUNCTION commerce_ledger_sealed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM commerce_ledger_whole(NEW.transaction_id);
    RETURN NULL;
END $$;
CREATE FUNCTION commerce_ledger_filled() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM commerce_ledger_whole(NEW.id);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_sealed AFTER INSERT ON commerce_posting
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION commerce_ledger_sealed();
CREATE CONSTRAINT TRIGGER ledger_filled AFTER INSERT ON commerce_ledgertransaction
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION commerce_ledger_filled();
"""
NOT_WHOLE = """
DROP TRIGGER ledger_sealed ON commerce_posting;
DROP TRIGGER ledger_filled ON commerce_ledgertransaction;
DROP FUNCTION commerce_ledger_sealed();
DROP FUNCTION commerce_ledger_filled();
DROP FUNCTION commerce_ledger_whole(uuid);
"""
KEPT = """
CREATE TRIGGER ledger_kept BEFORE TRUNCATE ON commerce_posting
    FOR EACH STATEMENT EXECUTE FUNCTION commerce_ledger_append_only();
CREATE TRIGGER ledger_kept BEFORE TRUNCATE ON commerce_ledgertransaction
    FOR EACH STATEMENT EXECUTE FUNCTION commerce_ledger_append_only();
"""
NOT_KEPT = """
DROP TRIGGER ledger_kept ON commerce_posting;
DROP TRIGGER ledger_kept ON commerce_ledgertransaction;
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
        migrations.RunSQL(WHOLE, NOT_WHOLE),
        migrations.RunSQL(KEPT, NOT_KEPT),
    ]
