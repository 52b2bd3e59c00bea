"""The drill finds what is lost, leaves nothing behind, and each of its scenarios passes."""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from roseau.drill.failure import CannotDrill
from roseau.drill.ledger import Ledger
from roseau.drill.network import Place, can_make_namespaces, open_network
from roseau.drill.running import Options, Outcome, Scenario, play, sum_up
from roseau.drill.scenarios import SCENARIOS
from roseau.drill.stage import Stage
from tests.cli.running import ROOT, clean_environment

# Each scenario keeps both cores busy: all of them go to one worker, one after another.
pytestmark = pytest.mark.xdist_group("drill")

PATIENCE = 30.0
#: Of a scenario, on a machine that has much else to do (seconds).
LONGEST = 100.0
KINDS = {"post", "upload", "favourite", "follow", "session", "token", "push", "second_factor"}


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """Where the random moments come from; printed with a failure."""
    number = random.randrange(1 << 32)
    sys.stdout.write(f"the moments of {request.node.name} come from seed {number}\n")
    return number


@contextmanager
def drilling(*words: str) -> Iterator["subprocess.Popen[str]"]:
    """The command in a process of its own, which ends with the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "roseau", "drill", *words],
        cwd=ROOT,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.communicate(timeout=PATIENCE)


# Every scenario


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_passes(name: str, seed: int) -> None:
    with drilling("--scenario", name, "--seed", str(seed)) as process:
        said, _ = process.communicate(timeout=LONGEST)
    if "is left out" in said:
        pytest.skip(said.splitlines()[-2])
    assert process.returncode == 0, said
    assert said.endswith("1 passed, 0 failed\n")
    assert f"{name} (N={SCENARIOS[name].reeds}, K={SCENARIOS[name].needed}), seed {seed}" in said


# What is lost is found


async def forget(stage: Stage) -> None:
    """A host that comes back as it was a while ago, as from a backup, with a picture that has rotted."""
    primary = await stage.open_primary()
    await stage.load()
    await stage.until(lambda: any(e.value for e in stage.ledger.of("upload")), "a picture that was served")
    primary.kill()
    earlier = stage.folder / "earlier"
    shutil.copytree(primary.data, earlier, ignore=shutil.ignore_patterns("*.sock"))
    rotten = next(entry for entry in stage.ledger.of("upload") if entry.value)
    before = len(stage.ledger.entries)
    await primary.serve()

    def seen() -> set[str]:
        later = stage.ledger.entries[before:]
        return {entry.kind for entry in later if entry.outcome == "acknowledged"}

    await stage.until(lambda: seen() == KINDS, "all kinds of writes")
    stage.strike()
    primary.kill()
    shutil.rmtree(primary.data)
    shutil.copytree(earlier, primary.data)
    name = Path(rotten.value.split()[0]).name
    (file,) = (path for path in (primary.data / "media").rglob("*") if path.name.startswith(name[:64]))
    file.write_bytes(file.read_bytes()[::-1])
    await primary.serve()
    await stage.recovered()


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_what_is_lost_is_found(seed: int) -> None:
    scenario = Scenario("forget", 0, 0, "The host comes back as it was.", forget)
    outcome = await play(scenario, seed, Options(network="loopback"))
    assert not outcome.passed
    assert outcome.lost > 0 and outcome.rpo > 0 and outcome.rto is not None
    losses = [fault.split()[1] for fault in outcome.faults if fault.startswith("lost: ")]
    assert set(losses) == KINDS
    assert len(losses) == outcome.lost
    others = [fault for fault in outcome.faults if not fault.startswith("lost: ")]
    assert any("followers" in fault for fault in others)


# The measures


def test_the_measures_of_a_ledger(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    entries = [ledger.send("post", "ada", value=str(number)) for number in range(5)]
    for entry in entries[:4]:
        ledger.acknowledge(entry, key=f"id{entry.number}")
    for entry, moment in zip(entries, (10.0, 10.5, 12.0, 12.25), strict=False):
        entry.sent_at, entry.answered_at = moment - 0.1, moment
    ledger.close_open()
    ledger.close()
    assert (ledger.count(), ledger.count("unknown")) == (4, 1)
    assert ledger.measure_loss([]) == 0.0
    assert ledger.measure_loss(entries[2:4]) == pytest.approx(1750.0)
    assert ledger.measure_loss(entries[:4]) == pytest.approx(2250.0)
    assert ledger.longest_pause(10.2) == pytest.approx(1500.0)
    after = ledger.first_acknowledged_after(10.45)
    assert after is entries[2]
    assert len((tmp_path / "ledger.jsonl").read_text().splitlines()) == 10


def test_runs_are_summed_up() -> None:
    scenario = SCENARIOS["restart"]
    runs = [
        Outcome(
            scenario="restart", reeds=0, needed=0, seed=1, network="loopback", acknowledged=10, unanswered=1,
            lost=lost, rpo=rpo, rto=rto, seconds=1.0, faults=["lost"] * lost, kept="",
        )
        for lost, rpo, rto in ((0, 0.0, 300.0), (2, 40.0, None), (0, 0.0, 100.0))
    ]  # fmt: skip
    found = sum_up(scenario, runs)
    assert (found.runs, found.passed, found.acknowledged, found.lost) == (3, 2, 30, 2)
    assert (found.rpo, found.rto_median, found.rto_worst) == (40.0, 200.0, 300.0)


# The network, and what is left of it


def left_of(pid: int) -> list[str]:
    """What a drill has not taken away: processes, namespaces, folders."""
    mark = f"roseau-drill-{pid}-"
    found = [str(path) for path in Path(tempfile.gettempdir()).glob(f"{mark}*")]
    namespaces = Path("/run/netns")
    found += [path.name for path in namespaces.glob(f"{mark}*")] if namespaces.is_dir() else []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            said = command.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if mark in said or f" rd{pid}-" in said:
            found.append(said)
    return found


def wait_until_at_work(process: "subprocess.Popen[str]") -> None:
    """Wait until a site of the drill runs."""
    until = time.monotonic() + PATIENCE
    while not any(" serve " in found for found in left_of(process.pid)):
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.05)


needs_proc = pytest.mark.skipif(not Path("/proc/self").exists(), reason="reads the processes from /proc")


@needs_proc
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_drill_leaves_nothing(number: signal.Signals) -> None:
    with drilling("--scenario", "restart") as process:
        wait_until_at_work(process)
        process.send_signal(number)
        said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 128 + signal.SIGINT, said
    assert left_of(process.pid) == []


_INTERRUPTED_IN_A_FORK = """
import os, signal
from roseau.drill.processes import ending_politely
os.register_at_fork(after_in_parent=lambda: os.kill(os.getpid(), signal.SIGTERM))
with ending_politely():
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
    print("went on", flush=True)
