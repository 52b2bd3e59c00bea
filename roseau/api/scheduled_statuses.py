"""Posts to come (docs.joinmastodon.org/methods/scheduled_statuses)."""

import msgspec
from starlette.responses import Response

from roseau.api.present.scheduled_statuses import to_scheduled_status
from roseau.api.routing import Call, Routes
from roseau.domain.statuses import scheduling

routes = Routes()


class MoveForm(msgspec.Struct):
    """Another moment, in ISO 8601."""

    scheduled_at: str = ""


@routes.get("/api/v1/scheduled_statuses", scope="read:statuses")
async def index(call: Call) -> Response:
    """One's posts to come, the last written first."""
    page = call.page()
    found = await call.server.database.read(scheduling.list_scheduled, call.viewer, page)
    if found:
        call.link(found[0].id, found[-1].id, full=len(found) >= page.limit)
    return call.json([to_scheduled_status(call.server.site.base_url, item) for item in found])


@routes.get("/api/v1/scheduled_statuses/{id}", scope="read:statuses")
async def show(call: Call) -> Response:
    """One of them."""
    return _answer(
        call, await call.server.database.read(scheduling.load_scheduled, call.viewer, call.path_id())
    )


@routes.put("/api/v1/scheduled_statuses/{id}", scope="write:statuses")
async def update(call: Call) -> Response:
    """Have it posted at another moment."""
    at = scheduling.parse_moment((await call.form(MoveForm)).scheduled_at)
    return _answer(
        call,
        await call.server.database.write(scheduling.reschedule_status, call.viewer, call.path_id(), at),
    )


@routes.delete("/api/v1/scheduled_statuses/{id}", scope="write:statuses")
async def delete(call: Call) -> Response:
    """Have it not posted."""
    await call.server.database.write(scheduling.cancel_scheduled, call.viewer, call.path_id())
    return call.json({})


def _answer(call: Call, scheduled: scheduling.Scheduled) -> Response:
    return call.json(to_scheduled_status(call.server.site.base_url, scheduled))
