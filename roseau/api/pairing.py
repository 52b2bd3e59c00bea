"""Where a machine with a code from `roseau reed invite` becomes known (`survival/reeds/pairing.py`)."""

from starlette.responses import Response

from roseau.api.routing import Call, Routes
from roseau.kernel.errors import NotFound
from roseau.survival.reeds.pairing import PATH, PairRequest
from roseau.survival.reeds.primary import Primary

routes = Routes()


@routes.post(PATH, access="open")
async def pair(call: Call) -> Response:
    """Prove the code, and learn who else there is."""
    request = await call.form(PairRequest)
    survival = call.server.survival
    if not isinstance(survival, Primary):
        raise NotFound
    return call.json(await survival.pair(request))
