"""Custom emojis (docs.joinmastodon.org/methods/custom_emojis)."""

from starlette.responses import Response

from roseau.api.present.statuses import to_emoji
from roseau.api.routing import Call, Routes
from roseau.domain.statuses.emojis import list_emojis

routes = Routes()


@routes.get("/api/v1/custom_emojis", access="open")
async def index(call: Call) -> Response:
    """The emojis of this site, for everyone."""
    emojis = await call.server.database.read(list_emojis)
    return call.json([to_emoji(call.server.site.base_url, emoji) for emoji in emojis])
