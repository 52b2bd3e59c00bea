"""The member's invitations: made, handed on, withdrawn."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.accounts.invites import Invite, create_invite, list_invites, revoke_invite
from roseau.doors.forms import to_struct
from roseau.doors.server import server_of
from roseau.kernel import clock
from roseau.kernel.errors import Invalid, NotFound
from roseau.kernel.ids import parse_id
from roseau.web.problems import problems_of
from roseau.web.rendering import render, translations_of
from roseau.web.sessions import form_of, member_of, member_only, redirect

_HERE = "/settings/invites"


class Wanted(msgspec.Struct):
    """For how many people and how many days; 0 for no end."""

    max_uses: int = 1
    days: int = 7


async def _answer(
    request: Request, form: Wanted, status: int = 200, problems: dict[str, str] | None = None
) -> Response:
    invites = await server_of(request).database.read(list_invites, member_of(request).account.id)
    now = clock.now()
    return render(
        request,
        "settings/invites.html",
        status,
        form=form,
        open_invites=[invite for invite in invites if _is_open(invite, now)],
        problems=problems or {},
    )


def _is_open(invite: Invite, now: int) -> bool:
    used_up = invite.max_uses is not None and invite.uses >= invite.max_uses
    over = invite.expires_at is not None and invite.expires_at <= now
    return invite.revoked_at is None and not used_up and not over


@member_only
async def show(request: Request) -> Response:
    """The open invitations, and the form for another one."""
    return await _answer(request, Wanted())


@member_only
async def create(request: Request) -> Response:
    """Make an invitation."""
    form = to_struct(form_of(request), Wanted)
    max_uses = form.max_uses or None
    lasts = min(form.days, 3_650) * clock.DAY or None
    try:
        await server_of(request).database.write(
            create_invite, member_of(request).account.id, max_uses=max_uses, lasts=lasts
        )
    except Invalid as error:
        return await _answer(request, form, 422, problems_of(request, error))
    _ = translations_of(request).gettext
    return redirect(request, _HERE, say=_("Here is your invitation. Hand its address on."))


@member_only
async def revoke(request: Request) -> Response:
    """Withdraw an invitation."""
    invite_id = parse_id(request.path_params["id"])
    if invite_id is None:
        raise NotFound
    await server_of(request).database.write(revoke_invite, member_of(request).account.id, invite_id)
    _ = translations_of(request).gettext
    return redirect(request, _HERE, say=_("The invitation is withdrawn."))


routes = [
    Route(_HERE, show),
    Route(_HERE, create, methods=["POST"]),
    Route(f"{_HERE}/{{id}}/revoke", revoke, methods=["POST"]),
]
