"""`roseau moderation`: the queue and decisions when the pages are down, and the record of moderation."""

import asyncio
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, get_args
from urllib.parse import urlencode

import click
import msgspec

from roseau import __version__
from roseau.cli.groups import LazyGroup, settings_of
from roseau.cli.working import perform
from roseau.domain.moderation.cases.queue import Which
from roseau.domain.moderation.log import Entry
from roseau.domain.moderation.record import peers
from roseau.domain.moderation.record.rebuild.tables import build
from roseau.domain.moderation.record.reports import NewReport
from roseau.domain.moderation.record.roots import to_checkable
from roseau.domain.moderation.record.verifying import Finding, Root, verify_log
from roseau.domain.moderation.vocabulary import REASONS, MeasureKind
from roseau.kernel import clock
from roseau.moderating import (
    DESCRIBE_REPORT,
    HOLD_AT_ONCE,
    LIST_QUEUE,
    PUBLISH_REPORT,
    READ_LOG,
    READ_ROOTS,
    SHOW_CASE,
    TAKE_BACK,
    TAKE_DECISION,
    TAKE_MISUSE,
    After,
    CaseNumber,
    CaseRow,
    DecisionNumber,
    LogEntry,
    MisuseAnswer,
    NewDecision,
    NewHold,
    Period,
    Queue,
    WantedMeasure,
)
from roseau.network.client import ClientRules, GuardedClient
from roseau.network.refusals import FetchError
from roseau.operations import Nothing
from roseau.settings import Settings

PATH = "/api/roseau/v1/moderation"
MEASURE = re.compile(r"([a-z_]+)(?::(\d+(?:\.\d+)?)([dh]))?")
_HOLD = "Hidden until somebody has looked at it"
SAID = {
    "edited": "entry {seq} is not what was hashed",
    "missing": "entries are missing from {seq} on",
    "order": "entry {seq} comes twice, or out of order",
    "rewritten": "the entries of {day}, from {seq} on, are not those of its root{source}",
    "cut": "entries from {seq} on are gone: {day} has a root over them{source}",
    "unrooted": "before {day} there is no root over the entries from {seq} on{source}",
}
_by = click.option("--as", "by", default="", metavar="NAME", help="The member of the team who acts.")


@click.group("moderation", cls=LazyGroup, commands_in={"mail": "moderation_mail"})
def command() -> None:
    """Work on cases without the pages, verify the record, make the transparency report."""


# Cases


@command.command("queue")
@click.argument("which", type=click.Choice(get_args(Which)), default="todo")
@_by
@click.pass_context
def queue(context: click.Context, which: Which, by: str) -> None:
    """List cases by the time that is left: number, lane, due, state, reason, whom, what."""
    for row in perform(settings_of(context), LIST_QUEUE, Queue(by, which)):
        _print_row(row)


@command.command("show")
@click.argument("number", type=int)
@_by
@click.pass_context
def show(context: click.Context, number: int, by: str) -> None:
    """Show a case: its notices, what they point at, and what was decided."""
    shown = perform(settings_of(context), SHOW_CASE, CaseNumber(number, by))
    _print_row(shown.row)
    for name, lines in (("notice", shown.notices), ("item", shown.items), ("decision", shown.decisions)):
        for line in lines:
            print(name, line, sep="\t")


def _print_row(row: CaseRow) -> None:
    due = clock.to_iso(row.due_at)
    print(row.number, row.lane, due, row.state, row.reason, row.about, row.who, row.title, sep="\t")


