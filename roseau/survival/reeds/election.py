"""Promotion that nobody commands: three reeds or more, when enough of them have lost the primary."""

import asyncio
import logging
import random

from roseau.survival.contract import Position, promises_needed
from roseau.survival.reeds import messages
from roseau.survival.reeds.asking import Answers, ask_all
from roseau.survival.reeds.files import read_copy
from roseau.survival.reeds.reed import Reed

log = logging.getLogger("roseau.survival")

LOOK_SECONDS = 0.5
#: Fewer reeds than that cannot tell a lost primary from a cut line.
FEWEST = 3
#: After a try that came to nothing, another reed may have more luck first.
PAUSE_SECONDS = 2.0


async def wait_for_election(reed: Reed) -> None:
    """Return when this reed ought to become the primary: enough have lost it, and none has a longer log."""
    while True:
        await asyncio.sleep(LOOK_SECONDS * random.uniform(0.8, 1.2))  # noqa: S311
        roster = reed.state.roster
        if not roster.automatic or not reed.lost:
            continue
        membership = (await reed.on_disk(read_copy, reed.standby.database)).membership
        if reed.identity.id not in membership.reeds or len(membership.reeds) < FEWEST:
            continue
        others = [one for one in roster.machines if one.id in membership.reeds and one.id != reed.identity.id]
        answers = await ask_all(reed.identity, others, membership.epoch, messages.Lost(), messages.LostAnswer)
        lost = 1 + sum(answer.lost for answer in answers.promised.values())
        if lost < promises_needed(membership):
            continue
        if _is_longest(reed, answers):
            log.warning("primary_lost agreed=%d of=%d", lost, len(membership.reeds))
            return
        await asyncio.sleep(PAUSE_SECONDS)


def _is_longest(reed: Reed, answers: Answers[messages.LostAnswer]) -> bool:
    """Whether no other reed that has lost the primary is ahead; among equals, ids decide."""
    own = (reed.standby.copy.position, reed.identity.id)
    return all(
        own > (Position(answer.epoch, answer.number), machine_id)
        for machine_id, answer in answers.promised.items()
        if answer.lost
    )
