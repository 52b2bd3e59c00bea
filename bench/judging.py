"""A simulated month of moderation: notices, decisions by people, holds by a machine, appeals, reversals.

The clock is simulated, the rest is real; what has to be quick is timed with the real clock and a worker that
runs. `bench.process` counts what came of it.
"""

import asyncio
import heapq
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from bench.channels import CHANNELS, Post, Town
from bench.restored import is_whole, list_told
from roseau.domain.moderation.appeals.answering import answer_appeal
from roseau.domain.moderation.appeals.drafts import AppealDraft
from roseau.domain.moderation.appeals.filing import file_appeal
from roseau.domain.moderation.decisions.checking import check_draft
from roseau.domain.moderation.decisions.deciding import decide, finish
from roseau.domain.moderation.decisions.drafts import DecisionDraft, MeasureDraft
from roseau.domain.moderation.decisions.recording import log_decision, record
from roseau.domain.moderation.decisions.rows import CaseSettled, hold_case
from roseau.domain.moderation.decisions.second_voice import agree
from roseau.domain.moderation.decisions.undoing import undo
from roseau.domain.moderation.desk.disposing import Compliance, comply, contest
from roseau.domain.moderation.servers.permissions import DomainPermissionDraft, set_domain_permission
from roseau.domain.moderation.vocabulary import HOLD
from roseau.domain.site import Site
from roseau.kernel import clock
from roseau.kernel.errors import Forbidden, Invalid, NotFound
from roseau.storage.database import Transaction
from roseau.storage.statements import statements
from roseau.worker import Worker

HOUR, DAY = 3600.0, 86400.0
#: Notices come in the first days; appeals take their time.
ARRIVE, END_DAYS = 5 * DAY, 45
FACTS = "The post calls somebody names."
LAW = "A law of the bench, article 1"
#: What takes longer than so many real seconds has failed.
PATIENCE = 60.0
#: What a decision is, one after the other, so that every kind comes.
PLANS: tuple[tuple[str, ...], ...] = (
    ("remove",), (), ("remove", "limit"), ("reminder",), ("interstitial",), ("remove",), ("suspend",),
    ("label",), ("limit",), (), ("hold",), ("remove", "suspend"), ("freeze",), ("warn_misuse",), ("undone",),
    ("remove",), ("pause_notices",), ("suspend for good",),
)  # fmt: skip
_DAYS = {"limit": 7, "freeze": 3, "suspend": 30, "pause_notices": 1}
Act = Callable[[], Awaitable[None]]


@dataclass
class Measured:
    """What is counted on the way; times in seconds, those of answers in days."""

    filed: Counter[str] = field(default_factory=Counter)
    decided: Counter[str] = field(default_factory=Counter)
    holds: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    tries: int = 0
    refused: int = 0
    reversals: list[float] = field(default_factory=list)
    not_whole: int = 0


