"""The transparency report: what it counts, in the regulation's form, and the same bytes for everybody."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest

from roseau.domain.moderation import vocabulary
from roseau.domain.moderation.log import GENESIS, hash_entry
from roseau.domain.moderation.record import reports
from roseau.domain.moderation.record.rebuild import template
from roseau.domain.moderation.record.rebuild.counting import BrokenLog, Times
from roseau.domain.moderation.record.rebuild.tables import build
from roseau.domain.moderation.statements import dsa_terms
from roseau.kernel import clock

START = clock.from_iso("2026-03-01")
HOUR = clock.HOUR
ABOUT: dict[str, Any] = {
    "service": "roseau.test", "provider": "Les Roseaux", "period": "2026", "from": "2026-01-01",
    "to": "2026-12-31",
    "published": "2027-01-15", "previous": "",
}  # fmt: skip


class Log:
    """A log that is being written, as it is exported."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.tip = GENESIS
        self.at = START

    def add(self, entry_kind: str, after: int = 0, /, **body: Any) -> "Log":
        """An entry so many milliseconds after the last one."""
        self.at += after
        text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        self.tip = hash_entry(self.tip, len(self.lines) + 1, self.at, entry_kind, text)
        entry = {
            "seq": len(self.lines) + 1,
            "at": self.at,
            "kind": entry_kind,
            "body": text,
            "hash": self.tip.hex(),
        }
        self.lines.append(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
        return self

    def notice(
        self, case: int, after: int = 0, channel: str = "in_app", reason: str = "hate", items: int = 1
    ) -> "Log":
        return self.add("notice", after, channel=channel, reason=reason, items=items, case=case, lane="S2")

    def decide(self, number: int, case: int, after: int, *measures: str, **more: Any) -> "Log":
        """A decision on a case; `suspend` is for good, the rest for a week."""
        made = [
            {"kind": kind, "target": "account", "until_days": None if kind == "suspend" else 7.0}
            for kind in measures
        ]
        body = {
            "case": case, "number": number, "ground": "rule", "reason": "hate", "lane": "S2",
            "channels": {"in_app": 1},
            "dsa_category": "STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH", "automated_decision": "not",
            "automated_detection": False, "measures": made, "own_initiative": False,
            "received_at": self.at + after - 2 * HOUR, "seen_at": self.at + after - HOUR,
        }  # fmt: skip
        return self.add("decision", after, **(body | more))

    def about(self, **more: Any) -> dict[str, Any]:
        return {**ABOUT, "last_seq": len(self.lines), "tip": self.tip.hex(), **more}

    def report(self, **more: Any) -> "Tables":
        return Tables(build(self.lines, self.about(**more)))


class Tables:
    """The files of a report, to be asked for single values."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files

    def rows(self, name: str) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.files[name].decode())))

    def cell(self, name: str, row: str, column: str) -> str:
        """The value of a column in the first row that has this in any cell."""
        return next(one[column] for one in self.rows(name) if row in one.values())

    def long(self, name: str, indicator: str, scope: str) -> str:
        return next(
            one["Value"] for one in self.rows(name) if one["Indicator"] == indicator and one["Scope"] == scope
        )


SPEECH = "STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH"
RECEIVED = "Number of notices received "


def test_notices_are_counted_by_category_and_timed_to_their_decision() -> None:
    log = Log().notice(1).notice(1, HOUR, "trusted_flagger", items=3).notice(2, 0, "web", "rule")
    log.decide(1, 1, 2 * HOUR, "remove").decide(
        2, 2, 7 * HOUR, "limit", "freeze", reason="rule", dsa_category=""
    )
    report = log.report()
    name = "4_notices.csv"
    assert report.cell(name, "TOTAL", RECEIVED) == "3"
    assert report.cell(name, SPEECH, RECEIVED) == "2"
    assert report.cell(name, "KEYWORD_HATE_SPEECH", RECEIVED) == "2"
    assert report.cell(name, SPEECH, "Number of notices received from Trusted flaggers") == "1"
    items = "Number of specific items of information included in the total number of notices"
    assert report.cell(name, "TOTAL", items) == "5"
    assert report.cell(name, "STATEMENT_CATEGORY_NOT_SPECIFIED_NOTICE", RECEIVED) == "1"
    assert report.cell(name, SPEECH, "Median time to take action") == "2.00"
    assert (
        report.cell(name, "STATEMENT_CATEGORY_NOT_SPECIFIED_NOTICE", "Median time to take action") == "9.00"
    )
    terms = "Number of actions taken on the basis of the terms and conditions of the service"
    assert report.cell(name, "TOTAL", terms) == "3"
    assert report.cell(name, SPEECH, terms) == "1"
    assert report.cell(name, "TOTAL", "Number of actions taken on the basis of the law") == "0"


def test_what_the_team_saw_itself_is_in_tables_of_its_own() -> None:
    log = Log().add("notice", channel="own_initiative", reason="hate", case=1)
    own = {"own_initiative": True, "channels": {"own_initiative": 1}}
    log.decide(1, 1, HOUR, "suspend", "remove", ground="law", **own)
    log.decide(2, 2, HOUR, "suspend", measures=[{"kind": "suspend", "until_days": 7}], **own)
    report = log.report()
    assert report.cell("4_notices.csv", "TOTAL", RECEIVED) == "0"
    taken = "Number of measures taken at the provider's own initiative "
    assert report.cell("5_own_initiative_illegal.csv", "TOTAL", taken) == "2"
    assert report.cell("5_own_initiative_illegal.csv", SPEECH, "Account restriction Termination") == "1"
    assert report.cell("5_own_initiative_illegal.csv", SPEECH, "Visibility restriction Removal") == "1"
    assert report.cell("6_own_initiative_TC.csv", "TOTAL", "Account restriction Suspension") == "1"
    assert report.cell("6_own_initiative_TC.csv", "TOTAL", "Account restriction Termination") == "0"


def test_a_decision_that_was_undone_never_was_and_its_notice_waits_on() -> None:
    log = Log().notice(1).decide(1, 1, HOUR, "remove").add("decision_end", 20_000, number=1, kind="undone")
    log.decide(2, 1, HOUR, "limit")
    report = log.report()
    assert report.cell("4_notices.csv", "TOTAL", "Median time to take action") == "2.00"
    kinds = {one["Scope"]: one["Value"] for one in report.rows("figures.csv") if one["Section"] == "Measures"}
    assert kinds == {"limit": "1"}


def test_appeals_are_counted_by_what_was_decided_and_what_came_of_them() -> None:
    log = Log()
    for number, measures in ((1, ("remove",)), (2, ("suspend",)), (3, ()), (4, ("freeze",))):
        log.notice(number).decide(number, number, HOUR, *measures)
    log.add("appeal", HOUR, number=1, appellant="author").add("appeal", 0, number=2, appellant="author")
    log.add("appeal", 0, number=3, appellant="notifier").add("appeal", 0, number=4, appellant="author")
    log.add("appeal_answer", 5 * HOUR, number=1, appellant="author", outcome="granted", days=0)
    log.add("appeal_answer", HOUR, number=2, appellant="author", outcome="refused", days=0)
    log.add("appeal_answer", HOUR, number=3, appellant="notifier", outcome="partly", days=0)
    log.add("appeal_answer", HOUR, number=4, appellant="author", outcome="lapsed", days=0)
    report = log.report()
    name, every = "7_appeals_and_recidivism.csv", template.COMPLAINTS
    assert report.long(name, every[0], "Total number") == "4"
    assert report.long(name, every[0], "Decisions reversed") == "2"
    assert report.long(name, every[0], "Decisions upheld") == "1"
    assert report.long(name, every[0], "Median time") == "6.00"
    assert report.long(name, every[1], "Decisions reversed") == "1"
    assert report.long(name, every[2], "Total number") == "1"
    assert report.long(name, every[3], "Decisions upheld") == "1"
    assert report.long(name, every[5], "Decisions partially reversed") == "1"
    assert report.cell("figures.csv", "Reversed, of a hundred", "Value") == "75.0"


def test_orders_letters_deliveries_misuse_and_clocks_have_their_figures() -> None:
    log = Log().add("order", kind="tco", case=1, country="FR", reason="terrorism", items=2)
    log.decide(1, 1, HOUR // 2, "remove", channels={"authority_order": 1}, lane="S0")
    log.add("order", kind="dsa_10", case=2, country="FR").add(
        "order_answer", HOUR, kind="dsa_10", case=2, took=HOUR
    )
    log.add("letter", items=98).add("disposition", kind="comply").add("disposition", kind="contest")
    log.add("delivery", kind="statement", seconds=31, ways=["page"])
    log.add("delivery", kind="statement", seconds=700, ways=["mail"])
    log.add("misuse", side="notifier", kind="paused").add("misuse", side="poster", kind="warned")
    report = log.report()
    name = "3_member_states_orders.csv"
    assert [one["Scope"] for one in report.rows(name) if one["Category of illegal content"] == "TOTAL"] == [
        "TOTAL",
        "FR",
    ]
    effect = "Median time to give effect to the order to act against illegal content"
    assert report.cell(name, "KEYWORD_TERRORIST_CONTENT", effect) == "0.50"
    assert report.cell(name, "TOTAL", template.ORDERS[1]) == "2"
    figures = {(one["Indicator"], one["Scope"]): one["Value"] for one in report.rows("figures.csv")}
    assert report.cell(name, "TOTAL", template.ORDERS[4]) == "1"
    assert report.cell(name, "TOTAL", template.ORDERS[6]) == "1.00"
    assert figures["Items", "Total number"] == "98"
    assert figures["Answers to items", "comply"] == "1"
    assert figures["Later than 600 seconds", "statement"] == "1"
    assert figures["Median seconds", "statement"] == "31"
    assert figures["Seen: in time", "S0"] == "0"
    assert figures["Seen: median hours", "S0"] == "1.00"
    suspended = "Number of suspensions enacted for the provision of "
    assert (
        report.long(
            "7_appeals_and_recidivism.csv", suspended + "manifestly unfounded notices", "Total number"
        )
        == "1"
    )
    assert report.cell("4_notices.csv", "TOTAL", "Number of actions taken on the basis of the law") == "0"


def test_suspensions_for_misuse_are_counted_on_both_sides() -> None:
    log = Log().decide(1, 1, HOUR, "pause_notices").decide(2, 2, HOUR, "suspend", misuse=True)
    log.decide(3, 3, HOUR, "suspend").decide(4, 4, HOUR, "warn_misuse").decide(5, 5, HOUR, unfounded=True)
    log.decide(6, 6, HOUR, "pause_notices").add("decision_end", 10_000, number=6, kind="undone")
    log.add("misuse", side="notifier", kind="paused", days=7)
    report = log.report()
    name, enacted = "7_appeals_and_recidivism.csv", "Number of suspensions enacted for the provision of "
    for what, count in (
        ("manifestly illegal content ", "1"), ("manifestly unfounded notices", "2"),
        ("manifestly unfounded complaints", "0"),
    ):  # fmt: skip
        assert report.long(name, enacted + what, "Total number") == count
    figures = {
        (one["Indicator"], one["Scope"]): one["Value"]
        for one in report.rows("figures.csv")
        if one["Section"] == "Misuse"
    }
    assert figures[("warned", "notifier")] == figures[("unfounded", "notifier")] == "1"


def test_only_the_days_of_the_period_count() -> None:
    log = Log().notice(1).decide(1, 1, HOUR, "remove").notice(2, 200 * clock.DAY).decide(2, 2, HOUR, "remove")
    first = log.report(**{"from": "2026-01-01", "to": "2026-06-30"})
    second = log.report(**{"from": "2026-07-01", "to": "2026-12-31"})
    assert first.cell("4_notices.csv", "TOTAL", RECEIVED) == "1"
    assert second.cell("4_notices.csv", "TOTAL", RECEIVED) == "1"
    assert log.report().cell("4_notices.csv", "TOTAL", RECEIVED) == "2"
    assert reports.name_period(2026, 2) == ("2026-H2", "2026-07-01", "2026-12-31")


def test_a_notice_of_the_last_year_is_timed_when_it_is_decided_in_this_one() -> None:
    log = Log()
    log.at = clock.from_iso("2025-12-31T23:00:00Z")
    log.notice(1).decide(1, 1, 3 * HOUR, "remove")
    report = log.report()
    assert report.cell("4_notices.csv", "TOTAL", RECEIVED) == "0"
    assert report.cell("4_notices.csv", "TOTAL", "Median time to take action") == "3.00"


def broken(how: str) -> tuple[list[bytes], dict[str, Any]]:
    log = Log().notice(1).decide(1, 1, HOUR, "remove")
    about = log.about()
    lines = {
        "edited": [log.lines[0].replace(b"hate", b"spam"), log.lines[1]],
        "cut": log.lines[:1],
        "swapped": log.lines[::-1],
        "nonsense": [b"{}\n", *log.lines],
        "no json": [b"\xff\n", *log.lines],
    }.get(how, log.lines)
    if how == "another":
        about["tip"] = "0" * 64
    return lines, about


@pytest.mark.parametrize("how", ["edited", "cut", "swapped", "nonsense", "no json", "another"])
def test_no_report_is_made_of_a_log_that_is_broken_or_another(how: str) -> None:
    lines, about = broken(how)
    with pytest.raises(BrokenLog):
        build(lines, about)


def busy() -> Log:
    log = Log()
    for number in range(1, 40):
        log.notice(
            number,
            HOUR,
            ("in_app", "web", "trusted_flagger")[number % 3],
            ("hate", "spam", "csam")[number % 3],
        )
        log.decide(number, number, HOUR, *(("remove",), ("suspend",), ())[number % 3])
        log.add("appeal", HOUR, number=number, appellant="author")
        log.add(
            "appeal_answer",
            HOUR,
            number=number,
            appellant="author",
            outcome=("granted", "refused")[number % 2],
        )
    return log.add("letter", items=3)


def test_a_stranger_makes_the_same_bytes_with_nothing_but_python(tmp_path: Path) -> None:
    log = busy()
    (tmp_path / "log.jsonl").write_bytes(b"".join(log.lines))
    (tmp_path / "about.json").write_text(json.dumps(log.about()))
    (tmp_path / "rebuild.pyz").write_bytes(reports.pack_program())
    # -I and -S: no path of this project, no installed package.
    command = [sys.executable, "-I", "-S", "rebuild.pyz", "log.jsonl", "out", "--about", "about.json"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=60)
    made = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert made == build(log.lines, log.about())
    assert len(made) == 14
    (tmp_path / "log.jsonl").write_bytes(b"".join(log.lines[1:]))
    failed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert failed.returncode == 1
    assert failed.stderr.startswith("rebuild: entry 1: the chain of hashes breaks here")


def test_the_program_is_the_same_bytes_each_time_it_is_packed() -> None:
    assert reports.pack_program() == reports.pack_program()


# The template, and the words of the project


PARTS = {
    "1_report_identification.csv": (4, 5), "2_categories_names.csv": (4, None),
    "3_member_states_orders.csv": (20, 91),
    "4_notices.csv": (25, 91), "5_own_initiative_illegal.csv": (37, 90), "6_own_initiative_TC.csv": (37, 98),
    "7_appeals_and_recidivism.csv": (8, 47), "8_automated_means.csv": (8, 20),
    "9_human_resources.csv": (8, 3),
    "10_AMAR.csv": (7, 1), "11_qualitative.csv": (5, 6),
}  # fmt: skip


@pytest.mark.parametrize("name", PARTS)
def test_each_part_has_the_columns_and_rows_of_the_template(name: str) -> None:
    """Counted in the Commission's templates; rows that are for very large platforms only are left out."""
    columns, lines = PARTS[name]
    table = list(csv.reader(io.StringIO(busy().report().files[name].decode())))
    assert {len(row) for row in table} == {columns}
    if lines is not None:
        assert len(table) - 1 == lines


def test_every_number_in_a_category_is_in_the_total() -> None:
    report = busy().report()
    rows = report.rows("4_notices.csv")
    total, *rest = [
        int(one[RECEIVED]) for one in rows if not one["Category of illegal content"].startswith("KEYWORD")
    ]
    assert total == sum(rest) == 39


def test_the_program_knows_the_words_of_the_project() -> None:
    """It stands alone, so it has copies of them: they have to be the same."""
    assert {name: reason.dsa_category for name, reason in vocabulary.REASONS.items()} == {
        name: f"STATEMENT_CATEGORY_{category}" for name, (category, _) in template.REASONS.items()
    }
    keywords = {name: (f"KEYWORD_{word}",) for name, (_, word) in template.REASONS.items() if word != "OTHER"}
    assert keywords == dsa_terms.REASON_KEYWORDS
    assert {f"KEYWORD_{word}" for words in template.KEYWORDS.values() for word in words} | {
        "KEYWORD_OTHER"
    } == (dsa_terms.KEYWORDS)
    assert {name: tuple(limit) for name, limit in vocabulary.LANES.items()} == template.LANES
    assert (vocabulary.UNDO, vocabulary.DELIVERY_LATE) == (template.UNDO, template.LATE * 1_000)
    channels = set(get_args(vocabulary.Channel))
    assert channels - template.NOTIFIED == {"host_letter", "authority_order", "own_initiative"}
    assert set(get_args(vocabulary.MeasureKind)) - template.RESTRICTIONS.keys() == {"reminder", "warn_misuse"}


def test_a_median_is_exact_to_a_hundredth_of_an_hour() -> None:
    times = Times()
    assert times.median() == ""
    for hours in (1, 2, 10):
        times.add(hours * HOUR)
    assert times.median() == "2.00"
    times.add(-5)
    assert times.median() == "1.00"