@command.command("decide")
@click.argument("number", type=int)
@click.option("--measure", "measures", multiple=True, metavar="KIND[:TIME]", help="As suspend:7d, or remove.")
@click.option("--rule", "rule_id", type=int, help="The rule that was broken, by its id.")
@click.option("--law", default="", help="The law that was broken, and how. Everybody can read it.")
@click.option("--facts", default="", help="What was found, for the author.")
@click.option("--summary", default="", help="The same for the public page, without names.")
@_by
@click.pass_context
def decide(context: click.Context, /, number: int, measures: tuple[str, ...], **said: Any) -> None:
    """Decide a case, and print the number of the decision. Without rule and law nothing was found.

    \b
    Example:
      roseau moderation decide 12 --measure remove --measure freeze:3d --rule 4 \\
        --facts "The post gives somebody's address." --as mona
    """
    wanted = NewDecision(number=number, measures=[_to_measure(one) for one in measures], **said)
    taken = perform(settings_of(context), TAKE_DECISION, wanted)
    print(taken.number, "waits for a second voice" if taken.waits else "", sep="\t" if taken.waits else "")


def _to_measure(text: str) -> WantedMeasure:
    found = MEASURE.fullmatch(text)
    if found is None or found[1] not in get_args(MeasureKind):
        raise click.BadParameter(f"{text!r} is none; there are {', '.join(get_args(MeasureKind))}.")
    days = float(found[2]) / (24 if found[3] == "h" else 1) if found[2] else None
    return msgspec.convert({"kind": found[1], "days": days}, WantedMeasure)


@command.command("misuse")
@click.argument("name")
@click.option("--for", "side", type=click.Choice(("reports", "posts")), default="reports", show_default=True)
@click.option("--rule", "rule_id", type=int, help="The rule, by its id; the law otherwise.")
@click.option("--facts", default="", help="What was found, for them; the figures otherwise.")
@_by
@click.pass_context
def misuse(context: click.Context, name: str, side: str, rule_id: int | None, facts: str, by: str) -> None:
    """Warn or pause the member NAME, as the table of misuse suggests it now; prints the decision's number."""
    wanted = MisuseAnswer(name, "notifier" if side == "reports" else "poster", by, facts, rule_id)
    print(perform(settings_of(context), TAKE_MISUSE, wanted).number)


@command.command("undo")
@click.argument("number", type=int)
@_by
@click.pass_context
def undo(context: click.Context, number: int, by: str) -> None:
    """Take a decision back, by its number, within half a minute."""
    perform(settings_of(context), TAKE_BACK, DecisionNumber(number, by))


@command.command("hold")
@click.argument("url")
@click.option("--facts", required=True, help="What is wrong, for the author and for whoever decides.")
@click.option("--law", default=_HOLD, show_default=True, help="On what ground.")
@click.option("--reason", type=click.Choice(sorted(REASONS)), default="illegal", show_default=True)
@_by
@click.pass_context
def hold(context: click.Context, url: str, facts: str, law: str, reason: str, by: str) -> None:
    """Hide a post or an account at once, for a day at most, and put it into the queue."""
    print(perform(settings_of(context), HOLD_AT_ONCE, NewHold(url, facts, law, reason, by)).number)


# The record


@command.command("export-log")
@click.argument("file", type=click.File("wb"), default="-")
@click.pass_context
def export_log(context: click.Context, file: IO[bytes]) -> None:
    """Write the whole log, an entry on each line, to FILE or to standard output."""
    for line in _read_lines(settings_of(context)):
        file.write(line)


def _read_entries(settings: Settings) -> Iterator[LogEntry]:
    after = 0
    while page := perform(settings, READ_LOG, After(after)):
        yield from page
        after = page[-1].seq


def _read_lines(settings: Settings) -> Iterator[bytes]:
    encode = msgspec.json.Encoder().encode
    for entry in _read_entries(settings):
        yield encode(entry) + b"\n"


