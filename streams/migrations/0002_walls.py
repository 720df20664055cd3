from django.db import migrations

from commerce import tenantkeys

OF_GOODS = [
    ("streams_pin", "item", "streams_showcaseitem"),
    ("streams_offer", "item", "streams_showcaseitem"),
]

# No row can name a line, an item, a restraint or a decision of another show. Deferred, because a held line and
# its decision name each other.
OF_CHAT = [
    ("streams_question", "message", "streams_chatmessage"),
    ("streams_question", "item", "streams_showcaseitem"),
    ("streams_report", "message", "streams_chatmessage"),
    ("streams_report", "decision", "streams_decision"),
    ("streams_decision", "message", "streams_chatmessage"),
    ("streams_decision", "restraint", "streams_restraint"),
    ("streams_decision", "case", "streams_decision"),
    ("streams_decision", "undoes", "streams_decision"),
    ("streams_chatmessage", "decision", "streams_decision"),
    ("streams_restraint", "decision", "streams_decision"),
    ("streams_appeal", "decision", "streams_decision"),
]
PINNED = (
    "ALTER TABLE streams_stream ADD CONSTRAINT streams_stream_pinned_line_same_stream"
    " FOREIGN KEY (id, pinned_line_id) REFERENCES streams_chatmessage (stream_id, id)"
    " DEFERRABLE INITIALLY DEFERRED",
    "ALTER TABLE streams_stream DROP CONSTRAINT streams_stream_pinned_line_same_stream",
)

APPEND_ONLY = """
CREATE FUNCTION streams_decision_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'decisions are never changed; undo one by another'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER decision_append_only BEFORE UPDATE OR DELETE ON streams_decision
    FOR EACH STATEMENT EXECUTE FUNCTION streams_decision_append_only();
"""

# Saying a line and restraining its author exclude each other: sayers share a lock, a restraint takes it
# alone. So once a restraint has committed no line of that user commits, however both overlapped. The look
# comes after the lock and, being a statement of its own, sees what was committed meanwhile.
BINDS = """
CREATE FUNCTION streams_line_allowed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended(NEW.stream_id::text || NEW.author_id::text, 7));
    IF EXISTS (SELECT 1 FROM streams_restraint
                WHERE stream_id = NEW.stream_id AND user_id = NEW.author_id AND lifted_at IS NULL
                  AND (until IS NULL OR until > NEW.at)) THEN
        RAISE EXCEPTION 'chat_author_is_free: muted or banned' USING ERRCODE = 'check_violation', CONSTRAINT = 'chat_author_is_free';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER chat_author_is_free BEFORE INSERT ON streams_chatmessage
    FOR EACH ROW EXECUTE FUNCTION streams_line_allowed();
CREATE FUNCTION streams_restraint_alone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(NEW.stream_id::text || NEW.user_id::text, 7));
    RETURN NEW;
END $$;
CREATE TRIGGER restraint_alone BEFORE INSERT OR UPDATE ON streams_restraint
    FOR EACH ROW EXECUTE FUNCTION streams_restraint_alone();
"""


class Migration(migrations.Migration):
    dependencies = [("streams", "0001_initial")]
    operations = [
        *(tenantkeys.same(table, "stream", column, target) for table, column, target in OF_GOODS),
        *(
            tenantkeys.same(table, "stream", column, target, deferred=True)
            for table, column, target in OF_CHAT
        ),
        # Nobody can appeal for another.
        tenantkeys.same("streams_appeal", "by", "decision", "streams_decision", theirs="subject", deferred=True),
        migrations.RunSQL(*PINNED),
        migrations.RunSQL(
            APPEND_ONLY,
            "DROP TRIGGER decision_append_only ON streams_decision;"
            "DROP FUNCTION streams_decision_append_only();",
        ),
        migrations.RunSQL(
            BINDS,
            "DROP TRIGGER chat_author_is_free ON streams_chatmessage; DROP FUNCTION streams_line_allowed();"
            "DROP TRIGGER restraint_alone ON streams_restraint; DROP FUNCTION streams_restraint_alone();",
        ),
    ]
