"""The queue: cases as lines, sorted by the time that is left, without those that the viewer is party to."""

from typing import Any, Literal

import msgspec
from sqlalchemy import Boolean, ColumnElement, Select, and_, bindparam, func, not_, or_, select

from roseau.domain.accounts.loading import load_accounts
from roseau.domain.moderation.appeals.reviewing import Standing, find_standings, list_elsewhere
from roseau.domain.moderation.cases.parties import party_of
from roseau.domain.moderation.team.duty import list_resting
from roseau.domain.moderation.team.permissions import permissions_of, require
from roseau.domain.moderation.vocabulary import Permission
from roseau.kernel.html import SafeHTML, plain_text
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import appeals, case_viewers, cases
from roseau.storage.schema.notices import notice_items, notices
from roseau.storage.schema.statuses import statuses
from roseau.storage.statements import Statement, one_of, statement

Which = Literal["todo", "mine", "waiting", "appeals", "closed"]
#: Lines on a page.
PAGE = 50
#: How long after their last sign of life somebody counts as looking at a case.
PRESENCE = 60_000
EXCERPT = 120


class CaseLine(msgspec.Struct, kw_only=True):
    """A case as the queue shows it. The first fields are columns, in order."""

    id: int
    number: int
    kind: str
    subject: str
    lane: str
    reason: str
    state: str
    severity: int
    reach: int
    notices_count: int
    sources_count: int
    received_at: int
    due_at: int
    deadline_at: int | None
    seen_at: int | None
    decided_at: int | None
    closed_at: int | None
    target_account_id: int | None
    status_id: int | None
    domain: str
    assignee_id: int | None
    paused_until: int | None
    paused_reason: str
    #: Whom it is about: `name`, `name@domain` or a domain; empty for a letter, a flood, an unknown address.
    who: str = ""
    #: The first words of the post, the name of the account, or the address.
    title: str = ""
    #: The account or domain is of this site.
    local: bool = True
    #: How its notices came in.
    channels: tuple[str, ...] = ()
    #: Names of those who have it before their eyes, and of the one whose it is.
    viewers: tuple[str, ...] = ()
    assignee: str = ""
    #: Of an appeal against a decision of the viewer's own: who can answer it.
    standing: Standing | None = None

    @property
    def seen(self) -> bool:
        """Whether somebody of the team has seen it."""
        return self.seen_at is not None

    @property
    def about(self) -> str:
        """What it is about: status, account, domain, tag, uri, letter, order, flood, collection, appeal."""
        return self.subject.partition(":")[0]


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How much there is to do for this viewer; `overdue` of `todo`."""

    todo: int = 0
    mine: int = 0
    waiting: int = 0
    appeals: int = 0
    overdue: int = 0
    unseen: int = 0
    #: Lane -> how many are to do.
    lanes: dict[str, int] = {}


_viewer: Any = bindparam("viewer")
_now: Any = bindparam("now")
_COLUMNS = CaseLine.__struct_fields__[: CaseLine.__struct_fields__.index("who")]
_lines = select(*(cases.c[name] for name in _COLUMNS))
_theirs = not_(party_of(_viewer))
#: A pause ends by itself.
_asleep = and_(cases.c.state == "paused", or_(cases.c.paused_until.is_(None), cases.c.paused_until > _now))
_awake = or_(cases.c.state == "open", and_(cases.c.state == "paused", cases.c.paused_until <= _now))
#: An appeal is work for those who may answer it, and not for whoever took the decision.
_todo = and_(
    _awake,
    or_(
        cases.c.kind != "appeal",
        and_(bindparam("answers", type_=Boolean()), not_(one_of(cases.c.id, "elsewhere"))),
    ),
)
_standing = cases.c.state.in_(("open", "paused", "second_voice"))
_handed = cases.c.id.in_(select(appeals.c.case_id).where(appeals.c.outside_reviewer_id == _viewer))
_CONDITIONS: dict[str, ColumnElement[bool]] = {
    "todo": _todo,
    "mine": and_(_standing, cases.c.assignee_id == _viewer),
    "waiting": or_(cases.c.state == "second_voice", _asleep),
    "appeals": and_(_standing, cases.c.kind == "appeal"),
    "handed": and_(_standing, cases.c.kind == "appeal", _handed),
}
# Said with every question about the queue, so that the partial index answers it: closed cases are many.
_OPEN = cases.c.state != "closed"
_after_id: Any = bindparam("after")
_BY_TIME = (cases.c.due_at, cases.c.severity.desc(), cases.c.reach.desc(), cases.c.id)


def _below(page: Select[Any]) -> Select[Any]:
    """The lines that stand below the case `after`, as the queue is sorted."""
    last = cases.alias("last")
    tied = and_(cases.c.due_at == last.c.due_at, cases.c.severity == last.c.severity)
    return page.join(last, last.c.id == _after_id).where(
        or_(
            cases.c.due_at > last.c.due_at,
            and_(cases.c.due_at == last.c.due_at, cases.c.severity < last.c.severity),
            and_(tied, cases.c.reach < last.c.reach),
            and_(tied, cases.c.reach == last.c.reach, cases.c.id > last.c.id),
        )
    )


def _to_line(row: Any) -> CaseLine:
    return CaseLine(**dict(zip(_COLUMNS, row, strict=True)))


def _queue(condition: ColumnElement[bool]) -> Select[Any]:
    return _lines.where(_OPEN, condition, _theirs)


def _page(page: Select[Any], *order: Any) -> Statement[Any]:
    return statement(page.order_by(*order).limit(PAGE))


_first = {which: _page(_queue(condition), *_BY_TIME) for which, condition in _CONDITIONS.items()}
_next = {which: _page(_below(_queue(condition)), *_BY_TIME) for which, condition in _CONDITIONS.items()}
_closed = _lines.where(cases.c.state == "closed", _theirs)
_newest = (cases.c.closed_at.desc(), cases.c.id.desc())
_last = cases.alias("last")
_first["closed"] = _page(_closed, *_newest)
_next["closed"] = _page(
    _closed.join(_last, _last.c.id == _after_id).where(
        or_(
            cases.c.closed_at < _last.c.closed_at,
            and_(cases.c.closed_at == _last.c.closed_at, cases.c.id < _last.c.id),
        )
    ),
    *_newest,
)
#: Decided a moment ago, and not closed yet: undo still runs.
_undoable = _page(_queue(cases.c.state == "decided"), cases.c.decided_at.desc())
_by_ids = statement(_lines.where(one_of(cases.c.id, "ids")))
_nobodys = statement(_queue(and_(_todo, cases.c.assignee_id.is_(None))).order_by(*_BY_TIME).limit(1))
_channels = statement(
    select(notice_items.c.case_id, notices.c.channel)
    .select_from(notice_items.join(notices, notices.c.id == notice_items.c.notice_id))
    .where(one_of(notice_items.c.case_id, "ids"))
    .group_by(notice_items.c.case_id, notices.c.channel)
    .order_by(notice_items.c.case_id, notices.c.channel)
)
_addresses = statement(
    select(notice_items.c.case_id, func.min(notice_items.c.uri).label("uri"))
    .where(one_of(notice_items.c.case_id, "ids"), notice_items.c.uri != "")
    .group_by(notice_items.c.case_id)
)
_words = statement(
    select(statuses.c.id, statuses.c.spoiler_text, statuses.c.text, statuses.c.content).where(
        one_of(statuses.c.id, "ids")
    )
)
_present = statement(
    select(case_viewers.c.case_id, case_viewers.c.account_id)
    .where(one_of(case_viewers.c.case_id, "ids"), case_viewers.c.at > bindparam("since"))
    .order_by(case_viewers.c.at)
)
_counted = statement(
    select(cases.c.id, cases.c.lane, cases.c.state, cases.c.kind, cases.c.assignee_id, cases.c.due_at,
           cases.c.seen_at, cases.c.paused_until)
    .where(_OPEN, _standing, _theirs)
)  # fmt: skip


def list_cases(tx: Transaction, viewer_id: int, which: Which, after: int | None = None) -> list[CaseLine]:
    """A page of the queue; `after` is the id of the last case of the page before. Raises Forbidden.

    An outside reviewer sees the appeals that were handed to them, and nothing else.
    """
    name: str = which
    held = permissions_of(tx, viewer_id)
    if which == "appeals" and "view_cases" not in held:
        name = "handed"
    elif "view_cases" not in held:
        require(tx, viewer_id, "view_cases")
    asked: dict[str, Any] = {"viewer": viewer_id, "now": tx.now}
    if which == "todo":
        asked |= _appeals_of(tx, viewer_id, held)
    if after is None:
        rows = tx.all(_first[name], **asked)
        if which == "closed":
            rows = tx.all(_undoable, viewer=viewer_id) + rows
    else:
        rows = tx.all(_next[name], after=after, **asked)
    return _complete(tx, viewer_id, [_to_line(row) for row in rows])


def _appeals_of(tx: Transaction, viewer_id: int, held: frozenset[Permission]) -> dict[str, Any]:
    """Whether the viewer answers appeals, and which of them are somebody else's."""
    answers = "manage_appeals" in held
    return {"answers": answers, "elsewhere": list_elsewhere(tx, viewer_id) if answers else []}


