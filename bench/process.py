"""Due process, counted: statements, strikes, holds, appeals, reversals, receipts and outcomes (goals 4 to 7).

python -m bench.process [--notices 300] [--seed 1]

Notices of every channel, decisions of every kind, holds by a machine, and appeals are played through
(`bench/judging.py`) on SQLite. Ends with 1 when a goal is missed.
"""

import argparse
import asyncio
import json
import logging
import random
import sys
import tempfile
import time
from typing import Any, NamedTuple

from bench.channels import Town, settle_town
from bench.judging import PATIENCE, Measured, Month
from bench.signed_out import Receipts, send_notices
from roseau.app import open_server
from roseau.domain.moderation.statements.outcomes import to_notifier
from roseau.domain.moderation.statements.validating import find_faults
from roseau.domain.moderation.vocabulary import HOLD
from roseau.kernel import clock
from roseau.kernel.i18n import translations
from roseau.settings import Settings
from roseau.worker import Worker

#: A sentence of every statement, by which its language is known.
COURT = "And you can go to court at any time, whether you appeal here or not."


class Line(NamedTuple):
    """A line of the table."""

    goal: int
    what: str
    wanted: str
    measured: str
    reached: bool


def main() -> None:
    """Play it through and print the table."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--notices", type=int, default=300)
    asked.add_argument("--seed", type=int, default=1)
    chosen = asked.parse_args()
    logging.disable(logging.INFO)
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            data=folder, base_url="https://bench.example", synchronous="OFF", log="quiet", rate_limits=False
        )
        server = open_server(settings)
        try:
            # Some posts are left for the form.
            town = settle_town(server, chosen.notices + 150, random.Random(chosen.seed))
            found, receipts = asyncio.run(play(town, chosen.notices))
            missed = report(town, found, receipts)
        finally:
            clock.set_clock(None)
            server.database.close()
    print(f"\n{found.filed.total()} notices, seed {chosen.seed}, in {time.perf_counter() - begun:.0f} s.")
    sys.exit(1 if missed else 0)


async def play(town: Town, notices: int) -> tuple[Measured, Receipts]:
    """The form first, with the real clock; then the month."""
    worker = Worker(town.server)
    await worker.settle(10_000)
    receipts = await send_notices(town, worker)
    return await Month(town, worker, notices).go(), receipts


def report(town: Town, found: Measured, receipts: Receipts) -> bool:
    """Print the tables; whether a goal was missed."""
    print("| notices by channel | number |\n|---|---|")
    for name, number in sorted(found.filed.items()):
        print(f"| {name} | {number} |")
    print("\n| decisions | number |\n|---|---|")
    for name, number in sorted(found.decided.items()):
        print(f"| {name} | {number} |")
    lines = [
        *count_statements(town),
        *count_restrictions(town, found),
        *count_appeals(found),
        *count_notifiers(town, receipts),
    ]
    print("\n| goal | what | to reach | measured |\n|---|---|---|---|")
    for line in lines:
        print(f"| {line.goal} | {line.what} | {line.wanted} | {line.measured} |")
    missed = [line for line in lines if not line.reached]
    for line in missed:
        print(f"MISSED: goal {line.goal}, {line.what}: {line.measured}")
    return bool(missed)


def share(goal: int, what: str, good: int, of: int) -> Line:
    """A line that has to reach all of something."""
    percent = 100 * good / of if of else 0
    return Line(goal, what, "100 %", f"{percent:.1f} % of {of}", good == of > 0)


def none_of(goal: int, what: str, number: int, of: int) -> Line:
    """A line that has to stay at nothing."""
    return Line(goal, what, "0", f"{number} of {of}", number == 0 < of)


def count_statements(town: Town) -> list[Line]:
    """Goal 4: each measure that was not undone, with the statement that its author got."""
    rows = town.ask(
        "SELECT m.id, s.language, u.locale, s.text, s.fields, s.dsa, d.delivered_at, s.account_id"
        " FROM measures m JOIN statements s ON s.id = m.statement_id"
        " JOIN deliveries d ON d.id = s.delivery_id"
        " LEFT JOIN users u ON u.account_id = s.account_id"
        " LEFT JOIN decision_ends e ON e.decision_id = m.decision_id AND e.kind = 'undone'"
        " WHERE e.decision_id IS NULL"
    )
    total = town.ask("SELECT count(*) FROM measures")[0][0]
    undone = town.ask(
        "SELECT count(*) FROM measures m JOIN decision_ends e ON e.decision_id = m.decision_id"
        " WHERE e.kind = 'undone'"
    )[0][0]
    people = [row for row in rows if row[7] is not None]
    valid = sum(not find_faults(json.loads(row[5])) for row in rows)
    return [
        share(4, "measures that have a statement, or were undone in time", len(rows) + undone, total),
        share(
            4, "measures whose statement was delivered", sum(row[6] is not None for row in rows), len(rows)
        ),
        share(
            4, "with all of art. 17(3)(a) to (f)", sum(_is_whole(row[4], row[3]) for row in rows), len(rows)
        ),
        share(4, "in the author’s language", sum(_is_spoken(*row[1:4]) for row in people), len(people)),
        share(4, "that the rules of the DSA database accept", valid, len(rows)),
    ]


def _is_whole(fields: str, text: str) -> bool:
    """Whether the letters of art. 17(3) are all there, in the data and in the words."""
    given: dict[str, Any] = json.loads(fields)
    measures, redress = given["a"], given["f"]
    return (
        bool(measures) and all(one["kind"] and one["from"] for one in measures)
        and bool(given["b"]["facts"]) and bool(given["b"]["source"])
        and given["c"]["decision"] in ("not", "partially", "fully") and "detection" in given["c"]
        and bool((given["d"] or {}).get("law") or (given["e"] or {}).get("text"))
        and bool(redress["appeal_until"] and redress["dispute_body"] and redress["court"])
        and redress["appeal_url"] in text
    )  # fmt: skip


def _is_spoken(language: str, locale: str, text: str) -> bool:
    """Whether it is written in the language that its reader has chosen."""
    said = translations(locale).gettext(COURT)
    return language == locale and said in text and (locale == "en" or said != COURT)


def count_restrictions(town: Town, found: Measured) -> list[Line]:
    """Goal 5: what a machine did, and how soon it was said."""
    strikes = town.ask("SELECT count(*) FROM strikes")[0][0]
    by_machine = town.ask(
        "SELECT count(*) FROM strikes s JOIN decisions d ON d.id = s.decision_id"
        " WHERE d.decider_id IS NULL OR d.automated_decision = 'fully'"
    )[0][0]
    held = town.ask(
        "SELECT min(coalesce(m.until_at, :now), coalesce(e.at, :now)) - m.from_at, e.kind FROM measures m"
        " JOIN decisions d ON d.id = m.decision_id LEFT JOIN measure_ends e ON e.measure_id = m.id"
        " WHERE d.decider_id IS NULL AND d.reverses_id IS NULL",
        now=clock.now(),
    )
    long = sum(row[0] > HOLD for row in held)
    alone = sum(row[1] == "expired" for row in held)
    soon = sum(seconds <= 5 for seconds in found.holds)
    most = f"most {max(found.holds, default=0) * 1000:.0f} ms"
    return [
        none_of(5, "strikes without a person", by_machine, strikes),
        none_of(5, f"restrictions of more than 24 h without a person ({alone} ended alone)", long, len(held)),
        share(5, f"holds told by notification and mail within 5 s ({most})", soon, len(found.holds)),
    ]


def count_appeals(found: Measured) -> list[Line]:
    """Goal 6: answers by others, in time, and what a grant puts back."""
    days, back = high(found.answers, 0.9), high(found.reversals, 0.95)
    return [
        Line(
            6, "p90 of answers to appeals, by a scripted team", "7 days",
            f"{days:.1f} days, {len(found.answers)} answers", 0 < days <= 7,
        ),
        share(6, "refusals of one’s own that were refused (command and SQL)", found.refused, found.tries),
        Line(
            6, "p95 from the grant until posts, follows and homes are back and everybody told", "10 min",
            f"{back:.3f} s, most {max(found.reversals, default=0):.3f} s, {len(found.reversals)} reversals",
            0 < back <= 600,
        ),
        none_of(6, f"reversals not whole after {PATIENCE:.0f} s", found.not_whole, len(found.reversals)),
    ]  # fmt: skip


def count_notifiers(town: Town, receipts: Receipts) -> list[Line]:
    """Goal 7: the form, the receipts and the outcomes.

    Hosts and authorities are answered with a pack; machines are not written to.
    """
    soonest = max(receipts.seconds)
    told, of = 0, 0
    rows = town.ask(
        "SELECT DISTINCT i.notice_id, i.case_id FROM notice_items i JOIN cases c ON c.id = i.case_id"
        " JOIN notices n ON n.id = i.notice_id WHERE c.decided_at IS NOT NULL"
        " AND n.channel NOT IN ('host_letter', 'authority_order')"
    )
    for notice_id, case_id in rows:
        notifier = town.server.database.read_now(to_notifier, town.server.site, notice_id)
        if notifier is None:
            continue
        of += 1
        # Whoever was warned of misuse of notices has the outcome in that statement.
        sql = (
            "SELECT count(*) FROM deliveries l JOIN decisions d ON d.id = l.decision_id"
            " WHERE d.case_id = :c AND l.kind IN ('outcome', 'statement', 'warning')"
            " AND l.delivered_at IS NOT NULL AND (l.notice_id = :n OR l.account_id = :a)"
        )
        found = town.ask(sql, c=case_id, n=notice_id, a=notifier.account_id or 0)[0][0]
        told += found > 0
    return [
        Line(7, "addresses in one notice", "100", str(receipts.items), receipts.items == 100),
        Line(7, "fields of the form", "usable in 2 min", str(receipts.fields), 0 < receipts.fields <= 8),
        Line(
            7, "most from sending the form to the receipt mailed", "60 s",
            f"{soonest:.3f} s, {len(receipts.seconds)} notices", soonest <= 60,
        ),
        share(7, "outcomes delivered to those who can be reached", told, of),
    ]  # fmt: skip


def high(values: list[float], part: float) -> float:
    """The percentile; 0 of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else 0.0


if __name__ == "__main__":
    main()
