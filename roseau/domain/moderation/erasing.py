"""The end of preserved evidence: its time is over, or somebody says so, and its key is destroyed."""

from typing import Any

from sqlalchemy import bindparam, func, select, update

from roseau.domain.moderation import log
from roseau.domain.moderation.cases.joining import note_event
from roseau.domain.moderation.cases.parties import refuse_party
from roseau.domain.moderation.evidence import (
    CARRY,
    END,
    KEY,
    LIVE,
    MEDIA,
    SEAL_QUARANTINE,
    SEAL_SNAPSHOT,
    KeyJob,
    find_row,
    quarantine_name,
    snapshot_name,
)
from roseau.domain.moderation.team.permissions import require
from roseau.domain.site import Site
from roseau.kernel import clock, keys
from roseau.kernel.errors import Invalid, mark
from roseau.storage.database import Transaction
from roseau.storage.jobs import add_job
from roseau.storage.schema.cases import appeal_answers, appeals, cases, decisions, statements
from roseau.storage.schema.notices import (
    authority_orders,
    evidence_keys,
    notice_items,
    quarantine,
    snapshots,
)
from roseau.storage.statements import statement

#: When evidence is still needed at its end, it is looked at again after so long.
LOOK_AGAIN = clock.DAY

_number = statement(select(cases.c.number).where(cases.c.id == bindparam("wanted")))
_ask = statement(
    update(evidence_keys)
    .where(evidence_keys.c.id == bindparam("wanted"), LIVE)
    .values(erase_asked_at=bindparam("at"))
)
#: Snapshots under one key that another case needs too, with that case's own key.
_shared = statement(
    select(snapshots.c.id, snapshots.c.hash, snapshots.c.content, func.min(evidence_keys.c.id).label("other"))
    .join(notice_items, notice_items.c.snapshot_id == snapshots.c.id)
    .join(evidence_keys, evidence_keys.c.case_id == notice_items.c.case_id)
    .where(
        snapshots.c.key_id == bindparam("key_id"),
        snapshots.c.content.is_not(None),
        evidence_keys.c.id != bindparam("key_id"),
        LIVE,
    )
    .group_by(snapshots.c.id, snapshots.c.hash, snapshots.c.content)
)
_shared_quarantine = statement(
    select(
        quarantine.c.id,
        quarantine.c.status_id,
        quarantine.c.content,
        func.min(evidence_keys.c.id).label("other"),
    )
    .join(notice_items, notice_items.c.status_id == quarantine.c.status_id)
    .join(evidence_keys, evidence_keys.c.case_id == notice_items.c.case_id)
    .where(
        quarantine.c.key_id == bindparam("key_id"),
        quarantine.c.restored_at.is_(None),
        evidence_keys.c.id != bindparam("key_id"),
        LIVE,
    )
    .group_by(quarantine.c.id, quarantine.c.status_id, quarantine.c.content)
)
_empty_snapshots = statement(
    update(snapshots)
    .where(snapshots.c.key_id == bindparam("wanted"), snapshots.c.erased_at.is_(None))
    .values(content=None, media="[]", erased_at=bindparam("at"))
)
_empty_quarantine = statement(
    update(quarantine)
    .where(quarantine.c.key_id == bindparam("wanted"))
    .values(content=bindparam("nothing"), media="[]")
)
#: A case that is open, or an appeal that nobody has answered, needs the evidence of its key.
_open = statement(
    select(cases.c.id).where(cases.c.id == bindparam("case_id"), cases.c.state.not_in(("decided", "closed")))
)
_unanswered = statement(
    select(appeals.c.id)
    .join(decisions, decisions.c.id == appeals.c.decision_id)
    .outerjoin(appeal_answers, appeal_answers.c.appeal_id == appeals.c.id)
    .where(decisions.c.case_id == bindparam("case_id"), appeal_answers.c.appeal_id.is_(None))
)
#: The time to appeal runs on; an authority's order has its own end.
_may_be_appealed = statement(
    select(func.max(statements.c.appeal_until))
    .join(decisions, decisions.c.id == statements.c.decision_id)
    .outerjoin(
        authority_orders,
        (authority_orders.c.case_id == decisions.c.case_id) & (authority_orders.c.kind != "threat_to_life"),
    )
    .where(decisions.c.case_id == bindparam("case_id"), authority_orders.c.id.is_(None))
)
_ordered = statement(
    select(authority_orders.c.id).where(authority_orders.c.case_id == bindparam("case_id")).limit(1)
)
_over = statement(
    select(evidence_keys.c.id).where(
        LIVE, evidence_keys.c.case_id.is_not(None), evidence_keys.c.preserve_until <= bindparam("now")
    )
)


