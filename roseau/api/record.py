"""The public record of moderation, for programs: roots, proofs, public decisions, and the roots of peers."""

import re

import msgspec
from starlette.responses import Response

from roseau.api.routing import Call, Routes
from roseau.domain.moderation.record import peers, roots
from roseau.domain.moderation.record.published import PublicDecision, load_decision
from roseau.domain.site import Site
from roseau.kernel.errors import BadRequest, NotFound
from roseau.kernel.ids import parse_id
from roseau.storage.database import Transaction

routes = Routes()

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_HOST = re.compile(r"[a-z0-9.:\[\]-]{1,260}")
#: How long others may keep an answer, in seconds.
_KEPT = {"Cache-Control": "public, max-age=300"}


class Announcement(msgspec.Struct):
    """A site says that it has new roots."""

    site: str = msgspec.field(default="")


def _after(call: Call) -> str:
    after = call.query().get("after", "")
    if after and not _DAY.fullmatch(after):
        raise BadRequest("after is a day, such as 2026-11-22")
    return after


@routes.get("/api/roseau/v1/moderation/roots", access="open")
async def list_roots(call: Call) -> Response:
    """The daily roots of the log, oldest first, a thousand at a time: `after=DAY` goes on."""
    found = await call.server.database.read(roots.list_roots, _after(call), peers.MOST_AT_ONCE)
    call.headers |= _KEPT
    return call.json({"site": call.server.site.base_url, "roots": found})


@routes.post("/api/roseau/v1/moderation/roots/announce", access="open")
async def announce(call: Call) -> Response:
    """Another site has new roots. If it is a peer of ours, we fetch them from its address as we know it."""
    said = await call.form(Announcement)
    await call.server.database.write(peers.hear_announcement, call.server.site, said.site)
    return call.json({}, 202)


@routes.get("/api/roseau/v1/moderation/peers/{host}", access="open")
async def list_kept(call: Call) -> Response:
    """The roots that we keep for another site, and where it has published two for one day."""
    host = call.request.path_params["host"].lower()
    if not _HOST.fullmatch(host):
        raise NotFound
    found = await call.server.database.read(_list_kept, host, _after(call))
    call.headers |= _KEPT
    return call.json(found)


def _list_kept(tx: Transaction, host: str, after: str) -> dict[str, object]:
    conflicts = [one for one in peers.list_conflicts(tx) if one.peer == host and one.whose == "theirs"]
    return {"peer": host, "roots": peers.list_kept(tx, host, after), "conflicts": conflicts}


@routes.get("/api/roseau/v1/moderation/decisions/{number}", access="open")
async def show_decision(call: Call) -> Response:
    """A decision as everybody may see it."""
    found = await call.server.database.read(load_decision, _number(call), call.language)
    call.headers |= _KEPT
    return call.json(found)


@routes.get("/api/roseau/v1/moderation/decisions/{number}/proof", access="open")
async def prove_decision(call: Call) -> Response:
    """The log's entry of a public decision, and the way from it to the root of its day."""
    found = await call.server.database.read(_prove, call.server.site, _number(call))
    call.headers |= _KEPT
    return call.json(found)


def _prove(tx: Transaction, site: Site, number: int) -> roots.Proof:
    shown: PublicDecision = load_decision(tx, number)
    return roots.prove_decision(tx, shown.number)


def _number(call: Call) -> int:
    number = parse_id(call.request.path_params["number"])
    if number is None or number >= 2**31:
        raise NotFound
    return number
