"""Files: the site's own styles, scripts and pictures, and what members uploaded."""

import asyncio
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from roseau.domain.moderation.measures.withholding import is_withheld
from roseau.doors.limits import FETCHES
from roseau.doors.server import server_of
from roseau.kernel.errors import NotFound, Unavailable
from roseau.storage.blobs import is_name
from roseau.storage.stores import Missing, StoreAway
from roseau.storage.stores.copies import Blobs
from roseau.web import assets
from roseau.web.sessions import spend

#: Uploads are pictures by construction, and shown as nothing else.
_MEDIA_HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


async def media(request: Request) -> Response:
    """A blob, by its name."""
    name = request.path_params["name"]
    if not is_name(name) or name[:2] != request.path_params["a"] or name[2:4] != request.path_params["b"]:
        raise NotFound
    server = server_of(request)
    if await server.database.read(is_withheld, name):
        raise NotFound
    blobs = server.blobs
    path = blobs.known_right(name)
    if path is None:
        if not blobs.has(name):
            if not blobs.lines():
                raise NotFound
            # Anybody can make up names, and each has all stores asked.
            spend(request, FETCHES)
        path = await _bring(blobs, name)
    return FileResponse(path, headers=_MEDIA_HEADERS)


async def _bring(blobs: Blobs, name: str) -> Path:
    """The blob, after its bytes were held against its name. Raises NotFound, Unavailable."""
    try:
        return await asyncio.to_thread(blobs.bring, name)
    except Missing:
        raise NotFound from None
    except StoreAway as error:
        raise Unavailable("This picture cannot be fetched at the moment. Try again in a minute.") from error


routes = [
    Route("/static/{path:path}", assets.serve_asset),
    Route("/media/{a}/{b}/{name}", media),
]
