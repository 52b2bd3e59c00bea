"""The second voice: where there are two, one alone suspends nobody for good."""

from typing import Any

import pytest

from roseau.domain.moderation.decisions import second_voice
from roseau.domain.moderation.decisions.rows import CaseSettled
from roseau.domain.moderation.decisions.undoing import undo
from roseau.kernel import clock
from roseau.kernel.errors import Forbidden, Invalid
from tests.moderation.acting import against, decide_on, make_moderator, make_post, remove, report, rows, value
from tests.moderation.test_deciding import seen_by

pytestmark = pytest.mark.anyio


def act(server: Any, name: str, member: Any, *args: Any) -> Any:
    return server.database.write_now(getattr(second_voice, name), server.site, member.id, *args)


def suspend(server: Any, cast: Any, decider: Any, reporter: Any = None) -> tuple[Any, int, int]:
    """A suspension for good; what was decided, the status and the case."""
    status = make_post(server, cast.ada)
    case_id = report(server, reporter or cast.bob, status).case_ids[0]
    decided = decide_on(server, decider, case_id, remove(status), against("suspend", cast.ada))
    return decided, status, case_id


async def is_suspended(client: Any, cast: Any) -> bool:
    return bool((await client.get(f"/api/v1/accounts/{cast.ada.id}")).json().get("suspended"))


async def test_a_team_of_one_decides_alone(client: Any, server: Any, cast: Any) -> None:
    mona = make_moderator(cast)
    decided, _, _ = suspend(server, cast, mona)
    assert decided.proposal_id is None
    assert await is_suspended(client, cast)


async def test_who_is_party_is_no_second(client: Any, server: Any, cast: Any) -> None:
    mona, max_ = make_moderator(cast), make_moderator(cast, "max")
    decided, _, _ = suspend(server, cast, mona, reporter=max_)
    assert decided.proposal_id is None


async def test_meanwhile_it_is_removed_and_the_account_frozen(
    client: Any, server: Any, cast: Any, worker: Any, at: Any
) -> None:
    mona, _ = make_moderator(cast), make_moderator(cast, "max")
    decided, status, _ = suspend(server, cast, mona)
    assert decided.proposal_id is not None
    assert not await is_suspended(client, cast)
    assert not await seen_by(client, status)
    hello = await client.post("/api/v1/statuses", headers=cast.ada.auth, json={"status": "Hello"})
    assert hello.status_code == 403
    measures = rows(server, "SELECT kind, until_at - from_at FROM measures ORDER BY kind")
    assert measures == [("freeze", 72 * clock.HOUR), ("remove", 72 * clock.HOUR)]
    assert rows(server, "SELECT state FROM cases") == [("second_voice",)]
    assert value(server, "SELECT count(*) FROM statements") == 1
    assert rows(server, "SELECT id FROM strikes") == []
    # Without a second voice it ends by itself.
    at(72 * 3600 + 60)
    await worker.settle()
    assert await seen_by(client, status)


async def test_the_second_voice_agrees(client: Any, server: Any, cast: Any, worker: Any, at: Any) -> None:
    mona, max_ = make_moderator(cast), make_moderator(cast, "max")
    decided, status, case_id = suspend(server, cast, mona)
    with pytest.raises(Forbidden):
        act(server, "agree", mona, decided.proposal_id)
    with pytest.raises(Forbidden):
        act(server, "agree", cast.bob, decided.proposal_id)
    with pytest.raises(CaseSettled):
        decide_on(server, max_, case_id)
    act(server, "agree", max_, decided.proposal_id)
    assert await is_suspended(client, cast)
    voices = rows(server, "SELECT decider_id, second_decider_id FROM decisions ORDER BY number")
    assert voices == [(mona.id, None), (mona.id, max_.id)]
    assert rows(server, "SELECT weight FROM strikes") == [(3,)]
    with pytest.raises(CaseSettled):
        act(server, "agree", max_, decided.proposal_id)
    at(60)
    await worker.settle()
    ended = rows(server, "SELECT kind FROM decision_ends")
    assert ended == [("superseded",)]
    assert not await seen_by(client, status)
    assert rows(server, "SELECT state FROM cases") == [("closed",)]


async def test_the_second_voice_refuses(client: Any, server: Any, cast: Any, worker: Any, at: Any) -> None:
    mona, max_ = make_moderator(cast), make_moderator(cast, "max")
    decided, status, case_id = suspend(server, cast, mona)
    at(60)
    await worker.settle()
    with pytest.raises(Invalid):
        act(server, "refuse", max_, decided.proposal_id, " ")
    act(server, "refuse", max_, decided.proposal_id, "One post, and it is a quotation.")
    assert await seen_by(client, status)
    hello = await client.post("/api/v1/statuses", headers=cast.ada.auth, json={"status": "Hello"})
    assert hello.status_code == 200
    assert rows(server, "SELECT state FROM cases") == [("open",)]
    await worker.settle()
    told = rows(server, "SELECT kind FROM deliveries WHERE account_id = :who ORDER BY id", who=cast.ada.id)
    assert told == [("statement",), ("reversal",)]
    decide_on(server, max_, case_id)


async def test_the_first_voice_withdraws(client: Any, server: Any, cast: Any) -> None:
    mona, max_ = make_moderator(cast), make_moderator(cast, "max")
    decided, status, _ = suspend(server, cast, mona)
    with pytest.raises(Forbidden):
        act(server, "withdraw", max_, decided.proposal_id)
    act(server, "withdraw", mona, decided.proposal_id)
    assert await seen_by(client, status)
    assert rows(server, "SELECT outcome FROM proposals") == [("withdrawn",)]


async def test_undoing_the_interim_decision_withdraws_the_proposal(server: Any, cast: Any) -> None:
    mona, max_ = make_moderator(cast), make_moderator(cast, "max")
    decided, _, _ = suspend(server, cast, mona)
    server.database.write_now(undo, server.site, max_.id, decided.decision_id)
    assert rows(server, "SELECT outcome FROM proposals") == [("withdrawn",)]
    assert rows(server, "SELECT state FROM cases") == [("open",)]


async def test_a_suspension_of_years_is_one_for_good(server: Any, cast: Any) -> None:
    mona, _ = make_moderator(cast), make_moderator(cast, "max")
    case_id = report(server, cast.bob, make_post(server, cast.ada)).case_ids[0]
    until = clock.now() + 1000 * clock.DAY
    decided = decide_on(server, mona, case_id, against("suspend", cast.ada, until_at=until))
    assert decided.proposal_id is not None
