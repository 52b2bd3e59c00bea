"""What machines say to each other: messages with a body of bytes, over TLS between pinned keys.

A message is four bytes with the length of its head, four with that of its body, the head in MessagePack, the
body. `messages.py` has all that can be said.
"""

import asyncio
import struct
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from roseau.survival.reeds.identity import Identity, id_of
from roseau.survival.reeds.messages import AnyMessage, Hello, Message, Purpose, Refusal, Superseded
from roseau.survival.reeds.roster import Machine

_LENGTHS = struct.Struct(">II")
LONGEST_HEAD = 4 * 1024 * 1024
LONGEST_BODY = 4 * 1024 * 1024
#: No blob is larger: what was made of an upload is a few megabytes.
LONGEST_BLOB = 256 * 1024 * 1024
#: How long a machine has to answer when it is called.
CALL_SECONDS = 5.0


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
