"""The page of a case, put together: the queue beside it, the case, and the form of the decision."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from roseau.domain.accounts.loading import AccountView, load_accounts
from roseau.domain.moderation.appeals.drafts import Appeal, find_appeal_of_case, load_appealed
from roseau.domain.moderation.appeals.reviewing import list_open_outcomes
from roseau.domain.moderation.cases.queue import CaseLine, Which, list_cases
from roseau.domain.moderation.cases.reading import load_case
from roseau.domain.moderation.cases.views import CaseView
from roseau.domain.moderation.decisions.drafts import DecisionDraft
from roseau.domain.moderation.decisions.grounds import find_person, gather_grounds
from roseau.domain.moderation.decisions.rows import Case
from roseau.domain.moderation.looking import find_desk
from roseau.domain.moderation.misuse_deciding import place_of
from roseau.domain.moderation.notices.snapshots import Content
from roseau.domain.moderation.statements.writing import preview_statement
from roseau.domain.moderation.team.permissions import list_holders
from roseau.domain.moderation.templates import Template, list_templates
from roseau.domain.policy import Rule, list_rules
from roseau.domain.site import Site
from roseau.doors.server import server_of
from roseau.kernel import clock
from roseau.kernel.i18n import LANGUAGES
from roseau.kernel.ids import parse_id
from roseau.storage.database import Transaction
from roseau.web.console.frame import render_console
from roseau.web.console.guard import staff_of
from roseau.web.console.misuse import Hint, list_hints
from roseau.web.console.options import (
    LIMIT_DAYS,
    SUSPEND_DAYS,
    USUAL_LIMIT,
    Option,
    measures_of,
    options_of,
    suggested,
)
from roseau.web.console.queue import which_of
from roseau.web.rendering import translations_of


class Filled(msgspec.Struct, kw_only=True):
    """The form of the decision as it is filled in; at first with what is suggested."""

    #: `rule:ID`, `law`, or empty.
    rule: str = ""
    law: str = ""
    measure: int = 1
    limit_days: int = USUAL_LIMIT
    suspend_days: int = 0
    facts: str = ""
    words: str = ""
    label: str = ""
    summary: str = ""
    unfounded: bool = False


class CasePage(msgspec.Struct, frozen=True):
    """Everything that the page shows."""

    view: CaseView
    lines: list[CaseLine]
    which: Which
    rules: list[Rule]
    templates: list[Template]
    #: Whom the case can be handed to.
    mates: list[AccountView]
    #: In which language the author is written to.
    language: str
    #: Of a case that is an appeal: it, and how this reader may answer it.
    appeal: Appeal | None = None
    outcomes: frozenset[str] = frozenset()
    #: Where its letter or order is answered, item by item; empty for other cases.
    desk: str = ""
    #: Whom the table of misuse suggests to warn or pause; of a case of misuse, the page that decides it.
    hints: tuple[Hint, ...] = ()
    misuse: str = ""

    @property
    def place(self) -> int:
        """The place of the case in its list, from 1; 0 when it is not there."""
        numbers = [line.number for line in self.lines]
        return numbers.index(self.view.line.number) + 1 if self.view.line.number in numbers else 0

    @property
    def next(self) -> CaseLine | None:
        """The case after this one."""
        return self.lines[self.place] if self.place < len(self.lines) else None


def read_page(tx: Transaction, site: Site, viewer_id: int, number: int, which: Which) -> CasePage:
    """Read all of it. Raises NotFound, and Forbidden to those who may not look."""
    view = load_case(tx, site, viewer_id, number)
    appeal = find_appeal_of_case(tx, view.line.id) if view.line.kind == "appeal" else None
    holders = [one for one in list_holders(tx, "decide_cases") if one != viewer_id]
    return CasePage(
        view=view,
        lines=list_cases(tx, viewer_id, which),
        which=which,
        rules=list_rules(tx),
        templates=list_templates(tx),
        mates=list(load_accounts(tx, holders).values()),
        language=_language_of(tx, view),
        appeal=appeal,
        outcomes=_outcomes(tx, viewer_id, appeal),
        desk=_desk_of(tx, view.line.id),
        hints=tuple(list_hints(tx, viewer_id, view)),
        misuse=place_of(view.line.subject),
    )


async def load_page(request: Request, number: int) -> CasePage:
    """The same, for whoever asks."""
    server = server_of(request)
    return await server.database.scan(
        read_page, server.site, staff_of(request).account.id, number, which_of(request)
    )


def _desk_of(tx: Transaction, case_id: int) -> str:
    letter_id, order_id = find_desk(tx, case_id)
    if letter_id is not None:
        return f"/moderation/letters/{letter_id}"
    return "" if order_id is None else f"/moderation/orders/{order_id}"


def _outcomes(tx: Transaction, viewer_id: int, appeal: Appeal | None) -> frozenset[str]:
    if appeal is None:
        return frozenset()
    return frozenset(list_open_outcomes(tx, viewer_id, appeal, load_appealed(tx, appeal.decision_id)))


def _language_of(tx: Transaction, view: CaseView) -> str:
    written = next((item.status.status.language for item in view.items if item.status), None)
    person = find_person(tx, view.line.target_account_id)
    known = (person.locale[:2], (written or "")[:2])
    return next((language for language in known if language in LANGUAGES), LANGUAGES[0])


def template_for(page: CasePage, rule_id: int | None) -> str:
    """What the first template for a rule says to this author; empty where there is none."""
    found = next((one for one in page.templates if rule_id and one.rule_id == rule_id), None)
    return found.said_in(page.language) if found else ""


def fill(page: CasePage, options: tuple[Option, ...]) -> Filled:
    """The form with what the notices and the rules suggest."""
    rule_id = page.view.suggestion.rule_id
    if rule_id not in {rule.id for rule in page.rules}:
        rule_id = page.rules[0].id if len(page.rules) == 1 else None
    option = suggested(page.view, options)
    return Filled(
        rule=f"rule:{rule_id}" if rule_id else "",
        measure=option.key if option else 1,
        facts=template_for(page, rule_id),
    )


def to_draft(page: CasePage, options: tuple[Option, ...], filled: Filled) -> DecisionDraft:
    """What the form says, as a decision."""
    option = next((one for one in options if one.key == filled.measure), options[0])
    measures = measures_of(
        page.view,
        option,
        clock.now(),
        limit_days=filled.limit_days if filled.limit_days in LIMIT_DAYS else USUAL_LIMIT,
        suspend_days=filled.suspend_days if filled.suspend_days in SUSPEND_DAYS else 0,
        words=filled.words,
        label=filled.label,
    )
    kind, _, rule = filled.rule.partition(":")
    if not measures:
        return DecisionDraft(
            ground="none", facts=filled.facts, summary=filled.summary, unfounded=filled.unfounded
        )
    return DecisionDraft(
        ground="law" if kind == "law" else "rule",
        rule_id=parse_id(rule) if kind == "rule" else None,
        law=filled.law if kind == "law" else "",
        facts=filled.facts,
        measures=measures,
        summary=filled.summary,
        language=page.language,
    )


def preview(tx: Transaction, site: Site, view: CaseView, draft: DecisionDraft) -> str:
    """The statement that a draft would make, as it would be sent; empty where nobody is written to."""
    if not draft.measures or view.line.target_account_id is None:
        return ""
    if draft.rule_id is None and not draft.law.strip():
        # Nothing is said of a rule or a law before one is named.
        draft = msgspec.structs.replace(draft, ground="none")
    case = Case(*(getattr(view.line, name) for name in Case.__struct_fields__))
    return preview_statement(tx, site, gather_grounds(tx, site, case, draft))


async def render_case(
    request: Request,
    page: CasePage,
    status: int = 200,
    *,
    filled: Filled | None = None,
    problems: dict[str, str] | None = None,
    opened: dict[int, Content] | None = None,
    stale: bool = False,
    **context: Any,
) -> Response:
    """The page, its form filled in as it is suggested, or as it was sent."""
    options = options_of(page.view, translations_of(request).gettext)
    filled = filled or fill(page, options)
    server = server_of(request)
    shown = ""
    if "decide" in page.view.may:
        shown = await server.database.read(preview, server.site, page.view, to_draft(page, options, filled))
    return await render_console(
        request,
        "console/case.html",
        status,
        page=page,
        view=page.view,
        line=page.view.line,
        which=page.which,
        options=options,
        suggested=suggested(page.view, options),
        filled=filled,
        limit_choices=LIMIT_DAYS,
        suspend_choices=SUSPEND_DAYS,
        statement=shown,
        problems=problems or {},
        opened=opened or {},
        stale=stale,
        facts_for={rule.id: template_for(page, rule.id) for rule in page.rules},
        **context,
    )
