"""Copies of the database for backups: taken while a server writes, each of one moment.

SQLite is copied page by page (`storage/copying.py`), PostgreSQL table by table in one snapshot.
"""

from collections.abc import Callable
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from roseau.cli.archive import Header, TableCopy, WrongArchive
from roseau.storage.copying import look_through
from roseau.storage.migrations import list_migrations

PIECE = 1024 * 1024


def check_sqlite(path: Path) -> None:
    """Have SQLite look through a copy. Raises WrongArchive."""
    if found := look_through(path):
        raise WrongArchive(f"The database in the archive is damaged: {'; '.join(found)}.")


_TABLES: LiteralString = """
    SELECT c.relname::text, array_agg(a.attname::text ORDER BY a.attnum)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
      AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    GROUP BY c.relname ORDER BY c.relname"""
_REFERENCES: LiteralString = """
    SELECT DISTINCT c.relname::text, t.relname::text
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class t ON t.oid = k.confrelid
    WHERE k.contype = 'f' AND k.connamespace = current_schema()::regnamespace AND c.oid <> t.oid"""
_SEQUENCES: LiteralString = """
    SELECT sequencename::text, last_value FROM pg_sequences
    WHERE schemaname = current_schema() AND last_value IS NOT NULL"""


def copy_postgresql(
    dsn: str, folder: Path, progress: Callable[[int, int], None]
) -> tuple[list[str], list[TableCopy], dict[str, int]]:
    """Copy every table into `folder`; the migrations, the tables in the order to restore, the sequences."""
    with psycopg.connect(dsn) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        cursor = connection.cursor()
        tables = _in_order(cursor)
        migrations = [
            str(row[0]) for row in cursor.execute("SELECT name FROM schema_migrations ORDER BY name")
        ]
        for done, table in enumerate(tables, 1):
            with (folder / table.name).open("wb") as written, cursor.copy(_copy(table, "TO STDOUT")) as copy:
                for piece in copy:
                    written.write(piece)
            progress(done, len(tables))
        # A sequence belongs to no snapshot. Read last, it is never behind the rows.
        sequences = {str(name): int(last) for name, last in cursor.execute(_SEQUENCES)}
    return migrations, tables, sequences


def _in_order(cursor: psycopg.Cursor[Any]) -> list[TableCopy]:
    """Every table, each after those it points at."""
    tables = {name: TableCopy(name, columns) for name, columns in cursor.execute(_TABLES)}
    sorter: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(tables, ()))
    for name, target in cursor.execute(_REFERENCES):
        sorter.add(name, target)
    return [tables[name] for name in sorter.static_order()]


def _copy(table: TableCopy, direction: LiteralString) -> sql.Composed:
    columns = sql.SQL(", ").join(map(sql.Identifier, table.columns))
    return sql.SQL("COPY {} ({}) " + direction).format(sql.Identifier(table.name), columns)


def restore_postgresql(dsn: str, header: Header, folder: Path, progress: Callable[[int, int], None]) -> None:
    """Fill an empty database from the copies in `folder`, in one transaction. Raises WrongArchive."""
    scripts = list_migrations("postgresql")
    with psycopg.connect(dsn) as connection:
        cursor = connection.cursor()
        if cursor.execute(_TABLES).fetchone() is not None:
            raise WrongArchive(
                "The PostgreSQL database is not empty. Name an empty one in the setting `database`."
            )
        for name in header.migrations:
            cursor.execute(scripts[name].encode())
        for done, table in enumerate(header.tables, 1):
            with (folder / table.name).open("rb") as source, cursor.copy(_copy(table, "FROM STDIN")) as copy:
                while piece := source.read(PIECE):
                    copy.write(piece)
            progress(done, len(header.tables))
        for name, last in header.sequences.items():
            cursor.execute("SELECT setval(%s::regclass, %s)", (name, last))
