"""`roseau check`: every setting in force, where it comes from, and what is wrong."""

import shutil
import textwrap

import click

from roseau.cli.findings import Finding, examine
from roseau.cli.groups import Command, flags_of
from roseau.settings import SECRET_SETTINGS, Settings, describe_settings, load_settings

_MARKS = {"ok": "fine", "look": "LOOK", "wrong": "WRONG"}


@click.command("check", cls=Command)
@click.pass_context
def command(context: click.Context) -> None:
    """Explain every setting in force, and look for what is wrong.

    Each setting with its value, where that comes from and what it does; then the machine, the data folder,
    the database, the address, the mail server. Ends with status 1 when something is wrong. It changes
    nothing and can be used while the server runs.
    """
    settings, origins = load_settings(flags_of(context))
    width = min(shutil.get_terminal_size().columns, 100)
    for name, description in describe_settings().items():
        print(f"{name} = {_show(settings, name)}   ({origins[name]})")
        print(textwrap.fill(description, width, initial_indent="    ", subsequent_indent="    "))
    print()
    findings = examine(settings)
    for finding in findings:
        print(_to_paragraph(finding, width))
    wrong = sum(finding.state == "wrong" for finding in findings)
    if wrong:
        raise click.ClickException("One thing is wrong." if wrong == 1 else f"{wrong} things are wrong.")


def _show(settings: Settings, name: str) -> str:
    value = getattr(settings, name)
    if name in SECRET_SETTINGS and value:
        return "(set, not shown)"
    if value in (None, "", ()):
        return "(empty)"
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _to_paragraph(finding: Finding, width: int) -> str:
    mark = f"{_MARKS[finding.state]:<6}"
    return textwrap.fill(
        f"{finding.about}: {finding.sentence}", width, initial_indent=mark, subsequent_indent=" " * 6
    )
