"""Signing in, with a password and a code where the member asked for one, and signing out."""

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from roseau.domain.accounts.signin import CodeNeeded, find_half_signed_in, sign_in, sign_in_with_code
from roseau.doors.callers import client_address
from roseau.doors.forms import to_struct
from roseau.doors.passwords import count_attempt, prove_password
from roseau.doors.server import server_of
from roseau.kernel import clock
from roseau.kernel.errors import Forbidden, Gone, Invalid, TooMany
from roseau.web import sessions
from roseau.web.addresses import local_path
from roseau.web.cookies import drop_cookie, read_cookie, set_cookie
from roseau.web.problems import problems_of
from roseau.web.rendering import render, translations_of
from roseau.web.sessions import RECORD, form_of, is_suspended, open_to_suspended, redirect, session_of

#: How long the second half may take; the ticket itself is good for as long.
_TICKET_SECONDS = 10 * clock.MINUTE // clock.SECOND


class Credentials(msgspec.Struct):
    """What the first form holds."""

    name: str = ""
    password: str = ""
    back: str = ""


class Code(msgspec.Struct):
    """What the second form holds."""

    code: str = ""
    back: str = ""


async def show(request: Request) -> Response:
    """The form."""
    back = local_path(request.query_params.get("back"))
    if is_suspended(request):
        return RedirectResponse(RECORD, 303)
    # `again`: an application asks that the member shows once more who they are.
    if session_of(request) and "again" not in request.query_params:
        return RedirectResponse(back, 303)
    return render(request, "sign_in.html", form=Credentials(back=back), problems={})


async def enter(request: Request) -> Response:
    """Look at the name and the password."""
    form = to_struct(form_of(request), Credentials)
    server = server_of(request)
    agent = request.headers.get("user-agent", "")
    try:
        proven = await prove_password(server, form.name, form.password, client_address(request))
        outcome = await server.database.write(sign_in, proven, agent)
    except (Invalid, Forbidden, TooMany) as error:
        problems = problems_of(request, error)
        return render(request, "sign_in.html", error.status, form=form, problems=problems)
    back = local_path(form.back)
    if isinstance(outcome, CodeNeeded):
        response = redirect(request, f"/sign_in/code?{sessions.query(back=back)}")
        set_cookie(request, response, "ticket", outcome.ticket, _TICKET_SECONDS)
        return response
    return sessions.sign_in(request, redirect(request, back), outcome.token)


async def show_code(request: Request) -> Response:
    """The form for a code; without a ticket everything begins again."""
    back = local_path(request.query_params.get("back"))
    ticket = read_cookie(request, "ticket")
    if await server_of(request).database.read(find_half_signed_in, ticket) is None:
        return redirect(request, f"/sign_in?{sessions.query(back=back)}")
    return render(request, "sign_in_code.html", form=Code(back=back), problems={})


async def enter_code(request: Request) -> Response:
    """Look at the code."""
    form = to_struct(form_of(request), Code)
    back = local_path(form.back)
    server = server_of(request)
    ticket = read_cookie(request, "ticket")
    account_id = await server.database.read(find_half_signed_in, ticket)
    if account_id is None:
        return redirect(request, f"/sign_in?{sessions.query(back=back)}", say=_too_late(request))
    try:
        count_attempt(server, f"account {account_id}")
        outcome = await server.database.write(
            sign_in_with_code, server.site, ticket, form.code, request.headers.get("user-agent", "")
        )
    except (Invalid, Forbidden, TooMany) as error:
        problems = problems_of(request, error)
        return render(request, "sign_in_code.html", error.status, form=form, problems=problems)
    except Gone:
        return redirect(request, f"/sign_in?{sessions.query(back=back)}", say=_too_late(request))
    response = sessions.sign_in(request, redirect(request, back), outcome.token)
    drop_cookie(request, response, "ticket")
    return response


def _too_late(request: Request) -> str:
    return str(translations_of(request).gettext("This took too long. Sign in once more."))


@open_to_suspended
async def leave(request: Request) -> Response:
    """End the session."""
    return await sessions.sign_out(request, RedirectResponse("/", 303))


routes = [
    Route("/sign_in", show),
    Route("/sign_in", enter, methods=["POST"]),
    Route("/sign_in/code", show_code),
    Route("/sign_in/code", enter_code, methods=["POST"]),
    Route("/sign_out", leave, methods=["POST"]),
]
