"""Deciding a case: the preview of the statement, the decision itself, the second voice, and undoing."""

from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.moderation.cases.queue import CaseLine, Which, list_cases, next_case
from roseau.domain.moderation.decisions.deciding import decide
from roseau.domain.moderation.decisions.rows import CaseSettled
from roseau.domain.moderation.decisions.second_voice import agree, refuse, withdraw
from roseau.domain.moderation.decisions.undoing import undo
from roseau.domain.moderation.looking import find_decision
from roseau.doors.forms import to_struct
from roseau.doors.server import server_of
from roseau.kernel.errors import Invalid, NotFound
from roseau.kernel.ids import parse_id
from roseau.storage.database import Transaction
from roseau.web.console.case import address_of
from roseau.web.console.frame import render_console_part
from roseau.web.console.guard import MAX_NUMBER, console_routes, number_of, staff_of
from roseau.web.console.options import SUSPEND_DAYS, Option, options_of
from roseau.web.console.page import CasePage, Filled, load_page, preview, render_case, to_draft
from roseau.web.console.queue import which_of
from roseau.web.problems import problems_of
from roseau.web.rendering import is_fragment, render, translations_of
from roseau.web.sessions import field_of, form_of, redirect

#: The fields of a draft by the names that they have in the form.
_FIELDS: Final[dict[str, str]] = {"rule_id": "rule", "measures": "measure", "ground": "rule"}


def _filled(request: Request) -> Filled:
    form = form_of(request)
    known = {name: form[name] for name in Filled.__struct_fields__ if form.get(name) not in (None, "")}
    return to_struct(known, Filled)


async def show_preview(request: Request) -> Response:
    """The statement as it would be sent: alone, or in its page for those without JavaScript."""
    page, filled = await load_page(request, number_of(request)), _filled(request)
    if not is_fragment(request):
        return await render_case(request, page, filled=filled)
    server = server_of(request)
    options = options_of(page.view, translations_of(request).gettext)
    text = await server.database.read(preview, server.site, page.view, to_draft(page, options, filled))
    return render_console_part(request, "console/statement.html", statement=text, page=page)


async def take_decision(request: Request) -> Response:
    """Decide, then on to the next case; what weighs most asks once more."""
    _ = translations_of(request).gettext
    page, filled = await load_page(request, number_of(request)), _filled(request)
    options = options_of(page.view, _)
    option = next((one for one in options if one.key == filled.measure), options[0])
    if "decide" not in page.view.may:
        return await render_case(request, page, 409, filled=filled, stale=True)
    draft = to_draft(page, options, filled)
    if option.grave and "confirmed" not in form_of(request) and filled.facts.strip() and filled.rule:
        return _ask_once_more(request, page, option, filled)
    server = server_of(request)
    try:
        decided = await server.database.write(
            decide, server.site, staff_of(request).account.id, page.view.line.id, draft
        )
    except CaseSettled:
        return await render_case(
            request, await load_page(request, number_of(request)), 409, filled=filled, stale=True
        )
    except Invalid as error:
        # The one field that a measure of this kind has.
        names = _FIELDS | ({"measures": "label"} if "label" in option.kinds else {})
        problems = problems_of(request, error, names)
        return await render_case(request, page, 422, filled=filled, problems=problems)
    said = ""
    if decided.proposal_id is not None:
        said = _("Somebody else of the team has to agree. Until then the account is frozen.")
    return await _go_on(request, said)


def _ask_once_more(request: Request, page: CasePage, option: Option, filled: Filled) -> Response:
    _ = translations_of(request).gettext
    sent = msgspec.to_builtins(filled) | {"which": page.which}
    who = page.view.line.who
    of_server = bool(page.view.line.domain)
    return render(
        request,
        "confirm.html",
        heading=(_("Block %(name)s?") if of_server else _("Suspend @%(name)s?")) % {"name": who},
        sentence=_(
            "Follows in both directions are cut, and kept for putting back. It can be undone for 30 seconds."
        )
        if of_server
        else _say_how_long(request, filled.suspend_days),
        action=request.url.path,
        words=option.name,
        danger=True,
        back=address_of(request),
        fields={name: value for name, value in sent.items() if value not in (False, "")},
    )


