"""How long evidence is kept: until nobody can appeal any more, and every appeal is answered.

What has to be preserved for authorities lies under keys of its own, and ends with them (`evidence.py`).
"""

from sqlalchemy import bindparam, delete, exists, literal, or_, select, update

from roseau.domain.media.naming import PARTS, list_in_evidence, list_named
from roseau.domain.moderation.vocabulary import APPEAL, APPEAL_LAPSE
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import appeal_answers, appeals, cases, decisions
from roseau.storage.schema.notices import notice_items, notices, snapshots, withheld_blobs
from roseau.storage.statements import one_of, statement, upsert

#: How long after a case was closed its evidence is kept: time to appeal, and to answer an appeal.
KEPT = APPEAL + APPEAL_LAPSE
PORTION = 500
#: In `withheld_blobs`: no measure holds the blob back, its author has deleted it, and evidence keeps it.
EVIDENCE = 0

_appealed = exists(
    select(literal(1))
    .select_from(
        decisions.join(appeals, appeals.c.decision_id == decisions.c.id).outerjoin(
            appeal_answers, appeal_answers.c.appeal_id == appeals.c.id
        )
    )
    .where(decisions.c.case_id == cases.c.id, appeal_answers.c.appeal_id.is_(None))
)
_needed = exists(
    select(literal(1))
    .select_from(notice_items.join(cases, cases.c.id == notice_items.c.case_id))
    .where(
        notice_items.c.snapshot_id == snapshots.c.id,
        or_(cases.c.state != "closed", cases.c.closed_at > bindparam("before"), _appealed),
    )
)
_over = statement(
    select(snapshots.c.id)
    .where(
        snapshots.c.erased_at.is_(None),
        snapshots.c.key_id == "",
        snapshots.c.taken_at < bindparam("before"),
        ~_needed,
    )
    .limit(PORTION)
)
_erase = statement(
    update(snapshots)
    .where(one_of(snapshots.c.id, "ids"))
    .values(content=None, media="[]", erased_at=bindparam("at"))
)
_forget_senders = statement(
    update(notices)
    .where(
        notices.c.outcome_at < bindparam("before"),
        or_(notices.c.contact.is_not(None), notices.c.original.is_not(None)),
    )
    .values(contact=None, original=None)
)
_withheld = statement(select(withheld_blobs.c.blob).where(withheld_blobs.c.measure_id == EVIDENCE))
_withhold = statement(
    upsert(withheld_blobs)
    .values(blob=bindparam("name"), measure_id=EVIDENCE, at=bindparam("now"))
    .on_conflict_do_nothing()
)
_release = statement(
    delete(withheld_blobs).where(
        withheld_blobs.c.measure_id == EVIDENCE, one_of(withheld_blobs.c.blob, "names", "TEXT")
    )
)


def erase_old_evidence(tx: Transaction) -> bool:
    """Erase snapshots whose time is over, and who sent the notices; whether there may be more."""
    before = tx.now - KEPT
    tx.run(_forget_senders, before=before)
    found = tx.values(_over, before=before)
    if found:
        tx.run(_erase, ids=found, at=tx.now)
    return len(found) == PORTION


def list_only_in_evidence(tx: Transaction) -> set[str]:
    """The blobs that their authors have deleted, and that only evidence keeps."""
    evidence = list_in_evidence(tx)
    for prefix in PARTS if evidence else "":
        evidence -= list_named(tx, prefix)
    return evidence


def withhold_evidence(tx: Transaction, only: set[str]) -> None:
    """Hand out these blobs to nobody, and again those that somebody shows by now."""
    held = set(tx.values(_withheld))
    if held - only:
        tx.run(_release, names=sorted(held - only))
    for name in sorted(only - held):
        tx.run(_withhold, name=name, now=tx.now)
