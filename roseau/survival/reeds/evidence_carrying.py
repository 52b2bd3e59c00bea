"""The primary's side of evidence keys on reeds: one conversation with a reed, about what it is to have."""

import asyncio
import ssl
from collections.abc import Iterator, Sequence
from typing import Protocol

from roseau.kernel.keys import Unsealable
from roseau.survival.reeds import messages, wire
from roseau.survival.reeds.evidence_keeping import open_key, seal_key
from roseau.survival.reeds.identity import Identity
from roseau.survival.reeds.roster import Machine
from roseau.survival.reeds.wire import Line
from roseau.survival.standing import KeyErrand, KeysFound, NotReached

ANSWER_SECONDS = 5.0
#: Keys in one message.
_AT_ONCE = 1000


class Reigning(Protocol):
    """What a conversation needs of the shipper."""

    identity: Identity
    epoch: int

    def is_settled(self) -> bool:
        """Whether nobody else can reign in this epoch or has to agree to it yet."""
        ...


async def carry_keys(origin: Reigning, machine: Machine, errand: KeyErrand) -> KeysFound:
    """Do an errand on a reed; what it holds afterwards. Raises NotReached; an older reed knows no errands."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            line = await wire.call(origin.identity, machine, origin.epoch, "evidence")
            try:
                return await _converse(origin, machine, errand, line)
            finally:
                line.close()
    except (wire.Overtaken, wire.Refused, OSError, ssl.SSLError, ValueError) as error:
        raise NotReached(f"{machine.name}: {error or type(error).__name__}") from error


async def _converse(origin: Reigning, machine: Machine, errand: KeyErrand, line: Line) -> KeysFound:
    given: dict[str, bytes] = {}
    for ids in _by_many(errand.get):
        answer = await line.ask(messages.KeysGet(epoch=origin.epoch, ids=ids), messages.KeysPut)
        for key_id, value in answer.keys.items():
            try:
                given[key_id] = open_key(origin.identity.sealing_private, key_id, value)
            except Unsealable as error:
                raise wire.Broken("it gave back what is not sealed for this machine") from error
    # The first one asks for the list, if nothing else.
    puts = list(_by_many(list(errand.put))) or [[]]
    for ids in puts:
        sealed = {key_id: seal_key(machine.sealing_key, key_id, errand.put[key_id]) for key_id in ids}
        held = await line.ask(messages.KeysPut(epoch=origin.epoch, keys=sealed), messages.KeysHeld)
    if origin.is_settled():
        for ids in _by_many(errand.erase):
            held = await line.ask(messages.KeysErase(epoch=origin.epoch, ids=ids), messages.KeysHeld)
    return KeysFound(frozenset(held.ids), frozenset(held.gone), given)


def _by_many(ids: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), _AT_ONCE):
        yield list(ids[start : start + _AT_ONCE])
