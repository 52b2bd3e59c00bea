"""Appeals for an outside reviewer: a member with no other right, who reads what was handed to them.

The team answers appeals in the console. Each page here opens sealed evidence, and each look is written down.
"""

from typing import get_args

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.moderation.appeals.answering import answer_appeal
from roseau.domain.moderation.appeals.drafts import Appeal, Outcome, load_appeal, load_appealed
from roseau.domain.moderation.appeals.own import MeasureState, list_measures
from roseau.domain.moderation.appeals.reviewing import list_handed, list_open_outcomes
from roseau.domain.moderation.cases.access import is_handed_to
from roseau.domain.moderation.decisions.rows import Decision, load_decision
from roseau.domain.moderation.notices.snapshots import Snapshot, open_snapshots
from roseau.domain.site import Site
from roseau.doors.forms import to_struct
from roseau.doors.server import server_of
from roseau.kernel.errors import Invalid, NotFound, Problem
from roseau.kernel.ids import parse_id
from roseau.storage.database import Transaction
from roseau.web.pages.record import measure_words
from roseau.web.pages.statuses import id_of
from roseau.web.problems import problems_of
from roseau.web.rendering import render, translations_of
from roseau.web.sessions import form_of, member_of, member_only, redirect


class Review(msgspec.Struct, frozen=True):
    """An appeal with everything that whoever answers it has to know."""

    appeal: Appeal
    decision: Decision
    measures: list[MeasureState]
    evidence: list[Snapshot]
    outcomes: frozenset[Outcome]


class Answer(msgspec.Struct):
    """What the form sends; `keep`: the measures that stay when it is granted in part."""

    outcome: str = ""
    reasons: str = ""
    keep: list[str] = []


def _open(tx: Transaction, site: Site, reviewer_id: int, appeal_id: int) -> Review:
    appeal = load_appeal(tx, appeal_id)
    # To everybody else, also of the team, there is no such page.
    if appeal.case_id is None or not is_handed_to(tx, appeal.case_id, reviewer_id):
        raise NotFound
    decision = load_decision(tx, appeal.decision_id)
    return Review(
        appeal,
        decision,
        list_measures(tx, decision.id),
        open_snapshots(tx, site, reviewer_id, appeal.case_id, decision.case_id),
        list_open_outcomes(tx, reviewer_id, appeal, load_appealed(tx, decision.id)),
    )


@member_only
async def show_all(request: Request) -> Response:
    """The appeals that wait for the member's answer; nothing of what they are about is opened yet."""
    handed = await server_of(request).database.read(list_handed, member_of(request).account.id)
    return render(request, "appeals.html", handed=handed)


@member_only
async def show(request: Request) -> Response:
    """One appeal that was handed to the member, with the sealed evidence beside it."""
    return await _page(request)


async def _page(
    request: Request, status: int = 200, reasons: str = "", problems: dict[str, str] | None = None
) -> Response:
    server = server_of(request)
    review = await server.database.write(_open, server.site, member_of(request).account.id, id_of(request))
    return render(
        request,
        "appeal.html",
        status,
        review=review,
        named=measure_words(translations_of(request).gettext),
        reasons=reasons,
        problems=problems or {},
    )


@member_only
async def answer(request: Request) -> Response:
    """Grant or refuse it, with reasons."""
    server = server_of(request)
    given = to_struct(form_of(request), Answer)
    outcome: Outcome | None = next((one for one in get_args(Outcome) if one == given.outcome), None)
    kept = map(parse_id, given.keep) if given.outcome == "partly" else ()
    keep = [measure_id for measure_id in kept if measure_id is not None]
    try:
        if outcome is None:
            raise Invalid(problems=(Problem("outcome", "ERR_INCLUSION", "Say what you decide."),))
        await server.database.write(
            answer_appeal,
            server.site,
            member_of(request).account.id,
            id_of(request),
            outcome,
            given.reasons,
            keep,
        )
    except Invalid as error:
        return await _page(request, 422, given.reasons, problems_of(request, error))
    _ = translations_of(request).gettext
    return redirect(request, "/home", say=_("Thank you. Whoever appealed is told, with your reasons."))


routes = [
    Route("/appeals", show_all),
    Route("/appeals/{id}", show),
    Route("/appeals/{id}", answer, methods=["POST"]),
]
