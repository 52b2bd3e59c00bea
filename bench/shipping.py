"""What it costs to acknowledge a post only when reeds have it.

    python -m bench.shipping              one reed on loopback beside no reed
    python -m bench.shipping --delay 20   three reeds, two of which acknowledge, 20 ms of round trip away
    python -m bench.shipping --delay 20 --reeds 1

Each with 1 and with 32 clients; rounds alternate between the sites of a run. The second form needs network
namespaces: Linux and root.
"""

import argparse
import asyncio
import random
import statistics
import subprocess
import sys

from bench.filling import add_members, add_tokens, open_folder
from bench.load import Measured, drive
from bench.posts import AUTHORS, posts
from roseau.drill.network import make_folder, open_network, remove_folder, sweep
from roseau.drill.sites import Site
from roseau.drill.stage import Stage

ROUNDS = 5
SECONDS = 3.0
CLIENTS = (1, 32)
CLIENTS_APART = (1, 8, 32)


async def open_site(stage: Stage, name: str) -> tuple[Site, list[str]]:
    """A site that runs, with some authors who follow nobody; their tokens."""
    site = stage.site(name, log="quiet")
    await site.init()
    database = open_folder(site.data)
    authors = database.write_now(add_members, [f"author{number}" for number in range(AUTHORS)])
    tokens = database.write_now(add_tokens, authors, "read write")
    database.close()
    await site.serve()
    return site, tokens


async def measure(sites: dict[str, tuple[Site, list[str]]], clients: int) -> dict[str, list[Measured]]:
    """Some rounds of each, in turn; the first, which warms up, is left out."""
    measured: dict[str, list[Measured]] = {name: [] for name in sites}
    for _ in range(ROUNDS + 1):
        for name, (site, tokens) in sites.items():
            host, port = site.web
            measured[name].append(await asyncio.to_thread(drive, port, posts(tokens), clients, SECONDS, host))
    return {name: rounds[1:] for name, rounds in measured.items()}


def show(clients: int, name: str, rounds: list[Measured]) -> None:
    """A row of the table."""
    rate = statistics.median(r.rate for r in rounds)
    half, most = (statistics.median(r.percentile(part) for r in rounds) for part in (0.5, 0.99))
    print(
        f"| {clients} | {name} | {rate:.0f} | {half:.2f} | {most:.2f} | {sum(r.failed for r in rounds)} |",
        flush=True,
    )


async def beside(stage: Stage) -> None:
    """One reed on loopback beside no reed."""
    sites = {"no reed": await open_site(stage, "alone"), "one reed": await open_site(stage, "primary")}
    await stage.add_reeds(sites["one reed"][0], 1)
    for clients in CLIENTS:
        measured = await measure(sites, clients)
        for name, rounds in measured.items():
            show(clients, name, rounds)
        pairs = zip(measured["one reed"], measured["no reed"], strict=True)
        share = statistics.median(shipped.rate / alone.rate for shipped, alone in pairs)
        print(f"| {clients} | one reed / no reed | {share:.2f} | | | |", flush=True)


_CONNECTS = """
import socket, statistics, sys, time
host, port, took = sys.argv[1], int(sys.argv[2]), []
for _ in range(50):
    began = time.perf_counter()
    socket.create_connection((host, port)).close()
    took.append((time.perf_counter() - began) * 1000)
print(statistics.median(took))
"""


def measure_round_trip(site: Site, reed: Site) -> float:
    """How long it takes to open a connection to the reed, which is one round trip (ms, median of 50)."""
    place = reed.place
    command = [*site.place.enter, sys.executable, "-c", _CONNECTS, place.address, str(place.reed_port)]
    return float(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)


async def apart(stage: Stage, delay: float, count: int) -> None:
    """Reeds far away."""
    name = f"{count} reeds, {delay:g} ms" if count > 1 else f"one reed, {delay:g} ms"
    primary = await open_site(stage, "primary")
    sites = {name: primary}
    reeds = await stage.add_reeds(primary[0], count)
    for clients in CLIENTS_APART:
        trip = await asyncio.to_thread(measure_round_trip, primary[0], reeds[0])
        rounds = (await measure(sites, clients))[name]
        show(clients, name, rounds)
        beyond = statistics.median(r.percentile(0.5) for r in rounds) - trip
        text = f"one round trip: {trip:.2f} ms; p50 beyond it"
        print(f"| {clients} | {text} | | {beyond:.2f} | | |", flush=True)


async def run(delay: float, reeds: int) -> None:
    """Print the table."""
    machines = ["alone", "primary", "reed1", "reed2", "reed3"]
    kind = "namespaces" if delay else "loopback"
    with open_network(kind, machines, delay, 0.0, 1) as network:
        folder = make_folder()
        stage = Stage(network, folder, random.Random(1), 0.0)
        print("| clients | site | posts/s (median) | p50 ms | p99 ms | failed |")
        print("|---|---|---|---|---|---|", flush=True)
        try:
            await (apart(stage, delay, reeds) if delay else beside(stage))
        finally:
            await stage.close()
            remove_folder(folder)


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--delay", type=float, default=0.0, help="round trip between the sites, in ms")
    parser.add_argument("--reeds", type=int, default=3, choices=(1, 2, 3), help="how many, with --delay")
    options = parser.parse_args()
    sweep()
    asyncio.run(run(options.delay, options.reeds))


if __name__ == "__main__":
    main()
