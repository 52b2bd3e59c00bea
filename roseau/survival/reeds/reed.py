"""A reed: listens for the primary, stores what it ships, promises epochs, and answers other reeds.

It answers machines whose certificates it knows and nobody else. `docs/survival.md` has the flows.
"""

import asyncio
import logging
import shutil
import ssl
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from roseau.survival.contract import Position, contains, may_promise, may_ship, to_followed
from roseau.survival.reeds import messages, wire
from roseau.survival.reeds.files import Misfit, open_reading
from roseau.survival.reeds.identity import Identity
from roseau.survival.reeds.log import Dropped, Place
from roseau.survival.reeds.messages import Message
from roseau.survival.reeds.roster import MachineState, Roster, load_state, save_state
from roseau.survival.reeds.sending import Sent, copy_database, send_base, send_next
from roseau.survival.reeds.standby import Standby
from roseau.survival.reeds.wire import Line

log = logging.getLogger("roseau.survival")

#: A primary that has said nothing for so long is lost to this reed.
LOST_SECONDS = 4.0
#: A connection that says nothing for so long is hung up on.
IDLE_SECONDS = 30.0
#: Whoever was promised an epoch may take so long to start its server, before others think of themselves.
START_SECONDS = 12.0
#: What callers are at is ended within this time.
END_SECONDS = 2.0

T = TypeVar("T")
Handler = Callable[[Line, Message, bytes], Awaitable[bool]]


