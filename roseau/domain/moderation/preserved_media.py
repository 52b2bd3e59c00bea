"""Media of preserved cases: a blob of ciphertext under the case's evidence key, and in the end no original.

The original goes once the removal is final, rests on a law and nobody else shows the picture; should the
removal be reversed after that, it is made again from the sealed one. Copies that a backup or vault took of it
before stay there for as long as those are kept.
"""

import asyncio

import msgspec
from sqlalchemy import bindparam, exists, literal, select, update

from roseau.domain import events
from roseau.domain.media.naming import list_in_history_of
from roseau.domain.media.pictures import Workshop
from roseau.domain.moderation.cases.access import is_handed_to
from roseau.domain.moderation.evidence import LIVE, MEDIA, KeyJob
from roseau.domain.moderation.team.permissions import require
from roseau.domain.moderation.vocabulary import UNDO
from roseau.domain.site import Site
from roseau.kernel import clock, keys
from roseau.kernel.errors import Unavailable
from roseau.storage.blobs import is_name
from roseau.storage.database import Transaction
from roseau.storage.jobs import add_job
from roseau.storage.schema.cases import decision_ends, decisions, measure_ends, measures
from roseau.storage.schema.media import media_attachments
from roseau.storage.schema.notices import (
    evidence_keys,
    notice_items,
    preserved_media,
    snapshots,
    withheld_blobs,
)
from roseau.storage.statements import statement, upsert
from roseau.storage.stores import Missing, StoreAway
from roseau.storage.stores.copies import Blobs

#: What a sealed blob is called after its name.
EXTENSION = "enc"
#: So long after the end of the undo window originals are looked at.
MARGIN = 5 * clock.SECOND

_media = statement(
    select(snapshots.c.media)
    .distinct()
    .join(notice_items, notice_items.c.snapshot_id == snapshots.c.id)
    .join(evidence_keys, evidence_keys.c.case_id == notice_items.c.case_id)
    .where(evidence_keys.c.id == bindparam("key_id"), LIVE, snapshots.c.media != "[]")
)
_attached = statement(
    select(media_attachments.c.file, media_attachments.c.small_file)
    .join(notice_items, notice_items.c.status_id == media_attachments.c.status_id)
    .join(evidence_keys, evidence_keys.c.case_id == notice_items.c.case_id)
    .where(evidence_keys.c.id == bindparam("key_id"), LIVE)
)
_statuses = statement(
    select(notice_items.c.status_id)
    .distinct()
    .join(evidence_keys, evidence_keys.c.case_id == notice_items.c.case_id)
    .where(evidence_keys.c.id == bindparam("key_id"), LIVE, notice_items.c.status_id.is_not(None))
)
_copies = statement(
    select(preserved_media.c.key_id, preserved_media.c.sealed_blob).where(
        preserved_media.c.blob == bindparam("blob")
    )
)
_live_copies = statement(
    select(preserved_media.c.key_id, preserved_media.c.sealed_blob)
    .join(evidence_keys, evidence_keys.c.id == preserved_media.c.key_id)
    .where(preserved_media.c.blob == bindparam("blob"), LIVE)
)
_sealed = statement(select(preserved_media.c.blob).where(preserved_media.c.key_id == bindparam("key_id")))
_add = statement(
    upsert(preserved_media)
    .values({name: bindparam(name) for name in ("key_id", "blob", "sealed_blob", "at")})
    .on_conflict_do_nothing()
)
_final = exists(
    select(literal(1))
    .select_from(
        withheld_blobs.join(measures, measures.c.id == withheld_blobs.c.measure_id)
        .join(decisions, decisions.c.id == measures.c.decision_id)
        .outerjoin(decision_ends, decision_ends.c.decision_id == decisions.c.id)
        .outerjoin(measure_ends, measure_ends.c.measure_id == measures.c.id)
    )
    .where(
        withheld_blobs.c.blob == preserved_media.c.blob,
        measures.c.kind == "remove",
        decisions.c.ground == "law",
        decisions.c.undo_until <= bindparam("now"),
        decision_ends.c.decision_id.is_(None),
        measure_ends.c.measure_id.is_(None),
    )
)
_held_back = exists(select(literal(1)).where(withheld_blobs.c.blob == preserved_media.c.blob))
_droppable = statement(
    select(preserved_media.c.blob).where(
        preserved_media.c.key_id == bindparam("key_id"), preserved_media.c.dropped_at.is_(None), _final
    )
)
_missed = statement(
    select(preserved_media.c.blob, preserved_media.c.sealed_blob).where(
        preserved_media.c.key_id == bindparam("key_id"),
        preserved_media.c.dropped_at.is_not(None),
        ~_held_back,
    )
)
_drop = statement(
    update(preserved_media)
    .where(preserved_media.c.blob == bindparam("wanted"))
    .values(dropped_at=bindparam("since"))
)
_in_use = statement(select(evidence_keys.c.id).where(evidence_keys.c.case_id.is_not(None), LIVE))
_keys_of_status = statement(
    select(evidence_keys.c.id)
    .distinct()
    .join(notice_items, notice_items.c.case_id == evidence_keys.c.case_id)
    .where(notice_items.c.status_id == bindparam("status_id"), LIVE)
)


def look_after_media(tx: Transaction, site: Site, event: events.StatusHidden | events.StatusRestored) -> None:
    """Have the media of a preserved status dropped when its removal is final, or brought back."""
    later = UNDO + MARGIN if isinstance(event, events.StatusHidden) else 0
    for key_id in tx.values(_keys_of_status, status_id=event.status_id):
        dedupe = f"{MEDIA}:{key_id}:{event.status_id}:{later}"
        add_job(tx, MEDIA, KeyJob(key_id), run_at=tx.now + later, dedupe=dedupe)


