"""A case: reading it, taking it, handing it over, notes, waiting, and looks at what is covered."""

import asyncio
from collections.abc import Callable
from mimetypes import guess_type
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from roseau.domain.moderation.cases.access import find_case_id, require_look
from roseau.domain.moderation.cases.asking import ask
from roseau.domain.moderation.cases.queue import CaseLine, load_lines
from roseau.domain.moderation.cases.splitting import split_item
from roseau.domain.moderation.cases.working import add_note, claim, hand_over, pause, release, resume
from roseau.domain.moderation.looking import find_looked_at
from roseau.domain.moderation.notices.snapshots import open_snapshot
from roseau.domain.moderation.preserved_media import list_sealed, read_media
from roseau.doors.server import server_of
from roseau.kernel import clock
from roseau.kernel.errors import Invalid, NotFound, Problem, Unavailable, mark
from roseau.kernel.ids import parse_id
from roseau.storage.blobs import is_name
from roseau.storage.database import Transaction
from roseau.storage.stores import Missing, StoreAway
from roseau.web.console.frame import render_console_part
from roseau.web.console.guard import console_routes, number_of, staff_of
from roseau.web.console.page import load_page, render_case
from roseau.web.console.queue import which_of
from roseau.web.problems import problems_of
from roseau.web.rendering import translations_of
from roseau.web.sessions import field_of, redirect

_STEPS: Final[dict[str, Callable[..., Any]]] = {
    "ask": ask,
    "claim": claim,
    "release": release,
    "note": add_note,
    "hand_over": hand_over,
    "wait": pause,
    "resume": resume,
    "split": split_item,
}
#: How long a case may wait at once, in hours.
WAITS: Final = (4, 24, 72, 168)
_AWAY: Final = mark("This picture cannot be fetched at the moment. Try again in a minute.")
_PRIVATE_MEDIA: Final = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def address_of(request: Request, number: int | None = None) -> str:
    """The page of the case, beside the list that is open."""
    return f"/moderation/cases/{number or number_of(request)}?which={which_of(request)}"


async def show_case(request: Request) -> Response:
    """The case, with what is suggested."""
    return await render_case(request, await load_page(request, number_of(request)))


async def show_standing(request: Request) -> Response:
    """Whose it is, who else looks at it, and whether it was decided meanwhile."""
    line = await server_of(request).database.read(_line, staff_of(request).account.id, number_of(request))
    was = request.query_params.get("was", line.state)
    return render_console_part(request, "console/standing.html", line=line, was=was, which=which_of(request))


def _line(tx: Transaction, viewer_id: int, number: int) -> CaseLine:
    case_id = find_case_id(tx, number)
    require_look(tx, case_id, viewer_id)
    return load_lines(tx, viewer_id, [case_id])[0]


async def open_case(request: Request) -> Response:
    """Go to the case, and take it on the way if it is nobody's."""
    server, account_id = server_of(request), staff_of(request).account.id
    line = await server.database.read(_line, account_id, number_of(request))
    if line.assignee_id is None and line.state in ("open", "paused"):
        await server.database.write(claim, server.site, account_id, line.id)
    return redirect(request, address_of(request))


async def work(request: Request) -> Response:
    """One of the small steps; what is wrong with its form is said above the case."""
    server, account_id = server_of(request), staff_of(request).account.id
    step = request.path_params["step"]
    said = _said(request).get(step)
    if said is None:
        raise NotFound
    case_id = await server.database.read(find_case_id, number_of(request))
    try:
        given = _given(request, step)
        await server.database.write(_STEPS[step], server.site, account_id, case_id, *given)
    except Invalid as error:
        page = await load_page(request, number_of(request))
        return await render_case(request, page, 422, work_problems=problems_of(request, error))
    return redirect(request, address_of(request), say=said)


def _given(request: Request, step: str) -> tuple[Any, ...]:
    if step == "note":
        return (field_of(request, "text"),)
    if step in ("hand_over", "ask"):
        to = parse_id(field_of(request, "to"))
        if to is None:
            raise Invalid(problems=(Problem("to", "ERR_BLANK", "Choose somebody of the team."),))
        return (to, field_of(request, "text"))
    if step == "split":
        item_id = parse_id(field_of(request, "item"))
        if item_id is None:
            raise NotFound
        return (item_id,)
    if step == "wait":
        hours = parse_id(field_of(request, "hours"))
        known = hours if hours in WAITS else WAITS[1]
        return (clock.now() + known * clock.HOUR, field_of(request, "text"))
    return ()


def _said(request: Request) -> dict[str, str]:
    _ = translations_of(request).gettext
    return {
        "ask": _("The question is on its way."),
        "claim": _("The case is yours."),
        "release": _("The case is back in the queue."),
        "note": _("The team can read your note."),
        "hand_over": _("Handed over."),
        "wait": _("The case waits."),
        "resume": _("The case is back in the queue."),
        "split": _("It has a case of its own now, with its own clock."),
    }


async def look(request: Request) -> Response:
    """Open what is covered: the answer shows it once, and the look is written down."""
    server = server_of(request)
    snapshot_id = parse_id(field_of(request, "snapshot"))
    if snapshot_id is None:
        raise NotFound
    case_id = await server.database.read(find_case_id, number_of(request))
    opened = await server.database.write(
        open_snapshot, server.site, staff_of(request).account.id, snapshot_id, case_id
    )
    page = await load_page(request, number_of(request))
    return await render_case(request, page, opened={snapshot_id: opened.content})


async def show_media(request: Request) -> Response:
    """A picture of a snapshot that the asker has just opened, wherever else it may be shown or withheld."""
    name = request.path_params["blob"]
    server = server_of(request)
    if not is_name(name) or not await server.database.read(
        find_looked_at, staff_of(request).account.id, number_of(request), name
    ):
        raise NotFound
    try:
        return FileResponse(await asyncio.to_thread(server.blobs.bring, name), headers=_PRIVATE_MEDIA)
    except Missing:
        return await _show_preserved(request, name)
    except StoreAway as error:
        raise Unavailable(_AWAY) from error


async def _show_preserved(request: Request, name: str) -> Response:
    """The same where the original is gone for good, and evidence of it was preserved under a key."""
    server = server_of(request)
    case_id = await server.database.read(find_case_id, number_of(request))
    copies = await server.database.read(list_sealed, staff_of(request).account.id, case_id, name)
    try:
        data = await read_media(server.blobs, server.site, name, copies)
    except Missing:
        raise NotFound from None
    except StoreAway as error:
        raise Unavailable(_AWAY) from error
    return Response(data, headers=_PRIVATE_MEDIA, media_type=guess_type(name)[0])


_CASE: Final = "/moderation/cases/{number}"
routes = [
    *console_routes(
        [
            Route(_CASE, show_case),
            Route(f"{_CASE}/standing", show_standing),
            Route(f"{_CASE}/look", look, methods=["POST"]),
            Route(f"{_CASE}/media/{{blob}}", show_media),
        ],
        permission="view_cases",
    ),
    *console_routes(
        [
            Route(f"{_CASE}/open", open_case, methods=["POST"]),
            Route(f"{_CASE}/work/{{step}}", work, methods=["POST"]),
        ],
        permission="decide_cases",
    ),
]
