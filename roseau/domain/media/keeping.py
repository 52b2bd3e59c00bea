"""Copies are kept complete while the server runs: what a store has missed reaches it, and checks are done.

Every half minute stores get what they are owed. When a store is counted in and once a day the names in all
stores are compared with those in the database, and whatever a place lacks is fetched or sent: a machine that
was promoted with an empty media folder fills it so. Whole contents are read by a check only (`checking.py`).
"""

import asyncio
import logging
import time
from contextlib import suppress

from roseau.domain.media.checking import do_check, find_waiting_check
from roseau.domain.media.naming import PARTS, list_in_history, list_named
from roseau.domain.media.pictures import Workshop
from roseau.kernel.errors import RoseauError
from roseau.storage.database import Transaction
from roseau.storage.stores import Missing, StoreAway
from roseau.storage.stores.copies import Blobs

log = logging.getLogger("roseau.media")

ROUND_SECONDS = 30.0
#: A check that an operator waits for begins this soon.
LOOK_SECONDS = 1.0
COMPARE_SECONDS = 24 * 3600.0
#: Blobs that are fetched at the same time, and the most in a second, so that members come first.
AT_ONCE = 4
MOST_A_SECOND = 100


async def keep_copies(workshop: Workshop) -> None:
    """Work until cancelled. Whatever fails is tried again in the next round."""
    settle_at = compare_at = time.monotonic()
    while True:
        try:
            check = await workshop.database.read(find_waiting_check)
            if check:
                await do_check(workshop, check)
            if time.monotonic() >= settle_at:
                settle_at = time.monotonic() + ROUND_SECONDS
                await settle(workshop)
            if time.monotonic() >= compare_at or workshop.blobs.fresh:
                workshop.blobs.fresh = False
                compare_at = time.monotonic() + ROUND_SECONDS
                if await compare(workshop):
                    compare_at = time.monotonic() + COMPARE_SECONDS
        except (RoseauError, OSError) as error:
            log.warning("media_round_failed error=%r", error)
            await asyncio.sleep(ROUND_SECONDS)
        await asyncio.sleep(LOOK_SECONDS)


async def settle(workshop: Workshop) -> int:
    """Give the further stores what they missed while they were away; how many blobs that was."""
    removals = await asyncio.to_thread(workshop.blobs.owes_removals)
    if removals:
        # A server that was superseded may delete nothing any more: it would be refused here.
        await workshop.database.write(_reign)
    return await asyncio.to_thread(workshop.blobs.settle, removals=removals)


def _reign(tx: Transaction) -> None:
    """Nothing but a commit that has to be acknowledged."""


async def compare(workshop: Workshop) -> bool:
    """Hold the names in every store against the database, and complete all places; False if one was away.

    Nothing is deleted here: what a store has and the database does not name may be another machine's.
    """
    blobs = workshop.blobs
    if not blobs.lines():
        return True
    whole = True
    history = await workshop.database.scan(list_in_history)
    for line in blobs.lines():
        with suppress(StoreAway):
            await asyncio.to_thread(line.store.check)
    for prefix in PARTS:
        named = await workshop.database.scan(list_named, prefix)
        named |= {name for name in history if name.startswith(prefix)}
        lacking = named - await asyncio.to_thread(_list, blobs, prefix)
        whole &= await _fetch(blobs, sorted(lacking))
        whole &= await asyncio.to_thread(_owe, blobs, prefix, named)
    await settle(workshop)
    return whole


def _list(blobs: Blobs, prefix: str) -> set[str]:
    return set(blobs.names(prefix))


def _owe(blobs: Blobs, prefix: str, named: set[str]) -> bool:
    """Write down what each store lacks of these; False if one is away."""
    whole = True
    for line in blobs.lines():
        try:
            lacking = named - set(line.store.names(prefix))
        except StoreAway as error:
            log.warning("media_store_away %s", error)
            whole = False
            continue
        for name in lacking:
            line.debts.owe(name)
    return whole


async def _fetch(blobs: Blobs, names: list[str]) -> bool:
    """Fetch what the local folder lacks; False if a store that may have some of it was away."""
    whole = True
    for start in range(0, len(names), AT_ONCE):
        began = time.monotonic()
        few = names[start : start + AT_ONCE]
        found = await asyncio.gather(
            *(asyncio.to_thread(blobs.bring, name) for name in few), return_exceptions=True
        )
        for name, result in zip(few, found, strict=True):
            if isinstance(result, Missing):
                log.error("media_lost name=%s", name)
            elif isinstance(result, StoreAway):
                whole = False
            elif isinstance(result, BaseException):
                raise result
        await asyncio.sleep(max(0.0, AT_ONCE / MOST_A_SECOND - (time.monotonic() - began)))
    return whole
