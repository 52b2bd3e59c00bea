"""The public status page: whether the site saves, since when, and how the last ninety days went. For anyone.

It knows no session and sets no cookie, so that whatever stands in between may keep it for half a minute.
It says nothing of machines and addresses.
"""

from typing import Final, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.site import Choices, load_choices
from roseau.doors.server import server_of
from roseau.storage.database import Transaction
from roseau.survival.standing import Condition, condition_of
from roseau.survival.watching.days import list_days
from roseau.survival.watching.facts import DAYS
from roseau.web.reeds import FEW, Days, draw_reeds, list_troubled
from roseau.web.rendering import render

KEPT: Final = 30

Public = Literal["well", "paused", "read_only"]


class _Found(msgspec.Struct):
    choices: Choices
    days: Days


def _look(tx: Transaction) -> _Found:
    return _Found(load_choices(tx), list_days(tx, DAYS))


def to_public(condition: Condition) -> Public:
    """What everybody may know of how the site stands."""
    match condition:
        case "refused":
            return "paused"
        case "superseded":
            return "read_only"
        case _:
            return "well"


async def show(request: Request) -> Response:
    """The page."""
    server = server_of(request)
    found = await server.database.read(_look)
    request.state.choices = found.choices
    state = to_public(condition_of(server.standing()))
    watch = server.watch
    since = watch.since if watch and watch.condition and to_public(watch.condition) == state else 0
    response = render(
        request,
        "status.html",
        state=state,
        since=since,
        meadow=draw_reeds(found.days),
        few=draw_reeds(found.days[-FEW:]),
        troubled=list_troubled(found.days),
    )
    response.headers["Cache-Control"] = f"public, max-age={KEPT}"
    return response


routes = [Route("/status", show)]
