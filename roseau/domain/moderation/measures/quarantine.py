"""What moderation takes out of a status lies here, sealed, until it is put back as it was.

One open row a status, whatever the number of measures: it holds the status as its author wrote it. What
readers get is made from that and from the measures that hold. The row is sealed under the site's data key,
or, once the case is preserved for authorities, under an evidence key that can be destroyed.
"""

from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, select, update

from roseau.domain.media.naming import find_names
from roseau.domain.moderation.evidence import seal_for_measure
from roseau.domain.moderation.measures.force import Measure
from roseau.domain.moderation.measures.hiding import HeldStatus
from roseau.domain.site import Site
from roseau.kernel import ids, keys
from roseau.kernel.errors import Gone
from roseau.storage.database import Transaction
from roseau.storage.schema.media import media_attachments
from roseau.storage.schema.notices import quarantine
from roseau.storage.schema.statuses import pins, poll_options, polls, status_edits, statuses
from roseau.storage.statements import insertion, statement, upsert

#: A warning before the text: apps fold the text away behind it.
WARNINGS = ("label", "interstitial")


class Version(msgspec.Struct):
    """A row of the status's history."""

    id: int
    content: str
    text: str
    spoiler_text: str
    media: str
    poll_options: str | None


class Option(msgspec.Struct):
    """A choice of the status's poll."""

    poll_id: int
    position: int
    title: str


class Description(msgspec.Struct):
    """What the author wrote about a picture."""

    id: int
    description: str | None


class Pin(msgspec.Struct):
    """Where the author had pinned it."""

    id: int
    account_id: int
    created_at: int


class Contents(msgspec.Struct):
    """Everything in a status that can be read, as its author left it."""

    text: str
    content: str
    spoiler_text: str
    sensitive: bool
    edits: list[Version] = []
    options: list[Option] = []
    media: list[Description] = []
    pins: list[Pin] = []


class Row(msgspec.Struct):
    """An open row of `quarantine`."""

    id: int
    status_id: int
    measure_id: int
    content: bytes
    key_id: str


def _columns(table: Any, struct: Any) -> list[Any]:
    return [table.c[name] for name in struct.__struct_fields__]


_words = statement(
    select(statuses.c.text, statuses.c.content, statuses.c.spoiler_text, statuses.c.sensitive).where(
        statuses.c.id == bindparam("status")
    ),
    into=Contents,
)
_edits = statement(
    select(*_columns(status_edits, Version))
    .where(status_edits.c.status_id == bindparam("status"))
    .order_by(status_edits.c.id),
    into=Version,
)
_options = statement(
    select(*_columns(poll_options, Option))
    .join(polls, polls.c.id == poll_options.c.poll_id)
    .where(polls.c.status_id == bindparam("status"))
    .order_by(poll_options.c.position),
    into=Option,
)
_media = statement(
    select(*_columns(media_attachments, Description))
    .where(media_attachments.c.status_id == bindparam("status"))
    .order_by(media_attachments.c.position),
    into=Description,
)
_pins = statement(select(*_columns(pins, Pin)).where(pins.c.status_id == bindparam("status")), into=Pin)
_rewrite = statement(
    update(statuses)
    .where(statuses.c.id == bindparam("status"))
    .values(
        {name: bindparam(name) for name in ("text", "content", "spoiler_text")}
        | {
            "sensitive": bindparam("sensitive", type_=statuses.c.sensitive.type),
            "version": statuses.c.version + 1,
        }
    )
)
_rewrite_edit = statement(
    update(status_edits)
    .where(status_edits.c.id == bindparam("edit"))
    .values({name: bindparam(name) for name in ("content", "text", "spoiler_text", "media", "poll_options")})
)
_rewrite_option = statement(
    update(poll_options)
    .where(poll_options.c.poll_id == bindparam("poll"), poll_options.c.position == bindparam("place"))
    .values(title=bindparam("title"))
)
_rewrite_media = statement(
    update(media_attachments)
    .where(media_attachments.c.id == bindparam("attachment"))
    .values(description=bindparam("description"), hidden_at=bindparam("hidden_at"))
)
_unpin = statement(delete(pins).where(pins.c.status_id == bindparam("status")))
_pin = statement(
    upsert(pins)
    .values({name: bindparam(name) for name in ("id", "account_id", "status_id", "created_at")})
    .on_conflict_do_nothing()
)
_open_row = statement(
    select(*_columns(quarantine, Row)).where(
        quarantine.c.status_id == bindparam("status"), quarantine.c.restored_at.is_(None)
    ),
    into=Row,
)
_of_measure = statement(
    select(*_columns(quarantine, Row)).where(quarantine.c.measure_id == bindparam("measure")), into=Row
)
_insert = insertion(quarantine, "id status_id measure_id content key_id media sealed_at")
_close = statement(
    update(quarantine).where(quarantine.c.id == bindparam("row")).values(restored_at=bindparam("at"))
)


