"""Working on a case: seeing it, taking it, handing it on, notes, pauses. Each step is written down."""

from typing import Any

from sqlalchemy import bindparam, delete, select, update

from roseau.domain.events import CaseUpdated
from roseau.domain.moderation import log
from roseau.domain.moderation.cases.access import require_look, require_work
from roseau.domain.moderation.cases.joining import note_event
from roseau.domain.moderation.cases.lanes import due
from roseau.domain.moderation.cases.parties import is_party
from roseau.domain.moderation.team.duty import list_resting
from roseau.domain.moderation.team.permissions import permissions_of
from roseau.domain.site import Site
from roseau.kernel import clock
from roseau.kernel.errors import Invalid, Problem
from roseau.storage.database import Transaction
from roseau.storage.schema.cases import case_viewers, cases
from roseau.storage.statements import statement, upsert

MAX_NOTE = 5_000
#: The longest pause: a case is not to be forgotten in one.
LONGEST_PAUSE = 14 * clock.DAY

_state = statement(
    select(
        cases.c.id, cases.c.number, cases.c.lane, cases.c.state, cases.c.received_at, cases.c.deadline_at,
        cases.c.seen_at, cases.c.assignee_id,
    )
    .where(cases.c.id == bindparam("case"))
    .with_for_update()
)  # fmt: skip
_see = statement(
    update(cases)
    .where(cases.c.id == bindparam("case"))
    .values(seen_at=bindparam("at"), due_at=bindparam("until"))
)
_assign = statement(
    update(cases)
    .where(cases.c.id == bindparam("case"))
    .values(assignee_id=bindparam("person"), assigned_at=bindparam("at"))
)
_pause = statement(
    update(cases)
    .where(cases.c.id == bindparam("case"))
    .values(state=bindparam("new_state"), paused_until=bindparam("until"), paused_reason=bindparam("why"))
)
_be_present = statement(
    upsert(case_viewers)
    .values(case_id=bindparam("case"), account_id=bindparam("person"), at=bindparam("moment"))
    .on_conflict_do_update(
        index_elements=["case_id", "account_id"], set_={"at": upsert(case_viewers).excluded.at}
    )
)
_leave = statement(
    delete(case_viewers).where(
        case_viewers.c.case_id == bindparam("case"), case_viewers.c.account_id == bindparam("person")
    )
)
_forget_absent = statement(delete(case_viewers).where(case_viewers.c.at < bindparam("before")))


def see_case(tx: Transaction, site: Site, viewer_id: int, case_id: int) -> None:
    """Somebody has the case before their eyes: others see that for a minute, and the second clock begins.

    For whoever may decide cases; of others nothing is written down. Raises Forbidden.
    """
    require_look(tx, case_id, viewer_id)
    tx.run(_be_present, case=case_id, person=viewer_id, moment=tx.now)
    tx.run(_forget_absent, before=tx.now - clock.HOUR)
    if permissions_of(tx, viewer_id) & {"decide_cases", "manage_appeals"}:
        _mark_seen(tx, site, viewer_id, _hold(tx, case_id))


def leave_case(tx: Transaction, viewer_id: int, case_id: int) -> None:
    """They look at something else now."""
    tx.run(_leave, case=case_id, person=viewer_id)


def claim(tx: Transaction, site: Site, account_id: int, case_id: int) -> None:
    """Take a case, also out of somebody else's hands: they see it in the case. Raises Forbidden, Invalid."""
    require_work(tx, case_id, account_id)
    case = _hold(tx, case_id)
    if case.assignee_id == account_id:
        return
    tx.run(_assign, case=case_id, person=account_id, at=tx.now)
    note_event(tx, case_id, "claimed", account_id=account_id, detail={"from": case.assignee_id})
    tx.emit(CaseUpdated(case_id))
    _mark_seen(tx, site, account_id, case)


def release(tx: Transaction, site: Site, account_id: int, case_id: int) -> None:
    """Give one's case back to the queue. Raises Forbidden, Invalid."""
    require_work(tx, case_id, account_id)
    if _hold(tx, case_id).assignee_id != account_id:
        raise Invalid("This case is not yours.")
    tx.run(_assign, case=case_id, person=None, at=None)
    note_event(tx, case_id, "released", account_id=account_id)
    tx.emit(CaseUpdated(case_id))


