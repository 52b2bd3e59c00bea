"""Playing a scenario once: the network, the stage, the end of it all, and what came of it."""

import random
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec

from roseau.drill.failure import DrillFailed
from roseau.drill.network import make_folder, open_network, remove_folder
from roseau.drill.processes import PATIENCE
from roseau.drill.stage import Stage, Verdict, reed_names


class Scenario(msgspec.Struct, frozen=True):
    """Something bad that happens to a site with N reeds, K of which acknowledge."""

    name: str
    reeds: int
    needed: int
    says: str
    play: Callable[[Stage], Awaitable[None]]
    #: Machines besides the primary and the reeds.
    others: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The name, with N and K."""
        return f"{self.name} (N={self.reeds}, K={self.needed})"

    @property
    def machines(self) -> list[str]:
        """The names of all machines."""
        return ["primary", *reed_names(self.reeds), *self.others]


class Options(msgspec.Struct, frozen=True):
    """How to play: `delay` is a round trip between the sites (ms), `loss` a share, `rate` posts a second.

    `copy_of`: the data folder of a site that does not run, a copy of which is played with.
    """

    network: str = "auto"
    delay: float = 0.0
    loss: float = 0.0
    rate: float = 60.0
    keep: bool = False
    copy_of: Path | None = None
    #: How long anything may take before the run is given up (seconds): a large copy has its time to travel.
    patience: float = PATIENCE


class Outcome(msgspec.Struct, kw_only=True):
    """What came of a run. Times are milliseconds; `rto` is None where nothing had to be brought back."""

    scenario: str
    reeds: int
    needed: int
    seed: int
    network: str
    acknowledged: int
    unanswered: int
    lost: int
    rpo: float
    rto: float | None
    seconds: float
    faults: list[str]
    #: Where the sites' folders, their logs and the ledger were kept; empty when they were not.
    kept: str

    @property
    def passed(self) -> bool:
        """Whether every promise was kept."""
        return not self.faults


async def play(scenario: Scenario, seed: int, options: Options) -> Outcome:
    """Play a scenario once. Raises CannotDrill where this machine cannot."""
    began = time.monotonic()
    source = random.Random(seed)  # noqa: S311, the moments of a drill are to be found again
    with ExitStack() as stack:
        network = stack.enter_context(
            open_network(options.network, scenario.machines, options.delay, options.loss, seed)
        )
        folder = make_folder()
        stack.callback(_put_away, folder, options.keep)
        stage = Stage(network, folder, source, options.rate, options.copy_of, options.patience)
        verdict = await _act(scenario, stage)
    return Outcome(
        scenario=scenario.name,
        reeds=scenario.reeds,
        needed=scenario.needed,
        seed=seed,
        network=network.kind,
        acknowledged=stage.ledger.count(),
        unanswered=stage.ledger.count("unknown"),
        lost=verdict.lost,
        rpo=verdict.rpo,
        rto=stage.time_to_recovery(),
        seconds=time.monotonic() - began,
        faults=stage.faults + stage.ledger.refusals,
        kept=str(folder) if options.keep else "",
    )


async def _act(scenario: Scenario, stage: Stage) -> Verdict:
    """The run itself; what ends it early is a fault like any other."""
    try:
        await scenario.play(stage)
        return await stage.judge()
    except DrillFailed as failed:
        stage.faults.append(f"the run was given up: {failed}")
        return Verdict(0, 0.0)
    finally:
        await stage.close()


def _put_away(folder: Path, keep: bool) -> None:
    if keep:
        (folder / "keep").touch()
    else:
        remove_folder(folder)


class Sum(msgspec.Struct):
    """A scenario's runs together. Times are milliseconds; RTO is None where nothing was brought back."""

    scenario: str
    reeds: int
    needed: int
    runs: int
    passed: int
    acknowledged: int
    unanswered: int
    lost: int
    rpo: float
    rto_median: float | None
    rto_worst: float | None


def sum_up(scenario: Scenario, outcomes: Sequence[Outcome]) -> Sum:
    """The runs together: losses added, the worst RPO, the median and the worst RTO."""
    times = [outcome.rto for outcome in outcomes if outcome.rto is not None]
    return Sum(
        scenario=scenario.name,
        reeds=scenario.reeds,
        needed=scenario.needed,
        runs=len(outcomes),
        passed=sum(outcome.passed for outcome in outcomes),
        acknowledged=sum(outcome.acknowledged for outcome in outcomes),
        unanswered=sum(outcome.unanswered for outcome in outcomes),
        lost=sum(outcome.lost for outcome in outcomes),
        rpo=max((outcome.rpo for outcome in outcomes), default=0.0),
        rto_median=statistics.median(times) if times else None,
        rto_worst=max(times, default=None),
    )
