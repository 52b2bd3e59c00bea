"""Evidence keys on their machines: spare ones are made, reeds get theirs, those to be erased are destroyed.

One round does all of it and may be repeated at any time. It runs when a job says that something has changed,
when a reed comes back, and from time to time.
"""

import asyncio
import logging
import time
from collections.abc import Callable

import msgspec

from roseau.domain.moderation.erasing import end_key, end_keys
from roseau.domain.moderation.evidence import SPARES, KeyJob, add_key, digest_of, list_spares, preserve_case
from roseau.domain.moderation.evidence_places import (
    Key,
    list_keys,
    note_destroyed,
    note_held,
    settle_erasures,
)
from roseau.doors.server import Server
from roseau.kernel.errors import RoseauError
from roseau.storage.database import Transaction
from roseau.storage.evidence_keys import EvidenceKey
from roseau.survival.standing import KeyErrand, NotReached, Survival, condition_of

log = logging.getLogger("roseau.survival")

#: How soon a reed that has come back is seen. A round that was not whole is repeated after as long, then
#: after twice as long each time; one that was is repeated all the same.
LOOK_SECONDS = 2.0
LONGEST_SECONDS = 60.0
WHOLE_SECONDS = 3600.0
#: How long somebody who preserves a case waits for a new key to be on the reeds too.
READY_SECONDS = 2.0


async def keep_evidence(server: Server) -> None:
    """Work until cancelled. Whatever fails is tried again in the next round."""
    met: frozenset[str] | None = None
    again_at, pause = 0.0, LOOK_SECONDS
    while True:
        keepers = frozenset(server.survival.list_keepers() if server.survival else ())
        if keepers != met or time.monotonic() >= again_at:
            pause = LOOK_SECONDS if keepers != met else min(2 * pause, LONGEST_SECONDS)
            met, whole = keepers, False
            try:
                whole = await settle_keys(server)
            except (RoseauError, OSError) as error:
                log.warning("evidence_round_failed error=%r", error)
            again_at = time.monotonic() + (WHOLE_SECONDS if whole else pause)
        await asyncio.sleep(LOOK_SECONDS)


async def carry_keys(server: Server, payload: bytes) -> None:
    """The job: something about the keys has changed."""
    await settle_keys(server)


async def end_evidence(server: Server, payload: bytes) -> None:
    """The job: the time of a key is over."""
    await server.database.write(end_key, server.site, msgspec.json.decode(payload, type=KeyJob).key_id)


async def preserve(server: Server, case_id: int, *, until: int | None = None, reason: str = "") -> str:
    """Preserve a case under a key that is already on the reeds that answer; the key's id."""
    await ready_key(server)
    return await server.database.write(preserve_case, server.site, case_id, until=until, reason=reason)


async def ready_key(server: Server) -> None:
    """Have a spare key lie ready, on the reeds too if they take it in time."""
    if not await server.database.read(_list_usable, server.site.evidence_keys.find):
        working = asyncio.ensure_future(settle_keys(server))
        await asyncio.wait({working}, timeout=READY_SECONDS)
        working.add_done_callback(_drop)


def _drop(done: "asyncio.Future[bool]") -> None:
    # Whoever waited has gone on; the next round says what is wrong.
    if not done.cancelled() and done.exception():
        log.warning("evidence_round_failed error=%r", done.exception())


async def settle_keys(server: Server) -> bool:
    """One round; whether every reed that answers has what it is to have. Raises RoseauError, OSError."""
    if condition_of(server.standing()) in ("refused", "superseded"):
        return False
    await server.database.write(end_keys, server.site)
    await _settle_here(server)
    await _fill_spares(server)
    survival = server.survival
    keepers = survival.list_keepers() if survival else []
    settled = await asyncio.gather(*(_settle_there(server, survival, one) for one in keepers if survival))
    await server.database.write(settle_erasures, server.site)
    return all(settled)


