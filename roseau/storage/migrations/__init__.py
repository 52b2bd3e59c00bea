"""Forward-only migrations: `NNNN_name.sqlite.sql` beside `NNNN_name.postgresql.sql`, each run once.

`migrate(database)` brings any older database to the present. A database that is newer than this
program is refused rather than guessed at. `python -m roseau.storage.migrations.draft` writes the DDL
of the whole present schema; a test holds it against what the migrations make.
"""

from importlib import resources

from sqlalchemy import bindparam, insert, select

from roseau.storage.database import Database, Transaction
from roseau.storage.schema.site import schema_migrations
from roseau.storage.statements import DialectName, statement, statements

_exists = statements(
    sqlite="SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_migrations'",
    postgresql="SELECT count(*) FROM pg_tables"
    " WHERE schemaname = current_schema() AND tablename = 'schema_migrations'",
)
_applied = statement(select(schema_migrations.c.name))
_record = statement(
    insert(schema_migrations).values(name=bindparam("name"), applied_at=bindparam("applied_at"))
)


class NewerDatabase(RuntimeError):
    """The database was written by a newer Roseau."""


def list_migrations(dialect: DialectName) -> dict[str, str]:
    """Name and SQL of every migration, in order."""
    ending = f".{dialect}.sql"
    folder = resources.files(__package__)
    return {
        file.name.removesuffix(ending): file.read_text("utf-8")
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.endswith(ending)
    }


def find_applied(tx: Transaction) -> list[str]:
    """The migrations that this database has seen; empty for a new one."""
    return sorted(tx.values(_applied)) if tx.value(_exists) else []


def _apply(tx: Transaction, name: str, sql: str) -> None:
    tx.script(sql)
    tx.run(_record, name=name, applied_at=tx.now)


def migrate(database: Database) -> list[str]:
    """Run what has not been run, each in its own transaction; the names of what was run.

    Raises NewerDatabase when the database has seen a migration that this program does not know.
    """
    known = list_migrations(database.dialect)
    applied = database.write_now(find_applied)
    if unknown := sorted(set(applied) - set(known)):
        raise NewerDatabase(
            f"This database was written by a newer Roseau (it has {unknown[-1]}). Update Roseau."
        )
    waiting = [name for name in known if name not in applied]
    for name in waiting:
        database.write_now(_apply, name, known[name])
    return waiting
