"""A rehearsal of the switch on a copy of a site: its primary is lost for good, and a reed takes over.

Everything happens in one folder and on loopback. Nothing leaves it: the copy has no mail server, no
subscriptions to pushes, no further places for pictures, no vaults, no reeds but the one made for it.
"""

import asyncio
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import apsw
import msgspec

from roseau.control import ask_server
from roseau.domain.accounts.creation import NewAccount
from roseau.drill.client import Caller, Road, Unanswered
from roseau.drill.failure import CannotDrill, DrillFailed
from roseau.drill.network import Loopback
from roseau.drill.sites import Site
from roseau.kernel import clock, ids
from roseau.operations import ADD_ACCOUNT, CREATE_TOKEN, NewToken
from roseau.settings import Settings
from roseau.storage.copying import copy_sqlite
from roseau.storage.database import Transaction
from roseau.storage.lease import take_lease
from roseau.storage.reading import SqliteReader
from roseau.storage.sqlite import SqliteDatabase
from roseau.storage.statements import statements
from roseau.survival.history import begin_restored_reign
from roseau.survival.reeds.identity import Identity
from roseau.survival.watching.rehearsals import Rehearsal

FOLDER = "rehearsal"
SCENARIO = "host-loss-one"
#: The copy, the base copy that is sent, and the reed's, each with some log.
_COPIES = 3.5
_SPARE_BYTES = 1 << 29
#: The reed of a large site needs its time to follow, and nobody waits for this one (seconds).
_PATIENCE = 1800.0
_TAKE_OVER_SECONDS = 120.0
_LOOK = 0.05
_WRITES_BEFORE, _WRITES_AFTER, _PAUSE = 20, 5, 0.02

#: What the copy is served with: whatever reaches other machines is off. The rest is as in the site itself.
_HARMLESS = {
    "database": "",
    "smtp_host": "",
    "media_stores": "",
    "media_copies": "1",
    "vaults": "",
    "backup_folder": "",
    "dns_hook": "",
    "public_address": "",
    "survival_automatic": "false",
    "trusted_proxies": "",
}
_KEPT = ("synchronous", "survival_log_bytes")
#: What in the copy would reach somebody, and the machines of the site itself.
_CLEARED = ("jobs", "push_subscriptions", "scheduled_statuses", "machines")
_clear = [statements(sqlite=f"DELETE FROM {table}", postgresql="SELECT 1") for table in _CLEARED]  # noqa: S608
_COUNTED = {
    "posts": "SELECT count(*) FROM statuses WHERE account_id <> :but",
    "accounts": "SELECT count(*) FROM accounts WHERE id <> :but",
    "follows": "SELECT count(*) FROM follows WHERE account_id <> :but AND target_id <> :but",
}
_count = {name: statements(sqlite=text, postgresql=text) for name, text in _COUNTED.items()}

Say = Callable[[str], None]


def needed_bytes(data: Path) -> int:
    """How much room a rehearsal of the site in this folder takes."""
    sizes = (path.stat().st_size for path in (data / "roseau.db", data / "roseau.db-wal") if path.exists())
    return int(sum(sizes) * _COPIES) + _SPARE_BYTES


async def rehearse(data: Path, settings: Settings, say: Say) -> Rehearsal:
    """Rehearse with a copy of the site in this folder, beside its server; what it showed.

    Raises CannotDrill when there is no room, InUse when another rehearsal is under way.
    """
    began = clock.now()
    wanted, free = needed_bytes(data), shutil.disk_usage(data).free
    if free < wanted:
        raise CannotDrill(
            f"A rehearsal needs {_to_megabytes(wanted)} MB of room beside {data}, and "
            f"{_to_megabytes(free)} MB are free."
        )
    with _room(data / FOLDER) as folder:
        try:
            return await _Rehearsal(data, folder, settings, say).play(began)
        except DrillFailed as failed:
            return Rehearsal(began, SCENARIO, 0.0, 0, False, str(failed))


