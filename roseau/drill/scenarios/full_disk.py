"""full-disk: the only reed's disk is full, and then the primary's."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

from roseau.drill.client import Caller
from roseau.drill.failure import CannotDrill, DrillFailed
from roseau.drill.running import Scenario
from roseau.drill.sites import Site
from roseau.drill.stage import Stage

_DISK_MEGABYTES = 256
_BLOCK = bytes(64 * 1024)


async def play(stage: Stage) -> None:
    """Fill a disk, see writes refused with 503 and reads answered, empty it, and see writes go on."""
    for name in ("primary", "reed1"):
        mount_small_disk(stage.folder / name)
    primary = await stage.open_primary()
    (reed,) = await stage.add_reeds(primary, 1)
    await stage.load()
    for site in (reed, primary):
        await _fill_and_empty(stage, primary, site)
    await stage.stop_load()
    await stage.wait_until_caught_up(primary, reed)
    primary.vanish()
    await stage.promote(reed)


async def _fill_and_empty(stage: Stage, primary: Site, site: Site) -> None:
    before = _refusals(stage)
    ballast = _fill(site.data.parent)
    await stage.until(lambda: _refusals(stage) > before, f"answers of 503 while {site.name}'s disk is full")
    caller = Caller(stage.crowd.road)
    status = (await caller.get("/api/v2/instance")).status
    caller.close()
    stage.expect(status == 200, f"a read answers {status} while {site.name}'s disk is full")
    ballast.unlink()
    await stage.more_writes(40)
    stage.expect(primary.running.alive and site.running.alive, f"{site.name} ended because its disk was full")


def _refusals(stage: Stage) -> int:
    return sum(entry.why == "answered 503" for entry in stage.ledger.entries)


def mount_small_disk(folder: Path) -> None:
    """Put a small file system there; it goes with the drill's folder. Raises CannotDrill, DrillFailed."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0 or shutil.which("mount") is None:
        raise CannotDrill("A disk that gets full needs a small file system of its own: Linux and root.")
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_MEGABYTES}m", "roseau-drill", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DrillFailed(f"no small file system: {done.stderr.strip()}")


def _fill(folder: Path) -> Path:
    """Leave no room; the file that takes it all."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as output:
        block = _BLOCK
        while block:
            try:
                output.write(block)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                block = block[: len(block) // 2]
    return ballast


SCENARIO = Scenario(
    "full-disk", 1, 1, "The reed's disk is full, then the primary's; then the reed takes over.", play
)
