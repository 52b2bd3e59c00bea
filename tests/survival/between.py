"""A machine in the middle: carries bytes between a primary and a reed, and harms them as it is told."""

import socket
import threading
from contextlib import suppress
from typing import Literal

Harm = Literal["flip", "cut", "drop", "repeat"]
Direction = Literal["to the reed", "to the primary"]


class Between:
    """Listens at `port` and carries on to another; `harm` meets the next bytes of that direction, once."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.harm: tuple[Direction, Harm] | None = None
        #: While it is not set, nothing is read and nothing is carried.
        self.flowing = threading.Event()
        self.flowing.set()
        #: What went to the reed on the first connection.
        self.recorded = b""
        self._connections = 0
        self._sockets: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                caller, _ = self._server.accept()
                self._connections += 1
                number = self._connections
                try:
                    called = socket.create_connection(("127.0.0.1", self.target), timeout=5)
                except OSError:
                    caller.close()
                    continue
                called.settimeout(None)
                self._sockets += [caller, called]
                for source, sink, direction in (
                    (caller, called, "to the reed"),
                    (called, caller, "to the primary"),
                ):
                    threading.Thread(
                        target=self._carry, args=(source, sink, direction, number), daemon=True
                    ).start()

    def _carry(self, source: socket.socket, sink: socket.socket, direction: Direction, number: int) -> None:
        with suppress(OSError):
            while True:
                self.flowing.wait()
                data = source.recv(65_536)
                if not data:
                    break
                self.flowing.wait()
                if number == 1 and direction == "to the reed":
                    self.recorded += data
                harm = self._take_harm(direction)
                sink.sendall(damage(data, harm))
                if harm == "cut":
                    break
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _take_harm(self, direction: Direction) -> Harm | None:
        if self.harm is None or self.harm[0] != direction:
            return None
        (_, harm), self.harm = self.harm, None
        return harm

    def close(self) -> None:
        """Carry nothing any more."""
        self.flowing.set()
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        for one in (self._server, *self._sockets):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


def damage(data: bytes, harm: Harm | None) -> bytes:
    """What comes out of these bytes."""
    middle = len(data) // 2
    match harm:
        case "flip":
            return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
        case "cut":
            return data[:middle]
        case "drop":
            return data[middle:]
        case "repeat":
            return data + data
        case _:
            return data
