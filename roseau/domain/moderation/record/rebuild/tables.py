"""The files of the report: the eleven parts of the template as CSV, and figures that it has no place for."""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .counting import Count
from .template import (
    ALL,
    COMPLAINTS,
    EXPLAINED,
    HOSTS,
    LARGE,
    MEASURES,
    NOTICES,
    ORDERS,
    PLATFORMS,
    SPELLED,
    TEXTS,
    TREES,
    UNNAMED,
)

Row = list[Any]
_LONG = ["Applicability", "Service", "Reporting period", "Section", "Indicator", "Scope", "Value"]
_CONTEXT = "Contextual Information"
_CATEGORY = "Category of illegal content"
_TERMS = "Category of incompatibility with the provider's terms and conditions"
_OTHER = 'Description of the sub-category "Other"'
_HOURS = "In hours"
_NOT_KEPT = "Not recorded by the software"


def build(lines: Iterable[str | bytes], about: Mapping[str, Any]) -> dict[str, bytes]:
    """The report's files by name. `lines` are those of the log; it is read once. Raises BrokenLog."""
    count = Count(about)
    count.read(lines)
    tables = {
        "1_report_identification.csv": _identification(about),
        "2_categories_names.csv": _categories(),
        "3_member_states_orders.csv": _orders(count),
        "4_notices.csv": _notices(count),
        "5_own_initiative_illegal.csv": _own_initiative(count, "5", _CATEGORY),
        "6_own_initiative_TC.csv": _own_initiative(count, "6", _TERMS),
        "7_appeals_and_recidivism.csv": _appeals(count),
        "8_automated_means.csv": _automation(count),
        "9_human_resources.csv": _resources(about),
        "10_AMAR.csv": _recipients(about),
        "11_qualitative.csv": _qualitative(count),
        "figures.csv": _figures(count),
    }
    files = {name: _to_csv(rows) for name, rows in tables.items()}
    files["about.json"] = (
        json.dumps(about, ensure_ascii=False, sort_keys=True, indent=1, separators=(",", ": ")) + "\n"
    ).encode()
    sums = (f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))
    return files | {"SHA256SUMS": "".join(sums).encode()}


