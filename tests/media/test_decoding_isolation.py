"""The walls around the decoder: what the child cannot do, and what its parent makes of a child gone wrong."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from roseau.domain.media.decoding import decode
from roseau.domain.media.decoding.decode import DecoderUnavailable, ImageRefused, decode_image
from roseau.domain.media.decoding.messages import Limits
from tests.media.pictures import draw, encode

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(sys.platform != "linux", reason="the walls are Linux's")]

PREAMBLE = "import sys; sys.path += sys.argv[1:]\n"
# Runs each attempt behind the wall and tells, by name, how it ended.
ATTEMPTS = """
import ctypes, json, mmap, os, signal, socket, subprocess, threading
from roseau.domain.media.decoding import confinement
from roseau.domain.media.decoding.messages import Limits
BEFORE
attempts = {
    "open a file": lambda: open("/etc/passwd"),
    "write a file": lambda: os.open("/tmp/escaped", os.O_CREAT | os.O_WRONLY),
    "open a socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
    "open a local socket": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
    "connect": lambda: before.connect(("127.0.0.1", port)),
    "fork": lambda: os.fork() or os._exit(0),
    "run a program": lambda: os.execv("/bin/true", ["true"]),
    "spawn": lambda: subprocess.run(["/bin/true"]),
    "signal the parent": lambda: os.kill(os.getppid(), 0),
    "look about": lambda: os.listdir("/"),
    "take memory": lambda: bytearray(600 * 1024 * 1024),
    "start a thread": lambda: threading.Thread(target=int).start(),
    "compute": lambda: sum(range(1000)),
}
attempts.pop("WITHOUT", None)
ends = {}
for name, attempt in attempts.items():
    try:
        attempt()
        ends[name] = "done"
    except (OSError, MemoryError) as error:
        ends[name] = type(error).__name__
