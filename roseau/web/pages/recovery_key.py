"""The recovery key: its words are shown once, then asked for. In the first run, and on a page for later."""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from roseau.domain.accounts.founding import STEPS, has_owner, steps_done
from roseau.domain.accounts.signin import check_proven
from roseau.domain.recovery_key import (
    ask_for_words,
    find_asked,
    make_recovery_key,
    prove_asked_words,
    prove_recovery_key,
    standing_of,
)
from roseau.doors.passwords import prove_own_password
from roseau.doors.server import server_of
from roseau.kernel.errors import BadRequest, Invalid, RoseauError, TooMany
from roseau.web.problems import problems_of
from roseau.web.rendering import render, translations_of, viewer_of
from roseau.web.sessions import Handler, choices_of, field_of, member_of, redirect, role_only

_PAGE, _STEP, _DONE = "/settings/site/recovery", "/first-run/recovery", "/first-run/done"
_runs_it = role_only("owner")


def _in_first_run(request: Request) -> bool:
    return request.url.path == _STEP


def _owner_only(handler: Handler) -> Handler:
    """For the owner; in the first run, whoever has not made that account yet is led there."""
    guarded = _runs_it(handler)

    async def handle(request: Request) -> Response:
        if _in_first_run(request):
            if viewer_of(request) is None and not await server_of(request).database.read(has_owner):
                return RedirectResponse("/first-run/owner", 303)
            if standing_of(choices_of(request)) == "proven":
                return RedirectResponse(_DONE, 303)
        return await guarded(request)

    return handle


def _render(request: Request, template: str, status: int = 200, **context: Any) -> Response:
    around = "site/first_run.html" if _in_first_run(request) else "settings/site.html"
    choices = choices_of(request)
    response = render(
        request,
        template,
        status,
        layout=around,
        step="recovery",
        steps=STEPS,
        next_url=_DONE,
        done=steps_done(choices),
        choices=choices,
        standing=standing_of(choices),
        **context,
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def _overview(request: Request, error: RoseauError | None = None, at: str = "") -> Response:
    """`at`: the form that the error is about, `words` or `make`."""
    problems = {}
    if error:
        field = "present_password" if at == "make" else at
        problems = {field: " ".join(problems_of(request, error).values())}
    status = error.status if error else 200
    return _render(request, "site/recovery.html", status, problems=problems, at=at)


@_owner_only
async def show(request: Request) -> Response:
    """How things stand, and what can be done about it."""
    return _overview(request)


@_owner_only
async def save(request: Request) -> Response:
    """One of the four forms: make a key, have its words asked for, answer, or type all of them."""
    match field_of(request, "step"):
        case "make":
            return await _make(request)
        case "ask":
            return _ask(request)
        case "prove":
            return await _prove_asked(request)
        case "words":
            return await _prove_all(request)
    raise BadRequest


async def _make(request: Request) -> Response:
    """Show the words of a new key, this once. In the place of another it takes the password."""
    server = server_of(request)
    owner_id = member_of(request).account.id
    if standing_of(choices_of(request)) != "missing":
        if _in_first_run(request):
            return redirect(request, _PAGE)
        _ = translations_of(request).gettext
        try:
            proven = await prove_own_password(server, owner_id, field_of(request, "present_password"))
            await server.database.read(check_proven, proven)
        except Invalid:
            return _overview(request, Invalid("This is not your password."), "make")
        except TooMany as error:
            return _overview(request, error, "make")
    words = await server.database.write(make_recovery_key, server.site, owner_id, replace=True)
    asked = ask_for_words(server.site, words)
    return _render(request, "site/recovery_words.html", key_words=words, asked=asked)


def _ask(request: Request, error: Invalid | None = None) -> Response:
    """The fields for the words that are asked for, empty again after a wrong answer."""
    sealed = field_of(request, "asked")
    try:
        asked = find_asked(server_of(request).site, sealed)
    except Invalid as late:
        return _overview(request, late, "words")
    problems = problems_of(request, error) if error else {}
    return _render(
        request,
        "site/recovery_asked.html",
        422 if error else 200,
        asked=sealed,
        places=sorted(asked.words),
        given={place: field_of(request, f"word_{place}") for place in asked.words} if error else {},
        problems=problems,
    )


async def _prove_asked(request: Request) -> Response:
    server = server_of(request)
    sealed = field_of(request, "asked")
    owner_id = member_of(request).account.id
    try:
        answers = {
            place: field_of(request, f"word_{place}") for place in find_asked(server.site, sealed).words
        }
        await server.database.write(prove_asked_words, server.site, sealed, answers, owner_id)
    except Invalid as error:
        return _ask(request, error) if error.problems else _overview(request, error, "words")
    return _proven(request)


async def _prove_all(request: Request) -> Response:
    owner_id = member_of(request).account.id
    try:
        await server_of(request).database.write(prove_recovery_key, field_of(request, "words"), owner_id)
    except Invalid as error:
        return _overview(request, error, "words")
    return _proven(request)


def _proven(request: Request) -> Response:
    _ = translations_of(request).gettext
    said = _("The recovery key is proven. Keep the paper far from this machine, so that no fire takes both.")
    return redirect(request, _DONE if _in_first_run(request) else _PAGE, say=said)


routes = [
    Route(_PAGE, show),
    Route(_PAGE, save, methods=["POST"]),
    Route(_STEP, show),
    Route(_STEP, save, methods=["POST"]),
]
