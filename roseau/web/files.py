"""Files: the site's own styles, scripts and pictures, and what members uploaded."""

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from roseau.doors.server import server_of
from roseau.kernel.errors import NotFound
from roseau.web import assets

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
    try:
        path = server_of(request).blobs.path_of(name)
    except ValueError:
        raise NotFound from None
    if not path.is_file() or name[:2] != request.path_params["a"] or name[2:4] != request.path_params["b"]:
        raise NotFound
    return FileResponse(path, headers=_MEDIA_HEADERS)


routes = [
    Route("/static/{path:path}", assets.serve_asset),
    Route("/media/{a}/{b}/{name}", media),
]
