"""Mail to the abuse address comes in: fetched from a mailbox, found in a folder, or piped in by hand."""

import asyncio
import logging
import os
from contextlib import suppress
from pathlib import Path

import msgspec

from roseau.domain.moderation.desk.mails import AbuseMail, read_mail
from roseau.domain.moderation.desk.parts import MOST_BYTES
from roseau.domain.moderation.desk.taking import Received, Rest, receive_mail, receive_rest
from roseau.domain.moderation.notices.resolving import list_hosts
from roseau.doors.server import Server
from roseau.kernel.errors import RoseauError, TooLarge
from roseau.network.imap import Mailbox, fetch_mails, mark_taken, to_mailbox

log = logging.getLogger("roseau.moderation")

LOOK_SECONDS = 60
#: So many mails are held in memory at once.
_AT_ONCE = 10
#: Fetched without a pause; a mailbox that is flooded is emptied over several looks.
_MOST_ROUNDS = 50
_TAKING = ".taking"


async def take_abuse_mail(server: Server) -> None:
    """Take mails in as they come, for as long as the server runs; what cannot be reached is tried again."""
    settings = server.settings
    if not settings.abuse_mailbox and not settings.abuse_folder:
        return
    while True:
        try:
            if settings.abuse_folder:
                await empty_folder(server, Path(settings.abuse_folder))
            if settings.abuse_mailbox:
                await empty_mailbox(server, to_mailbox(settings.abuse_mailbox))
        except (RoseauError, OSError) as error:
            log.warning("abuse_mail_not_taken reason=%s", error)
        await asyncio.sleep(LOOK_SECONDS)


async def take_mail(server: Server, raw: bytes) -> Received:
    """Take one mail in. Raises Unavailable when nothing can be saved; it was not taken then."""
    hosts = await server.database.read(list_hosts, server.site)
    mail: AbuseMail | None = None
    with suppress(TooLarge):
        # A long letter takes its time to read, and the loop has others to serve.
        mail = await asyncio.to_thread(read_mail, raw, hosts)
    return await server.database.write(receive_mail, server.site, raw, mail)


async def take_rest(server: Server, payload: bytes) -> None:
    """The job `abuse_mail_rest`: further items of a mail that named more than one notice takes."""
    await server.database.write(receive_rest, server.site, msgspec.json.decode(payload, type=Rest))


async def empty_mailbox(server: Server, mailbox: Mailbox) -> int:
    """Take in what the mailbox holds; how many mails. A mail is marked when it is saved, not before."""
    taken = 0
    for _ in range(_MOST_ROUNDS):
        fetched = await asyncio.to_thread(fetch_mails, mailbox, _AT_ONCE)
        done: list[str] = []
        try:
            for mail in fetched:
                await take_mail(server, mail.raw)
                done.append(mail.uid)
        finally:
            await asyncio.to_thread(mark_taken, mailbox, done)
        taken += len(done)
        if len(fetched) < _AT_ONCE:
            break
    return taken


async def empty_folder(server: Server, folder: Path) -> int:
    """Take in the *.eml files of a folder; how many. They go into its folders done/ and refused/."""
    taken = 0
    for path in await asyncio.to_thread(_list_mails, folder):
        raw = await asyncio.to_thread(_claim, path)
        if raw is None:
            continue
        received = await take_mail(server, raw)
        await asyncio.to_thread(_put_away, path, "refused" if received.refusal else "done")
        taken += 1
    return taken


def _list_mails(folder: Path) -> list[Path]:
    """The mails of a folder, oldest first; also those that were claimed by a server that is no more."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = [
        path for path in folder.iterdir() if path.suffix == ".eml" or path.name.endswith(f".eml{_TAKING}")
    ]
    return sorted(files, key=lambda path: path.name)[:10_000]


def _claim(path: Path) -> bytes | None:
    """Read a mail under a name that says so; None when it has gone. Of a larger one, its beginning."""
    claimed = path if path.name.endswith(_TAKING) else path.with_name(path.name + _TAKING)
    try:
        # Neither a link, which could show any file of this machine, nor a pipe, which could be waited on.
        if path.is_symlink() or not path.is_file():
            return None
        path.rename(claimed)
        with open(os.open(claimed, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            return file.read(MOST_BYTES)
    except FileNotFoundError:
        return None


def _put_away(path: Path, where: str) -> None:
    name = path.name.removesuffix(_TAKING)
    folder = path.parent / where
    folder.mkdir(mode=0o700, exist_ok=True)
    target = folder / name
    for number in range(1, 1_000):
        if not target.exists():
            break
        target = folder / f"{name.removesuffix('.eml')}-{number}.eml"
    (path.parent / (name + _TAKING)).rename(target)