print(json.dumps(ends), flush=True)
os._exit(0)
"""
LISTEN = """
listener = socket.create_server(("127.0.0.1", 0))
port = listener.getsockname()[1]
before = socket.socket()
"""


def attempt_behind(wall: str, without: str = "") -> subprocess.CompletedProcess[bytes]:
    """Try everything in a process that has just put up this wall, or all but one thing."""
    program = PREAMBLE + ATTEMPTS.replace("BEFORE", LISTEN + wall).replace("WITHOUT", without)
    command = [sys.executable, "-I", "-S", "-c", program, *decode._find_folders()]
    return subprocess.run(command, env={}, capture_output=True, timeout=30, check=False)


def read_ends(ended: subprocess.CompletedProcess[bytes]) -> dict[str, str]:
    assert ended.returncode == 0, ended.stderr.decode()
    ends: dict[str, str] = json.loads(ended.stdout)
    return ends


def test_a_confined_process_can_compute_and_nothing_else() -> None:
    ends = read_ends(attempt_behind("confinement.confine(Limits())"))
    assert ends.pop("compute") == "done" and ends.pop("start a thread") == "done"
    assert ends.pop("take memory") == "MemoryError"
    assert set(ends.values()) == {"PermissionError"}, ends


def test_without_a_wall_the_same_attempts_succeed() -> None:
    ends = read_ends(attempt_behind("", without="run a program"))
    assert ends["connect"] == ends["open a socket"] == ends["open a file"] == "done"


def test_where_calls_cannot_be_filtered_there_is_no_network() -> None:
    wall = "confinement.filter_system_calls = lambda libc: False; confinement.confine(Limits())"
    ended = attempt_behind(wall, without="run a program")
    if b"neither seccomp nor a network namespace" in ended.stderr:
        # Containers often forbid namespaces. The child must then refuse to go on, which is what it has done.
        assert ended.returncode == 1 and not ended.stdout
        return
    ends = read_ends(ended)
    assert ends["open a socket"] == ends["open a local socket"] == ends["open a file"] == "OSError"


def test_the_parent_needs_no_decoder_and_the_child_no_server() -> None:
    def list_modules(module: str) -> set[str]:
        program = PREAMBLE + f"import {module}; print(*sys.modules)"
        command = [sys.executable, "-I", "-S", "-c", program, *decode._find_folders()]
        return set(subprocess.run(command, env={}, capture_output=True, text=True, check=True).stdout.split())

    assert not list_modules("roseau.domain.media.decoding.decode") & {"PIL", "pillow_heif"}
    child = list_modules("roseau.domain.media.decoding.child")
    assert "PIL.JpegImagePlugin" in child
    assert not child & {
        "asyncio",
        "apsw",
        "sqlalchemy",
        "starlette",
        "PIL.BmpImagePlugin",
        "PIL.EpsImagePlugin",
    }


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[asyncio.subprocess.Process]:
    """Collect the children that are started."""
    started: list[asyncio.subprocess.Process] = []
    start = asyncio.create_subprocess_exec

    async def note(*arguments: str, **options: object) -> asyncio.subprocess.Process:
        process = await start(*arguments, **options)  # type: ignore[arg-type]
        started.append(process)
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", note)
    return started


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """A picture that takes some seconds to decode and encode again."""
    source = tmp_path / "slow"
    picture = Image.effect_noise((1000, 1000), 90).resize((5000, 5000))
    source.write_bytes(encode(picture, "png", compress_level=1))
    return source


def assert_nothing_is_left(children: list[asyncio.subprocess.Process], out: Path) -> None:
    assert children
    for child in children:
        with pytest.raises(ProcessLookupError):
            os.kill(child.pid, 0)
    assert not list(out.iterdir())


async def test_the_child_at_work_is_behind_the_wall(
    slow: Path, out: Path, children: list[asyncio.subprocess.Process]
) -> None:
    task = asyncio.create_task(decode_image(slow, out))
    status: dict[str, str] = {}
    async with asyncio.timeout(20):
        # Two is SECCOMP_MODE_FILTER.
        while status.get("Seccomp") != "2":
            await asyncio.sleep(0.005)
            assert not task.done(), "the child was never confined"
            if children:
                lines = Path(f"/proc/{children[0].pid}/status").read_text().splitlines()
                status = {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
    bounds = Path(f"/proc/{children[0].pid}/limits").read_text()
    assert Path(f"/proc/{children[0].pid}/environ").read_bytes() == b"MALLOC_ARENA_MAX=1\0"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert status["NoNewPrivs"] == "1"
    limits = {line[:25].strip(): line[25:].split()[:2] for line in bounds.splitlines()}
    assert limits["Max address space"] == [str(512 * 1024 * 1024)] * 2
    assert limits["Max cpu time"] == ["10", "11"]
    assert limits["Max open files"] == limits["Max core file size"] == ["0", "0"]
    assert limits["Max file size"] == [str(40 * 1024 * 1024)] * 2
    assert_nothing_is_left(children, out)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(wall_seconds=0.02), "timeout"),
        (Limits(memory_bytes=90 * 1024 * 1024), "memory"),
        (Limits(max_output_bytes=1000), "too_large"),
    ],
    ids=["time", "memory", "output"],
)
async def test_each_limit_holds(
    slow: Path, out: Path, children: list[asyncio.subprocess.Process], limits: Limits, reason: str
) -> None:
    with pytest.raises(ImageRefused) as refused:
        await decode_image(slow, out, limits=limits)
    assert refused.value.reason == reason, refused.value.detail
    assert_nothing_is_left(children, out)


BUSY = """
import sys; sys.path += sys.argv[1:]
import msgspec
from roseau.domain.media.decoding.confinement import confine
from roseau.domain.media.decoding.messages import Order
confine(msgspec.json.decode(sys.stdin.buffer.read(), type=Order).limits)
print("confined", flush=True)
while True: pass
"""
CONFINED = "import os, sys; order = sys.stdin.read(); print('confined', flush=True); "
CLAIM = (
    '{"type": "picture", "first": {"format": "jpeg", "width": 9, "height": 9}, "second": null,'
    ' "blurhash": "HASH", "average_color": "#ff0000", "moving": false, "frames": 1, "duration": 0}'
)
CLAIM = CLAIM.replace("HASH", "0" * 36)
STYLE = CLAIM.replace("#ff0000", "red;background:url(//evil.example)")
WRITE = "import json; os.write(json.loads(order)['first'], b'<script>alert(1)</script>'); "


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        (CONFINED + "os.kill(os.getpid(), 11)", "corrupt"),
        (CONFINED + "os.kill(os.getpid(), 9)", "memory"),
        (CONFINED + "sys.exit(1)", "corrupt"),
        (CONFINED + "raise LookupError('lost')", "corrupt"),
        (CONFINED + "print('{')", "corrupt"),
        (CONFINED + "print('x' * 20_000_000)", "corrupt"),
        (CONFINED + f"print('{CLAIM}')", "corrupt"),
        (CONFINED + WRITE + f"print('{CLAIM}')", "corrupt"),
        (CONFINED + f"print('{STYLE}')", "corrupt"),
        (CONFINED + "import time; time.sleep(60)", "timeout"),
        (BUSY, "timeout"),
    ],
    ids=[
        "crash",
        "killed",
        "silent",
        "traceback",
        "half",
        "flood",
        "empty",
        "script",
        "style",
        "asleep",
        "busy",
    ],
)
async def test_a_child_that_was_taken_over_achieves_nothing(
    tmp_path: Path,
    out: Path,
    children: list[asyncio.subprocess.Process],
    monkeypatch: pytest.MonkeyPatch,
    program: str,
    reason: str,
) -> None:
    monkeypatch.setattr(decode, "_BOOTSTRAP", program)
    source = tmp_path / "picture"
    source.write_bytes(encode(draw(9, 9), "png"))
    with pytest.raises(ImageRefused) as refused:
        await decode_image(source, out, limits=Limits(cpu_seconds=1, wall_seconds=4.0))
    assert refused.value.reason == reason
    assert program is not BUSY or "processor" in refused.value.detail
    assert_nothing_is_left(children, out)


@pytest.mark.parametrize("broken", ["program", "python"])
async def test_a_decoder_that_cannot_run_is_not_the_fault_of_the_picture(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    if broken == "python":
        monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
    else:
        monkeypatch.setattr(decode, "_BOOTSTRAP", "import nothing")
    source = tmp_path / "picture"
    source.write_bytes(encode(draw(9, 9), "png"))
    with pytest.raises(DecoderUnavailable) as unavailable:
        await decode_image(source, out)
    assert "nothing" in unavailable.value.detail
    assert unavailable.value.status == 503
    assert not list(out.iterdir())


FULL = """
import sys; sys.path += sys.argv[1:]
import io, json, os
order = sys.stdin.buffer.read()
os.dup2(os.open("/dev/full", os.O_WRONLY), json.loads(order)["first"])
sys.stdin = io.TextIOWrapper(io.BytesIO(order))
from roseau.domain.media.decoding.child import main
main()
"""


@pytest.mark.parametrize("format", ["jpeg", "png", "gif", "webp"])
async def test_a_full_disk_is_not_the_fault_of_the_picture(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    monkeypatch.setattr(decode, "_BOOTSTRAP", FULL)
    source = tmp_path / "picture"
    source.write_bytes(encode(draw(900, 900), format))
    with pytest.raises(DecoderUnavailable) as unavailable:
        await decode_image(source, out)
    assert "No space left" in unavailable.value.detail
    assert not list(out.iterdir())


async def test_pictures_are_decoded_two_at_a_time(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, most = 0, 0
    ask_child = decode._ask_child

    async def count(*arguments: object) -> object:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            return await ask_child(*arguments)  # type: ignore[arg-type]
        finally:
            running -= 1

    monkeypatch.setattr(decode, "_ask_child", count)
    source = tmp_path / "upload"
    source.write_bytes(encode(draw(80, 60), "png"))
    await asyncio.gather(*(decode_image(source, out) for _ in range(5)))
    assert most == 2
