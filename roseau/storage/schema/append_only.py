"""Tables whose rows are never changed and never deleted: the databases themselves refuse it."""

TABLES = (
    "appeal_answers",
    "decision_ends",
    "decisions",
    "item_dispositions",
    "measure_ends",
    "measures",
    "moderation_log",
    "statements",
)

SQLITE = "".join(
    f"""
CREATE TRIGGER {table}_not_changed BEFORE UPDATE ON {table}
BEGIN SELECT RAISE(ABORT, 'rows of {table} are never changed'); END;

CREATE TRIGGER {table}_not_deleted BEFORE DELETE ON {table}
BEGIN SELECT RAISE(ABORT, 'rows of {table} are never deleted'); END;
"""
    for table in TABLES
)

POSTGRESQL = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'rows of % are never changed and never deleted', TG_TABLE_NAME; END $$;
""" + "".join(
    f"""
CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""
    for table in TABLES
)
