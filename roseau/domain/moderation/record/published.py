"""Decisions as everybody may see them: what was decided and why, about what kind of thing, and about nobody.

A decision is not shown while it can be undone, while it waits for a second voice, and as long as an authority
wants it kept quiet; one that was undone never is.
"""

from typing import Any

import msgspec
from sqlalchemy import Text, and_, bindparam, exists, func, or_, select

from roseau.domain.policy import RuleText, say
from roseau.kernel import clock
from roseau.kernel.errors import NotFound
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import (
    appeal_answers,
    appeals,
    cases,
    decision_ends,
    decisions,
    measure_ends,
    measures,
    proposals,
)
from roseau.storage.schema.moderation import rule_versions
from roseau.storage.schema.notices import authority_orders, notice_items
from roseau.storage.statements import one_of, statement

PAGE = 20
#: Fewer than this are not told apart: somebody could be recognised.
FEW = 5


class PublicMeasure(msgspec.Struct, frozen=True):
    """What was done to a status, an account or a server; `days` None: for good. `ended`: how it ended."""

    kind: str
    target: str
    days: float | None
    ended: str = ""


class PublicAppeal(msgspec.Struct, frozen=True):
    """That somebody appealed, whether author or notifier, and what came of it; empty: it waits."""

    appellant: str
    outcome: str = ""


class PublicDecision(msgspec.Struct, frozen=True, kw_only=True):
    """A decision without persons. `day` is all that is said of its moment."""

    number: int
    day: str
    days_from_receipt: float
    #: status, account, domain or other
    thing: str
    #: rule, law or none
    ground: str
    rule_id: str | None = None
    rule_version: int | None = None
    rule_text: str = ""
    law: str = ""
    reason: str = ""
    summary: str = ""
    automated_detection: bool
    automated_decision: str
    own_initiative: bool
    decider_role: str = ""
    second_voice: bool = False
    measures: list[PublicMeasure] = []
    appeals: list[PublicAppeal] = []
    #: reversed, lapsed or superseded; empty while it stands.
    ended: str = ""
    #: The number of the decision that this one puts right.
    reverses: int | None = None


class Wanted(msgspec.Struct, frozen=True):
    """Which decisions a list has: of a ground, with a measure; those with a smaller number than `before`."""

    ground: str = ""
    measure: str = ""
    before: int = 2**31 - 1


class Figures(msgspec.Struct, frozen=True):
    """The last twelve months in numbers. None stands for few, or for what would give few away."""

    decisions: int | None
    #: A kind of measure, a ground, an outcome of appeals -> how many.
    measures: dict[str, int | None]
    grounds: dict[str, int | None]
    appeals: dict[str, int | None]


_quiet = or_(
    exists(
        select(authority_orders.c.id).where(
            authority_orders.c.case_id == decisions.c.case_id,
            authority_orders.c.confidential_until > bindparam("now"),
        )
    ),
    exists(
        select(authority_orders.c.id)
        .select_from(
            authority_orders.join(notice_items, notice_items.c.notice_id == authority_orders.c.notice_id)
        )
        .where(
            notice_items.c.case_id == decisions.c.case_id,
            authority_orders.c.confidential_until > bindparam("now"),
        )
    ),
    exists(
        select(proposals.c.id).where(
            proposals.c.interim_decision_id == decisions.c.id, proposals.c.outcome.is_(None)
        )
    ),
)
_shown = and_(
    decisions.c.undo_until <= bindparam("now"),
    or_(decision_ends.c.kind.is_(None), decision_ends.c.kind != "undone"),
    ~_quiet,
)
_reversed = decisions.alias("reversed")
_joined = (
    decisions.join(cases, cases.c.id == decisions.c.case_id)
    .outerjoin(decision_ends, decision_ends.c.decision_id == decisions.c.id)
    .outerjoin(_reversed, _reversed.c.id == decisions.c.reverses_id)
    .outerjoin(
        rule_versions,
        and_(
            rule_versions.c.rule_id == decisions.c.rule_id,
            rule_versions.c.version == decisions.c.rule_version,
        ),
    )
)
_columns = select(
    decisions,
    cases.c.subject,
    cases.c.reason,
    cases.c.received_at,
    decision_ends.c.kind.label("ended"),
    _reversed.c.number.label("reverses"),
    rule_versions.c.texts,
).select_from(_joined)
_by_number = statement(_columns.where(decisions.c.number == bindparam("wanted"), _shown))
_has_measure = exists(
    select(measures.c.id).where(
        measures.c.decision_id == decisions.c.id, measures.c.kind == bindparam("measure")
    )
)
_list = statement(
    _columns.where(
        decisions.c.number < bindparam("before"),
        or_(bindparam("ground", type_=Text) == "", decisions.c.ground == bindparam("ground")),
        or_(bindparam("measure", type_=Text) == "", _has_measure),
        _shown,
    )
    .order_by(decisions.c.number.desc())
    .limit(bindparam("limit"))
)
_measures = statement(
    select(measures, measure_ends.c.kind.label("ended"))
    .select_from(measures.outerjoin(measure_ends, measure_ends.c.measure_id == measures.c.id))
    .where(one_of(measures.c.decision_id, "ids"))
    .order_by(measures.c.id)
)
_appeals = statement(
    select(appeals.c.decision_id, appeals.c.appellant, appeal_answers.c.outcome)
    .select_from(appeals.outerjoin(appeal_answers, appeal_answers.c.appeal_id == appeals.c.id))
    .where(one_of(appeals.c.decision_id, "ids"))
    .order_by(appeals.c.id)
)
_lately = and_(decisions.c.decided_at >= bindparam("since"), _shown)
_with_ends = decisions.outerjoin(decision_ends, decision_ends.c.decision_id == decisions.c.id)
_by_ground = statement(
    select(decisions.c.ground, func.count())
    .select_from(_with_ends)
    .where(_lately)
    .group_by(decisions.c.ground)
)
_by_measure = statement(
    select(measures.c.kind, func.count())
    .select_from(_with_ends.join(measures, measures.c.decision_id == decisions.c.id))
    .where(_lately)
    .group_by(measures.c.kind)
)
_by_outcome = statement(
    select(appeal_answers.c.outcome, func.count())
    .where(appeal_answers.c.at >= bindparam("since"))
    .group_by(appeal_answers.c.outcome)
)


