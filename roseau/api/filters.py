"""Filters (docs.joinmastodon.org/methods/filters): none can be made yet, so that nobody has any."""

from typing import Any

from starlette.responses import Response

from roseau.api.routing import Call, Routes

routes = Routes()


@routes.get("/api/v1/filters", scope="read:filters")
@routes.get("/api/v2/filters", scope="read:filters")
async def index(call: Call) -> Response:
    """The member's filters; clients ask for them as they start."""
    empty: list[Any] = []
    return call.json(empty)
