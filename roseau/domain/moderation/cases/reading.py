"""A case with all that belongs to it, for those who may look: notices, items, thread, facts, timeline."""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import bindparam, select

from roseau.domain.accounts.loading import AccountView, load_accounts
from roseau.domain.moderation.cases.access import find_case_id, is_handed_to, require_look
from roseau.domain.moderation.cases.facts import load_facts, suggest
from roseau.domain.moderation.cases.parties import is_party
from roseau.domain.moderation.cases.queue import CaseLine, load_lines
from roseau.domain.moderation.cases.sight import list_around, load_for_moderation
from roseau.domain.moderation.cases.splitting import SPLIT
from roseau.domain.moderation.cases.views import (
    CaseView,
    DecisionView,
    ItemView,
    NoticeView,
    ProposalView,
    Thread,
    TimelineEvent,
)
from roseau.domain.moderation.decisions.drafts import DecisionDraft
from roseau.domain.moderation.decisions.rows import list_decisions
from roseau.domain.moderation.measures.force import list_of_decision
from roseau.domain.moderation.team.permissions import permissions_of
from roseau.domain.site import Site
from roseau.domain.statuses.loading import StatusView
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import appeals, case_events, cases, decisions, proposals
from roseau.storage.schema.notices import evidence_looks, notice_items, notices, snapshots
from roseau.storage.schema.statuses import statuses
from roseau.storage.statements import one_of, statement

#: Items and notices that are shown of one case; a flood or a letter may have more.
MOST = 200

_appealed = statement(
    select(decisions.c.case_id)
    .select_from(appeals.join(decisions, decisions.c.id == appeals.c.decision_id))
    .where(appeals.c.case_id == bindparam("case"))
)
_items = statement(
    select(
        notice_items.c.id, notice_items.c.notice_id, notice_items.c.position, notice_items.c.uri,
        notice_items.c.kind, notice_items.c.status_id, notice_items.c.account_id, notice_items.c.snapshot_id,
        snapshots.c.hash, snapshots.c.taken_at, snapshots.c.key_id, snapshots.c.erased_at,
    )
    .select_from(notice_items.outerjoin(snapshots, snapshots.c.id == notice_items.c.snapshot_id))
    .where(one_of(notice_items.c.case_id, "cases"))
    .order_by(notice_items.c.id)
    .limit(MOST + 1)
)  # fmt: skip
_notices = statement(
    select(
        notices.c.id, notices.c.number, notices.c.channel, notices.c.category, notices.c.reason,
        notices.c.comment, notices.c.language, notices.c.good_faith, notices.c.forward, notices.c.rule_ids,
        notices.c.received_at, notices.c.outcome, notices.c.account_id, notices.c.source,
        notices.c.contact.is_not(None).label("has_contact"),
    )
    .where(one_of(notices.c.id, "ids"))
    .order_by(notices.c.id)
)  # fmt: skip
_standing = statement(
    select(statuses.c.id, statuses.c.deleted_at, statuses.c.hidden_at).where(one_of(statuses.c.id, "ids"))
)
_events = statement(
    select(
        case_events.c.at, case_events.c.kind, case_events.c.account_id, case_events.c.text,
        case_events.c.detail,
    )
    .where(case_events.c.case_id == bindparam("case"))
    .order_by(case_events.c.id.desc())
    .limit(MOST)
)  # fmt: skip
_looks = statement(
    select(evidence_looks.c.at, evidence_looks.c.account_id, evidence_looks.c.snapshot_id,
           evidence_looks.c.detail)
    .where(evidence_looks.c.case_id == bindparam("case"))
    .order_by(evidence_looks.c.id.desc())
    .limit(MOST)
)  # fmt: skip
_proposals = statement(
    select(proposals).where(proposals.c.case_id == bindparam("case")).order_by(proposals.c.id)
)
_earlier = statement(
    select(cases.c.number)
    .where(cases.c.subject == bindparam("subject"), cases.c.id < bindparam("case"))
    .order_by(cases.c.id.desc())
    .limit(20)
)