def count_cases(tx: Transaction, viewer_id: int) -> Counts:
    """How many cases wait, for the tabs and the title of the console. Raises Forbidden."""
    held = permissions_of(tx, viewer_id)
    if "view_cases" not in held:
        require(tx, viewer_id, "view_cases")
    appealing = _appeals_of(tx, viewer_id, held)
    counted = {"todo": 0, "mine": 0, "waiting": 0, "appeals": 0, "overdue": 0, "unseen": 0}
    lanes: dict[str, int] = {}
    for row in tx.all(_counted, viewer=viewer_id):
        asleep = row.state == "paused" and (row.paused_until is None or row.paused_until > tx.now)
        counted["mine"] += row.assignee_id == viewer_id
        if row.kind == "appeal" and (not appealing["answers"] or row.id in appealing["elsewhere"]):
            continue
        counted["appeals"] += row.kind == "appeal"
        if asleep or row.state == "second_voice":
            counted["waiting"] += 1
            continue
        counted["todo"] += 1
        counted["overdue"] += row.due_at < tx.now
        counted["unseen"] += row.seen_at is None
        lanes[row.lane] = lanes.get(row.lane, 0) + 1
    return Counts(lanes=lanes, **counted)


def load_lines(tx: Transaction, viewer_id: int, case_ids: list[int]) -> list[CaseLine]:
    """These cases as lines, whoever looks; callers have asked `access.require_look`."""
    found = {row.id: _to_line(row) for row in tx.all(_by_ids, ids=case_ids)}
    return _complete(tx, viewer_id, [found[case_id] for case_id in case_ids if case_id in found])