class StillNeeded(Invalid):
    """Evidence is not erased while somebody may need it."""

    code = "evidence_needed"


#: Why evidence is still needed, and how it is said.
NEEDED = {
    "open": mark("This evidence is still needed: its case is open."),
    "appeal": mark("This evidence is still needed: an appeal waits for its answer."),
    "appealable": mark("This evidence is still needed: the decision can still be appealed."),
    "order": mark("This evidence is still needed: an order of an authority preserves it."),
}


def erase_case(tx: Transaction, site: Site, by_id: int | None, key_id: str, *, force: str = "") -> None:
    """Erase what is under a key, for good; `by_id` None: its time was over, or an operator says so.

    What another preserved case needs too goes under that one's key. From the commit on nothing opens it here;
    the key itself is destroyed on every machine as soon as each is reached (`doors/evidence.py`).
    `force` is the reason to do it although somebody may need it: it stands in the case and in the team's log.
    Raises NotFound, Forbidden, StillNeeded.
    """
    if by_id is not None:
        require(tx, by_id, "manage_orders")
    row = find_row(tx, key_id)
    if by_id is not None and row.case_id is not None:
        refuse_party(tx, row.case_id, by_id)
    if row.erase_asked_at is not None:
        return
    needed = why_needed(tx, row.case_id, row.preserve_until)
    if needed and not force.strip():
        raise StillNeeded(NEEDED[needed[0]])
    for shared in tx.all(_shared, key_id=key_id):
        sealed = _reseal(site, key_id, shared, snapshot_name(shared.hash))
        if sealed:
            tx.run(SEAL_SNAPSHOT, wanted=shared.id, new_key_id=shared.other, sealed=sealed)
    for shared in tx.all(_shared_quarantine, key_id=key_id):
        sealed = _reseal(site, key_id, shared, quarantine_name(shared.status_id))
        if sealed:
            tx.run(SEAL_QUARANTINE, wanted=shared.id, new_key_id=shared.other, sealed=sealed)
    tx.run(_empty_snapshots, wanted=key_id, at=tx.now)
    tx.run(_empty_quarantine, wanted=key_id, nothing=b"")
    tx.run(_ask, wanted=key_id, at=tx.now)
    add_job(tx, CARRY, {})
    add_job(tx, MEDIA, KeyJob(key_id))
    if row.case_id is not None:
        note_event(tx, row.case_id, "erased", account_id=by_id, text=force.strip())
    log.append(
        tx,
        "erased",
        {
            "case": tx.value(_number, wanted=row.case_id),
            "key": key_id,
            "by": log.pseudonym(site, by_id),
            "due": row.preserve_until,
            "needed": needed,
        },
    )


def _reseal(site: Site, key_id: str, shared: Any, name: str) -> bytes:
    """What is under one key, under that of another case; empty when one of them is not on this machine."""
    key, other = site.evidence_keys.find(key_id), site.evidence_keys.find(shared.other)
    if key is None or other is None:
        return b""
    return keys.seal(other, name, keys.unseal(key, name, bytes(shared.content)))


def end_key(tx: Transaction, site: Site, key_id: str) -> None:
    """Erase what is under a key if its time is over and nobody needs it any more; else look again later."""
    row = tx.one(KEY, wanted=key_id)
    if row is None or row.erase_asked_at is not None or row.preserve_until > tx.now:
        return
    if why_needed(tx, row.case_id, row.preserve_until):
        add_job(tx, END, KeyJob(key_id), run_at=tx.now + LOOK_AGAIN)
    else:
        erase_case(tx, site, None, key_id)


def end_keys(tx: Transaction, site: Site) -> None:
    """The same for every key whose time is over: should a job have been lost."""
    for key_id in tx.values(_over, now=tx.now):
        end_key(tx, site, key_id)


def why_needed(tx: Transaction, case_id: int | None, preserve_until: int) -> list[str]:
    """Why the evidence of a case is still needed, as keys of `NEEDED`; nothing when it is not."""
    if case_id is None:
        return []
    found = {
        "open": tx.one(_open, case_id=case_id) is not None,
        "appeal": tx.one(_unanswered, case_id=case_id) is not None,
        "appealable": (tx.value(_may_be_appealed, case_id=case_id) or 0) > tx.now,
        "order": preserve_until > tx.now and tx.one(_ordered, case_id=case_id) is not None,
    }
    return [name for name, holds in found.items() if holds]
