"""A surge of notices against the clocks: three moderators, two of them on duty, and 17 times the usual.

python -m bench.surge [--surge 340] [--hours 3] [--seed 1]

The clock is simulated, the rest is real: notices are filed, joined, seen and decided on SQLite.
A routine case takes a moderator 20 s, a hard one 120 s. Ends with 1 when a goal is missed.
"""

import argparse
import heapq
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from roseau.app import open_server
from roseau.domain.accounts.creation import NewAccount, create_account
from roseau.domain.moderation.cases.queue import next_case
from roseau.domain.moderation.cases.working import claim
from roseau.domain.moderation.decisions.deciding import decide
from roseau.domain.moderation.decisions.drafts import DecisionDraft, MeasureDraft
from roseau.domain.moderation.notices.drafts import NoticeDraft
from roseau.domain.moderation.notices.filing import file_notice
from roseau.domain.moderation.vocabulary import REASONS
from roseau.domain.statuses.drafts import Draft, check_draft
from roseau.domain.statuses.posting import post_status
from roseau.doors.server import Server
from roseau.kernel import clock
from roseau.settings import Settings
from roseau.storage.schema.cases import cases
from roseau.storage.schema.notices import notice_items, notices
from roseau.storage.statements import statement

BASE = 20
HOUR = 3600
BEFORE, AFTER = 6, 48
ROUTINE, HARD = 20, 120
#: How notices divide among the lanes, and of S2 how many take thought: S0 and S1 always do.
SHARES = {
    "S0": (0.01, ("threat_to_life", "terrorism")),
    "S1": (0.07, ("threat", "private_data", "incitement")),
    "S2": (0.27, ("harassment", "hate", "minors")),
    "S3": (0.40, ("spam", "scam")),
    "S4": (0.25, ("other", "misinformation")),
}
HARD_OF_S2 = 0.25
#: In a surge most notices are about the same few things; this many of them, about this many posts.
VIRAL, VIRAL_POSTS = 0.3, 40
#: Who is on duty, by turns of eight hours: two of three.
ROTA = ((0, 1), (1, 2), (2, 0))
MEMBERS, POSTS = 120, 3000


@dataclass
class Town:
    """The site, its people, and what they wrote."""

    server: Server
    moderators: list[int]
    members: list[int]
    posts: list[tuple[int, int]]
    random: random.Random
    filed: int = 0


@dataclass
class Simulation:
    """What is to happen, in order of simulated seconds."""

    town: Town
    start: float
    arrivals: Iterator[tuple[float, bool]]
    events: list[tuple[float, int, str, int, bool]] = field(default_factory=list)
    number: int = 0

    def add(self, at: float, what: str, who: int = 0, viral: bool = False) -> None:
        """Let something happen at that second."""
        self.number += 1
        heapq.heappush(self.events, (at, self.number, what, who, viral))


