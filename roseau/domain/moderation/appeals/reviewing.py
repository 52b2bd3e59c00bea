"""Who may answer an appeal, and how: somebody else than those who decided.

Where nobody else is there, the decider may grant and no more; the outside reviewer of the settings may do
both. The database has the last word (`ck_appeal_answers_reviewer`).
"""

from sqlalchemy import bindparam, select

from roseau.domain.moderation.appeals.drafts import Appeal, Appealed, Outcome
from roseau.domain.moderation.cases.parties import is_party
from roseau.domain.moderation.team.permissions import list_holders, permissions_of
from roseau.domain.site import load_choices
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts, users
from roseau.storage.statements import statement

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
