"""Answering an appeal, by somebody who did not decide; and taking a decision back by one's own insight."""

from typing import Any, Final, get_args

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.moderation.appeals.answering import Answered, answer_appeal
from roseau.domain.moderation.appeals.drafts import Outcome
from roseau.domain.moderation.decisions.reversing import reverse_own
from roseau.domain.moderation.looking import find_decision
from roseau.doors.server import server_of
from roseau.kernel.errors import Forbidden, Invalid, NotFound
from roseau.kernel.ids import parse_id
from roseau.web.console.case import address_of
from roseau.web.console.guard import MAX_NUMBER, console_routes, number_of, staff_of
from roseau.web.console.page import load_page, render_case
from roseau.web.problems import problems_of
from roseau.web.rendering import translations_of
from roseau.web.sessions import field_of, form_of, redirect


async def answer(request: Request) -> Response:
    """Grant, grant in part, or refuse, with the reasons that whoever appealed will read."""
    page = await load_page(request, number_of(request))
    wanted = field_of(request, "outcome")
    outcome: Outcome | None = next((one for one in get_args(Outcome) if one == wanted), None)
    if page.appeal is None:
        raise NotFound
    if page.appeal.outcome is not None:
        return await render_case(request, page, 409, stale=True)
    reasons = field_of(request, "reasons")
    if outcome not in page.outcomes or outcome is None:
        raise Forbidden("You took this decision, so somebody else reads the appeal.")
    server = server_of(request)
    try:
        await server.database.write(
            answer_appeal,
            server.site,
            staff_of(request).account.id,
            page.appeal.id,
            outcome,
            reasons,
            _kept(request) if outcome == "partly" else (),
        )
    except Answered:
        return await render_case(request, await load_page(request, number_of(request)), 409, stale=True)
    except Invalid as error:
        problems = problems_of(request, error)
        return await render_case(request, page, 422, problems=problems, reasons=reasons, outcome=outcome)
    _ = translations_of(request).gettext
    said = _("The decision stands. Whoever appealed is told why.")
    if outcome != "refused":
        said = _("Granted. What was taken is put back, and everybody is told who was told before.")
    return redirect(request, "/moderation/appeals", say=said)


def _kept(request: Request) -> tuple[int, ...]:
    given: Any = form_of(request).get("keep", [])
    chosen = given if isinstance(given, list) else [given]
    return tuple(found for one in chosen if (found := parse_id(str(one))) is not None)


async def take_back(request: Request) -> Response:
    """Put an end to a decision that was wrong, without waiting for an appeal."""
    server = server_of(request)
    number = parse_id(request.path_params["decision"])
    if number is None or number > MAX_NUMBER:
        raise NotFound
    decision_id, case_number = await server.database.read(find_decision, number)
    try:
        await server.database.write(
            reverse_own, server.site, staff_of(request).account.id, decision_id, field_of(request, "facts")
        )
    except Invalid as error:
        page = await load_page(request, case_number)
        return await render_case(request, page, 422, work_problems=problems_of(request, error))
    _ = translations_of(request).gettext
    said = _("Taken back. What was taken is put back, and everybody is told who was told before.")
    return redirect(request, address_of(request, case_number), say=said)


_CASE: Final = "/moderation/cases/{number}"
routes = [
    *console_routes([Route(f"{_CASE}/answer", answer, methods=["POST"])], permission="manage_appeals"),
    *console_routes(
        [Route("/moderation/decisions/{decision}/take_back", take_back, methods=["POST"])],
        permission="decide_cases",
    ),
]
