"""`roseau drill`: sites of its own, real kills, and every promise checked afterwards."""

import asyncio
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import click
import msgspec

from roseau.cli.groups import Command
from roseau.drill.failure import CannotDrill
from roseau.drill.network import sweep
from roseau.drill.processes import ending_politely
from roseau.drill.running import Options, Outcome, Scenario, Sum, play, sum_up
from roseau.drill.scenarios import SCENARIOS

_FIRST_FAULTS = 5
_SEEDS = 1 << 32


class TextPrinter:
    """For people who watch."""

    def begin(self, scenario: Scenario, seed: int) -> None:
        """A scenario begins."""
        print(f"{scenario.title}, seed {seed}: {scenario.says}", flush=True)

    def run(self, number: int, runs: int, outcome: Outcome) -> None:
        """A run has ended."""
        print(
            f"  run {number} of {runs}, seed {outcome.seed}, {outcome.network}: "
            f"{outcome.acknowledged} acknowledged, {outcome.unanswered} unanswered, {outcome.lost} lost, "
            f"RPO {_ms(outcome.rpo)}, RTO {_ms(outcome.rto)}, {'passed' if outcome.passed else 'FAILED'}"
        )
        for line in _first_faults(outcome):
            print(f"    {line}")
        if outcome.kept:
            print(f"    kept in {outcome.kept}")

    def sum(self, found: Sum) -> None:
        """A scenario has ended."""
        print(
            f"  in sum: {found.acknowledged} acknowledged, {found.unanswered} unanswered, {found.lost} lost, "
            f"RPO {_ms(found.rpo)}, RTO {_ms(found.rto_median)} (median), {_ms(found.rto_worst)} (worst)",
            flush=True,
        )

    def end(self, outcomes: Sequence[Outcome]) -> None:
        """All is done."""
        passed = sum(outcome.passed for outcome in outcomes)
        print(f"{passed} passed, {len(outcomes) - passed} failed", flush=True)


class JsonPrinter(TextPrinter):
    """For programs."""

    def begin(self, scenario: Scenario, seed: int) -> None:
        """The runs say it all."""

    def run(self, number: int, runs: int, outcome: Outcome) -> None:
        """A line for each run."""
        print(msgspec.json.encode(outcome).decode(), flush=True)

    def sum(self, found: Sum) -> None:
        """And one for all of them."""
        print(msgspec.json.encode({"sum": found}).decode(), flush=True)

    def end(self, outcomes: Sequence[Outcome]) -> None:
        """The sums say it all."""


class TablePrinter(TextPrinter):
    """For the documentation; what goes wrong on the way is told on standard error."""

    def begin(self, scenario: Scenario, seed: int) -> None:
        """Rows come when they are full."""

    def run(self, number: int, runs: int, outcome: Outcome) -> None:
        """Only faults."""
        for line in _first_faults(outcome):
            click.echo(f"{outcome.scenario}, seed {outcome.seed}: {line}", err=True)

    def sum(self, found: Sum) -> None:
        """A row."""
        print(
            f"| {found.scenario} | {found.reeds} | {found.needed} | {found.runs} | {found.passed} "
            f"| {found.acknowledged} | {found.lost} | {_ms(found.rpo)} | {_ms(found.rto_median)} "
            f"| {_ms(found.rto_worst)} |",
            flush=True,
        )

    def end(self, outcomes: Sequence[Outcome]) -> None:
        """The rows say it all."""


def _first_faults(outcome: Outcome) -> list[str]:
    more = len(outcome.faults) - _FIRST_FAULTS
    return outcome.faults[:_FIRST_FAULTS] + ([f"and {more} more"] if more > 0 else [])


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f} ms"


@click.command("drill", cls=Command)
@click.option(
    "--scenario",
    "names",
    multiple=True,
    type=click.Choice(["all", *SCENARIOS]),
    required=True,
    help="What happens; may be given several times.",
)
@click.option("--runs", default=1, show_default=True, type=click.IntRange(1), help="How many times.")
@click.option("--seed", type=int, help="Makes the same random moments again.  [default: random, printed]")
@click.option(
    "--net",
    type=click.Choice(["auto", "namespaces", "loopback"]),
    default="auto",
    show_default=True,
    help="Where the sites live: in network namespaces (Linux, root), or on ports of loopback.",
)
@click.option("--delay", default=0.0, metavar="MS", help="Round trip between the sites, in namespaces.")
@click.option("--loss", default=0.0, metavar="SHARE", help="Share of frames lost between them, such as 0.01.")
@click.option("--rate", default=60.0, show_default=True, help="Posts a second that members try to write.")
@click.option(
    "--copy-of",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Play with a copy of this data folder, whose server does not run, instead of an empty site.",
)
@click.option("--keep", is_flag=True, help="Keep the folders, the logs and the ledger, and say where.")
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each run and for the sum.")
@click.option("--table", is_flag=True, help="Print a row of a Markdown table for each scenario instead.")
@click.pass_context
def command(
    context: click.Context,
    names: tuple[str, ...],
    runs: int,
    seed: int | None,
    net: str,
    delay: float,
    loss: float,
    rate: float,
    copy_of: Path | None,
    keep: bool,
    as_json: bool,
    table: bool,
) -> None:
    """Rehearse a disaster on sites that are made for it, and check every promise afterwards.

    Starts a primary and as many reeds as the scenario has, lets members write, strikes at a random moment,
    and then looks for every acknowledged post, picture, favourite, follow, session, token, subscription and
    second factor. Touches no site of yours; `roseau rehearse` does it with a copy of one.

    RPO is the time span of what was acknowledged and lost, RTO the time from the strike to the next
    acknowledged write. Ends with 1 when any run failed.

    \b
    Example:
      roseau drill --scenario host-loss --runs 20
    """
    scenarios = list(SCENARIOS.values()) if "all" in names else [SCENARIOS[name] for name in names]
    options = Options(net, delay, loss, rate, keep, copy_of)
    seed = random.randrange(_SEEDS) if seed is None else seed  # noqa: S311, to be printed, not kept secret
    printer = JsonPrinter() if as_json else TablePrinter() if table else TextPrinter()
    sweep()
    with ending_politely() as check:
        outcomes = [
            outcome
            for scenario in scenarios
            for outcome in _rehearse(scenario, runs, seed, options, printer, check)
        ]
    if not outcomes:
        raise click.ClickException("Nothing could be played on this machine.")
    printer.end(outcomes)
    context.exit(0 if all(outcome.passed for outcome in outcomes) else 1)


def _rehearse(
    scenario: Scenario,
    runs: int,
    seed: int,
    options: Options,
    printer: TextPrinter,
    check: Callable[[], None],
) -> list[Outcome]:
    """Play a scenario so many times, each run with the next seed."""
    printer.begin(scenario, seed)
    outcomes: list[Outcome] = []
    for number in range(runs):
        try:
            outcome = asyncio.run(play(scenario, seed + number, options))
        except CannotDrill as error:
            click.echo(f"{scenario.title} is left out. {error}", err=True)
            return []
        check()
        printer.run(number + 1, runs, outcome)
        outcomes.append(outcome)
    printer.sum(sum_up(scenario, outcomes))
    return outcomes
