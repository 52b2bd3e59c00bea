"""A forgotten password: asking for a link by mail, and choosing a new one with it."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.accounts.creation import check_password
from roseau.domain.accounts.names import check_email
from roseau.domain.accounts.recovery import ask_password_reset, find_password_reset, reset_password
from roseau.doors import limits
from roseau.doors.forms import to_struct
from roseau.doors.passwords import hash_password
from roseau.doors.server import server_of
from roseau.kernel.errors import Gone, Invalid
from roseau.web.problems import problems_of
from roseau.web.rendering import render, translations_of
from roseau.web.sessions import form_of, redirect, spend


class Forgotten(msgspec.Struct):
    """Whose password is to be set anew."""

    email: str = ""


class Chosen(msgspec.Struct):
    """The new password."""

    password: str = ""


async def show_forgot(request: Request) -> Response:
    """Where the link is asked for."""
    return render(request, "password_forgot.html", form=Forgotten(), problems={}, sent=False)


async def ask(request: Request) -> Response:
    """Mail the link; the answer is the same whether there is such an account or not."""
    spend(request, limits.SIGN_UPS)
    form = to_struct(form_of(request), Forgotten)
    if problem := check_email(form.email.strip()):
        problems = problems_of(request, Invalid(problems=(problem,)))
        return render(request, "password_forgot.html", 422, form=form, problems=problems, sent=False)
    server = server_of(request)
    await server.database.write(ask_password_reset, server.site, form.email)
    return render(request, "password_forgot.html", form=form, problems={}, sent=True)


async def show_reset(request: Request) -> Response:
    """Where the new password is chosen; a link that is used up says so."""
    if await server_of(request).database.read(find_password_reset, request.path_params["token"]) is None:
        raise Gone("This link is no longer valid. Ask for a new one.")
    return render(request, "password_reset.html", problems={})


async def reset(request: Request) -> Response:
    """Set the new password; then it is used at once, to sign in."""
    password = to_struct(form_of(request), Chosen).password
    server = server_of(request)
    if problem := check_password(password):
        problems = problems_of(request, Invalid(problems=(problem,)))
        return render(request, "password_reset.html", 422, problems=problems)
    hashed = await hash_password(password)
    await server.database.write(reset_password, server.site, request.path_params["token"], hashed)
    _ = translations_of(request).gettext
    return redirect(request, "/sign_in", say=_("Your new password is set. Sign in with it."))


routes = [
    Route("/password/forgot", show_forgot),
    Route("/password/forgot", ask, methods=["POST"]),
    Route("/password/reset/{token}", show_reset),
    Route("/password/reset/{token}", reset, methods=["POST"]),
]
