"""Trends and hashtags as the team handles them: nothing is ranked here, so there is nothing to approve."""

from typing import Any

from starlette.responses import Response

from roseau.api.present.tags import to_tag
from roseau.api.routing import Call, Routes
from roseau.domain.moderation.team.permissions import require
from roseau.domain.moderation.team.tags import find_tag_name, list_tag_names
from roseau.domain.timelines.followed_tags import TagView, find_tag
from roseau.kernel.errors import NotFound
from roseau.storage.database import Transaction

routes = Routes()


async def _check(call: Call) -> None:
    await call.server.database.read(require, call.viewer, "view_cases")


@routes.get("/api/v1/admin/trends/links", scope="admin:read")
@routes.get("/api/v1/admin/trends/links/publishers", scope="admin:read")
@routes.get("/api/v1/admin/trends/statuses", scope="admin:read")
@routes.get("/api/v1/admin/trends/tags", scope="admin:read")
async def index(call: Call) -> Response:
    """What is talked about: nothing that we would know of."""
    await _check(call)
    return call.json([])


@routes.post("/api/v1/admin/trends/links/{id}/approve", scope="admin:write")
@routes.post("/api/v1/admin/trends/links/{id}/reject", scope="admin:write")
@routes.post("/api/v1/admin/trends/links/publishers/{id}/approve", scope="admin:write")
@routes.post("/api/v1/admin/trends/links/publishers/{id}/reject", scope="admin:write")
@routes.post("/api/v1/admin/trends/statuses/{id}/approve", scope="admin:write")
@routes.post("/api/v1/admin/trends/statuses/{id}/reject", scope="admin:write")
@routes.post("/api/v1/admin/trends/tags/{id}/approve", scope="admin:write")
@routes.post("/api/v1/admin/trends/tags/{id}/reject", scope="admin:write")
async def judge(call: Call) -> Response:
    """There is no such trend. Raises NotFound."""
    await _check(call)
    raise NotFound


# Hashtags


def _to_admin_tag(base_url: str, view: TagView) -> dict[str, Any]:
    return to_tag(base_url, view, 0) | {
        "trendable": False,
        "usable": True,
        "listable": True,
        "requires_review": False,
    }


@routes.get("/api/v1/admin/tags", scope="admin:read")
async def list_tags(call: Call) -> Response:
    """The hashtags that are known here, the newest first."""
    page = call.page(100, 200)

    def read(tx: Transaction) -> list[tuple[int, TagView]]:
        require(tx, call.viewer, "view_cases")
        return [(row.id, find_tag(tx, 0, row.name)) for row in list_tag_names(tx, page)]

    found = await call.server.database.scan(read)
    if found:
        call.link(found[0][0], found[-1][0], full=len(found) >= page.limit)
    return call.json([_to_admin_tag(call.server.site.base_url, view) for _, view in found])


def _find(tx: Transaction, call: Call) -> TagView:
    require(tx, call.viewer, "view_cases")
    return find_tag(tx, 0, find_tag_name(tx, call.path_id()))


@routes.get("/api/v1/admin/tags/{id}", scope="admin:read")
async def show_tag(call: Call) -> Response:
    """One of them."""
    view = await call.server.database.scan(_find, call)
    return call.json(_to_admin_tag(call.server.site.base_url, view))


@routes.put("/api/v1/admin/tags/{id}", scope="admin:write")
async def change_tag(call: Call) -> Response:
    """Nothing of a hashtag can be switched off here: posts are what is moderated. It is told as it is."""
    view = await call.server.database.scan(_find, call)
    return call.json(_to_admin_tag(call.server.site.base_url, view))
