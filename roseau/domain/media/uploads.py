"""Uploads: a file becomes an attachment that a status can claim, or part of a profile.

What was accepted survives a crash: the file is on disk under the attachment's id before the row and
its job are, and both stay until the picture is made or refused. Whoever uploads has it made at once
(`process_media`); the job is there for the process that dies in between. Until the picture is made, its
upload is on this machine alone, and nothing that is posted can name it: only a picture that is `ready` is
acknowledged, and then all its versions are in as many stores as the site asks for.
"""

import asyncio
import os
from pathlib import Path
from typing import Any, Literal

import msgspec
from sqlalchemy import bindparam, delete, insert, select, update

from roseau.domain.media.attachments import Attachment, find_attachment
from roseau.domain.media.decoding.decode import ImageRefused
from roseau.domain.media.decoding.messages import Variant
from roseau.domain.media.pictures import CANNOT_SAVE, Picture, Workshop, make_picture
from roseau.kernel import clock, ids
from roseau.kernel.errors import Invalid, NotFound, Problem, Unavailable, mark
from roseau.kernel.html import clean_text
from roseau.storage.database import Transaction
from roseau.storage.jobs import add_job
from roseau.storage.schema.media import media_attachments
from roseau.storage.statements import statement

MAX_DESCRIPTION = 1500
_TOO_LONG = mark("Description is too long (maximum is 1500 characters)")
_LOST = mark("This file got lost. Send it again")
#: The job waits this long, so that it finds nothing to do unless the process died meanwhile.
JOB_DELAY = clock.MINUTE
PROCESS, SWEEP = "process_media", "sweep"

Focus = tuple[float, float]


class MediaJob(msgspec.Struct, frozen=True):
    """Payload of `process_media`."""

    media_id: int


_insert = statement(
    insert(media_attachments).values(
        {name: bindparam(name) for name in ("id", "account_id", "meta", "description", "created_at")}
    )
)
_state = statement(
    select(media_attachments.c.state, media_attachments.c.meta).where(
        media_attachments.c.id == bindparam("attachment")
    )
)
_waits = (media_attachments.c.id == bindparam("attachment"), media_attachments.c.state == "processing")
_finish = statement(
    update(media_attachments)
    .where(*_waits)
    .values(
        state="ready", content_type=bindparam("content_type"), file=bindparam("file"),
        small_file=bindparam("small_file"), meta=bindparam("meta"), blurhash=bindparam("blurhash"),
    )
)  # fmt: skip
_refuse = statement(update(media_attachments).where(*_waits).values(state="failed", error=bindparam("why")))
_free = (
    media_attachments.c.id == bindparam("attachment"),
    media_attachments.c.account_id == bindparam("owner"),
    media_attachments.c.status_id.is_(None),
)
_describe = statement(
    update(media_attachments)
    .where(*_free)
    .values(description=bindparam("description"), meta=bindparam("meta"), small_file=bindparam("small_file"))
)
_delete = statement(delete(media_attachments).where(*_free))

# What this process is making: a request and the job, should they meet, wait for the same work.
_in_hand: dict[int, asyncio.Task[None]] = {}


def check_description(text: str | None) -> str | None:
    """The description of a picture, cleaned; None for none. Raises Invalid when it is too long."""
    if text is None:
        return None
    cleaned = clean_text(text).strip()
    if len(cleaned) > MAX_DESCRIPTION:
        raise Invalid(problems=(Problem("description", "ERR_TOO_LONG", _TOO_LONG),))
    return cleaned or None


def parse_focus(text: str | None) -> Focus | None:
    """Read `"x,y"`, the point to keep in view: from -1 (left, bottom) to 1. Raises Invalid."""
    if text is None or not text.strip():
        return None
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError:
        x = y = float("nan")
    # Comparisons with NaN are false, so that it does not pass for a number here.
    if not (abs(x) < 100 and abs(y) < 100):
        raise Invalid(problems=(Problem("focus", "ERR_INVALID", "Focus is invalid"),))
    return max(-1.0, min(x, 1.0)), max(-1.0, min(y, 1.0))


async def receive_media(
    workshop: Workshop,
    account_id: int,
    file: Path,
    *,
    thumbnail: Path | None = None,
    description: str | None = None,
    focus: Focus | None = None,
) -> int:
    """Accept an uploaded file, which is taken over; the id of the attachment, which is still to be processed.

    When this returns the upload outlives a crash, though not yet the machine. Raises Unavailable when nothing
    can be saved; then nothing was.
    """
    media_id = ids.new_id()
    taken = _waiting_files(workshop, media_id)
    try:
        await asyncio.to_thread(_take_over, [(file, taken[0]), (thumbnail, taken[1])])
        meta = _encode_meta({"focus": {"x": focus[0], "y": focus[1]}} if focus else {})
        await workshop.database.write(_add, media_id, account_id, description, meta)
    except BaseException:
        _forget(taken)
        raise
    return media_id


def _add(tx: Transaction, media_id: int, account_id: int, description: str | None, meta: str) -> None:
    tx.run(
        _insert,
        id=media_id,
        account_id=account_id,
        meta=meta,
        description=description,
        created_at=tx.now,
    )
    add_job(tx, PROCESS, MediaJob(media_id), run_at=tx.now + JOB_DELAY, dedupe=f"{PROCESS}:{media_id}")
    plan_sweep(tx)


def plan_sweep(tx: Transaction) -> None:
    """Have what nobody uses removed tomorrow; once a day, however often this is called."""
    day = tx.now // clock.DAY + 2
    add_job(tx, SWEEP, {}, run_at=day * clock.DAY, dedupe=f"{SWEEP}:{day}")


