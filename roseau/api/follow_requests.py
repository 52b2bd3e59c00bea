"""Requests to follow (docs.joinmastodon.org/methods/follow_requests); the id in the path is the account's."""

from starlette.responses import Response

from roseau.api.relationships import answer_people, change
from roseau.api.routing import Call, Routes
from roseau.domain.relationships import following, listing

routes = Routes()


@routes.get("/api/v1/follow_requests", scope="read:follows")
async def index(call: Call) -> Response:
    """Who waits to be let in."""
    page = call.page(40, 80)
    found = await call.server.database.read(listing.list_follow_requests, call.viewer, page)
    return answer_people(call, found, page)


@routes.post("/api/v1/follow_requests/{id}/authorize", scope="write:follows")
async def authorize(call: Call) -> Response:
    """Let somebody in."""
    return await change(call, following.authorize_follow_request)


@routes.post("/api/v1/follow_requests/{id}/reject", scope="write:follows")
async def reject(call: Call) -> Response:
    """Do not let somebody in."""
    return await change(call, following.reject_follow_request)
