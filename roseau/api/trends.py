"""Trends (docs.joinmastodon.org/methods/trends): nothing is ranked here yet, and clients ask all the same."""

from typing import Any

from starlette.responses import Response

from roseau.api.routing import Call, Routes

routes = Routes()


@routes.get("/api/v1/trends", access="open")
@routes.get("/api/v1/trends/tags", access="open")
@routes.get("/api/v1/trends/statuses", access="open")
@routes.get("/api/v1/trends/links", access="open")
async def index(call: Call) -> Response:
    """What is talked about: nothing that we would know of."""
    empty: list[Any] = []
    return call.json(empty)
