"""A decision written down, with all that belongs to it, in the transaction that takes it.

`deciding`, `second_voice` and `reversing` come here once it is clear who decides and that they may.
"""

from typing import Any, Literal

import msgspec
from sqlalchemy import bindparam, select, update

from roseau.domain.moderation import log
from roseau.domain.moderation.decisions.drafts import DecisionDraft, Grounds
from roseau.domain.moderation.decisions.grounds import find_embargo, find_person, gather_grounds
from roseau.domain.moderation.decisions.rows import Case, next_number
from roseau.domain.moderation.measures.applying import add_measures
from roseau.domain.moderation.measures.force import Measure
from roseau.domain.moderation.measures.pausing import mark_pauses
from roseau.domain.moderation.statements.writing import write_statement
from roseau.domain.moderation.vocabulary import REASONS, STRIKE_KEPT, STRIKES, UNDO
from roseau.domain.policy import OTHER_RULES, backfill_versions, find_rule_version
from roseau.domain.site import Site
from roseau.kernel import clock, ids
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import decision_ends, decisions, strikes
from roseau.storage.statements import insertion, statement

#: Lanes whose removals other servers hear of at once.
AT_ONCE = ("S0", "S1")
Stage = Literal["final", "interim"]


class Recorded(msgspec.Struct, frozen=True):
    """A decision that was just taken."""

    id: int
    number: int
    statement_id: int | None
    account_id: int | None
    measures: tuple[Measure, ...]
    undo_until: int


_insert = insertion(
    decisions,
    "id number case_id ground rule_id rule_version law facts summary category automated_detection "
    "automated_decision own_initiative decider_id decider_role second_decider_id reverses_id decided_at "
    "undo_until",
)
_end = insertion(decision_ends, "decision_id kind account_id appeal_id at")
_strike = insertion(strikes, "id account_id decision_id weight created_at expires_at")
_void = statement(
    update(strikes)
    .where(strikes.c.decision_id == bindparam("decision"), strikes.c.voided_at.is_(None))
    .values(voided_at=bindparam("at"))
)
_strikes_of = statement(
    select(strikes.c.account_id, strikes.c.weight).where(
        strikes.c.decision_id == bindparam("decision"), strikes.c.voided_at.is_(None)
    )
)


def record(
    tx: Transaction,
    site: Site,
    case: Case,
    draft: DecisionDraft,
    *,
    decider_id: int | None,
    second_id: int | None = None,
    stage: Stage = "final",
    reverses: tuple[int, int] | None = None,
) -> Recorded:
    """Write a checked decision down and put its measures into force.

    `reverses`: id and number of the decision that it puts an end to. Whoever calls appends to the log last,
    with `log_decision`.
    """
    decision_id, number = ids.new_id(), next_number(tx)
    # What puts an end to another decision is told at once, and is not undone.
    undo_until = tx.now if reverses else tx.now + UNDO
    if draft.rule_id is not None:
        backfill_versions(tx)
    role = find_person(tx, decider_id).role
    grounds = gather_grounds(
        tx, site, case, draft,
        decider_role=role,
        second_voice=second_id is not None,
        decision_id=decision_id,
        decision_number=number,
        decided_at=tx.now,
        send_at=_tell_at(tx, case, draft, undo_until),
        reverses_number=reverses[1] if reverses else None,
    )  # fmt: skip
    tx.run(
        _insert, id=decision_id, number=number, case_id=case.id, ground=draft.ground, rule_id=draft.rule_id,
        rule_version=grounds.rule_version, law=draft.law.strip(), facts=draft.facts.strip(),
        summary=draft.summary.strip(), category=_category(case),
        automated_detection=draft.automated_detection,
        automated_decision=draft.automated_decision,
        own_initiative=draft.own_initiative or set(grounds.channels) == {"own_initiative"},
        decider_id=decider_id, decider_role=role, second_decider_id=second_id,
        reverses_id=reverses[0] if reverses else None, decided_at=tx.now, undo_until=undo_until,
    )  # fmt: skip
    statement_id, added = None, []
    if draft.measures:
        statement_id = write_statement(tx, site, grounds)
        at_once = case.lane in AT_ONCE
        added = add_measures(
            tx, site, draft.measures, decision_id=decision_id, statement_id=statement_id,
            announce_at=tx.now if at_once else undo_until,
        )  # fmt: skip
        mark_pauses(tx, added, poster=draft.misuse)
    if stage == "final" and decider_id is not None and grounds.account_id is not None:
        _add_strike(tx, grounds.account_id, decision_id, draft)
    tx.memo[f"decision {decision_id}"] = grounds
    return Recorded(decision_id, number, statement_id, grounds.account_id, tuple(added), undo_until)


