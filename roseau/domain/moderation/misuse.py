"""Misuse, both ways (DSA art. 23): who often sends unfounded notices, and who often posts what is illegal.

One table for both sides. Of the last ten things that were decided about somebody, since they were last
warned or paused: when three or more, and more than half, were bad, a warning is suggested, and when that
happens again within 90 days, a pause of 7, then 30, then 90 days. It is only ever suggested: a person decides
it as a measure (`warn_misuse`; `pause_notices` for notifiers, `suspend` for posters) with a statement of
reasons and an appeal.
"""

from typing import Any, Literal

import msgspec
from sqlalchemy import and_, bindparam, case, exists, func, literal, or_, select, update

from roseau.domain.moderation import log
from roseau.domain.moderation.team.permissions import require
from roseau.domain.site import Site
from roseau.kernel import clock, ids
from roseau.kernel.errors import Invalid, NotFound, mark
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import cases, decision_ends, decisions, strikes
from roseau.storage.schema.notices import misuse_marks, notice_items, notices
from roseau.storage.schema.statuses import statuses
from roseau.storage.statements import insertion, statement

Side = Literal["notifier", "poster"]
Step = Literal["warn", "pause"]

#: Cases in which a warning or a pause is decided are about nothing that somebody posted.
SUBJECT = "misuse"
#: What is looked at: the last so many, no older than half a year.
SAMPLE = 10
WINDOW = 183 * clock.DAY
#: So many of them bad, and more than half.
LEAST = 3
#: A pause needs a warning, or the end of a pause, that is no older.
AFTER = 90 * clock.DAY
#: How long the first, the second, and every further pause within a year is, in days.
PAUSES = (7, 30, 90)
YEAR = 365 * clock.DAY

