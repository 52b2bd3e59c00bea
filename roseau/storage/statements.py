"""Statements: SQLAlchemy Core writes the SQL once per database, the driver runs it.

`statement(clause)` is made at import time and compiled at first use. Parameters are `bindparam`s;
every other value in the clause is written into the SQL, so that partial indexes match. A row is a
named tuple, or the msgspec struct given as `into`, filled by position.
"""

from collections import namedtuple
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Generic, Literal, TypeVar, overload

import msgspec
from sqlalchemy import Boolean, ClauseElement, ColumnElement, Table, bindparam, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.dialects.postgresql.base import PGCompiler
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

# `upsert(table).values(...).on_conflict_do_nothing()`: PostgreSQL's form; SQLite understands it too.
__all__ = [
    "DIALECTS",
    "DialectName",
    "Row",
    "Statement",
    "insertion",
    "one_of",
    "statement",
    "statements",
    "upsert",
]

DialectName = Literal["sqlite", "postgresql"]
#: A clause that is put together when it is compiled costs nothing until then, and most are not used at first.
Clause = ClauseElement | str | partial[ClauseElement]
Row = TypeVar("Row")


class _Inline:
    """Write every value into the SQL text except the parameters that a caller must give."""

    def visit_bindparam(self, bindparam: Any, *args: Any, **kw: Any) -> str:
        kw["literal_binds"] = not bindparam.required
        return str(super().visit_bindparam(bindparam, *args, **kw))  # type: ignore[misc]


class _SQLiteCompiler(_Inline, SQLiteCompiler):
    pass


class _PostgresCompiler(_Inline, PGCompiler):
    pass


def _sqlite_dialect() -> Any:
    dialect: Any = sqlite.dialect(paramstyle="named")
    dialect.statement_compiler = _SQLiteCompiler
    # TRUE and FALSE are words of SQLite's since 3.23; without this every condition would gain an `= 1`.
    dialect.supports_native_boolean = True
    return dialect


def _postgres_dialect() -> Any:
    make: Any = postgresql.dialect
    dialect = make(paramstyle="pyformat")
    dialect.statement_compiler = _PostgresCompiler
    return dialect


DIALECTS: dict[DialectName, Any] = {"sqlite": _sqlite_dialect(), "postgresql": _postgres_dialect()}


class one_of(ColumnElement[bool]):  # noqa: N801 (reads as SQL)
    """`column IN (values of a list parameter)`; the list may be empty or long.

    `one_of(table.c.id, "ids")` takes `ids=[1, 2]` when the statement is run.
    """

    inherit_cache = False

    def __init__(self, column: ColumnElement[Any], name: str, kind: str = "BIGINT") -> None:
        self.column = column
        self.name = name
        self.kind = kind
        self.type = Boolean()

    def get_children(self, **kw: Any) -> Any:
        return (self.column,)


@compiles(one_of, "sqlite")
def _one_of_sqlite(element: one_of, compiler: SQLCompiler, **kw: Any) -> str:
    values = compiler.process(bindparam(element.name), **kw)
    return f"{compiler.process(element.column, **kw)} IN (SELECT value FROM json_each({values}))"  # noqa: S608


@compiles(one_of, "postgresql")
def _one_of_postgresql(element: one_of, compiler: SQLCompiler, **kw: Any) -> str:
    values = compiler.process(bindparam(element.name), **kw)
    return f"{compiler.process(element.column, **kw)} = ANY(CAST({values} AS {element.kind}[]))"


class Compiled(msgspec.Struct, Generic[Row], frozen=True):
    """One statement for one database: its text and how its rows become values."""

    sql: str
    to_row: Callable[[Any], Row] | None


