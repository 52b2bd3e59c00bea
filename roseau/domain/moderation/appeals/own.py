"""What a member may read of their own: their record, all that was written to them, and their sealed posts."""

from collections import defaultdict
from typing import Any

import msgspec
from sqlalchemy import bindparam, or_, select

from roseau.domain.moderation.appeals.drafts import Appeal, list_appeals, load_appealed
from roseau.domain.moderation.measures.quarantine import find_quarantined
from roseau.domain.moderation.statements.returned import Returned, load_returned
from roseau.domain.moderation.vocabulary import MeasureKind
from roseau.domain.site import Site
from roseau.kernel import clock
from roseau.kernel.errors import Forbidden, Gone, NotFound
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import (
    appeal_answers,
    appeals,
    decision_ends,
    decisions,
    deliveries,
    measure_ends,
    measures,
    statements,
)
from roseau.storage.schema.notices import notices
from roseau.storage.schema.statuses import statuses
from roseau.storage.statements import one_of, statement

#: What is sealed for these reasons is given back to nobody.
WITHHELD = frozenset(("csam", "terrorism"))


class MeasureState(msgspec.Struct):
    """A measure, and whether it holds still: undone, reversed, expired, lapsed, superseded, or not ended."""

    id: int
    kind: MeasureKind
    status_id: int | None
    from_at: int
    until_at: int | None
    ended: str | None
    ended_at: int | None


class Entry(msgspec.Struct):
    """A decision in a member's record, with its statement, and what became of it."""

    decision_id: int
    number: int
    decided_at: int
    subject: str
    language: str
    text: str
    #: DSA art. 17(3) (a) to (f), as JSON.
    fields: str
    told_at: int
    appeal_until: int
    ended: str | None
    ended_at: int | None
    measures: list[MeasureState] = []
    appeal: Appeal | None = None
    #: The time runs, it stands, and they have not appealed yet.
    may_appeal: bool = False
    #: What came back when it was taken back; read for one decision alone.
    returned: tuple[Returned, ...] = ()


class OwnCopy(msgspec.Struct):
    """A post of one's own that moderation took away, as it was written."""

    status_id: int
    created_at: int
    spoiler_text: str
    text: str
    #: What the author wrote about each picture.
    descriptions: list[str] = []


_told = or_(deliveries.c.shown_at.is_not(None), deliveries.c.mailed_at.is_not(None))
_entries = statement(
    select(
        decisions.c.id.label("decision_id"),
        decisions.c.number,
        decisions.c.decided_at,
        deliveries.c.subject,
        statements.c.language,
        statements.c.text,
        statements.c.fields,
        deliveries.c.shown_at.label("told_at"),
        statements.c.appeal_until,
        decision_ends.c.kind.label("ended"),
        decision_ends.c.at.label("ended_at"),
    )
    .select_from(
        statements.join(decisions, decisions.c.id == statements.c.decision_id)
        .join(deliveries, deliveries.c.id == statements.c.delivery_id)
        .outerjoin(decision_ends, decision_ends.c.decision_id == decisions.c.id)
    )
    .where(statements.c.account_id == bindparam("member"), deliveries.c.shown_at.is_not(None))
    .order_by(decisions.c.number.desc()),
    into=Entry,
)
_measures = statement(
    select(
        measures.c.id,
        measures.c.kind,
        measures.c.status_id,
        measures.c.from_at,
        measures.c.until_at,
        measure_ends.c.kind.label("ended"),
        measure_ends.c.at.label("ended_at"),
        measures.c.decision_id,
    )
    .select_from(measures.outerjoin(measure_ends, measure_ends.c.measure_id == measures.c.id))
    .where(one_of(measures.c.decision_id, "ids"))
    .order_by(measures.c.id)
)
_letters = statement(
    select(
        deliveries.c.kind,
        deliveries.c.created_at,
        deliveries.c.language,
        deliveries.c.subject,
        deliveries.c.text,
    )
    .where(deliveries.c.account_id == bindparam("member"), _told)
    .order_by(deliveries.c.id)
)
_appeals_of = statement(
    select(
        decisions.c.number,
        appeals.c.appellant,
        appeals.c.text,
        appeals.c.filed_at,
        appeal_answers.c.outcome,
        appeal_answers.c.reasons,
        appeal_answers.c.at,
    )
    .select_from(
        appeals.join(decisions, decisions.c.id == appeals.c.decision_id).outerjoin(
            appeal_answers, appeal_answers.c.appeal_id == appeals.c.id
        )
    )
    .where(appeals.c.account_id == bindparam("member"))
    .order_by(appeals.c.id)
)
_notices_of = statement(
    select(
        notices.c.number,
        notices.c.category,
        notices.c.reason,
        notices.c.comment,
        notices.c.received_at,
        notices.c.outcome,
        notices.c.outcome_at,
    )
    .where(notices.c.account_id == bindparam("member"), notices.c.channel != "own_initiative")
    .order_by(notices.c.id)
)
_own_posts = statement(
    select(
        statuses.c.id,
        statuses.c.created_at,
        statuses.c.spoiler_text,
        statuses.c.text,
        statuses.c.deleted_at,
    )
    .distinct()
    .select_from(measures.join(statuses, statuses.c.id == measures.c.status_id))
    .where(measures.c.decision_id == bindparam("decision"), statuses.c.account_id == bindparam("member"))
    .order_by(statuses.c.id)
)


