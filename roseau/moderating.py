"""What moderators may ask of a site from the command line, and how its record is read out and published.

Operations like those of `operations.py`, for `roseau moderation`: the essentials, when the pages are down.
Whoever acts is a member of the team, with the permissions that they have in the pages.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import bindparam, select

from roseau.domain.moderation import log
from roseau.domain.moderation.cases.access import find_case_id
from roseau.domain.moderation.cases.queue import CaseLine, Which, list_cases
from roseau.domain.moderation.cases.reading import load_case
from roseau.domain.moderation.decisions.deciding import decide
from roseau.domain.moderation.decisions.drafts import DecisionDraft, MeasureDraft
from roseau.domain.moderation.decisions.rows import hold_case
from roseau.domain.moderation.decisions.undoing import undo
from roseau.domain.moderation.desk.taking import Received, receive_mail
from roseau.domain.moderation.misuse import Side
from roseau.domain.moderation.misuse_deciding import answer_misuse, find_suggestion, usual_answer
from roseau.domain.moderation.notices.drafts import NoticeDraft
from roseau.domain.moderation.notices.filing import file_notice
from roseau.domain.moderation.record import reports, roots
from roseau.domain.moderation.record.peers import list_peers
from roseau.domain.moderation.team.permissions import list_holders, require
from roseau.domain.moderation.vocabulary import Ground, MeasureKind
from roseau.domain.site import Site
from roseau.kernel import clock
from roseau.kernel.errors import Invalid, NotFound
from roseau.operations import Nothing, Operation, find_member
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import decisions
from roseau.storage.statements import statement

#: What a measure of this kind is about; the others are about what the case is about.
_ACCOUNTS = frozenset(("limit", "freeze", "suspend"))
#: Decided in cases of their own: who sent a notice is not whom it is about.
_ABOUT_MISUSE = frozenset(("pause_notices", "warn_misuse"))
_DOMAINS = frozenset(("domain_limit", "domain_reject_media", "domain_suspend"))
#: Entries of the log in one answer.
PAGE = 10_000

_by_number = statement(select(decisions.c.id).where(decisions.c.number == bindparam("wanted")))


class Queue(msgspec.Struct):
    """A part of the queue, as this member of the team sees it."""

    by: str = ""
    which: Which = "todo"


class CaseNumber(msgspec.Struct):
    """A case by its number, as this member of the team sees it."""

    number: int
    by: str = ""


class CaseRow(msgspec.Struct):
    """A case in the queue."""

    number: int
    lane: str
    due_at: int
    state: str
    kind: str
    reason: str
    about: str
    who: str
    title: str
    notices: int


class ShownCase(msgspec.Struct):
    """A case with what was said about it and what was decided; each line is ready to be read."""

    row: CaseRow
    notices: list[str]
    items: list[str]
    decisions: list[str]


class WantedMeasure(msgspec.Struct):
    """A measure; without days it holds for good."""

    kind: MeasureKind
    days: float | None = None


class NewDecision(msgspec.Struct, kw_only=True):
    """A decision about a case: a rule by its id, or a law, or neither when nothing was found against it."""

    number: int
    by: str = ""
    measures: list[WantedMeasure] = []
    rule_id: int | None = None
    law: str = ""
    facts: str = ""
    summary: str = ""


class Taken(msgspec.Struct):
    """The number of a decision; `waits`: it is the interim one until a second voice is heard."""

    number: int
    waits: bool = False


class MisuseAnswer(msgspec.Struct):
    """A member who is to be warned or paused, for what they reported or for what they posted."""

    name: str
    side: Side = "notifier"
    by: str = ""
    facts: str = ""
    rule_id: int | None = None


class DecisionNumber(msgspec.Struct):
    """A decision by its number."""

    number: int
    by: str = ""


class NewHold(msgspec.Struct):
    """Something to be hidden at once, and why."""

    url: str
    facts: str
    law: str
    reason: str = "illegal"
    by: str = ""


class After(msgspec.Struct):
    """The part of the log behind an entry."""

    seq: int


class LogEntry(msgspec.Struct):
    """An entry as it is exported: one line of JSON each, with the body as it was hashed."""

    seq: int
    at: int
    kind: str
    body: str
    hash: str


class Kept(msgspec.Struct):
    """The site, its peers, the roots of its log, and the last entry."""

    base_url: str
    domain: str
    peers: list[str]
    roots: list[roots.DayRoot]
    last_seq: int
    tip: str


class Period(msgspec.Struct):
    """A year, or a half of it."""

    year: int
    half: int | None = None


def _actor(tx: Transaction, name: str) -> int:
    """Who acts; without a name, the only one who may decide. Raises NotFound, Invalid."""
    if name:
        return find_member(tx, name).id
    holders = list_holders(tx, "decide_cases")
    if len(holders) != 1:
        raise Invalid("Say who you are with --as NAME: more than one person may decide here, or nobody.")
    return holders[0]


# The queue


def list_queue(tx: Transaction, site: Site, queue: Queue) -> list[CaseRow]:
    """The cases of a part of the queue, in order."""
    actor = _actor(tx, queue.by)
    require(tx, actor, "view_cases")
    return [_to_row(line) for line in list_cases(tx, actor, queue.which)]


def show_case(tx: Transaction, site: Site, wanted: CaseNumber) -> ShownCase:
    """A case. Raises NotFound, Forbidden."""
    view = load_case(tx, site, _actor(tx, wanted.by), wanted.number)
    items = []
    for item in view.items:
        said = item.status.status.text if item.status else ""
        items.append(_to_line(item.state, item.kind, item.uri, said))
    return ShownCase(
        _to_row(view.line),
        [_to_line(one.channel, one.reason, one.comment) for one in view.notices],
        items,
        [
            _to_line(
                str(one.decision.number),
                one.decision.ground,
                ",".join(measure.kind for measure in one.measures),
                one.decision.ended or "",
            )
            for one in view.decisions
        ],
    )


def _to_row(line: CaseLine) -> CaseRow:
    return CaseRow(
        line.number,
        line.lane,
        line.due_at,
        line.state,
        line.kind,
        line.reason,
        line.about,
        line.who,
        _to_line(line.title),
        line.notices_count,
    )


def _to_line(*cells: str) -> str:
    """Columns on one line, whatever was written in them: nothing in it steers a terminal."""
    seen = ("".join(letter if letter.isprintable() else " " for letter in cell) for cell in cells)
    return "\t".join(" ".join(cell.split()) for cell in seen)


# Decisions


def take_decision(tx: Transaction, site: Site, new: NewDecision) -> Taken:
    """Decide a case. Raises Forbidden, NotFound, Invalid."""
    actor = _actor(tx, new.by)
    case_id = find_case_id(tx, new.number)
    ground: Ground = "rule" if new.rule_id is not None else "law" if new.law else "none"
    draft = DecisionDraft(
        ground=ground,
        rule_id=new.rule_id,
        law=new.law,
        facts=new.facts,
        summary=new.summary,
        measures=_to_measures(tx, case_id, new.measures),
    )
    decided = decide(tx, site, actor, case_id, draft)
    return Taken(decided.number, decided.proposal_id is not None)


def _to_measures(tx: Transaction, case_id: int, wanted: Sequence[WantedMeasure]) -> tuple[MeasureDraft, ...]:
    case = hold_case(tx, case_id)
    if any(one.kind in _ABOUT_MISUSE for one in wanted):
        raise Invalid("Nobody of this case is warned or paused so: use `roseau moderation misuse NAME`.")
    made = []
    for one in wanted:
        until = None if one.days is None else tx.now + round(one.days * clock.DAY)
        target: dict[str, Any] = {}
        if one.kind in _DOMAINS:
            target["domain"] = case.domain
        elif one.kind in _ACCOUNTS or case.status_id is None:
            target["account_id"] = case.target_account_id
        else:
            target["status_id"] = case.status_id
        if not any(target.values()):
            raise Invalid(f"The case is about nothing here to which {one.kind} could be done.")
        made.append(MeasureDraft(kind=one.kind, until_at=until, **target))
    return tuple(made)


def take_misuse(tx: Transaction, site: Site, new: MisuseAnswer) -> Taken:
    """Warn or pause a member as the table of misuse suggests it. Raises Forbidden, NotFound, Invalid."""
    actor, account_id = _actor(tx, new.by), find_member(tx, new.name).id
    suggested = find_suggestion(tx, actor, new.side, account_id)
    if suggested is None:
        raise Invalid("The table suggests nothing about them that you could decide.")
    answer = usual_answer(tx, suggested, account_id)
    if new.facts:
        answer = msgspec.structs.replace(answer, facts=new.facts)
    if new.rule_id is not None:
        answer = msgspec.structs.replace(answer, ground="rule", rule_id=new.rule_id)
    return Taken(answer_misuse(tx, site, actor, new.side, account_id, answer).number)


def take_back(tx: Transaction, site: Site, wanted: DecisionNumber) -> Nothing:
    """Undo a decision within its time. Raises Forbidden, NotFound, TooLate."""
    decision_id = tx.value(_by_number, wanted=wanted.number)
    if decision_id is None:
        raise NotFound(f"There is no decision {wanted.number}.")
    undo(tx, site, _actor(tx, wanted.by), decision_id)
    return Nothing()


def hold_at_once(tx: Transaction, site: Site, new: NewHold) -> Taken:
    """Hide what an address leads to, for a day at most, and queue it. Raises NotFound, Invalid."""
    actor = _actor(tx, new.by)
    draft = NoticeDraft(
        channel="own_initiative", reason=new.reason, comment=new.facts, account_id=actor, uris=(new.url,)
    )
    filed = file_notice(tx, site, draft)
    case = hold_case(tx, filed.case_ids[0])
    if case.status_id is None and case.target_account_id is None:
        raise NotFound("This address leads to nothing that is here.")
    decided = decide(
        tx,
        site,
        actor,
        case.id,
        DecisionDraft(
            ground="law",
            law=new.law,
            facts=new.facts,
            measures=_to_measures(tx, case.id, [WantedMeasure("hold")]),
            own_initiative=True,
        ),
    )
    return Taken(decided.number)


# The record


def read_log(tx: Transaction, site: Site, after: After) -> list[LogEntry]:
    """The next entries of the log."""
    entries = log.list_entries(tx, after.seq, PAGE)
    return [LogEntry(one.seq, one.at, one.kind, one.body, one.hash.hex()) for one in entries]


def read_roots(tx: Transaction, site: Site, _: Nothing) -> Kept:
    """What a log is held against."""
    last_seq, tip = log.find_tail(tx)
    every = roots.list_roots(tx, "", 100_000)
    return Kept(site.base_url, site.domain, list_peers(tx, site), every, last_seq, tip.hex())


def describe_report(tx: Transaction, site: Site, period: Period) -> dict[str, Any]:
    """The `about.json` of a report over the log as it is."""
    last_seq, tip = log.find_tail(tx)
    return reports.describe_report(tx, site, period.year, period.half, last_seq, tip.hex())


def publish_report(tx: Transaction, site: Site, new: reports.NewReport) -> Nothing:
    """Put a report on the site, for good. Raises Gone when its period has one."""
    reports.publish_report(tx, new)
    return Nothing()


class GivenMail(msgspec.Struct):
    """A mail to the abuse address, as it came."""

    raw: bytes


def take_mail(tx: Transaction, site: Site, given: GivenMail) -> Received:
    """Take a mail in; what became of it."""
    return receive_mail(tx, site, given.raw)


LIST_QUEUE = Operation("list_queue", Queue, list[CaseRow], list_queue, writes=False)
SHOW_CASE = Operation("show_case", CaseNumber, ShownCase, show_case, writes=False)
TAKE_DECISION = Operation("take_decision", NewDecision, Taken, take_decision)
TAKE_MISUSE = Operation("take_misuse", MisuseAnswer, Taken, take_misuse)
TAKE_BACK = Operation("take_back", DecisionNumber, Nothing, take_back)
HOLD_AT_ONCE = Operation("hold_at_once", NewHold, Taken, hold_at_once)
READ_LOG = Operation("read_log", After, list[LogEntry], read_log, writes=False)
READ_ROOTS = Operation("read_roots", Nothing, Kept, read_roots, writes=False)
DESCRIBE_REPORT = Operation("describe_report", Period, dict[str, Any], describe_report, writes=False)
PUBLISH_REPORT = Operation("publish_report", reports.NewReport, Nothing, publish_report)
TAKE_MAIL = Operation("take_mail", GivenMail, Received, take_mail)

MODERATING: dict[str, Operation[Any, Any]] = {
    operation.name: operation
    for operation in (
        LIST_QUEUE,
        SHOW_CASE,
        TAKE_DECISION,
        TAKE_MISUSE,
        TAKE_BACK,
        HOLD_AT_ONCE,
        READ_LOG,
        READ_ROOTS,
        DESCRIBE_REPORT,
        PUBLISH_REPORT,
        TAKE_MAIL,
    )
}
