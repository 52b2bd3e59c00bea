"""Posting: a draft becomes a status. Everything that follows from it is a reaction (`reactions.py`)."""

from sqlalchemy import bindparam, delete, insert, or_, select, union_all, update

from roseau.domain.accounts.loading import load_account
from roseau.domain.events import StatusPosted
from roseau.domain.site import Site
from roseau.domain.statuses.drafts import Draft, PollDraft
from roseau.domain.statuses.loading import Status, load_status
from roseau.domain.statuses.polls import plan_closing
from roseau.domain.statuses.writing import Written, keep_mentions, keep_tags, write_text
from roseau.kernel import clock, ids
from roseau.kernel.errors import Forbidden, Invalid, NotFound
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.cases import measures
from roseau.storage.schema.media import media_attachments
from roseau.storage.schema.notices import withheld_blobs
from roseau.storage.schema.statuses import conversations, idempotency_keys, poll_options, polls, statuses
from roseau.storage.schema.timelines import home_entries
from roseau.storage.statements import insertion, one_of, statement, statements, upsert

#: How long the same `Idempotency-Key` answers with the same status.
KEY_LIFETIME = clock.HOUR

_insert = insertion(
    statuses,
    "id account_id uri text content_type content spoiler_text sensitive language visibility "
    "local_only in_reply_to_id in_reply_to_account_id conversation_id app_id created_at",
)
_lay_at_home = insertion(home_entries, "account_id status_id author_id")
_new_conversation = statement(
    insert(conversations).values(id=bindparam("id"), created_at=bindparam("created_at"))
)
_count_post = statement(
    update(accounts)
    .where(accounts.c.id == bindparam("author"))
    .values(statuses_count=accounts.c.statuses_count + 1, last_status_at=bindparam("at"))
)
_count_reply = statement(
    update(statuses)
    .where(statuses.c.id == bindparam("parent"))
    .values(replies_count=statuses.c.replies_count + 1)
)
_claimed_by_nobody_else = or_(
    media_attachments.c.status_id.is_(None), media_attachments.c.status_id == bindparam("status")
)
_claimable = statement(
    select(media_attachments.c.id, media_attachments.c.state).where(
        one_of(media_attachments.c.id, "ids"),
        media_attachments.c.account_id == bindparam("author"),
        _claimed_by_nobody_else,
    )
)
_claim = statement(
    update(media_attachments)
    .where(media_attachments.c.id == bindparam("attachment"), _claimed_by_nobody_else)
    .values(status_id=bindparam("status_id"), position=bindparam("place"))
)
_files = union_all(
    *(
        select(column).where(one_of(media_attachments.c.id, "ids"))
        for column in (media_attachments.c.file, media_attachments.c.small_file)
    )
)
_taken_down = statement(
    select(withheld_blobs.c.blob)
    .join(measures, measures.c.id == withheld_blobs.c.measure_id)
    .where(withheld_blobs.c.blob.in_(_files), measures.c.status_id.is_not(None))
    .limit(1)
)
_hand_out = statement(
    delete(withheld_blobs).where(
        withheld_blobs.c.blob.in_(_files),
        withheld_blobs.c.measure_id.in_(select(measures.c.id).where(measures.c.status_id.is_(None))),
    )
)
_insert_poll = insertion(
    polls,
    "id status_id account_id multiple hide_totals expires_at",
)
_insert_option = statement(
    insert(poll_options).values(
        poll_id=bindparam("poll_id"), position=bindparam("position"), title=bindparam("title")
    )
)
# The same request, sent twice at once, waits for itself; SQLite has one writer anyway.
_hold_key = statements(sqlite="SELECT :name", postgresql="SELECT pg_advisory_xact_lock(2, hashtext(:name))")
_find_key = statement(
    select(idempotency_keys.c.status_id).where(
        idempotency_keys.c.account_id == bindparam("author"),
        idempotency_keys.c.key == bindparam("wanted"),
        idempotency_keys.c.created_at > bindparam("since"),
    )
)
_keep_key = statement(
    upsert(idempotency_keys)
    .values(
        account_id=bindparam("account_id"), key=bindparam("key"), status_id=bindparam("status_id"),
        created_at=bindparam("created_at"),
    )
    .on_conflict_do_update(
        index_elements=["account_id", "key"],
        set_={
            "status_id": upsert(idempotency_keys).excluded.status_id,
            "created_at": upsert(idempotency_keys).excluded.created_at,
        },
    )
)  # fmt: skip


