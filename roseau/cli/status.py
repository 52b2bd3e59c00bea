"""`roseau status`: how this machine stands, and on the primary the whole site."""

import click
import msgspec

from roseau.cli.groups import Command, settings_of
from roseau.cli.working import steer
from roseau.operations import Nothing
from roseau.steering import STATUS, MachineStanding, Status
from roseau.survival.standing import LinkStanding, Standing


@click.command("status", cls=Command)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """Say how the site stands: who is the primary, which reeds have what, whether posts are accepted.

    Works on the primary and on a reed, while its process runs.
    """
    status = steer(settings_of(context), STATUS, Nothing())
    if as_json:
        print(msgspec.json.encode(status).decode())
    elif status.machine.role == "reed":
        _show_reed(status.machine)
    else:
        _show_primary(status)


def _show_reed(machine: MachineStanding) -> None:
    print(f"{machine.name} is a reed of {machine.primary or 'nobody'}.")
    print(f"It has commit {machine.number} of epoch {machine.epoch}, and has promised {machine.promised}.")
    if machine.problem:
        print(f"It cannot store: {machine.problem}.")
    print("The primary does not answer." if machine.lost else "The primary answers.")


def _show_primary(status: Status) -> None:
    standing = status.standing
    print(_to_sentence(standing))
    print(f"Epoch {standing.epoch}, commit {standing.number}, acknowledged {standing.acknowledged}.")
    for reed in standing.reeds:
        print(f"  {reed.name:20} {_to_words(reed)}")


def _to_sentence(standing: Standing) -> str:
    if standing.role == "superseded":
        return f"{standing.superseded_by} runs the site since. `roseau demote` makes a reed of this machine."
    if standing.role == "alone":
        return "No reed is counted: if this machine is lost, so is everything since the last backup."
    counts = f"{standing.answering} of {standing.counted} reeds answer, {standing.needed} needed"
    return f"All holding: {counts}." if standing.writable else f"Nothing can be written: {counts}."


def _to_words(reed: LinkStanding) -> str:
    words = [reed.state.replace("_", " "), "counted" if reed.counted else "not counted"]
    if reed.behind_commits:
        words.append(f"{reed.behind_commits} commits ({reed.behind_bytes} bytes) behind")
    return ", ".join(words) + (f". {reed.reason}" if reed.reason else "")
