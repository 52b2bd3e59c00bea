"""Who may answer an appeal, and how: somebody else than those who decided.

Where nobody else is there, the decider may grant and no more; the outside reviewer of the settings may do
both. The database has the last word (`ck_appeal_answers_reviewer`).
"""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec
from sqlalchemy import bindparam, or_, select

from roseau.domain.moderation.appeals.drafts import (
    Appeal,
    Appealed,
    Outcome,
    find_appeal_of_case,
    load_appealed,
)
from roseau.domain.moderation.cases.parties import is_party
from roseau.domain.moderation.team.permissions import list_holders, permissions_of
from roseau.domain.site import load_choices
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts, users
from roseau.storage.schema.cases import appeal_answers, appeals, cases, decisions
from roseau.storage.statements import one_of, statement

#: Of an appeal against a decision of one's own: another answers it, or one may grant it for want of another.
Standing = Literal["elsewhere", "grant"]
_EVERYTHING: frozenset[Outcome] = frozenset(("granted", "partly", "refused"))
_TO_GRANT: frozenset[Outcome] = frozenset(("granted",))
_NOTHING: frozenset[Outcome] = frozenset()

_in_order = statement(
    select(users.c.account_id)
    .select_from(users.join(accounts, accounts.c.id == users.c.account_id))
    .where(
        users.c.account_id == bindparam("account"),
        users.c.disabled_at.is_(None),
        accounts.c.suspended_at.is_(None),
        accounts.c.deleted_at.is_(None),
    )
)
_viewer: Any = bindparam("viewer")
_by_viewer = (
    select(appeals.c.case_id)
    .select_from(
        appeals.join(decisions, decisions.c.id == appeals.c.decision_id).join(
            cases, cases.c.id == appeals.c.case_id
        )
    )
    .where(or_(decisions.c.decider_id == _viewer, decisions.c.second_decider_id == _viewer))
)
_own = statement(_by_viewer.where(cases.c.kind == "appeal", cases.c.state.in_(("open", "paused"))))
_own_of = statement(_by_viewer.where(one_of(appeals.c.case_id, "ids")))


class Handed(msgspec.Struct, frozen=True):
    """An appeal that was handed to an outside reviewer, and until when they can answer it."""

    id: int
    decision_number: int
    filed_at: int
    lapses_at: int | None


_handed = statement(
    select(
        appeals.c.id,
        decisions.c.number.label("decision_number"),
        appeals.c.filed_at,
        appeals.c.lapses_at,
    )
    .select_from(
        appeals.join(decisions, decisions.c.id == appeals.c.decision_id).outerjoin(
            appeal_answers, appeal_answers.c.appeal_id == appeals.c.id
        )
    )
    .where(appeals.c.outside_reviewer_id == _viewer, appeal_answers.c.appeal_id.is_(None))
    .order_by(appeals.c.filed_at),
    into=Handed,
)


def list_others(tx: Transaction, decision: Appealed, case_id: int) -> list[int]:
    """Those of the team who may answer an appeal in this case: not who decided, and no party to it."""
    return [
        member_id
        for member_id in list_holders(tx, "manage_appeals")
        if member_id not in (decision.decider_id, decision.second_decider_id)
        and not _is_party(tx, decision, case_id, member_id)
    ]


def _is_party(tx: Transaction, decision: Appealed, case_id: int, account_id: int) -> bool:
    """Party to the case that was decided, or to that of the appeal, which may have no more than a row yet."""
    return is_party(tx, decision.case_id, account_id) or is_party(tx, case_id, account_id)


def find_outside_reviewer(tx: Transaction, decision: Appealed, case_id: int) -> int | None:
    """The outside reviewer of the settings, if they are there and can read this appeal."""
    reviewer_id = load_choices(tx).outside_reviewer_id
    if reviewer_id in (0, decision.decider_id, decision.second_decider_id):
        return None
    if tx.value(_in_order, account=reviewer_id) is None:
        return None
    if _is_party(tx, decision, case_id, reviewer_id):
        return None
    return reviewer_id


def list_open_outcomes(
    tx: Transaction, reviewer_id: int, appeal: Appeal, decision: Appealed
) -> frozenset[Outcome]:
    """What this person may answer to an appeal; nothing for those who may not, or once it is answered."""
    if appeal.outcome is not None or appeal.case_id is None or is_party(tx, appeal.case_id, reviewer_id):
        return _NOTHING
    decided = reviewer_id in (decision.decider_id, decision.second_decider_id)
    if reviewer_id == appeal.outside_reviewer_id and not decided:
        return _EVERYTHING if tx.value(_in_order, account=reviewer_id) is not None else _NOTHING
    if "manage_appeals" not in permissions_of(tx, reviewer_id):
        return _NOTHING
    if not decided:
        return _EVERYTHING
    return _NOTHING if list_others(tx, decision, appeal.case_id) else _TO_GRANT


def list_handed(tx: Transaction, reviewer_id: int) -> list[Handed]:
    """The appeals that wait for the answer of this outside reviewer, the oldest first."""
    return tx.all(_handed, viewer=reviewer_id)


def list_elsewhere(tx: Transaction, viewer_id: int) -> list[int]:
    """The open appeals, as cases, against decisions of this member that somebody else answers."""
    standings = _to_standings(tx, viewer_id, tx.values(_own, viewer=viewer_id))
    return [case_id for case_id, standing in standings.items() if standing == "elsewhere"]


def find_standings(tx: Transaction, viewer_id: int, case_ids: list[int]) -> dict[int, Standing]:
    """How a member stands to those of these cases that are appeals against decisions of their own."""
    return _to_standings(tx, viewer_id, tx.values(_own_of, viewer=viewer_id, ids=case_ids))


def _to_standings(tx: Transaction, viewer_id: int, case_ids: Iterable[int]) -> dict[int, Standing]:
    found: dict[int, Standing] = {}
    for case_id in case_ids:
        appeal = find_appeal_of_case(tx, case_id)
        if appeal is not None:
            decision = load_appealed(tx, appeal.decision_id)
            found[case_id] = "grant" if list_open_outcomes(tx, viewer_id, appeal, decision) else "elsewhere"
    return found
