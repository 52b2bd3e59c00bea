"""Private conversations (docs.joinmastodon.org/methods/conversations)."""

from starlette.responses import Response

from roseau.api.present.conversations import to_conversation
from roseau.api.routing import Call, Routes
from roseau.domain.statuses.conversations import (
    Conversation,
    forget_conversation,
    list_conversations,
    mark_conversation,
)

routes = Routes()


@routes.get("/api/v1/conversations", scope="read:statuses")
async def index(call: Call) -> Response:
    """One's private conversations, the latest first."""
    page = call.page()
    found = await call.server.database.read(list_conversations, call.viewer, page)
    if found:
        call.link(found[0].last_status_id, found[-1].last_status_id, full=len(found) >= page.limit)
    base_url = call.server.site.base_url
    return call.json_list([to_conversation(base_url, item, call.viewer) for item in found])


@routes.delete("/api/v1/conversations/{id}", scope="write:conversations")
async def delete(call: Call) -> Response:
    """Take one off the list."""
    await call.server.database.write(forget_conversation, call.viewer, call.path_id())
    return call.json({})


@routes.post("/api/v1/conversations/{id}/read", scope="write:conversations")
async def read(call: Call) -> Response:
    """Mark one as read."""
    return await _mark(call, unread=False)


@routes.post("/api/v1/conversations/{id}/unread", scope="write:conversations")
async def unread(call: Call) -> Response:
    """Mark one as not read."""
    return await _mark(call, unread=True)


async def _mark(call: Call, *, unread: bool) -> Response:
    found: Conversation = await call.server.database.write(
        mark_conversation, call.viewer, call.path_id(), unread=unread
    )
    return call.json(to_conversation(call.server.site.base_url, found, call.viewer))
