"""Shipping: every commit goes to the reeds, and is acknowledged when enough of them have it on disk.

`Shipper` is the witness of the database's writer (`storage/witness.py`). It has a thread with an event loop
of its own, so that a reed's answer does not wait for a page that is being made.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import uvloop

from roseau.kernel.errors import RoseauError, Unavailable
from roseau.storage.sqlite import SqliteDatabase
from roseau.storage.witness import Answer, Committed
from roseau.survival.contract import Membership, Position, Reign, contains, find_acknowledged
from roseau.survival.reeds import messages
from roseau.survival.reeds.identity import Identity
from roseau.survival.reeds.links import Distrusted, Link
from roseau.survival.reeds.log import Log
from roseau.survival.reeds.machines import find_mark, find_position
from roseau.survival.reeds.roster import Roster
from roseau.survival.reeds.sending import copy_database
from roseau.survival.standing import Standing

log = logging.getLogger("roseau.survival")

#: A command waits so long for reeds that do not answer, and a commit for being acknowledged.
ADMIT_SECONDS = 2.0
ACKNOWLEDGE_SECONDS = 5.0
#: So many commits are under way at once. A line that is slower than the writers slows them down instead of
#: falling behind; meanwhile commands gather, and the next commit takes more of them.
UNDER_WAY = 16
#: The marks of this many latest commits are known, to tell two histories apart.
KNOWN_MARKS = 100_000

T = TypeVar("T")


class Unwitnessed(Unavailable):
    """Too few reeds answer."""

    code = "unwitnessed"
    sentence = (
        "Writing is paused for a moment: the copies on other machines do not answer. "
        "Reading goes on. Please try again soon."
    )


class NotPrimary(Unavailable):
    """Another machine runs this site since."""

    code = "not_primary"
    sentence = "This machine does not run the site any more: another has taken over. Nothing is written here."


class _Pending(NamedTuple):
    number: int
    until: float
    answer: Answer


class Shipper:
    """Ships the log of one database. Made by `start`; its links follow the roster."""

    def __init__(self, database: SqliteDatabase, folder: Path, identity: Identity, log_limit: int) -> None:
        self.database = database
        self.folder = folder
        self.identity = identity
        self.log = Log(folder, log_limit)
        self.roster = Roster()
        self.epoch = 0
        self.history: list[Reign] = []
        self.memberships: list[Membership] = []
        self.acknowledged = 0
        self.superseded: messages.Superseded | None = None
        #: Called in this thread when a reed knows a higher epoch, and when a link has news.
        self.on_overtaken: Callable[[messages.Superseded], None] = lambda notice: None
        self.on_news: Callable[[Link], None] = lambda link: None
        #: Called in this thread when the old members have agreed to the present epoch.
        self.on_agreed: Callable[[], None] = lambda: None
        self._joint_until = 0
        self.links: dict[str, Link] = {}
        self._held = False
        self._marks: dict[int, str] = {}
        self._pending: deque[_Pending] = deque()
        self._changed = threading.Condition()
        self._refused_since: float | None = None
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="shipping", daemon=True)
        self._ticking: asyncio.Task[None] | None = None

    # Its life

    def start(self, roster: Roster, history: list[Reign], joint: Membership | None) -> None:
        """Keep the log from now on, and ship it. `joint`: as for `set_roster`."""
        self.history = history
        self.memberships = [roster.membership, *([joint] if joint else [])]
        self._thread.start()
        self.database.attach(self._begin)
        self.call(self._start_links(roster, joint))

    def _begin(self, tx: Any, pages: int) -> "Shipper":
        position, mark = find_position(tx), find_mark(tx)
        self.epoch = position.epoch
        self.log.begin(position.number, pages)
        self._marks[position.number] = mark
        return self

    async def _start_links(self, roster: Roster, joint: Membership | None) -> None:
        await self.set_roster(roster, joint)
        self._ticking = asyncio.ensure_future(self._tick())

    def close(self) -> None:
        """Ship no more; what waits for an acknowledgement is told that there is none."""
        self.call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self.log.close()

    async def _end(self) -> None:
        if self._ticking is not None:
            self._ticking.cancel()
        for link in self.links.values():
            await link.close()
        self.links.clear()
        self._fail(Unwitnessed, lambda pending: True)

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something in the shipping thread, and wait for it."""
        return self.submit(work).result()

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Begin something in the shipping thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def set_roster(self, roster: Roster, joint: Membership | None = None) -> None:
        """These machines from now on. `joint`: old members who have to have the epoch's first commit too."""
        if joint is None and roster.epoch == self.epoch:
            # The members are those of before, and so is whoever has to agree to them yet.
            joint = next(iter(self.memberships[1:]), None)
        self.roster = roster
        self.epoch = roster.epoch
        with self._changed:
            self.memberships = [roster.membership, *([joint] if joint else [])]
            self._joint_until = self.history[-1].after_number + 1 if joint else 0
        wanted = {
            machine.id: machine
            for machine in roster.machines
            if machine.id != self.identity.id and machine.address and machine.role != "primary"
        }
        for machine_id, link in list(self.links.items()):
            if machine_id not in wanted or wanted[machine_id].address != link.machine.address:
                await link.close()
                del self.links[machine_id]
        for machine_id, machine in wanted.items():
            if machine_id in self.links:
                # What the reed has said on connecting is newer than what is listed.
                machine.web_address = self.links[machine_id].machine.web_address or machine.web_address
                self.links[machine_id].machine = machine
                self.links[machine_id].wake()
            else:
                self.links[machine_id] = Link(self, machine)
        self._settle()

    # The writer's thread

    def admit(self) -> None:
        """Wait while too few reeds answer. Raises Unwitnessed, NotPrimary."""
        if self._may_write():
            self._refused_since = None
            return
        with self._changed:
            if self._refused_since is None:
                self._refused_since = time.monotonic()
            until = self._refused_since + ADMIT_SECONDS
            while not self._may_write():
                left = until - time.monotonic()
                if self.superseded is not None:
                    raise NotPrimary
                if left <= 0 and not self._held and not self.is_answered():
                    raise Unwitnessed
                self._changed.wait(max(left, 0.05))
            self._refused_since = None

    def _may_write(self) -> bool:
        free = not self._held and len(self._pending) < UNDER_WAY
        return free and self.superseded is None and self.is_answered()

    def is_answered(self) -> bool:
        """Whether enough reeds answer now."""
        return all(
            sum(link.live for link in self._counted(membership)) >= membership.needed
            for membership in self.memberships
        )

    def is_settled(self) -> bool:
        """Whether this machine reigns, and nobody who counted before has to agree to it yet."""
        return self.superseded is None and len(self.memberships) == 1

    def _counted(self, membership: Membership) -> list[Link]:
        # A copy of the items: the writer asks while the shipping thread may change them.
        return [link for machine_id, link in list(self.links.items()) if machine_id in membership.reeds]

    def witness(self, commit: Committed | None, answer: Answer) -> None:
        """See a commit off."""
        if commit is not None:
            self.log.append(commit.number, commit.pages)
            self._marks[commit.number] = commit.mark
            self._marks.pop(commit.number - KNOWN_MARKS, None)
        number = self.log.number
        if all(membership.needed == 0 for membership in self.memberships):
            self.acknowledged = number
            answer(None)
        elif number <= self.acknowledged:
            answer(None)
        else:
            self._pending.append(_Pending(number, time.monotonic() + ACKNOWLEDGE_SECONDS, answer))
        if self.links:
            self._loop.call_soon_threadsafe(self._ship)

    # The shipping thread

    def _ship(self) -> None:
        for link in self.links.values():
            link.wake()
        # The commit may have been acknowledged before its answer was put down.
        self._settle()

    def judge(self, here: messages.Here) -> bool:
        """Whether what a reed has is the beginning of this log. Raises Distrusted."""
        if not here.number and not here.mark:
            return False
        position = Position(here.epoch, here.number)
        if here.epoch > self.epoch or (here.epoch == self.epoch and here.number > self.log.number):
            raise Distrusted(
                f"It claims to have commit {here.number} of epoch {here.epoch}, and this machine has "
                f"{self.log.number} of epoch {self.epoch}. Was this machine restored from an older copy?"
            )
        if not contains(self.history, self.log.number, position):
            log.warning("reed_diverged epoch=%d number=%d", *position)
            return False
        known = self._marks.get(here.number)
        if known is not None and known != here.mark:
            raise Distrusted(f"Its commit {here.number} is not the one that this machine made.")
        return True

    async def make_base(self, machine_id: str) -> tuple[Path, Position]:
        """A base copy of this moment, in a file that the caller deletes."""
        folder = self.folder / "base"
        folder.mkdir(mode=0o700, exist_ok=True)
        path = folder / f"for-{machine_id}.db"
        path.unlink(missing_ok=True)
        self.log.hold(machine_id, self.log.number)
        connect = partial(self.database.connect, writable=False)
        position = await self._loop.run_in_executor(None, copy_database, connect, path)
        return path, position

    def heard(self, link: Link) -> None:
        """A reed has stored something, or its state has changed."""
        self._settle()
        self.on_news(link)

    def overtaken(self, notice: messages.Superseded) -> None:
        """Somebody else reigns, or has been promised to."""
        self.on_overtaken(notice)

    def supersede(self, notice: messages.Superseded) -> None:
        """Write nothing more."""
        with self._changed:
            self.superseded = notice
            self._changed.notify_all()
        self._fail(NotPrimary, lambda pending: True)

    def hold(self, held: bool) -> None:
        """Let writers wait, without an error, until they are let go on."""
        with self._changed:
            self._held = held
            self._changed.notify_all()

    def _settle(self) -> None:
        """Answer what enough reeds have by now."""
        found = self.log.number
        for membership in self.memberships:
            if membership.needed:
                stored = [link.stored for link in self._counted(membership)]
                found = min(found, find_acknowledged(stored, membership.needed))
        self.acknowledged = max(self.acknowledged, found)
        if self._joint_until and self.acknowledged >= self._joint_until:
            self._joint_until = 0
            self.memberships = self.memberships[:1]
            self.on_agreed()
        while self._pending and self._pending[0].number <= self.acknowledged:
            self._pending.popleft().answer(None)
        if self._refused_since is not None:
            with self._changed:
                self._changed.notify_all()

    def _fail(self, error: type[RoseauError], which: Callable[[_Pending], bool]) -> None:
        while self._pending and which(self._pending[0]):
            self._pending.popleft().answer(error())

    async def _tick(self) -> None:
        """Nobody waits for ever; generations that nobody needs go."""
        while True:
            await asyncio.sleep(0.25)
            self._fail(Unwitnessed, lambda pending: pending.until < time.monotonic())
            self.log.trim()

    # What others see

    def standing(self) -> Standing:
        """How the site stands at this moment."""
        membership = self.memberships[0] if self.memberships else Membership(self.epoch, frozenset(), 0)
        counted = self._counted(membership)
        superseded = self.superseded
        return Standing(
            role="superseded" if superseded else "primary" if membership.reeds else "alone",
            machine_id=self.identity.id,
            epoch=self.epoch,
            number=self.log.number,
            acknowledged=self.acknowledged,
            needed=membership.needed,
            counted=len(membership.reeds),
            answering=sum(link.live for link in counted),
            writable=superseded is None and self.is_answered(),
            superseded_by=superseded.name or superseded.machine_id if superseded else "",
            reeds=[link.to_standing() for link in list(self.links.values())],
        )
