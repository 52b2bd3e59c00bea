"""Media (docs.joinmastodon.org/methods/media): uploads, and what is said of them."""

import asyncio
from contextlib import suppress
from pathlib import Path

import msgspec
from starlette.responses import Response

from roseau.api.present.statuses import to_attachment
from roseau.api.routing import Call, Routes
from roseau.domain.media import uploads
from roseau.domain.media.attachments import Attachment, find_attachment
from roseau.domain.media.pictures import make_picture
from roseau.doors import limits
from roseau.doors.multipart import Upload
from roseau.kernel.errors import Invalid, NotFound

routes = Routes()

#: How long an answer is held back for the picture to be made (seconds).
PATIENCE = 2.0


class UploadForm(msgspec.Struct, kw_only=True):
    """A file and what is said of it; `focus` is `x,y`, each from -1 to 1."""

    file: Upload | None = None
    thumbnail: Upload | None = None
    description: str | None = None
    focus: str | None = None


class ChangeForm(msgspec.Struct, kw_only=True):
    """What is to be different; what is not given stays."""

    thumbnail: Upload | None = None
    description: str | msgspec.UnsetType | None = msgspec.UNSET
    focus: str | msgspec.UnsetType | None = msgspec.UNSET


@routes.post("/api/v2/media", scope="write:media")
async def create(call: Call) -> Response:
    """Upload a picture; 202 when making it takes longer than a moment."""
    return await _create(call, PATIENCE)


@routes.post("/api/v1/media", scope="write:media")
async def create_and_wait(call: Call) -> Response:
    """Upload a picture, and be answered when it is made."""
    return await _create(call, None)


async def _create(call: Call, patience: float | None) -> Response:
    call.spend(limits.UPLOADS)
    form = await call.form(UploadForm, call.server.settings.max_image_bytes, 2)
    if form.file is None:
        raise Invalid("Validation failed: File can't be blank")
    media_id = await uploads.receive_media(
        call.server,
        call.viewer,
        form.file.path,
        thumbnail=_path_of(form.thumbnail),
        description=uploads.check_description(form.description),
        focus=uploads.parse_focus(form.focus),
    )
    with suppress(TimeoutError):
        async with asyncio.timeout(patience):
            await uploads.process_media(call.server, media_id)
    return await _answer(call, media_id, processing=202)


def _path_of(upload: Upload | None) -> Path | None:
    return upload.path if upload else None


async def _answer(call: Call, media_id: int, *, processing: int) -> Response:
    found = await call.server.database.read(find_attachment, call.viewer, media_id)
    if found is None:
        raise NotFound
    return _present(call, found, processing)


def _present(call: Call, found: Attachment, processing: int) -> Response:
    if found.state == "failed":
        raise Invalid(found.error)
    status = processing if found.state == "processing" else 200
    return call.json(to_attachment(call.server.site.base_url, found), status)


@routes.get("/api/v1/media/{id}", scope="write:media")
async def show(call: Call) -> Response:
    """An upload of one's own; 206 while it is being made."""
    return await _answer(call, call.path_id(), processing=206)


@routes.put("/api/v1/media/{id}", scope="write:media")
async def change(call: Call) -> Response:
    """Describe an upload anew, before a status has it."""
    media_id = call.path_id()
    form = await call.form(ChangeForm, call.server.settings.max_image_bytes, 1)
    preview = None
    if form.thumbnail is not None:
        if await call.server.database.read(find_attachment, call.viewer, media_id) is None:
            raise NotFound
        call.spend(limits.UPLOADS)
        preview = await make_picture(call.server, form.thumbnail.path, "attachment")
    description, focus = form.description, form.focus
    changes = uploads.Changes(
        description=description if description is msgspec.UNSET else uploads.check_description(description),
        focus=focus if focus is msgspec.UNSET else uploads.parse_focus(focus),
        preview=preview,
    )
    found = await call.server.database.write(uploads.change_media, call.viewer, media_id, changes)
    return _present(call, found, 206)


@routes.delete("/api/v1/media/{id}", scope="write:media")
async def remove(call: Call) -> Response:
    """Drop an upload that no status has."""
    await call.server.database.write(uploads.delete_media, call.viewer, call.path_id())
    return call.json({})