def _say_how_long(request: Request, days: int) -> str:
    words = translations_of(request)
    if days not in SUSPEND_DAYS or not days:
        return str(
            words.gettext(
                "For good, once somebody else of the team has agreed; where nobody else is there, at once."
                " They lose access, and their followers lose sight of them. It can be undone for 30 seconds,"
                " and everything can be put back later."
            )
        )
    said = words.ngettext(
        "For %(num)s day, and then it ends by itself. They lose access, and their followers lose sight of"
        " them. It can be undone for 30 seconds, and everything can be put back later.",
        "For %(num)s days, and then it ends by itself. They lose access, and their followers lose sight of"
        " them. It can be undone for 30 seconds, and everything can be put back later.",
        days,
    )
    return str(said) % {"num": days}


async def _go_on(request: Request, said: str) -> Response:
    which = which_of(request)
    following = await server_of(request).database.read(_next, staff_of(request).account.id, which)
    if following is None:
        return redirect(request, f"/moderation?which={which}" if which != "todo" else "/moderation", say=said)
    return redirect(request, address_of(request, following.number), say=said)


def _next(tx: Transaction, viewer_id: int, which: Which) -> CaseLine | None:
    """One's own first, then what is nobody's."""
    mine = list_cases(tx, viewer_id, "mine")
    if which == "mine" or mine:
        return mine[0] if mine else None
    return next_case(tx, viewer_id)


async def undo_decision(request: Request) -> Response:
    """Take a decision back: nobody has been told of it."""
    server = server_of(request)
    number = parse_id(request.path_params["decision"])
    if number is None or number > MAX_NUMBER:
        raise NotFound
    decision_id, case_number = await server.database.read(find_decision, number)
    _ = translations_of(request).gettext
    await server.database.write(undo, server.site, staff_of(request).account.id, decision_id)
    return redirect(request, address_of(request, case_number), say=_("Undone. Nobody was told anything."))


async def answer_proposal(request: Request) -> Response:
    """Be the second voice, or take one's own proposal back."""
    server, account_id = server_of(request), staff_of(request).account.id
    proposal_id = parse_id(field_of(request, "proposal"))
    if proposal_id is None:
        raise NotFound
    _ = translations_of(request).gettext
    answer = request.path_params["answer"]
    try:
        if answer == "agree":
            await server.database.write(agree, server.site, account_id, proposal_id)
        elif answer == "refuse":
            await server.database.write(
                refuse, server.site, account_id, proposal_id, field_of(request, "answer")
            )
        elif answer == "withdraw":
            await server.database.write(withdraw, server.site, account_id, proposal_id)
        else:
            raise NotFound
    except CaseSettled:
        return await render_case(request, await load_page(request, number_of(request)), 409, stale=True)
    except Invalid as error:
        page = await load_page(request, number_of(request))
        return await render_case(request, page, 422, work_problems=problems_of(request, error))
    said = {
        "agree": _("Decided by two."),
        "refuse": _("Refused. What was done meanwhile is taken back."),
        "withdraw": _("Withdrawn. What was done meanwhile is taken back."),
    }
    return redirect(request, address_of(request), say=said[answer])


_CASE: Final = "/moderation/cases/{number}"
routes = console_routes(
    [
        Route(f"{_CASE}/preview", show_preview, methods=["POST"]),
        Route(f"{_CASE}/decide", take_decision, methods=["POST"]),
        Route(f"{_CASE}/second/{{answer}}", answer_proposal, methods=["POST"]),
        Route("/moderation/decisions/{decision}/undo", undo_decision, methods=["POST"]),
    ],
    permission="decide_cases",
)
