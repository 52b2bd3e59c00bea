"""What moderation apps ask for, as decisions: an app names an account and a measure, often nothing else.

There is no measure without a rule and a statement of reasons, so what an app leaves out is filled in: the
rule of the report, else one of the site's; and a sentence that says no more than that.
"""

from collections.abc import Callable
from typing import Literal

import msgspec
from sqlalchemy import and_, bindparam, exists, literal, or_, select, update

from roseau.domain.accounts.loading import load_account
from roseau.domain.moderation.cases.joining import Opening, find_open_case, open_case
from roseau.domain.moderation.decisions.deciding import OPEN, Decided, decide
from roseau.domain.moderation.decisions.drafts import DecisionDraft, MeasureDraft
from roseau.domain.moderation.decisions.reversing import reverse_own
from roseau.domain.moderation.measures.force import Measure, list_of_decision, list_on_account, unended
from roseau.domain.moderation.measures.standing import settle_account
from roseau.domain.moderation.team.grounds import find_ground
from roseau.domain.moderation.team.permissions import require
from roseau.domain.moderation.vocabulary import REASONS, MeasureKind
from roseau.domain.site import Site
from roseau.kernel.errors import Invalid, NotFound
from roseau.kernel.i18n import LANGUAGES, translations
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import users
from roseau.storage.schema.cases import appeal_answers, appeals, cases, measures, statements
from roseau.storage.schema.media import media_attachments
from roseau.storage.schema.notices import notice_items, notices
from roseau.storage.schema.statuses import statuses
from roseau.storage.statements import one_of, statement

ActionType = Literal["none", "sensitive", "disable", "silence", "suspend"]
#: Mastodon's words for measures on an account.
_MEASURES: dict[str, MeasureKind] = {
    "none": "reminder",
    "disable": "freeze",
    "silence": "limit",
    "suspend": "suspend",
}
#: As many posts are covered at once when an account is marked as sensitive.
COVERED = 20


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """What an app wants done to an account; `text` becomes the facts of the decision."""

    type: ActionType
    report_id: int | None = None
    text: str = ""


class _Ground(msgspec.Struct, frozen=True):
    """In which case it is decided, and what the report says about why."""

    case_id: int
    rule_ids: tuple[int, ...]
    reason: str
    status_ids: tuple[int, ...]


_report = statement(
    select(notices.c.id, notices.c.rule_ids, notices.c.reason).where(notices.c.id == bindparam("notice"))
)
_report_cases = statement(
    select(cases.c.id, cases.c.state)
    .select_from(notice_items.join(cases, cases.c.id == notice_items.c.case_id))
    .where(
        notice_items.c.notice_id == bindparam("notice"),
        cases.c.target_account_id == bindparam("account"),
        cases.c.kind == "notice",
    )
    .order_by(cases.c.id)
)
_reported = statement(
    select(statuses.c.id)
    .select_from(notice_items.join(statuses, statuses.c.id == notice_items.c.status_id))
    .where(
        notice_items.c.notice_id == bindparam("notice"),
        statuses.c.account_id == bindparam("account"),
        statuses.c.deleted_at.is_(None),
    )
    .order_by(notice_items.c.position)
)
_with_media = statement(
    select(statuses.c.id)
    .where(
        statuses.c.account_id == bindparam("account"),
        statuses.c.deleted_at.is_(None),
        statuses.c.hidden_at.is_(None),
        exists(select(literal(1)).where(media_attachments.c.status_id == statuses.c.id)),
    )
    .order_by(statuses.c.id.desc())
    .limit(bindparam("most"))
)
_covers = statement(
    select(measures.c.id, measures.c.decision_id)
    .select_from(measures.join(statuses, statuses.c.id == measures.c.status_id))
    .where(statuses.c.account_id == bindparam("account"), measures.c.kind == "interstitial", unended())
    .order_by(measures.c.id)
)
_appealable = statement(
    select(measures.c.id)
    .select_from(
        measures.join(statements, statements.c.id == measures.c.statement_id)
        .outerjoin(appeals, appeals.c.decision_id == measures.c.decision_id)
        .outerjoin(appeal_answers, appeal_answers.c.appeal_id == appeals.c.id)
    )
    .where(
        measures.c.account_id == bindparam("account"),
        measures.c.kind == "suspend",
        unended(),
        or_(
            statements.c.appeal_until > bindparam("now"),
            and_(appeals.c.id.is_not(None), appeal_answers.c.appeal_id.is_(None)),
        ),
    )
    .limit(1)
)
_locale = statement(select(users.c.locale).where(users.c.account_id == bindparam("account")))
_enable = statement(
    update(users)
    .where(users.c.account_id == bindparam("account"), users.c.disabled_at.is_not(None))
    .values(disabled_at=None)
)
_notice_cases = statement(
    select(cases.c.id, cases.c.state).where(one_of(cases.c.id, "ids")).order_by(cases.c.id)
)


