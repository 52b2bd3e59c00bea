"""Reporting: the sheet for members, the form for everybody, and what became of a notice."""

from collections.abc import Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.accounts.loading import Account
from roseau.domain.accounts.lookup import find_account
from roseau.domain.moderation.notices.drafts import NoticeDraft
from roseau.domain.moderation.notices.filing import file_notice
from roseau.domain.moderation.vocabulary import REASONS
from roseau.domain.policy import list_rules
from roseau.domain.statuses.loading import StatusView, load_status
from roseau.domain.timelines.queries import list_account_statuses
from roseau.doors import limits
from roseau.doors.callers import client_address
from roseau.doors.forms import to_struct
from roseau.doors.server import server_of
from roseau.kernel.errors import Invalid, NotFound, Problem
from roseau.kernel.ids import parse_id
from roseau.storage.database import Transaction
from roseau.storage.pages import Page
from roseau.web.addresses import account_path, local_path, status_path
from roseau.web.problems import problems_of
from roseau.web.rendering import language_of, render, translations_of, viewer_of
from roseau.web.sessions import (
    back_of,
    form_of,
    member_of,
    member_only,
    open_to_frozen,
    query,
    redirect,
    spend,
)

#: How many of somebody's posts are offered beside the reported one.
_OTHERS = 5
_MAX_URLS = 100
#: What the form for everybody asks for, in this order.
_FORM_REASONS = (
    "illegal",
    "csam",
    "terrorism",
    "threat_to_life",
    "threat",
    "incitement",
    "hate",
    "harassment",
    "private_data",
    "intimate_images",
    "minors",
    "self_harm",
    "impersonation",
    "copyright",
    "scam",
    "spam",
    "misinformation",
    "other",
)


class Report(msgspec.Struct):
    """What the sheet sends."""

    account_id: str = ""
    status_ids: list[str] = []
    reason: str = ""
    comment: str = ""
    forward: bool = False


class Notice(msgspec.Struct):
    """What the form for everybody sends."""

    urls: str = ""
    reason: str = "illegal"
    comment: str = ""
    name: str = ""
    email: str = ""
    good_faith: bool = False


class RuleChoice(msgspec.Struct, frozen=True):
    """A rule in the reader's language."""

    id: int
    words: str


class Sheet(msgspec.Struct, frozen=True):
    """What the sheet shows: whom and what it is about, and what may be added."""

    account: Account
    view: StatusView | None
    others: list[StatusView]
    rules: list[RuleChoice]


def _look(
    tx: Transaction, viewer_id: int, language: str, account_id: int | None, status_id: int | None
) -> Sheet:
    view = load_status(tx, viewer_id, status_id) if status_id else None
    if view is not None and view.reblog is not None:
        view = view.reblog
    if status_id and view is None:
        raise NotFound
    found = find_account(tx, view.author.account.id if view else account_id or 0)
    if found is None or found.account.id == viewer_id:
        raise NotFound
    posts = list_account_statuses(tx, viewer_id, found.account.id, Page(limit=_OTHERS + 1))
    rules = [RuleChoice(rule.id, rule.said_in(language, "en").text) for rule in list_rules(tx)]
    shown = view.id if view else 0
    others = [post for post in posts if post.id != shown and post.reblog is None][:_OTHERS]
    return Sheet(found.account, view, others, rules)


async def show(request: Request) -> Response:
    """The sheet about a post (`?status=`) or a person (`?account=`); without either, the form."""
    account_id = parse_id(request.query_params.get("account"))
    status_id = parse_id(request.query_params.get("status"))
    if viewer_of(request) is None or not (account_id or status_id):
        url = request.query_params.get("url", "")
        return redirect(request, f"/report/notice?{query(url=url)}" if url else "/report/notice")
    return _sheet(request, await _read_sheet(request, account_id, status_id), Report())


async def _read_sheet(request: Request, account_id: int | None, status_id: int | None) -> Sheet:
    if not account_id and not status_id:
        raise NotFound
    member_id = member_of(request).account.id
    return await server_of(request).database.read(
        _look, member_id, language_of(request), account_id, status_id
    )


def _sheet(
    request: Request, sheet: Sheet, chosen: Report, status: int = 200, problems: dict[str, str] | None = None
) -> Response:
    where = status_path(sheet.account, sheet.view.id) if sheet.view else account_path(sheet.account)
    return render(
        request,
        "report.html",
        status,
        account=sheet.account,
        view=sheet.view,
        others=sheet.others,
        rules=sheet.rules,
        chosen=chosen,
        problems=problems or {},
        back=local_path(
            request.query_params.get("back"), back_of(request, where) if _is_post(request) else where
        ),
    )


def _is_post(request: Request) -> bool:
    return request.method == "POST"


