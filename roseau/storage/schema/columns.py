"""Column types and shorthands that the tables share.

Times are integer milliseconds since the epoch; ids are 63-bit; JSON is text that msgspec reads.
"""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Integer, LargeBinary, MetaData, Text
from sqlalchemy.sql import expression

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: SQLite makes a column the row's own number only when its type is spelled INTEGER.
ID = BigInteger().with_variant(Integer(), "sqlite")


def key() -> Column[int]:
    """The primary key `id`, from `kernel.ids`."""
    return Column("id", ID, primary_key=True, autoincrement=False)


def ref(name: str, target: str, *, null: bool = False, owned: bool | None = None, **kw: Any) -> Column[int]:
    """A column that points at another row. When that row goes, an `owned` row goes with it, others forget it.

    Rows are owned unless they may do without (`null`).
    """
    goes_along = not null if owned is None else owned
    key = ForeignKey(target, ondelete="CASCADE" if goes_along else "SET NULL")
    return Column(name, ID, key, nullable=null, **kw)


def instant(name: str, *, null: bool = False) -> Column[int]:
    """A moment, in milliseconds since the epoch."""
    return Column(name, BigInteger, nullable=null)


def text(name: str, *, null: bool = False, default: str | None = None, **kw: Any) -> Column[str]:
    """Text; not null unless said."""
    return Column(name, Text, nullable=null, server_default=default, **kw)


def number(name: str, default: int | None = 0) -> Column[int]:
    """A number that counts from zero."""
    return Column(name, BigInteger, nullable=False, server_default=None if default is None else str(default))


def flag(name: str, default: bool = False) -> Column[bool]:
    """True or false."""
    server_default = expression.true() if default else expression.false()
    return Column(name, Boolean, nullable=False, server_default=server_default)


def sealed(name: str, *, null: bool = False) -> Column[bytes]:
    """A secret, encrypted with the site's data key (`kernel/keys.py`)."""
    return Column(name, LargeBinary, nullable=null)
