"""The migrations make exactly the schema that the code describes, on both databases."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import bindparam, insert

from roseau.storage.database import Transaction
from roseau.storage.migrations import NewerDatabase, list_migrations, migrate
from roseau.storage.migrations.draft import to_ddl
from roseau.storage.postgresql import PostgresDatabase
from roseau.storage.schema.site import schema_migrations
from roseau.storage.sqlite import SqliteDatabase
from roseau.storage.statements import statement, statements
from tests.servers import postgresql

_sqlite_shape = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name"
_postgresql_columns = (
    "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns"
    " WHERE table_schema = 'public' ORDER BY table_name, column_name"
)
_columns = statements(sqlite=_sqlite_shape, postgresql=_postgresql_columns)
_indexes = statements(
    sqlite=_sqlite_shape,
    postgresql="SELECT tablename, indexname, indexdef FROM pg_indexes"
    " WHERE schemaname = 'public' ORDER BY 1, 2",
)


def shape(tx: Transaction) -> tuple[list[Any], list[Any]]:
    return tx.all(_columns), tx.all(_indexes)


def compare(open_database: Callable[[str], Any]) -> None:
    migrated, drafted = open_database("migrated"), open_database("drafted")
    assert migrate(migrated) == list(list_migrations(migrated.dialect))
    assert migrate(migrated) == []
    drafted.write_now(lambda tx: tx.script(to_ddl(drafted.dialect)))
    try:
        assert migrated.read_now(shape) == drafted.read_now(shape)
    finally:
        migrated.close()
        drafted.close()


def test_migrations_make_the_schema_on_sqlite(tmp_path: Path) -> None:
    compare(lambda name: SqliteDatabase(tmp_path / f"{name}.db"))


def test_migrations_make_the_schema_on_postgresql() -> None:
    server = postgresql.shared()
    names = ["shape_migrated", "shape_drafted"]
    opened = iter(postgresql.create_database(server, name) for name in names)
    try:
        compare(lambda name: PostgresDatabase(next(opened)))
    finally:
        for name in names:
            postgresql.drop_database(server, name)


def test_both_databases_have_the_same_migrations() -> None:
    assert list(list_migrations("sqlite")) == list(list_migrations("postgresql"))


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "newer.db")
    migrate(database)
    record = statement(insert(schema_migrations).values(name=bindparam("name"), applied_at=0))
    database.write_now(lambda tx: tx.run(record, name="9999_tomorrow"))
    with pytest.raises(NewerDatabase, match="9999_tomorrow"):
        migrate(database)
    database.close()