@open_to_frozen
@member_only
async def send_report(request: Request) -> Response:
    """File what the sheet says; who only dislikes something is led to muting and blocking."""
    member_id = member_of(request).account.id
    report = to_struct(form_of(request), Report)
    status_ids = [found for found in map(parse_id, report.status_ids) if found]
    sheet = await _read_sheet(request, parse_id(report.account_id), status_ids[0] if status_ids else None)
    reason, _, rule = report.reason.partition(":")
    if reason == "dislike":
        return redirect(request, f"/report/quiet?{query(account=str(sheet.account.id))}")
    try:
        if reason not in REASONS:
            raise Invalid(problems=(Problem("reason", "ERR_INCLUSION", "Say what is wrong."),))
        spend(request, limits.REPORTS, str(member_id))
        draft = NoticeDraft(
            channel="in_app",
            reason=reason,
            category=REASONS[reason].category,
            comment=report.comment,
            language=language_of(request),
            account_id=member_id,
            target_account_id=sheet.account.id,
            status_ids=tuple(status_ids),
            rule_ids=tuple(filter(None, [parse_id(rule)])),
            forward=report.forward,
        )
        filed = await server_of(request).database.write(file_notice, server_of(request).site, draft)
    except Invalid as error:
        return _sheet(request, sheet, report, 422, problems_of(request, error))
    return redirect(request, f"/notices/{filed.number}?fresh=1")


@member_only
async def show_quiet(request: Request) -> Response:
    """What helps against what one merely dislikes."""
    sheet = await _read_sheet(request, parse_id(request.query_params.get("account")), None)
    return render(request, "report_quiet.html", account=sheet.account)


# Without an account


async def show_form(request: Request) -> Response:
    """The form for everybody."""
    viewer = viewer_of(request)
    chosen = Notice(urls=request.query_params.get("url", "")[:2000])
    if viewer is not None:
        chosen.name = viewer.account.account.name
    return _form(request, chosen)


def _form(
    request: Request, chosen: Notice, status: int = 200, problems: dict[str, str] | None = None
) -> Response:
    _ = translations_of(request).gettext
    words = reason_words(_)
    return render(
        request,
        "report_form.html",
        status,
        chosen=chosen,
        reasons=[(key, words[key]) for key in _FORM_REASONS],
        problems=problems or {},
    )


def reason_words(_: Callable[[str], str]) -> dict[str, str]:
    """Each reason of a notice, as people call it."""
    return {
        "illegal": _("Against the law"),
        "csam": _("Sexual abuse of a child"),
        "terrorism": _("Terrorism: praise, or a call to it"),
        "threat_to_life": _("Somebody’s life is in danger"),
        "threat": _("A threat, or a call to violence"),
        "incitement": _("A call to a crime or to hatred"),
        "hate": _("Hatred of people for what they are"),
        "harassment": _("Somebody is tormented"),
        "private_data": _("Private data of somebody"),
        "intimate_images": _("Intimate pictures without consent"),
        "minors": _("A danger to minors"),
        "self_harm": _("Suicide, self-harm"),
        "impersonation": _("Somebody pretends to be another"),
        "copyright": _("Copyright, trade marks"),
        "scam": _("Fraud, scam"),
        "spam": _("Spam"),
        "misinformation": _("False and harmful"),
        "rule": _("Against a rule of the site"),
        "other": _("Something else"),
    }


@open_to_frozen
async def send_notice(request: Request) -> Response:
    """File what the form for everybody says, and lead to its page."""
    notice = to_struct(form_of(request), Notice)
    viewer = viewer_of(request)
    try:
        draft = _to_draft(request, notice, viewer.account.id if viewer else None)
        spend(request, limits.NOTICES)
        filed = await server_of(request).database.write(file_notice, server_of(request).site, draft)
    except Invalid as error:
        return _form(request, notice, 422, problems_of(request, error))
    return redirect(request, f"/notices/{filed.number}?fresh=1")


def _to_draft(request: Request, notice: Notice, account_id: int | None) -> NoticeDraft:
    urls = [line.strip() for line in notice.urls.splitlines() if line.strip()]
    found: list[Problem] = []
    if not urls:
        found.append(Problem("urls", "ERR_BLANK", "Give the address of what you report."))
    if len(urls) > _MAX_URLS:
        found.append(
            Problem(
                "urls", "ERR_TOO_LONG", "One notice has 100 addresses at most. Send another for the rest."
            )
        )
    if notice.reason not in REASONS:
        found.append(Problem("reason", "ERR_INVALID", "Choose what it is."))
    if not notice.comment.strip():
        found.append(Problem("comment", "ERR_BLANK", "Say why, in your own words."))
    nameless = notice.reason == "csam"
    if not nameless and not notice.name.strip():
        found.append(Problem("name", "ERR_BLANK", "Give your name: the law asks for it in such a notice."))
    if (not nameless or notice.email.strip()) and "@" not in notice.email.strip()[1:-1]:
        found.append(Problem("email", "ERR_INVALID", "This does not look like an e-mail address."))
    if not notice.good_faith:
        found.append(Problem("good_faith", "ERR_BLANK", "Confirm that you believe what you say."))
    if found:
        raise Invalid(problems=tuple(found))
    contact = (notice.name.strip(), notice.email.strip()) if notice.email.strip() else None
    return NoticeDraft(
        channel="web",
        reason=notice.reason,
        category=REASONS[notice.reason].category,
        comment=notice.comment.strip(),
        language=language_of(request),
        account_id=account_id,
        contact=contact,
        good_faith=True,
        uris=tuple(urls),
        source=client_address(request),
    )


routes = [
    Route("/report", show),
    Route("/report", send_report, methods=["POST"]),
    Route("/report/quiet", show_quiet),
    Route("/report/notice", show_form),
    Route("/report/notice", send_notice, methods=["POST"]),
]