def next_case(tx: Transaction, viewer_id: int) -> CaseLine | None:
    """The first case of the queue that is nobody's yet; None at the end, and for those who rest.

    Raises Forbidden.
    """
    held = permissions_of(tx, viewer_id)
    if "decide_cases" not in held:
        require(tx, viewer_id, "decide_cases")
    if viewer_id in list_resting(tx):
        return None
    row = tx.one(_nobodys, viewer=viewer_id, now=tx.now, **_appeals_of(tx, viewer_id, held))
    return None if row is None else _complete(tx, viewer_id, [_to_line(row)])[0]


def _complete(tx: Transaction, viewer_id: int, lines: list[CaseLine]) -> list[CaseLine]:
    """Say what each is about, and who is at it: a few statements for all."""
    wanted = [line.id for line in lines]
    if not wanted:
        return lines
    channels: dict[int, list[str]] = {}
    for row in tx.all(_channels, ids=wanted):
        channels.setdefault(row.case_id, []).append(row.channel)
    present: dict[int, list[int]] = {}
    for row in tx.all(_present, ids=wanted, since=tx.now - PRESENCE):
        if row.account_id != viewer_id:
            present.setdefault(row.case_id, []).append(row.account_id)
    people = [line.target_account_id for line in lines] + [line.assignee_id for line in lines]
    people += [person for persons in present.values() for person in persons]
    views = load_accounts(tx, [person for person in people if person is not None])
    words = {row.id: row for row in tx.all(_words, ids=[line.status_id for line in lines if line.status_id])}
    addresses = {row.case_id: row.uri for row in tx.all(_addresses, ids=wanted)}
    appealed = [line.id for line in lines if line.kind == "appeal" and line.state != "closed"]
    standings = find_standings(tx, viewer_id, appealed) if appealed else {}
    for line in lines:
        line.standing = standings.get(line.id)
        target = views.get(line.target_account_id or 0)
        line.who = target.account.acct if target else line.domain
        line.local = target.account.local if target else not line.domain
        written = words.get(line.status_id or 0)
        line.title = _title(line, addresses.get(line.id, ""), target.account.name if target else "", written)
        line.channels = tuple(channels.get(line.id, ()))
        line.viewers = tuple(views[person].account.username for person in present.get(line.id, ()))
        assignee = views.get(line.assignee_id or 0)
        line.assignee = assignee.account.username if assignee else ""
    return lines


def _title(line: CaseLine, address: str, name: str, written: Any) -> str:
    if written is not None:
        words = written.spoiler_text or written.text or plain_text(SafeHTML(written.content))
        return words[:EXCERPT].replace("\n", " ").strip()
    return name or line.domain or (address[:EXCERPT] if line.about != "flood" else "")