#: The written policy (DSA art. 23(4)), as the pages show it.
POLICY = (
    mark(
        "Whoever often posts manifestly illegal things, or often sends manifestly unfounded notices, is"
        " warned first, and then paused for a time. The same figures hold for both."
    ),
    mark(
        "We look at the last ten decisions about somebody within six months. Three of them or more, and more"
        " than half, have to have gone against them. What the decision weighed, such as how grave it was and"
        " whether it was meant, counts too."
    ),
    mark(
        "After a warning that is no older than 90 days, a pause of 7 days can follow, then one of 30 days,"
        " then one of 90 days."
    ),
    mark(
        "A person decides each of these, gives reasons, and the person concerned can appeal. Danger to life"
        " and abuse of children can always be reported."
    ),
)


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How somebody stands on one side. `recent`, `bad`: since they were last warned or paused."""

    side: Side
    recent: int
    bad: int
    warned_at: int | None = None
    paused_until: int | None = None
    #: Pauses within a year.
    pauses: int = 0
    #: When the last warning or pause was over.
    answered_at: int | None = None


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """What the table suggests: a warning, or a pause of so many days; and why."""

    step: Step
    days: int
    standing: Standing

    @property
    def measure(self) -> str:
        """The kind of the measure that does it."""
        if self.step == "warn":
            return "warn_misuse"
        return "pause_notices" if self.standing.side == "notifier" else "suspend"


def _of(table: Any) -> Any:
    """The member, or else the source of somebody without an account."""
    return or_(
        table.c.account_id == bindparam("account_id"),
        and_(
            bindparam("source", type_=table.c.source.type) != "",
            table.c.account_id.is_(None),
            table.c.source == bindparam("source"),
        ),
    )


_stands = ~exists(select(literal(1)).where(decision_ends.c.decision_id == decisions.c.id))
_unfounded = exists(
    select(literal(1)).where(
        misuse_marks.c.notice_id == notices.c.id,
        misuse_marks.c.decision_id == decisions.c.id,
        misuse_marks.c.kind == "unfounded",
        misuse_marks.c.lifted_at.is_(None),
    )
)
_notifier = statement(
    select(func.max(case((_unfounded, 1), else_=0)).label("bad"))
    .select_from(
        notices.join(notice_items, notice_items.c.notice_id == notices.c.id).join(
            decisions, decisions.c.case_id == notice_items.c.case_id
        )
    )
    .where(
        _of(notices), notices.c.received_at > bindparam("after"), decisions.c.reverses_id.is_(None), _stands
    )
    .group_by(notices.c.id)
    .order_by(notices.c.id.desc())
    .limit(SAMPLE)
)
_struck = exists(
    select(literal(1)).where(strikes.c.decision_id == decisions.c.id, strikes.c.voided_at.is_(None))
)
_done_at = func.coalesce(statuses.c.created_at, cases.c.received_at)
_poster = statement(
    select(func.max(case((_struck, 1), else_=0)).label("bad"))
    .select_from(
        cases.join(decisions, decisions.c.case_id == cases.c.id).outerjoin(
            statuses, statuses.c.id == cases.c.status_id
        )
    )
    .where(
        cases.c.target_account_id == bindparam("account_id"),
        cases.c.kind == "notice",
        ~cases.c.subject.like(f"{SUBJECT}:%"),
        _done_at > bindparam("after"),
        decisions.c.reverses_id.is_(None),
        _stands,
    )
    .group_by(cases.c.id)
    .order_by(cases.c.id.desc())
    .limit(SAMPLE)
)
_answers = statement(
    select(misuse_marks.c.kind, misuse_marks.c.at, misuse_marks.c.until)
    .where(
        _of(misuse_marks),
        misuse_marks.c.side == bindparam("side"),
        misuse_marks.c.kind.in_(("warned", "paused")),
        misuse_marks.c.lifted_at.is_(None),
        misuse_marks.c.at > bindparam("since"),
    )
    .order_by(misuse_marks.c.at)
)
_senders = statement(
    select(notices.c.id, notices.c.account_id, notices.c.source)
    .distinct()
    .select_from(notices.join(notice_items, notice_items.c.notice_id == notices.c.id))
    .where(notice_items.c.case_id == bindparam("case_id"), notices.c.channel != "own_initiative")
)
_add = insertion(misuse_marks, "id account_id source side kind notice_id decision_id at until")
_mark = statement(select(misuse_marks).where(misuse_marks.c.id == bindparam("wanted")))
_lift = statement(
    update(misuse_marks)
    .where(misuse_marks.c.id == bindparam("wanted"), misuse_marks.c.lifted_at.is_(None))
    .values(lifted_at=bindparam("at"))
)


def standing_of(tx: Transaction, side: Side, *, account_id: int | None = None, source: str = "") -> Standing:
    """How a member, or a source without an account, stands on one side."""
    answers = tx.all(_answers, account_id=account_id, source=source, side=side, since=tx.now - YEAR)
    last = answers[-1] if answers else None
    after = max(tx.now - WINDOW, last.at if last else 0)
    if side == "notifier":
        found = tx.values(_notifier, account_id=account_id, source=source, after=after)
    else:
        found = tx.values(_poster, account_id=account_id, after=after) if account_id else []
    warned = [row.at for row in answers if row.kind == "warned"]
    pauses = [row for row in answers if row.kind == "paused"]
    running = [row.until for row in pauses if row.until and row.until > tx.now]
    return Standing(
        side=side,
        recent=len(found),
        bad=sum(found),
        warned_at=warned[-1] if warned else None,
        paused_until=max(running, default=None),
        pauses=len(pauses),
        answered_at=None if last is None else last.until or last.at,
    )


def suggest(
    tx: Transaction, side: Side, *, account_id: int | None = None, source: str = ""
) -> Suggestion | None:
    """What the table suggests about somebody now; None while it suggests nothing."""
    return to_suggestion(standing_of(tx, side, account_id=account_id, source=source), tx.now)


def to_suggestion(standing: Standing, now: int) -> Suggestion | None:
    """The table itself: the same for both sides."""
    often = standing.bad >= LEAST and 2 * standing.bad > standing.recent
    if not often or standing.paused_until is not None:
        return None
    if standing.answered_at is None or standing.answered_at < now - AFTER:
        return Suggestion(step="warn", days=0, standing=standing)
    days = PAUSES[min(standing.pauses, len(PAUSES) - 1)]
    return Suggestion(step="pause", days=days, standing=standing)


def is_paused(tx: Transaction, account_id: int | None, source: str = "") -> int | None:
    """Until when notices of a member or source are not handled; None when they are. S0 always is."""
    return standing_of(tx, "notifier", account_id=account_id, source=source).paused_until


def mark_unfounded(tx: Transaction, case_id: int, decision_id: int) -> int:
    """A decision finds the notices of a case manifestly unfounded; how many. It counts while that stands."""
    senders = tx.all(_senders, case_id=case_id)
    for row in senders:
        tx.run(
            _add, id=ids.new_id(), account_id=row.account_id, source="" if row.account_id else row.source,
            side="notifier", kind="unfounded", notice_id=row.id, decision_id=decision_id, at=tx.now,
            until=None,
        )  # fmt: skip
    return len(senders)


# Sources without an account: no measure can be about them, and no statement reaches them


def answer_source(tx: Transaction, site: Site, by_id: int, source: str) -> int:
    """Do with a source what the table suggests; the mark's id.

    They are answered with each notice that is refused, and can write to the contact point. Raises Forbidden,
    Invalid when nothing is suggested.
    """
    require(tx, by_id, "decide_cases")
    suggested = suggest(tx, "notifier", source=source)
    if suggested is None:
        raise Invalid("There are too few unfounded notices of this source for that.")
    mark_id = ids.new_id()
    paused = suggested.step == "pause"
    until = tx.now + suggested.days * clock.DAY if paused else None
    tx.run(
        _add, id=mark_id, account_id=None, source=source, side="notifier",
        kind="paused" if paused else "warned", notice_id=None, decision_id=None, at=tx.now, until=until,
    )  # fmt: skip
    _log(tx, site, by_id, "paused" if paused else "warned", suggested.days)
    return mark_id


def lift_mark(tx: Transaction, site: Site, by_id: int, mark_id: int) -> None:
    """Take a warning or pause of a source back. Raises Forbidden, NotFound."""
    require(tx, by_id, "decide_cases")
    row = tx.one(_mark, wanted=mark_id)
    if row is None or row.decision_id is not None:
        raise NotFound
    if tx.run(_lift, wanted=mark_id, at=tx.now):
        _log(tx, site, by_id, "lifted", 0)


def _log(tx: Transaction, site: Site, by_id: int, kind: str, days: int) -> None:
    log.append(
        tx, "misuse", {"kind": kind, "side": "notifier", "days": days, "by": log.pseudonym(site, by_id)}
    )
