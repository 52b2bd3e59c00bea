"""A member's profile: what they may change of it, and how it becomes what others see."""

from collections.abc import Callable

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import bindparam, select, update

from roseau.domain.accounts.follows import accept_waiting
from roseau.domain.accounts.loading import Field
from roseau.domain.accounts.lookup import resolve_mentions
from roseau.domain.accounts.names import MAX_DISPLAY_NAME
from roseau.domain.accounts.verification import plan_verification
from roseau.domain.events import AccountUpdated
from roseau.domain.site import Site
from roseau.kernel.errors import Invalid, NotFound, Problem
from roseau.kernel.html import clean_text
from roseau.kernel.text import plain
from roseau.kernel.text.counting import count_characters
from roseau.kernel.text.searching import normalise_hashtag
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts
from roseau.storage.statements import statement

MAX_NOTE = 500
#: However long the links in it are.
MAX_RAW_NOTE = 10_000
MAX_FIELDS = 4
MAX_FIELD = 255
MAX_PICTURE_DESCRIPTION = 150


class ProfileChanges(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What is to change; what is not given stays. A picture is two names of blobs, the second not moving."""

    display_name: str | UnsetType = UNSET
    note: str | UnsetType = UNSET
    #: Names and values; all of them, those that are both empty are left out.
    fields: list[tuple[str, str]] | UnsetType = UNSET
    avatar: tuple[str, str] | UnsetType = UNSET
    avatar_description: str | UnsetType = UNSET
    header: tuple[str, str] | UnsetType = UNSET
    header_description: str | UnsetType = UNSET
    locked: bool | UnsetType = UNSET
    bot: bool | UnsetType = UNSET
    discoverable: bool | UnsetType = UNSET
    indexable: bool | UnsetType = UNSET
    hide_collections: bool | UnsetType = UNSET
    show_media: bool | UnsetType = UNSET
    show_media_replies: bool | UnsetType = UNSET
    show_featured: bool | UnsetType = UNSET


class _Row(msgspec.Struct):
    """The columns of a profile, as they are and as they shall be."""

    display_name: str
    note: str
    note_html: str
    fields: str
    actor_type: str
    avatar: str
    avatar_static: str
    avatar_description: str
    header: str
    header_static: str
    header_description: str
    locked: bool
    discoverable: bool
    indexable: bool
    hide_collections: bool
    show_media: bool
    show_media_replies: bool
    show_featured: bool


_PLAIN = (
    "avatar_description", "header_description", "locked", "discoverable", "indexable", "hide_collections",
    "show_media", "show_media_replies", "show_featured",
)  # fmt: skip

_read = statement(
    select(*(accounts.c[name] for name in _Row.__struct_fields__))
    .where(accounts.c.id == bindparam("account"), accounts.c.domain == "", accounts.c.deleted_at.is_(None))
    .with_for_update(key_share=True),
    into=_Row,
)
_write = statement(
    update(accounts)
    .where(accounts.c.id == bindparam("account"))
    .values(
        {name: bindparam(name) for name in (*_Row.__struct_fields__, "updated_at")}
        | {"version": accounts.c.version + 1}
    )
)


def update_profile(tx: Transaction, site: Site, account_id: int, changes: ProfileChanges) -> None:
    """Change a member's profile. An account that is locked no longer lets in everyone who waits.

    Raises Invalid, naming everything that is too long or too many.
    """
    _check(changes)
    if changes.locked is False:
        accept_waiting(tx, account_id)
    row = tx.one(_read, account=account_id)
    if row is None:
        raise NotFound
    for name in _PLAIN:
        if (value := getattr(changes, name)) is not UNSET:
            setattr(row, name, value)
    if changes.display_name is not UNSET:
        row.display_name = changes.display_name
    if changes.note is not UNSET:
        row.note = changes.note
        row.note_html = write_note(tx, site, changes.note)
    if changes.fields is not UNSET:
        row.fields = _write_fields(tx, site, changes.fields, row.fields)
    if changes.bot is not UNSET:
        row.actor_type = "Service" if changes.bot else "Person"
    if changes.avatar is not UNSET:
        row.avatar, row.avatar_static = changes.avatar
    if changes.header is not UNSET:
        row.header, row.header_static = changes.header
    tx.run(_write, account=account_id, updated_at=tx.now, **msgspec.structs.asdict(row))
    plan_verification(tx, account_id, msgspec.json.decode(row.fields, type=list[Field]))
    tx.emit(AccountUpdated(account_id))


def _check(changes: ProfileChanges) -> None:
    """Clean the texts in place and refuse what is too long."""
    problems: list[Problem] = []

    def too_long(field: str, most: int, kind: str = "characters") -> None:
        name = field.replace("_", " ").capitalize()
        sentence = f"{name} is too long (maximum is {most} {kind})"
        problems.append(Problem(field, "ERR_TOO_LONG", sentence))

    if changes.display_name is not UNSET:
        changes.display_name = clean_text(changes.display_name).replace("\n", " ").strip()
        if len(changes.display_name) > MAX_DISPLAY_NAME:
            too_long("display_name", MAX_DISPLAY_NAME)
    if changes.note is not UNSET:
        changes.note = clean_text(changes.note).strip()
        if len(changes.note) > MAX_RAW_NOTE or count_characters(changes.note) > MAX_NOTE:
            too_long("note", MAX_NOTE)
    for field in ("avatar_description", "header_description"):
        if (text := getattr(changes, field)) is not UNSET:
            setattr(changes, field, clean_text(text).strip())
            if len(text) > MAX_PICTURE_DESCRIPTION:
                too_long(field, MAX_PICTURE_DESCRIPTION)
    if changes.fields is not UNSET:
        cleaned = [(_line(name), _line(value)) for name, value in changes.fields]
        changes.fields = [field for field in cleaned if any(field)]
        if len(changes.fields) > MAX_FIELDS:
            too_long("fields", MAX_FIELDS, "entries")
        if any(len(name) > MAX_FIELD or len(value) > MAX_FIELD for name, value in changes.fields):
            too_long("fields", MAX_FIELD)
        if any(not name for name, value in changes.fields):
            problems.append(Problem("fields", "ERR_BLANK", "Fields need a label"))
    if problems:
        raise Invalid(problems=tuple(problems))


def _line(text: str) -> str:
    return clean_text(text).replace("\n", " ").strip()


def write_note(tx: Transaction, site: Site, note: str) -> str:
    """The bio as HTML."""
    parsed = plain.parse(note)
    return plain.render(parsed, resolve_mentions(tx, site, parsed.mentions), _tag_url(site))


def _write_fields(tx: Transaction, site: Site, fields: list[tuple[str, str]], before: str) -> str:
    """The profile's table as JSON; what was verified and has not changed stays so."""
    verified = {field.value: field.verified_at for field in msgspec.json.decode(before, type=list[Field])}
    made: list[Field] = []
    for name, value in fields:
        parsed = plain.parse(value)
        html = plain.render_line(parsed, resolve_mentions(tx, site, parsed.mentions), _tag_url(site))
        made.append(Field(name, value, html, verified.get(value)))
    return msgspec.json.encode(made).decode()


def _tag_url(site: Site) -> Callable[[str], str]:
    return lambda name: f"{site.base_url}/tags/{normalise_hashtag(name)}"