class Month:
    """The simulation: what happens when, in order."""

    def __init__(self, town: Town, worker: Worker, notices: int) -> None:
        self.town, self.notices = town, notices
        self.chance = town.chance
        self.worker = worker
        self.found = Measured()
        self.start = time.time()
        self.now = 0.0
        self.events: list[tuple[float, int, Act]] = []
        self.number = 0
        self.waiting: list[int] = []
        self.posts: Iterator[Post] = iter(town.posts)

    def add(self, after: float, act: Act) -> None:
        """Let it happen so many simulated seconds from now."""
        self.number += 1
        heapq.heappush(self.events, (self.now + after, self.number, act))

    async def rest(self) -> None:
        """Nothing but what is due."""

    def put_clock(self, at: float) -> None:
        """Have it be that simulated second."""
        self.now = at
        clock.set_clock(lambda: self.start + at)

    async def go(self) -> Measured:
        """Everything, to the end."""
        for _ in range(self.notices):
            self.add(self.chance.uniform(0, ARRIVE), self.file)
        for hours in range(0, END_DAYS * 24, 6):
            self.add(hours * HOUR, self.review if hours % 24 else self.rest)
        self.add(ARRIVE / 2, self.limit_servers)
        while self.events:
            at, _, act = heapq.heappop(self.events)
            self.put_clock(at)
            await act()
            await self.worker.settle(10_000)
        return self.found

    # Notices and decisions

    async def file(self) -> None:
        """A notice by some channel; now and then about what has one already."""
        channel = self.chance.choices(list(CHANNELS), [share for share, _ in CHANNELS.values()])[0]
        post = next(self.posts)
        try:
            notice_id = CHANNELS[channel][1](self.town, post)
            if self.chance.random() < 0.2:
                CHANNELS["in_app"][1](self.town, post)
                self.found.filed["in_app"] += 1
        except Forbidden:
            # Whose notices are paused learns it, and nothing is filed.
            self.found.filed["(paused)"] += 1
            return
        self.found.filed[channel] += 1
        sql = "SELECT DISTINCT case_id FROM notice_items WHERE notice_id = :n"
        (case_id,) = self.town.ask(sql, n=notice_id)[0]
        if self.chance.random() < 0.15:
            self.add(1, lambda: self.hold(case_id))
        # Some cases wait longer than a hold may last.
        late = self.chance.random() < 0.2
        self.add(self.chance.uniform(0.5, 12) * HOUR + late * 30 * HOUR, lambda: self.decide(case_id))

    async def hold(self, case_id: int) -> None:
        """A machine holds a post; timed until its author has the notification and the mail."""
        begun = time.perf_counter()
        decision_id = self.town.do(hold_by_machine, case_id)
        if decision_id is None:
            return
        self.found.decided["hold by a machine"] += 1
        self.add(HOLD / 1000 + 1, self.rest)
        sql = (
            "SELECT d.id FROM deliveries d JOIN notifications n ON n.account_id = d.account_id"
            " AND n.type = 'moderation_warning' WHERE d.decision_id = :d AND d.mailed_at IS NOT NULL"
        )
        seconds = await self.until(lambda: bool(self.town.ask(sql, d=decision_id)), begun)
        self.found.holds.append(seconds)

    async def until(self, done: Callable[[], bool], begun: float) -> float:
        """Let the worker run until it is so; the real seconds since `begun`."""
        running = asyncio.create_task(self.worker.run())
        try:
            while not done():
                if time.perf_counter() - begun > PATIENCE:
                    return PATIENCE
                await asyncio.sleep(0.002)
            return time.perf_counter() - begun
        finally:
            # What was begun is finished first: a job that is cut off would wait for its lease.
            await asyncio.sleep(0.02)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def decide(self, case_id: int) -> None:
        """Somebody of the team decides, in their turn and by the plan of the day."""
        town = self.town
        sql = "SELECT state, subject, status_id, target_account_id FROM cases WHERE id = :c"
        state, subject, status_id, target_id = town.ask(sql, c=case_id)[0]
        if state not in ("open", "paused"):
            return
        plan = PLANS[self.found.decided.total() % len(PLANS)]
        who = self.chance.choice(town.moderators)
        try:
            if status_id is None:
                decision_ids = self.answer_items(case_id, town.owner if subject.startswith("order") else who)
            else:
                decision_ids = [self.take(case_id, who, plan, status_id, target_id)]
        except (Forbidden, CaseSettled):
            # A party, or somebody was faster: another takes it later.
            self.add(HOUR, lambda: self.decide(case_id))
            return
        self.add(31, self.rest)
        for decision_id in decision_ids:
            if self.chance.random() < 0.5:
                self.add(self.chance.uniform(1 / 24, 15) * DAY, lambda one=decision_id: self.appeal(one))  # type: ignore[misc]

    def answer_items(self, case_id: int, who: int) -> list[int]:
        """Answer the items of a letter or an order."""
        items = [row[0] for row in self.town.ask("SELECT id FROM notice_items WHERE case_id = :c", c=case_id)]
        if self.chance.random() < 0.3:
            self.found.decided["item kept"] += 1
            return [made.decision_id for made in self.town.do(contest, who, items, "It is satire.").values()]
        how = Compliance(ground="law", law=LAW, facts=FACTS)
        self.found.decided["item removed"] += 1
        return [made.decision_id for made in self.town.do(comply, who, items, how).values()]

    def take(self, case_id: int, who: int, plan: tuple[str, ...], status_id: int, target_id: int) -> int:
        """One decision by one person; the second voice, where one is needed, comes some hours later."""
        self.found.decided[" and ".join(plan) or "nothing"] += 1
        measures = tuple(self.to_measure(case_id, kind, status_id, target_id) for kind in plan)
        if None in measures:
            measures = (MeasureDraft(kind="reminder", status_id=status_id),)
        draft = DecisionDraft(ground="none", unfounded=not plan and self.chance.random() < 0.5)
        if plan and self.chance.random() < 0.5:
            draft = DecisionDraft(ground="law", law=LAW, facts=FACTS, measures=measures)  # type: ignore[arg-type]
        elif plan:
            rule = self.chance.choice(self.town.rules)
            text = "In my own words: this goes too far." if self.chance.random() < 0.3 else ""
            draft = DecisionDraft(ground="rule", rule_id=rule, facts=FACTS, measures=measures, text=text)  # type: ignore[arg-type]
        decided = self.town.do(decide, who, case_id, draft)
        if plan == ("undone",):
            self.town.do(undo, who, decided.decision_id)
            self.add(6 * HOUR, lambda: self.decide(case_id))
        if decided.proposal_id is not None:
            second = next(one for one in self.town.moderators if one != who)
            self.add(self.chance.uniform(1, 20) * HOUR, lambda: self.second(second, decided.proposal_id))
        if plan == ("hold",):
            self.add(6 * HOUR, lambda: self.decide(case_id))
        return int(decided.decision_id)

    def to_measure(self, case_id: int, kind: str, status_id: int, target_id: int) -> MeasureDraft | None:
        """A measure of the plan; None where there is nobody whom it could be about."""
        if kind == "suspend for good":
            return MeasureDraft(kind="suspend", account_id=target_id)
        days = _DAYS.get(kind)
        until = clock.now() + days * clock.DAY if days else None
        if kind in ("warn_misuse", "pause_notices"):
            sql = "SELECT n.account_id FROM notices n JOIN notice_items i ON i.notice_id = n.id"
            sql += " WHERE i.case_id = :c AND n.account_id IS NOT NULL AND n.channel = 'in_app'"
            people = self.town.ask(sql, c=case_id)
            return MeasureDraft(kind=kind, account_id=people[0][0], until_at=until) if people else None  # type: ignore[arg-type]
        if kind in ("limit", "freeze", "suspend"):
            return MeasureDraft(kind=kind, account_id=target_id, until_at=until)  # type: ignore[arg-type]
        words = "Disputed" if kind == "label" else ""
        kind = "remove" if kind == "undone" else kind
        return MeasureDraft(kind=kind, status_id=status_id, words=words)  # type: ignore[arg-type]

    async def second(self, who: int, proposal_id: int) -> None:
        """The second voice agrees."""
        agreed = self.town.do(agree, who, proposal_id)
        self.add(31, self.rest)
        self.add(self.chance.uniform(1, 10) * DAY, lambda: self.appeal(agreed.id))

    async def limit_servers(self) -> None:
        """Measures about servers have statements, too; there is nobody whom they could be sent to."""
        for number, severity in enumerate(("silence", "suspend", "noop")):
            draft = DomainPermissionDraft(
                domain=f"far{number}.example", severity=severity, reject_media=severity == "noop",  # type: ignore[arg-type]
                public_comment="It sends spam.", law=LAW,
            )  # fmt: skip
            self.town.do(set_domain_permission, self.town.owner, draft)
            self.found.decided[f"server: {severity}"] += 1

    # Appeals

    async def appeal(self, decision_id: int) -> None:
        """The author appeals, or whoever sent the notice; the decider tries to refuse it."""
        sql = "SELECT account_id FROM statements WHERE decision_id = :d AND account_id IS NOT NULL"
        authors = self.town.ask(sql, d=decision_id)
        sql = (
            "SELECT n.account_id, n.number FROM decisions d JOIN notice_items i ON i.case_id = d.case_id"
            " JOIN notices n ON n.id = i.notice_id"
            " WHERE d.id = :d AND n.channel IN ('in_app', 'web') ORDER BY n.id"
        )
        notifiers = self.town.ask(sql, d=decision_id)
        if not authors and not notifiers:
            return
        account_id, number = (authors[0][0], "") if authors else notifiers[0]
        draft = AppealDraft(
            decision_id=decision_id, text="You got it wrong.", account_id=account_id,
            notice_number="" if account_id else number,
        )  # fmt: skip
        try:
            appeal_id = self.town.do(file_appeal, draft)
        except (Invalid, Forbidden, NotFound):
            # It stands no longer, or another item of the same case was appealed.
            return
        self.waiting.append(appeal_id)
        self.try_to_refuse(appeal_id, decision_id)

    def try_to_refuse(self, appeal_id: int, decision_id: int) -> None:
        """Refuse one's own, by the command and then past it, by SQL; each has to fail."""
        sql = "SELECT decider_id, second_decider_id FROM decisions WHERE id = :d"
        for who in self.town.ask(sql, d=decision_id)[0]:
            if who is None:
                continue
            self.found.tries += 2
            try:
                self.town.do(answer_appeal, who, appeal_id, "refused", "I was right.")
            except Forbidden:
                self.found.refused += 1
            try:
                self.town.do(_force_refusal, appeal_id, who)
            except Exception as error:  # whatever the driver calls it, it names the constraint
                self.found.refused += "ck_appeal_answers_reviewer" in str(error)

    async def review(self) -> None:
        """Three times a day somebody looks, and answers half of what waits; now and then nobody does."""
        if self.chance.random() < 0.3:
            return
        for appeal_id in list(self.waiting):
            if self.chance.random() < 0.5:
                self.waiting.remove(appeal_id)
                await self.answer(appeal_id)

    async def answer(self, appeal_id: int) -> None:
        """Grant, grant in part, or refuse; a grant is timed until everything is back and everybody told."""
        town = self.town
        sql = (
            "SELECT a.filed_at, a.appellant, d.id, d.decider_id, d.second_decider_id"
            " FROM appeals a JOIN decisions d ON d.id = a.decision_id WHERE a.id = :a"
        )
        filed_at, appellant, decision_id, *deciders = town.ask(sql, a=appeal_id)[0]
        others = [one for one in town.moderators if one not in deciders]
        parts = [row[0] for row in town.ask("SELECT id FROM measures WHERE decision_id = :d", d=decision_id)]
        outcome, keep = self.chance.choice(("refused", "granted")), ()
        if outcome == "granted" and len(parts) > 1 and self.chance.random() < 0.5:
            outcome, keep = "partly", (parts[0],)  # type: ignore[assignment]
        told = list_told(town, decision_id)
        begun = time.perf_counter()
        for who in others:
            try:
                town.do(answer_appeal, who, appeal_id, outcome, "We looked at it again.", keep)
                break
            except Forbidden:
                # A party: another of the team reads it.
                continue
        else:
            return
        self.found.answers.append((clock.now() - filed_at) / clock.DAY)
        if outcome == "granted" and appellant == "notifier":
            reopened = town.ask("SELECT case_id FROM decisions WHERE id = :d", d=decision_id)[0][0]
            self.add(6 * HOUR, lambda: self.decide(reopened))
        elif outcome == "granted":
            seconds = await self.until(lambda: is_whole(town, decision_id, appeal_id, told), begun)
            self.found.reversals.append(seconds)
            self.found.not_whole += seconds >= PATIENCE