def load_decision(tx: Transaction, number: int, language: str = "en") -> PublicDecision:
    """A decision by its number. Raises NotFound for what nobody may see, or not yet."""
    row = tx.one(_by_number, wanted=number, now=tx.now)
    if row is None:
        raise NotFound
    return _to_public(tx, [row], language)[0]


def list_decisions(tx: Transaction, wanted: Wanted, language: str, limit: int = PAGE) -> list[PublicDecision]:
    """Decisions that may be seen, the newest first."""
    asked = msgspec.structs.asdict(wanted)
    return _to_public(tx, tx.all(_list, **asked, limit=limit, now=tx.now), language)


def load_figures(tx: Transaction) -> Figures:
    """What was decided in the last twelve months."""
    since = tx.now - 365 * clock.DAY
    grounds = dict(map(tuple, tx.all(_by_ground, since=since, now=tx.now)))
    total = sum(grounds.values())
    return Figures(
        total if total == 0 or total >= FEW else None,
        _blur(dict(map(tuple, tx.all(_by_measure, since=since, now=tx.now)))),
        _blur(grounds, summed=True),
        _blur(dict(map(tuple, tx.all(_by_outcome, since=since)))),
    )


def _blur(counts: dict[str, int], *, summed: bool = False) -> dict[str, int | None]:
    few = [name for name, count in counts.items() if count < FEW]
    if summed and len(few) == 1:
        # It would be what the others leave of the sum that is told: the next one is not told either.
        few += sorted(counts.keys() - few, key=lambda name: (counts[name], name))[:1]
    return {name: None if name in few else count for name, count in sorted(counts.items())}


def _to_public(tx: Transaction, rows: list[Any], language: str) -> list[PublicDecision]:
    found = [row.id for row in rows]
    done: dict[int, list[PublicMeasure]] = {}
    for row in tx.all(_measures, ids=found):
        done.setdefault(row.decision_id, []).append(_to_measure(row))
    said: dict[int, list[PublicAppeal]] = {}
    for row in tx.all(_appeals, ids=found):
        said.setdefault(row.decision_id, []).append(PublicAppeal(row.appellant, row.outcome or ""))
    return [_to_decision(row, language, done.get(row.id, []), said.get(row.id, [])) for row in rows]


def _to_decision(
    row: Any, language: str, done: list[PublicMeasure], said: list[PublicAppeal]
) -> PublicDecision:
    kind = row.subject.partition(":")[0]
    return PublicDecision(
        number=row.number,
        day=clock.to_date(row.decided_at),
        days_from_receipt=_to_days(row.decided_at - row.received_at),
        thing=done[0].target if done else kind if kind in ("status", "account", "domain") else "other",
        ground=row.ground,
        rule_id=None if row.rule_id is None else str(row.rule_id),
        rule_version=row.rule_version,
        rule_text=_to_text(row.texts, language),
        law=row.law,
        reason=row.reason,
        summary=row.summary,
        automated_detection=row.automated_detection,
        automated_decision=row.automated_decision,
        own_initiative=row.own_initiative,
        decider_role=row.decider_role,
        second_voice=row.second_decider_id is not None,
        measures=done,
        appeals=said,
        ended=row.ended or "",
        reverses=row.reverses,
    )


def _to_measure(row: Any) -> PublicMeasure:
    target = "status" if row.status_id else "account" if row.account_id else "domain"
    days = None if row.until_at is None else _to_days(row.until_at - row.from_at)
    return PublicMeasure(row.kind, target, days, row.ended or "")


def _to_days(milliseconds: int) -> float:
    return round(max(0, milliseconds) / clock.DAY, 1)


def _to_text(texts: str | None, language: str) -> str:
    if not texts:
        return ""
    return say(msgspec.json.decode(texts, type=dict[str, RuleText]), language).text
