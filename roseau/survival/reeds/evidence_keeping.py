"""Evidence keys on a reed: it keeps those that the primary gives it, and destroys those that are to go.

They lie in `evidence/`, exactly as on the primary, so that a promoted reed has them in place. Only the
machine that ships to this one is answered. A key is destroyed when the primary says so and the reed's own
copy of the database does too: a primary that lost its keys or its mind ends none.
"""

import asyncio
import logging
from contextlib import closing

import apsw

from roseau.kernel.errors import Unavailable
from roseau.kernel.keys import Unsealable
from roseau.kernel.sealing import seal_for, unseal_with
from roseau.storage.evidence_keys import EvidenceKeys, is_id
from roseau.survival.reeds import messages, wire
from roseau.survival.reeds.files import open_reading
from roseau.survival.reeds.messages import Message
from roseau.survival.reeds.reed import Reed
from roseau.survival.reeds.wire import Line

log = logging.getLogger("roseau.survival")

_TO_ERASE = "SELECT id FROM evidence_keys WHERE erase_asked_at IS NOT NULL"


class EvidenceKeeper:
    """Answers what the primary asks of a reed about evidence keys; `answer` is its `Reed.evidence`."""

    def __init__(self, reed: Reed) -> None:
        self._reed = reed
        self._keys = EvidenceKeys(reed.folder)

    async def answer(self, line: Line, message: Message, body: bytes) -> bool:
        """Do what is asked; False when it has nothing to do with keys. Raises ConnectionError, OSError."""
        match message:
            case messages.KeysPut() | messages.KeysGet() | messages.KeysErase():
                if not self._is_shipped_by(line, message.epoch):
                    await line.send(self._reed.superseded(message.epoch))
                    return True
            case _:
                return False
        match message:
            case messages.KeysPut(keys=sealed):
                problem = await asyncio.to_thread(self._keep, sealed)
                if problem:
                    await line.send(messages.Refusal(reason=problem))
                    return True
            case messages.KeysErase(ids=ids):
                await self._erase([_checked(key_id) for key_id in ids])
            case messages.KeysGet(ids=ids):
                given = await asyncio.to_thread(self._give, line.machine_id, [_checked(one) for one in ids])
                await line.send(messages.KeysPut(epoch=message.epoch, keys=given))
                return True
        await line.send(await asyncio.to_thread(self._list))
        return True

    def _is_shipped_by(self, line: Line, epoch: int) -> bool:
        """Whether the caller is the machine whose log this reed takes, in no lower epoch than it promised.

        It may be a higher one: who counts changes without a new promise of those who did not count before.
        """
        shipping = self._reed.primary
        promised = self._reed.state.promised
        return shipping is not None and shipping.machine_id == line.machine_id and epoch >= promised

    def _list(self) -> messages.KeysHeld:
        return messages.KeysHeld(ids=self._keys.list_ids(), gone=self._keys.list_gone())

    def _keep(self, sealed: dict[str, bytes]) -> str:
        """Keep keys that came; why not, if they cannot be."""
        for key_id, value in sealed.items():
            try:
                self._keys.put(_checked(key_id), open_key(self._reed.identity.sealing_private, key_id, value))
            except Unsealable:
                return "an evidence key was not sealed for this machine"
            except Unavailable:
                return "it cannot save evidence keys"
        return ""

    def _give(self, machine_id: str, ids: list[str]) -> dict[str, bytes]:
        machine = self._reed.state.roster.find(machine_id)
        found = {key_id: self._keys.find(key_id) for key_id in ids}
        if machine is None:
            return {}
        return {one: seal_key(machine.sealing_key, one, key) for one, key in found.items() if key is not None}

    async def _erase(self, ids: list[str]) -> None:
        agreed = await self._reed.on_disk(self._list_to_erase)
        for key_id in ids:
            if key_id in agreed:
                await asyncio.to_thread(self._keys.erase, key_id)
                log.warning("evidence_key_destroyed id=%s", key_id)
            else:
                log.warning("evidence_key_kept id=%s reason=%r", key_id, "this copy does not say so")

    def _list_to_erase(self) -> set[str]:
        """What this reed's own copy of the database says; nothing when it cannot be read."""
        database = self._reed.standby.database
        if not database.exists():
            return set()
        try:
            with closing(open_reading(database)) as connection:
                return {str(row[0]) for row in connection.execute(_TO_ERASE)}
        except apsw.Error:
            return set()


def seal_key(public: bytes, key_id: str, key: bytes) -> bytes:
    """A key on its way to a machine."""
    return seal_for(public, f"evidence-key {key_id}", key)


def open_key(private: bytes, key_id: str, sealed: bytes) -> bytes:
    """A key that came. Raises Unsealable."""
    return unseal_with(private, f"evidence-key {key_id}", sealed)


def _checked(key_id: str) -> str:
    if not is_id(key_id):
        raise wire.Broken(f"{key_id!r} is not the id of an evidence key")
    return key_id