def seal_name(status_id: int) -> str:
    """What the sealed row is bound to; whoever seals it anew under another key uses the same."""
    return f"quarantine {status_id}"


def find_quarantined(tx: Transaction, site: Site, status_id: int) -> Contents | None:
    """A status as its author wrote it while a measure keeps it from readers; None when none does.

    Raises Gone when it was erased for good.
    """
    row = tx.one(_open_row, status=status_id)
    return None if row is None else open_row(site, row)


def open_row(site: Site, row: Row) -> Contents:
    """What is sealed in a row. Raises Gone when its key was destroyed."""
    key = site.evidence_keys.find(row.key_id) if row.key_id else site.data_key
    if key is None or not row.content:
        raise Gone("What was removed has been erased for good and cannot be put back.")
    return msgspec.json.decode(keys.unseal(key, seal_name(row.status_id), row.content), type=Contents)


def settle_contents(tx: Transaction, site: Site, status: HeldStatus, force: list[Measure]) -> bool:
    """Have readers get what the measures in force leave of a status; False if that was erased for good."""
    shaping = [measure for measure in force if measure.kind == "remove" or measure.kind in WARNINGS]
    row = tx.one(_open_row, status=status.id)
    if not shaping:
        return row is None or _put_back(tx, site, row, status)
    if row is None:
        contents = take_contents(tx, status.id)
        measure = max(measure.id for measure in shaping)
        sealed, key_id = seal_for_measure(
            tx, site, measure, seal_name(status.id), msgspec.json.encode(contents)
        )
        tx.run(
            _insert, id=ids.new_id(), status_id=status.id, measure_id=measure, content=sealed,
            key_id=key_id, media=_name_media(contents), sealed_at=tx.now,
        )  # fmt: skip
    else:
        try:
            contents = open_row(site, row)
        except Gone:
            return False
    if any(measure.kind == "remove" for measure in shaping):
        _blank(tx, status.id, contents)
    else:
        _write(tx, status, contents, [measure.words for measure in shaping], _is_covered(shaping))
    return True


def _name_media(contents: Contents) -> str:
    found = {name for edit in contents.edits for name in find_names(edit.media)}
    return msgspec.json.encode(sorted(found)).decode()


def _is_covered(shaping: list[Measure]) -> bool:
    return any(measure.kind == "interstitial" for measure in shaping)


def _put_back(tx: Transaction, site: Site, row: Row, status: HeldStatus) -> bool:
    try:
        contents = open_row(site, row)
    except Gone:
        return False
    if status.deleted_at is None:
        # What its author took away meanwhile stays away.
        _write(tx, status, contents, [], False)
    tx.run(_close, row=row.id, at=tx.now)
    return True


def take_contents(tx: Transaction, status_id: int) -> Contents:
    """Everything in a status that can be read, as it is now."""
    contents = tx.all(_words, status=status_id)[0]
    contents.edits = tx.all(_edits, status=status_id)
    contents.options = tx.all(_options, status=status_id)
    contents.media = tx.all(_media, status=status_id)
    contents.pins = tx.all(_pins, status=status_id)
    return contents


def _blank(tx: Transaction, status_id: int, contents: Contents) -> None:
    tx.run(_rewrite, status=status_id, text="", content="", spoiler_text="", sensitive=contents.sensitive)
    for edit in contents.edits:
        none = None if edit.poll_options is None else "[]"
        tx.run(
            _rewrite_edit, edit=edit.id, content="", text="", spoiler_text="", media="[]", poll_options=none
        )
    for option in contents.options:
        tx.run(_rewrite_option, poll=option.poll_id, place=option.position, title="")
    for item in contents.media:
        tx.run(_rewrite_media, attachment=item.id, description=None, hidden_at=tx.now)
    tx.run(_unpin, status=status_id)


def _write(tx: Transaction, status: HeldStatus, contents: Contents, words: list[str], covered: bool) -> None:
    """Write a status as its author did, behind these words of warning."""
    before = [line for line in dict.fromkeys((*words, contents.spoiler_text)) if line]
    tx.run(
        _rewrite,
        status=status.id,
        text=contents.text,
        content=contents.content,
        spoiler_text=" · ".join(before),
        sensitive=contents.sensitive or covered,
    )
    for edit in contents.edits:
        tx.run(
            _rewrite_edit,
            edit=edit.id,
            **{name: getattr(edit, name) for name in Version.__struct_fields__ if name != "id"},
        )
    for option in contents.options:
        tx.run(_rewrite_option, poll=option.poll_id, place=option.position, title=option.title)
    for item in contents.media:
        tx.run(_rewrite_media, attachment=item.id, description=item.description, hidden_at=None)
    for pin in contents.pins:
        tx.run(_pin, status_id=status.id, **msgspec.structs.asdict(pin))
