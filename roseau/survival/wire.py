"""What machines say to each other: messages with a body of bytes, over TLS between pinned keys.

A message is four bytes with the length of its head, four with that of its body, the head in MessagePack, the
body. Whoever calls says `Hello` and for what; every answer may be a `Refusal` or `Superseded` instead.
"""

import asyncio
import struct
from dataclasses import dataclass
from typing import Literal, TypeVar

import msgspec

from roseau.survival.contract import Membership, Position
from roseau.survival.identity import Identity, id_of
from roseau.survival.roster import Machine, Roster

_LENGTHS = struct.Struct(">II")
LONGEST_HEAD = 4 * 1024 * 1024
LONGEST_BODY = 4 * 1024 * 1024
#: No blob is larger: what was made of an upload is a few megabytes.
LONGEST_BLOB = 256 * 1024 * 1024
#: How long a machine has to answer when it is called.
CALL_SECONDS = 5.0

Purpose = Literal["ship", "ask", "blobs"]


class Message(msgspec.Struct, tag_field="is", kw_only=True):
    """Anything that is said."""


class Hello(Message):
    """Who is calling, in which epoch, and for what."""

    epoch: int
    purpose: Purpose


class Here(Message):
    """A reed's answer to a primary: its promise and exactly how far its copy has come."""

    name: str
    promised: int
    web_address: str = ""
    epoch: int = 0
    number: int = 0
    mark: str = ""
    salts: str = ""
    offset: int = 0
    free_bytes: int = 0


class Superseded(Message):
    """There is a higher epoch than the caller's. `reigns`: somebody has begun to write in it."""

    epoch: int
    reigns: bool = False
    name: str = ""
    machine_id: str = ""
    web_address: str = ""


class Refusal(Message):
    """No, and why."""

    reason: str


class Told(Message):
    """The newest list of machines."""

    roster: Roster


class Frames(Message):
    """Bytes of a generation, at an offset; all commits up to `through` are whole with them.

    `before` is the position before the generation's first commit.
    """

    salts: str
    before: int
    offset: int
    through: int


class BaseBegin(Message):
    """A base copy comes, of that position and size; pieces of it are the bodies that follow."""

    number: int
    size: int


class Piece(Message):
    """A piece of a base copy or blob."""


class BaseEnd(Message):
    """The base copy is whole, and this is its SHA-256. `follows`: it counts when the log was laid over it."""

    sha256: str
    follows: bool


class Audit(Message):
    """Prove that these bytes of a generation are on your disk."""

    nonce: str
    salts: str
    start: int
    end: int


class Ping(Message):
    """Are you there?"""


class Ack(Message):
    """Everything up to that number is on disk."""

    number: int


class Pong(Message):
    """Yes, and so much room is left."""

    free_bytes: int


class Proof(Message):
    """The SHA-256 of the nonce and the bytes; empty when they are not there any more."""

    digest: str


class Trouble(Message):
    """The reed cannot write just now."""

    reason: str


class Promise(Message):
    """Promise that epoch to the caller."""

    epoch: int


class Promised(Message):
    """The promise is on disk: how long the log is, who counts by that log, and everybody's addresses."""

    epoch: int
    number: int
    mark: str
    members_epoch: int
    members: list[str]
    needed: int
    roster: Roster

    @property
    def position(self) -> Position:
        """How long the log is."""
        return Position(self.epoch, self.number)

    @property
    def membership(self) -> Membership:
        """Who counts, as this log says."""
        return Membership(self.members_epoch, frozenset(self.members), self.needed)


class Lost(Message):
    """Have you lost the primary too?"""


class LostAnswer(Message):
    """Whether, to whom this machine listens instead, and how long its log is."""

    lost: bool
    primary: str
    epoch: int
    number: int


class Fetch(Message):
    """Send what comes behind this copy, up to the end of your log."""

    epoch: int
    number: int
    mark: str
    salts: str = ""
    offset: int = 0


class Caught(Message):
    """There is no more."""

    number: int


class Promote(Message):
    """The primary hands over: take that epoch. `roster` is what the caller knows."""

    epoch: int
    number: int


class Join(Message):
    """A former primary, or a reed that moved, wants to be shipped to at this address."""

    address: str


class Joined(Message):
    """It is shipped to. The epoch, where it began, and the last event before it; and everybody."""

    epoch: int
    after_number: int
    after_event: int
    roster: Roster


class Done(Message):
    """It was done."""


class BlobPut(Message):
    """A blob comes: pieces of `size` bytes in all, then the answer. `epoch` is the reign of the caller."""

    name: str
    size: int
    epoch: int


class BlobGet(Message):
    """Send a blob."""

    name: str