async def _settle_here(server: Server) -> None:
    """Destroy what is to be erased, and say what is here."""
    keys, own = server.site.evidence_keys, server.site.evidence_keys.machine_id
    listed = await server.database.scan(list_keys)
    held = set(await asyncio.to_thread(keys.list_ids))
    to_erase = [key.id for key in listed if key.erase and (key.id in held or key.is_at(own))]
    if to_erase:
        await server.database.write(_reign)
        for key_id in to_erase:
            await asyncio.to_thread(keys.erase, key_id)
            log.warning("evidence_key_destroyed id=%s", key_id)
        await server.database.write(note_destroyed, server.site, own, to_erase)
    news = [key.id for key in listed if not key.erase and key.id in held and not key.is_at(own)]
    if news:
        await server.database.write(note_held, own, news)


async def _fill_spares(server: Server) -> None:
    """Make as many keys as are missing; on this disk before the database lists them."""
    usable = await server.database.read(_list_usable, server.site.evidence_keys.find)
    made = [await asyncio.to_thread(server.site.evidence_keys.make) for _ in range(SPARES - len(usable))]
    if made:
        await server.database.write(_add_spares, server, made)


def _list_usable(tx: Transaction, find: Callable[[str], bytes | None]) -> list[str]:
    return [key_id for key_id in list_spares(tx) if find(key_id) is not None]


def _add_spares(tx: Transaction, server: Server, made: list[EvidenceKey]) -> None:
    for key in made:
        add_key(tx, server.site, key)


def _reign(tx: Transaction) -> None:
    """Nothing: a write is answered when all before it is acknowledged, and refused to who reigns no more."""


async def _settle_there(server: Server, survival: Survival, machine_id: str) -> bool:
    """Let a reed have what it is to have; whether it has."""
    try:
        return await _exchange(server, survival, machine_id)
    except NotReached as error:
        log.info("evidence_not_carried %s", error)
        return False


async def _exchange(server: Server, survival: Survival, machine_id: str) -> bool:
    database, keys = server.database, server.site.evidence_keys
    found = await survival.carry_keys(machine_id, KeyErrand())
    listed = await database.scan(list_keys)
    errand = await asyncio.to_thread(_plan, server, machine_id, listed, found.ids, found.gone)
    if errand.erase:
        await database.write(_reign)
    if errand.put:
        # Before they leave: a machine that might have a key is asked to destroy it.
        await database.write(note_held, machine_id, list(errand.put))
    if errand != KeyErrand():
        found = await survival.carry_keys(machine_id, errand)
    digests = {key.id: key.digest for key in listed}
    for key_id, key in found.given.items():
        if digests.get(key_id) == digest_of(key):
            await asyncio.to_thread(keys.put, key_id, key)
            await database.write(note_held, keys.machine_id, [key_id])
            log.warning("evidence_key_returned id=%s from=%s", key_id, machine_id)
    live = [key for key in listed if not key.erase]
    news = [key.id for key in live if key.id in found.ids and not key.is_at(machine_id)]
    if news:
        await database.write(note_held, machine_id, news)
    destroyed = [key.id for key in listed if key.erase and key.is_at(machine_id) and key.id in found.gone]
    if destroyed:
        await database.write(note_destroyed, server.site, machine_id, destroyed)
    return not any(key.erase and key.id in found.ids for key in listed)


def _plan(
    server: Server, machine_id: str, listed: list[Key], held: frozenset[str], gone: frozenset[str]
) -> KeyErrand:
    """What a reed is to do. What was destroyed there is not sent again, whatever a restored database says."""
    keys = server.site.evidence_keys
    errand = KeyErrand({}, [], [])
    for key in listed:
        if key.erase:
            if key.id in held or (key.is_at(machine_id) and key.id not in gone):
                errand.erase.append(key.id)
            continue
        own = keys.find(key.id)
        if own is None:
            if key.id in held and not keys.is_gone(key.id):
                errand.get.append(key.id)
        elif key.id not in held and key.id not in gone:
            errand.put[key.id] = own
    return errand
