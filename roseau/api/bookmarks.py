"""What a member keeps (docs.joinmastodon.org/methods/bookmarks, methods/favourites)."""

from collections.abc import Callable

from starlette.responses import Response

from roseau.api.present.statuses import to_statuses
from roseau.api.routing import Call, Routes
from roseau.domain.statuses.loading import StatusView
from roseau.domain.statuses.marks import list_bookmarks, list_favourites
from roseau.storage.database import Transaction
from roseau.storage.pages import Page

routes = Routes()


@routes.get("/api/v1/bookmarks", scope="read:bookmarks")
async def bookmarks(call: Call) -> Response:
    """What one bookmarked, last first."""
    return await _to_page(call, list_bookmarks)


@routes.get("/api/v1/favourites", scope="read:favourites")
async def favourites(call: Call) -> Response:
    """What one favourited, last first."""
    return await _to_page(call, list_favourites)


async def _to_page(
    call: Call, listing: Callable[[Transaction, int, Page], list[tuple[int, StatusView]]]
) -> Response:
    page = call.page()
    rows = await call.server.database.read(listing, call.viewer, page)
    if rows:
        call.link(rows[0][0], rows[-1][0], full=len(rows) >= page.limit)
    views = [view for _, view in rows]
    return call.json_list(to_statuses(call.server.site.base_url, views, call.viewer))