def post_status(
    tx: Transaction,
    site: Site,
    author_id: int,
    draft: Draft,
    *,
    app_id: int | None = None,
    idempotency_key: str = "",
) -> int:
    """Post it; the id of the status. The same key within an hour gives the same id and posts nothing.

    Raises NotFound for a reply to what the author may not see, Invalid for media that cannot be attached.
    """
    if idempotency_key:
        tx.all(_hold_key, name=f"{author_id}:{idempotency_key}")
        known = tx.value(_find_key, author=author_id, wanted=idempotency_key, since=tx.now - KEY_LIFETIME)
        if known is not None:
            return int(known)
    author = load_account(tx, author_id)
    if author is None or author.account.suspended_at is not None:
        raise Forbidden
    parent = _find_parent(tx, author_id, draft)
    written = write_text(tx, site, draft.text, draft.content_type)
    status_id = ids.new_id()
    tx.run(
        _insert,
        id=status_id,
        account_id=author_id,
        uri=f"{site.base_url}/users/{author.account.username}/statuses/{status_id}",
        text=draft.text,
        content_type=draft.content_type,
        content=written.html,
        spoiler_text=draft.spoiler_text,
        sensitive=draft.sensitive,
        language=draft.language,
        visibility=draft.visibility,
        local_only=draft.local_only or bool(parent and parent.local_only),
        in_reply_to_id=parent.id if parent else None,
        in_reply_to_account_id=parent.account_id if parent else None,
        conversation_id=parent.conversation_id if parent else _start_conversation(tx),
        app_id=app_id,
        created_at=tx.now,
    )
    _hang_on(tx, status_id, author_id, draft, written)
    # A status is counted before an account, everywhere, so that parallel commands do not wait for each other.
    if parent and draft.visibility in ("public", "unlisted"):
        tx.run(_count_reply, parent=parent.id)
    # What one writes to a few people shows nowhere, and so not in the count of one's posts.
    if draft.visibility != "direct":
        tx.run(_count_post, author=author_id, at=tx.now)
    # Fan-out comes a moment later; one's own post is at home at once.
    tx.run(_lay_at_home, account_id=author_id, status_id=status_id, author_id=author_id)
    if idempotency_key:
        tx.run(_keep_key, account_id=author_id, key=idempotency_key, status_id=status_id, created_at=tx.now)
    tx.emit(StatusPosted(status_id, author_id))
    return status_id


def _find_parent(tx: Transaction, author_id: int, draft: Draft) -> Status | None:
    if draft.in_reply_to_id is None:
        return None
    view = load_status(tx, author_id, draft.in_reply_to_id)
    if view is None:
        raise NotFound("The post that this answers is no longer there")
    # An answer to a reblog is an answer to what was reblogged.
    return view.shown.status


def _start_conversation(tx: Transaction) -> int:
    conversation_id = ids.new_id()
    tx.run(_new_conversation, id=conversation_id, created_at=tx.now)
    return conversation_id


def _hang_on(tx: Transaction, status_id: int, author_id: int, draft: Draft, written: Written) -> None:
    keep_mentions(tx, status_id, written.mentioned_ids)
    keep_tags(tx, status_id, written.tags)
    if draft.media_ids:
        claim_media(tx, author_id, status_id, draft.media_ids)
    if draft.poll is not None:
        add_poll(tx, author_id, status_id, draft.poll)


def claim_media(tx: Transaction, author_id: int, status_id: int, media_ids: list[int]) -> None:
    """Attach uploads of the author's, in this order. Raises Invalid for any that cannot be."""
    check_media(tx, author_id, status_id, media_ids)
    # What is kept back because somebody else was suspended is this author's as well.
    tx.run(_hand_out, ids=media_ids)
    for place, media_id in enumerate(media_ids):
        if not tx.run(_claim, attachment=media_id, status=status_id, status_id=status_id, place=place):
            raise Invalid(
                "Validation failed: Media %(media_id)s not found or already attached",
                values={"media_id": media_id},
            )


def check_media(tx: Transaction, author_id: int, status_id: int, media_ids: list[int]) -> None:
    """Make sure that uploads can be attached; `status_id` 0 is a status yet to come. Raises Invalid."""
    found = {
        row.id: row.state for row in tx.all(_claimable, ids=media_ids, author=author_id, status=status_id)
    }
    missing = [media_id for media_id in media_ids if media_id not in found]
    if missing:
        raise Invalid(
            "Validation failed: Media %(media_id)s not found or already attached",
            values={"media_id": ", ".join(map(str, missing))},
        )
    if tx.value(_taken_down, ids=media_ids) is not None:
        raise Invalid("Validation failed: a picture that moderation has removed here cannot be posted again")
    if any(state == "processing" for state in found.values()):
        raise Invalid("Cannot attach files that have not finished processing. Try again in a moment!")
    if any(state != "ready" for state in found.values()):
        raise Invalid("Validation failed: a file that could not be read cannot be attached")


def add_poll(tx: Transaction, author_id: int, status_id: int, draft: PollDraft) -> int:
    """Hang a poll on the status; its id. It closes by itself: a job is set for that moment."""
    poll_id = ids.new_id()
    expires_at = tx.now + draft.expires_in * clock.SECOND
    tx.run(
        _insert_poll,
        id=poll_id,
        status_id=status_id,
        account_id=author_id,
        multiple=draft.multiple,
        hide_totals=draft.hide_totals,
        expires_at=expires_at,
    )
    add_options(tx, poll_id, draft.options)
    plan_closing(tx, poll_id, expires_at)
    return poll_id


def add_options(tx: Transaction, poll_id: int, titles: list[str]) -> None:
    """Give a poll without options these."""
    rows = [{"poll_id": poll_id, "position": place, "title": title} for place, title in enumerate(titles)]
    tx.run_many(_insert_option, rows)
