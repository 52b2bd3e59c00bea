"""The local socket of a running server, through which the command line reaches the one writer.

`roseau.sock` in the data folder, open to the user that runs the server and to root. One connection is one
operation (`operations.py`): a line of JSON each way.
"""

import asyncio
import logging
import os
import socket
import struct
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec

from roseau.doors.server import Server
from roseau.kernel.errors import RoseauError
from roseau.moderating import MODERATING
from roseau.operations import OPERATIONS, Operation
from roseau.steering import ACTIONS, Action

A = TypeVar("A", bound=msgspec.Struct)
R = TypeVar("R")

log = logging.getLogger("roseau.control")

SOCKET = "roseau.sock"
#: More than any operation needs to be told or has to answer, in bytes.
LONGEST = 64 * 1024 * 1024
#: How long a caller may take to say what it wants.
PATIENCE_SECONDS = 10
#: The kernels allow about a hundred bytes for the path of a socket; data folders may lie deeper.
LONGEST_PATH = 100


class NotRunning(RuntimeError):
    """No server listens in this data folder."""


class Refused(RuntimeError):
    """The server did not do it, and says why."""


class Request(msgspec.Struct):
    """What a caller asks for."""

    command: str
    arguments: msgspec.Raw


class Answer(msgspec.Struct, omit_defaults=True):
    """What came of it: the result, or a sentence that says why there is none."""

    result: msgspec.Raw = msgspec.Raw(b"null")
    error: str = ""


# The server's side


Perform = Callable[[Request], Awaitable[Answer]]


@asynccontextmanager
async def open_control(folder: Path, perform: Perform) -> AsyncIterator[None]:
    """Listen for operators for as long as the block lasts. The caller holds the folder's lease."""
    path = folder / SOCKET
    path.unlink(missing_ok=True)
    listener = await asyncio.start_unix_server(partial(_answer, perform), sock=_bind(path), limit=LONGEST)
    try:
        yield
    finally:
        listener.close()
        path.unlink(missing_ok=True)


def _bind(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with _short(path) as name:
        listener.bind(name)
    # Nobody can connect before it listens, so nobody slips in before it is closed to others.
    path.chmod(0o600)
    return listener


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """A name for the socket that is short enough, however deep its folder lies."""
    if len(os.fsencode(path)) < LONGEST_PATH or not sys.platform.startswith("linux"):
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


async def _answer(perform: Perform, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        if _may_command(writer.get_extra_info("socket")):
            async with asyncio.timeout(PATIENCE_SECONDS):
                line = await reader.readuntil(b"\n")
            writer.write(msgspec.json.encode(await _understand(perform, line)) + b"\n")
            await writer.drain()
    except (ConnectionError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        log.warning("command_broken_off error=%r", error)
    finally:
        writer.close()


def _may_command(peer: socket.socket) -> bool:
    """Whether the caller is the user that runs this server, or root."""
    if not hasattr(socket, "SO_PEERCRED"):
        # Elsewhere than on Linux the socket's mode says it all.
        return True
    credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, user, _ = struct.unpack("3i", credentials)
    return user in (0, os.geteuid())


async def _understand(perform: Perform, line: bytes) -> Answer:
    try:
        return await perform(msgspec.json.decode(line, type=Request))
    except (msgspec.DecodeError, KeyError):
        return Answer(error="The server that is running is another version of Roseau. Restart it.")
    except RoseauError as error:
        return Answer(error=str(error))


async def perform(server: Server, request: Request) -> Answer:
    """Do what an operator asks of a server. Raises RoseauError, and KeyError for what nobody does here."""
    if request.command in ACTIONS:
        action, steer = ACTIONS[request.command]
        result = await steer(server, msgspec.json.decode(request.arguments, type=action.arguments))
    else:
        operation = (OPERATIONS | MODERATING)[request.command]
        arguments = msgspec.json.decode(request.arguments, type=operation.arguments)
        enter = server.database.write if operation.writes else server.database.scan
        result = await enter(operation.function, server.site, arguments)
    return to_answer(result)


def to_answer(result: object) -> Answer:
    """The answer with a result in it."""
    return Answer(result=msgspec.Raw(msgspec.json.encode(result)))


# The caller's side


def is_running(folder: Path) -> bool:
    """Whether a server listens in this data folder."""
    try:
        _connect(folder).close()
    except (NotRunning, PermissionError):
        return False
    return True


def _connect(folder: Path) -> socket.socket:
    caller = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _short(folder / SOCKET) as name:
            caller.connect(name)
    except OSError as error:
        caller.close()
        if isinstance(error, FileNotFoundError | ConnectionRefusedError):
            raise NotRunning from None
        raise
    return caller


def ask_server(folder: Path, operation: Operation[A, R] | Action[A, R], arguments: A) -> R:
    """Have the running server do it; the result. Raises NotRunning, Refused."""
    request = Request(operation.name, msgspec.Raw(msgspec.json.encode(arguments)))
    with _connect(folder) as caller:
        caller.sendall(msgspec.json.encode(request) + b"\n")
        with caller.makefile("rb") as stream:
            line = stream.readline()
    if not line:
        raise Refused("The server did not answer. Its log says why; only its own user may command it.")
    answer = msgspec.json.decode(line, type=Answer)
    if answer.error:
        raise Refused(answer.error)
    result: R = msgspec.json.decode(answer.result, type=operation.result)
    return result
