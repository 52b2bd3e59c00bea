"""Opening a case of one's own accord: about a post, an account, or whatever an address leads to."""

from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.moderation.cases.access import find_number
from roseau.domain.moderation.decisions.own_initiative import find_subject, open_own_case
from roseau.domain.moderation.notices.drafts import MAX_COMMENT, MAX_URL
from roseau.domain.moderation.vocabulary import REASONS
from roseau.domain.site import Site
from roseau.doors.forms import to_struct
from roseau.doors.server import server_of
from roseau.kernel.errors import Invalid, Problem
from roseau.kernel.ids import parse_id
from roseau.storage.database import Transaction
from roseau.web.console.frame import render_console
from roseau.web.console.guard import console_routes, staff_of
from roseau.web.problems import problems_of
from roseau.web.rendering import translations_of
from roseau.web.sessions import form_of, redirect

_HERE: Final = "/moderation/open"


class Opened(msgspec.Struct):
    """The form: a post or an account by its id, or an address; the reason, and a word for the team."""

    status: str = ""
    account: str = ""
    url: str = ""
    reason: str = "other"
    comment: str = ""


async def show_opening(request: Request) -> Response:
    """The form, about the post or the account that the address of this page names, if it does."""
    asked = request.query_params
    named = {name: asked[name][:MAX_URL] for name in ("status", "account", "url") if name in asked}
    return await _show(request, Opened(**named))


async def _show(request: Request, filled: Opened, problems: dict[str, str] | None = None) -> Response:
    return await render_console(
        request,
        "console/open.html",
        422 if problems else 200,
        filled=filled,
        reasons=list(REASONS),
        most=MAX_COMMENT,
        problems=problems or {},
    )


async def open_named(request: Request) -> Response:
    """Open it, or go to the one that is open already."""
    filled = to_struct(form_of(request), Opened)
    server, account_id = server_of(request), staff_of(request).account.id
    try:
        if filled.reason not in REASONS:
            raise Invalid(problems=(Problem("reason", "ERR_INCLUSION", "Say what is wrong."),))
        number = await server.database.write(_open, server.site, account_id, filled)
    except Invalid as error:
        return await _show(request, filled, problems_of(request, error))
    _ = translations_of(request).gettext
    return redirect(request, f"/moderation/cases/{number}", say=_("The case is open."))


def _open(tx: Transaction, site: Site, account_id: int, filled: Opened) -> int:
    status_id, named_id, uri = parse_id(filled.status), parse_id(filled.account), ""
    if status_id:
        subject = f"status:{status_id}"
    elif named_id:
        subject = f"account:{named_id}"
    else:
        subject, uri = find_subject(tx, site, account_id, filled.url), filled.url.strip()
    case_id = open_own_case(
        tx, site, account_id, subject, reason=filled.reason, comment=filled.comment, uri=uri
    )
    return find_number(tx, case_id)


routes = console_routes(
    [Route(_HERE, show_opening), Route(_HERE, open_named, methods=["POST"])], permission="decide_cases"
)