def load_case(tx: Transaction, site: Site, viewer_id: int, number: int) -> CaseView:
    """The case with that number. Raises NotFound, and Forbidden to those who may not look or are party."""
    case_id = find_case_id(tx, number)
    require_look(tx, case_id, viewer_id)
    line = load_lines(tx, viewer_id, [case_id])[0]
    # An appeal shows what the case that it is about had.
    concerned = [case_id, *tx.values(_appealed, case=case_id)]
    rows = tx.all(_items, cases=concerned)
    more, rows = len(rows) > MOST, rows[:MOST]
    found = _to_notices(tx, dict.fromkeys(row.notice_id for row in rows))
    views = load_for_moderation(tx, [row.status_id for row in rows if row.status_id])
    people = load_accounts(tx, [row.account_id for row in rows if row.account_id])
    items = _to_items(tx, rows, views, people)
    facts = load_facts(tx, line)
    return CaseView(
        line=line, notices=found, items=items, more=more, thread=_thread(tx, line, items), facts=facts,
        timeline=_timeline(tx, case_id, found), suggestion=suggest(tx, line, found, facts),
        decisions=tuple(view for one in concerned for view in _decisions(tx, one, viewer_id)),
        proposals=_load_proposals(tx, case_id),
        earlier=tuple(tx.values(_earlier, subject=line.subject, case=case_id)),
        may=_actions(tx, line, viewer_id),
    )  # fmt: skip


def _to_notices(tx: Transaction, notice_ids: Iterable[int]) -> tuple[NoticeView, ...]:
    rows = tx.all(_notices, ids=list(notice_ids))
    people = load_accounts(tx, [row.account_id for row in rows if row.account_id])
    return tuple(
        NoticeView(
            id=row.id, number=row.number, channel=row.channel, category=row.category, reason=row.reason,
            comment=row.comment, language=row.language, good_faith=row.good_faith, forward=row.forward,
            rule_ids=msgspec.json.decode(row.rule_ids, type=tuple[int, ...]), received_at=row.received_at,
            outcome=row.outcome, reporter=people.get(row.account_id or 0), has_contact=row.has_contact,
            source=row.source,
        )
        for row in rows
    )  # fmt: skip


def _to_items(
    tx: Transaction, rows: list[Any], views: dict[int, StatusView], people: dict[int, AccountView]
) -> tuple[ItemView, ...]:
    standing = {row.id: row for row in tx.all(_standing, ids=list(views))}
    return tuple(
        ItemView(
            id=row.id, notice_id=row.notice_id, position=row.position, uri=row.uri, kind=row.kind,
            status=views.get(row.status_id or 0), account=people.get(row.account_id or 0),
            state=_state(row, views.get(row.status_id or 0), standing.get(row.status_id or 0)),
            snapshot_id=row.snapshot_id, snapshot_hash=row.hash or "", snapshot_at=row.taken_at,
            preserved=bool(row.key_id), erased=row.erased_at is not None,
        )
        for row in rows
    )  # fmt: skip


def _state(row: Any, view: StatusView | None, standing: Any) -> str:
    if view is None or standing is None:
        return "here" if row.kind == "account" else "gone"
    if standing.deleted_at is not None:
        return "deleted"
    if standing.hidden_at is not None:
        return "hidden"
    edited = view.status.edited_at
    return "edited" if edited and row.taken_at and edited > row.taken_at else "here"


def _thread(tx: Transaction, line: CaseLine, items: tuple[ItemView, ...]) -> Thread | None:
    """The public thread around the post that the case is about, or around its first one."""
    main = line.status_id or next((item.status.id for item in items if item.status), None)
    if main is None:
        return None
    above, below = list_around(tx, main)
    views = load_for_moderation(tx, [*above, *below])
    return Thread(
        main,
        tuple(views[status_id] for status_id in above if status_id in views),
        tuple(views[status_id] for status_id in below if status_id in views),
    )


