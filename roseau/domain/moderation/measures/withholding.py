"""Media out of reach: a blob that a measure holds back is handed out to nobody.

Blobs are named by their content, so the same picture may be in other posts. Those that are still to be seen
keep it; a picture that was removed cannot be posted anew, and whoever tries is told so.
"""

from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, exists, literal, or_, select, union

from roseau.domain.media.naming import list_in_history_of
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.media import media_attachments
from roseau.storage.schema.notices import withheld_blobs
from roseau.storage.schema.statuses import statuses
from roseau.storage.statements import Statement, one_of, statement, upsert

_m = media_attachments
_other = media_attachments.alias("other")
_shows = statuses.alias("shows")
_person = accounts.alias("person")
_IS_SEEN = (
    _shows.c.hidden_at.is_(None),
    _shows.c.deleted_at.is_(None),
    _person.c.suspended_at.is_(None),
    _person.c.deleted_at.is_(None),
)
#: Another post that anybody may still see has the same picture.
_shown_elsewhere = exists(
    select(literal(1))
    .select_from(
        _other.join(_shows, _shows.c.id == _other.c.status_id).join(
            _person, _person.c.id == _shows.c.account_id
        )
    )
    .where(_other.c.file == _m.c.file, *_IS_SEEN)
    .correlate(_m)
)


def _pictures(condition: ColumnElement[bool]) -> list[Any]:
    return [
        select(column.label("blob")).where(condition, column != "", ~_shown_elsewhere)
        for column in (_m.c.file, _m.c.small_file)
    ]


def _hold_back(blobs: list[Any]) -> Statement[Any]:
    found = union(*blobs).subquery("found")
    rows = select(
        found.c.blob,
        bindparam("measure", type_=withheld_blobs.c.measure_id.type),
        bindparam("now", type_=withheld_blobs.c.at.type),
    ).where(literal(True))
    return statement(
        upsert(withheld_blobs).from_select(["blob", "measure_id", "at"], rows).on_conflict_do_nothing()
    )


_of_status = _hold_back(_pictures(_m.c.status_id == bindparam("status")))
_of_account = _hold_back(
    [
        *_pictures(_m.c.account_id == bindparam("account")),
        *(
            select(column.label("blob")).where(accounts.c.id == bindparam("account"), column != "")
            for column in (
                accounts.c.avatar, accounts.c.avatar_static, accounts.c.header, accounts.c.header_static,
            )
        ),
    ]
)  # fmt: skip
#: Those of some blobs that anybody may still see in a post.
_shown = statement(
    select(_other.c.file, _other.c.small_file)
    .select_from(
        _other.join(_shows, _shows.c.id == _other.c.status_id).join(
            _person, _person.c.id == _shows.c.account_id
        )
    )
    .where(
        or_(one_of(_other.c.file, "names", "TEXT"), one_of(_other.c.small_file, "names", "TEXT")), *_IS_SEEN
    )
)
_add = statement(
    upsert(withheld_blobs)
    .values(blob=bindparam("name"), measure_id=bindparam("measure"), at=bindparam("now"))
    .on_conflict_do_nothing()
)
_release = statement(delete(withheld_blobs).where(one_of(withheld_blobs.c.measure_id, "ids")))
_find = statement(select(literal(1)).where(withheld_blobs.c.blob == bindparam("wanted")).limit(1))


def withhold_status(tx: Transaction, measure_id: int, status_id: int) -> None:
    """Hand out the media of a status that was just hidden no more, but for what another post shows.

    What it showed before it was edited goes with it.
    """
    tx.run(_of_status, measure=measure_id, status=status_id, now=tx.now)
    names = list_in_history_of(tx, status_id)
    if names:
        shown = {name for row in tx.all(_shown, names=sorted(names)) for name in row}
        for name in sorted(names - shown):
            tx.run(_add, name=name, measure=measure_id, now=tx.now)


def withhold_account(tx: Transaction, measure_id: int, account_id: int) -> None:
    """Hand out no picture of an account that was just suspended any more."""
    tx.run(_of_account, measure=measure_id, account=account_id, now=tx.now)


def release(tx: Transaction, measure_ids: list[int]) -> int:
    """Hand out again what only these measures held back; how many blobs they held."""
    return tx.run(_release, ids=measure_ids)


def is_withheld(tx: Transaction, name: str) -> bool:
    """Whether a measure keeps the blob of that name from everybody."""
    return tx.one(_find, wanted=name) is not None
