"""The settings of the site, for those who run it: the steps of the first run again, and people who wait."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.accounts.founding import STEPS, steps_done
from roseau.domain.accounts.signup import approve_sign_up, list_waiting, reject_sign_up
from roseau.domain.site import has_contacts
from roseau.doors import limits
from roseau.doors.server import server_of
from roseau.kernel.errors import Invalid, NotFound
from roseau.kernel.ids import parse_id
from roseau.web.pages import site_steps
from roseau.web.problems import problems_of
from roseau.web.rendering import render, translations_of
from roseau.web.sessions import (
    choices_of,
    field_of,
    form_of,
    member_of,
    redirect,
    role_only,
    spend,
)

_LAYOUT = "settings/site.html"
_SITE_STEPS = ("address", "look", "mail", "rules", "legal")
_runs_it = role_only("admin", "owner")
_lets_in = role_only("moderator", "admin", "owner")


def _step_of(request: Request) -> str:
    step: str = request.path_params["step"]
    if step not in _SITE_STEPS:
        raise NotFound
    return step


@_lets_in
async def show_index(request: Request) -> Response:
    """What is done, what is still to do, and who waits."""
    waiting = await server_of(request).database.read(list_waiting)
    choices = choices_of(request)
    return render(
        request,
        "settings/site_index.html",
        done=steps_done(choices),
        steps=STEPS,
        waiting=len(waiting),
        reachable=has_contacts(choices),
    )


@_runs_it
async def show_step(request: Request) -> Response:
    """One step."""
    step = _step_of(request)
    context = await site_steps.shown(request, step)
    return render(request, f"site/{step}.html", layout=_LAYOUT, step=step, problems={}, **context)


@_runs_it
async def save_step(request: Request) -> Response:
    """Save one step, or send the test mail of its page."""
    step = _step_of(request)
    _ = translations_of(request).gettext
    here = f"/settings/site/{step}"
    form = None
    try:
        if step == "mail" and field_of(request, "step") == "test":
            spend(request, limits.SIGN_UPS)
            address = await site_steps.send_test_mail(request)
            return redirect(
                request, here, say=_("A mail is on its way to %(address)s.") % {"address": address}
            )
        form = site_steps.filled_in(request, step)
        await site_steps.save(request, form, member_of(request).account.id)
    except Invalid as error:
        context = await site_steps.shown(request, step, form)
        problems = problems_of(request, error)
        return render(
            request, f"site/{step}.html", 422, layout=_LAYOUT, step=step, problems=problems, **context
        )
    return redirect(request, here, say=_("Saved."))


@_lets_in
async def show_people(request: Request) -> Response:
    """Those who wait to be let in."""
    waiting = await server_of(request).database.read(list_waiting)
    return render(request, "settings/site_people.html", waiting=waiting)


@_lets_in
async def judge_person(request: Request) -> Response:
    """Let somebody in, or not."""
    account_id = parse_id(request.path_params["id"])
    verdict = request.path_params["verdict"]
    if account_id is None or verdict not in ("approve", "reject"):
        raise NotFound
    _ = translations_of(request).gettext
    server = server_of(request)
    if verdict == "approve":
        await server.database.write(approve_sign_up, server.site, account_id)
        return redirect(request, "/settings/site/people", say=_("They are in, and a mail tells them."))
    if "confirmed" not in form_of(request):
        return render(
            request,
            "confirm.html",
            heading=_("Refuse this request?"),
            sentence=_("They get a mail, and nothing of what they gave is kept."),
            action=request.url.path,
            words=_("Refuse"),
            danger=True,
            back="/settings/site/people",
        )
    await server.database.write(reject_sign_up, server.site, account_id)
    return redirect(request, "/settings/site/people", say=_("The request is refused, and a mail tells them."))


routes = [
    Route("/settings/site", show_index),
    Route("/settings/site/people", show_people),
    Route("/settings/site/people/{id}/{verdict}", judge_person, methods=["POST"]),
    Route("/settings/site/{step}", show_step),
    Route("/settings/site/{step}", save_step, methods=["POST"]),
]
