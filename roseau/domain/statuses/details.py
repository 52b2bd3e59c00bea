"""What hangs on statuses: attachments, mentions, tags, emojis, polls. Loaded a page at a time."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import bindparam, select

from roseau.domain.media.attachments import ATTACHMENT_COLUMNS, Attachment
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.media import media_attachments
from roseau.storage.schema.oauth import oauth_apps
from roseau.storage.schema.statuses import (
    custom_emojis,
    mentions,
    poll_options,
    poll_votes,
    polls,
    status_tags,
    tags,
)
from roseau.storage.statements import one_of, statement

if TYPE_CHECKING:
    from roseau.domain.statuses.loading import Status

_SHORTCODE = re.compile(r":([a-zA-Z0-9_]{2,}):")


class Mention(msgspec.Struct):
    """An account that the text names."""

    id: int
    username: str
    domain: str
    url: str


class Tag(msgspec.Struct):
    """A hashtag: its folded name and how it is written."""

    name: str
    display_name: str


class Emoji(msgspec.Struct):
    """A custom emoji of this or another site."""

    shortcode: str
    domain: str
    file: str
    static_file: str
    visible_in_picker: bool
    category: str | None


class PollOption(msgspec.Struct):
    """One answer and its votes."""

    title: str
    votes_count: int


class PollView(msgspec.Struct):
    """A poll as one reader sees it now."""

    id: int
    status_id: int
    account_id: int
    multiple: bool
    hide_totals: bool
    votes_count: int
    voters_count: int
    expires_at: int | None
    closed_at: int | None
    options: list[PollOption] = []
    own_votes: list[int] = []

    def ended(self, now: int) -> bool:
        """Whether nobody can vote any more."""
        return self.closed_at is not None or (self.expires_at is not None and self.expires_at <= now)


_attachments = statement(
    select(*ATTACHMENT_COLUMNS)
    .where(one_of(media_attachments.c.status_id, "ids"), media_attachments.c.hidden_at.is_(None))
    .order_by(media_attachments.c.position, media_attachments.c.id),
    into=Attachment,
)
_mentions = statement(
    select(mentions.c.status_id, accounts.c.id, accounts.c.username, accounts.c.domain, accounts.c.url)
    .join(accounts, accounts.c.id == mentions.c.account_id)
    .where(one_of(mentions.c.status_id, "ids"), mentions.c.silent.is_(False))
    .order_by(mentions.c.account_id)
)
_tags = statement(
    select(status_tags.c.status_id, tags.c.name, tags.c.display_name)
    .join(tags, tags.c.id == status_tags.c.tag_id)
    .where(one_of(status_tags.c.status_id, "ids"))
    .order_by(tags.c.id)
)
_poll_ids = statement(select(polls.c.status_id, polls.c.id).where(one_of(polls.c.status_id, "ids")))
_apps = statement(
    select(oauth_apps.c.id, oauth_apps.c.name, oauth_apps.c.website).where(one_of(oauth_apps.c.id, "ids"))
)
_emojis = statement(
    select(*(custom_emojis.c[name] for name in Emoji.__struct_fields__)).where(
        one_of(custom_emojis.c.shortcode, "names", "TEXT"), custom_emojis.c.disabled_at.is_(None)
    ),
    into=Emoji,
)
_FIELDS = PollView.__struct_fields__
_polls = statement(
    select(*(polls.c[name] for name in _FIELDS[: _FIELDS.index("options")])).where(one_of(polls.c.id, "ids")),
    into=PollView,
)
_options = statement(
    select(poll_options.c.poll_id, poll_options.c.title, poll_options.c.votes_count)
    .where(one_of(poll_options.c.poll_id, "ids"))
    .order_by(poll_options.c.poll_id, poll_options.c.position)
)
_votes = statement(
    select(poll_votes.c.poll_id, poll_votes.c.position)
    .where(one_of(poll_votes.c.poll_id, "ids"), poll_votes.c.account_id == bindparam("viewer"))
    .order_by(poll_votes.c.created_at, poll_votes.c.position)
)


def load_details(tx: Transaction, loaded: "Sequence[Status]") -> None:
    """Fill in what hangs on freshly read statuses, a statement per kind for all of them."""
    by_id = {status.id: status for status in loaded}
    ids = list(by_id)
    for attachment in tx.all(_attachments, ids=ids):
        status = by_id[attachment.status_id or 0]
        status.media = (*status.media, attachment)
    for row in tx.all(_mentions, ids=ids):
        status = by_id[row.status_id]
        status.mentions = (*status.mentions, Mention(row.id, row.username, row.domain, row.url))
    for row in tx.all(_tags, ids=ids):
        status = by_id[row.status_id]
        status.tags = (*status.tags, Tag(row.name, row.display_name))
    for row in tx.all(_poll_ids, ids=ids):
        by_id[row.status_id].poll_id = row.id
    if app_ids := [status.app_id for status in loaded if status.app_id]:
        apps = {row.id: (row.name, row.website) for row in tx.all(_apps, ids=app_ids)}
        for status in loaded:
            status.application = apps.get(status.app_id) if status.app_id else None
    for status in loaded:
        if ":" in status.content or ":" in status.spoiler_text:
            status.emojis = find_emojis(tx, status.content + status.spoiler_text)


def find_emojis(tx: Transaction, text: str, domain: str = "") -> tuple[Emoji, ...]:
    """The custom emojis of that site (this one by default) whose shortcodes the text holds."""
    names = list(dict.fromkeys(_SHORTCODE.findall(text)))
    if not names:
        return ()
    return tuple(emoji for emoji in tx.all(_emojis, names=names) if emoji.domain == domain)


def load_polls(tx: Transaction, viewer_id: int, ids: Sequence[int]) -> dict[int, PollView]:
    """Polls by id, with this viewer's own votes."""
    if not ids:
        return {}
    wanted = list(ids)
    found: dict[int, PollView] = {}
    for poll in tx.all(_polls, ids=wanted):
        found[poll.id] = poll
    for row in tx.all(_options, ids=wanted):
        found[row.poll_id].options.append(PollOption(row.title, row.votes_count))
    if viewer_id:
        for row in tx.all(_votes, ids=wanted, viewer=viewer_id):
            found[row.poll_id].own_votes.append(row.position)
    return found
