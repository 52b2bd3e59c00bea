"""The site's signed list of its own addresses, for the web app, for mirrors and for other servers."""

from starlette.responses import Response

from roseau.api.routing import Call, Routes
from roseau.kernel.errors import NotFound
from roseau.survival.addresses.issuing import load_answer

routes = Routes()


@routes.get("/.well-known/roseau-manifest", access="open")
async def manifest(call: Call) -> Response:
    """The manifest in force (`roseau/survival/addresses/manifest.py`)."""
    answer = await call.server.database.read(load_answer)
    if answer is None:
        raise NotFound
    call.headers |= {"ETag": answer.etag, "Cache-Control": "public, max-age=300"}
    if answer.etag in call.request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=call.headers)
    return call.json(answer.body)
