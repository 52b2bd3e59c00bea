"""What a scenario plays on: machines, members who write, the moment at which it happens, and the verdict."""

import asyncio
import random
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from roseau.drill.checking import check
from roseau.drill.client import Caller, Road, Unanswered
from roseau.drill.failure import DrillFailed
from roseau.drill.ledger import Entry, Ledger
from roseau.drill.load import MEMBERS, Load
from roseau.drill.members import Application, Member, seed
from roseau.drill.network import Network
from roseau.drill.processes import PATIENCE
from roseau.drill.sites import Site
from roseau.survival.standing import Standing

_LOOK = 0.02
_ASK_AGAIN = 0.1
#: Writes that have to be acknowledged before anything happens; it happens up to so many seconds later.
_WARM, _LATEST = 40, 1.5


def reed_names(count: int) -> list[str]:
    """What the reeds are called."""
    return [f"reed{number}" for number in range(1, count + 1)]


class Crowd(msgspec.Struct, frozen=True):
    """Those who have accounts, the way they take to the site, and the application that they let in."""

    road: Road
    members: list[Member]
    application: Application


class Verdict(msgspec.Struct, frozen=True):
    """How many acknowledged writes are lost, and the milliseconds that they span."""

    lost: int
    rpo: float


class Stage:
    """One run."""

    def __init__(
        self,
        network: Network,
        folder: Path,
        source: random.Random,
        rate: float,
        copy_of: Path | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self.network = network
        self.folder = folder
        self.source = source
        self.ledger = Ledger(folder / "ledger.jsonl")
        self.faults: list[str] = []
        #: When the site was struck, in monotonic seconds; the time to recovery counts from here.
        self.struck_at: float | None = None
        #: Nothing breaks: what counts is the longest pause after the strike.
        self.planned = False
        #: What was acknowledged after this moment may be missing: a vault promises nothing.
        self.may_lose_after: float | None = None
        self.patience = patience
        self._rate = rate
        self._copy_of = copy_of
        self._sites: list[Site] = []
        self._crowd: Crowd | None = None
        self._load: Load | None = None

    # Sites and members

    def site(self, name: str, **settings: str) -> Site:
        """A new machine, on which nothing runs yet."""
        site = Site(self.network.place(name), self.network, self.folder, settings)
        self._sites.append(site)
        return site

    async def open_primary(self, **settings: str) -> Site:
        """A machine with a site that runs, and members who have accounts on it."""
        site = self.site("primary", **settings)
        await site.init(self._copy_of)
        await site.serve()
        self._crowd = Crowd(Road(site.web), *await seed(site.data, MEMBERS))
        return site

    @property
    def crowd(self) -> Crowd:
        """The members. Raises DrillFailed before there are any."""
        if self._crowd is None:
            raise DrillFailed("nobody has an account yet")
        return self._crowd

    async def add_reeds(self, primary: Site, count: int, **settings: str) -> list[Site]:
        """Machines that are paired with the primary as reeds, and counted."""
        reeds = [self.site(name, **settings) for name in reed_names(count)]
        await asyncio.gather(*(self._pair(primary, reed) for reed in reeds))
        await self.wait_for_reeds(primary, count)
        return reeds

    async def _pair(self, primary: Site, reed: Site) -> None:
        await reed.serve_as_reed(await primary.invite())

    async def wait_for_reeds(self, primary: Site, count: int) -> None:
        """Wait until so many reeds are counted and follow. Raises DrillFailed."""

        def follow(standing: Standing) -> bool:
            return sum(link.counted and link.state == "following" for link in standing.reeds) >= count

        await self._wait_for_standing(primary, follow, f"{count} counted reeds that follow")

    async def wait_until_caught_up(self, primary: Site, reed: Site) -> None:
        """Wait until a reed has what is acknowledged now. Raises DrillFailed."""
        wanted, reed_id = (await primary.standing()).acknowledged, reed.machine_id

        def has_it(standing: Standing) -> bool:
            return any(link.machine_id == reed_id and link.number >= wanted for link in standing.reeds)

        await self._wait_for_standing(primary, has_it, f"any signs of {reed.name} having {wanted}")

    async def _wait_for_standing(self, site: Site, holds: Callable[[Standing], bool], what: str) -> None:
        until = time.monotonic() + self.patience
        while not holds(standing := await site.standing()):
            if time.monotonic() > until:
                raise DrillFailed(f"within {self.patience:.0f} s there were not {what}: {standing}")
            await asyncio.sleep(_ASK_AGAIN)

    async def promote(self, reed: Site) -> None:
        """Make a reed the primary, and tell the members where it is. Raises DrillFailed."""
        await reed.succeed("promote")
        self.crowd.road.move(reed.web)

    # Load

    async def load(self) -> None:
        """Let members write, and wait until that goes well."""
        crowd = self.crowd
        self._load = Load(crowd.road, self.ledger, crowd.members, crowd.application, self.source, self._rate)
        self._load.start()
        await self.more_writes(_WARM)

    async def more_writes(self, count: int, seconds: float = PATIENCE) -> None:
        """Wait until so many more writes are acknowledged. Raises DrillFailed."""
        wanted = self.ledger.count() + count
        await self.until(lambda: self.ledger.count() >= wanted, f"{count} more writes acknowledged", seconds)

    async def until(self, holds: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
        """Wait until something holds. Raises DrillFailed, which says `what` did not."""
        until = time.monotonic() + seconds
        while not holds():
            if self._load is not None:
                self._load.look()
            if time.monotonic() > until:
                raise DrillFailed(f"within {seconds:.0f} s there were not {what}")
            await asyncio.sleep(_LOOK)

    async def random_moment(self) -> None:
        """Wait until nobody knows when."""
        await asyncio.sleep(self.source.uniform(0, _LATEST))

    def strike(self) -> None:
        """Now it happens."""
        self.struck_at = time.monotonic()

    async def recovered(self, seconds: float = 2 * PATIENCE) -> None:
        """Wait until a write is acknowledged that was sent after the strike. Raises DrillFailed."""
        struck = self.struck_at or 0.0
        await self.until(
            lambda: self.ledger.first_acknowledged_after(struck) is not None,
            "any writes acknowledged after the strike",
            seconds,
        )

    def unanswered(self) -> list[Entry]:
        """Requests that were sent after the strike and got no answer, or 5xx."""
        struck = self.struck_at or 0.0
        return [e for e in self.ledger.entries if e.outcome == "unknown" and e.sent_at > struck]

    async def stop_load(self) -> None:
        """Let everybody finish what they are at."""
        if self._load is not None:
            await self._load.stop()
            self._load = None

    async def try_post(self, site: Site) -> int:
        """Post something that is in no ledger; the status of the answer, 0 for none."""
        caller = Caller(Road(site.web))
        try:
            form = {"status": "Is anybody there?"}
            return (await caller.post("/api/v1/statuses", form, token=self.crowd.members[0].token)).status
        except Unanswered:
            return 0
        finally:
            caller.close()

    # The verdict

    def expect(self, holds: bool, sentence: str) -> None:
        """Write a fault down unless something holds."""
        if not holds:
            self.faults.append(sentence)

    async def judge(self) -> Verdict:
        """Stop the load and hold the site against the ledger."""
        await self.stop_load()
        horizon = self.may_lose_after
        findings = await check(self.ledger, self.crowd.road, self.crowd.members, horizon)
        self.faults += [
            str(loss) for loss in findings.lost if not horizon or loss.entry.answered_at < horizon
        ]
        self.faults += findings.faults
        lost = [loss.entry for loss in findings.lost]
        return Verdict(len(lost), self.ledger.measure_loss(lost))

    def time_to_recovery(self) -> float | None:
        """Milliseconds from the strike to the first write acknowledged after it, if there were both.

        Of what was planned: milliseconds of the longest pause in acknowledgements.
        """
        if self.struck_at is None:
            return None
        if self.planned:
            return self.ledger.longest_pause(self.struck_at)
        first = self.ledger.first_acknowledged_after(self.struck_at)
        return (first.answered_at - self.struck_at) * 1000 if first else None

    async def close(self) -> None:
        """End the load and every process."""
        try:
            if self._load is not None:
                await self._load.abandon()
        finally:
            for site in self._sites:
                site.end()
            self.ledger.close()
