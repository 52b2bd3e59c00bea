"""Members: those who wait to be let in, the search, and one member's record."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.accounts.loading import AccountView
from roseau.domain.accounts.lookup import find_by_handle
from roseau.domain.accounts.signup import Waiting, approve_sign_up, list_waiting, reject_sign_up
from roseau.domain.moderation.members import MemberRecord, load_member_record
from roseau.domain.moderation.team.permissions import require
from roseau.domain.search.people import search_accounts
from roseau.domain.site import Site
from roseau.doors.server import server_of
from roseau.kernel.errors import NotFound
from roseau.kernel.ids import parse_id
from roseau.storage.database import Transaction
from roseau.web.console.frame import render_console
from roseau.web.console.guard import console_routes, staff_of
from roseau.web.console.misuse import Hint, list_hints_about
from roseau.web.rendering import render, translations_of
from roseau.web.sessions import form_of, redirect

_HERE: Final = "/moderation/people"
_MOST: Final = 20


async def show_people(request: Request) -> Response:
    """Who waits, and who was found."""
    asked = request.query_params.get("q", "").strip()
    server = server_of(request)
    waiting, found = await server.database.scan(_load, server.site, staff_of(request).account.id, asked)
    return await render_console(request, "console/people.html", waiting=waiting, found=found, asked=asked)


def _load(tx: Transaction, site: Site, viewer_id: int, asked: str) -> tuple[list[Waiting], list[AccountView]]:
    return list_waiting(tx), find_people(tx, site, viewer_id, asked) if asked else []


def find_people(tx: Transaction, site: Site, viewer_id: int, asked: str) -> list[AccountView]:
    """Accounts by name; the one whose name it is exactly first, also when it is suspended."""
    exact = find_by_handle(tx, site, asked.removeprefix("@"))
    found = search_accounts(tx, site, viewer_id, asked, limit=_MOST)
    return [*([exact] if exact else []), *(one for one in found if not exact or one.id != exact.id)]


async def show_person(request: Request) -> Response:
    """One member."""
    account_id = parse_id(request.path_params["id"])
    if account_id is None:
        raise NotFound
    record, hints = await server_of(request).database.scan(
        _load_person, staff_of(request).account.id, account_id
    )
    return await render_console(request, "console/person.html", record=record, hints_about=hints)


def _load_person(tx: Transaction, viewer_id: int, account_id: int) -> tuple[MemberRecord, list[Hint]]:
    record = load_member_record(tx, viewer_id, account_id)
    return record, list_hints_about(tx, viewer_id, record.account)


async def judge_person(request: Request) -> Response:
    """Let somebody in, or not."""
    account_id, verdict = parse_id(request.path_params["id"]), request.path_params["verdict"]
    if account_id is None or verdict not in ("approve", "reject"):
        raise NotFound
    _ = translations_of(request).gettext
    server = server_of(request)
    if verdict == "reject" and "confirmed" not in form_of(request):
        return render(
            request,
            "confirm.html",
            heading=_("Refuse this request?"),
            sentence=_("They get a mail, and nothing of what they gave is kept."),
            action=request.url.path,
            words=_("Refuse"),
            danger=True,
            back=_HERE,
        )
    await server.database.write(_judge, server.site, staff_of(request).account.id, account_id, verdict)
    said = (
        _("They are in, and a mail tells them.")
        if verdict == "approve"
        else _("The request is refused, and a mail tells them.")
    )
    return redirect(request, _HERE, say=said)


def _judge(tx: Transaction, site: Site, by_id: int, account_id: int, verdict: str) -> None:
    require(tx, by_id, "manage_users")
    if verdict == "approve":
        approve_sign_up(tx, site, account_id)
    else:
        reject_sign_up(tx, site, account_id)


routes = console_routes(
    [
        Route(_HERE, show_people),
        Route(f"{_HERE}/{{id}}", show_person),
        Route(f"{_HERE}/{{id}}/{{verdict}}", judge_person, methods=["POST"]),
    ],
    permission="manage_users",
)
