"""`roseau mirror`: a static, signed, read-only copy of the public site, kept fresh; and how to check one."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from roseau.cli.groups import Command, LazyGroup, settings_of
from roseau.cli.working import explained, folder_of
from roseau.domain.site import Site
from roseau.kernel import clock
from roseau.kernel.errors import Unavailable
from roseau.opening import open_site
from roseau.settings import Settings
from roseau.storage.blobs import FolderBlobs
from roseau.storage.database import Transaction
from roseau.storage.postgresql import PostgresDatabase
from roseau.storage.reading import Readable, SqliteReader
from roseau.storage.secrets import find_secret
from roseau.survival.addresses.issuing import find_manifest
from roseau.survival.mirror.folder import Busy, Folder, NotAMirror, Sign, open_folder
from roseau.survival.mirror.format import WrongMirror
from roseau.survival.mirror.verifying import verify_mirror
from roseau.web.mirror.making import Done, renew

_EVERY = 5.0
#: Enough for one round; the server has the rest.
_CONNECTIONS = 2


class _WriteUnlessVerify(LazyGroup):
    """`roseau mirror DIR` writes; `roseau mirror verify DIR` checks. A folder `verify` is `./verify`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "-h", "--help"):
            args = ["write", *args]
        return super().parse_args(ctx, args)


@click.group("mirror", cls=_WriteUnlessVerify)
def command() -> None:
    """Write a copy of the public site that any host can serve, and keep it fresh.

    \b
    Examples:
      roseau mirror /srv/mirror                 renews it every five minutes, until it is interrupted
      roseau mirror /srv/mirror --once          one round, for a timer of your own
      roseau mirror verify /srv/mirror          checks every file and the signature

    The copy holds what people without an account can read, and no more. It is signed with the site's key, and
    each page says to its reader whether it is what was signed.
    """


@command.command("write", cls=Command)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--every", metavar="MINUTES", type=click.FloatRange(0.1), default=_EVERY, show_default=True)
@click.option("--once", is_flag=True, help="One round, then end.")
@click.pass_context
def write(context: click.Context, folder: Path, every: float, once: bool) -> None:
    """Write the copy into DIR, an empty folder at first, and renew it every so often.

    It is what `roseau mirror DIR` does. It only reads the database, and can be started, stopped and killed at
    any time: the copy in DIR is whole at every moment, and the next start goes on from there.
    """
    settings = settings_of(context)
    data = folder_of(settings)
    stopped = threading.Event()
    try:
        with open_folder(folder) as opened, _stopping(stopped):
            while True:
                _renew(settings, data, opened, alone=once)
                if once or stopped.wait(every * clock.MINUTE / clock.SECOND):
                    break
    except (NotAMirror, Busy) as error:
        raise click.ClickException(str(error)) from error


@command.command("verify", cls=Command)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--key", default="", help="The key that it must be signed with, 32 digits as pages show it.")
@click.option("--at-least", metavar="NUMBER", default=0, help="The number below which it is an old copy.")
def verify(folder: Path, key: str, at_least: int) -> None:
    """Check the copy in DIR: each file against the index, the index against its signature.

    It needs no site and no network. Compare the key that it prints with one that you have from the site or
    from its members, or give that with --key. Ends with status 1 when something is wrong.
    """
    try:
        found = verify_mirror(folder, key=key, at_least=at_least)
    except WrongMirror as error:
        raise click.ClickException(str(error)) from error
    signed = found.signed
    print(f"{signed.title}, {signed.site}: {found.files} files of {clock.to_iso(signed.made_at)}.")
    print(f"Number {signed.number}, signed with the key {found.key}.")
    for finding in found.findings:
        print(finding)
    if found.findings:
        number = len(found.findings)
        raise click.ClickException("One thing is wrong." if number == 1 else f"{number} things are wrong.")


@contextmanager
def _stopping(stopped: threading.Event) -> Iterator[None]:
    """Let the round that is being made end well when the process is told to stop."""
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: stopped.set()) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _renew(settings: Settings, data: Path, folder: Folder, *, alone: bool) -> None:
    try:
        done = renew_once(settings, data, folder)
    except (Unavailable, OSError) as error:
        folder.abandon()
        if alone:
            raise
        # The copy is what it was. The next round tries again.
        print(f"roseau: the mirror was not renewed: {error}", file=sys.stderr, flush=True)
        return
    if done.written or alone:
        words = "file is" if done.written == 1 else "files are"
        print(f"Number {done.signed.number}: {done.written} {words} new or different.", flush=True)


def renew_once(settings: Settings, data: Path, folder: Folder) -> Done:
    """One round. The database is opened for it alone: by the next a restored one may lie there."""
    # Something of each kind opens a site; both have what that takes.
    database: Any
    with explained():
        database = (
            PostgresDatabase(settings.database, _CONNECTIONS)
            if settings.database
            else SqliteReader(data / "roseau.db")
        )
        try:
            site = open_site(database, settings)
            names, sign = _signing(database, site)
            return renew(folder, database, site, names=names, find_blob=_finder(data), sign=sign)
        finally:
            database.close()


def _signing(database: Readable, site: Site) -> tuple[tuple[str, ...], Sign]:
    """The site's addresses, and the key with which its manifest is signed."""

    def find(tx: Transaction) -> tuple[tuple[str, ...], bytes | None]:
        issued = find_manifest(tx)
        if issued is None:
            return (), None
        return issued.manifest.names, find_secret(tx, site.data_key, f"site-key-{issued.generation}")

    names, private = database.read_now(find)
    if private is None:
        raise click.ClickException("The site has no signing key yet. Start `roseau serve` once.")
    key = Ed25519PrivateKey.from_private_bytes(private)
    return names, lambda payload: (key.public_key().public_bytes_raw(), key.sign(payload))


def _finder(data: Path) -> Any:
    blobs = FolderBlobs(data / "media")

    def find(name: str) -> Path | None:
        path = blobs.path_of(name)
        return path if path.is_file() else None

    return find
