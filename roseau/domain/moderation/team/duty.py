"""Who of the team is there: a weekly rota in each one's own time zone, who is called at night, and rest."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from sqlalchemy import bindparam, delete, or_, select, update

from roseau.domain.moderation.team.permissions import list_holders, permissions_of, require
from roseau.domain.moderation.vocabulary import Permission
from roseau.domain.site import Site
from roseau.kernel import ids
from roseau.kernel.errors import Invalid, NotFound
from roseau.storage.database import Transaction
from roseau.storage.jobs import add_job
from roseau.storage.schema.accounts import users
from roseau.storage.schema.cases import case_events, cases
from roseau.storage.schema.moderation import duties, rests
from roseau.storage.statements import insertion, one_of, statement

WEEK_MINUTES = 7 * 24 * 60
MAX_DUTIES = 42
#: The job that hands somebody's cases back when a rest that was planned begins.
REST = "moderation_rest"


class Duty(msgspec.Struct, frozen=True):
    """A part of each week; minutes since Monday 0:00 where the member lives. It may end in the next week."""

    from_minute: int
    until_minute: int
    on_call: bool = False


class Rest(msgspec.Struct, frozen=True):
    """Time in which nothing is asked of somebody; `until_at` None: until they say so."""

    id: int
    account_id: int
    from_at: int
    until_at: int | None


class RestJob(msgspec.Struct, frozen=True):
    """Payload of the job `REST`."""

    rest_id: int


class _Shift(msgspec.Struct, frozen=True):
    account_id: int
    time_zone: str
    from_minute: int
    until_minute: int
    on_call: bool


_d, _r = duties.c, rests.c
_shifts = statement(
    select(_d.account_id, users.c.time_zone, _d.from_minute, _d.until_minute, _d.on_call).select_from(
        duties.join(users, users.c.account_id == _d.account_id)
    ),
    into=_Shift,
)
_of_member = statement(
    select(_d.from_minute, _d.until_minute, _d.on_call)
    .where(_d.account_id == bindparam("account"))
    .order_by(_d.from_minute, _d.until_minute),
    into=Duty,
)
_forget = statement(delete(duties).where(_d.account_id == bindparam("account")))
_add = insertion(duties, "id account_id from_minute until_minute on_call")
_not_over = or_(_r.until_at.is_(None), _r.until_at > bindparam("now"))
_resting = statement(select(_r.account_id).where(_r.from_at <= bindparam("now"), _not_over))
_rests = statement(
    select(_r.id, _r.account_id, _r.from_at, _r.until_at).where(_not_over).order_by(_r.from_at), into=Rest
)
_rest = statement(
    select(_r.id, _r.account_id, _r.from_at, _r.until_at).where(_r.id == bindparam("rest")), into=Rest
)
_add_rest = insertion(rests, "id account_id from_at until_at")
_end_rests = statement(
    update(rests).where(_r.account_id == bindparam("account"), _not_over).values(until_at=bindparam("at"))
)
_cancel_rests = statement(
    delete(rests).where(_r.account_id == bindparam("account"), _r.from_at > bindparam("now"))
)
_theirs = statement(
    select(cases.c.id).where(cases.c.assignee_id == bindparam("account"), cases.c.state != "closed")
)
_release = statement(
    update(cases).where(one_of(cases.c.id, "ids")).values(assignee_id=None, assigned_at=None)
)
_note = insertion(case_events, "id case_id account_id kind detail at")


# The rota


def set_duties(tx: Transaction, by_id: int, account_id: int, wanted: list[Duty]) -> None:
    """Put somebody on duty at these times of each week: oneself, or anybody for those who appoint the team.

    Raises Forbidden, Invalid.
    """
    _may_arrange(tx, by_id, account_id)
    if len(wanted) > MAX_DUTIES:
        raise Invalid("A week has room for 42 times of duty.")
    for duty in wanted:
        length = duty.until_minute - duty.from_minute
        if not 0 <= duty.from_minute < WEEK_MINUTES or not 0 < length <= WEEK_MINUTES:
            raise Invalid("A time of duty begins within the week and ends after it began.")
    tx.run(_forget, account=account_id)
    for duty in wanted:
        tx.run(
            _add,
            id=ids.new_id(),
            account_id=account_id,
            from_minute=duty.from_minute,
            until_minute=duty.until_minute,
            on_call=duty.on_call,
        )


def _may_arrange(tx: Transaction, by_id: int, account_id: int) -> None:
    if by_id != account_id:
        require(tx, by_id, "manage_roles")
    if not permissions_of(tx, account_id):
        raise NotFound


def list_duties(tx: Transaction, account_id: int) -> list[Duty]:
    """When somebody is on duty, through the week."""
    return tx.all(_of_member, account=account_id)


def on_duty(tx: Transaction, now: int | None = None, permission: Permission = "view_cases") -> list[int]:
    """Who is on duty, of those with the permission; where there is no rota, everybody who does not rest."""
    return _present(tx, tx.now if now is None else now, permission, on_call=False)


def _present(tx: Transaction, now: int, permission: Permission, *, on_call: bool) -> list[int]:
    shifts = tx.all(_shifts)
    resting = set(tx.values(_resting, now=now))
    holders = [account_id for account_id in list_holders(tx, permission) if account_id not in resting]
    if not shifts and not on_call:
        return holders
    there = {shift.account_id for shift in shifts if (shift.on_call or not on_call) and _covers(shift, now)}
    return [account_id for account_id in holders if account_id in there]


def _covers(shift: _Shift, now: int) -> bool:
    minute = minute_of_week(now, shift.time_zone)
    # A duty that goes on past Sunday night covers the beginning of the week, too.
    return any(shift.from_minute <= minute + add < shift.until_minute for add in (0, WEEK_MINUTES))


def minute_of_week(at: int, time_zone: str) -> int:
    """Minutes since Monday 0:00 there; a zone that is not known counts as UTC."""
    try:
        zone = ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return minute_of_week(at, "UTC")
    local = datetime.fromtimestamp(at / 1000, UTC).astimezone(zone)
    return local.weekday() * 1440 + local.hour * 60 + local.minute


def whom_to_call(tx: Transaction) -> list[int]:
    """Whom to wake for a case that cannot wait: those on call, else on duty, else all who do not rest.

    Where everybody rests, it is everybody: somebody has to hear of it.
    """
    return (
        _present(tx, tx.now, "decide_cases", on_call=True)
        or on_duty(tx, permission="decide_cases")
        or list_awake(tx)
        or list_holders(tx, "decide_cases")
    )


def list_awake(tx: Transaction) -> list[int]:
    """Everybody who decides cases and does not rest now."""
    resting = set(tx.values(_resting, now=tx.now))
    return [account_id for account_id in list_holders(tx, "decide_cases") if account_id not in resting]


# Rest


def rest(
    tx: Transaction, site: Site, by_id: int, account_id: int, from_at: int, until_at: int | None = None
) -> int:
    """Let somebody rest; its id. Their open cases go back to the queue when it begins.

    Raises Forbidden, Invalid.
    """
    _may_arrange(tx, by_id, account_id)
    if until_at is not None and until_at <= max(from_at, tx.now):
        raise Invalid("A rest ends after it began, and not in the past.")
    rest_id = ids.new_id()
    tx.run(_add_rest, id=rest_id, account_id=account_id, from_at=from_at, until_at=until_at)
    if from_at <= tx.now:
        release_cases(tx, account_id)
    else:
        add_job(tx, REST, RestJob(rest_id), run_at=from_at)
    return rest_id


def begin_rest(tx: Transaction, rest_id: int) -> None:
    """The moment of a planned rest has come, unless it was called off."""
    found = tx.one(_rest, rest=rest_id)
    if found is not None and found.from_at <= tx.now and (found.until_at or tx.now + 1) > tx.now:
        release_cases(tx, found.account_id)


def release_cases(tx: Transaction, account_id: int) -> int:
    """Give somebody's open cases back to the queue; how many they were."""
    mine = tx.values(_theirs, account=account_id)
    if mine:
        tx.run(_release, ids=mine)
        tx.run_many(
            _note,
            [
                {
                    "id": ids.new_id(),
                    "case_id": case_id,
                    "account_id": account_id,
                    "kind": "released",
                    "detail": '{"why":"rest"}',
                    "at": tx.now,
                }
                for case_id in mine
            ],
        )
    return len(mine)


def end_rest(tx: Transaction, by_id: int, account_id: int) -> None:
    """Somebody is back, and what was planned is called off. Raises Forbidden."""
    _may_arrange(tx, by_id, account_id)
    tx.run(_cancel_rests, account=account_id, now=tx.now)
    tx.run(_end_rests, account=account_id, now=tx.now, at=tx.now)


def list_rests(tx: Transaction) -> list[Rest]:
    """Rests that last, and those that are planned."""
    return tx.all(_rests, now=tx.now)


def list_resting(tx: Transaction) -> set[int]:
    """Who rests now."""
    return set(tx.values(_resting, now=tx.now))
