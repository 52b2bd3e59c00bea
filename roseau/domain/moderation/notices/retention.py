"""How long evidence and senders are kept: until nobody can appeal any more, and every appeal is answered.

What has to be preserved for authorities lies under keys of its own, and ends with them (`evidence.py`).
"""

from sqlalchemy import bindparam, delete, exists, literal, or_, select, update

from roseau.domain.media.naming import PARTS, list_in_evidence, list_named
from roseau.domain.moderation.statements.deliveries import PERSISTENCE
from roseau.domain.moderation.vocabulary import APPEAL, APPEAL_LAPSE
from roseau.kernel import clock
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import appeal_answers, appeals, case_viewers, cases, decisions, deliveries
from roseau.storage.schema.notices import (
    evidence_keys,
    evidence_looks,
    notice_items,
    notices,
    snapshots,
    withheld_blobs,
)
from roseau.storage.statements import one_of, statement, upsert

#: How long after a case was closed its evidence is kept: time to appeal, and to answer an appeal.
KEPT = APPEAL + APPEAL_LAPSE
#: Who looked at sealed evidence is a matter for as long as somebody may ask about it: three years.
LOOKS_KEPT = 3 * 366 * clock.DAY
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
#: A case of the notice is open, has an appeal that waits, or is preserved for authorities.
_in_need = exists(
    select(literal(1))
    .select_from(
        notice_items.join(cases, cases.c.id == notice_items.c.case_id).outerjoin(
            evidence_keys,
            (evidence_keys.c.case_id == cases.c.id) & evidence_keys.c.erase_asked_at.is_(None),
        )
    )
    .where(
        notice_items.c.notice_id == notices.c.id,
        or_(
            cases.c.state != "closed",
            cases.c.closed_at > bindparam("before"),
            evidence_keys.c.id.is_not(None),
            _appealed,
        ),
    )
)
_forget_senders = statement(
    update(notices)
    .where(
        notices.c.outcome_at < bindparam("before"),
        or_(notices.c.contact.is_not(None), notices.c.original.is_not(None)),
        ~_in_need,
    )
    .values(contact=None, original=None)
)
#: Of letters that no mail server took, or that were called back before they went.
_forget_addresses = statement(
    update(deliveries)
    .where(
        deliveries.c.address.is_not(None),
        or_(deliveries.c.cancelled_at.is_not(None), deliveries.c.send_at < bindparam("given_up")),
    )
    .values(address=None)
)
_forget_looks = statement(delete(evidence_looks).where(evidence_looks.c.at < bindparam("long_ago")))
_forget_viewers = statement(delete(case_viewers).where(case_viewers.c.at < bindparam("yesterday")))
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


def forget_persons(tx: Transaction) -> None:
    """Forget who sent notices, addresses that letters never reached, and who looked at what long ago."""
    tx.run(_forget_senders, before=tx.now - KEPT)
    tx.run(_forget_addresses, given_up=tx.now - 2 * PERSISTENCE)
    tx.run(_forget_looks, long_ago=tx.now - LOOKS_KEPT)
    tx.run(_forget_viewers, yesterday=tx.now - clock.DAY)


def erase_old_evidence(tx: Transaction) -> bool:
    """Erase snapshots whose time is over; whether there may be more."""
    before = tx.now - KEPT
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
