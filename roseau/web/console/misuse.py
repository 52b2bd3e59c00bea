"""Misuse: the warning or the pause that the table suggests about a member, or about a source without one."""

from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from roseau.domain.accounts.loading import AccountView, load_accounts
from roseau.domain.moderation.cases.access import find_case_id
from roseau.domain.moderation.cases.views import CaseView
from roseau.domain.moderation.misuse import Side, Suggestion, suggest
from roseau.domain.moderation.misuse_deciding import (
    SIDES,
    Answer,
    answer_misuse,
    answer_source_of,
    find_suggestion,
    preview_answer,
    usual_answer,
)
from roseau.domain.policy import Rule, list_rules
from roseau.domain.site import Site
from roseau.doors.server import server_of
from roseau.kernel.errors import Invalid, NotFound
from roseau.kernel.ids import parse_id
from roseau.storage.database import Transaction
from roseau.web.console.frame import render_console
from roseau.web.console.guard import console_routes, number_of, staff_of
from roseau.web.problems import problems_of
from roseau.web.rendering import translations_of
from roseau.web.sessions import field_of, form_of, redirect

_HERE: Final = "/moderation/misuse"
_FIELDS: Final = {"rule_id": "rule", "ground": "rule"}


class Hint(msgspec.Struct, frozen=True):
    """What is suggested about somebody of a case: a member, or who sent a notice without an account."""

    suggestion: Suggestion
    account: AccountView | None = None
    notice_id: int = 0


class _Page(msgspec.Struct, frozen=True):
    account: AccountView
    rules: list[Rule]
    suggestion: Suggestion | None
    answer: Answer
    statement: str


def list_hints(tx: Transaction, viewer_id: int, view: CaseView) -> list[Hint]:
    """What the table suggests about those who reported in a case, and about whom it is about."""
    hints: list[Hint] = []
    asked: set[tuple[str, object]] = set()
    for notice in view.notices:
        member = notice.reporter
        key: tuple[str, object] = ("member", member.id) if member else ("source", notice.source)
        if key in asked or notice.channel == "own_initiative":
            continue
        asked.add(key)
        if member is not None:
            found = find_suggestion(tx, viewer_id, "notifier", member.id)
        else:
            found = suggest(tx, "notifier", source=notice.source) if "decide" in view.may else None
        if found:
            hints.append(Hint(found, member, notice.id))
    author = view.facts.account if view.facts else None
    if author and (found := find_suggestion(tx, viewer_id, "poster", author.id)):
        hints.append(Hint(found, author))
    return hints


def list_hints_about(tx: Transaction, viewer_id: int, account: AccountView) -> list[Hint]:
    """What the table suggests about a member, on both sides."""
    found = [find_suggestion(tx, viewer_id, side, account.id) for side in SIDES]
    return [Hint(one, account) for one in found if one]


async def show_misuse(request: Request) -> Response:
    """How somebody stands, what is suggested, and the form that does it."""
    return await _show(request, None)


async def _show(request: Request, answer: Answer | None, problems: dict[str, str] | None = None) -> Response:
    side, account_id = _named(request)
    server = server_of(request)
    page = await server.database.scan(
        _load, server.site, staff_of(request).account.id, side, account_id, answer
    )
    return await render_console(
        request,
        "console/misuse.html",
        422 if problems else 200,
        page=page,
        side=side,
        action=f"{_HERE}/{side}/{account_id}",
        chosen="law" if page.answer.ground == "law" else f"rule:{page.answer.rule_id or ''}",
        problems=problems or {},
    )


def _load(
    tx: Transaction, site: Site, viewer_id: int, side: Side, account_id: int, answer: Answer | None
) -> _Page:
    account = load_accounts(tx, [account_id]).get(account_id)
    if account is None or not account.account.local:
        raise NotFound
    found = find_suggestion(tx, viewer_id, side, account_id)
    if found is None:
        return _Page(account, [], None, Answer(), "")
    said = answer or usual_answer(tx, found, account_id)
    return _Page(account, list_rules(tx), found, said, preview_answer(tx, site, found, account_id, said))


async def take_misuse(request: Request) -> Response:
    """Decide it, or show the statement again with what was filled in."""
    side, account_id = _named(request)
    answer = _to_answer(request)
    if "preview" in form_of(request):
        return await _show(request, answer)
    server = server_of(request)
    try:
        await server.database.write(
            answer_misuse, server.site, staff_of(request).account.id, side, account_id, answer
        )
    except Invalid as error:
        return await _show(request, answer, problems_of(request, error, _FIELDS))
    _ = translations_of(request).gettext
    return redirect(request, "/moderation", say=_("Decided. They are told in 30 seconds, and may appeal."))


def _to_answer(request: Request) -> Answer:
    kind, _, rule = field_of(request, "rule").partition(":")
    return Answer(
        ground="rule" if kind == "rule" else "law",
        rule_id=parse_id(rule) if kind == "rule" else None,
        law=field_of(request, "law"),
        facts=field_of(request, "facts"),
        summary=field_of(request, "summary"),
        milder=field_of(request, "step") == "warn",
    )


def _named(request: Request) -> tuple[Side, int]:
    side: Any = request.path_params["side"]
    account_id = parse_id(request.path_params["id"])
    if side not in SIDES or account_id is None:
        raise NotFound
    return side, account_id


async def answer_source(request: Request) -> Response:
    """Warn or pause whoever sent a notice without an account."""
    notice_id = parse_id(field_of(request, "notice")) or 0
    server, number = server_of(request), number_of(request)
    case_id = await server.database.read(find_case_id, number)
    await server.database.write(
        answer_source_of, server.site, staff_of(request).account.id, case_id, notice_id
    )
    _ = translations_of(request).gettext
    return redirect(
        request,
        f"/moderation/cases/{number}",
        say=_("Noted. They are told with each report that is refused."),
    )


routes = console_routes(
    [
        Route(f"{_HERE}/{{side}}/{{id}}", show_misuse),
        Route(f"{_HERE}/{{side}}/{{id}}", take_misuse, methods=["POST"]),
        Route("/moderation/cases/{number}/misuse", answer_source, methods=["POST"]),
    ],
    permission="decide_cases",
)