def main() -> None:
    """Run the simulation and print the table."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--surge", type=int, default=17 * BASE)
    asked.add_argument("--hours", type=int, default=3)
    asked.add_argument("--seed", type=int, default=1)
    chosen = asked.parse_args()
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data=folder, base_url="https://bench.example", synchronous="OFF", log="quiet")
        server = open_server(settings)
        try:
            town = settle(server, random.Random(chosen.seed))
            empty_at = run(town, chosen.surge, chosen.hours)
            missed = report(town, empty_at, chosen)
        finally:
            clock.set_clock(None)
            server.database.close()
    print(f"\n{town.filed} notices, simulated in {time.perf_counter() - begun:.0f} s.")
    sys.exit(1 if missed else 0)


def settle(server: Server, chance: random.Random) -> Town:
    """People, three moderators, posts."""

    def fill(tx):  # type: ignore[no-untyped-def]
        def join(name: str, role: str = "member") -> int:
            new = NewAccount(username=name, email=f"{name}@bench.example", role=role)
            return create_account(tx, server.site, new, reserved_allowed=True)

        moderators = [join(f"moderator{number}", "moderator") for number in range(3)]
        members = [join(f"member{number}") for number in range(MEMBERS)]
        posts = []
        for number in range(POSTS):
            author = members[number % MEMBERS]
            draft = check_draft(server.site, Draft(text=f"What I think of it, number {number}"))
            posts.append((post_status(tx, server.site, author, draft), author))
        return Town(server, moderators, members, posts, chance)

    return server.database.write_now(fill)  # type: ignore[no-any-return]


def arrivals_of(chance: random.Random, surge: int, hours: int) -> Iterator[tuple[float, bool]]:
    """The second of each notice, and whether the surge brought it."""
    at = 0.0
    end = (BEFORE + hours + AFTER) * HOUR
    while at < end:
        rising = BEFORE * HOUR <= at < (BEFORE + hours) * HOUR
        at += chance.expovariate((surge if rising else BASE) / HOUR)
        yield at, rising


def run(town: Town, surge: int, hours: int) -> float:
    """Let it all happen; the simulated hours from the end of the surge until nothing waited."""
    chance = town.random
    simulation = Simulation(town, time.time(), arrivals_of(chance, surge, hours))
    at, viral = next(simulation.arrivals)
    simulation.add(at, "notice", viral=viral)
    for turn in range((BEFORE + hours + AFTER) // 8 + 1):
        for moderator in ROTA[turn % 3]:
            # Who was on duty before goes on; nobody works twice at once.
            if not turn or moderator not in ROTA[(turn - 1) % 3]:
                simulation.add(turn * 8 * HOUR, "free", moderator)
    surge_end, empty_at = (BEFORE + hours) * HOUR, -1.0
    while simulation.events:
        at, _, what, who, viral = heapq.heappop(simulation.events)
        clock.set_clock(lambda at=at: simulation.start + at)  # type: ignore[misc]
        if what == "notice":
            file(town, viral)
            after = next(simulation.arrivals, None)
            if after:
                simulation.add(after[0], "notice", viral=after[1])
        elif who in ROTA[int(at // (8 * HOUR)) % 3]:
            busy = take(town, who)
            if busy is None:
                if at > surge_end and empty_at < 0:
                    empty_at = (at - surge_end) / HOUR
                busy = 15.0
            if at + busy < (BEFORE + hours + AFTER) * HOUR:
                simulation.add(at + busy, "free", who)
    return empty_at


def file(town: Town, viral: bool) -> None:
    """One notice by some member."""
    chance = town.random
    lane = chance.choices(list(SHARES), [share for share, _ in SHARES.values()])[0]
    many = town.posts[:VIRAL_POSTS] if viral and chance.random() < VIRAL else town.posts[VIRAL_POSTS:]
    status_id, author = chance.choice(many)
    reporter = chance.choice([member for member in chance.sample(town.members, 2) if member != author])
    draft = NoticeDraft(
        channel="in_app",
        reason=chance.choice(SHARES[lane][1]),
        account_id=reporter,
        target_account_id=author,
        status_ids=(status_id,),
    )
    try:
        town.server.database.write_now(file_notice, town.server.site, draft)
    except Exception as error:  # a removed post cannot be reported by whoever does not see it
        if type(error).__name__ != "NotFound":
            raise
        return
    town.filed += 1


def take(town: Town, who: int) -> float | None:
    """Take the next case and decide it; how many seconds it keeps the moderator, None when nothing waits."""
    database, site, moderator = town.server.database, town.server.site, town.moderators[who]
    line = database.read_now(next_case, moderator)
    if line is None:
        return None
    database.write_now(claim, site, moderator, line.id)
    hard = line.lane in ("S0", "S1") or (line.lane == "S2" and town.random.random() < HARD_OF_S2)
    seconds = HARD if hard else ROUTINE
    upheld = line.lane != "S4" and town.random.random() < 0.5
    draft = DecisionDraft(ground="none")
    if upheld and line.status_id:
        draft = DecisionDraft(
            ground="law",
            law="A law of the bench",
            facts="The post does what the law forbids.",
            measures=(MeasureDraft(kind="remove", status_id=line.status_id),),
        )
    now = clock.now()
    clock.set_clock(lambda: now / 1000 + seconds)
    database.write_now(decide, site, moderator, line.id, draft)
    return float(seconds)


_rows = statement(
    select(notices.c.reason, notices.c.received_at, cases.c.seen_at, cases.c.decided_at).select_from(
        notices.join(notice_items, notice_items.c.notice_id == notices.c.id).join(
            cases, cases.c.id == notice_items.c.case_id
        )
    )
)


def report(town: Town, empty_at: float, chosen: argparse.Namespace) -> list[str]:
    """Print the table; what was missed."""
    rows = town.server.database.read_now(lambda tx: tx.all(_rows))
    print(f"{BASE} notices an hour, {chosen.surge} an hour for {chosen.hours} h, seed {chosen.seed}\n")
    print("| lane | share | notices | seen p50 | seen p95 | seen at most | decided p95 | at most |")
    print("|---|---|---|---|---|---|---|---|")
    missed, now = [], clock.now()
    for lane, (share, _) in SHARES.items():
        mine = [row for row in rows if REASONS[row.reason].lane == lane]
        seen = sorted(_until_seen(row, now) for row in mine)
        decided = sorted((row.decided_at or now) - row.received_at for row in mine)
        if not mine:
            continue
        print(
            f"| {lane} | {share:.0%} | {len(mine)} | {words(statistics.median(seen))} | {words(high(seen))} |"
            f" {words(seen[-1])} | {words(high(decided))} | {words(decided[-1])} |"
        )
        goal = {"S0": 15 * clock.MINUTE, "S1": clock.HOUR}.get(lane)
        if goal is not None and high(seen) > goal:
            missed.append(f"{lane}: p95 until seen is {words(high(seen))}, the goal {words(goal)}")
        if lane in ("S0", "S1", "S2") and decided[-1] > clock.DAY:
            missed.append(f"{lane}: one waited {words(decided[-1])}, the goal is 24 h")
    print(f"\nNothing waited any more {empty_at:.1f} h after the surge (goal: 48 h).")
    if not 0 <= empty_at <= 48:
        missed.append("the backlog did not come down to nothing within 48 h")
    for sentence in missed:
        print("MISSED:", sentence)
    return missed


def _until_seen(row: Any, now: int) -> int:
    """How long nobody had seen a notice; what comes to a case that was seen is seen when it is decided."""
    if row.seen_at is None or row.seen_at >= row.received_at:
        return int((row.seen_at or now) - row.received_at)
    return int((row.decided_at or now) - row.received_at)


def high(ordered: list[int]) -> float:
    """The 95th percentile."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]


def words(milliseconds: float) -> str:
    """A time for people."""
    minutes = milliseconds / clock.MINUTE
    return f"{minutes:.1f} min" if minutes < 120 else f"{minutes / 60:.1f} h"


if __name__ == "__main__":
    main()