class Reed:
    """The standby of a site, in one data folder, as a process of its own."""

    def __init__(self, folder: Path, identity: Identity, log_limit: int) -> None:
        self.folder = folder
        self.identity = identity
        self.state: MachineState = load_state(folder)
        self.standby = Standby(folder, log_limit)
        #: The primary's connection; a newer one takes its place.
        self.primary: Line | None = None
        self.heard_at = time.monotonic()
        #: Called when the primary hands over; set by whoever runs this reed.
        self.on_promote: Callable[[messages.Promote], None] | None = None
        #: Answers what has to do with pictures; set by whoever runs this reed.
        self.blobs: Handler | None = None
        #: The same for evidence keys.
        self.evidence: Handler | None = None
        self.problem = ""
        # One thread does all work on the files, in the order in which it was asked for.
        self._disk = ThreadPoolExecutor(1, "standby")
        self._context: ssl.SSLContext | None = None
        self._server: asyncio.Server | None = None
        self._lines: set[Line] = set()

    # Its life

    async def listen(self, host: str, port: int) -> tuple[str, int]:
        """Begin to answer; the address."""
        self._context = self.identity.listening(one.certificate for one in self.state.roster.machines)
        self._server = await asyncio.start_server(
            self._accept, host, port, ssl=self._context, limit=2 * wire.LONGEST_BODY, ssl_handshake_timeout=5
        )
        bound: tuple[str, int] = self._server.sockets[0].getsockname()[:2]
        return bound

    async def close(self) -> None:
        """Answer nobody any more, and let go of the files."""
        if self._server is not None:
            self._server.close()
        for line in list(self._lines):
            # At once: a primary that vanished would never finish a polite end.
            line.writer.transport.abort()
        until = time.monotonic() + END_SECONDS
        while self._lines and time.monotonic() < until:
            await asyncio.sleep(0.005)
        await self.on_disk(self.standby.close)
        self._disk.shutdown()

    async def on_disk(self, function: Callable[..., T], *args: Any) -> T:
        """Run something on the thread that works on the files."""
        return await asyncio.get_running_loop().run_in_executor(self._disk, function, *args)

    @property
    def lost(self) -> bool:
        """Whether the primary has been silent for too long."""
        return time.monotonic() - self.heard_at > LOST_SECONDS

    def wait_for_another(self) -> None:
        """Somebody else is being promoted: nobody is lost to this reed for a while."""
        self.heard_at = time.monotonic() + START_SECONDS - LOST_SECONDS

    def learn(self, roster: Roster) -> None:
        """Keep a newer list of machines."""
        if roster.epoch < self.state.roster.epoch or roster == self.state.roster:
            return
        self.state.roster = roster
        save_state(self.folder, self.state)
        if self._context is not None:
            for machine in roster.machines:
                self._context.load_verify_locations(cadata=machine.certificate)

    # Callers

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = wire.identify(reader, writer)
        self._lines.add(line)
        try:
            await self._answer(line)
        except (ConnectionError, TimeoutError, ssl.SSLError, wire.Refused, wire.Overtaken) as error:
            log.info("line_ended machine=%s error=%r", line.machine_id, error)
        except (Misfit, OSError) as error:
            self.problem = str(error)
            log.warning("reed_cannot_store machine=%s error=%r", line.machine_id, error)
            with suppress(OSError):
                await line.send(messages.Trouble(reason=str(error)))
        finally:
            self._lines.discard(line)
            if self.primary is line:
                self.primary = None
            line.close()

    async def _answer(self, line: Line) -> None:
        async with asyncio.timeout(IDLE_SECONDS):
            hello, _ = await line.expect(messages.Hello)
        caller = self.state.roster.find(line.machine_id)
        if caller is None:
            # Its certificate was known when this process began, and it has left since.
            log.warning("stranger_refused machine=%s", line.machine_id)
            await line.send(messages.Refusal(reason="This machine is not one of ours any more."))
        elif hello.purpose == "ship":
            await self._be_shipped_to(line, hello.epoch)
        elif hello.purpose == "blobs" and self.blobs is not None:
            await self._converse(line, self.blobs)
        elif hello.purpose == "evidence" and self.evidence is not None:
            await self._converse(line, self.evidence)
        else:
            await self._converse(line, self._advise)

    async def _converse(self, line: Line, handle: Handler) -> None:
        while True:
            try:
                async with asyncio.timeout(IDLE_SECONDS):
                    message, body = await line.receive()
            except wire.Broken:
                return
            if not await handle(line, message, body):
                await line.send(messages.Refusal(reason="This machine does not do that."))

    # The primary

    async def _be_shipped_to(self, line: Line, epoch: int) -> None:
        state = self.state
        if not may_ship(state.promised, state.promised_to, state.followed, epoch, line.machine_id):
            await line.send(self.superseded(epoch))
            return
        if self.primary is not None:
            self.primary.close()
        self.primary = line
        if epoch > state.promised:
            await self.promise(epoch, line.machine_id)
        copy = await self.on_disk(self.standby.reread)
        place = copy.place
        await line.send(
            messages.Here(
                name=state.name,
                promised=state.promised,
                web_address=state.web_address,
                epoch=copy.position.epoch,
                number=copy.position.number,
                mark=copy.mark,
                salts=place.salts if place else "",
                offset=place.offset if place else 0,
                free_bytes=self.free_bytes(),
            )
        )
        await self._store(line)

    def superseded(self, epoch: int) -> messages.Superseded:
        """What a machine of that lower epoch is told."""
        reigning = self.state.roster.find(self.state.promised_to)
        return messages.Superseded(
            epoch=self.state.promised,
            reigns=self.standby.copy.position.epoch > epoch,
            machine_id=self.state.promised_to,
            name=reigning.name if reigning else "",
            web_address=reigning.web_address if reigning else "",
        )

    async def _store(self, line: Line) -> None:
        """Take what comes; what has come while the disk was busy is synced at once."""
        came: asyncio.Queue[tuple[Message, bytes] | None] = asyncio.Queue(64)

        async def read() -> None:
            try:
                while True:
                    async with asyncio.timeout(IDLE_SECONDS):
                        item = await line.receive()
                    self.heard_at = time.monotonic()
                    await came.put(item)
            finally:
                # The storing side ends too; a full queue is emptied by it first.
                await came.put(None)

        reading = asyncio.create_task(read())
        try:
            ended = False
            while not ended:
                batch = [await came.get()]
                while not came.empty():
                    batch.append(came.get_nowait())
                ended = None in batch
                await self._take(line, [item for item in batch if item is not None])
        finally:
            reading.cancel()
            with suppress(asyncio.CancelledError, ConnectionError, TimeoutError):
                await reading

    async def _take(self, line: Line, batch: list[tuple[Message, bytes]]) -> None:
        if self.primary is not line:
            raise wire.Broken("another connection of the primary took over")
        pieces: list[tuple[Message, bytes]] = []
        for message, body in batch:
            match message:
                case messages.Told():
                    self.learn(message.roster)
                case messages.Ping():
                    line.put(messages.Pong(free_bytes=self.free_bytes()))
                case messages.Audit():
                    proof = await self.on_disk(
                        self.standby.prove, message.nonce, message.salts, message.start, message.end
                    )
                    line.put(messages.Proof(digest=proof))
                case _:
                    pieces.append((message, body))
        if pieces:
            number = await self.on_disk(self._store_pieces, pieces)
            if self.primary is not line:
                raise wire.Broken("a promise was made meanwhile")
            line.put(messages.Ack(number=number))
            self.problem = ""
        await line.writer.drain()
        if self.standby.waits_to_copy:
            await self.on_disk(self.standby.copy_back)

    def _store_pieces(self, pieces: list[tuple[Message, bytes]]) -> int:
        """Write parts of a log or of a base copy, and see them to the disk once; up to which number.

        Raises Broken for anything else, Misfit, OSError.
        """
        standby = self.standby
        for message, body in pieces:
            match message:
                case messages.Frames(salts=salts, before=before, offset=offset, through=through):
                    standby.write(salts, before, offset, through, body)
                case messages.Piece():
                    standby.add_base(body)
                case messages.BaseBegin(number=number, size=size):
                    standby.begin_base(number, size)
                case messages.BaseEnd(sha256=sha256, follows=follows):
                    standby.end_base(sha256, follows)
                case _:
                    raise wire.Broken(f"{type(message).__name__} is not part of a log")
        return standby.sync()

    async def take_log(self, line: Line) -> None:
        """Store what another reed sends in answer to `Fetch`. Raises ConnectionError, Misfit, OSError."""
        while True:
            async with asyncio.timeout(IDLE_SECONDS):
                message, body = await line.receive()
            if isinstance(message, messages.Caught):
                return
            if isinstance(message, messages.Refusal):
                raise wire.Refused(message.reason)
            await self.on_disk(self._store_pieces, [(message, body)])

    def free_bytes(self) -> int:
        """How much room is left for the copy."""
        return shutil.disk_usage(self.folder).free

    # Promises and advice

    async def promise(self, epoch: int, candidate: str) -> None:
        """Take nothing of a lower epoch from now on, nor of this one from others. On disk when it returns."""
        present = self.primary.machine_id if self.primary is not None else ""
        if candidate not in (self.identity.id, present):
            if self.primary is not None:
                self.primary.close()
                self.primary = None
            self.wait_for_another()
        state = self.state
        state.followed = to_followed(state.promised_to, state.followed, epoch, candidate)
        state.promised, state.promised_to = epoch, candidate
        await self.on_disk(save_state, self.folder, self.state)

    async def _advise(self, line: Line, message: Message, body: bytes) -> bool:
        match message:
            case messages.Promise():
                await self._answer_promise(line, message.epoch)
            case messages.Lost():
                position = self.standby.copy.position
                listening = self.primary.machine_id if self.primary and not self.lost else ""
                await line.send(
                    messages.LostAnswer(
                        lost=self.lost, primary=listening, epoch=position.epoch, number=position.number
                    )
                )
            case messages.Fetch():
                await self._answer_fetch(line, message)
            case messages.Promote():
                await self._answer_promote(line, message)
            case _:
                return False
        return True

    async def _answer_promise(self, line: Line, epoch: int) -> None:
        state = self.state
        if not may_promise(state.promised, state.promised_to, epoch, line.machine_id):
            await line.send(self.superseded(epoch))
            return
        await self.promise(epoch, line.machine_id)
        copy = await self.on_disk(self.standby.reread)
        log.warning("epoch_promised epoch=%d to=%s", epoch, line.machine_id)
        await line.send(
            messages.Promised(
                epoch=copy.position.epoch,
                number=copy.position.number,
                mark=copy.mark,
                members_epoch=copy.membership.epoch,
                members=sorted(copy.membership.reeds),
                needed=copy.membership.needed,
                roster=state.roster,
            )
        )

    async def _answer_fetch(self, line: Line, wanted: messages.Fetch) -> None:
        """Send what this copy has beyond the caller's; a base copy when the log does not reach back."""
        copy = await self.on_disk(self.standby.reread)
        own, asked = copy.position, Position(wanted.epoch, wanted.number)
        sent = Sent(Place(wanted.salts, wanted.offset) if wanted.salts else None, wanted.number)
        if asked >= own:
            await line.send(messages.Caught(number=own.number))
            return
        try:
            if not contains(copy.history, own.number, asked):
                raise Dropped("the caller's log is not the beginning of this one")
            while (further := await send_next(line, self.standby.log, sent)) is not None:
                sent = further
        except Dropped:
            path = self.folder / "base-for-another.db"
            path.unlink(missing_ok=True)
            try:
                position = await self.on_disk(
                    copy_database, lambda: open_reading(self.standby.database), path
                )
                # The copy holds the log as well: nothing follows.
                await send_base(line, self.standby.log, path, position, alone=True)
            finally:
                path.unlink(missing_ok=True)
        await line.send(messages.Caught(number=own.number))

    async def _answer_promote(self, line: Line, message: messages.Promote) -> None:
        primary = self.state.roster.primary
        if primary is None or primary.id != line.machine_id or self.on_promote is None:
            await line.send(messages.Refusal(reason="Only the primary hands over."))
            return
        self.on_promote(message)
        await line.send(messages.Done())
