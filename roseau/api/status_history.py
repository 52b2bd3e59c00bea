"""What a status was (docs.joinmastodon.org/methods/statuses): its history and its source."""

from typing import Any

import msgspec
from starlette.responses import Response

from roseau.api.present.accounts import to_account
from roseau.api.present.statuses import to_attachment, to_emoji
from roseau.api.routing import Call, Routes
from roseau.domain.statuses.history import StatusEdit, list_history
from roseau.domain.statuses.loading import load_status
from roseau.kernel import clock
from roseau.kernel.errors import NotFound

routes = Routes()


def to_status_edit(base_url: str, edit: StatusEdit) -> dict[str, Any]:
    """The `StatusEdit` entity; it has a poll only where the status had one."""
    entity: dict[str, Any] = {
        "content": edit.content,
        "spoiler_text": edit.spoiler_text,
        "sensitive": edit.sensitive,
        "created_at": clock.to_iso(edit.created_at),
        "account": msgspec.Raw(to_account(base_url, edit.author)),
        "media_attachments": [to_attachment(base_url, item) for item in edit.media],
        "emojis": [to_emoji(base_url, emoji) for emoji in edit.emojis],
    }
    if edit.poll_options is not None:
        entity["poll"] = {"options": [{"title": title} for title in edit.poll_options]}
    return entity


@routes.get("/api/v1/statuses/{id}/history", access="anyone", scope="read:statuses")
async def history(call: Call) -> Response:
    """Every version, the oldest first."""
    edits = await call.server.database.read(list_history, call.viewer, call.path_id())
    return call.json([to_status_edit(call.server.site.base_url, edit) for edit in edits])


@routes.get("/api/v1/statuses/{id}/source", scope="read:statuses")
async def source(call: Call) -> Response:
    """The text as it was typed."""
    view = await call.server.database.read(load_status, call.viewer, call.path_id())
    if view is None:
        raise NotFound
    status = view.shown.status
    return call.json({"id": str(status.id), "text": status.text, "spoiler_text": status.spoiler_text})
