"""What keeps the reeds, for tests of pages: a standing of the test's own, and what was asked of it."""

from typing import Any

import msgspec

from roseau.kernel.errors import Unavailable
from roseau.survival.standing import KeyErrand, KeysFound, LinkStanding, NotReached, Standing


def reed(name: str = "paul", **more: Any) -> LinkStanding:
    """A reed that has everything."""
    given: dict[str, Any] = {
        "machine_id": f"id-{name}",
        "name": name,
        "address": f"{name}.test:7443",
        "counted": True,
        "state": "following",
        "number": 41,
    }
    return LinkStanding(**(given | more))


HOLDING = Standing(
    role="primary", epoch=3, number=41, acknowledged=41, needed=1, counted=1, answering=1, reeds=[reed()]
)
SILENT = reed("annexe", state="silent", behind_commits=12, behind_bytes=4_096, reason="No route to it.")
MISSING = msgspec.structs.replace(HOLDING, counted=2, reeds=[reed(), SILENT])
REFUSED = msgspec.structs.replace(HOLDING, answering=0, writable=False, reeds=[SILENT])
SUPERSEDED = Standing(role="superseded", superseded_by="paul", writable=False)


class Reeds:
    """What keeps the reeds, as far as the pages know it."""

    def __init__(self, standing: Standing) -> None:
        self.now = standing
        self.asked: list[str] = []
        self.fails: Unavailable | None = None

    def standing(self) -> Standing:
        return self.now

    def close(self) -> None:
        self.asked.append("close")

    def list_keepers(self) -> list[str]:
        return []

    async def carry_keys(self, machine_id: str, errand: KeyErrand) -> KeysFound:
        raise NotReached(machine_id)

    async def rehearse(self) -> None:
        self.asked.append("rehearse")
        if self.fails:
            raise self.fails

    async def switch(self, machine_id: str) -> None:
        self.asked.append(machine_id)
        if self.fails:
            raise self.fails
