"""Lists of servers as others write them: Mastodon's CSV, JSON as servers publish it, a name on each line."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec

from roseau.domain.relationships.blocking import to_domain
from roseau.kernel.errors import Invalid

Format = Literal["csv", "json", "plain"]
Severity = Literal["noop", "silence", "suspend"]
SEVERITIES: tuple[Severity, ...] = ("noop", "silence", "suspend")

MAX_BYTES = 5 * 1024 * 1024
MAX_ENTRIES = 20_000
MAX_COMMENT = 2_000
_COLUMNS = ("domain", "severity", "reject_media", "reject_reports", "public_comment", "obfuscate")
#: What other programs call the same columns.
_ALIASES = {"comment": "public_comment", "reason": "public_comment", "digest": ""}
_YES = frozenset(("true", "1", "yes", "t"))


class Entry(msgspec.Struct, frozen=True):
    """A line of a list. `severity` is empty where it says none."""

    domain: str
    severity: Severity | Literal[""] = ""
    reject_media: bool = False
    reject_reports: bool = False
    obfuscate: bool = False
    public_comment: str = ""


class Parsed(msgspec.Struct, frozen=True):
    """A list as it was understood, each domain once, and how many lines were not understood."""

    entries: tuple[Entry, ...]
    skipped: int


def parse_list(data: bytes, kind: Format) -> Parsed:
    """Read a list. Names with stars stand for nothing that can be known: they are skipped. Raises Invalid."""
    if len(data) > MAX_BYTES:
        raise Invalid("This list is larger than 5 MB.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid("This list is not text in UTF-8.") from None
    rows = {"csv": _csv_rows, "json": _json_rows, "plain": _plain_rows}[kind](text)
    found: dict[str, Entry] = {}
    skipped = 0
    for row in rows:
        entry = _to_entry(row)
        if entry is None:
            skipped += 1
        else:
            found.setdefault(entry.domain, entry)
        if len(found) > MAX_ENTRIES:
            raise Invalid("This list has more than 20,000 servers.")
    return Parsed(tuple(found.values()), skipped)


def _csv_rows(text: str) -> Iterator[dict[Any, Any]]:
    reader = csv.reader(io.StringIO(text, newline=""))
    columns: list[str] | None = None
    try:
        for line in reader:
            if not line or not any(cell.strip() for cell in line):
                continue
            names = [cell.strip().removeprefix("#").lower() for cell in line]
            if columns is None and "domain" in names:
                columns = [_ALIASES.get(name, name) for name in names]
                continue
            # Without a header it is what early Mastodon wrote: the domain alone, perhaps with more behind it.
            yield dict(zip(columns or _COLUMNS[:1], line, strict=False))
    except csv.Error:
        raise Invalid("This list cannot be read as CSV.") from None


def _json_rows(text: str) -> Iterator[dict[Any, Any]]:
    try:
        read = msgspec.json.decode(text)
    except msgspec.DecodeError:
        raise Invalid("This list cannot be read as JSON.") from None
    if not isinstance(read, list):
        raise Invalid("A list in JSON is an array of objects, each with a domain.")
    for item in read:
        if isinstance(item, str):
            yield {"domain": item}
        elif isinstance(item, dict):
            yield {_ALIASES.get(str(name), str(name)): value for name, value in item.items()}
        else:
            yield {}


def _plain_rows(text: str) -> Iterator[dict[Any, Any]]:
    for line in text.splitlines():
        name = line.partition("#")[0].strip()
        if name:
            yield {"domain": name}


def _to_entry(row: dict[Any, Any]) -> Entry | None:
    name, severity = row.get("domain"), str(row.get("severity") or "").strip().lower()
    if not isinstance(name, str) or (severity and severity not in SEVERITIES):
        return None
    try:
        domain = to_domain(name)
    except Invalid:
        return None
    comment = row.get("public_comment")
    return Entry(
        domain,
        severity,
        _truth(row.get("reject_media")),
        _truth(row.get("reject_reports")),
        _truth(row.get("obfuscate")),
        comment.strip()[:MAX_COMMENT] if isinstance(comment, str) else "",
    )


def _truth(value: object) -> bool:
    return value is True or (isinstance(value, str) and value.strip().lower() in _YES)


def write_csv(entries: Iterable[Entry]) -> str:
    """A list as Mastodon reads and writes it."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([f"#{name}" for name in _COLUMNS])
    for entry in entries:
        writer.writerow([_cell(getattr(entry, name)) for name in _COLUMNS])
    return out.getvalue()


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "True" if value else "False"
    text = str(value)
    # A table program would take this for a formula, and run it.
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def write_json(entries: Iterable[Entry]) -> bytes:
    """A list as servers publish it."""
    return msgspec.json.encode(
        [
            {"domain": entry.domain, "severity": entry.severity, "comment": entry.public_comment}
            for entry in entries
        ]
    )


def write_plain(entries: Iterable[Entry]) -> str:
    """The names alone."""
    return "".join(f"{entry.domain}\n" for entry in entries)


def obfuscate(domain: str) -> str:
    """A name that is not to be found by it: `exa****.**m` keeps its ends, as Mastodon writes them."""
    visible = max(1, len(domain) // 4)
    first, last = visible, len(domain) - visible
    return "".join(
        sign if sign == "." or place < first or place >= last else "*" for place, sign in enumerate(domain)
    )
