"""Where the sites of a drill live: each in a network namespace of its own, or all on ports of loopback.

Namespaces need Linux, root, iproute2 and /dev/net/tun; between them lies a cable with a delay and a loss
(`wire.py`). Everything that is made carries this process's id in its name and is taken away at the end, and
what a drill that was killed left behind is taken away by the next one.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import msgspec

from roseau.drill.failure import CannotDrill, DrillFailed
from roseau.drill.processes import end_with_parent

_PREFIX = "roseau-drill"
_OURS = re.compile(rf"{_PREFIX}-(\d+)-")
_NAMESPACES = Path("/run/netns")
#: Jumbo frames: fewer of them to carry, in a switch that is written in Python.
_MTU = 9000
WEB_PORT, REED_PORT = 8000, 7000


class Place(msgspec.Struct, frozen=True):
    """Where a site lives: what to put before a command so that it runs there, and where it can listen."""

    name: str
    address: str
    web_port: int
    reed_port: int
    enter: tuple[str, ...] = ()
    namespace: str = ""


class Network(Protocol):
    """A network that sites can be put into."""

    kind: str

    def place(self, name: str) -> Place:
        """The place of that name."""

    def cut(self, place: Place) -> None:
        """Let a place vanish: nobody hears from it any more, not even that a connection has ended."""

    def join(self, place: Place) -> None:
        """Let it appear again."""


class Loopback:
    """All on 127.0.0.1, each on ports of its own."""

    kind = "loopback"

    def __init__(self) -> None:
        self._places: dict[str, Place] = {}

    def place(self, name: str) -> Place:
        """The place of that name."""
        if name not in self._places:
            web, reed = free_ports(2)
            self._places[name] = Place(name, "127.0.0.1", web, reed)
        return self._places[name]

    def cut(self, place: Place) -> None:
        """Loopback cannot be cut: the kernel tells the others of every connection that ends."""

    def join(self, place: Place) -> None:
        """Nothing was cut."""


class Namespaces:
    """A namespace for each site, joined by a cable."""

    kind = "namespaces"

    def __init__(self, names: Sequence[str]) -> None:
        self._third = _free_third()
        self._names = list(names)

    def place(self, name: str) -> Place:
        """The place of that name. Raises DrillFailed when it was not asked for at the beginning."""
        if name not in self._names:
            raise DrillFailed(f"there is no namespace for {name}")
        namespace = f"{_PREFIX}-{os.getpid()}-{name}"
        address = f"198.18.{self._third}.{11 + self._names.index(name)}"
        enter = ("ip", "netns", "exec", namespace)
        return Place(name, address, WEB_PORT, REED_PORT, enter, namespace)

    def cut(self, place: Place) -> None:
        """Take the cable out."""
        _ip("-n", place.namespace, "link", "set", "eth0", "down")

    def join(self, place: Place) -> None:
        """Put it back."""
        _ip("-n", place.namespace, "link", "set", "eth0", "up")

    def taps(self) -> list[str]:
        """The devices' names: this side's first. The kernel takes 15 letters at most."""
        return [f"rd{os.getpid()}-{number}" for number in range(len(self._names) + 1)]

    def connect(self) -> None:
        """Give every site its end of the cable, and the load, which stays outside, its own."""
        ours, *theirs = self.taps()
        _ip("addr", "add", f"198.18.{self._third}.1/24", "dev", ours)
        _ip("link", "set", ours, "mtu", str(_MTU), "up")
        for name, tap in zip(self._names, theirs, strict=True):
            place = self.place(name)
            _ip("netns", "add", place.namespace)
            _ip("link", "set", tap, "netns", place.namespace, "name", "eth0")
            _ip("-n", place.namespace, "addr", "add", f"{place.address}/24", "dev", "eth0")
            _ip("-n", place.namespace, "link", "set", "eth0", "mtu", str(_MTU), "up")
            _ip("-n", place.namespace, "link", "set", "lo", "up")

    def remove(self) -> None:
        """Take the namespaces away."""
        for name in self._names:
            namespace = self.place(name).namespace
            if (_NAMESPACES / namespace).exists():
                _ip("netns", "del", namespace)


@contextmanager
def open_network(kind: str, names: Sequence[str], delay: float, loss: float, seed: int) -> Iterator[Network]:
    """A network with a place for each name, for as long as the block lasts.

    `kind`: namespaces, loopback, or auto for namespaces where they can be made. `delay` is a round trip in
    milliseconds, `loss` a share. Raises CannotDrill.
    """
    if kind == "loopback" or (kind == "auto" and not can_make_namespaces()):
        if delay or loss:
            raise CannotDrill("A delay or a loss needs network namespaces: Linux, root and iproute2.")
        yield Loopback()
        return
    if not can_make_namespaces():
        raise CannotDrill("Network namespaces need Linux, root, iproute2 and /dev/net/tun.")
    network = Namespaces(names)
    with _cable(network.taps(), delay / 2, loss, seed):
        try:
            network.connect()
            yield network
        finally:
            network.remove()


@contextmanager
def _cable(taps: list[str], delay: float, loss: float, seed: int) -> Iterator[None]:
    command = [sys.executable, "-m", "roseau.drill.wire", str(delay), str(loss), str(seed), *taps]
    wire = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=end_with_parent)
    try:
        if wire.stdout is None or wire.stdout.readline().strip() != "ready":
            raise DrillFailed("the cable between the sites could not be laid")
        yield
    finally:
        wire.kill()
        wire.wait()
        if wire.stdout is not None:
            wire.stdout.close()


def can_make_namespaces() -> bool:
    """Whether this process may make network namespaces and devices."""
    return (
        sys.platform.startswith("linux")
        and os.geteuid() == 0
        and shutil.which("ip") is not None
        and os.access("/dev/net/tun", os.R_OK | os.W_OK)
    )


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nothing listens on."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def _ip(*words: str) -> str:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise DrillFailed(f"ip {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def _free_third() -> int:
    """The third number of a network that nobody uses here; 198.18.0.0/15 is for tests (RFC 2544)."""
    taken = _ip("-4", "-o", "addr", "show")
    for step in range(256):
        third = (os.getpid() + step) % 256
        if f"198.18.{third}." not in taken:
            return third
    raise DrillFailed("every network of 198.18.0.0/16 is taken")


# What a drill that was killed left behind


def make_folder() -> Path:
    """A new folder for the sites, named for this process."""
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}-{os.getpid()}-"))


def remove_folder(folder: Path) -> None:
    """Take the folder and what is mounted in it away."""
    for mounted in _mounts_in(folder):
        subprocess.run(["umount", "-l", mounted], check=False, capture_output=True)
    shutil.rmtree(folder, ignore_errors=True)


def _mounts_in(folder: Path) -> list[str]:
    table = Path("/proc/mounts")
    if not table.exists():
        return []
    places = [line.split()[1] for line in table.read_text().splitlines()]
    return [place for place in reversed(places) if place.startswith(f"{folder}/")]


def sweep() -> None:
    """Take away what drills that are dead have left: namespaces, mounts and folders."""
    if can_make_namespaces() and _NAMESPACES.is_dir():
        for name in (path.name for path in _NAMESPACES.iterdir()):
            if _is_left_over(name):
                _ip("netns", "del", name)
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}-*"):
        if _is_left_over(folder.name) and not (folder / "keep").exists():
            remove_folder(folder)


def _is_left_over(name: str) -> bool:
    found = _OURS.match(name)
    if not found:
        return False
    try:
        os.kill(int(found[1]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
