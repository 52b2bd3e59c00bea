"""Evidence that has to be kept for a time, then be gone: sealed under keys that are in no database or backup.

What concerns orders, letters and danger to life (lane S0) is sealed under an evidence key from its first
moment on: `seal_for_case`. Anything else is sealed under the site's data key, and `preserve_case` seals it
anew when it turns out to be needed. What was sealed under the data key before that stands so in the log, the
vaults and the backups of that time, and opens there with the data key until those have run out by their own
rule; the same holds of the post itself, which was public before it was evidence. Erasing ends what was sealed
under the key, wherever copies of it are.

Keys lie ready as spares on this machine and on the reeds before anybody needs one (`doors/evidence.py`), so
that a command takes one without waiting for a disk or another machine.
"""

import hashlib
from typing import Any

import msgspec
from sqlalchemy import bindparam, or_, select, update

from roseau.domain.moderation import log
from roseau.domain.moderation.vocabulary import PRESERVE, Lane
from roseau.domain.site import Site
from roseau.kernel import keys
from roseau.kernel.errors import Gone, NotFound
from roseau.storage.database import Transaction
from roseau.storage.evidence_keys import EvidenceKey
from roseau.storage.jobs import add_job
from roseau.storage.schema.cases import cases, decisions, measures
from roseau.storage.schema.notices import (
    authority_orders,
    evidence_keys,
    notice_items,
    quarantine,
    snapshots,
)
from roseau.storage.statements import statement, upsert

#: Jobs: keys have to be made, carried or destroyed; a key's time is over; media of a key are to be sealed.
CARRY, END, MEDIA = "evidence_keys", "evidence_end", "evidence_media"
#: So many keys lie ready.
SPARES = 4


class Erased(Gone):
    """The evidence was erased."""

    code, sentence = "evidence_erased", "This evidence was erased: its time was over"


class KeyMissing(Gone):
    """The key is not on this machine, and the database does not say that it was erased."""

    code = "evidence_key_missing"
    sentence = (
        "The key to this evidence is not on this machine. If it was not erased, it comes back from a reed "
        "that has it"
    )


class KeyJob(msgspec.Struct, frozen=True):
    """Payload of the jobs about one key."""

    key_id: str


class Held(msgspec.Struct):
    """Since when a machine has a key, and since when it has it no more."""

    held_at: int
    erased_at: int | None = None


LIVE = evidence_keys.c.erase_asked_at.is_(None)
_number = statement(select(cases.c.number).where(cases.c.id == bindparam("wanted")))
_case_of_measure = statement(
    select(cases.c.id, cases.c.lane)
    .join(decisions, decisions.c.case_id == cases.c.id)
    .join(measures, measures.c.decision_id == decisions.c.id)
    .where(measures.c.id == bindparam("wanted"))
)
_of_case = statement(
    select(evidence_keys.c.id)
    .where(evidence_keys.c.case_id == bindparam("case_id"), LIVE)
    .order_by(evidence_keys.c.made_at, evidence_keys.c.id)
)
_spares = statement(
    select(evidence_keys.c.id)
    .where(evidence_keys.c.case_id.is_(None), LIVE)
    .order_by(evidence_keys.c.made_at, evidence_keys.c.id)
    .with_for_update(skip_locked=True)
)
_spare_ids = statement(select(evidence_keys.c.id).where(evidence_keys.c.case_id.is_(None), LIVE))
_add = statement(
    upsert(evidence_keys)
    .values(
        {
            name: bindparam(name)
            for name in ("id", "case_id", "digest", "made_at", "preserve_until", "machines")
        }
    )
    .on_conflict_do_nothing()
)
_take = statement(
    update(evidence_keys)
    .where(evidence_keys.c.id == bindparam("wanted"))
    .values(case_id=bindparam("new_case_id"), preserve_until=bindparam("until"))
)
KEY = statement(select(evidence_keys).where(evidence_keys.c.id == bindparam("wanted")))
_extend = statement(
    update(evidence_keys)
    .where(
        evidence_keys.c.id == bindparam("wanted"), LIVE, evidence_keys.c.preserve_until < bindparam("until")
    )
    .values(preserve_until=bindparam("until"))
)