def hand_over(tx: Transaction, site: Site, account_id: int, case_id: int, to_id: int, text: str = "") -> None:
    """Give a case to somebody of the team who may decide it and does not rest. Raises Forbidden, Invalid."""
    require_work(tx, case_id, account_id)
    _check_text(text, needed=False)
    if "decide_cases" not in permissions_of(tx, to_id) or is_party(tx, case_id, to_id):
        raise Invalid("They cannot decide this case. Choose somebody else of the team.")
    if to_id in list_resting(tx):
        raise Invalid("They are resting, and nothing is given to them until they are back.")
    _hold(tx, case_id)
    tx.run(_assign, case=case_id, person=to_id, at=tx.now)
    note_event(tx, case_id, "handed_over", account_id=account_id, text=text.strip(), detail={"to": to_id})
    tx.emit(CaseUpdated(case_id))


def add_note(tx: Transaction, site: Site, account_id: int, case_id: int, text: str) -> int:
    """Write something down for the team; the id of the event. Raises Forbidden, Invalid."""
    require_work(tx, case_id, account_id)
    _check_text(text)
    event_id = note_event(tx, case_id, "note", account_id=account_id, text=text.strip())
    tx.emit(CaseUpdated(case_id))
    return event_id


def pause(tx: Transaction, site: Site, account_id: int, case_id: int, until: int, reason: str) -> None:
    """Put a case off until a moment; its clock runs on. Not for S0. Raises Forbidden, Invalid."""
    require_work(tx, case_id, account_id)
    _check_text(reason)
    case = _hold(tx, case_id)
    if case.lane == "S0":
        raise Invalid("A case of this lane cannot wait.")
    if case.state not in ("open", "paused"):
        raise Invalid("This case already waits for something else.")
    if not tx.now < until <= tx.now + LONGEST_PAUSE:
        raise Invalid("A pause ends within fourteen days.")
    tx.run(_pause, case=case_id, new_state="paused", until=until, why=reason.strip())
    note_event(tx, case_id, "paused", account_id=account_id, text=reason.strip(), detail={"until": until})
    tx.emit(CaseUpdated(case_id))


def resume(tx: Transaction, site: Site, account_id: int, case_id: int) -> None:
    """Go on with a case before its pause is over; else it comes back by itself. Raises Forbidden, Invalid."""
    require_work(tx, case_id, account_id)
    if _hold(tx, case_id).state != "paused":
        raise Invalid("This case is not paused.")
    wake_up(tx, case_id, account_id)


def wake_up(tx: Transaction, case_id: int, account_id: int | None = None) -> None:
    """End a pause: somebody's doing, or what they waited for has come."""
    tx.run(_pause, case=case_id, new_state="open", until=None, why="")
    note_event(tx, case_id, "resumed", account_id=account_id)
    tx.emit(CaseUpdated(case_id))


def _hold(tx: Transaction, case_id: int) -> Any:
    """The case, which nobody else changes until the transaction ends."""
    return tx.one(_state, case=case_id)


def _mark_seen(tx: Transaction, site: Site, viewer_id: int, case: Any) -> None:
    if case.seen_at is not None or case.state == "closed":
        return
    until = due(case.lane, case.received_at, seen=True, deadline_at=case.deadline_at)
    tx.run(_see, case=case.id, at=tx.now, until=until)
    tx.emit(CaseUpdated(case.id))
    log.append(
        tx, "seen",
        {"case": case.number, "lane": case.lane, "seconds": max(0, tx.now - case.received_at) // 1000,
         "viewer": log.pseudonym(site, viewer_id)},
    )  # fmt: skip


def _check_text(text: str, *, needed: bool = True) -> None:
    if needed and not text.strip():
        raise Invalid(problems=(Problem("text", "ERR_BLANK", "Write what the others have to know."),))
    if len(text) > MAX_NOTE:
        raise Invalid(problems=(Problem("text", "ERR_TOO_LONG", "This text is too long."),))