class BlobHas(Message):
    """Is that blob there?"""

    name: str


class BlobRemove(Message):
    """Delete a blob."""

    name: str
    epoch: int


class BlobNames(Message):
    """Which blobs are there whose names begin with these two digits?"""

    prefix: str


class BlobList(Message):
    """The names of blobs."""

    names: list[str]


class BlobSize(Message):
    """The blob is there, so large; -1: it is not. To `BlobGet`, its bytes are the pieces that follow."""

    size: int


class Status(Message):
    """How do you do?"""


AnyMessage = (
    Hello
    | Here
    | Superseded
    | Refusal
    | Told
    | Frames
    | BaseBegin
    | Piece
    | BaseEnd
    | Audit
    | Ping
    | Ack
    | Pong
    | Proof
    | Trouble
    | Promise
    | Promised
    | Lost
    | LostAnswer
    | Fetch
    | Caught
    | Promote
    | Join
    | Joined
    | Done
    | BlobPut
    | BlobGet
    | BlobHas
    | BlobRemove
    | BlobNames
    | BlobList
    | BlobSize
    | Status
)

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(AnyMessage)
M = TypeVar("M", bound=Message)


class Broken(ConnectionError):
    """The other side does not speak as it should, or not at all."""


class Refused(Exception):
    """The other side says no; the sentence says why."""


class Overtaken(Exception):
    """The other side knows of a higher epoch."""

    def __init__(self, notice: Superseded) -> None:
        super().__init__(f"epoch {notice.epoch} has begun")
        self.notice = notice


@dataclass(slots=True, eq=False)
class Line:
    """An open connection to another machine, which has proven to be `machine_id`."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    machine_id: str

    def put(self, message: Message, body: bytes = b"") -> None:
        """Say something; sent as the other side takes it."""
        head = _encoder.encode(message)
        self.writer.write(_LENGTHS.pack(len(head), len(body)) + head)
        if body:
            self.writer.write(body)

    async def send(self, message: Message, body: bytes = b"") -> None:
        """Say something, and wait while much is under way. Raises ConnectionError."""
        self.put(message, body)
        await self.writer.drain()

    async def receive(self) -> tuple[Message, bytes]:
        """The next message and its body. Raises Broken, also at the end."""
        try:
            head_size, body_size = _LENGTHS.unpack(await self.reader.readexactly(_LENGTHS.size))
            if head_size > LONGEST_HEAD or body_size > LONGEST_BODY:
                raise Broken("a message is longer than any may be")
            head = await self.reader.readexactly(head_size)
            body = await self.reader.readexactly(body_size) if body_size else b""
            message: Message = _decoder.decode(head)
        except asyncio.IncompleteReadError as error:
            raise Broken("the connection ended" if not error.partial else "a message was cut off") from error
        except msgspec.DecodeError as error:
            raise Broken(f"a message cannot be read: {error}") from error
        return message, body

    async def expect(self, kind: type[M]) -> tuple[M, bytes]:
        """The next message, which has to be of that kind. Raises Refused, Overtaken, Broken."""
        message, body = await self.receive()
        if isinstance(message, kind):
            return message, body
        if isinstance(message, Refusal):
            raise Refused(message.reason)
        if isinstance(message, Superseded):
            raise Overtaken(message)
        raise Broken(f"{kind.__name__} was expected, and {type(message).__name__} came")

    async def ask(self, message: Message, kind: type[M], body: bytes = b"") -> M:
        """Say something; the answer, which has to be of that kind."""
        await self.send(message, body)
        return (await self.expect(kind))[0]

    def close(self) -> None:
        """Hang up."""
        # Twice, and asyncio forgets a connection that somebody may still write to.
        if not self.writer.is_closing():
            self.writer.close()


def split_address(address: str) -> tuple[str, int]:
    """Host and port of HOST:PORT or [HOST]:PORT. Raises ValueError."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65_535:
        raise ValueError(f"{address!r} is not an address such as reed.example.org:7000")
    return host.strip("[]"), int(port)


async def call(identity: Identity, machine: Machine, epoch: int, purpose: Purpose) -> Line:
    """Call a machine and say who one is. Raises OSError (also TimeoutError), ssl.SSLError."""
    host, port = split_address(machine.address)
    async with asyncio.timeout(CALL_SECONDS):
        reader, writer = await asyncio.open_connection(
            host, port, ssl=identity.calling(machine.certificate), limit=2 * LONGEST_BODY
        )
    line = Line(reader, writer, machine.id)
    line.put(Hello(epoch=epoch, purpose=purpose))
    return line


def identify(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Line:
    """Who has called, by the certificate of the handshake."""
    certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    return Line(reader, writer, id_of(certificate))
