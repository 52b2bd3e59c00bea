"""Statuses as moderation sees them: also hidden, deleted and private ones, by id and nothing else.

Only what was reported is loaded so, and what is public around it; the rest of a private conversation is not.
"""

from collections.abc import Iterable

from sqlalchemy import bindparam, literal, select

from roseau.domain.accounts.loading import load_accounts
from roseau.domain.statuses.details import load_details, load_polls
from roseau.domain.statuses.loading import Status, StatusView
from roseau.storage.database import Transaction
from roseau.storage.schema.statuses import statuses
from roseau.storage.statements import one_of, statement

#: How much of a thread is shown, and kept, around what was reported.
ABOVE = 20
BELOW = 20

_COLUMNS = Status.__struct_fields__[: Status.__struct_fields__.index("media")]
_static = statement(
    select(*(statuses.c[name] for name in _COLUMNS)).where(one_of(statuses.c.id, "ids")), into=Status
)
_counts = statement(
    select(
        statuses.c.id, statuses.c.replies_count, statuses.c.reblogs_count, statuses.c.favourites_count
    ).where(one_of(statuses.c.id, "ids"))
)


def _up() -> object:
    up = (
        select(statuses.c.in_reply_to_id.label("id"), literal(1).label("depth"))
        .where(statuses.c.id == bindparam("status"))
        .cte("up", recursive=True)
    )
    up = up.union_all(
        select(statuses.c.in_reply_to_id, up.c.depth + 1)
        .join(up, statuses.c.id == up.c.id)
        .where(up.c.depth < ABOVE)
    )
    return (
        select(statuses.c.id)
        .join(up, statuses.c.id == up.c.id)
        .where(statuses.c.visibility.in_(("public", "unlisted")), statuses.c.deleted_at.is_(None))
        .order_by(up.c.depth.desc())
    )


_above = statement(_up())  # type: ignore[call-overload]
_below = statement(
    select(statuses.c.id)
    .where(
        statuses.c.in_reply_to_id == bindparam("status"),
        statuses.c.visibility.in_(("public", "unlisted")),
        statuses.c.deleted_at.is_(None),
    )
    .order_by(statuses.c.id)
    .limit(BELOW)
)


def load_for_moderation(tx: Transaction, ids: Iterable[int]) -> dict[int, StatusView]:
    """The statuses by id, whoever may see them elsewhere; what is quarantined is blank here."""
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return {}
    loaded = tx.all(_static, ids=wanted)
    load_details(tx, loaded)
    counts = {row.id: row for row in tx.all(_counts, ids=wanted)}
    authors = load_accounts(tx, [status.account_id for status in loaded])
    polls = load_polls(tx, 0, [status.poll_id for status in loaded if status.poll_id])
    return {
        status.id: StatusView(
            status, authors[status.account_id],
            counts[status.id].replies_count, counts[status.id].reblogs_count,
            counts[status.id].favourites_count,
            favourited=False, reblogged=False, bookmarked=False, pinned=False, muted=False,
            poll=polls.get(status.poll_id) if status.poll_id else None,
        )
        for status in loaded
    }  # fmt: skip


def list_around(tx: Transaction, status_id: int) -> tuple[list[int], list[int]]:
    """The public part of the thread: what it answers, oldest first, and what answers it."""
    return tx.values(_above, status=status_id), tx.values(_below, status=status_id)