_in_case = select(notice_items.c.snapshot_id).where(notice_items.c.case_id == bindparam("case_id"))
_named_in_case = select(notice_items.c.status_id).where(
    notice_items.c.case_id == bindparam("case_id"), notice_items.c.status_id.is_not(None)
)
_decided_in_case = (
    select(measures.c.id)
    .join(decisions, decisions.c.id == measures.c.decision_id)
    .where(decisions.c.case_id == bindparam("case_id"))
)
_plain_snapshots = statement(
    select(snapshots.c.id, snapshots.c.hash, snapshots.c.content).where(
        snapshots.c.id.in_(_in_case), snapshots.c.key_id == "", snapshots.c.content.is_not(None)
    )
)
_plain_quarantine = statement(
    select(quarantine.c.id, quarantine.c.status_id, quarantine.c.content).where(
        or_(quarantine.c.measure_id.in_(_decided_in_case), quarantine.c.status_id.in_(_named_in_case)),
        quarantine.c.key_id == "",
    )
)
SEAL_SNAPSHOT = statement(
    update(snapshots)
    .where(snapshots.c.id == bindparam("wanted"))
    .values(content=bindparam("sealed"), key_id=bindparam("new_key_id"))
)
SEAL_QUARANTINE = statement(
    update(quarantine)
    .where(quarantine.c.id == bindparam("wanted"))
    .values(content=bindparam("sealed"), key_id=bindparam("new_key_id"))
)
_mark_orders = statement(
    update(authority_orders)
    .where(authority_orders.c.case_id == bindparam("wanted"))
    .values(evidence_key_id=bindparam("new_key_id"), preserve_until=bindparam("until"))
)


# Sealing and opening


def snapshot_name(hash_: str) -> str:
    """What the content of a snapshot is bound to."""
    return f"snapshot {hash_}"


def quarantine_name(status_id: int) -> str:
    """What the content of a quarantined status is bound to."""
    return f"quarantine {status_id}"


def needs_key(lane: Lane) -> bool:
    """Whether what belongs to a case of this lane is sealed under a key of its own from its beginning."""
    return lane == "S0"


def seal_for_case(
    tx: Transaction, site: Site, case_id: int, lane: Lane, name: str, value: bytes
) -> tuple[bytes, str]:
    """Seal something that belongs to a case: what it became, and the id of its key (empty: the data key)."""
    key = find_or_plan_key(tx, site, case_id) if needs_key(lane) else find_key(tx, site, case_id)
    if key is None:
        return keys.seal(site.data_key, name, value), ""
    return keys.seal(key.key, name, value), key.id


def seal_for_measure(
    tx: Transaction, site: Site, measure_id: int, name: str, value: bytes
) -> tuple[bytes, str]:
    """Seal what a measure took away: what it became, and the id of its key (empty: the data key)."""
    case: Any = tx.one(_case_of_measure, wanted=measure_id)
    return seal_for_case(tx, site, case.id, case.lane, name, value)


def open_evidence(tx: Transaction, site: Site, name: str, content: bytes | None, key_id: str) -> bytes:
    """What was sealed. Raises Erased, KeyMissing. Asking for permission is up to the caller."""
    if not content:
        raise Erased
    content = bytes(content)
    if not key_id:
        return keys.unseal(site.data_key, name, content)
    row = tx.one(KEY, wanted=key_id)
    if row is not None and row.erase_asked_at is not None:
        raise Erased
    key = site.evidence_keys.find(key_id)
    if key is None:
        raise KeyMissing
    return keys.unseal(key, name, content)


# Keys


def find_key(tx: Transaction, site: Site, case_id: int) -> EvidenceKey | None:
    """The key of a case that is preserved; None when it is not, or its key is not on this machine."""
    for key_id in tx.values(_of_case, case_id=case_id):
        key = site.evidence_keys.find(key_id)
        if key is not None:
            return EvidenceKey(key_id, key)
    return None


