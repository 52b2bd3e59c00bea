"""Editing: an author writes a status anew. What it was before stays readable (`history.py`)."""

from typing import cast

import msgspec
from sqlalchemy import bindparam, delete, exists, literal, or_, select, update

from roseau.domain.accounts.preferences import Visibility
from roseau.domain.events import StatusEdited
from roseau.domain.media.attachments import find_attachment
from roseau.domain.media.uploads import check_description, parse_focus, plan_sweep
from roseau.domain.site import Site
from roseau.domain.statuses.details import PollView
from roseau.domain.statuses.drafts import ContentType, Draft, PollDraft, check_draft
from roseau.domain.statuses.history import keep_history, to_version
from roseau.domain.statuses.holding import hold_status
from roseau.domain.statuses.loading import Status
from roseau.domain.statuses.polls import plan_closing
from roseau.domain.statuses.posting import add_options, add_poll, claim_media
from roseau.domain.statuses.writing import keep_mentions, keep_tags, write_text
from roseau.kernel import clock
from roseau.kernel.errors import Forbidden, NotFound
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import measure_ends, measures
from roseau.storage.schema.media import media_attachments
from roseau.storage.schema.statuses import poll_options, poll_votes, polls, statuses
from roseau.storage.statements import one_of, statement


class MediaEdit(msgspec.Struct, kw_only=True):
    """What is to be different about an attachment; UNSET leaves a part as it is. `focus` is "x,y"."""

    id: int
    description: str | msgspec.UnsetType | None = msgspec.UNSET
    focus: str | msgspec.UnsetType | None = msgspec.UNSET


class Edit(msgspec.Struct, kw_only=True):
    """A status written anew: what is not given is cleared, but for the language and the kind of text."""

    text: str = ""
    spoiler_text: str = ""
    #: None: as there is a warning or not.
    sensitive: bool | None = None
    language: str | None = None
    content_type: ContentType | None = None
    media_ids: list[int] = []
    media: list[MediaEdit] = []
    poll: PollDraft | None = None


_rewrite = statement(
    update(statuses)
    .where(statuses.c.id == bindparam("status"))
    .values(
        {
            name: bindparam(name)
            for name in (
                "text",
                "content_type",
                "content",
                "spoiler_text",
                "sensitive",
                "language",
                "edited_at",
            )
        }
        | {"version": statuses.c.version + 1}
    )
)
_warned_of = statement(
    select(measures.c.id).where(
        measures.c.status_id == bindparam("status"),
        measures.c.kind.in_(("label", "interstitial")),
        or_(measures.c.until_at.is_(None), measures.c.until_at > bindparam("now")),
        ~exists(select(literal(1)).where(measure_ends.c.measure_id == measures.c.id)),
    )
)
_release = statement(
    update(media_attachments)
    .where(one_of(media_attachments.c.id, "ids"))
    # What nobody uses is swept away after a day, which begins now.
    .values(status_id=None, position=0, created_at=bindparam("since"))
)
_describe = statement(
    update(media_attachments)
    .where(media_attachments.c.id == bindparam("attachment"))
    .values(description=bindparam("description"), meta=bindparam("meta"))
)
_extend_poll = statement(
    update(polls)
    .where(polls.c.id == bindparam("poll"))
    .values(hide_totals=bindparam("hide_totals"), expires_at=bindparam("expires_at"))
)
_restart_poll = statement(
    update(polls)
    .where(polls.c.id == bindparam("poll"))
    .values(
        multiple=bindparam("multiple"),
        hide_totals=bindparam("hide_totals"),
        expires_at=bindparam("expires_at"),
        votes_count=0,
        voters_count=0,
        closed_at=None,
    )
)
_drop_votes = statement(delete(poll_votes).where(poll_votes.c.poll_id == bindparam("poll")))
_drop_options = statement(delete(poll_options).where(poll_options.c.poll_id == bindparam("poll")))
_drop_poll = statement(delete(polls).where(polls.c.id == bindparam("poll")))


