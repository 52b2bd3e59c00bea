"""store-loss: one of two places for pictures is wiped while people upload, and then the other."""

from pathlib import Path

from roseau.drill.checking import check_pictures
from roseau.drill.running import Scenario
from roseau.drill.sites import Site
from roseau.drill.stage import Stage
from roseau.storage.stores.folder import MARK


async def play(stage: Stage) -> None:
    """Wipe one store; every picture is readable; mend; wipe the other; every picture is readable."""
    further = stage.folder / "store"
    further.mkdir()
    primary = await stage.open_primary(media_stores=str(further), media_copies="2")
    await stage.load()
    await stage.until(lambda: sum(1 for _ in stage.ledger.of("upload")) >= 5, "5 pictures")
    stores = [primary.data / "media", further]
    stage.source.shuffle(stores)
    for store in stores:
        wipe(store)
        await _all_readable(stage, f"after {store.name} was wiped")
        await mend(primary)
    await stage.more_writes(20)


async def _all_readable(stage: Stage, when: str) -> None:
    findings = await check_pictures(stage.ledger, stage.crowd.road, stage.crowd.members)
    stage.faults += [f"{when}: {loss}" for loss in findings.lost] + findings.faults


async def mend(site: Site) -> None:
    """Have every picture copied back to where it is missing, and see that none is."""
    await site.succeed("media", "verify", "--repair")
    await site.succeed("media", "verify")


def wipe(store: Path) -> None:
    """Take every file out of a store but the mark by which Roseau knows the disk again.

    A further store without its mark counts as a disk that is not mounted, until the operator says otherwise.
    """
    for path in list(store.rglob("*")):
        if path.is_file() and path.name != MARK:
            # Meanwhile pictures come and go: what is written aside may have been put in its place.
            path.unlink(missing_ok=True)


SCENARIO = Scenario(
    "store-loss", 0, 0, "One of two stores for pictures is wiped, then the other; all stay readable.", play
)