def find_or_plan_key(
    tx: Transaction, site: Site, case_id: int, until: int | None = None, reason: str = ""
) -> EvidenceKey:
    """The key of a case; a spare one becomes its own when it has none, to be erased at `until`.

    When more is asked for at once than lies ready, one is made on this disk, and reaches the reeds a moment
    after the commit. Raises Unavailable when it cannot be written.
    """
    key = find_key(tx, site, case_id)
    if key is not None:
        return key
    until = until or tx.now + PRESERVE
    key = _take_spare(tx, site, case_id, until)
    if key is None:
        key = site.evidence_keys.make()
        add_key(tx, site, key, case_id, until)
    _begin(tx, key.id, case_id, until, reason)
    return key


def _begin(tx: Transaction, key_id: str, case_id: int, until: int, reason: str) -> None:
    """A key has become a case's own."""
    add_job(tx, END, KeyJob(key_id), run_at=until)
    add_job(tx, CARRY, {})
    number = tx.value(_number, wanted=case_id)
    log.append(tx, "preserved", {"case": number, "key": key_id, "reason": reason, "until": until})


def _take_spare(tx: Transaction, site: Site, case_id: int, until: int) -> EvidenceKey | None:
    for key_id in tx.values(_spares):
        # One that this machine has lost, or never had, is left to whoever has it.
        key = site.evidence_keys.find(key_id)
        if key is not None:
            tx.run(_take, wanted=key_id, new_case_id=case_id, until=until)
            return EvidenceKey(key_id, key)
    return None


def add_key(
    tx: Transaction, site: Site, key: EvidenceKey, case_id: int | None = None, until: int = 0
) -> None:
    """List a key that is on this disk: a case's own, or a spare one."""
    held = {site.evidence_keys.machine_id: Held(tx.now)}
    tx.run(
        _add,
        id=key.id,
        case_id=case_id,
        digest=digest_of(key.key),
        made_at=tx.now,
        preserve_until=until,
        machines=msgspec.json.encode(held).decode(),
    )


def list_spares(tx: Transaction) -> list[str]:
    """The keys that lie ready, by their ids; this machine may lack some."""
    return tx.values(_spare_ids)


def digest_of(key: bytes) -> str:
    """What a key is known by; nobody finds the key from it."""
    return hashlib.sha256(key).hexdigest()


# Preserving


def preserve_case(
    tx: Transaction,
    site: Site,
    case_id: int,
    key: EvidenceKey | None = None,
    until: int | None = None,
    reason: str = "",
) -> str:
    """Keep the evidence of a case until then, under a key of its own, and its media with it; the key's id.

    May be asked again: what has come since is sealed too, and the time is only ever lengthened. `key`: one
    that was made for it; by default the case's own or a spare one.
    """
    if key is None:
        key = find_or_plan_key(tx, site, case_id, until, reason)
    else:
        add_key(tx, site, key, case_id, until or tx.now + PRESERVE)
        _begin(tx, key.id, case_id, until or tx.now + PRESERVE, reason)
    if until:
        extend(tx, key.id, until)
    for row in tx.all(_plain_snapshots, case_id=case_id):
        tx.run(
            SEAL_SNAPSHOT,
            wanted=row.id,
            new_key_id=key.id,
            sealed=_reseal(site, key, snapshot_name(row.hash), row),
        )
    for row in tx.all(_plain_quarantine, case_id=case_id):
        name = quarantine_name(row.status_id)
        tx.run(SEAL_QUARANTINE, wanted=row.id, new_key_id=key.id, sealed=_reseal(site, key, name, row))
    tx.run(_mark_orders, wanted=case_id, new_key_id=key.id, until=find_row(tx, key.id).preserve_until)
    add_job(tx, MEDIA, KeyJob(key.id))
    return key.id


def _reseal(site: Site, key: EvidenceKey, name: str, row: Any) -> bytes:
    content = bytes(row.content)
    return keys.seal(key.key, name, keys.unseal(site.data_key, name, content) if content else b"")


def extend(tx: Transaction, key_id: str, until: int) -> None:
    """Keep what is under a key longer; never shorter. Raises NotFound, Erased."""
    row = find_row(tx, key_id)
    if row.erase_asked_at is not None:
        raise Erased
    if tx.run(_extend, wanted=key_id, until=until):
        _begin(tx, key_id, row.case_id, until, "extended")


def find_row(tx: Transaction, key_id: str) -> Any:
    """The row of a key. Raises NotFound."""
    row = tx.one(KEY, wanted=key_id)
    if row is None:
        raise NotFound
    return row
