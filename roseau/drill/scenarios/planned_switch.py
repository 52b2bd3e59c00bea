"""planned-switch: the operator hands the site over to a reed while members write."""

from roseau.drill.running import Scenario
from roseau.drill.stage import Stage

#: The longest that members may have to wait, in milliseconds.
_LONGEST_PAUSE = 10_000.0


async def play(stage: Stage) -> None:
    """Switch; no request is without an answer, also of members who still come to the old door."""
    primary = await stage.open_primary()
    reeds = await stage.add_reeds(primary, 3)
    await stage.load()
    chosen = stage.source.choice(reeds)
    await stage.random_moment()
    stage.planned = True
    stage.strike()
    await primary.succeed("switch", chosen.name)
    await stage.more_writes(40)
    pause = stage.time_to_recovery() or 0.0
    stage.expect(pause < _LONGEST_PAUSE, f"nothing was acknowledged for {pause:.0f} ms")
    stage.faults += [f"no answer in the switch: {entry}: {entry.why}" for entry in stage.unanswered()]
    stage.crowd.road.move(chosen.web)
    await primary.demote()
    await stage.wait_until_caught_up(chosen, primary)
    await stage.more_writes(20)


SCENARIO = Scenario("planned-switch", 3, 2, "The operator hands the site over to a reed.", play)
