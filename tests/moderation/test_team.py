"""The team: who may do what, when they are there, and what happens to what lay on their desk."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import bindparam, update

from roseau.domain.moderation.cases.joining import find_open_case
from roseau.domain.moderation.cases.working import claim
from roseau.domain.moderation.team import duty
from roseau.domain.moderation.team.calling import CallAgain, call_again
from roseau.domain.moderation.team.permissions import (
    list_holders,
    needs_second_factor,
    permissions_of,
    require,
)
from roseau.domain.moderation.team.roles import (
    RoleDraft,
    appoint,
    list_roles,
    remove_role,
    save_role,
)
from roseau.domain.moderation.vocabulary import PERMISSIONS, ROLES
from roseau.doors.server import Server
from roseau.kernel import clock
from roseau.kernel.errors import Forbidden, Invalid, NotFound
from roseau.storage.schema.accounts import accounts, users
from roseau.storage.statements import statement
from roseau.worker import Worker
from tests.conftest import Cast
from tests.moderation.acting import make_moderator, make_post, report, rows, value

pytestmark = pytest.mark.anyio


def mark(server: Server, table: Any, column: str, account_id: int, what: Any) -> None:
    """Set a column in the row of somebody."""
    key = table.c.account_id if "account_id" in table.c else table.c.id
    change = statement(update(table).where(key == bindparam("who")).values({column: bindparam("what")}))
    server.database.write_now(lambda tx: tx.run(change, who=account_id, what=what))


def held(server: Server, account_id: int) -> frozenset[Any]:
    return server.database.read_now(permissions_of, account_id)


# Permissions


@pytest.mark.parametrize("role", list(ROLES))
def test_every_role_may_do_what_it_is_there_for(server: Server, cast: Cast, role: str) -> None:
    somebody = cast.join("sam", role=role)
    assert held(server, somebody.id) == ROLES[role]
    for permission in PERMISSIONS:
        if permission in ROLES[role]:
            server.database.read_now(require, somebody.id, permission)
        else:
            with pytest.raises(Forbidden):
                server.database.read_now(require, somebody.id, permission)


@pytest.mark.parametrize(
    ("table", "column", "wanted"),
    [
        (accounts, "deleted_at", 1),
        (accounts, "suspended_at", 1),
        (users, "disabled_at", 1),
        (users, "confirmed_at", None),
        (users, "approved_at", None),
    ],
)
def test_whoever_is_not_in_order_may_do_nothing(
    server: Server, cast: Cast, table: Any, column: str, wanted: Any
) -> None:
    mona = make_moderator(cast)
    assert held(server, mona.id)
    mark(server, table, column, mona.id, wanted)
    assert held(server, mona.id) == frozenset()
    assert server.database.read_now(list_holders, "view_cases") == []


def test_a_role_that_asks_for_a_second_factor_may_do_nothing_without(server: Server, cast: Cast) -> None:
    olga, mona = cast.olga, make_moderator(cast)
    draft = RoleDraft("moderator", permissions=("view_cases", "decide_cases"), second_factor=True)
    server.database.write_now(save_role, olga.id, draft)
    assert held(server, mona.id) == frozenset()
    assert server.database.read_now(needs_second_factor, mona.id)
    with pytest.raises(Forbidden, match="two-factor"):
        server.database.read_now(require, mona.id, "view_cases")
    mark(server, users, "otp_enabled_at", mona.id, 1)
    assert held(server, mona.id) == {"view_cases", "decide_cases"}
    server.database.write_now(remove_role, olga.id, "moderator")
    assert held(server, mona.id) == ROLES["moderator"]


def test_an_owner_cannot_be_locked_out(server: Server, cast: Cast) -> None:
    with pytest.raises(Invalid, match="everything"):
        server.database.write_now(save_role, cast.olga.id, RoleDraft("owner", permissions=("view_cases",)))


def test_a_site_makes_roles_of_its_own(server: Server, cast: Cast) -> None:
    olga, bob = cast.olga, cast.bob
    draft = RoleDraft("desk", "Letters", ("view_cases", "manage_letters"))
    server.database.write_now(save_role, olga.id, draft)
    server.database.write_now(appoint, olga.id, bob.id, "desk")
    assert held(server, bob.id) == {"view_cases", "manage_letters"}
    made = next(role for role in server.database.read_now(list_roles) if role.own)
    assert (made.name, made.title) == ("desk", "Letters")
    with pytest.raises(Invalid, match="Somebody has this role"):
        server.database.write_now(remove_role, olga.id, "desk")
    server.database.write_now(appoint, olga.id, bob.id, "member")
    server.database.write_now(remove_role, olga.id, "desk")
    assert not any(role.own for role in server.database.read_now(list_roles))


@pytest.mark.parametrize("name", ["member", "reviewer", "Desk", "x", "de sk"])
def test_some_names_are_no_roles(server: Server, cast: Cast, name: str) -> None:
    with pytest.raises(Invalid):
        server.database.write_now(save_role, cast.olga.id, RoleDraft(name, permissions=("view_cases",)))


def test_nobody_gives_away_what_they_do_not_have(server: Server, cast: Cast) -> None:
    olga, bob = cast.olga, cast.bob
    keeper = RoleDraft("keeper", permissions=("view_cases", "manage_roles"))
    server.database.write_now(save_role, olga.id, keeper)
    server.database.write_now(appoint, olga.id, bob.id, "keeper")
    for wanted in ("moderator", "admin", "owner"):
        with pytest.raises(Forbidden):
            server.database.write_now(appoint, bob.id, cast.ada.id, wanted)
    with pytest.raises(Forbidden):
        server.database.write_now(appoint, bob.id, olga.id, "member")
    with pytest.raises(Forbidden):
        server.database.write_now(save_role, bob.id, RoleDraft("moderator", permissions=("view_cases",)))
    server.database.write_now(appoint, bob.id, cast.ada.id, "keeper")
    assert held(server, cast.ada.id) == {"view_cases", "manage_roles"}


def test_the_last_owner_stays(server: Server, cast: Cast) -> None:
    with pytest.raises(Invalid, match="only owner"):
        server.database.write_now(appoint, cast.olga.id, cast.olga.id, "admin")
    with pytest.raises(NotFound):
        server.database.write_now(appoint, cast.olga.id, 1, "admin")


# Duty

#: Monday, 2026-11-23, 8:30 in Paris.
MONDAY = int(datetime(2026, 11, 23, 7, 30, tzinfo=UTC).timestamp() * 1000)


def shift(day: int, start: int, end: int, on_call: bool = False) -> duty.Duty:
    """Hours of a day of the week; Monday is 0."""
    return duty.Duty(day * 1440 + start * 60, day * 1440 + end * 60, on_call)


def test_duty_is_told_in_the_time_zone_of_whoever_has_it(server: Server, cast: Cast) -> None:
    paris = cast.join("pia", role="moderator", time_zone="Europe/Paris")
    utc = cast.join("ulf", role="moderator")
    for member in (paris, utc):
        server.database.write_now(duty.set_duties, member.id, member.id, [shift(0, 8, 9)])
    on_duty = server.database.read_now
    assert on_duty(duty.on_duty, MONDAY) == [paris.id]
    assert on_duty(duty.on_duty, MONDAY + clock.HOUR) == [utc.id]
    assert on_duty(duty.on_duty, MONDAY + 3 * clock.HOUR) == []


def test_a_duty_may_go_on_into_the_next_week(server: Server, cast: Cast) -> None:
    mona = make_moderator(cast)
    server.database.write_now(
        duty.set_duties, mona.id, mona.id, [duty.Duty(6 * 1440 + 22 * 60, 7 * 1440 + 8 * 60)]
    )
    night = MONDAY - 5 * clock.HOUR
    assert server.database.read_now(duty.on_duty, night) == [mona.id]
    assert server.database.read_now(duty.on_duty, MONDAY + clock.HOUR) == []


def test_without_a_rota_everybody_is_there_who_does_not_rest(server: Server, cast: Cast) -> None:
    mona, max_ = make_moderator(cast), make_moderator(cast, "max")
    assert server.database.read_now(duty.on_duty) == [mona.id, max_.id]
    server.database.write_now(duty.rest, server.site, mona.id, mona.id, clock.now() - 1)
    assert server.database.read_now(duty.on_duty) == [max_.id]
    server.database.write_now(duty.end_rest, mona.id, mona.id)
    assert server.database.read_now(duty.on_duty) == [mona.id, max_.id]


@pytest.mark.parametrize(
    "wrong", [duty.Duty(-1, 5), duty.Duty(5, 5), duty.Duty(0, 20_000), duty.Duty(10_080, 10_081)]
)
def test_a_duty_is_a_part_of_the_week(server: Server, cast: Cast, wrong: duty.Duty) -> None:
    mona = make_moderator(cast)
    with pytest.raises(Invalid):
        server.database.write_now(duty.set_duties, mona.id, mona.id, [wrong])


def test_others_arrange_duty_only_if_they_appoint_the_team(server: Server, cast: Cast) -> None:
    mona, max_ = make_moderator(cast), make_moderator(cast, "max")
    with pytest.raises(Forbidden):
        server.database.write_now(duty.set_duties, max_.id, mona.id, [shift(0, 8, 9)])
    server.database.write_now(duty.set_duties, cast.olga.id, mona.id, [shift(0, 8, 9)])
    with pytest.raises(NotFound):
        server.database.write_now(duty.set_duties, cast.olga.id, cast.bob.id, [shift(0, 8, 9)])


async def test_cases_go_back_to_the_queue_when_a_rest_begins(
    server: Server, cast: Cast, worker: Worker, at: Callable[[float], None]
) -> None:
    mona = make_moderator(cast)
    status_id = make_post(server, cast.bob)
    report(server, cast.ada, status_id, reason="hate")
    case = server.database.read_now(find_open_case, f"status:{status_id}")
    assert case is not None
    server.database.write_now(claim, server.site, mona.id, case.id)
    server.database.write_now(duty.rest, server.site, mona.id, mona.id, clock.now() + clock.HOUR)
    await worker.settle()
    assert value(server, "SELECT assignee_id FROM cases") == mona.id
    at(3601)
    await worker.settle()
    assert value(server, "SELECT assignee_id FROM cases") is None
    assert ("released",) in rows(server, "SELECT kind FROM case_events")


# Calling


def mails_to(server: Server) -> set[str]:
    """Who gets a mail that waits in the queue."""
    found = rows(server, "SELECT payload FROM jobs WHERE kind = 'mail' AND payload LIKE '%cannot wait%'")
    return {row[0].partition('"recipient":"')[2].partition("@")[0] for row in found}


async def react(server: Server, worker: Worker) -> None:
    """Let reactions happen, and leave the jobs."""
    while await worker.step("team"):
        pass


async def test_those_on_call_are_called_and_then_everybody(
    server: Server, cast: Cast, worker: Worker, at: Callable[[float], None]
) -> None:
    mona, max_, resting = (make_moderator(cast, name) for name in ("mona", "max", "rosa"))
    whole_week = [duty.Duty(0, duty.WEEK_MINUTES, on_call=True)]
    server.database.write_now(duty.set_duties, mona.id, mona.id, whole_week)
    server.database.write_now(duty.rest, server.site, resting.id, resting.id, clock.now() - 1)
    filed = report(server, cast.ada, make_post(server, cast.bob), reason="threat_to_life")
    await react(server, worker)
    assert mails_to(server) == {"mona"}
    job = rows(server, "SELECT run_at FROM jobs WHERE kind = 'moderation_call_again'")
    assert len(job) == len(filed.case_ids)
    at(301)
    server.database.write_now(call_again, server.site, CallAgain(filed.case_ids[0]))
    assert mails_to(server) == {"mona", "max"}
    assert max_.id in server.database.read_now(duty.list_awake)


async def test_nobody_is_called_for_what_can_wait_or_was_seen(
    server: Server, cast: Cast, worker: Worker
) -> None:
    make_moderator(cast)
    report(server, cast.ada, make_post(server, cast.bob), reason="spam")
    await react(server, worker)
    assert mails_to(server) == set()


def test_where_everybody_rests_everybody_is_called(server: Server, cast: Cast) -> None:
    mona = make_moderator(cast)
    server.database.write_now(duty.rest, server.site, mona.id, mona.id, clock.now() - 1)
    assert server.database.read_now(duty.whom_to_call) == [mona.id]