class Statement(Generic[Row]):
    """A question or change in SQL, compiled once for each database."""

    __slots__ = ("_clauses", "_compiled", "into")

    def __init__(self, clauses: dict[DialectName, Clause], into: Any = None) -> None:
        self._clauses = clauses
        self._compiled: dict[DialectName, Compiled[Row]] = {}
        self.into = into

    def for_dialect(self, dialect: DialectName) -> Compiled[Row]:
        """The compiled form; made at the first call."""
        compiled = self._compiled.get(dialect)
        if compiled is None:
            compiled = self._compiled[dialect] = self._compile(dialect)
        return compiled

    def _compile(self, dialect: DialectName) -> Compiled[Row]:
        clause = self._clauses[dialect]
        if isinstance(clause, partial):
            clause = clause()
        if isinstance(clause, str):
            return Compiled(_named_to_pyformat(clause) if dialect == "postgresql" else clause, self.into)
        compiled: Any = clause.compile(dialect=DIALECTS[dialect])
        columns = getattr(compiled, "_result_columns", [])
        names = [str(column.keyname) for column in columns]
        into = self.into
        if into is None:
            into = _named_row(names) if names else None
        elif isinstance(into, type) and issubclass(into, msgspec.Struct):
            if names[: len(into.__struct_fields__)] != list(into.__struct_fields__[: len(names)]):
                raise TypeError(f"columns {names} do not fill {into.__struct_fields__} of {into.__name__}")
            into = _spread(into)
        flags = [index for index, column in enumerate(columns) if isinstance(column.type, Boolean)]
        if dialect == "sqlite" and flags:
            into = _with_booleans(into, flags)
        return Compiled(str(compiled), into)


def _named_row(names: list[str]) -> Callable[[Sequence[Any]], Any]:
    make: Any = namedtuple
    row: Any = make("Row", names, rename=True)
    return row._make  # type: ignore[no-any-return]


def _spread(kind: Callable[..., Any]) -> Callable[[Sequence[Any]], Any]:
    return lambda row: kind(*row)


def _with_booleans(into: Callable[[Any], Any], flags: list[int]) -> Callable[[Sequence[Any]], Any]:
    """SQLite keeps truth as 0 and 1; everyone above the driver sees False and True."""

    def convert(row: Sequence[Any]) -> Any:
        values = list(row)
        for index in flags:
            if values[index] is not None:
                values[index] = values[index] != 0
        return into(values)

    return convert


def _named_to_pyformat(sql: str) -> str:
    """Hand-written SQL names its parameters `:name` for both databases; psycopg wants `%(name)s`."""
    pieces: list[str] = []
    for index, piece in enumerate(sql.replace("%", "%%").replace("::", "\0").split(":")):
        if index == 0:
            pieces.append(piece)
            continue
        length = next((i for i, c in enumerate(piece) if not (c.isalnum() or c == "_")), len(piece))
        pieces.append(f"%({piece[:length]})s{piece[length:]}")
    return "".join(pieces).replace("\0", "::")


@overload
def statement(clause: ClauseElement, into: type[Row]) -> Statement[Row]: ...
@overload
def statement(clause: ClauseElement, into: None = None) -> Statement[Any]: ...
def statement(clause: ClauseElement, into: Any = None) -> Statement[Any]:
    """A statement in SQLAlchemy Core, the same for both databases."""
    return Statement({"sqlite": clause, "postgresql": clause}, into)


def insertion(table: Table[Any], columns: str) -> Statement[Any]:
    """Insert a row; `columns` names its columns, which are the parameters: `"id account_id text"`."""
    clause: Clause = partial(_insert_into, table, columns)
    return Statement({"sqlite": clause, "postgresql": clause})


def _insert_into(table: Table[Any], columns: str) -> ClauseElement:
    return insert(table).values({name: bindparam(name) for name in columns.split()})


def statements(
    sqlite: ClauseElement | str, postgresql: ClauseElement | str, into: Any = None
) -> Statement[Any]:
    """A statement that has to be said differently to each database; text names parameters `:name`.

    Rows of a text statement are plain tuples unless `into` is a callable that takes one.
    """
    return Statement({"sqlite": sqlite, "postgresql": postgresql}, into)
