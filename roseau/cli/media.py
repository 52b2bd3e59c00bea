"""`roseau media`: what the stores of pictures hold, and whether it is right."""

import asyncio
import time
from pathlib import Path
from typing import TypeVar

import click
import msgspec

from roseau.cli.groups import LazyGroup, settings_of
from roseau.cli.progress import Report as Tell
from roseau.cli.progress import progress_of
from roseau.cli.working import Opened, explained, folder_of, opened_site
from roseau.control import NotRunning, ask_server
from roseau.domain.media.checking import Check, Report, StoreReport, do_check
from roseau.operations import ASK_FOR_MEDIA_CHECK, FIND_MEDIA_CHECK, MediaCheck, NewMediaCheck
from roseau.settings import Settings
from roseau.storage.database import Database
from roseau.storage.lease import take_lease
from roseau.storage.stores.copies import Blobs, open_blobs

T = TypeVar("T")

LOOK_SECONDS = 0.2


class _Workshop(msgspec.Struct):
    """What a check needs, when no server runs."""

    database: Database
    blobs: Blobs
    settings: Settings


@click.group("media", cls=LazyGroup)
def command() -> None:
    """Look after pictures and where they are kept."""


@command.command("verify")
@click.option("--repair", is_flag=True, help="Replace what is missing or wrong from another store.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
@click.pass_context
def verify(context: click.Context, repair: bool, as_json: bool) -> None:
    """Read every picture in every store and hold it against its name.

    A line for each store: how many are right, missing and wrong there. A wrong copy in a folder is kept
    beside the new one, as NAME.wrong. The status is 1 when a picture is right in no store. While a server
    runs it does the work, so that the stores of other machines are read too; members are served meanwhile.
    """
    settings = settings_of(context)
    folder = folder_of(settings)
    with progress_of("Reading") as tell:
        try:
            report = _follow(folder, repair, tell)
        except NotRunning:
            with take_lease(folder), opened_site(settings) as opened:
                report = _do_here(opened, folder, repair)
    if as_json:
        print(msgspec.json.encode(report).decode())
    else:
        _print(report)
    if report.lost:
        raise click.ClickException(_to_sentence(report))


def _follow(folder: Path, repair: bool, tell: Tell) -> Report:
    """Have the running server do it. Raises NotRunning when there is none."""
    with explained():
        check_id = ask_server(folder, ASK_FOR_MEDIA_CHECK, NewMediaCheck(repair))
        while True:
            try:
                check = ask_server(folder, FIND_MEDIA_CHECK, MediaCheck(check_id))
            except NotRunning:
                raise click.ClickException(
                    "The server stopped before the check was done. It goes on when the server is started."
                ) from None
            if check is None:
                raise click.ClickException("The check is no longer known. Begin it again.")
            report = check.found()
            if check.ended_at is not None:
                return report
            tell(report.done, report.total)
            time.sleep(LOOK_SECONDS)


def _do_here(opened: Opened, folder: Path, repair: bool) -> Report:
    check_id = opened.perform(ASK_FOR_MEDIA_CHECK, NewMediaCheck(repair))
    check = opened.perform(FIND_MEDIA_CHECK, MediaCheck(check_id))
    given = opened.site.settings
    blobs = open_blobs(folder / "media", given.media_stores, given.media_copies)
    try:
        return asyncio.run(_do(opened.database, blobs, given, check))
    finally:
        blobs.close()


async def _do(database: Database, blobs: Blobs, settings: Settings, check: Check | None) -> Report:
    return await do_check(_Workshop(database, blobs, settings), check) if check else Report()


def _print(report: Report) -> None:
    for store in report.stores:
        print(f"{store.name}: {_count(store)}")
        if store.away:
            print(f"  {store.away}")
    for name in report.names:
        print(f"lost: {name}")


def _count(store: StoreReport) -> str:
    mended = f", {store.mended} of them mended" if store.mended else ""
    return f"{store.right} right, {store.missing} missing, {store.wrong} wrong{mended}"


def _to_sentence(report: Report) -> str:
    found = f"{report.lost} of {report.total} pictures are right in no store"
    if any(store.away for store in report.stores):
        return f"{found} that answered; not all did."
    return f"{found}."
