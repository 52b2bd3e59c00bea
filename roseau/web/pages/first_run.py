"""The first run: a one-time link opens the pages that set a new site up, until somebody owns it.

Each step can be left for later and is found again in the settings of the site; only the owner has to be made.
"""

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from roseau.domain.accounts.creation import NewAccount, check_password, find_problems
from roseau.domain.accounts.founding import (
    STEPS,
    found_site,
    has_owner,
    redeem_first_run,
    steps_done,
)
from roseau.domain.accounts.sessions import open_session
from roseau.domain.site import Site
from roseau.doors import limits
from roseau.doors.forms import to_struct
from roseau.doors.passwords import hash_password
from roseau.doors.server import server_of
from roseau.kernel import clock, keys
from roseau.kernel.errors import Gone, Invalid, NotFound
from roseau.storage.database import Transaction
from roseau.web import sessions
from roseau.web.cookies import drop_cookie, read_cookie, set_cookie
from roseau.web.pages import site_steps
from roseau.web.pages.settings import time_zones
from roseau.web.problems import problems_of
from roseau.web.rendering import language_of, render, translations_of, viewer_of
from roseau.web.sessions import Handler, field_of, form_of, redirect, spend

_LAYOUT = "site/first_run.html"
_COOKIE = "first_run"
_LASTS = 4 * clock.HOUR
# The steps of these pages; what comes after the owner is for the owner, in `recovery_key`.
_FOUNDERS = STEPS[: STEPS.index("owner") + 1]


class Owner(msgspec.Struct):
    """The first account."""

    username: str = ""
    display_name: str = ""
    email: str = ""
    password: str = ""
    time_zone: str = "UTC"


async def redeem(request: Request) -> Response:
    """Open the pages with the link that the program printed."""
    if await _opened(request):
        return RedirectResponse(f"/first-run/{STEPS[0]}", 303)
    spend(request, limits.SIGN_INS)
    server = server_of(request)
    await server.database.write(redeem_first_run, request.path_params["token"])
    until = str(clock.now() + _LASTS)
    response = redirect(request, f"/first-run/{STEPS[0]}")
    value = f"{until}.{_sign(request, until)}"
    set_cookie(request, response, _COOKIE, value, _LASTS // clock.SECOND)
    return response


def _sign(request: Request, until: str) -> str:
    return keys.sign(server_of(request).site.data_key, "first run", until)


async def _opened(request: Request) -> bool:
    """Whether this browser used the link, not too long ago, and nobody owns the site yet."""
    until, _, signature = read_cookie(request, _COOKIE).partition(".")
    if not signature or not keys.same(signature, _sign(request, until)) or int(until) < clock.now():
        return False
    return not await server_of(request).database.read(has_owner)


def _founder_only(handler: Handler) -> Handler:
    async def handle(request: Request) -> Response:
        if not await _opened(request):
            if viewer_of(request):
                return RedirectResponse("/settings/site", 303)
            raise Gone("This page opens with the link that the program prints when it starts.")
        return await handler(request)

    return handle


def _step_of(request: Request) -> str:
    return request.url.path.rpartition("/")[2]


def _after(step: str) -> str:
    return f"/first-run/{STEPS[STEPS.index(step) + 1]}"


async def _answer(
    request: Request, step: str, form: msgspec.Struct | None = None, error: Invalid | None = None
) -> Response:
    context = await site_steps.shown(request, step, form)
    if step == "owner":
        context["form"] = form or Owner()
    return render(
        request,
        f"site/{step}.html",
        422 if error else 200,
        layout=_LAYOUT,
        step=step,
        steps=STEPS,
        next_url=_after(step),
        problems=problems_of(request, error) if error else {},
        **context,
    )


@_founder_only
async def show_step(request: Request) -> Response:
    """One step."""
    return await _answer(request, _step_of(request))


@_founder_only
async def save_step(request: Request) -> Response:
    """Save one step and go on to the next."""
    step = _step_of(request)
    if step == "owner":
        return await _make_owner(request)
    _ = translations_of(request).gettext
    form = None
    try:
        if step == "mail" and field_of(request, "step") == "test":
            spend(request, limits.SIGN_UPS)
            address = await site_steps.send_test_mail(request)
            said = _("A mail is on its way to %(address)s.") % {"address": address}
            return redirect(request, "/first-run/mail", say=said)
        form = site_steps.filled_in(request, step)
        await site_steps.save(request, form, None)
    except Invalid as error:
        return await _answer(request, step, form, error)
    return redirect(request, _after(step), say=_("Saved."))


async def _make_owner(request: Request) -> Response:
    """Make the first account and sign it in: from here on the site has an owner."""
    form = to_struct(form_of(request), Owner)
    server = server_of(request)
    new = NewAccount(
        username=form.username.strip(),
        email=form.email.strip(),
        display_name=form.display_name.strip(),
        locale=language_of(request),
        time_zone=form.time_zone if form.time_zone in time_zones() else "UTC",
    )
    try:
        found = await server.database.read(lambda tx: find_problems(tx, new, reserved_allowed=True))
        if problem := check_password(form.password):
            found.append(problem)
        if found:
            raise Invalid(problems=tuple(found))
        new.password_hash = await hash_password(form.password)
        agent = request.headers.get("user-agent", "")
        token = await server.database.write(_found, server.site, new, agent)
    except Invalid as error:
        return await _answer(request, "owner", form, error)
    response = sessions.sign_in(request, redirect(request, _after("owner")), token)
    drop_cookie(request, response, _COOKIE)
    return response


def _found(tx: Transaction, site: Site, new: NewAccount, agent: str) -> str:
    return open_session(tx, found_site(tx, site, new), agent)


async def show_done(request: Request) -> Response:
    """What is done, what is left for later, and where to go from here."""
    viewer = viewer_of(request)
    if viewer is None:
        return RedirectResponse("/", 303)
    if viewer.role not in ("owner", "admin"):
        raise NotFound
    done = steps_done(sessions.choices_of(request))
    return render(request, "site/done.html", done=done, steps=STEPS)


routes = [
    Route("/first-run/done", show_done),
    *(Route(f"/first-run/{step}", show_step) for step in _FOUNDERS),
    *(Route(f"/first-run/{step}", save_step, methods=["POST"]) for step in _FOUNDERS),
    Route("/first-run/{token}", redeem),
]
