"""What other servers are to be told because of a measure: rows that federation sends when it comes.

A measure that is taken back before they were told tells them nothing. After it, a removed post is announced
anew, and what cannot come back with it (its likes and boosts over there) is named.
"""

from typing import Any

from sqlalchemy import bindparam, select, update

from roseau.domain.moderation.measures.force import Measure
from roseau.kernel import ids
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.cases import measure_announcements
from roseau.storage.schema.statuses import favourites, statuses
from roseau.storage.statements import insertion, statement

_status = statement(
    select(statuses.c.uri).where(
        statuses.c.id == bindparam("status"),
        statuses.c.local,
        statuses.c.local_only.is_(False),
        statuses.c.deleted_at.is_(None),
    )
)
_account = statement(
    select(accounts.c.uri).where(accounts.c.id == bindparam("account"), accounts.c.domain == "")
)
_insert = insertion(measure_announcements, "id measure_id kind object_uri send_at")
_of_measure = statement(
    select(measure_announcements.c.id, measure_announcements.c.kind, measure_announcements.c.object_uri,
           measure_announcements.c.sent_at).where(
        measure_announcements.c.measure_id == bindparam("measure"),
        measure_announcements.c.cancelled_at.is_(None),
    )
)  # fmt: skip
_cancel = statement(
    update(measure_announcements)
    .where(measure_announcements.c.id == bindparam("row"))
    .values(cancelled_at=bindparam("at"))
)
_remote_likes = statement(
    select(favourites.c.id)
    .join(accounts, accounts.c.id == favourites.c.account_id)
    .where(favourites.c.status_id == bindparam("status"), accounts.c.domain != "")
)
_remote_boosts = statement(
    select(statuses.c.id)
    .join(accounts, accounts.c.id == statuses.c.account_id)
    .where(statuses.c.reblog_of_id == bindparam("status"), accounts.c.domain != "")
)


def announce(tx: Transaction, measure: Measure, send_at: int) -> None:
    """Have other servers told of a removal or suspension, from `send_at` on. A hold stays here."""
    uri = None
    if measure.kind == "remove":
        kind, uri = "delete", tx.value(_status, status=measure.status_id)
    elif measure.kind == "suspend":
        kind, uri = "update", tx.value(_account, account=measure.account_id)
    if uri is not None:
        tx.run(_insert, id=ids.new_id(), measure_id=measure.id, kind=kind, object_uri=uri, send_at=send_at)


def take_back(tx: Transaction, measure: Measure) -> dict[str, Any]:
    """Cancel what was not sent yet, and have the rest put right; what cannot come back."""
    lost: dict[str, Any] = {}
    for row in tx.all(_of_measure, measure=measure.id):
        if row.sent_at is None:
            tx.run(_cancel, row=row.id, at=tx.now)
            continue
        kind = {"delete": "undo_delete"}.get(row.kind, row.kind)
        tx.run(
            _insert, id=ids.new_id(), measure_id=measure.id, kind=kind, object_uri=row.object_uri,
            send_at=tx.now,
        )  # fmt: skip
        if row.kind == "delete":
            lost["elsewhere"] = {
                "favourites": len(tx.values(_remote_likes, status=measure.status_id)),
                "reblogs": len(tx.values(_remote_boosts, status=measure.status_id)),
            }
    return lost
