"""Whom the member mutes and blocks, and the applications that have access to the account."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.accounts.apps import list_authorized_apps
from roseau.domain.accounts.tokens import revoke_member_tokens
from roseau.domain.relationships.listing import Related, list_blocked, list_muted
from roseau.doors.server import server_of
from roseau.kernel.errors import NotFound
from roseau.kernel.ids import parse_id
from roseau.storage.database import Transaction
from roseau.storage.pages import Page
from roseau.web.rendering import is_fragment, render, render_part, translations_of
from roseau.web.sessions import Handler, member_of, member_only, query, redirect

_A_PAGE = 40


def _people(kind: str, listing: Callable[[Transaction, int, Page], list[Related]]) -> Handler:
    """The page of one kind of list."""

    @member_only
    async def show(request: Request) -> Response:
        page = Page(limit=_A_PAGE, max_id=parse_id(request.query_params.get("max_id")))
        people = await server_of(request).database.read(listing, member_of(request).account.id, page)
        next_url = ""
        if len(people) == _A_PAGE:
            next_url = f"/settings/{kind}?{query(max_id=str(people[-1].id))}"
        if is_fragment(request):
            return render_part(
                request, "fragments/settings_people.html", kind=kind, people=people, next_url=next_url
            )
        return render(request, "settings/people.html", kind=kind, people=people, next_url=next_url)

    show.__name__ = f"show_{kind}"
    return show


@member_only
async def show_apps(request: Request) -> Response:
    """The applications that hold a token of the member's."""
    apps = await server_of(request).database.read(list_authorized_apps, member_of(request).account.id)
    return render(request, "settings/apps.html", apps=apps)


@member_only
async def revoke_app(request: Request) -> Response:
    """Take an application's access away."""
    app_id = parse_id(request.path_params["id"])
    if app_id is None:
        raise NotFound
    await server_of(request).database.write(revoke_member_tokens, member_of(request).account.id, app_id)
    _ = translations_of(request).gettext
    return redirect(request, "/settings/apps", say=_("The application has no access any more."))


routes = [
    Route("/settings/mutes", _people("mutes", list_muted)),
    Route("/settings/blocks", _people("blocks", list_blocked)),
    Route("/settings/apps", show_apps),
    Route("/settings/apps/{id}/revoke", revoke_app, methods=["POST"]),
]
