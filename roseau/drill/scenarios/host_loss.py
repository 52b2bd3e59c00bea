"""host-loss, host-loss-one, two-lost, automatic: the primary's host is gone without notice, disk and all."""

from functools import partial

from roseau.drill.running import Scenario
from roseau.drill.stage import Stage


async def play(stage: Stage, reeds: int, *, further: int = 0) -> None:
    """Lose the primary and so many reeds with it; promote one of those that are left."""
    primary = await stage.open_primary()
    standing_by = await stage.add_reeds(primary, reeds)
    await stage.load()
    stage.source.shuffle(standing_by)
    await stage.random_moment()
    stage.strike()
    primary.vanish()
    for reed in standing_by[:further]:
        reed.vanish()
    await stage.promote(standing_by[further])
    await stage.recovered()
    await stage.more_writes(20)


async def play_automatic(stage: Stage) -> None:
    """Lose the primary; nobody types anything."""
    primary = await stage.open_primary(survival_automatic="true")
    reeds = await stage.add_reeds(primary, 3, survival_automatic="true")
    await stage.load()
    await stage.random_moment()
    stage.strike()
    primary.vanish()
    # Members try one address after another, as the names in the site's manifest let them.
    stage.crowd.road.move(*(reed.web for reed in reeds))
    await stage.recovered()
    await stage.more_writes(20)


HOST_LOSS = Scenario(
    "host-loss", 3, 2, "The primary's host is gone with its disk; a reed is promoted.", partial(play, reeds=3)
)
HOST_LOSS_ONE = Scenario(
    "host-loss-one", 1, 1, "The same with a single reed, which is promoted.", partial(play, reeds=1)
)
TWO_LOST = Scenario(
    "two-lost",
    3,
    2,
    "The primary's host and a reed's are gone at once; another reed is promoted.",
    partial(play, reeds=3, further=1),
)
AUTOMATIC = Scenario(
    "automatic", 3, 2, "The primary's host is gone; the reeds promote one of themselves.", play_automatic
)
