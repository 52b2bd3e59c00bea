"""Undo: for half a minute a decision can be taken back by anybody who may decide, and nobody hears of it."""

from typing import Any

import pytest

from roseau.domain.moderation.decisions.rows import CaseSettled
from roseau.domain.moderation.decisions.undoing import TooLate, undo
from roseau.kernel.errors import Forbidden
from tests.moderation.acting import against, decide_on, make_moderator, make_post, remove, report, rows, value
from tests.moderation.test_deciding import seen_by

pytestmark = pytest.mark.anyio


async def test_what_was_undone_is_as_it_was(
    client: Any, server: Any, cast: Any, worker: Any, at: Any
) -> None:
    mona, max_ = make_moderator(cast), make_moderator(cast, "max")
    status = make_post(server, cast.ada, spoiler_text="Careful")
    before = (await client.get(f"/api/v1/statuses/{status}")).json()
    case_id = report(server, cast.bob, status).case_ids[0]
    due = value(server, "SELECT due_at FROM cases")
    decided = decide_on(server, mona, case_id, remove(status), against("limit", cast.ada))
    assert not await seen_by(client, status)
    at(10)
    # A colleague may, too.
    server.database.write_now(undo, server.site, max_.id, decided.decision_id)
    after = (await client.get(f"/api/v1/statuses/{status}")).json()
    assert after == before
    assert rows(server, "SELECT state, due_at, decided_at FROM cases") == [("open", due, None)]
    assert rows(server, "SELECT kind, account_id FROM decision_ends") == [("undone", max_.id)]
    assert rows(server, "SELECT DISTINCT kind FROM measure_ends") == [("undone",)]
    assert rows(server, "SELECT id FROM strikes WHERE voided_at IS NULL") == []
    assert rows(server, "SELECT id FROM measure_announcements WHERE cancelled_at IS NULL") == []
    at(120)
    await worker.settle()
    assert rows(server, "SELECT kind FROM deliveries WHERE delivered_at IS NOT NULL") == [("receipt",)]
    assert rows(server, "SELECT state FROM cases") == [("open",)]
    # The case waits to be decided otherwise.
    assert decide_on(server, mona, case_id).number == 2


async def test_it_is_too_late_after_half_a_minute(server: Any, cast: Any, at: Any) -> None:
    mona = make_moderator(cast)
    status = make_post(server, cast.ada)
    decided = decide_on(server, mona, report(server, cast.bob, status).case_ids[0], remove(status))
    at(60)
    with pytest.raises(TooLate):
        server.database.write_now(undo, server.site, mona.id, decided.decision_id)
    at(5)
    server.database.write_now(undo, server.site, mona.id, decided.decision_id)
    with pytest.raises(TooLate):
        server.database.write_now(undo, server.site, mona.id, decided.decision_id)


async def test_who_may_undo(server: Any, cast: Any) -> None:
    mona = make_moderator(cast)
    party = make_moderator(cast, "max")
    status = make_post(server, cast.ada)
    decided = decide_on(server, mona, report(server, party, status).case_ids[0], remove(status))
    for who in (cast.bob, cast.ada, party):
        with pytest.raises(Forbidden):
            server.database.write_now(undo, server.site, who.id, decided.decision_id)


async def test_a_report_that_comes_meanwhile_waits_in_the_open_case(server: Any, cast: Any) -> None:
    mona = make_moderator(cast)
    status = make_post(server, cast.ada)
    case_id = report(server, cast.bob, status).case_ids[0]
    decided = decide_on(server, mona, case_id)
    assert report(server, cast.zoe, status).case_ids == (case_id,)
    with pytest.raises(CaseSettled):
        decide_on(server, mona, case_id)
    server.database.write_now(undo, server.site, mona.id, decided.decision_id)
    assert rows(server, "SELECT state, notices_count FROM cases") == [("open", 2)]


async def test_an_announced_hold_is_taken_back_aloud(
    server: Any, cast: Any, worker: Any, at: Any, client: Any
) -> None:
    mona = make_moderator(cast)
    status = make_post(server, cast.ada)
    case_id = report(server, cast.bob, status).case_ids[0]
    hold = remove(status)
    hold = type(hold)(kind="hold", status_id=status)
    decided = decide_on(server, mona, case_id, hold)
    await worker.settle()
    told = "SELECT kind FROM deliveries WHERE account_id = :who AND delivered_at IS NOT NULL ORDER BY id"
    assert rows(server, told, who=cast.ada.id) == [("statement",)]
    server.database.write_now(undo, server.site, mona.id, decided.decision_id)
    await worker.settle()
    assert rows(server, told, who=cast.ada.id) == [("statement",), ("reversal",)]
    assert await seen_by(client, status)