def act(tx: Transaction, site: Site, by_id: int, account_id: int, action: Action) -> Decided:
    """Decide what an app asks for, in the case of its report, or in one of one's own initiative.

    Raises Forbidden, NotFound, Invalid (also where the site has no rule), CaseSettled.
    """
    require(tx, by_id, "decide_cases")
    view = load_account(tx, account_id)
    if view is None or view.account.deleted_at is not None:
        raise NotFound
    ground = _find_ground(tx, site, account_id, action)
    wanted = _wanted(tx, account_id, action, ground)
    locale = tx.value(_locale, account=account_id)
    language = locale if locale in LANGUAGES else LANGUAGES[0]
    rule = find_ground(tx, rule_ids=ground.rule_ids, reason=ground.reason, language=language)
    facts = action.text.strip() or translations(language).gettext(
        "The team found that this account breaks this rule: “%(rule)s”."
    ) % {"rule": rule.text}
    return decide(
        tx,
        site,
        by_id,
        ground.case_id,
        DecisionDraft(
            ground="rule",
            rule_id=rule.rule_id,
            facts=facts,
            measures=wanted,
            own_initiative=action.report_id is None,
        ),
    )


def _find_ground(tx: Transaction, site: Site, account_id: int, action: Action) -> _Ground:
    if action.report_id is None:
        return _Ground(_own_case(tx, site, account_id, "rule"), (), "rule", ())
    report = tx.one(_report, notice=action.report_id)
    found = tx.all(_report_cases, notice=action.report_id, account=account_id) if report else []
    if report is None or not found:
        raise NotFound
    case_id = next((case.id for case in found if case.state in OPEN), None)
    return _Ground(
        # All of the report is decided already: what is done now is done on one's own initiative.
        _own_case(tx, site, account_id, report.reason) if case_id is None else case_id,
        msgspec.json.decode(report.rule_ids, type=tuple[int, ...]),
        report.reason,
        tuple(tx.values(_reported, notice=action.report_id, account=account_id)),
    )


def _own_case(tx: Transaction, site: Site, account_id: int, reason: str) -> int:
    subject = f"account:{account_id}"
    found = find_open_case(tx, subject)
    if found is not None:
        return found.id
    why = REASONS[reason if reason in REASONS else "rule"]
    opening = Opening(
        subject=subject,
        lane=why.lane,
        severity=why.severity,
        reason=reason,
        target_account_id=account_id,
    )
    return open_case(tx, site, opening)


def _wanted(tx: Transaction, account_id: int, action: Action, ground: _Ground) -> tuple[MeasureDraft, ...]:
    if action.type != "sensitive":
        return (MeasureDraft(kind=_MEASURES[action.type], account_id=account_id),)
    covered = ground.status_ids or tuple(tx.values(_with_media, account=account_id, most=COVERED))
    if not covered:
        raise Invalid("This site covers posts rather than accounts, and there is no post to cover.")
    return tuple(MeasureDraft(kind="interstitial", status_id=status_id) for status_id in covered[:COVERED])


# Taking back


def lift(tx: Transaction, site: Site, by_id: int, account_id: int, kind: MeasureKind) -> None:
    """End every measure of that kind on an account, by reversing what it rests on; others stay.

    Raises Forbidden, NotFound, Invalid for an account that is held back together with its server.
    """
    require(tx, by_id, "decide_cases")
    view = load_account(tx, account_id)
    if view is None or view.account.deleted_at is not None:
        raise NotFound
    if kind == "interstitial":
        found = {row.decision_id for row in tx.all(_covers, account=account_id)}
    else:
        found = {one.decision_id for one in list_on_account(tx, account_id) if one.kind == kind}
    facts = translations(LANGUAGES[0]).gettext("The team looked at it again, and lifts the measure.")
    for decision_id in sorted(found):
        keep = _others(list_of_decision(tx, decision_id, standing=True), kind)
        reverse_own(tx, site, by_id, decision_id, facts, keep)
    if kind == "freeze":
        tx.run(_enable, account=account_id)
    held = settle_account(tx, account_id).get("still")
    if not found and held == {"suspend": "suspended", "limit": "limited"}.get(kind):
        raise Invalid("This account is held back together with its server. Lift that instead.")


def may_be_reversed(tx: Transaction, account_id: int) -> bool:
    """Whether a suspension of the account can still be appealed, or an appeal waits for its answer."""
    return tx.value(_appealable, account=account_id, now=tx.now) is not None


def _others(standing: list[Measure], kind: str) -> list[int]:
    return [measure.id for measure in standing if measure.kind != kind]


def resolve(tx: Transaction, site: Site, by_id: int, case_ids: list[int]) -> None:
    """Close what is open of a report without a measure: nothing is found against it. Raises Forbidden."""
    for case in tx.all(_notice_cases, ids=case_ids):
        if case.state in OPEN:
            decide(tx, site, by_id, case.id, DecisionDraft(ground="none"))


def in_each(
    tx: Transaction,
    site: Site,
    by_id: int,
    case_ids: list[int],
    command: Callable[[Transaction, Site, int, int], None],
) -> None:
    """Do something to every open case of a report: claim it, release it."""
    for case in tx.all(_notice_cases, ids=case_ids):
        if case.state in OPEN:
            command(tx, site, by_id, case.id)
