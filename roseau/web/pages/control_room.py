"""The control room: how the site stands, what to do, and the ways to rehearse and to switch."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.doors.passwords import prove_own_password
from roseau.doors.server import server_of
from roseau.kernel.errors import Invalid, NotFound, Problem, RoseauError, TooMany, Unavailable
from roseau.survival.standing import LinkStanding, Survival, condition_of
from roseau.survival.watching.backup_facts import list_nights
from roseau.survival.watching.facts import Facts, gather_facts
from roseau.survival.watching.todo import list_to_do
from roseau.web.cookies import set_cookie
from roseau.web.pages.control_room_words import INVITE, SERVE, Say, say_headline, say_tasks
from roseau.web.problems import problems_of
from roseau.web.reeds import FEW, draw_reeds, list_troubled
from roseau.web.rendering import language_of, render, render_part, translations_of
from roseau.web.sessions import field_of, member_of, redirect, role_only
from roseau.web.standing import ALONE_COOKIE, ALONE_DAYS

_HERE: Final = "/control"
_runs_it = role_only("admin", "owner")


async def _gather(request: Request) -> Facts:
    server = server_of(request)
    watch = server.watch
    standing = server.standing()
    # What the watch saw a moment ago may be over by now.
    known = watch is not None and watch.condition == condition_of(standing)
    return await server.database.scan(
        gather_facts,
        server.site,
        server.folder,
        standing,
        server.vaults.standing() if server.vaults else [],
        since=watch.since if watch and known else 0,
        started_at=watch.started_at if watch else 0,
    )


def _say(request: Request) -> Say:
    return Say(language_of(request), member_of(request).time_zone)


@_runs_it
async def show(request: Request) -> Response:
    """Everything at a glance, the answer first."""
    facts, say = await _gather(request), _say(request)
    return render(
        request,
        "control/room.html",
        facts=facts,
        headline=say_headline(say, facts),
        tasks=say_tasks(say, facts, list_to_do(facts)),
        meadow=draw_reeds(facts.days),
        few=draw_reeds(facts.days[-FEW:]),
        troubled=list_troubled(facts.days),
        nights=list_nights(facts.backups),
        commands=(INVITE, SERVE),
    )


@_runs_it
async def show_state(request: Request) -> Response:
    """The first sentence again, for a page that is left open."""
    facts = await _gather(request)
    return render_part(
        request, "control/state.html", headline=say_headline(_say(request), facts), condition=facts.condition
    )


@_runs_it
async def show_plan(request: Request) -> Response:
    """What to do when the machine is lost, in plain words and with this site's names: to be printed."""
    facts = await _gather(request)
    return render(request, "control/plan.html", facts=facts, commands=(INVITE, SERVE))


@_runs_it
async def rehearse(request: Request) -> Response:
    """Begin a rehearsal."""
    _ = translations_of(request).gettext
    survival = _survival_of(request)
    try:
        await survival.rehearse()
    except RoseauError as error:
        return redirect(request, _HERE, say=error.say(_))
    return redirect(
        request, _HERE, say=_("The rehearsal has begun. Its result will stand here in some minutes.")
    )


@_runs_it
async def show_switch(request: Request) -> Response:
    """Ask which standby takes over, and whether it is meant."""
    return _ask(request, 200, {})


def _ask(request: Request, status: int, problems: dict[str, str]) -> Response:
    standing = server_of(request).standing()
    ready = [reed for reed in standing.reeds if _is_ready(reed)]
    return render(
        request,
        "control/switch.html",
        status,
        ready=ready,
        waiting=[reed for reed in standing.reeds if not _is_ready(reed)],
        chosen=field_of(request, "machine") if request.method == "POST" else "",
        problems=problems,
    )


def _is_ready(reed: LinkStanding) -> bool:
    return reed.counted and reed.state == "following"


@_runs_it
async def switch(request: Request) -> Response:
    """Hand the site over, after the password."""
    _ = translations_of(request).gettext
    survival, machine_id = _survival_of(request), field_of(request, "machine")
    try:
        reed = next((reed for reed in survival.standing().reeds if reed.machine_id == machine_id), None)
        if reed is None or not _is_ready(reed):
            raise Invalid(problems=(Problem("machine", "ERR_INCLUSION", "Choose a standby that is ready."),))
        server, account_id = server_of(request), member_of(request).account.id
        await prove_own_password(server, account_id, field_of(request, "password"))
        await survival.switch(reed.machine_id)
    except (Invalid, TooMany, Unavailable) as error:
        problems = problems_of(request, error)
        if "password" in problems:
            problems["password"] = _("This is not your password.")
        if "machine" in problems:
            problems["machine"] = _("Choose a standby that is ready.")
        return _ask(request, error.status, problems)
    return redirect(request, _HERE, say=_("%(name)s runs the site now.") % {"name": reed.name})


def _survival_of(request: Request) -> Survival:
    survival = server_of(request).survival
    if survival is None or not survival.standing().counted:
        raise NotFound
    return survival


@_runs_it
async def dismiss(request: Request) -> Response:
    """Do not say on the home page for a month that there is no standby."""
    response = redirect(request, "/home")
    set_cookie(request, response, ALONE_COOKIE, "1", ALONE_DAYS * 24 * 60 * 60)
    return response


routes = [
    Route(_HERE, show),
    Route(f"{_HERE}/state", show_state),
    Route(f"{_HERE}/plan", show_plan),
    Route(f"{_HERE}/rehearse", rehearse, methods=["POST"]),
    Route(f"{_HERE}/switch", show_switch),
    Route(f"{_HERE}/switch", switch, methods=["POST"]),
    Route(f"{_HERE}/dismiss", dismiss, methods=["POST"]),
]
