"""vault-restore: everything is gone but a vault and a further place for pictures."""

import time
from pathlib import Path

from roseau.drill.running import Scenario
from roseau.drill.stage import Stage


async def play(stage: Stage) -> None:
    """Restore on a bare machine; what the vault had got is whole."""
    vault, pictures = stage.folder / "vault", stage.folder / "pictures"
    vault.mkdir()
    pictures.mkdir()
    kept = {"media_stores": str(pictures), "media_copies": "2"}
    primary = await stage.open_primary(vaults=str(vault), **kept)
    listed = (await primary.succeed("recovery", "make")).out
    words = " ".join(line.split()[-1] for line in listed.splitlines())
    await stage.load()
    stage.may_lose_after = time.monotonic()
    # Whatever was acknowledged until now is no later than this commit.
    number = (await primary.standing()).number
    await stage.until(lambda: _newest_in(vault) >= number, "new pieces in the vault", stage.patience)
    await stage.random_moment()
    stage.strike()
    primary.vanish()
    fresh = stage.site("fresh", **kept)
    await fresh.succeed(
        "restore", "--from", str(vault), "--words-from", "-", given=words, seconds=2 * stage.patience
    )
    await fresh.serve()
    stage.crowd.road.move(fresh.web)
    await stage.recovered()


def _newest_in(vault: Path) -> int:
    """Up to which commit the vault has the log; 0 before there is a base copy."""
    if not any(vault.glob("*/*/base/*.sealed")):
        return 0
    return max((int(path.stem.rpartition("-")[2]) for path in vault.glob("*/*/log/*/*.sealed")), default=0)


SCENARIO = Scenario(
    "vault-restore",
    0,
    0,
    "All is gone but a vault and a place for pictures; the site is restored on a bare machine.",
    play,
    others=("fresh",),
)
