"""What became of a notice: for whoever has its number, and for members the list of their own."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.accounts.loading import Account
from roseau.domain.moderation.appeals.drafts import AppealDraft, list_appeals, load_appealed
from roseau.domain.moderation.appeals.filing import file_appeal
from roseau.domain.moderation.notices.listing import MyNotice, find_notice_by_number, list_my_notices
from roseau.domain.moderation.statements.answers import Answer, Promise, find_promise, list_answers
from roseau.domain.moderation.vocabulary import APPEAL
from roseau.doors import limits
from roseau.doors.server import server_of
from roseau.kernel.errors import Invalid, NotFound
from roseau.storage.database import Transaction
from roseau.web.pages.report import reason_words
from roseau.web.pages.timelines import next_of, page_of
from roseau.web.problems import problems_of
from roseau.web.rendering import language_of, render, translations_of, viewer_of
from roseau.web.sessions import (
    field_of,
    member_of,
    member_only,
    open_to_frozen,
    redirect,
    spend,
)


class Followed(msgspec.Struct, frozen=True):
    """A notice on its way."""

    notice: MyNotice
    promise: Promise | None
    answers: list[Answer]
    #: Against which decision its sender may appeal, until when; and whether they have.
    decision_id: int | None = None
    appeal_until: int | None = None
    appealed: bool = False


def _follow(tx: Transaction, number: str, viewer_id: int | None) -> Followed:
    notice = find_notice_by_number(tx, number)
    if notice is None:
        raise NotFound
    answers = list_answers(tx, notice.id)
    promise = find_promise(tx, notice.id)
    # Whoever has a number may read; a member's notice is appealed by that member.
    theirs = notice.sender_id in (None, viewer_id)
    told = [answer.decision_id for answer in answers if answer.kind == "outcome" and answer.decision_id]
    if not told:
        return Followed(notice, promise, answers)
    try:
        decision = load_appealed(tx, told[-1])
    except NotFound:
        return Followed(notice, promise, answers)
    until = decision.decided_at + APPEAL
    appealed = any(appeal.notice_id == notice.id for appeal in list_appeals(tx, decision.id))
    if appealed or not theirs or decision.ended is not None or tx.now > until:
        return Followed(notice, promise, answers, appealed=appealed)
    return Followed(notice, promise, answers, decision.id, until)


async def show(request: Request) -> Response:
    """One notice, by its number."""
    spend(request, limits.NUMBERS)
    return _page(request, await _read(request), "")


async def _read(request: Request) -> Followed:
    viewer = viewer_of(request)
    viewer_id = viewer.account.id if viewer else None
    return await server_of(request).database.read(_follow, request.path_params["number"], viewer_id)


def _page(
    request: Request, found: Followed, draft: str, status: int = 200, problems: dict[str, str] | None = None
) -> Response:
    fresh = "fresh" in request.query_params
    return render(
        request,
        "notice.html",
        status,
        found=found,
        notice=found.notice,
        fresh=fresh,
        offers=_offers(request, found) if fresh else None,
        draft=draft,
        problems=problems or {},
    )


def _offers(request: Request, found: Followed) -> Account | None:
    """Whom to mute or block, right after a report of one's own."""
    target = found.notice.target
    return target.account if target is not None and viewer_of(request) is not None else None


@open_to_frozen
async def appeal(request: Request) -> Response:
    """Ask for somebody else to look again."""
    found = await _read(request)
    if found.decision_id is None:
        return _page(request, found, "")
    text = field_of(request, "text")
    draft = AppealDraft(
        decision_id=found.decision_id,
        text=text,
        account_id=found.notice.sender_id,
        notice_number=found.notice.number,
        language=language_of(request),
    )
    try:
        spend(request, limits.NOTICES)
        await server_of(request).database.write(file_appeal, server_of(request).site, draft)
    except Invalid as error:
        return _page(request, found, text, 422, problems_of(request, error))
    _ = translations_of(request).gettext
    said = _("Your appeal has arrived. Somebody else will read it, and answer within 7 days.")
    return redirect(request, f"/notices/{found.notice.number}", say=said)


@member_only
async def show_mine(request: Request) -> Response:
    """What the member has reported."""
    page = page_of(request)
    mine = await server_of(request).database.read(list_my_notices, member_of(request).account.id, page)
    return render(
        request,
        "notices.html",
        notices=mine,
        reasons=reason_words(translations_of(request).gettext),
        next_url=next_of(request, mine[-1].id if mine else None, len(mine)),
    )


routes = [
    Route("/notices", show_mine),
    Route("/notices/{number}", show),
    Route("/notices/{number}/appeal", appeal, methods=["POST"]),
]
