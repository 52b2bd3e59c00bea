"""Who gets into the console: every page under /moderation is made by `console_routes`, and by nothing else.

    routes = console_routes(
        [Route("/moderation/letters", show), Route("/moderation/letters/{id}", answer, methods=["POST"])],
        permission="manage_letters",
    )

    async def show(request: Request) -> Response:
        letters = await server_of(request).database.read(list_letters, staff_of(request).account.id)
        return await render_console(request, "console/letters.html", letters=letters)

What it promises: somebody is signed in, has the permission, and has a second factor where their role asks
for one; others are led to the sign-in page or refused. No answer is kept by a browser or by anything on the
way. Forms are proven to be ours by `sessions.guarded`, through which these routes pass as all others do.
A route that names a case (`{number}`) says to the rest of the team who has it before their eyes. Domain
functions check the permission again: the guard is what nobody can forget, they are what nobody gets around.

A page extends `layouts/console.html` and sets `current`, its place in the navigation: a key of
`frame.PLACES`. `frame.render_console` adds what the frame shows. A module of routes stands in `PAGES` of
`roseau/web/console/routes.py`. `tests/web/test_console_guard.py` walks the table of all routes: one under
/moderation that was not made here fails it, and so does one that opens to the wrong person.
"""

from collections.abc import Iterable
from functools import wraps

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.moderation.cases.access import find_case_id, require_look
from roseau.domain.moderation.cases.working import see_case
from roseau.domain.moderation.team.permissions import needs_second_factor, permissions_of
from roseau.domain.moderation.vocabulary import Permission
from roseau.doors.server import server_of
from roseau.kernel.errors import Forbidden, NotFound, RoseauError
from roseau.kernel.ids import parse_id
from roseau.storage.database import Transaction
from roseau.web.rendering import Viewer, render, render_error
from roseau.web.sessions import Handler, member_of, member_only

ROOT = "/moderation"
#: Numbers of cases fit in 32 bits.
MAX_NUMBER = 2**31 - 1


def console_routes(routes: Iterable[Route], *, permission: Permission) -> list[Route]:
    """The routes, open to those who have the permission. Raises ValueError outside of the console."""
    return [_guarded(route, permission) for route in routes]


def _guarded(route: Route, permission: Permission) -> Route:
    if route.path != ROOT and not route.path.startswith(f"{ROOT}/"):
        raise ValueError(f"{route.path} is not under {ROOT}")
    handler = _guard(route.endpoint, permission)
    return Route(route.path, handler, methods=sorted(route.methods or ("GET",)))


def _guard(handler: Handler, permission: Permission) -> Handler:
    @wraps(handler)
    async def handle(request: Request) -> Response:
        account_id = member_of(request).account.id
        has, wants_factor = await server_of(request).database.read(_standing, account_id)
        if wants_factor:
            return render(request, "console/second_factor.html", Forbidden.status)
        if permission not in has:
            raise Forbidden("This page is for those of the team who have the permission for it.")
        request.state.permissions = has
        if request.method == "GET" and "number" in request.path_params:
            await _be_seen(request, account_id)
        return await handler(request)

    admitted = member_only(handle)

    @wraps(handler)
    async def keep_nothing(request: Request) -> Response:
        try:
            response = await admitted(request)
        except RoseauError as error:
            response = render_error(request, error)
        response.headers["Cache-Control"] = "no-store"
        return response

    keep_nothing.console_permission = permission  # type: ignore[attr-defined]
    return keep_nothing


def _standing(tx: Transaction, account_id: int) -> tuple[frozenset[Permission], bool]:
    return permissions_of(tx, account_id), needs_second_factor(tx, account_id)


async def _be_seen(request: Request, account_id: int) -> None:
    """Somebody has this case before their eyes. Raises NotFound, and Forbidden to those who are party."""
    server = server_of(request)
    case_id = await server.database.read(find_case_id, number_of(request))
    await server.database.read(require_look, case_id, account_id)
    await server.note(see_case, server.site, account_id, case_id)


def number_of(request: Request) -> int:
    """The number of the case that the address names. Raises NotFound."""
    number = parse_id(request.path_params["number"])
    if number is None or number > MAX_NUMBER:
        raise NotFound
    return number


def permission_of(route: Route) -> Permission | None:
    """The permission that a route asks for; None for one that was not made here."""
    return getattr(route.endpoint, "console_permission", None)


def staff_of(request: Request) -> Viewer:
    """Whoever of the team asks."""
    return member_of(request)


def permissions_here(request: Request) -> frozenset[Permission]:
    """What they may do."""
    permissions: frozenset[Permission] = request.state.permissions
    return permissions