def list_record(tx: Transaction, account_id: int) -> list[Entry]:
    """Every decision about a member that they have been told of, the newest first."""
    found = tx.all(_entries, member=account_id)
    if not found:
        return []
    taken = _load_measures(tx, [entry.decision_id for entry in found])
    for entry in found:
        entry.measures = taken[entry.decision_id]
        own = [one for one in list_appeals(tx, entry.decision_id) if one.account_id == account_id]
        entry.appeal = own[0] if own else None
        entry.may_appeal = not own and entry.ended is None and tx.now <= entry.appeal_until
    return found


def list_measures(tx: Transaction, decision_id: int) -> list[MeasureState]:
    """The measures of a decision, and which of them hold still."""
    return _load_measures(tx, [decision_id])[decision_id]


def _load_measures(tx: Transaction, decision_ids: list[int]) -> dict[int, list[MeasureState]]:
    taken: dict[int, list[MeasureState]] = defaultdict(list)
    for row in tx.all(_measures, ids=decision_ids):
        taken[row.decision_id].append(MeasureState(*row[:7]))
    return taken


def find_entry(tx: Transaction, account_id: int, number: int) -> Entry:
    """One decision of a member's record, by its number. Raises NotFound."""
    for entry in list_record(tx, account_id):
        if entry.number == number:
            entry.returned = load_returned(tx, entry.decision_id)
            return entry
    raise NotFound


def open_own_copy(tx: Transaction, site: Site, account_id: int, decision_id: int) -> list[OwnCopy]:
    """The posts that a decision took from their author, as they were written, for the author alone.

    Raises NotFound to anybody else, Forbidden where the law keeps it from everybody, Gone once it is erased.
    """
    decision = load_appealed(tx, decision_id)
    if decision.account_id != account_id:
        raise NotFound
    if decision.ground == "law" and decision.case_reason in WITHHELD:
        raise Forbidden("The law does not let us give this back to anybody.")
    return [_to_copy(tx, site, row) for row in tx.all(_own_posts, decision=decision_id, member=account_id)]


def _to_copy(tx: Transaction, site: Site, row: Any) -> OwnCopy:
    sealed = find_quarantined(tx, site, row.id)
    if sealed is None:
        if row.deleted_at is not None:
            raise Gone
        return OwnCopy(row.id, row.created_at, row.spoiler_text, row.text)
    described = [item.description for item in sealed.media if item.description]
    return OwnCopy(row.id, row.created_at, sealed.spoiler_text, sealed.text, described)


def export_record(tx: Transaction, site: Site, account_id: int) -> bytes:
    """Everything of moderation that is a member's own, as JSON: record, letters, appeals and notices."""
    return msgspec.json.format(
        msgspec.json.encode(
            {
                "site": site.domain,
                "exported_at": clock.to_iso(tx.now),
                "decisions": [_to_exported(entry) for entry in list_record(tx, account_id)],
                "letters": [_timed(row) for row in tx.all(_letters, member=account_id)],
                "appeals": [_timed(row) for row in tx.all(_appeals_of, member=account_id)],
                "notices": [_timed(row) for row in tx.all(_notices_of, member=account_id)],
            }
        ),
        indent=2,
    )


def _to_exported(entry: Entry) -> dict[str, Any]:
    return {
        "number": entry.number,
        "decided_at": clock.to_iso(entry.decided_at),
        "subject": entry.subject,
        "text": entry.text,
        "language": entry.language,
        "reasons": msgspec.Raw(entry.fields.encode()),
        "appeal_until": clock.to_iso(entry.appeal_until),
        "ended": entry.ended,
        "measures": [
            {
                "kind": measure.kind,
                "status": None if measure.status_id is None else str(measure.status_id),
                "from": clock.to_iso(measure.from_at),
                "until": None if measure.until_at is None else clock.to_iso(measure.until_at),
                "ended": measure.ended,
            }
            for measure in entry.measures
        ],
    }


def _timed(row: Any) -> dict[str, Any]:
    """A row with its moments written out."""
    return {
        name: clock.to_iso(value) if name.endswith("at") and value is not None else value
        for name, value in row._asdict().items()
    }
