"""slow-reed, reed-returns: a reed stands still or is away, and catches up without stopping anybody."""

from pathlib import Path

from roseau.drill.failure import DrillFailed
from roseau.drill.running import Scenario
from roseau.drill.sites import Site
from roseau.drill.stage import Stage

_MANY = 80
#: Nobody may have to wait longer than that because one reed of three is away, in milliseconds.
_LONGEST_PAUSE = 2500.0
_LOG_BYTES = 2**20


async def play_slow(stage: Stage) -> None:
    """One of three stands still; writes go on; it catches up, and proves it by taking over."""
    primary = await stage.open_primary()
    reeds = await stage.add_reeds(primary, 3)
    await stage.load()
    slow = stage.source.choice(reeds)
    stage.planned = True
    stage.strike()
    slow.freeze()
    await stage.more_writes(_MANY)
    slow.thaw()
    await stage.wait_until_caught_up(primary, slow)
    _judge_pause(stage)
    await _take_over(stage, primary, slow)


async def play_returns(stage: Stage) -> None:
    """One is away while many write and catches up by the log; then for longer than the log is kept."""
    primary = await stage.open_primary(survival_log_bytes=str(_LOG_BYTES))
    reeds = await stage.add_reeds(primary, 3)
    await stage.load()
    away = stage.source.choice(reeds)
    stage.planned = True
    stage.strike()
    away.kill()
    await stage.more_writes(_MANY)
    await away.serve_as_reed()
    await stage.wait_until_caught_up(primary, away)
    number = await _number_of(primary, away)
    away.kill()
    await stage.until(lambda: _oldest_kept(primary.data) > number, "newer files than the reed needs", 60)
    await away.serve_as_reed()
    await stage.wait_until_caught_up(primary, away)
    _judge_pause(stage)
    await _take_over(stage, primary, away)


async def _number_of(primary: Site, reed: Site) -> int:
    for link in (await primary.standing()).reeds:
        if link.machine_id == reed.machine_id:
            return link.number
    raise DrillFailed(f"the primary does not know {reed.name}")


def _oldest_kept(data: Path) -> int:
    """The number before the first commit of which the log is kept."""
    return min((int(path.name.partition("-")[0]) for path in (data / "log").glob("*.wal")), default=0)


def _judge_pause(stage: Stage) -> None:
    pause = stage.ledger.longest_pause(stage.struck_at or 0.0)
    stage.expect(pause < _LONGEST_PAUSE, f"writes paused for {pause:.0f} ms because of one reed of three")


async def _take_over(stage: Stage, primary: Site, reed: Site) -> None:
    await stage.stop_load()
    primary.vanish()
    await stage.promote(reed)


SLOW_REED = Scenario(
    "slow-reed", 3, 2, "A reed stands still for a while, catches up, and then takes over.", play_slow
)
REED_RETURNS = Scenario(
    "reed-returns",
    3,
    2,
    "A reed comes back and catches up by the log, then by a base copy, and then takes over.",
    play_returns,
)
