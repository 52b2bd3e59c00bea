"""The primary's side of a reed: one link each, that ships the log and listens to what is on disk there."""

import asyncio
import logging
import random
import secrets
import ssl
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from roseau.kernel import clock
from roseau.survival.contract import Position
from roseau.survival.reeds import messages, wire
from roseau.survival.reeds.asking import to_reason
from roseau.survival.reeds.files import digest_of
from roseau.survival.reeds.identity import Identity
from roseau.survival.reeds.log import Dropped, Log, Place
from roseau.survival.reeds.roster import Machine, Roster
from roseau.survival.reeds.sending import Sent, send_base, send_next
from roseau.survival.reeds.wire import Line
from roseau.survival.standing import LinkStanding, LinkState

log = logging.getLogger("roseau.survival")

#: A reed that has not answered for so long is not counted as answering; after the second, it is called anew.
SILENT_SECONDS = 3.0
DEAD_SECONDS = 10.0
PING_SECONDS = 1.0
AUDIT_SECONDS = 30.0
AUDIT_BYTES = 256 * 1024
#: Between two attempts: the first, and the longest.
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 4.0


class Distrusted(Exception):
    """The reed says of itself what cannot be; the sentence says what."""


class Origin(Protocol):
    """What a link needs of the primary that it ships for."""

    identity: Identity
    log: Log
    roster: Roster
    epoch: int

    def judge(self, here: messages.Here) -> bool:
        """Whether the reed's copy begins this log; else it gets a base copy. Raises Distrusted."""
        ...

    async def make_base(self, machine_id: str) -> tuple[Path, Position]:
        """A base copy to send; what comes behind it is held until the link says otherwise."""
        ...

    def heard(self, link: "Link") -> None:
        """The link has news: of what is on disk there, or of its state."""
        ...

    def overtaken(self, notice: messages.Superseded) -> None:
        """A reed knows of a higher epoch."""
        ...


