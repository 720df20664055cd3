from django.db import migrations, models

# Lines that were taken down before there were decisions get one each.
OLD_REMOVALS = """
WITH made AS (
    INSERT INTO streams_decision
        (id, stream_id, message_id, subject_id, action, actor_id, rule, reason, matched, at)
    SELECT gen_random_uuid(), stream_id, id, author_id, 'removed', removed_by_id, 'other', '', '', removed_at
      FROM streams_chatmessage WHERE removed_at IS NOT NULL AND removed_by_id IS NOT NULL
    RETURNING id, message_id
)
UPDATE streams_chatmessage SET status = 'removed', decision_id = made.id
  FROM made WHERE streams_chatmessage.id = made.message_id;
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
"""

# Composite foreign keys: no row can name a line, an item, a restraint or a decision of another show, and
# nobody can appeal for another. Deferred, because a held line and its decision name each other.
KEYS = [
    ("streams_question", ("stream", "message"), "streams_chatmessage", ("stream_id", "id")),
    ("streams_question", ("stream", "item"), "streams_showcaseitem", ("stream_id", "id")),
    ("streams_report", ("stream", "message"), "streams_chatmessage", ("stream_id", "id")),
    ("streams_report", ("stream", "decision"), "streams_decision", ("stream_id", "id")),
    ("streams_decision", ("stream", "message"), "streams_chatmessage", ("stream_id", "id")),
    ("streams_decision", ("stream", "restraint"), "streams_restraint", ("stream_id", "id")),
    ("streams_decision", ("stream", "case"), "streams_decision", ("stream_id", "id")),
    ("streams_decision", ("stream", "undoes"), "streams_decision", ("stream_id", "id")),
    ("streams_chatmessage", ("stream", "decision"), "streams_decision", ("stream_id", "id")),
    ("streams_restraint", ("stream", "decision"), "streams_decision", ("stream_id", "id")),
    ("streams_appeal", ("stream", "decision"), "streams_decision", ("stream_id", "id")),
    ("streams_appeal", ("by", "decision"), "streams_decision", ("subject_id", "id")),
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


def same(table: str, columns: tuple[str, str], target: str, theirs: tuple[str, str]) -> migrations.RunSQL:
    tenant, column = columns
    name = f"{table}_{column}_same_{tenant}"
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({tenant}_id, {column}_id)"
        f" REFERENCES {target} ({', '.join(theirs)}) DEFERRABLE INITIALLY DEFERRED",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


class Migration(migrations.Migration):
    dependencies = [("streams", "0003_moderation")]
    operations = [
        migrations.RunSQL(OLD_REMOVALS, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="chatmessage",
            constraint=models.CheckConstraint(
                condition=models.Q(status="removed", removed_at__isnull=False)
                | (~models.Q(status="removed") & models.Q(removed_at=None)),
                name="chat_removed_has_a_moment",
            ),
        ),
        migrations.AddConstraint(
            model_name="chatmessage",
            constraint=models.CheckConstraint(
                condition=models.Q(status="shown") | models.Q(decision__isnull=False),
                name="chat_hidden_by_decision",
            ),
        ),
        *(same(*key) for key in KEYS),
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
