"""The cable between the sites of a drill: an Ethernet switch that delays frames and loses some.

    python -m roseau.drill.wire DELAY LOSS SEED NAME [NAME ...]

Makes one tap device for each NAME, says `ready`, and carries frames between them until it is ended; the
devices go with it. DELAY is in milliseconds each way, LOSS a share from 0 to 1. The first device is that of
the members, who are as near to one site as to another: its frames neither wait nor are lost. The kernel's own
netem would do the same, but the kernels of small virtual machines often come without it. Linux only.
"""

import fcntl
import heapq
import os
import random
import select
import struct
import sys
import time

_SET_INTERFACE = 0x400454CA
_TAP, _NO_PACKET_INFO = 0x0002, 0x1000
_LONGEST_FRAME = 65536
#: Frames taken from one device before the others have their turn.
_BURST = 64

Waiting = tuple[float, int, int, bytes]


def make_tap(name: str) -> int:
    """A new tap device, held by the file descriptor that is the result. Raises OSError."""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, _SET_INTERFACE, struct.pack("16sH22x", name.encode(), _TAP | _NO_PACKET_INFO))
    return device


class Switch:
    """Learns which address is behind which device, as switches do, and holds every frame back for a while."""

    def __init__(self, devices: list[int], delay: float, loss: float, source: random.Random) -> None:
        self._devices = devices
        self._delay = delay
        self._loss = loss
        self._source = source
        self._behind: dict[bytes, int] = {}
        self._waiting: list[Waiting] = []
        self._count = 0

    def run(self) -> None:
        """Carry frames for ever."""
        while True:
            timeout = max(0.0, self._waiting[0][0] - time.monotonic()) if self._waiting else None
            readable, _, _ = select.select(self._devices, [], [], timeout)
            for device in readable:
                self._take(device)
            self._deliver()

    def _take(self, device: int) -> None:
        for _ in range(_BURST):
            try:
                frame = os.read(device, _LONGEST_FRAME)
            except BlockingIOError:
                return
            except OSError:
                # The device is down: its site has vanished from the network.
                return
            self._behind[frame[6:12]] = device
            known = self._behind.get(frame[:6])
            for to in [known] if known is not None else self._devices:
                if to != device:
                    self._send(device, to, frame)

    def _send(self, device: int, to: int, frame: bytes) -> None:
        now = time.monotonic()
        if self._devices[0] in (device, to):
            due = now
        elif self._loss and self._source.random() < self._loss:
            return
        else:
            due = now + self._delay
        self._count += 1
        heapq.heappush(self._waiting, (due, self._count, to, frame))

    def _deliver(self) -> None:
        now = time.monotonic()
        while self._waiting and self._waiting[0][0] <= now:
            _, _, device, frame = heapq.heappop(self._waiting)
            try:
                os.write(device, frame)
            except OSError:
                # A device that is down, or whose queue is full, loses the frame, as a cable does.
                continue


def main() -> None:
    """Run as a process of its own, so that the load does not hold frames up."""
    delay, loss, seed, *names = sys.argv[1:]
    devices = [make_tap(name) for name in names]
    print("ready", flush=True)  # noqa: T201, the sign that its parent waits for
    Switch(devices, float(delay) / 1000, float(loss), random.Random(int(seed))).run()  # noqa: S311, no secret


if __name__ == "__main__":
    main()
