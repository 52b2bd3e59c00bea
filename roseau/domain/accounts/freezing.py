"""Who is frozen: may sign in, read, download and appeal, and can write nothing until the measure ends."""

from typing import Any

from sqlalchemy import ColumnElement, bindparam, exists, literal, or_, select

from roseau.kernel.errors import Forbidden
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import measure_ends, measures
from roseau.storage.statements import statement


class Frozen(Forbidden):
    """What a frozen member asked for would change something that others see."""

    code = "frozen"
    sentence = (
        "Your account is frozen: you can read, download what is yours and appeal, but not post, follow or"
        " favourite. Your moderation record says why, and until when."
    )


def is_frozen(account: Any) -> ColumnElement[bool]:
    """A measure freezes `account` at `:now`."""
    return exists(
        select(literal(1)).where(
            measures.c.account_id == account,
            measures.c.kind == "freeze",
            or_(measures.c.until_at.is_(None), measures.c.until_at > bindparam("now")),
            ~exists(select(literal(1)).where(measure_ends.c.measure_id == measures.c.id)),
        )
    )


_frozen = statement(select(is_frozen(bindparam("account"))))


def refuse_frozen(tx: Transaction, account_id: int) -> None:
    """Raises Frozen for a member who is frozen."""
    if tx.value(_frozen, account=account_id, now=tx.now):
        raise Frozen
