"""The team: who is in it with which role, when they are on duty, and rest."""

from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.accounts.loading import AccountView, load_accounts
from roseau.domain.accounts.lookup import find_by_handle
from roseau.domain.moderation.team.duty import (
    Duty,
    Rest,
    end_rest,
    list_duties,
    list_rests,
    on_duty,
    rest,
    set_duties,
)
from roseau.domain.moderation.team.permissions import Holder, list_team
from roseau.domain.moderation.team.roles import Role, appoint, list_roles
from roseau.domain.moderation.vocabulary import PERMISSIONS
from roseau.domain.site import Site
from roseau.doors.server import server_of
from roseau.kernel import clock
from roseau.kernel.errors import Invalid, Problem
from roseau.kernel.ids import parse_id
from roseau.storage.database import Transaction
from roseau.web.console.frame import render_console
from roseau.web.console.guard import console_routes, staff_of
from roseau.web.console.roles import role_names
from roseau.web.problems import problems_of
from roseau.web.rendering import translations_of
from roseau.web.sessions import field_of, form_of, redirect

_HERE: Final = "/moderation/team"
_DAY: Final = 24 * 60
_DAYS: Final = 7
_LONGEST_REST: Final = 365


class Mate(msgspec.Struct, frozen=True):
    """Somebody of the team as the page shows them."""

    account: AccountView
    role: str
    has_code: bool
    on_duty: bool
    rest: Rest | None
    duties: list[Duty]


def _load(tx: Transaction) -> tuple[list[Mate], list[Role]]:
    holders: list[Holder] = list_team(tx)
    people = load_accounts(tx, [holder.account_id for holder in holders])
    rests = {one.account_id: one for one in reversed(list_rests(tx))}
    there = set(on_duty(tx))
    mates = [
        Mate(
            people[holder.account_id],
            holder.role,
            holder.otp_enabled_at is not None,
            holder.account_id in there,
            rests.get(holder.account_id),
            list_duties(tx, holder.account_id),
        )
        for holder in holders
    ]
    return mates, list_roles(tx)


async def show_team(request: Request) -> Response:
    """Everybody, one's own rota, and the roles."""
    return await _show(request)


async def _show(request: Request, problems: dict[str, str] | None = None) -> Response:
    mates, roles = await server_of(request).database.read(_load)
    own = next((one for one in mates if one.account.id == staff_of(request).account.id), None)
    return await render_console(
        request,
        "console/team.html",
        422 if problems else 200,
        mates=mates,
        own=own,
        week=_to_week(own.duties if own else []),
        roles=roles,
        role_words=role_names(roles, translations_of(request).gettext),
        permission_words=PERMISSIONS,
        problems=problems or {},
    )


def _to_week(duties: list[Duty]) -> list[tuple[str, str, bool]]:
    """The first time of duty of each day: from, until, on call; empty where there is none."""
    week = [("", "", False)] * _DAYS
    for duty in reversed(duties):
        day, minute = divmod(duty.from_minute, _DAY)
        until = (duty.until_minute - day * _DAY) % _DAY
        week[day] = (f"{minute // 60:02}:{minute % 60:02}", f"{until // 60:02}:{until % 60:02}", duty.on_call)
    return week


async def save_duties(request: Request) -> Response:
    """One's own rota, a time for each day of the week."""
    _ = translations_of(request).gettext
    account_id = staff_of(request).account.id
    try:
        wanted = [duty for day in range(_DAYS) if (duty := _to_duty(request, day))]
        await server_of(request).database.write(set_duties, account_id, account_id, wanted)
    except Invalid as error:
        return await _show(request, problems_of(request, error))
    return redirect(request, _HERE, say=_("Saved."))


def _to_duty(request: Request, day: int) -> Duty | None:
    begin, end = _to_minute(field_of(request, f"from_{day}")), _to_minute(field_of(request, f"until_{day}"))
    if begin is None or end is None:
        return None
    # A night that ends in the morning ends on the day after.
    length = (end - begin) % _DAY or _DAY
    start = day * _DAY + begin
    return Duty(start, start + length, f"call_{day}" in form_of(request))


def _to_minute(text: str) -> int | None:
    hours, colon, minutes = text.strip().partition(":")
    if not colon and not hours:
        return None
    hour, minute = parse_id(hours), parse_id(minutes[:2])
    if hour is None or minute is None or hour >= 24 or minute >= 60:
        raise Invalid(problems=(Problem("week", "ERR_INVALID", "A time is written like 8:30 or 20:00."),))
    return hour * 60 + minute


async def begin_rest(request: Request) -> Response:
    """Rest from now on, for some days or until one says so."""
    _ = translations_of(request).gettext
    server, account_id = server_of(request), staff_of(request).account.id
    days = parse_id(field_of(request, "days"))
    now = clock.now()
    until = now + min(days, _LONGEST_REST) * clock.DAY if days else None
    await server.database.write(rest, server.site, account_id, account_id, now, until)
    return redirect(
        request, _HERE, say=_("Rest well. Your cases went back to the queue, and nobody calls you.")
    )


async def stop_rest(request: Request) -> Response:
    """Be there again."""
    account_id = staff_of(request).account.id
    await server_of(request).database.write(end_rest, account_id, account_id)
    return redirect(request, _HERE, say=translations_of(request).gettext("Welcome back."))


async def give_role(request: Request) -> Response:
    """Appoint somebody by their name, or give one of the team another role."""
    server = server_of(request)
    try:
        await server.database.write(
            _appoint,
            server.site,
            staff_of(request).account.id,
            field_of(request, "person"),
            field_of(request, "role"),
        )
    except Invalid as error:
        return await _show(request, problems_of(request, error))
    return redirect(request, _HERE, say=translations_of(request).gettext("Saved."))


def _appoint(tx: Transaction, site: Site, by_id: int, name: str, role: str) -> None:
    person = find_by_handle(tx, site, name.strip().removeprefix("@"))
    if person is None or not person.account.local:
        raise Invalid(problems=(Problem("person", "ERR_INVALID", "There is no member of this name here."),))
    appoint(tx, by_id, person.id, role)


routes = [
    *console_routes(
        [
            Route(_HERE, show_team),
            Route(f"{_HERE}/duties", save_duties, methods=["POST"]),
            Route(f"{_HERE}/rest", begin_rest, methods=["POST"]),
            Route(f"{_HERE}/rest/end", stop_rest, methods=["POST"]),
        ],
        permission="view_cases",
    ),
    *console_routes([Route(f"{_HERE}/role", give_role, methods=["POST"])], permission="manage_roles"),
]