print("and on")
"""


def test_an_interruption_that_python_drops_is_not_forgotten() -> None:
    """What a signal's handler raises inside a hook of fork() is printed and dropped."""
    ended = subprocess.run(
        [sys.executable, "-c", _INTERRUPTED_IN_A_FORK], capture_output=True, text=True, timeout=PATIENCE
    )
    assert ended.stdout == "went on\n" and ended.returncode != 0


@needs_proc
def test_a_killed_drill_leaves_no_process_and_the_next_one_takes_the_rest_away() -> None:
    with drilling("--scenario", "restart") as killed:
        wait_until_at_work(killed)
        killed.kill()
        killed.communicate(timeout=PATIENCE)
    until = time.monotonic() + PATIENCE
    while any(" serve " in found or " rd" in found for found in left_of(killed.pid)):
        assert time.monotonic() < until, left_of(killed.pid)
        time.sleep(0.05)
    assert left_of(killed.pid) != []
    with drilling("--scenario", "restart", "--net", "loopback") as following:
        wait_until_at_work(following)
        assert left_of(killed.pid) == []


_ECHO = """
import socket
listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
listener.bind(("0.0.0.0", 9))
print("ready", flush=True)
while True:
    listener.sendto(*listener.recvfrom(64))
"""
_ASK = """
import socket, sys, time
caller = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
caller.settimeout(0.15)
came, fastest = 0, 9.0
for number in range(int(sys.argv[2])):
    began = time.monotonic()
    caller.sendto(b"%d" % number, (sys.argv[1], 9))
    try:
        # An answer that came too late for its own question is none to the next.
        while caller.recv(64) != b"%d" % number:
            pass
    except TimeoutError:
        continue
    came, fastest = came + 1, min(fastest, time.monotonic() - began)
print(came, fastest)
"""


def ask(near: Place, far: Place, times: int) -> tuple[int, float]:
    """How many of so many questions are answered far away, and the fastest answer (seconds)."""
    command = [*near.enter, sys.executable, "-c", _ASK, far.address, str(times)]
    said = subprocess.check_output(command, text=True).split()
    return int(said[0]), float(said[1])


@pytest.mark.skipif(not can_make_namespaces(), reason="needs network namespaces: Linux and root")
def test_the_cable_delays_loses_and_can_be_cut() -> None:
    with open_network("namespaces", ["near", "far"], delay=20.0, loss=0.2, seed=7) as network:
        near, far = network.place("near"), network.place("far")
        command = [*far.enter, sys.executable, "-c", _ECHO]
        echo = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert echo.stdout is not None and echo.stdout.readline() == "ready\n"
            came, fastest = ask(near, far, 40)
            assert 0 < came < 40
            assert fastest >= 0.02
            network.cut(far)
            assert ask(near, far, 5)[0] == 0
            network.join(far)
            assert ask(near, far, 40)[0] > 0
        finally:
            echo.kill()
            echo.communicate()
    assert left_of(os.getpid()) == []


def test_a_delay_needs_namespaces() -> None:
    with (
        pytest.raises(CannotDrill, match="namespaces"),
        open_network("loopback", ["primary"], delay=20.0, loss=0.0, seed=1),
    ):
        raise AssertionError("there is no delay on loopback")


def test_loopback_gives_every_place_ports_of_its_own() -> None:
    with open_network("loopback", ["primary", "reed1"], delay=0.0, loss=0.0, seed=1) as network:
        places = [network.place(name) for name in ("primary", "reed1", "primary")]
    assert places[0] == places[2]
    assert len({port for place in places[:2] for port in (place.web_port, place.reed_port)}) == 4
