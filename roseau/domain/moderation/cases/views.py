"""A case as somebody of the team has it before them: plain data, put together by `reading.py`."""

from typing import Any, Literal

import msgspec

from roseau.domain.accounts.loading import AccountView
from roseau.domain.moderation.cases.queue import CaseLine
from roseau.domain.moderation.decisions.drafts import DecisionDraft, MeasureDraft
from roseau.domain.moderation.decisions.rows import Decision
from roseau.domain.moderation.measures.force import Measure
from roseau.domain.statuses.loading import StatusView

Action = Literal[
    "claim", "release", "hand_over", "note", "pause", "resume", "ask", "split", "decide", "open_evidence",
    "agree", "answer_appeal",
]  # fmt: skip


class NoticeView(msgspec.Struct, frozen=True, kw_only=True):
    """A notice. Who sent it is for the team's eyes; an outsider's name and address are not shown here."""

    id: int
    number: str
    channel: str
    category: str
    reason: str
    comment: str
    language: str
    good_faith: bool
    forward: bool
    rule_ids: tuple[int, ...]
    received_at: int
    outcome: str | None
    #: The member who sent it; None for an outsider.
    reporter: AccountView | None
    #: An outsider left an address, and will be told the outcome.
    has_contact: bool
    #: Hash of where it came from: notices that have the same are one voice.
    source: str


class ItemView(msgspec.Struct, frozen=True, kw_only=True):
    """What a notice points at, as it is now, and that a snapshot of it is there to be opened."""

    id: int
    notice_id: int
    position: int
    uri: str
    kind: str
    #: As it is now; blank where it was removed. None where it is not here.
    status: StatusView | None
    account: AccountView | None
    #: here, edited (since the snapshot), hidden (by moderation), deleted (by its author), gone
    state: str
    snapshot_id: int | None
    snapshot_hash: str
    snapshot_at: int | None
    #: The snapshot is under an evidence key; it was erased.
    preserved: bool
    erased: bool


class Thread(msgspec.Struct, frozen=True):
    """What was reported, in its place: what it answers, oldest first, and what answers it."""

    status_id: int
    above: tuple[StatusView, ...] = ()
    below: tuple[StatusView, ...] = ()


class PastDecision(msgspec.Struct, frozen=True, kw_only=True):
    """An earlier decision about the same account."""

    number: int
    case_number: int
    decided_at: int
    ground: str
    rule_id: int | None
    law: str
    #: Its measures, and whether it still stands.
    measures: tuple[str, ...]
    ended: str | None


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the account that the case is about."""

    account: AccountView
    created_at: int
    statuses_count: int
    #: Strikes that count now, and their weight together.
    strikes: int
    strikes_weight: int
    #: Other cases about the account that are open, and how many there ever were.
    open_cases: int
    cases: int
    #: Measures that hold on it now.
    measures: tuple[Measure, ...]
    past: tuple[PastDecision, ...]


class TimelineEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One line of what happened in the case; `kind` as in `case_events`, or notice, decision, look."""

    at: int
    kind: str
    #: The user name of whoever did it; empty for the machine or an outsider.
    who: str = ""
    text: str = ""
    detail: dict[str, Any] = {}


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """What the notices and the rules make likely. Nothing is done of it by itself."""

    rule_id: int | None = None
    #: From mild to hard, and where on it this account stands by its strikes.
    ladder: tuple[str, ...] = ()
    step: int = 0
    measures: tuple[MeasureDraft, ...] = ()


class DecisionView(msgspec.Struct, frozen=True, kw_only=True):
    """A decision of this case with its measures."""

    decision: Decision
    decider: str
    second: str
    measures: tuple[Measure, ...]
    may_undo: bool


class ProposalView(msgspec.Struct, frozen=True, kw_only=True):
    """A decision that waits, or waited, for a second voice."""

    id: int
    by_id: int
    by: str
    draft: DecisionDraft
    interim_decision_id: int | None
    at: int
    outcome: str | None
    answered_by: str
    answer: str


class CaseView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about a case."""

    line: CaseLine
    notices: tuple[NoticeView, ...]
    items: tuple[ItemView, ...]
    #: There are more notices or items than are listed.
    more: bool
    thread: Thread | None
    facts: Facts | None
    timeline: tuple[TimelineEvent, ...]
    suggestion: Suggestion
    decisions: tuple[DecisionView, ...]
    proposals: tuple[ProposalView, ...]
    #: Earlier cases about the same thing, by number.
    earlier: tuple[int, ...]
    may: frozenset[str]
