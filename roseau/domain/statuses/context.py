"""A conversation around a status: what it answers, and what answers it."""

from sqlalchemy import bindparam, literal, or_, select

from roseau.domain.statuses.loading import StatusView, load_statuses
from roseau.domain.statuses.visibility import viewer, visible, wanted
from roseau.storage.database import Transaction
from roseau.storage.schema.statuses import statuses
from roseau.storage.statements import one_of, statement

#: As many as Mastodon shows: to members, and to anyone else.
FOR_MEMBERS = (4096, 4096, 4096)
FOR_ANYONE = (40, 60, 20)


def _ancestors() -> object:
    up = (
        select(statuses.c.in_reply_to_id.label("id"), literal(1).label("depth"))
        .where(statuses.c.id == bindparam("status"))
        .cte("up", recursive=True)
    )
    up = up.union_all(
        select(statuses.c.in_reply_to_id, up.c.depth + 1)
        .join(up, statuses.c.id == up.c.id)
        .where(up.c.depth < bindparam("most"))
    )
    return select(up.c.id).where(up.c.id.is_not(None)).order_by(up.c.depth.desc())


def _descendants() -> object:
    down = (
        select(statuses.c.id, statuses.c.in_reply_to_id, literal(1).label("depth"))
        .where(statuses.c.in_reply_to_id == bindparam("status"), visible(statuses))
        .cte("down", recursive=True)
    )
    down = down.union_all(
        select(statuses.c.id, statuses.c.in_reply_to_id, down.c.depth + 1)
        .join(down, statuses.c.in_reply_to_id == down.c.id)
        .where(down.c.depth < bindparam("depth"), visible(statuses))
    )
    return select(down.c.id, down.c.in_reply_to_id).order_by(down.c.id).limit(bindparam("most"))


_up = statement(_ancestors())  # type: ignore[call-overload]
_down = statement(_descendants())  # type: ignore[call-overload]
_wanted = statement(
    select(statuses.c.id).where(
        one_of(statuses.c.id, "ids"), or_(statuses.c.account_id == viewer, wanted(statuses.c.account_id))
    )
)


def load_context(
    tx: Transaction, viewer_id: int, status_id: int
) -> tuple[list[StatusView], list[StatusView]]:
    """Ancestors, oldest first, and descendants, each answer right below what it answers.

    Whom the viewer has blocked or muted is left out.
    """
    most_up, most_down, depth = FOR_MEMBERS if viewer_id else FOR_ANYONE
    ancestors = tx.values(_up, status=status_id, most=most_up)
    children: dict[int, list[int]] = {}
    for row in tx.all(_down, status=status_id, viewer=viewer_id, depth=depth, most=most_down):
        children.setdefault(row.in_reply_to_id, []).append(row.id)
    ordered: list[int] = []
    waiting = list(reversed(children.get(status_id, [])))
    while waiting:
        current = waiting.pop()
        ordered.append(current)
        waiting.extend(reversed(children.get(current, [])))
    welcome = set(tx.values(_wanted, viewer=viewer_id, ids=[*ancestors, *ordered], now=tx.now))
    return (
        load_statuses(tx, viewer_id, [found for found in ancestors if found in welcome]),
        load_statuses(tx, viewer_id, [found for found in ordered if found in welcome]),
    )
