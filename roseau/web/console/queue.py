"""The queue: the lists of cases, and the same list again for a page that is left open."""

from typing import Final, get_args

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.moderation.cases.queue import CaseLine, Which, list_cases
from roseau.doors.server import server_of
from roseau.kernel.ids import parse_id
from roseau.web.console.frame import render_console, render_console_part
from roseau.web.console.guard import console_routes, staff_of
from roseau.web.sessions import Handler

LISTS: Final[tuple[Which, ...]] = get_args(Which)


def which_of(request: Request) -> Which:
    """The list that the address, or the form, names; the one of what is to do if it names none."""
    form = getattr(request.state, "form", {})
    wanted = request.query_params.get("which") or form.get("which")
    return next((known for known in LISTS if known == wanted), "todo")


async def lines_of(request: Request, which: Which) -> list[CaseLine]:
    """A page of a list, from the case `after` on."""
    after = parse_id(request.query_params.get("after"))
    return await server_of(request).database.read(list_cases, staff_of(request).account.id, which, after)


async def show_queue(request: Request) -> Response:
    """What is to do, or the list that is asked for."""
    which = which_of(request)
    return await render_console(
        request, "console/queue.html", which=which, lines=await lines_of(request, which)
    )


def _list_of(which: Which) -> Handler:
    async def show(request: Request) -> Response:
        return await render_console(
            request, "console/queue.html", which=which, lines=await lines_of(request, which)
        )

    show.__name__ = f"show_{which}"
    return show


async def show_list(request: Request) -> Response:
    """The list alone."""
    which = which_of(request)
    return render_console_part(
        request,
        "console/list.html",
        which=which,
        lines=await lines_of(request, which),
        number=parse_id(request.query_params.get("number")) or 0,
    )


routes = console_routes(
    [
        Route("/moderation", show_queue),
        Route("/moderation/appeals", _list_of("appeals")),
        Route("/moderation/closed", _list_of("closed")),
        Route("/moderation/list", show_list),
    ],
    permission="view_cases",
)
