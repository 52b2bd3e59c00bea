"""How soon a site is reached again when its host is lost, and when its domain is lost.

    python -m bench.reach

Host: a primary, one reed and a name server that takes signed updates, all on loopback. The primary is killed
and its folder removed, and `roseau promote` is typed at the reed in that moment; the hook that the reed has
from the primary does the rest. A resolver may give the old address for as long as the old record's TTL says,
so that is added. Domain: members with a second factor, on a site with an alias. Seconds count from
`roseau names order`, and the members, who come one after another, have nothing but their password, their
codes and the manifest.
"""

import argparse
import asyncio
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import dns.message
import dns.query
import msgspec

from bench.nameserver import NameServer, running_name_server
from roseau.drill.client import Caller, Road, Unanswered
from roseau.drill.failure import DrillFailed
from roseau.drill.members import (
    Application,
    Browser,
    Member,
    enable_second_factor,
    expect,
    grant_token,
    seed,
    sign_in,
    sign_in_with_code,
)
from roseau.drill.network import make_folder, open_network, remove_folder, sweep
from roseau.drill.processes import ending_politely
from roseau.drill.stage import Stage
from roseau.survival.addresses.manifest import Manifest, accept_document

NAME, OLD, NEW = "roseau.example", "192.0.2.1", "198.51.100.7"
MANIFEST = "/.well-known/roseau-manifest"
#: Seconds that the host's loss and the domain's may take.
HOST_GOAL, DOMAIN_GOAL = 90, 300
PATIENCE = 120.0
LOOK = 0.02


class HostLost(msgspec.Struct, frozen=True):
    """Seconds from the loss of the host; `known` when the last resolver has to have the new address."""

    written: float
    pointed: float
    known: float


class DomainLost(msgspec.Struct, frozen=True):
    """Seconds from the command; `first` and `last` of the members who signed in and posted."""

    named: float
    first: float
    last: float


async def until(holds: Callable[[], Awaitable[bool]], what: str) -> float:
    """The moment at which something holds. Raises DrillFailed, which says `what` did not."""
    end = time.monotonic() + PATIENCE
    while not await holds():
        if time.monotonic() > end:
            raise DrillFailed(f"{what}: not within {PATIENCE:.0f} s")
        await asyncio.sleep(LOOK)
    return time.monotonic()


@contextmanager
def open_stage() -> Iterator[Stage]:
    """A stage on loopback, with a folder that is removed."""
    folder = make_folder()
    with open_network("loopback", (), 0.0, 0.0, 1) as network:
        try:
            yield Stage(network, folder, random.Random(1), 0.0)
        finally:
            remove_folder(folder)


# The host


def ask(server: NameServer) -> tuple[list[str], int]:
    """The addresses that the name server gives for the site, and how long they may be kept (seconds)."""
    answer = dns.query.tcp(dns.message.make_query(NAME, "A"), "127.0.0.1", PATIENCE, server.port).answer
    return ([item.to_text() for item in answer[0]], answer[0].ttl) if answer else ([], 0)


async def can_post(caller: Caller, token: str) -> bool:
    """Whether a post is acknowledged."""
    try:
        answer = await caller.post("/api/v1/statuses", {"status": "We are back."}, token=token)
    except Unanswered:
        return False
    return answer.status == 200


async def lose_host(stage: Stage, server: NameServer) -> HostLost:
    """Lose the primary, promote its reed."""
    primary = stage.site("primary", dns_hook=server.hook)
    await primary.init()
    await primary.serve()
    # The reed is paired at the loopback address; the name that the world would use stands beside it.
    await primary.succeed("names", "add", NAME)
    (member,), _ = await seed(primary.data, 1)
    (reed,) = await stage.add_reeds(primary, 1, public_address=NEW)
    await primary.succeed("dns", "point", "--to", OLD)
    found, ttl = ask(server)
    if found != [OLD]:
        raise DrillFailed(f"the name points at {found} before anything is lost")
    caller = Caller(Road(reed.web))

    async def points_here() -> bool:
        return (await asyncio.to_thread(ask, server))[0] == [NEW]

    struck = time.monotonic()
    primary.vanish()
    written, pointed, _ = await asyncio.gather(
        until(lambda: can_post(caller, member.token), "a post acknowledged by the reed"),
        until(points_here, "the name at its new address"),
        reed.succeed("promote", seconds=PATIENCE),
    )
    caller.close()
    return HostLost(written - struck, pointed - struck, max(written, pointed + ttl) - struck)


