"""What is known of the account that a case is about, and what the rules suggest."""

from collections import Counter
from typing import Any

from sqlalchemy import bindparam, func, select

from roseau.domain.accounts.loading import load_account
from roseau.domain.moderation.cases.queue import CaseLine
from roseau.domain.moderation.cases.views import Facts, NoticeView, PastDecision, Suggestion
from roseau.domain.moderation.decisions.drafts import MeasureDraft
from roseau.domain.moderation.measures.force import list_on_account
from roseau.domain.policy import USUAL, find_rule_version
from roseau.kernel import clock
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import cases, decision_ends, decisions, measures, strikes
from roseau.storage.statements import statement

#: Earlier decisions that are shown.
PAST = 20
#: How long a suggested limit lasts.
LIMIT = 7 * clock.DAY
_ABOUT_STATUS = frozenset(("label", "interstitial", "remove"))

_strikes = statement(
    select(func.count().label("count"), func.coalesce(func.sum(strikes.c.weight), 0).label("weight")).where(
        strikes.c.account_id == bindparam("account"),
        strikes.c.voided_at.is_(None),
        strikes.c.expires_at > bindparam("now"),
    )
)
_cases = statement(
    select(cases.c.state).where(
        cases.c.target_account_id == bindparam("account"), cases.c.id != bindparam("this")
    )
)
_past = statement(
    select(
        decisions.c.id, decisions.c.number, cases.c.number.label("case_number"), decisions.c.decided_at,
        decisions.c.ground, decisions.c.rule_id, decisions.c.law, decision_ends.c.kind.label("ended"),
    )
    .select_from(
        decisions.join(cases, cases.c.id == decisions.c.case_id).outerjoin(
            decision_ends, decision_ends.c.decision_id == decisions.c.id
        )
    )
    .where(cases.c.target_account_id == bindparam("account"), cases.c.id != bindparam("this"))
    .order_by(decisions.c.id.desc())
    .limit(PAST)
)  # fmt: skip
_kinds = statement(select(measures.c.kind).where(measures.c.decision_id == bindparam("decision")))


def load_facts(tx: Transaction, line: CaseLine) -> Facts | None:
    """The account, its strikes, cases and earlier decisions; None where the case is about no account."""
    account_id = line.target_account_id
    view = None if account_id is None else load_account(tx, account_id)
    if account_id is None or view is None:
        return None
    count: Any = tx.one(_strikes, account=account_id, now=tx.now)
    states = tx.values(_cases, account=account_id, this=line.id)
    return Facts(
        account=view, created_at=view.account.created_at, statuses_count=view.statuses_count,
        strikes=count.count, strikes_weight=int(count.weight),
        open_cases=sum(state != "closed" for state in states), cases=len(states),
        measures=tuple(list_on_account(tx, account_id)),
        past=tuple(_to_past(tx, row) for row in tx.all(_past, account=account_id, this=line.id)),
    )  # fmt: skip


def _to_past(tx: Transaction, row: Any) -> PastDecision:
    return PastDecision(
        number=row.number, case_number=row.case_number, decided_at=row.decided_at, ground=row.ground,
        rule_id=row.rule_id, law=row.law, measures=tuple(tx.values(_kinds, decision=row.id)), ended=row.ended,
    )  # fmt: skip


def suggest(
    tx: Transaction, line: CaseLine, notices: tuple[NoticeView, ...], facts: Facts | None
) -> Suggestion:
    """The rule that most notices name, and the step of its ladder on which the account stands."""
    named = Counter(rule_id for notice in notices for rule_id in notice.rule_ids)
    rule_id = named.most_common(1)[0][0] if named else None
    said = find_rule_version(tx, rule_id) if rule_id else None
    ladder = (said.terms if said else USUAL).ladder
    if not ladder:
        return Suggestion(rule_id=rule_id)
    step = min(facts.strikes if facts else 0, len(ladder) - 1)
    return Suggestion(rule_id=rule_id, ladder=ladder, step=step, measures=_measures(tx, line, ladder, step))


def _measures(
    tx: Transaction, line: CaseLine, ladder: tuple[str, ...], step: int
) -> tuple[MeasureDraft, ...]:
    """The step, and what goes with it: who is limited or frozen for a post has the post removed, too."""
    kind: Any = ladder[step]
    found: list[MeasureDraft] = []
    if line.status_id is not None and kind in ("limit", "freeze") and "remove" in ladder:
        found.append(MeasureDraft(kind="remove", status_id=line.status_id))
    if kind in _ABOUT_STATUS:
        if line.status_id is not None:
            found.append(MeasureDraft(kind=kind, status_id=line.status_id))
    elif line.target_account_id is not None:
        until = tx.now + LIMIT if kind in ("limit", "freeze") else None
        found.append(MeasureDraft(kind=kind, account_id=line.target_account_id, until_at=until))
    return tuple(found)
