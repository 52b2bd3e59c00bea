"""Who may see a status: the one condition that every question about statuses joins.

The reader is a parameter named `viewer`; 0 is anyone without an account. Tested as a matrix in
`tests/domain/test_visibility.py`.
"""

from typing import Any

from sqlalchemy import BindParameter, ColumnElement, and_, bindparam, exists, not_, or_, select

from roseau.domain.relationships.hiding import unwanted
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.relationships import blocks, follows
from roseau.storage.schema.statuses import mentions

#: The viewer without an account.
ANYONE = 0

viewer: BindParameter[int] = bindparam("viewer")


def standing(s: Any) -> ColumnElement[bool]:
    """Neither deleted by its author nor hidden by moderation."""
    return and_(s.c.deleted_at.is_(None), s.c.hidden_at.is_(None))


def visible(s: Any, reader: Any = viewer) -> ColumnElement[bool]:
    """`:viewer`, or whoever `reader` stands for, may see the status `s` (the table or an alias of it)."""
    follows_author = exists().where(follows.c.account_id == reader, follows.c.target_id == s.c.account_id)
    is_mentioned = exists().where(mentions.c.status_id == s.c.id, mentions.c.account_id == reader)
    author_blocks = exists().where(blocks.c.account_id == s.c.account_id, blocks.c.target_id == reader)
    author_gone = exists(
        select(accounts.c.id).where(
            accounts.c.id == s.c.account_id,
            or_(accounts.c.suspended_at.is_not(None), accounts.c.deleted_at.is_not(None)),
        )
    )
    return and_(
        standing(s),
        not_(author_gone),
        or_(
            s.c.account_id == reader,
            and_(
                or_(
                    s.c.visibility.in_(["public", "unlisted"]),
                    and_(s.c.visibility == "private", follows_author),
                    is_mentioned,
                ),
                or_(not_(s.c.local_only), reader != ANYONE),
                not_(author_blocks),
            ),
        ),
    )


def wanted(author_id: Any) -> ColumnElement[bool]:
    """`:viewer` has neither muted nor blocked the author, and is not blocked by them."""
    return not_(unwanted(author_id))