# The domain


async def protect(road: Road, member: Member) -> tuple[str, int]:
    """Turn on the second factor of a member; its secret, and the step whose code was used."""
    caller = Caller(road)
    browser = Browser(caller)
    await sign_in(browser, member)
    secret = await enable_second_factor(browser, member)
    caller.close()
    return secret


async def re_enter(road: Road, member: Member, secret: tuple[str, int], application: Application) -> None:
    """Sign in as somebody who has lost every cookie, let the application in, and post."""
    caller = Caller(road)
    browser = Browser(caller)
    if not await sign_in_with_code(browser, member, *secret):
        raise DrillFailed(f"{member.name} was not asked for a code, or got no session")
    token = await grant_token(browser, caller, application)
    expect(await caller.post("/api/v1/statuses", {"status": "Here I am again."}, token=token), 200)
    caller.close()


async def read_manifest(road: Road, kept: Manifest | None) -> Manifest:
    """The manifest that a browser has after it has asked this door, if it had `kept` before."""
    caller = Caller(road)
    answer = expect(await caller.get(MANIFEST), 200)
    caller.close()
    return accept_document(kept, answer.body)


async def lose_domain(stage: Stage, count: int) -> DomainLost:
    """Lose the domain, put the alias first; members come in through it."""
    site = stage.site("primary")
    await site.init()
    await site.serve()
    host, port = site.web
    domain = Road((host, port))
    # A second name of this machine that needs no name server: what is asked there carries it as its Host.
    await site.succeed("names", "add", f"localhost:{port}")
    members, application = await seed(site.data, count)
    secrets = [await protect(domain, member) for member in members]
    kept = await read_manifest(domain, None)
    alias = urlsplit(kept.names[1])
    door = Road((alias.hostname or "", alias.port or 80))

    async def names_alias() -> bool:
        manifest = await read_manifest(door, kept)
        return manifest.number > kept.number and manifest.names[0] == alias.geturl()

    lost = time.monotonic()
    await site.succeed("names", "order", alias.netloc)
    named = await until(names_alias, "a manifest that names the alias first")
    entered = []
    for member, secret in zip(members, secrets, strict=True):
        await re_enter(door, member, secret, application)
        entered.append(time.monotonic() - lost)
    return DomainLost(named - lost, entered[0], entered[-1])


# The table


def show(what: str, seconds: list[float], goal: int | None = None) -> None:
    """A row of the table."""
    print(f"| {what} | {statistics.median(seconds):.2f} | {max(seconds):.2f} | {goal or ''} |", flush=True)


async def run(rounds: int, members: int) -> None:
    """Print the table."""
    hosts, domains = [], []
    for _ in range(rounds):
        with open_stage() as stage, running_name_server(NAME) as server:
            try:
                hosts.append(await lose_host(stage, server))
            finally:
                await stage.close()
    for _ in range(rounds):
        with open_stage() as stage:
            try:
                domains.append(await lose_domain(stage, members))
            finally:
                await stage.close()
    print(f"| {rounds} rounds | median s | most s | at most s |\n|---|---|---|---|")
    show("host lost: the reed acknowledges a post", [lost.written for lost in hosts])
    show("host lost: the name server has its address", [lost.pointed for lost in hosts])
    show("host lost: the last resolver has to know it", [lost.known for lost in hosts], HOST_GOAL)
    show("domain lost: the manifest names the alias first", [lost.named for lost in domains])
    show("domain lost: one member is in and has posted", [lost.first for lost in domains])
    show(f"domain lost: all {members} members are", [lost.last for lost in domains], DOMAIN_GOAL)


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is lost")
    parser.add_argument("--members", type=int, default=10, help="who come back after the loss of the domain")
    given = parser.parse_args()
    sweep()
    with ending_politely():
        asyncio.run(run(given.rounds, given.members))


if __name__ == "__main__":
    main()
