"""The log of the team: who did what, found by person, kind and time."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.accounts.loading import AccountView, load_accounts
from roseau.domain.moderation.audit import KINDS, PAGE, Entry, Question, list_audit
from roseau.domain.moderation.team.permissions import list_team
from roseau.doors.server import server_of
from roseau.kernel import clock
from roseau.kernel.ids import parse_id
from roseau.storage.database import Transaction
from roseau.web.console.frame import render_console
from roseau.web.console.guard import console_routes, staff_of
from roseau.web.sessions import query


async def show_audit(request: Request) -> Response:
    """The newest entries that fit."""
    asked = request.query_params
    viewer = staff_of(request)
    since, day_after = _day(asked.get("day", ""), viewer.time_zone)
    before = parse_id(asked.get("before")) or day_after
    kind = asked.get("kind", "")
    question = Question(parse_id(asked.get("person")) or 0, kind if kind in KINDS else "", since, before)
    entries, team = await server_of(request).database.scan(_load, viewer.account.id, question)
    next_url = ""
    if len(entries) == PAGE:
        kept = {name: asked[name] for name in ("person", "kind", "day") if asked.get(name)}
        next_url = f"/moderation/audit?{query(**kept, before=str(entries[-1].at))}"
    return await render_console(
        request,
        "console/audit.html",
        entries=entries,
        team=team,
        kinds=KINDS,
        question=question,
        day=asked.get("day", ""),
        next_url=next_url,
    )


def _load(tx: Transaction, viewer_id: int, question: Question) -> tuple[list[Entry], list[AccountView]]:
    team = load_accounts(tx, [holder.account_id for holder in list_team(tx)])
    return list_audit(tx, viewer_id, question), list(team.values())


def _day(text: str, zone: str) -> tuple[int, int]:
    """The first moment of a day, `2026-11-22`, where the reader lives, and of the day after; 0 for none."""
    try:
        first = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=ZoneInfo(zone))
        moments = (first, first + timedelta(days=1))
        since, before = (int(one.astimezone(UTC).timestamp() * clock.SECOND) for one in moments)
    except (ValueError, OverflowError):
        # The first and the last day that there is have nothing beside them.
        return 0, 0
    return since, before


routes = console_routes([Route("/moderation/audit", show_audit)], permission="view_audit_log")