def _to_megabytes(size: int) -> int:
    return -(-size // 1_000_000)


@contextmanager
def _room(folder: Path) -> Iterator[Path]:
    """An empty folder for one rehearsal at a time, gone at the end. Raises InUse."""
    folder.mkdir(mode=0o700, exist_ok=True)
    with take_lease(folder):
        try:
            # What one has left that was killed.
            for left in [path for path in folder.iterdir() if path.is_dir()]:
                shutil.rmtree(left)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


class _Member(msgspec.Struct, frozen=True):
    """Who writes in the rehearsal."""

    account_id: int
    token: str


class _Rehearsal:
    """One."""

    def __init__(self, data: Path, folder: Path, settings: Settings, say: Say) -> None:
        network = Loopback()
        kept = {name: str(getattr(settings, name)) for name in _KEPT} | _HARMLESS
        host, port = network.place("primary").address, network.place("primary").web_port
        kept["base_url"] = f"http://{host}:{port}"
        self._data, self._say = data, say
        self._primary = Site(network.place("primary"), network, folder, kept)
        self._reed = Site(network.place("standby"), network, folder, kept)
        self._road = Road(self._primary.web)
        #: The text of each acknowledged post by its id, and when the last was acknowledged.
        self._acknowledged: dict[str, str] = {}
        self._sent_at = 0.0
        self._answered_at = 0.0

    async def play(self, began: int) -> Rehearsal:
        """Copy, lose, take over, and look whether everything is there. Raises DrillFailed."""
        try:
            counts = await self._open()
            member = await asyncio.to_thread(_make_member, self._primary.data)
            await self._pair()
            self._say("The copy runs, and its standby follows. Its primary is lost now.")
            seconds = await self._lose(member)
            lost = await self._find_lost(member, counts)
        finally:
            self._primary.end()
            self._reed.end()
        sentence = _to_sentence(seconds, lost)
        return Rehearsal(began, SCENARIO, seconds, len(lost), not lost, sentence)

    async def _open(self) -> dict[str, int]:
        """Serve a copy; how many rows it has."""
        data = self._primary.data
        data.mkdir(mode=0o700)
        self._say("Copying the database.")
        # Settled by the one thread that it takes, also when this task is cancelled meanwhile.
        await asyncio.to_thread(_copy, self._data, data)
        counts = _count_rows(data, 0)
        await self._primary.serve()
        return counts

    async def _pair(self) -> None:
        await self._reed.serve_as_reed(await self._primary.invite())
        until = time.monotonic() + _PATIENCE
        while True:
            standing = await self._primary.standing()
            if any(link.counted and link.state == "following" for link in standing.reeds):
                return
            if time.monotonic() > until:
                raise DrillFailed(f"the standby of the copy did not follow within {_PATIENCE / 60:.0f} min")
            await asyncio.sleep(_LOOK)

    async def _lose(self, member: _Member) -> float:
        """Lose the primary while somebody writes; the seconds until the next acknowledged write."""
        writing = asyncio.create_task(self._write(member))
        try:
            await self._more(_WRITES_BEFORE, writing)
            struck = time.monotonic()
            self._primary.vanish()
            await self._reed.succeed("promote")
            self._road.move(self._reed.web)
            first = await self._first_after(struck, writing)
            await self._more(_WRITES_AFTER, writing)
        finally:
            writing.cancel()
            with suppress(asyncio.CancelledError):
                await writing
        return first - struck

    async def _write(self, member: _Member) -> None:
        caller = Caller(self._road)
        try:
            while True:
                text = f"Rehearsal {secrets.token_hex(8)}"
                self._sent_at = time.monotonic()
                with suppress(Unanswered):
                    answer = await caller.post("/api/v1/statuses", {"status": text}, token=member.token)
                    if answer.status == 200:
                        self._acknowledged[str(answer.json()["id"])] = text
                        self._answered_at = time.monotonic()
                    elif answer.status < 500:
                        raise DrillFailed(f"the copy refuses a post with {answer.status}")
                await asyncio.sleep(_PAUSE)
        finally:
            caller.close()

    async def _more(self, count: int, writing: "asyncio.Task[None]") -> None:
        wanted = len(self._acknowledged) + count
        await self._wait(lambda: len(self._acknowledged) >= wanted, writing)

    async def _first_after(self, struck: float, writing: "asyncio.Task[None]") -> float:
        # The writer sends one after another: what it sent after the loss was answered by the standby.
        known = len(self._acknowledged)
        await self._wait(lambda: len(self._acknowledged) > known and self._answered_at > struck, writing)
        return self._answered_at

    async def _wait(self, holds: Callable[[], bool], writing: "asyncio.Task[None]") -> None:
        until = time.monotonic() + _TAKE_OVER_SECONDS
        while not holds():
            if writing.done():
                writing.result()
            if time.monotonic() > until:
                raise DrillFailed(f"nothing was acknowledged within {_TAKE_OVER_SECONDS:.0f} s")
            await asyncio.sleep(0.005)

    async def _find_lost(self, member: _Member, before: dict[str, int]) -> list[str]:
        """What was acknowledged, or lay in the copy, and is not there."""
        lost = []
        caller = Caller(self._road)
        try:
            for status_id, text in self._acknowledged.items():
                answer = await caller.get(f"/api/v1/statuses/{status_id}", token=member.token)
                if answer.status != 200 or text not in answer.json()["content"]:
                    lost.append(f"post {status_id}")
        except Unanswered as silent:
            raise DrillFailed(f"the promoted standby does not answer: {silent}") from None
        finally:
            caller.close()
        after = _count_rows(self._reed.data, member.account_id)
        for name, count in before.items():
            if after[name] != count:
                lost.append(f"{name}: {count} before, {after[name]} after")
        return lost


def _copy(data: Path, target: Path) -> None:
    """A copy of the site that nobody else knows of. Raises DrillFailed."""
    try:
        copy_sqlite(data / "roseau.db", target / "roseau.db", lambda done, of: None)
        shutil.copyfile(data / "machine.key", target / "machine.key")
        (target / "machine.key").chmod(0o600)
        database = SqliteDatabase(target / "roseau.db")
        try:
            database.write_now(_isolate, Identity.of(target).id)
        finally:
            database.close()
    except apsw.Error as error:
        raise DrillFailed(f"the database cannot be copied: {error}") from error


def _isolate(tx: Transaction, machine_id: str) -> None:
    for clear in _clear:
        tx.run(clear)
    begin_restored_reign(tx, machine_id)


def _make_member(data: Path) -> _Member:
    name = f"rehearsal_{ids.new_id() % 10**12}"
    new = NewAccount(username=name, email=f"{name}@rehearsal.example", password_hash="")
    account_id = ask_server(data, ADD_ACCOUNT, new)
    return _Member(account_id, ask_server(data, CREATE_TOKEN, NewToken(name, "read write")))


def _count_rows(data: Path, but: int) -> dict[str, int]:
    """How many rows there are that are not this account's."""
    reader = SqliteReader(data / "roseau.db")
    try:
        return reader.read_now(
            lambda tx: {name: int(tx.value(count, but=but)) for name, count in _count.items()}
        )
    finally:
        reader.close()


def _to_sentence(seconds: float, lost: list[str]) -> str:
    took_over = f"The standby took over in {seconds:.1f} seconds"
    if not lost:
        return f"{took_over}; nothing was lost."
    more = f" and {len(lost) - 3} more" if len(lost) > 3 else ""
    return f"{took_over}, but not everything was there: {', '.join(lost[:3])}{more}."
