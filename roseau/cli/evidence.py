"""`roseau evidence`: what is preserved for authorities, and its end."""

import click

from roseau.cli.groups import LazyGroup, settings_of
from roseau.cli.working import perform
from roseau.domain.moderation.evidence_desk import Erasure, Keep, Preserved
from roseau.kernel import clock
from roseau.operations import ERASE_EVIDENCE, KEEP_EVIDENCE, LIST_EVIDENCE, Nothing


@click.group("evidence", cls=LazyGroup)
def command() -> None:
    """Keep evidence for authorities, and erase it for good.

    Evidence of orders, letters and danger to life is sealed under a key of its own, which lies in evidence/
    of the data folder and of each reed's, and in no backup or vault. To erase it is to destroy the key.
    """


@command.command("list")
@click.pass_context
def list_(context: click.Context) -> None:
    """List what is preserved: case, key, until when, and how far its erasure has come."""
    for one in perform(settings_of(context), LIST_EVIDENCE, Nothing()):
        print(one.case, one.key_id, clock.to_iso(one.until), _say(one), sep="\t")


@command.command("keep")
@click.argument("case", type=int)
@click.option("--days", type=click.IntRange(1, 3660), default=183, show_default=True, help="From now on.")
@click.pass_context
def keep(context: click.Context, case: int, days: int) -> None:
    """Preserve the evidence of the case with the number CASE; prints its key's id. Never shortens."""
    print(perform(settings_of(context), KEEP_EVIDENCE, Keep(case, days)))


@command.command("erase")
@click.argument("key")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--force", default="", metavar="WHY", help="Although it is still needed; WHY is kept.")
@click.pass_context
def erase(context: click.Context, key: str, yes: bool, force: str) -> None:
    """Erase what is sealed under KEY. Nobody can open it any more, on any machine or in any backup.

    It is refused while the case is open, an appeal waits or is possible, or an order preserves it, unless
    --force says why.
    Machines that are off destroy their copy of the key when they come back; `list` says which those are.
    """
    if not yes:
        click.confirm("This cannot be undone. Erase it?", abort=True, err=True)
    perform(settings_of(context), ERASE_EVIDENCE, Erasure(key, force))


def _say(one: Preserved) -> str:
    said = "kept" if one.here else "kept, and the key is not on this machine"
    if one.erased_at is not None:
        said = f"erased {clock.to_iso(one.erased_at)}"
    elif one.erase_asked_at is not None:
        said = f"erased here, waits for {', '.join(one.waits_for)}" if one.waits_for else "being erased"
    return f"{said}; left with {', '.join(one.left_with)}" if one.left_with else said
