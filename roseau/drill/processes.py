"""Processes that a drill starts, stops, continues and kills; none of them outlives it."""

import asyncio
import ctypes
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from roseau.drill.failure import DrillFailed

_PR_SET_PDEATHSIG = 1
#: How long a process may take to say what is waited for, in seconds.
PATIENCE = 30.0
_LOOK = 0.01


def _end_with_parent() -> Callable[[], None] | None:
    """What a child does before it begins: ask the kernel to kill it when its parent dies, where it can."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    return lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


end_with_parent = _end_with_parent()


def clean_environment(settings: dict[str, str]) -> dict[str, str]:
    """This process's environment with these settings of Roseau and no others."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ROSEAU_")}
    return kept | {f"ROSEAU_{name.upper()}": value for name, value in settings.items()}


class Process:
    """One process; what it says goes to a file."""

    def __init__(self, command: Sequence[str], log: Path, environment: dict[str, str]) -> None:
        self.log = log
        # Several processes of a site say what they have to say one after another in the same file.
        self._from = log.stat().st_size if log.exists() else 0
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=end_with_parent,
            )

    @property
    def alive(self) -> bool:
        """Whether it runs, or is stopped."""
        return self._process.poll() is None

    @property
    def said(self) -> str:
        """What it has said so far."""
        with self.log.open("rb") as output:
            output.seek(self._from)
            return output.read().decode("utf-8", "replace")

    async def wait_to_say(self, pattern: str, seconds: float = PATIENCE) -> str:
        """Wait for a line; the first group of the pattern, or the whole match. Raises DrillFailed."""
        until = time.monotonic() + seconds
        while True:
            if found := re.search(pattern, self.said, re.MULTILINE):
                return found[1] if found.re.groups else found[0]
            if not self.alive or time.monotonic() > until:
                why = "did not say it in time" if self.alive else "ended"
                raise DrillFailed(f"{self.log.stem} {why}, waiting for {pattern!r}: …{self.said[-600:]}")
            await asyncio.sleep(_LOOK)

    def send(self, number: signal.Signals) -> None:
        """Send a signal: SIGSTOP and SIGCONT for a machine that hangs and comes back."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it without warning, also when it is stopped or has ended already."""
        self._process.kill()
        self._process.wait(PATIENCE)


class Result(msgspec.Struct, frozen=True):
    """How a command ended, what it said, and how long it took (seconds)."""

    status: int
    out: str
    err: str
    seconds: float

    @property
    def last_line(self) -> str:
        """The last line of what it printed."""
        lines = self.out.strip().splitlines()
        return lines[-1].strip() if lines else ""


async def run(command: Sequence[str], environment: dict[str, str], seconds: float, given: str = "") -> Result:
    """Run a command to its end. Raises DrillFailed when it takes longer than that."""
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *command,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=end_with_parent,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(given.encode()), seconds)
    except TimeoutError:
        raise DrillFailed(f"`{' '.join(command)}` did not end within {seconds:.0f} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    took = time.monotonic() - began
    return Result(process.returncode or 0, out.decode(), err.decode(), took)


@contextmanager
def ending_politely() -> Iterator[Callable[[], None]]:
    """Let SIGTERM and Ctrl-C unwind the program, so that everything that was made is taken away.

    What is yielded raises KeyboardInterrupt once somebody has asked for the end: Python drops an exception of
    a signal's handler that meets it in a hook of fork(), and asyncio may lose a cancellation. So it is asked
    between two runs, and once more at the end.
    """
    asked = False

    def stop(number: int, frame: object) -> None:
        nonlocal asked
        asked = True
        raise KeyboardInterrupt

    def check() -> None:
        if asked:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield check
        check()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
