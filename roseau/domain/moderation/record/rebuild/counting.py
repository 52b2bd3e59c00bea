"""Counts what a log says, in one pass. Memory grows with what is open at one time, not with the log."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from .template import (
    COMPLAINTS,
    INFORMING,
    KEYWORDS,
    LANES,
    LATE,
    MEASURES,
    NOTICES,
    NOTIFIED,
    ORDERING,
    ORDERS,
    OUTCOMES,
    REASONS,
    RESTRICTIONS,
    UNDO,
)

#: A category and a keyword of the template.
Key = tuple[str, str]
Body = dict[str, Any]
_UNSPECIFIED: Key = ("OTHER_VIOLATION_TC", "OTHER")
_HOUR = 3_600_000


class BrokenLog(ValueError):
    """The log is not what its hashes say, or is not the one of this report."""


class Times:
    """Durations, counted in steps of what a median is printed in: hundredths of an hour, or seconds."""

    def __init__(self, step: int = _HOUR // 100, places: int = 2) -> None:
        self.step, self.places = step, places
        self.counts: Counter[int] = Counter()

    def add(self, milliseconds: int) -> None:
        """Count one."""
        self.counts[max(0, milliseconds) // self.step] += 1

    def median(self) -> str:
        """The middle one (of two, the lower); empty when there is none."""
        rest = (sum(self.counts.values()) + 1) // 2
        for steps in sorted(self.counts):
            rest -= self.counts[steps]
            if rest <= 0:
                return f"{steps / 10**self.places:.{self.places}f}"
        return ""


def _seconds() -> Times:
    return Times(1_000, 0)


class Count:
    """What is counted while the log goes by, for the days from `since` on and before `until`."""

    def __init__(self, about: Mapping[str, Any]) -> None:
        self.about = about
        self.since = _midnight(about["from"])
        self.until = _midnight(about["to"]) + 24 * _HOUR
        #: Table, category, keyword, column -> how many, and how long.
        self.counts: Counter[tuple[str, str, str, str]] = Counter()
        self.times: defaultdict[tuple[str, str, str, str], Times] = defaultdict(Times)
        #: Section, indicator, scope -> the same, for what is in no category.
        self.figures: Counter[tuple[str, str, str]] = Counter()
        self.lasted: defaultdict[tuple[str, str, str], Times] = defaultdict(Times)
        self.arrived: defaultdict[str, Times] = defaultdict(_seconds)
        self.countries: set[str] = set()
        #: What waits for a decision, by case; for an answer, by decision; decisions that may yet be undone.
        self._notices: dict[Any, list[tuple[int, Key, bool]]] = {}
        self._orders: dict[Any, list[tuple[int, Key, str]]] = {}
        self._asked: dict[Any, tuple[Key, str]] = {}
        self._appeals: dict[tuple[Any, str], int] = {}
        self._pending: dict[Any, tuple[int, Body]] = {}
        self._joined: list[Any] = []
        #: What each decision was, by its number, as a place in COMPLAINTS.
        self._kinds = bytearray()
        self._handlers: dict[str, Callable[[int, Body], None]] = {
            "notice": self._notice,
            "case_joined": self._case_joined,
            "decision": self._decision,
            "decision_end": self._decision_end,
            "appeal": self._appeal,
            "appeal_answer": self._appeal_answer,
            "delivery": self._delivery,
            "order": self._order,
            "order_answer": self._order_answer,
            "threat_told": self._threat_told,
            "misuse": self._misuse,
            "letter": self._letter,
            "letter_answer": self._letter_answer,
            "disposition": self._disposition,
        }

    def read(self, lines: Iterable[str | bytes]) -> None:
        """Go through a log from its first line to the last entry of the report. Raises BrokenLog."""
        last_seq, seq, chain = int(self.about["last_seq"]), 0, bytes(32)
        sha, handlers = hashlib.sha256, self._handlers
        # Without the search for spaces around it, which takes as long as the reading.
        read = json.JSONDecoder().raw_decode
        for line in lines:
            if seq >= last_seq:
                break
            seq += 1
            try:
                # What is no UTF-8 cannot be hashed, and is refused there.
                text = line.decode("utf-8", "surrogateescape") if isinstance(line, bytes) else line
                entry = read(text)[0]
                at, kind, body = entry["at"], entry["kind"], entry["body"]
                chain = sha(chain + f"{seq}\n{at}\n{kind}\n{body}\n".encode()).digest()
                if entry["seq"] != seq or chain.hex() != entry["hash"]:
                    raise BrokenLog("the chain of hashes breaks here")
                # Ends of decisions are looked at also behind the last day: what is undone there never was.
                handler = handlers.get(kind) if at < self.until or kind == "decision_end" else None
                if handler:
                    self._settle(at)
                    handler(at, read(body)[0])
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise BrokenLog(f"entry {seq}: {error}") from error
        if seq != last_seq or chain.hex() != self.about["tip"]:
            raise BrokenLog(
                f"the log ends at entry {seq} with {chain.hex()}: it is not the one of this report"
            )
        self._settle(None)

    def _settle(self, now: int | None) -> None:
        """Count the decisions that can be undone no more."""
        while self._pending:
            number = next(iter(self._pending))
            at, body = self._pending[number]
            if now is not None and now <= at + UNDO:
                return
            del self._pending[number]
            self._decided(at, body)

    def _count(self, table: str, key: Key, column: str, number: int = 1) -> None:
        """Count in the row of a keyword, in that of its category and in the total."""
        for category, keyword in _rows_of(key):
            self.counts[table, category, keyword, column] += number

    def _time(self, table: str, key: Key, column: str, milliseconds: int) -> None:
        for category, keyword in _rows_of(key):
            self.times[table, category, keyword, column].add(milliseconds)

    # What comes in

    def _case_joined(self, at: int, body: Body) -> None:
        self._joined.append(body.get("case"))

    def _notice(self, at: int, body: Body) -> None:
        # The cases of a notice are named right before it.
        cases = {body.get("case"), *self._joined}
        self._joined.clear()
        channel = str(body.get("channel", ""))
        if at >= self.since:
            self.figures["Notices", "Received", channel] += 1
        if channel not in NOTIFIED:
            return
        key = file_under("", str(body.get("reason", "")))
        key = ("NOT_SPECIFIED_NOTICE", "") if key[0] == "OTHER_VIOLATION_TC" else key
        trusted = channel == "trusted_flagger"
        for case in cases:
            self._notices.setdefault(case, []).append((at, key, trusted))
        if at >= self.since:
            items = int(body.get("items") or 1)
            for flagged in range(1 + trusted):
                self._count("4", key, NOTICES[flagged])
                self._count("4", key, NOTICES[2 + flagged], items)

    def _order(self, at: int, body: Body) -> None:
        kind, country = str(body.get("kind", "")), str(body.get("country") or "")
        key = file_under("", str(body.get("reason", "")))
        key = ("NOT_SPECIFIED_ORDER", "") if key[0] == "OTHER_VIOLATION_TC" else key
        if kind in ORDERING:
            self._orders.setdefault(body.get("case"), []).append((at, key, country))
        elif kind in INFORMING:
            self._asked[body.get("case")] = (key, country)
        if at < self.since:
            return
        self.figures["Orders of authorities", "Received", kind] += 1
        for table in self._order_tables(country):
            if kind in ORDERING:
                self._count(table, key, ORDERS[0])
                self._count(table, key, ORDERS[1], int(body.get("items") or 1))
            elif kind in INFORMING:
                self._count(table, key, ORDERS[4])

    def _order_answer(self, at: int, body: Body) -> None:
        key, country = self._asked.pop(body.get("case"), (None, ""))
        if at < self.since:
            return
        self.figures["Orders of authorities", "Answered", str(body.get("kind", ""))] += 1
        self.figures["Orders of authorities", "Answered late", str(body.get("kind", ""))] += bool(
            body.get("late")
        )
        if key is not None:
            for table in self._order_tables(country):
                self._time(table, key, ORDERS[6], int(body.get("took") or 0))

    def _threat_told(self, at: int, body: Body) -> None:
        if at >= self.since:
            self.figures["Danger to life", "Told to authorities", "Total number"] += 1

    def _order_tables(self, country: str) -> tuple[str, ...]:
        if not country:
            return ("3",)
        self.countries.add(country)
        return ("3", f"3 {country}")

    def _letter(self, at: int, body: Body) -> None:
        if at >= self.since:
            self.figures["Letters of hosts", "Received", "Total number"] += 1
            self.figures["Letters of hosts", "Items", "Total number"] += int(body.get("items") or 0)

    def _letter_answer(self, at: int, body: Body) -> None:
        if at >= self.since:
            self.figures["Letters of hosts", "Answered", "Total number"] += 1
            self.figures["Letters of hosts", "Answered late", "Total number"] += bool(body.get("late"))

    def _disposition(self, at: int, body: Body) -> None:
        if at >= self.since:
            self.figures["Letters of hosts", "Answers to items", str(body.get("kind", ""))] += 1

    # What is decided

    def _decision(self, at: int, body: Body) -> None:
        self._pending[body["number"]] = (at, body)

    def _decision_end(self, at: int, body: Body) -> None:
        number, kind = body.get("number", body.get("decision")), str(body.get("kind", ""))
        if kind == "undone" and number in self._pending:
            del self._pending[number]
            return
        if self.since <= at < self.until:
            self.figures["Decisions", "Ended", kind] += 1

    def _decided(self, at: int, body: Body) -> None:
        measures = [one for one in body.get("measures") or () if one.get("kind") in RESTRICTIONS]
        notices = self._notices.pop(body.get("case"), [])
        trusted = any(one[2] for one in notices) or "trusted_flagger" in (body.get("channels") or ())
        self._remember(int(body["number"]), measures, trusted)
        orders = self._orders.pop(body.get("case"), [])
        if at < self.since:
            return
        if body.get("reverses") is not None:
            self.figures["Decisions", "Reversing another", "Total number"] += 1
            return
        key = file_under(str(body.get("dsa_category") or ""), str(body.get("reason") or ""))
        for received, noticed, of_flagger in notices:
            for column in range(1 + of_flagger):
                self._time("4", noticed, NOTICES[4 + column], at - received)
        for received, ordered, country in orders:
            for table in self._order_tables(country):
                self._time(table, ordered, ORDERS[3], at - received)
        law = body.get("ground") == "law"
        own, channels = bool(body.get("own_initiative")), set(body.get("channels") or ())
        if own:
            for one in measures:
                self._own_measure("5" if law else "6", key, one, bool(body.get("automated_detection")))
        elif not channels or channels & NOTIFIED:
            for flagged in range(1 + trusted):
                noticed = ("NOT_SPECIFIED_NOTICE", "") if key[0] == "OTHER_VIOLATION_TC" else key
                self._count("4", noticed, NOTICES[(6 if law else 8) + flagged], len(measures))
        self._automation(body, len(measures), own, notices)
        self._clocks(at, body)
        self._misused(body)

    def _own_measure(self, table: str, key: Key, measure: Body, detected: bool) -> None:
        self._count(table, key, MEASURES[0])
        if detected:
            self._count(table, key, MEASURES[1])
        column = RESTRICTIONS[measure["kind"]]
        if measure["kind"] == "suspend" and measure.get("until_days") is None:
            column = "Account restriction Termination"
        self._count(table, key, column)

    def _automation(self, body: Body, measures: int, own: bool, notices: list[tuple[int, Key, bool]]) -> None:
        how = "solely" if body.get("automated_decision") == "fully" else "not"
        for scope in ("Total number", "Own-initiative ")[: 1 + own]:
            self.figures["8", how, scope] += measures
        self.figures["8", how, "NAM Total"] += len(notices)
        self.figures["8", how, "NAM Trusted Flagger"] += sum(one[2] for one in notices)

    def _clocks(self, at: int, body: Body) -> None:
        lane, received = str(body.get("lane", "")), body.get("received_at")
        self.figures["Decisions", "Taken", str(body.get("ground", ""))] += 1
        for one in body.get("measures") or ():
            self.figures["Measures", "Taken", str(one.get("kind", ""))] += 1
        if lane not in LANES or received is None:
            return
        for name, moment, limit in zip(
            ("Seen", "Decided"), (body.get("seen_at") or at, at), LANES[lane], strict=True
        ):
            self.lasted["Clocks", f"{name}: median hours", lane].add(moment - received)
            self.figures["Clocks", f"{name}: in all", lane] += 1
            self.figures["Clocks", f"{name}: in time", lane] += moment - received <= limit

    def _remember(self, number: int, measures: list[Body], trusted: bool) -> None:
        kinds = {one["kind"] for one in measures}
        if "suspend" in kinds:
            place = 3
        elif kinds & {"freeze", "pause_notices"}:
            place = 2
        else:
            place = 1 if kinds else 6 if trusted else 5
        if number >= len(self._kinds):
            self._kinds.extend(bytes(number + 1024 - len(self._kinds)))
        self._kinds[number] = place

    # What is said about it

    def _appeal(self, at: int, body: Body) -> None:
        number, appellant = body.get("number", body.get("decision")), str(body.get("appellant", ""))
        self._appeals[number, appellant] = at
        if at >= self.since:
            for indicator in self._complaints(number):
                self.figures["7", indicator, "Total number"] += 1

    def _appeal_answer(self, at: int, body: Body) -> None:
        number, appellant = body.get("number", body.get("decision")), str(body.get("appellant", ""))
        filed = self._appeals.pop((number, appellant), None)
        if at < self.since:
            return
        outcome = str(body.get("outcome", ""))
        self.figures["Appeals", "Answered", outcome] += 1
        for indicator in self._complaints(number):
            self.figures["7", indicator, OUTCOMES.get(outcome, "Decision omitted")] += 1
            waited = at - filed if filed is not None else int(body.get("days") or 0) * 24 * _HOUR
            self.lasted["7", indicator, "Median time"].add(waited)

    def _complaints(self, number: Any) -> tuple[str, ...]:
        place = self._kinds[number] if isinstance(number, int) and 0 <= number < len(self._kinds) else 0
        return (COMPLAINTS[0], COMPLAINTS[place]) if place else (COMPLAINTS[0],)

    def _delivery(self, at: int, body: Body) -> None:
        if at >= self.since:
            kind, seconds = str(body.get("kind", "")), int(body.get("seconds") or 0)
            self.arrived[kind].add(seconds * 1_000)
            self.figures["Deliveries", "In all", kind] += 1
            self.figures["Deliveries", f"Later than {LATE} seconds", kind] += seconds > LATE

    def _misused(self, body: Body) -> None:
        """What a decision does about misuse: of somebody who posts, or of somebody who sends notices."""
        side = "poster" if body.get("misuse") else "notifier"
        kinds = {one.get("kind") for one in body.get("measures") or ()}
        self.figures["Misuse", "unfounded", "notifier"] += bool(body.get("unfounded"))
        self.figures["Misuse", "warned", side] += "warn_misuse" in kinds
        self.figures["Misuse", "paused", "notifier"] += "pause_notices" in kinds
        self.figures["Misuse", "paused", "poster"] += side == "poster" and "suspend" in kinds

    def _misuse(self, at: int, body: Body) -> None:
        # Of sources without an account: no measure, and so no decision, can be about those.
        if at >= self.since:
            self.figures["Misuse", str(body.get("kind", "")), str(body.get("side", ""))] += 1


def _rows_of(key: Key) -> tuple[Key, ...]:
    rows = (key[0], ""), ("TOTAL", "")
    return (key, *rows) if key[1] else rows


def file_under(category: str, reason: str) -> Key:
    """The category and keyword of the template for a rule's category, or else for a reason."""
    usual, keyword = REASONS.get(reason, _UNSPECIFIED)
    category = category.removeprefix("STATEMENT_CATEGORY_") or usual
    if category not in KEYWORDS:
        return _UNSPECIFIED
    return category, keyword if keyword in KEYWORDS[category] else "OTHER"


def _midnight(day: str) -> int:
    return round(datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()) * 1_000