def edit_status(tx: Transaction, site: Site, author_id: int, status_id: int, edit: Edit) -> None:
    """Write one's status anew; an edit that changes nothing is none. Visibility and what it answers stay.

    Raises NotFound, also for reblogs and others' statuses, Forbidden while moderation has a warning before
    it, and Invalid as for a new status.
    """
    view = hold_status(tx, author_id, status_id)
    status = view.status
    if status.account_id != author_id or status.reblog_of_id is not None:
        raise NotFound
    if tx.value(_warned_of, status=status.id, now=tx.now):
        raise Forbidden("A warning of the moderation stands before this post, so it cannot be edited.")
    draft = check_draft(site, _to_draft(edit, status))
    before = to_version(view)
    changes = (
        _set_media(tx, status, draft.media_ids, edit.media),
        _set_poll(tx, status, view.poll, draft.poll),
        _is_worded_differently(status, draft),
    )
    if not any(changes):
        return
    tx.run(
        _rewrite,
        status=status.id,
        text=draft.text,
        content_type=draft.content_type,
        content=_write(tx, site, status, draft),
        spoiler_text=draft.spoiler_text,
        sensitive=draft.sensitive,
        language=draft.language,
        edited_at=tx.now,
    )
    keep_history(tx, status, before)
    tx.emit(StatusEdited(status.id, author_id))


def _to_draft(edit: Edit, status: Status) -> Draft:
    return Draft(
        text=edit.text,
        content_type=edit.content_type or cast(ContentType, status.content_type),
        spoiler_text=edit.spoiler_text,
        sensitive=bool(edit.spoiler_text) if edit.sensitive is None else edit.sensitive,
        visibility=cast(Visibility, status.visibility),
        language=edit.language or status.language,
        media_ids=edit.media_ids,
        poll=edit.poll,
    )


def _is_worded_differently(status: Status, draft: Draft) -> bool:
    return any(
        getattr(status, name) != getattr(draft, name)
        for name in ("text", "content_type", "spoiler_text", "sensitive", "language")
    )


def _write(tx: Transaction, site: Site, status: Status, draft: Draft) -> str:
    """The text as HTML; mentions and tags are set to what it now names."""
    if (draft.text, draft.content_type) == (status.text, status.content_type):
        return status.content
    written = write_text(tx, site, draft.text, draft.content_type)
    keep_mentions(tx, status.id, written.mentioned_ids)
    keep_tags(tx, status.id, written.tags)
    return written.html


def _set_media(tx: Transaction, status: Status, media_ids: list[int], edits: list[MediaEdit]) -> bool:
    """Have these attachments in this order, described anew; whether that changes anything."""
    present = [item.id for item in status.media]
    if gone := [media_id for media_id in present if media_id not in media_ids]:
        tx.run(_release, ids=gone, since=tx.now)
        plan_sweep(tx)
    if present != media_ids:
        claim_media(tx, status.account_id, status.id, media_ids)
    described = [_describe_media(tx, status, edit) for edit in edits if edit.id in media_ids]
    return present != media_ids or any(described)


def _describe_media(tx: Transaction, status: Status, edit: MediaEdit) -> bool:
    found = find_attachment(tx, status.account_id, edit.id)
    if found is None:
        raise NotFound
    description, meta = found.description, msgspec.json.decode(found.meta)
    if edit.description is not msgspec.UNSET:
        description = check_description(edit.description)
    focus = parse_focus(edit.focus) if isinstance(edit.focus, str) else None
    if focus is not None:
        meta["focus"] = {"x": focus[0], "y": focus[1]}
    if description == found.description and meta == msgspec.json.decode(found.meta):
        return False
    tx.run(_describe, attachment=edit.id, description=description, meta=msgspec.json.encode(meta).decode())
    return True


def _set_poll(tx: Transaction, status: Status, present: PollView | None, draft: PollDraft | None) -> bool:
    """Have this poll or none; whether readers see another one. Another question begins without votes."""
    if present is None:
        if draft is not None:
            add_poll(tx, status.account_id, status.id, draft)
        return draft is not None
    if draft is None:
        tx.run(_drop_poll, poll=present.id)
        return True
    expires_at = tx.now + draft.expires_in * clock.SECOND
    asked = {"poll": present.id, "hide_totals": draft.hide_totals, "expires_at": expires_at}
    same = present.multiple == draft.multiple and draft.options == [
        option.title for option in present.options
    ]
    if same and present.ended(tx.now):
        return False
    if same:
        # As in Mastodon, more time is no edit.
        tx.run(_extend_poll, **asked)
    else:
        tx.run(_restart_poll, multiple=draft.multiple, **asked)
        tx.run(_drop_votes, poll=present.id)
        tx.run(_drop_options, poll=present.id)
        add_options(tx, present.id, draft.options)
    plan_closing(tx, present.id, expires_at)
    return not same
