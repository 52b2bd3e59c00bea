"""Statuses (docs.joinmastodon.org/methods/statuses): posting, editing, deleting."""

import msgspec
from starlette.responses import Response

from roseau.api.present.scheduled_statuses import to_scheduled_status
from roseau.api.present.statuses import to_deleted_status, to_status
from roseau.api.routing import Call, Routes
from roseau.domain.accounts.preferences import Visibility, load_preferences
from roseau.domain.statuses.drafts import ContentType, Draft, PollDraft, check_draft
from roseau.domain.statuses.editing import Edit, MediaEdit, edit_status
from roseau.domain.statuses.loading import StatusView, load_status
from roseau.domain.statuses.posting import post_status
from roseau.domain.statuses.removal import delete_status
from roseau.domain.statuses.scheduling import Scheduled, load_scheduled, parse_moment, schedule_status
from roseau.doors import limits
from roseau.kernel.errors import NotFound
from roseau.storage.database import Transaction

routes = Routes()

MAX_KEY = 255


class PollForm(msgspec.Struct):
    """`poll` of a new status; `expires_in` in seconds."""

    options: list[str]
    expires_in: int
    multiple: bool = False
    hide_totals: bool = False


class StatusForm(msgspec.Struct, kw_only=True):
    """A new status. What is not given comes from the member's preferences."""

    status: str = ""
    spoiler_text: str = ""
    sensitive: bool | None = None
    visibility: Visibility | None = None
    local_only: bool | None = None
    language: str | None = None
    content_type: str | None = None
    in_reply_to_id: int | None = None
    media_ids: list[int] = []
    poll: PollForm | None = None
    scheduled_at: str | None = None


class EditForm(msgspec.Struct, kw_only=True):
    """A status written anew; what is not given is cleared."""

    status: str = ""
    spoiler_text: str = ""
    sensitive: bool | None = None
    language: str | None = None
    content_type: str | None = None
    media_ids: list[int] = []
    media_attributes: list[MediaEdit] = []
    poll: PollForm | None = None


class DeleteForm(msgspec.Struct):
    """Whether the media go at once; otherwise they can be posted again for a day."""

    delete_media: bool = False


@routes.post("/api/v1/statuses", scope="write:statuses")
async def create(call: Call) -> Response:
    """Post a status."""
    form = await call.form(StatusForm)
    call.spend(limits.POSTS)
    if form.scheduled_at:
        at = parse_moment(form.scheduled_at)
        scheduled = await call.server.database.write(_schedule, call, form, at)
        return call.json(to_scheduled_status(call.server.site.base_url, scheduled))
    key = call.request.headers.get("idempotency-key", "")[:MAX_KEY]
    view = await call.server.database.write(_post, call, form, key)
    return call.json(to_status(call.server.site.base_url, view, call.viewer))


def _post(tx: Transaction, call: Call, form: StatusForm, key: str) -> StatusView:
    draft = _to_draft(tx, call, form)
    status_id = post_status(
        tx, call.server.site, call.viewer, draft, app_id=call.member.app_id, idempotency_key=key
    )
    return _show(tx, call.viewer, status_id)


def _schedule(tx: Transaction, call: Call, form: StatusForm, at: int) -> Scheduled:
    draft = _to_draft(tx, call, form)
    scheduled_id = schedule_status(tx, call.viewer, draft, at, app_id=call.member.app_id)
    return load_scheduled(tx, call.viewer, scheduled_id)


def _to_draft(tx: Transaction, call: Call, form: StatusForm) -> Draft:
    preferences = load_preferences(tx, call.viewer)
    draft = Draft(
        text=form.status,
        content_type=_content_type(form.content_type or preferences.default_content_type),
        spoiler_text=form.spoiler_text,
        sensitive=preferences.default_sensitive if form.sensitive is None else form.sensitive,
        visibility=form.visibility or preferences.default_privacy,
        local_only=preferences.default_local_only if form.local_only is None else form.local_only,
        language=form.language or preferences.default_language or call.member.locale,
        in_reply_to_id=form.in_reply_to_id,
        media_ids=form.media_ids,
        poll=_to_poll_draft(form.poll),
    )
    return check_draft(call.server.site, draft)


def _content_type(asked: str) -> ContentType:
    return "text/markdown" if asked == "text/markdown" else "text/plain"


def _to_poll_draft(form: PollForm | None) -> PollDraft | None:
    if form is None:
        return None
    return PollDraft(form.options, form.expires_in, form.multiple, form.hide_totals)


def _show(tx: Transaction, viewer: int, status_id: int) -> StatusView:
    view = load_status(tx, viewer, status_id)
    if view is None:
        raise NotFound
    return view


@routes.put("/api/v1/statuses/{id}", scope="write:statuses")
async def update(call: Call) -> Response:
    """Write one's status anew."""
    form = await call.form(EditForm)
    edit = Edit(
        text=form.status,
        spoiler_text=form.spoiler_text,
        sensitive=form.sensitive,
        language=form.language,
        content_type=None if form.content_type is None else _content_type(form.content_type),
        media_ids=form.media_ids,
        media=form.media_attributes,
        poll=_to_poll_draft(form.poll),
    )
    view = await call.server.database.write(_edit, call, call.path_id(), edit)
    return call.json(to_status(call.server.site.base_url, view, call.viewer))


def _edit(tx: Transaction, call: Call, status_id: int, edit: Edit) -> StatusView:
    edit_status(tx, call.server.site, call.viewer, status_id, edit)
    return _show(tx, call.viewer, status_id)


@routes.delete("/api/v1/statuses/{id}", scope="write:statuses")
async def delete(call: Call) -> Response:
    """Delete one's status; the answer has its text as it was typed, to be written anew."""
    form = await call.form(DeleteForm)
    call.spend(limits.DELETIONS)
    view = await call.server.database.write(
        delete_status, call.viewer, call.path_id(), delete_media=form.delete_media
    )
    return call.json(to_deleted_status(call.server.site.base_url, view, call.viewer))