def _tell_at(tx: Transaction, case: Case, draft: DecisionDraft, undo_until: int) -> int:
    """A hold is announced at once; everything else waits until it can be undone no more."""
    held = any(measure.kind == "hold" for measure in draft.measures)
    return max(tx.now if held else undo_until, find_embargo(tx, case.id))


def _category(case: Case) -> str:
    reason = REASONS.get(case.reason)
    return reason.category if reason else "other"


def _add_strike(tx: Transaction, account_id: int, decision_id: int, draft: DecisionDraft) -> None:
    weight = max((STRIKES.get(measure.kind, 0) for measure in draft.measures), default=0)
    if weight:
        tx.run(
            _strike, id=ids.new_id(), account_id=account_id, decision_id=decision_id, weight=weight,
            created_at=tx.now, expires_at=tx.now + STRIKE_KEPT,
        )  # fmt: skip


def void_strikes(tx: Transaction, decision_id: int, kept: list[Measure] | None = None) -> None:
    """Have a decision make no strike any more; the measures that are `kept` make what they weigh."""
    rows = tx.all(_strikes_of, decision=decision_id)
    tx.run(_void, decision=decision_id, at=tx.now)
    weight = max((STRIKES.get(measure.kind, 0) for measure in kept or []), default=0)
    for row in rows:
        if weight:
            tx.run(
                _strike, id=ids.new_id(), account_id=row.account_id, decision_id=decision_id, weight=weight,
                created_at=tx.now, expires_at=tx.now + STRIKE_KEPT,
            )  # fmt: skip


def end_decision(
    tx: Transaction, decision_id: int, kind: str, account_id: int | None = None, appeal_id: int | None = None
) -> None:
    """Write down that a decision stands no longer, and why."""
    tx.run(_end, decision_id=decision_id, kind=kind, account_id=account_id, appeal_id=appeal_id, at=tx.now)


def log_decision(
    tx: Transaction,
    site: Site,
    case: Case,
    draft: DecisionDraft,
    recorded: Recorded,
    *,
    decider_id: int | None,
    second_id: int | None = None,
    stage: Stage = "final",
    reverses: int | None = None,
) -> None:
    """Append the decision to the log; nothing may be written after it but the log."""
    grounds: Grounds = tx.memo[f"decision {recorded.id}"]
    body: dict[str, Any] = {
        "case": case.number,
        "number": recorded.number,
        "ground": draft.ground,
        "rule_id": None if draft.rule_id is None else str(draft.rule_id),
        "rule_version": grounds.rule_version,
        "law": bool(draft.law),
        "reason": case.reason,
        "dsa_category": _dsa_category(tx, case, draft),
        "lane": case.lane,
        "channels": grounds.channels,
        "automated_detection": draft.automated_detection,
        "automated_decision": draft.automated_decision,
        "measures": [_to_logged(tx, measure) for measure in recorded.measures],
        "content_types": list(grounds.content_types),
        "language": grounds.status_language,
        "decider": log.pseudonym(site, decider_id),
        "second": log.pseudonym(site, second_id),
        "received_at": case.received_at,
        "seen_at": case.seen_at or tx.now,
        "own_initiative": draft.own_initiative or set(grounds.channels) == {"own_initiative"},
        "unfounded": draft.unfounded,
        "misuse": draft.misuse,
        "interim": stage == "interim",
        "reverses": reverses,
    }
    log.append(tx, "decision", body)


def _dsa_category(tx: Transaction, case: Case, draft: DecisionDraft) -> str:
    """Where the Transparency Database files it: as its rule says, else as its reason does."""
    rule = None if draft.rule_id is None else find_rule_version(tx, draft.rule_id)
    if rule is not None and rule.terms.dsa_category != OTHER_RULES:
        return rule.terms.dsa_category
    reason = REASONS.get(case.reason)
    return reason.dsa_category if reason else OTHER_RULES


def _to_logged(tx: Transaction, measure: Measure) -> dict[str, Any]:
    target = "status" if measure.status_id else "account" if measure.account_id else "domain"
    # Days that have begun count as whole ones.
    days = None if measure.until_at is None else -((tx.now - measure.until_at) // clock.DAY)
    return {"kind": measure.kind, "target": target, "until_days": days}