def look_after_all(tx: Transaction) -> None:
    """The same for all that is preserved: should a key have been away when its job was done."""
    for key_id in tx.values(_in_use):
        add_job(tx, MEDIA, KeyJob(key_id), dedupe=f"{MEDIA}:{key_id}")


async def settle_media(workshop: Workshop, site: Site, payload: bytes) -> None:
    """The job: seal what a case shows, drop what is removed for good, bring back what was restored."""
    key_id = msgspec.json.decode(payload, type=KeyJob).key_id
    key = site.evidence_keys.find(key_id)
    if key is None:
        # Erased, and then there is nothing to do; or on its way here, and then the next sweep comes by.
        return
    for blob in await workshop.database.scan(_list_to_seal, key_id):
        await _seal(workshop, site, key_id, key, blob)
    for blob in await workshop.database.scan(_list_droppable, key_id):
        # Noted first: a blob that is noted as dropped and is still there does no harm.
        await workshop.database.write(_note_dropped, blob, clock.now())
        await asyncio.to_thread(workshop.blobs.remove, blob)
    for blob, sealed_blob in await workshop.database.scan(_list_missed, key_id):
        await open_media(workshop, key_id, key, blob, sealed_blob)
        await workshop.database.write(_note_dropped, blob, None)


def _list_to_seal(tx: Transaction, key_id: str) -> list[str]:
    sealed = set(tx.values(_sealed, key_id=key_id))
    shown = {name for media in tx.values(_media, key_id=key_id) for name in msgspec.json.decode(media)}
    # A post that was removed before shows nothing in its snapshot, and has its media still.
    shown |= {name for row in tx.all(_attached, key_id=key_id) for name in row}
    for status_id in tx.values(_statuses, key_id=key_id):
        shown |= list_in_history_of(tx, status_id)
    return sorted(name for name in shown - sealed if is_name(name))


def _list_droppable(tx: Transaction, key_id: str) -> list[str]:
    return tx.values(_droppable, key_id=key_id, now=tx.now)


def _list_missed(tx: Transaction, key_id: str) -> list[tuple[str, str]]:
    return [(row.blob, row.sealed_blob) for row in tx.all(_missed, key_id=key_id)]


def _note_dropped(tx: Transaction, blob: str, since: int | None) -> None:
    tx.run(_drop, wanted=blob, since=since)


async def _seal(workshop: Workshop, site: Site, key_id: str, key: bytes, blob: str) -> None:
    if not await asyncio.to_thread(_is_there, workshop, blob):
        # Dropped for another case, which has it sealed. One that is nowhere cannot be kept; the snapshot has
        # its description and its hash.
        for other, sealed_blob in await workshop.database.scan(_list_copies, blob):
            other_key = site.evidence_keys.find(other)
            if other_key is not None:
                await open_media(workshop, other, other_key, blob, sealed_blob)
                break
        else:
            return
    sealed_blob = await asyncio.to_thread(_seal_now, workshop, key_id, key, blob)
    await workshop.database.write(_note_sealed, key_id, blob, sealed_blob)


def _is_there(workshop: Workshop, blob: str) -> bool:
    try:
        workshop.blobs.bring(blob)
    except Missing:
        return False
    except StoreAway as error:
        raise Unavailable from error
    return True


def _seal_now(workshop: Workshop, key_id: str, key: bytes, blob: str) -> str:
    data = workshop.blobs.path_of(blob).read_bytes()
    return workshop.blobs.put_bytes(keys.seal(key, _name(key_id, blob), data), EXTENSION)


def _list_copies(tx: Transaction, blob: str) -> list[tuple[str, str]]:
    return [(row.key_id, row.sealed_blob) for row in tx.all(_copies, blob=blob)]


def _note_sealed(tx: Transaction, key_id: str, blob: str, sealed_blob: str) -> None:
    tx.run(_add, key_id=key_id, blob=blob, sealed_blob=sealed_blob, at=tx.now)


async def open_media(workshop: Workshop, key_id: str, key: bytes, blob: str, sealed_blob: str) -> None:
    """Make an original again from its sealed blob. Raises Missing, StoreAway, Unsealable, Unavailable."""
    data = await asyncio.to_thread(_read_sealed, workshop.blobs, key_id, key, blob, sealed_blob)
    await asyncio.to_thread(workshop.blobs.put_bytes, data, blob.rpartition(".")[2])


def _read_sealed(blobs: Blobs, key_id: str, key: bytes, blob: str, sealed_blob: str) -> bytes:
    return keys.unseal(key, _name(key_id, blob), blobs.bring(sealed_blob).read_bytes())


def list_sealed(tx: Transaction, viewer_id: int, case_id: int, blob: str) -> list[tuple[str, str]]:
    """The sealed copies of a blob that somebody looks at in a case: key, name of the sealed blob.

    Callers have made sure that a snapshot that shows it was opened (`looking.find_looked_at`). Raises
    Forbidden.
    """
    if not is_handed_to(tx, case_id, viewer_id):
        require(tx, viewer_id, "open_evidence")
    return [(row.key_id, row.sealed_blob) for row in tx.all(_live_copies, blob=blob)]


async def read_media(blobs: Blobs, site: Site, blob: str, copies: list[tuple[str, str]]) -> bytes:
    """What a sealed copy shows; nothing is unsealed on disk. Raises Missing, StoreAway, Unsealable."""
    for key_id, sealed_blob in copies:
        key = site.evidence_keys.find(key_id)
        if key is not None:
            return await asyncio.to_thread(_read_sealed, blobs, key_id, key, blob, sealed_blob)
    raise Missing(blob)


def _name(key_id: str, blob: str) -> str:
    return f"evidence-media {key_id} {blob}"
