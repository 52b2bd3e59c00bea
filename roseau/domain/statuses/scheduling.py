"""Posts that appear by themselves at a moment to come."""

from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, func, select, update

from roseau.domain.accounts.freezing import refuse_frozen
from roseau.domain.media.attachments import Attachment, find_attachment
from roseau.domain.site import Site
from roseau.domain.statuses.drafts import Draft
from roseau.domain.statuses.loading import load_status
from roseau.domain.statuses.posting import check_media, post_status
from roseau.kernel import clock, ids
from roseau.kernel.errors import Invalid, NotFound
from roseau.storage.database import Transaction
from roseau.storage.jobs import add_job
from roseau.storage.pages import Page, Paged
from roseau.storage.schema.media import media_attachments
from roseau.storage.schema.statuses import scheduled_statuses as scheduled
from roseau.storage.statements import insertion, one_of, statement

PUBLISH = "publish_scheduled"
#: Sooner than this it can as well be posted at once; more than this nobody keeps in mind.
SOONEST = 5 * clock.MINUTE
MOST = 300


class ScheduledJob(msgspec.Struct, frozen=True):
    """Payload of `publish_scheduled`."""

    scheduled_id: int


class Scheduled(msgspec.Struct):
    """A post to come, with the attachments that are still there."""

    id: int
    app_id: int | None
    scheduled_at: int
    draft: Draft
    media: list[Attachment]


_add = insertion(scheduled, "id account_id app_id draft scheduled_at created_at")
_count = statement(
    select(func.count()).select_from(scheduled).where(scheduled.c.account_id == bindparam("account"))
)
_columns = (
    scheduled.c.id,
    scheduled.c.account_id,
    scheduled.c.app_id,
    scheduled.c.draft,
    scheduled.c.scheduled_at,
)
_own = (scheduled.c.id == bindparam("row"), scheduled.c.account_id == bindparam("account"))
_find = statement(select(*_columns).where(*_own))
_due = statement(
    select(*_columns)
    .where(scheduled.c.id == bindparam("row"), scheduled.c.scheduled_at <= bindparam("now"))
    .with_for_update()
)
_page: Paged[Any] = Paged(
    select(*_columns).where(scheduled.c.account_id == bindparam("account")), scheduled.c.id
)
_move = statement(update(scheduled).where(*_own).values(scheduled_at=bindparam("at")))
_forget = statement(delete(scheduled).where(*_own))
_keep_media = statement(
    update(media_attachments)
    .where(
        one_of(media_attachments.c.id, "ids"),
        media_attachments.c.account_id == bindparam("account"),
        media_attachments.c.status_id.is_(None),
    )
    # Unused files are swept away a day after this moment.
    .values(created_at=bindparam("until"))
)


def parse_moment(text: str) -> int:
    """Read a moment in ISO 8601. Raises Invalid, in the words that Mastodon has for it."""
    try:
        return clock.from_iso(text)
    except (ValueError, OverflowError):
        raise Invalid("Record invalid") from None


def schedule_status(
    tx: Transaction, account_id: int, draft: Draft, at: int, *, app_id: int | None = None
) -> int:
    """Have the draft posted at that moment; the id of the post to come. Raises NotFound, Invalid."""
    _check_moment(tx, at)
    if tx.value(_count, account=account_id) >= MOST:
        raise Invalid("Validation failed: You have already scheduled the maximum number of posts")
    if draft.in_reply_to_id is not None and load_status(tx, account_id, draft.in_reply_to_id) is None:
        raise NotFound
    check_media(tx, account_id, 0, draft.media_ids)
    scheduled_id = ids.new_id()
    tx.run(
        _add,
        id=scheduled_id,
        account_id=account_id,
        app_id=app_id,
        draft=msgspec.json.encode(draft).decode(),
        scheduled_at=at,
        created_at=tx.now,
    )
    _plan(tx, account_id, scheduled_id, draft, at)
    return scheduled_id


def _check_moment(tx: Transaction, at: int) -> None:
    if at < tx.now + SOONEST:
        raise Invalid("Validation failed: Scheduled at must be at least five minutes from now")


def _plan(tx: Transaction, account_id: int, scheduled_id: int, draft: Draft, at: int) -> None:
    tx.run(_keep_media, ids=draft.media_ids, account=account_id, until=at)
    job = ScheduledJob(scheduled_id)
    add_job(tx, PUBLISH, job, run_at=at, dedupe=f"{PUBLISH}:{scheduled_id}:{at}")


def list_scheduled(tx: Transaction, account_id: int, page: Page) -> list[Scheduled]:
    """The member's posts to come, the last written first."""
    return [_to_scheduled(tx, row) for row in _page.fetch(tx, page, account=account_id)]


def load_scheduled(tx: Transaction, account_id: int, scheduled_id: int) -> Scheduled:
    """One of the member's posts to come. Raises NotFound."""
    row = tx.one(_find, row=scheduled_id, account=account_id)
    if row is None:
        raise NotFound
    return _to_scheduled(tx, row)


def _to_scheduled(tx: Transaction, row: Any) -> Scheduled:
    draft = msgspec.json.decode(row.draft, type=Draft)
    found = [find_attachment(tx, row.account_id, media_id) for media_id in draft.media_ids]
    media = [attachment for attachment in found if attachment is not None]
    return Scheduled(row.id, row.app_id, row.scheduled_at, draft, media)


def reschedule_status(tx: Transaction, account_id: int, scheduled_id: int, at: int) -> Scheduled:
    """Have it posted at another moment. Raises NotFound, Invalid."""
    found = load_scheduled(tx, account_id, scheduled_id)
    _check_moment(tx, at)
    tx.run(_move, row=scheduled_id, account=account_id, at=at)
    _plan(tx, account_id, scheduled_id, found.draft, at)
    found.scheduled_at = at
    return found


def cancel_scheduled(tx: Transaction, account_id: int, scheduled_id: int) -> None:
    """Have it not posted. Raises NotFound."""
    found = load_scheduled(tx, account_id, scheduled_id)
    tx.run(_forget, row=scheduled_id, account=account_id)
    tx.run(_keep_media, ids=found.draft.media_ids, account=account_id, until=tx.now)


def publish_scheduled(tx: Transaction, site: Site, scheduled_id: int) -> None:
    """Post it if its time has come; once. Raises NotFound, Invalid, Frozen when it cannot be posted."""
    row = tx.one(_due, row=scheduled_id, now=tx.now)
    if row is None:
        return
    draft = msgspec.json.decode(row.draft, type=Draft)
    refuse_frozen(tx, row.account_id)
    tx.run(_forget, row=scheduled_id, account=row.account_id)
    post_status(tx, site, row.account_id, draft, app_id=row.app_id)