def hold_by_machine(tx: Transaction, site: Site, case_id: int) -> int | None:
    """What a detector will do: hold a post, by itself, for a day at most; the decision's id."""
    case = hold_case(tx, case_id)
    if case.state != "open" or case.status_id is None:
        return None
    measure = MeasureDraft(kind="hold", status_id=case.status_id)
    wanted = DecisionDraft(
        ground="law", law=LAW, facts="A pattern was found in it.", measures=(measure,),
        automated_detection=True, automated_decision="fully",
    )  # fmt: skip
    draft = check_draft(tx, case, None, wanted)
    recorded = record(tx, site, case, draft, decider_id=None)
    finish(tx, site, case, draft, recorded)
    log_decision(tx, site, case, draft, recorded, decider_id=None)
    return recorded.id


def _force_refusal(tx: Transaction, _: Site, appeal_id: int, who: int) -> None:
    sql = (
        "INSERT INTO appeal_answers"
        " (appeal_id, reviewer_id, decider_id, second_decider_id, outcome, reasons, at)"
        " SELECT a.id, :who, d.decider_id, d.second_decider_id, 'refused', 'I was right.', 0"
        " FROM appeals a JOIN decisions d ON d.id = a.decision_id WHERE a.id = :appeal"
    )
    tx.run(statements(sql, sql), who=who, appeal=appeal_id)