def _timeline(tx: Transaction, case_id: int, found: tuple[NoticeView, ...]) -> tuple[TimelineEvent, ...]:
    """What happened, the newest last."""
    rows = tx.all(_events, case=case_id)
    looks = tx.all(_looks, case=case_id)
    taken = list_decisions(tx, case_id)
    people = [row.account_id for row in (*rows, *looks)] + [one.decider_id for one in taken]
    names = _names(tx, people)
    lines = [
        TimelineEvent(
            at=one.received_at, kind="notice", who=one.reporter.account.acct if one.reporter else "",
            detail={"number": one.number, "channel": one.channel, "reason": one.reason},
        )
        for one in found
    ]  # fmt: skip
    lines += [
        TimelineEvent(
            at=row.at, kind=row.kind, who=names.get(row.account_id, ""), text=row.text,
            detail=msgspec.json.decode(row.detail),
        )
        for row in reversed(rows)
    ]  # fmt: skip
    lines += [
        TimelineEvent(
            at=row.at, kind="look", who=names.get(row.account_id, ""),
            detail={"snapshot": row.snapshot_id, "what": row.detail},
        )
        for row in reversed(looks)
    ]  # fmt: skip
    lines += [
        TimelineEvent(at=one.decided_at, kind="decision", who=names.get(one.decider_id, ""),
                      detail={"number": one.number, "ended": one.ended})
        for one in taken
    ]  # fmt: skip
    return tuple(sorted(lines, key=lambda one: one.at))


def _names(tx: Transaction, people: Iterable[int | None]) -> dict[int | None, str]:
    views = load_accounts(tx, [person for person in people if person is not None])
    return {person: view.account.username for person, view in views.items()}


def _decisions(tx: Transaction, case_id: int, viewer_id: int) -> list[DecisionView]:
    taken = list_decisions(tx, case_id)
    names = _names(tx, [person for one in taken for person in (one.decider_id, one.second_decider_id)])
    return [
        DecisionView(
            decision=one, decider=names.get(one.decider_id, ""), second=names.get(one.second_decider_id, ""),
            measures=tuple(list_of_decision(tx, one.id)),
            may_undo=one.decider_id == viewer_id and one.ended is None and one.undo_until > tx.now,
        )
        for one in taken
    ]  # fmt: skip


def _load_proposals(tx: Transaction, case_id: int) -> tuple[ProposalView, ...]:
    rows = tx.all(_proposals, case=case_id)
    names = _names(tx, [person for row in rows for person in (row.account_id, row.answered_by_id)])
    return tuple(
        ProposalView(
            id=row.id, by_id=row.account_id, by=names.get(row.account_id, ""),
            draft=msgspec.json.decode(row.draft, type=DecisionDraft),
            interim_decision_id=row.interim_decision_id, at=row.at, outcome=row.outcome,
            answered_by=names.get(row.answered_by_id, ""), answer=row.answer,
        )
        for row in rows
    )  # fmt: skip


def _actions(tx: Transaction, line: CaseLine, viewer_id: int) -> frozenset[str]:
    """What this viewer may do in the case now: `views.Action`."""
    held = permissions_of(tx, viewer_id)
    may: set[str] = set()
    if line.state == "closed" or is_party(tx, line.id, viewer_id):
        return frozenset()
    if "open_evidence" in held:
        may.add("open_evidence")
    if line.kind == "appeal":
        if "manage_appeals" not in held:
            return frozenset(may | {"answer_appeal"} if is_handed_to(tx, line.id, viewer_id) else may)
        if line.standing == "elsewhere":
            return frozenset(may | {"note"})
        may.add("answer_appeal")
    elif "decide_cases" not in held:
        return frozenset(may)
    may |= {"note", "hand_over", "ask"}
    may.add("release" if line.assignee_id == viewer_id else "claim")
    if line.state == "paused":
        may.add("resume")
    elif line.lane != "S0" and line.state == "open":
        may.add("pause")
    if line.kind == "notice":
        if line.state in ("open", "paused"):
            may.add("decide")
        if line.state == "second_voice":
            may.add("agree")
        if line.subject.startswith(SPLIT):
            may.add("split")
    return frozenset(may)
