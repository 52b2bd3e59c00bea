"""zombie: the primary stands still, a reed is promoted, and the old primary wakes up again."""

import asyncio

from roseau.drill.running import Scenario
from roseau.drill.sites import Site
from roseau.drill.stage import Stage

_ROUNDS, _AT_ONCE, _PAUSE = 3, 4, 0.3


async def play(stage: Stage) -> None:
    """Stop, promote, continue; the old primary acknowledges nothing, says so, and becomes a reed."""
    primary = await stage.open_primary()
    reeds = await stage.add_reeds(primary, 3)
    await stage.load()
    await stage.random_moment()
    stage.strike()
    primary.freeze()
    promoted = stage.source.choice(reeds)
    await stage.promote(promoted)
    await stage.recovered()
    primary.thaw()
    await _probe(stage, primary)
    standing = await primary.standing()
    stage.expect(standing.role == "superseded", f"the old primary says that it is {standing.role}")
    await primary.demote()
    await stage.wait_until_caught_up(promoted, primary)
    await stage.more_writes(20)


async def _probe(stage: Stage, primary: Site) -> None:
    """Try to post at the old primary, at once and a little later."""
    for _ in range(_ROUNDS):
        answers = await asyncio.gather(*(stage.try_post(primary) for _ in range(_AT_ONCE)))
        for status in answers:
            stage.expect(not 200 <= status < 300, f"the old primary acknowledged a post with {status}")
        await asyncio.sleep(_PAUSE)


SCENARIO = Scenario(
    "zombie", 3, 2, "The primary stands still, a reed is promoted, and the primary wakes up again.", play
)