def _to_csv(rows: Iterable[Row]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _period(about: Mapping[str, Any]) -> str:
    return f"{about['from']}/{about['to']}"


def _identification(about: Mapping[str, Any]) -> Iterator[Row]:
    yield ["Applicability", "Service", "Indicator", "Value"]
    for indicator, name in (
        ("Name of the service provider", "provider"),
        ("Date of the publication of the report", "published"),
        ("Date of the publication of the latest previous report", "previous"),
        ("Starting date of reporting period", "from"),
        ("Ending date of reporting period", "to"),
    ):
        yield [ALL, about["service"], indicator, about.get(name, "")]


def _categories() -> Iterator[Row]:
    named = f"{_CATEGORY} / incompatible with the terms and conditions"
    yield ["Category label", "Category description", named, _CONTEXT.capitalize()]
    yield ["TOTAL", "All the entries", "TOTAL", ""]
    for number, tree in enumerate(TREES, 1):
        yield [f"Category {number}", tree[0][1], f"STATEMENT_CATEGORY_{tree[0][0]}", ""]
        for letter, (name, words) in zip("abcdefghij", (*tree[1:], ("OTHER", UNNAMED)), strict=False):
            yield [f"Category {number}{letter}", words, f"KEYWORD_{name}", ""]
    by_whom = {"ORDER": "illegal content not specified by the public authority"}
    by_whom["NOTICE"] = "alleged illegal content not specified by the notifier"
    for number, (name, words) in enumerate(by_whom.items(), len(TREES) + 1):
        yield [f"Category {number}", f"Type of {words}", f"STATEMENT_CATEGORY_NOT_SPECIFIED_{name}", ""]


def _rows_of(table: str) -> Iterator[tuple[str, str, str]]:
    """Each row of a table of categories: how it is called there, its category and its keyword."""
    yield "TOTAL", "TOTAL", ""
    for tree in TREES:
        category = tree[0][0]
        if category == "OTHER_VIOLATION_TC" and table != "6":
            continue
        yield f"STATEMENT_CATEGORY_{category}", category, ""
        for name, _ in (*tree[1:], ("OTHER", UNNAMED)):
            yield f"KEYWORD_{name}", category, name
    if table in ("3", "4"):
        name = "NOT_SPECIFIED_ORDER" if table == "3" else "NOT_SPECIFIED_NOTICE"
        yield f"STATEMENT_CATEGORY_{name}", name, ""


def _cells(count: Count, table: str, category: str, keyword: str, columns: Iterable[str]) -> Iterator[Any]:
    for column in columns:
        if column.startswith("Median time"):
            times = count.times.get((table, category, keyword, column))
            yield times.median() if times else ""
        else:
            yield count.counts[table, category, keyword, column]


def _contexts(columns: Iterable[str], category: str, said: Mapping[str, str]) -> list[str]:
    """What stands behind the figures of a row; the first row explains for all."""
    if category != "TOTAL":
        return ["" for _ in columns]
    return [said.get(column, _HOURS if column.startswith("Median time") else "") for column in columns]


def _orders(count: Count) -> Iterator[Row]:
    head = [one[0].lower() + one[1:] if number < 2 else one for number, one in enumerate(ORDERS)]
    yield [
        *_LONG[:3],
        _CATEGORY,
        _OTHER,
        "Scope",
        *ORDERS,
        *(f"Contextual information on {one}" for one in head),
    ]
    for scope in ("", *sorted(count.countries)):
        table = f"3 {scope}".strip()
        for name, category, keyword in _rows_of("3"):
            cells = _cells(count, table, category, keyword, ORDERS)
            said = _contexts(ORDERS, category, EXPLAINED)
            yield [ALL, *_where(count), name, "", scope or "TOTAL", *cells, *said]


def _where(count: Count) -> Row:
    return [count.about["service"], _period(count.about)]


def _notices(count: Count) -> Iterator[Row]:
    head = [SPELLED.get(one, one) for one in NOTICES]
    yield [*_LONG[:3], _CATEGORY, _OTHER, *head, *(f"Contextual information on {one}" for one in head)]
    for name, category, keyword in _rows_of("4"):
        cells = _cells(count, "4", category, keyword, NOTICES)
        yield [HOSTS, *_where(count), name, "", *cells, *_contexts(NOTICES, category, EXPLAINED)]


def _own_initiative(count: Count, table: str, category_head: str) -> Iterator[Row]:
    yield [*_LONG[:3], category_head, _OTHER, *MEASURES, *(f"{_CONTEXT} on {one}" for one in MEASURES)]
    unnamed = count.counts[table, "OTHER_VIOLATION_TC", "", MEASURES[0]]
    said = (
        {MEASURES[0]: f"{unnamed} of these are in no category of the list"}
        if unnamed and table == "5"
        else {}
    )
    for name, category, keyword in _rows_of(table):
        cells = _cells(count, table, category, keyword, MEASURES)
        yield [ALL, *_where(count), name, "", *cells, *_contexts(MEASURES, category, said)]


def _appeals(count: Count) -> Iterator[Row]:
    yield [*_LONG, _CONTEXT]
    section, where, figures = "Internal complaints mechanism", _where(count), count.figures
    decided = ("Decisions upheld", "Decisions partially reversed", "Decisions reversed")
    lapsed = figures["Appeals", "Answered", "lapsed"]
    for indicator in COMPLAINTS:
        first = indicator == COMPLAINTS[0]
        for scope in ("Total number", *decided):
            said = f"{lapsed} of these lapsed unanswered" if first and lapsed and scope == decided[2] else ""
            who = ALL if first and scope == "Total number" else PLATFORMS
            yield [who, *where, section, indicator, scope, figures["7", indicator, scope], said]
        times = count.lasted.get(("7", indicator, "Median time"))
        yield [PLATFORMS, *where, section, indicator, "Median time", times.median() if times else "", _HOURS]
        if first:
            omitted = figures["7", indicator, "Decision omitted"]
            yield [PLATFORMS, *where, section, indicator, "Decision omitted", omitted, ""]
            new = "Number of restrictions newly imposed as a result of an internal complaint"
            yield [PLATFORMS, *where, section, new, "Total number", "", _NOT_KEPT]
    section = "Out-of-court dispute settlement bodies"
    submitted = "Number of disputes submitted to out-of-court dispute settlement bodies"
    disputes = count.about.get("disputes", {})
    for scope in (
        "Total number",
        *decided,
        "Median time",
        "Decision omitted",
        "Percentage of outcomes implemented",
    ):
        said = "" if scope in disputes else _NOT_KEPT
        yield [PLATFORMS, *where, section, submitted, scope, disputes.get(scope, ""), said]
    section, enacted = (
        "Suspensions imposed on repeated offenders",
        "Number of suspensions enacted for the provision of ",
    )
    for what, side in (
        ("manifestly illegal content ", "poster"),
        ("manifestly unfounded notices", "notifier"),
        ("manifestly unfounded complaints", "appellant"),
    ):
        value = figures["Misuse", "paused", side]
        yield [PLATFORMS, *where, section, enacted + what, "Total number", value, ""]


def _automation(count: Count) -> Iterator[Row]:
    yield [*_LONG, _CONTEXT]
    section = "Use of automated means for content moderation"
    scopes = {
        "Total number": ALL,
        "Own-initiative ": ALL,
        "NAM Total": HOSTS,
        "NAM Trusted Flagger": PLATFORMS,
    }
    for scope, who in scopes.items():
        where = [who, *_where(count), section]
        of = "notices {} processed by" if scope.startswith("NAM") else "measures {} taken by"
        for how, end in (("solely", " automated means "), ("not", " automated means")):
            yield [*where, f"Number of {of.format(how)}{end}", scope, count.figures["8", how, scope], ""]
        said = "" if count.figures["8", "solely", scope] else "Nothing was decided by automated means"
        for name in ("Accuracy", "Precision", "Recall"):
            value = count.about.get("accuracy", {}).get(name, "")
            yield [*where, f"Accuracy of the automated means - {name}", scope, value, said]


def _resources(about: Mapping[str, Any]) -> Iterator[Row]:
    yield [*_LONG, "Contextual information"]
    section, where = "Human resources dedicated to content moderation ", [about["service"], _period(about)]
    for indicator in (
        "Number of internal moderators employed by the provider",
        "Number of external moderators contracted by the provider",
        "Number of total moderators with sufficient linguistic expertise ",
    ):
        yield [LARGE, *where, section, indicator, "Total number", "", "Not a very large online platform"]


def _recipients(about: Mapping[str, Any]) -> Iterator[Row]:
    yield _LONG
    indicator = "Number of average monthly active recipients during the reporting period "
    yield [
        f"{LARGE} and VLOSEs",
        about["service"],
        _period(about),
        "AMAR",
        indicator,
        "TOTAL",
        about.get("amar", ""),
    ]


def _qualitative(count: Count) -> Iterator[Row]:
    yield [*_LONG[:3], "Indicator", "Value"]
    written = count.about.get("texts", {})
    for indicator, usual in TEXTS.items():
        yield [ALL, *_where(count), indicator, written.get(indicator, usual)]


def _figures(count: Count) -> Iterator[Row]:
    yield ["Service", "Reporting period", "Section", "Indicator", "Scope", "Value"]
    rows: list[tuple[str, str, str, Any]] = [
        (*key, value) for key, value in count.figures.items() if key[0] not in ("7", "8")
    ]
    rows += [(*key, times.median()) for key, times in count.lasted.items() if key[0] != "7"]
    rows += [("Deliveries", "Median seconds", kind, times.median()) for kind, times in count.arrived.items()]
    answered = {
        outcome: count.figures["Appeals", "Answered", outcome] for outcome in ("granted", "partly", "lapsed")
    }
    answers = sum(answered.values()) + count.figures["Appeals", "Answered", "refused"]
    if answers:
        rows.append(
            (
                "Appeals",
                "Reversed, of a hundred",
                "Total number",
                f"{100 * sum(answered.values()) / answers:.1f}",
            )
        )
    yield from ([*_where(count), *row] for row in sorted(rows, key=lambda row: row[:3]))