def _take_over(moves: list[tuple[Path | None, Path]]) -> None:
    """Give files their waiting names, written through to the disk."""
    try:
        for source, target in moves:
            if source is not None:
                with source.open("rb") as handle:
                    os.fsync(handle.fileno())
                source.replace(target)
        folder = os.open(moves[0][1].parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise Unavailable(CANNOT_SAVE) from error


def _waiting_files(workshop: Workshop, media_id: int) -> tuple[Path, Path]:
    folder = workshop.blobs.incoming
    return folder / f"{media_id}.upload", folder / f"{media_id}.thumbnail"


def _forget(files: tuple[Path, Path]) -> None:
    for path in files:
        path.unlink(missing_ok=True)


async def process_media(workshop: Workshop, media_id: int) -> None:
    """Make what an upload asks for; nothing happens when that is done. The row then is `ready` or `failed`.

    Work goes on when the caller stops waiting. Raises Unavailable when it has to be tried again.
    """
    task = _in_hand.get(media_id)
    if task is None:
        task = _in_hand[media_id] = asyncio.create_task(_process(workshop, media_id))
        task.add_done_callback(lambda done: _put_down(media_id, done))
    await asyncio.shield(task)


def _put_down(media_id: int, task: asyncio.Task[None]) -> None:
    del _in_hand[media_id]
    # When nobody waits any more, the job takes the matter up: nobody has to be told.
    if not task.cancelled():
        task.exception()


async def _process(workshop: Workshop, media_id: int) -> None:
    files = _waiting_files(workshop, media_id)
    if await workshop.database.read(_is_waiting, media_id):
        try:
            picture = await make_picture(workshop, files[0], "attachment")
            preview = await make_picture(workshop, files[1], "attachment") if files[1].exists() else None
        except ImageRefused as refusal:
            await workshop.database.write(_keep_refusal, media_id, str(refusal))
        except FileNotFoundError:
            await workshop.database.write(_keep_refusal, media_id, _LOST)
        else:
            await workshop.database.write(_keep_picture, media_id, picture, preview)
    _forget(files)


def _is_waiting(tx: Transaction, media_id: int) -> bool:
    row = tx.one(_state, attachment=media_id)
    return row is not None and row.state == "processing"


def _keep_refusal(tx: Transaction, media_id: int, why: str) -> None:
    tx.run(_refuse, attachment=media_id, why=why)


def _keep_picture(tx: Transaction, media_id: int, picture: Picture, preview: Picture | None) -> None:
    row = tx.one(_state, attachment=media_id)
    if row is None:
        return
    small = preview or picture
    # The focal point may have been moved while the picture was made.
    meta = msgspec.json.decode(row.meta) | {
        "original": _measure(picture.decoded.original),
        "small": _measure(small.decoded.small or small.decoded.original),
    }
    tx.run(
        _finish,
        attachment=media_id,
        content_type=picture.decoded.original.content_type,
        file=picture.first,
        small_file=small.second or small.first,
        meta=_encode_meta(meta),
        blurhash=picture.decoded.blurhash,
    )


def _measure(variant: Variant) -> dict[str, Any]:
    width, height = variant.width, variant.height
    return {"width": width, "height": height, "size": f"{width}x{height}", "aspect": width / height}


def _encode_meta(meta: dict[str, Any]) -> str:
    """As Mastodon orders it: original, small, focus."""
    ordered = {name: meta[name] for name in ("original", "small", "focus") if name in meta}
    return msgspec.json.encode(ordered).decode()


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be different about an attachment; UNSET leaves a part as it is."""

    description: str | msgspec.UnsetType | None = msgspec.UNSET
    focus: Focus | msgspec.UnsetType | None = msgspec.UNSET
    preview: Picture | None = None


def change_media(tx: Transaction, account_id: int, media_id: int, changes: Changes) -> Attachment:
    """Describe an upload anew. Raises NotFound, also for one that a status has: that is edited with it."""
    found = find_attachment(tx, account_id, media_id)
    if found is None or found.status_id is not None:
        raise NotFound
    meta = msgspec.json.decode(found.meta)
    if changes.focus is not msgspec.UNSET:
        meta["focus"] = None if changes.focus is None else {"x": changes.focus[0], "y": changes.focus[1]}
        meta = {name: value for name, value in meta.items() if value is not None}
    if changes.description is not msgspec.UNSET:
        found.description = changes.description
    if changes.preview is not None:
        found.small_file = changes.preview.second or changes.preview.first
        meta["small"] = _measure(changes.preview.decoded.small or changes.preview.decoded.original)
    found.meta = _encode_meta(meta)
    tx.run(
        _describe,
        attachment=media_id,
        owner=account_id,
        description=found.description,
        meta=found.meta,
        small_file=found.small_file,
    )
    return found


def delete_media(tx: Transaction, account_id: int, media_id: int) -> None:
    """Drop an upload that no status has claimed. Raises NotFound, Invalid."""
    found = find_attachment(tx, account_id, media_id)
    if found is None:
        raise NotFound
    if found.status_id is not None:
        raise Invalid("Media attachment is currently used by a status")
    tx.run(_delete, attachment=media_id, owner=account_id)


async def process_profile_picture(
    server: Workshop, upload_path: Path, purpose: Literal["avatar", "header"]
) -> tuple[str, str]:
    """Make an avatar or header of an uploaded file, which stays where it is: the blob, and one that is still.

    Both are the same unless the picture moves. Raises ImageRefused (422), Unavailable.
    """
    picture = await make_picture(server, upload_path, purpose)
    return picture.first, picture.second or picture.first
