"""restart: the server is killed and started again on the same disk."""

from roseau.drill.running import Scenario
from roseau.drill.stage import Stage


async def play(stage: Stage) -> None:
    """Kill, start again, write on."""
    primary = await stage.open_primary()
    await stage.load()
    await stage.random_moment()
    stage.strike()
    primary.kill()
    await primary.serve()
    await stage.recovered()
    await stage.more_writes(20)


SCENARIO = Scenario("restart", 0, 0, "The server is killed and started again on the same disk.", play)
