"""Lanes and clocks: how bad it is said to be, and by when somebody has to have seen and decided it."""

from collections.abc import Iterable

import msgspec
from sqlalchemy import bindparam, func, select

from roseau.domain.moderation.notices.drafts import NoticeDraft
from roseau.domain.moderation.vocabulary import LANES, REASONS, Category, Lane
from roseau.storage.database import Transaction
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.moderation import rule_versions
from roseau.storage.schema.relationships import follows
from roseau.storage.schema.statuses import statuses
from roseau.storage.statements import one_of, statement

#: What comes through these is looked at before everything else.
URGENT = frozenset(("host_letter", "authority_order"))


class Weight(msgspec.Struct, frozen=True):
    """How much a notice weighs: why, in which lane, how severe within it."""

    category: Category
    reason: str
    lane: Lane
    severity: int


_rule_lanes = statement(
    select(rule_versions.c.lane).where(
        one_of(rule_versions.c.rule_id, "ids"), rule_versions.c.ended_at.is_(None)
    )
)
# Following is what puts a post before somebody's eyes; who reblogs it brings theirs along.
_followers = statement(
    select(func.count())
    .select_from(follows.join(accounts, accounts.c.id == follows.c.account_id))
    .where(follows.c.target_id == bindparam("author"), accounts.c.domain == "")
)
_through_reblogs = statement(
    select(func.coalesce(func.sum(accounts.c.followers_count + 1), 0))
    .select_from(statuses.join(accounts, accounts.c.id == statuses.c.account_id))
    .where(statuses.c.reblog_of_id == bindparam("status"), statuses.c.deleted_at.is_(None))
)


def weigh(tx: Transaction, draft: NoticeDraft) -> Weight:
    """The weight of a notice by what it says; a rule that it names has a lane of its own."""
    reason = draft.reason if draft.reason in REASONS else _usual_reason(draft)
    known = REASONS[reason]
    lane = known.lane
    if reason == "rule" and draft.rule_ids:
        lane = worst(tx.values(_rule_lanes, ids=list(draft.rule_ids))) or lane
    if draft.channel in URGENT:
        lane = "S0"
    elif draft.channel == "trusted_flagger":
        # Trusted flaggers come first (DSA art. 22): never behind what the rules of the house ask for.
        lane = worst((lane, "S2")) or lane
    return Weight(draft.category or known.category, reason, lane, known.severity)


def _usual_reason(draft: NoticeDraft) -> str:
    if draft.rule_ids:
        return "rule"
    return {"spam": "spam", "legal": "illegal", "violation": "rule"}.get(draft.category or "", "other")


def worst(lanes: Iterable[str]) -> Lane | None:
    """The most urgent of these lanes; None of none."""
    return min((lane for lane in LANES if lane in set(lanes)), default=None)


def due(lane: str, received_at: int, *, seen: bool, deadline_at: int | None = None) -> int:
    """By when a case of this lane has to be seen, or, once it is, decided."""
    times = LANES[lane]  # type: ignore[index]
    until = received_at + (times.decided if seen else times.seen)
    return until if deadline_at is None else min(until, deadline_at)


def measure_reach(tx: Transaction, status_id: int | None, account_id: int | None) -> int:
    """How many people may have met it: followers here, and those of everybody who reblogged it."""
    reach = int(tx.value(_followers, author=account_id) or 0) if account_id else 0
    if status_id:
        reach += int(tx.value(_through_reblogs, status=status_id) or 0)
    return reach