class Link:
    """One reed. `stored` is the last commit that it has on disk, as it has said itself."""

    def __init__(self, origin: Origin, machine: Machine) -> None:
        self.origin = origin
        self.machine = machine
        self.stored = 0
        self.state: LinkState = "connecting"
        self.reason = ""
        self.free_bytes: int | None = None
        self.round_trip: float | None = None
        self.answered_at: int | None = None
        self._answered = 0.0
        self._news = asyncio.Event()
        self._under_way: deque[tuple[int, float]] = deque(maxlen=10_000)
        self._sent = Sent(None, 0)
        self._base_number = 0
        self._audit: tuple[str, str] | None = None
        #: It did not have what it said: it is not believed again until it has taken a base copy.
        self._lied = False
        self._closed = False
        self._task = asyncio.ensure_future(self._run())
        self._roster: Roster | None = None

    # What others see

    @property
    def live(self) -> bool:
        """Whether it takes commits and answers now."""
        return self.state == "following"

    def wake(self) -> None:
        """There is more to ship."""
        self._news.set()

    async def close(self) -> None:
        """End the link."""
        self._closed = True
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        self.origin.log.hold(self.machine.id, None)

    def to_standing(self) -> LinkStanding:
        """The link for pages and commands."""
        end = self.origin.log.number
        return LinkStanding(
            machine_id=self.machine.id,
            name=self.machine.name,
            address=self.machine.address,
            counted=self.machine.counted,
            state=self.state,
            number=self.stored,
            behind_commits=max(0, end - self.stored),
            behind_bytes=self.origin.log.bytes_behind(self.stored),
            round_trip=self.round_trip,
            last_answer_at=self.answered_at,
            free_bytes=self.free_bytes,
            reason=self.reason,
        )

    def _become(self, state: LinkState, reason: str = "") -> None:
        if (state, reason) != (self.state, self.reason):
            level = logging.INFO if state in ("following", "catching_up", "copying") else logging.WARNING
            log.log(level, "reed_%s name=%s reason=%r", state, self.machine.name, reason)
            self.state, self.reason = state, reason
            self.origin.heard(self)

    # Its life

    async def _run(self) -> None:
        pause = FIRST_PAUSE
        while True:
            started = time.monotonic()
            try:
                await self._session()
            except* wire.Overtaken as overtaken:
                self._become("refused", "It has promised a higher epoch.")
                error = _first(overtaken)
                if isinstance(error, wire.Overtaken):
                    self.origin.overtaken(error.notice)
            except* (Distrusted, wire.Refused) as refused:
                self._become("refused", str(_first(refused)))
                pause = LONGEST_PAUSE
            except* (OSError, ssl.SSLError, Dropped, ValueError) as failed:
                error = _first(failed)
                self._become("silent", to_reason(error))
            if self._closed:
                # A group of tasks one of which fails at this moment swallows the cancellation.
                return
            if time.monotonic() - started > DEAD_SECONDS:
                pause = FIRST_PAUSE
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _session(self) -> None:
        line = await wire.call(self.origin.identity, self.machine, self.origin.epoch, "ship")
        try:
            async with asyncio.timeout(DEAD_SECONDS):
                here, _ = await line.expect(messages.Here)
            self._under_way.clear()
            self._audit = None
            self.free_bytes = here.free_bytes
            self.machine.web_address = here.web_address or self.machine.web_address
            fits = self.origin.judge(here) and not self._lied
            self._roster = self.origin.roster
            await line.send(messages.Told(roster=self.origin.roster))
            self._note_answer()
            if fits:
                self._store(here.number)
                self._sent = Sent(Place(here.salts, here.offset) if here.salts else None, here.number)
                self.origin.log.hold(self.machine.id, here.number)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._receive(line))
                group.create_task(self._ping(line))
                group.create_task(self._ship(line, fits))
        finally:
            line.close()

    async def _ship(self, line: Line, fits: bool) -> None:
        if not fits:
            await self._send_base(line)
        while True:
            self._news.clear()
            if self._roster is not self.origin.roster:
                self._roster = self.origin.roster
                await line.send(messages.Told(roster=self._roster))
            try:
                sent = await send_next(line, self.origin.log, self._sent)
            except Dropped:
                # It was away for longer than the log is kept.
                await self._send_base(line)
                continue
            if sent is None:
                await self._news.wait()
                continue
            self._under_way.append((sent.number, time.monotonic()))
            self._sent = sent

    async def _send_base(self, line: Line) -> None:
        self._become("copying")
        path, position = await self.origin.make_base(self.machine.id)
        try:
            self._base_number = position.number
            self._sent = await send_base(line, self.origin.log, path, position)
            self._lied = False
        finally:
            path.unlink(missing_ok=True)

    async def _receive(self, line: Line) -> None:
        while True:
            message, _ = await line.receive()
            self._note_answer()
            match message:
                case messages.Ack():
                    self._take_ack(message.number)
                case messages.Pong():
                    self.free_bytes = message.free_bytes
                case messages.Proof():
                    self._check(message.digest)
                case messages.Trouble():
                    raise wire.Broken(f"It cannot write: {message.reason}.")
                case messages.Superseded():
                    raise wire.Overtaken(message)
                case _:
                    raise Distrusted(f"It said {type(message).__name__}, which a reed does not.")

    def _take_ack(self, number: int) -> None:
        if number > self._sent.number:
            raise Distrusted("It claims to have stored what it was never sent.")
        if number < self._base_number:
            return
        now = time.monotonic()
        while self._under_way and self._under_way[0][0] <= number:
            self.round_trip = (now - self._under_way.popleft()[1]) * 1000
        self._store(number)

    def _store(self, number: int) -> None:
        self.stored = number
        self.origin.log.hold(self.machine.id, number)
        behind = self.origin.log.number - number
        if self.state != "following" and behind > 64:
            self._become("catching_up")
        else:
            self._become("following")
        self.origin.heard(self)

    def _note_answer(self) -> None:
        self._answered = time.monotonic()
        self.answered_at = clock.now()
        if self.state == "silent" and self.stored:
            self._become("catching_up")
            self._store(self.stored)

    async def _ping(self, line: Line) -> None:
        audit_at = time.monotonic() + AUDIT_SECONDS * random.uniform(0.5, 1.5)  # noqa: S311
        while True:
            await asyncio.sleep(PING_SECONDS)
            quiet = time.monotonic() - self._answered
            if quiet > DEAD_SECONDS:
                raise wire.Broken(f"It has not answered for {quiet:.0f} seconds.")
            if quiet > SILENT_SECONDS:
                self._become("silent", f"It has not answered for {quiet:.0f} seconds.")
            # Not waiting: what is under way already says that somebody is there.
            line.put(messages.Ping())
            if time.monotonic() > audit_at:
                audit_at = time.monotonic() + AUDIT_SECONDS
                self.audit(line)

    # Trust, and seeing for oneself

    def audit(self, line: Line) -> None:
        """Ask for the digest of some stretch that the reed says it has."""
        for segment in reversed(self.origin.log.segments()):
            end = segment.find_end(self.stored)
            if end:
                # Every other time what came last: a reed that has ceased to store has everything before.
                last = max(0, end - AUDIT_BYTES)
                start = random.choice((last, random.randrange(0, last + 1)))  # noqa: S311
                stop = min(end, start + AUDIT_BYTES)
                nonce = secrets.token_hex(16)
                expected = digest_of(segment.path, nonce, start, stop)
                if expected:
                    self._audit = (nonce, expected)
                    line.put(messages.Audit(nonce=nonce, salts=segment.salts, start=start, end=stop))
                return

    def _check(self, digest: str) -> None:
        expected = self._audit
        self._audit = None
        if expected is None:
            raise Distrusted("It proves what it was not asked.")
        if digest != expected[1]:
            self.stored, self._lied = 0, True
            raise Distrusted("It does not have on its disk what it says it has.")


def _first(group: BaseException) -> BaseException:
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return group
