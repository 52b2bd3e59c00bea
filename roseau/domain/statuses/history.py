"""What a status was before each edit: the first version is the original, the last the present."""

import msgspec
from sqlalchemy import bindparam, select

from roseau.domain.accounts.loading import AccountView
from roseau.domain.media.attachments import Attachment
from roseau.domain.statuses.details import Emoji, find_emojis
from roseau.domain.statuses.loading import Status, StatusView, load_status
from roseau.kernel import ids
from roseau.kernel.errors import NotFound
from roseau.storage.database import Transaction
from roseau.storage.schema.media import media_attachments
from roseau.storage.schema.statuses import status_edits
from roseau.storage.statements import insertion, one_of, statement


class Version(msgspec.Struct):
    """A status as it was from a moment on. The fields are the columns, in order; lists are JSON."""

    content: str
    text: str
    spoiler_text: str
    sensitive: bool
    media: str
    poll_options: str | None
    created_at: int


class StatusEdit(msgspec.Struct):
    """A version as readers get it; `poll_options` is None where there was no poll."""

    author: AccountView
    content: str
    spoiler_text: str
    sensitive: bool
    created_at: int
    media: list[Attachment]
    emojis: tuple[Emoji, ...]
    poll_options: list[str] | None


_add = insertion(status_edits, "id status_id " + " ".join(Version.__struct_fields__))
_versions = statement(
    select(*(status_edits.c[name] for name in Version.__struct_fields__))
    .where(status_edits.c.status_id == bindparam("status"))
    .order_by(status_edits.c.id),
    into=Version,
)
_still_there = statement(
    select(media_attachments.c.id).where(
        one_of(media_attachments.c.id, "ids"), media_attachments.c.hidden_at.is_(None)
    )
)


def to_version(view: StatusView) -> Version:
    """The status as it is now."""
    status = view.status
    titles = None if view.poll is None else [option.title for option in view.poll.options]
    return Version(
        content=status.content,
        text=status.text,
        spoiler_text=status.spoiler_text,
        sensitive=status.sensitive,
        media=msgspec.json.encode(status.media).decode(),
        poll_options=None if titles is None else msgspec.json.encode(titles).decode(),
        created_at=status.edited_at or status.created_at,
    )


def keep_history(tx: Transaction, status: Status, before: Version) -> None:
    """Add what an edited status now is to its history, which begins with what it was at first."""
    if not tx.all(_versions, status=status.id):
        _keep(tx, status.id, before)
    view = load_status(tx, status.account_id, status.id)
    if view is None:
        raise NotFound
    _keep(tx, status.id, to_version(view))


def _keep(tx: Transaction, status_id: int, version: Version) -> None:
    tx.run(_add, id=ids.new_id(), status_id=status_id, **msgspec.structs.asdict(version))


def list_history(tx: Transaction, viewer_id: int, status_id: int) -> list[StatusEdit]:
    """Every version, the oldest first. Raises NotFound."""
    view = load_status(tx, viewer_id, status_id)
    if view is None:
        raise NotFound
    view = view.shown
    versions = tx.all(_versions, status=view.id) or [to_version(view)]
    media = [msgspec.json.decode(version.media, type=list[Attachment]) for version in versions]
    # A picture that an edit took out is swept away a day later, and is then missing here as well.
    there = set(tx.values(_still_there, ids=[item.id for items in media for item in items]))
    return [
        StatusEdit(
            view.author,
            version.content,
            version.spoiler_text,
            version.sensitive,
            version.created_at,
            [item for item in items if item.id in there],
            find_emojis(tx, version.content + version.spoiler_text, view.author.account.domain),
            _titles(version),
        )
        for version, items in zip(versions, media, strict=True)
    ]


def _titles(version: Version) -> list[str] | None:
    if version.poll_options is None:
        return None
    return msgspec.json.decode(version.poll_options, type=list[str])
