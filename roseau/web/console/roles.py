"""The roles of the team: what each may do, making one of the site's own, and who is given which."""

from collections.abc import Callable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.moderation.team.permissions import UNARMED
from roseau.domain.moderation.team.roles import (
    TITLES,
    Role,
    RoleDraft,
    find_role,
    list_roles,
    remove_role,
    save_role,
)
from roseau.domain.moderation.vocabulary import PERMISSIONS, ROLES
from roseau.doors.server import server_of
from roseau.kernel.errors import Invalid, Problem
from roseau.web.console.frame import render_console
from roseau.web.console.guard import console_routes, permissions_here, staff_of
from roseau.web.problems import problems_of
from roseau.web.rendering import translations_of
from roseau.web.sessions import field_of, form_of, redirect

_HERE: Final = "/moderation/team/roles"


def role_names(roles: list[Role], gettext: Callable[[str], str]) -> dict[str, str]:
    """What the roles are called: as the site calls them, else in the words of the reader."""
    return {
        role.name: gettext(role.title) if role.title == TITLES.get(role.name) else role.title
        for role in roles
    }


async def show_roles(request: Request) -> Response:
    """All of them, and the form of a new one, or of the one that `edit` names."""
    return await _show(request, request.query_params.get("edit", ""))


async def _show(
    request: Request,
    edited: str,
    draft: RoleDraft | None = None,
    problems: dict[str, str] | None = None,
) -> Response:
    roles = await server_of(request).database.read(list_roles)
    role = next((one for one in roles if one.name == edited and one.name not in UNARMED), None)
    if draft is None and role is not None:
        title = "" if role.title in (role.name, TITLES.get(role.name)) else role.title
        draft = RoleDraft(role.name, title, tuple(role.permissions), role.second_factor)
    return await render_console(
        request,
        "console/roles.html",
        422 if problems else 200,
        roles=[one for one in roles if one.name not in UNARMED],
        everybody=roles,
        role_words=role_names(roles, translations_of(request).gettext),
        permission_words=PERMISSIONS,
        changed={one.name for one in roles if _is_changed(one)},
        editing=role,
        draft=draft or RoleDraft(""),
        held=permissions_here(request),
        problems=problems or {},
    )


def _is_changed(role: Role) -> bool:
    """Whether a role that every site has is another one here."""
    return not role.own and (
        role.permissions != ROLES[role.name] or role.second_factor or role.title != TITLES[role.name]
    )


async def save(request: Request) -> Response:
    """Make a role, or let one do something else."""
    editing = field_of(request, "role")
    given: Any = form_of(request).get("permissions", [])
    draft = RoleDraft(
        editing or field_of(request, "name").strip(),
        field_of(request, "title"),
        tuple(one for one in (given if isinstance(given, list) else [given]) if isinstance(one, str)),
        field_of(request, "second_factor") == "1",
    )
    server, by_id = server_of(request), staff_of(request).account.id
    try:
        if not editing and await server.database.read(find_role, draft.name) is not None:
            raise Invalid(problems=(Problem("name", "ERR_TAKEN", "There is a role of this name already."),))
        await server.database.write(save_role, by_id, draft)
    except Invalid as error:
        return await _show(request, editing, draft, problems_of(request, error))
    return redirect(request, _HERE, say=translations_of(request).gettext("Saved."))


async def remove(request: Request) -> Response:
    """Take away a role of the site's own that nobody has, or make a usual one as usual again."""
    server, by_id = server_of(request), staff_of(request).account.id
    try:
        await server.database.write(remove_role, by_id, request.path_params["name"])
    except Invalid as error:
        return await _show(request, "", None, problems_of(request, error))
    return redirect(request, _HERE, say=translations_of(request).gettext("Saved."))


routes = console_routes(
    [
        Route(_HERE, show_roles),
        Route(_HERE, save, methods=["POST"]),
        Route(f"{_HERE}/{{name}}/remove", remove, methods=["POST"]),
    ],
    permission="manage_roles",
)