@command.command("verify")
@click.option("--export", "exported", type=click.File("rb"), help="Verify this exported log instead.")
@click.option("--against", multiple=True, metavar="URL", help="A peer, whose roots of this site count too.")
@click.pass_context
def verify(context: click.Context, exported: IO[bytes] | None, against: tuple[str, ...]) -> None:
    """Go through the log and find any entry that was changed, removed, put in or moved.

    It is held against the roots that this site has published, and with --against those that a peer has kept:
    whoever can write to this database can change the former too.
    """
    settings = settings_of(context)
    kept = perform(settings, READ_ROOTS, Nothing())
    roots = to_checkable(kept.roots)
    for peer in against:
        roots += asyncio.run(_fetch_kept(settings, kept.base_url, peer.rstrip("/"), kept.domain))
    verdict = verify_log(
        _to_entries(exported) if exported else map(_to_entry, _read_entries(settings)), roots
    )
    for finding in verdict.findings:
        print(_say(finding))
    if verdict.findings:
        raise click.ClickException("the log is not what it was.")
    print(f"{verdict.entries} entries, {verdict.roots} roots: the log is what it was.")
    print(f"It ends with {verdict.tip}")


def _say(finding: Finding) -> str:
    source = f", as {finding.source} has kept it" if finding.source else ""
    return SAID[finding.trouble].format(seq=finding.seq, day=finding.day, source=source)


def _to_entry(entry: LogEntry) -> Entry:
    return Entry(entry.seq, entry.at, entry.kind, entry.body, bytes.fromhex(entry.hash))


def _to_entries(lines: Iterable[bytes]) -> Iterator[Entry]:
    decode = msgspec.json.Decoder(LogEntry).decode
    for number, line in enumerate(lines, 1):
        try:
            yield _to_entry(decode(line))
        except ValueError as error:
            raise click.ClickException(f"line {number} is no entry of a log: {error}") from error


async def _fetch_kept(settings: Settings, site: str, peer: str, host: str) -> list[Root]:
    """The roots that a peer keeps for this site."""
    # Whoever types an address means its port.
    rules = ClientRules(
        site=site, version=__version__, allowed_networks=settings.outgoing_networks, ports=None
    )
    roots: list[Root] = []
    async with GuardedClient(rules) as client:
        while True:
            after = urlencode({"after": roots[-1].day if roots else ""})
            try:
                answer = await client.get(f"{peer}{PATH}/peers/{host}?{after}", accept=("application/json",))
                given = msgspec.json.decode(answer.body, type=peers.GivenRoots).roots
            except (FetchError, msgspec.DecodeError) as error:
                raise click.ClickException(f"{peer}: {error}") from error
            if not given or (roots and given[-1].day <= roots[-1].day):
                return roots
            roots += [Root(**msgspec.structs.asdict(one), source=peers.host_of(peer)) for one in given]


@command.command("report")
@click.option("--year", type=click.IntRange(2020, 2200), required=True)
@click.option("--half", type=click.IntRange(1, 2), help="The first or the second half of it only.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="The folder.")
@click.option("--texts", type=click.File("rb"), help="JSON with texts of your own, for about.json.")
@click.option("--publish", is_flag=True, help="Put it on the page /transparency, for good.")
@click.pass_context
def report(
    context: click.Context, year: int, half: int | None, out: Path, texts: IO[bytes] | None, publish: bool
) -> None:
    """Make the transparency report of a year from the log, as CSV files in a folder.

    Anybody who has the exported log and the about.json makes the same files with /transparency/rebuild.pyz.
    """
    settings = settings_of(context)
    about = perform(settings, DESCRIBE_REPORT, Period(year, half))
    if texts is not None:
        about |= _to_texts(texts.read())
    files = build(_read_lines(settings), about)
    out.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (out / name).write_bytes(content)
    if publish:
        written = {name: content.decode() for name, content in files.items()}
        period = str(about["period"])
        perform(settings, PUBLISH_REPORT, NewReport(period, about["last_seq"], about["tip"], written))
    print(f"{len(files)} files over {about['last_seq']} entries are in {out}")


class _Texts(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What people of the site may add to about.json."""

    texts: dict[str, str] = {}
    disputes: dict[str, int | float] = {}
    accuracy: dict[str, float] = {}
    amar: int | None = None


def _to_texts(raw: bytes) -> dict[str, Any]:
    try:
        return dict(msgspec.to_builtins(msgspec.json.decode(raw, type=_Texts)))
    except msgspec.DecodeError as error:
        raise click.ClickException(f"--texts: {error}") from error
