"""Statuses as Mastodon's `Status` (docs.joinmastodon.org/entities/Status), and what hangs on them.

What is the same for every reader is encoded once and kept with the status; counts, the author and
the reader's own part are written beside it for each answer.
"""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from roseau.api.present.accounts import to_account
from roseau.domain.media.attachments import Attachment
from roseau.domain.statuses.details import Emoji, PollView
from roseau.domain.statuses.loading import Status, StatusView
from roseau.doors.addresses import media_url, public_url, tag_url
from roseau.kernel import clock

_encode: Callable[[object], bytes] = msgspec.json.Encoder().encode
_WORD = {True: b"true", False: b"false"}


def to_statuses(base_url: str, views: Iterable[StatusView], viewer: int) -> list[bytes]:
    """Each as `to_status`."""
    return [to_status(base_url, view, viewer) for view in views]


def to_status(base_url: str, view: StatusView, viewer: int) -> bytes:
    """The `Status` entity for this viewer (0: anyone), encoded."""
    status = view.status
    static = status.encoded or _encode_static(base_url, view)
    reblog = to_status(base_url, view.reblog, viewer) if view.reblog else b"null"
    poll = _encode(to_poll(view.poll, viewer)) if view.poll else b"null"
    shown = view.shown
    entity = b'%b,"account":%b,"replies_count":%d,"reblogs_count":%d,"favourites_count":%d' % (
        static,
        to_account(base_url, view.author),
        shown.replies_count,
        shown.reblogs_count,
        shown.favourites_count,
    )
    entity += b',"reblog":%b,"poll":%b' % (reblog, poll)
    if not viewer:
        return entity + b"}"
    mine = b',"favourited":%b,"reblogged":%b,"muted":%b,"bookmarked":%b,"filtered":[]' % (
        _WORD[shown.favourited],
        _WORD[shown.reblogged],
        _WORD[shown.muted],
        _WORD[shown.bookmarked],
    )
    if viewer == status.account_id and view.reblog is None:
        mine += b',"pinned":' + _WORD[view.pinned]
    return entity + mine + b"}"


def to_deleted_status(base_url: str, view: StatusView, viewer: int) -> bytes:
    """The `Status` entity of what was just deleted: its `text` as it was typed, and no `content`."""
    entity = msgspec.json.decode(to_status(base_url, view, viewer))
    del entity["content"]
    return _encode(entity | {"text": view.status.text})


def _encode_static(base_url: str, view: StatusView) -> bytes:
    status, author = view.status, view.author.account
    inner = view.reblog
    source = inner.status if inner else status
    entity = {
        "id": str(status.id),
        "created_at": clock.to_iso(status.created_at),
        "in_reply_to_id": _id(status.in_reply_to_id),
        "in_reply_to_account_id": _id(status.in_reply_to_account_id),
        "sensitive": source.sensitive,
        "spoiler_text": source.spoiler_text,
        "visibility": status.visibility,
        "local_only": status.local_only,
        "language": source.language,
        "uri": status.uri,
        "url": public_url(base_url, inner.author.account, inner.status)
        if inner
        else public_url(base_url, author, status),
        "edited_at": None if source.edited_at is None else clock.to_iso(source.edited_at),
        "content": source.content,
        "application": _application(status),
        "media_attachments": [to_attachment(base_url, item) for item in source.media],
        "mentions": _mentions(base_url, source),
        "tags": [{"name": tag.name, "url": tag_url(base_url, tag.name)} for tag in source.tags],
        "emojis": [to_emoji(base_url, emoji) for emoji in source.emojis],
        "quotes_count": 0,
        "quote": None,
        "quote_approval": {"automatic": [], "manual": [], "current_user": "denied"},
        "card": None,
    }
    encoded = _encode(entity)[:-1]
    if inner is None:
        # A reblog's words are another row's, with a version of their own.
        status.encoded = encoded
    return encoded


def _id(value: int | None) -> str | None:
    return None if value is None else str(value)


def _application(status: Status) -> dict[str, str | None] | None:
    if status.application is None or status.reblog_of_id is not None:
        return None
    return {"name": status.application[0], "website": status.application[1]}


def _mentions(base_url: str, status: Status) -> list[dict[str, str]]:
    return [
        {
            "id": str(mention.id),
            "username": mention.username,
            "url": mention.url or f"{base_url}/@{mention.username}",
            "acct": f"{mention.username}@{mention.domain}" if mention.domain else mention.username,
        }
        for mention in status.mentions
    ]


def to_attachment(base_url: str, item: Attachment) -> dict[str, Any]:
    """The `MediaAttachment` entity; `url` is null while it is being worked on."""
    ready = item.state == "ready"
    return {
        "id": str(item.id),
        "type": item.kind,
        "url": media_url(base_url, item.file) if ready else None,
        "preview_url": media_url(base_url, item.small_file or item.file) if ready else None,
        "remote_url": item.remote_url,
        "preview_remote_url": None,
        "text_url": None,
        "meta": msgspec.Raw(item.meta.encode()),
        "description": item.description,
        "blurhash": item.blurhash,
    }


def to_emoji(base_url: str, emoji: Emoji) -> dict[str, Any]:
    """The `CustomEmoji` entity."""
    return {
        "shortcode": emoji.shortcode,
        "url": media_url(base_url, emoji.file),
        "static_url": media_url(base_url, emoji.static_file),
        "visible_in_picker": emoji.visible_in_picker,
        "category": emoji.category,
    }


def to_poll(poll: PollView, viewer: int) -> dict[str, Any]:
    """The `Poll` entity for this viewer."""
    ended = poll.ended(clock.now())
    hidden = poll.hide_totals and not ended
    entity: dict[str, Any] = {
        "id": str(poll.id),
        "expires_at": None if poll.expires_at is None else clock.to_iso(poll.expires_at),
        "expired": ended,
        "multiple": poll.multiple,
        "votes_count": poll.votes_count,
        "voters_count": poll.voters_count,
        "options": [
            {"title": option.title, "votes_count": None if hidden else option.votes_count}
            for option in poll.options
        ],
        "emojis": [],
    }
    if viewer:
        entity["voted"] = viewer == poll.account_id or bool(poll.own_votes)
        entity["own_votes"] = poll.own_votes
    return entity
