"""Reversal: whatever a decision broke is whole again, whenever it is, and everybody who was told is told."""

import json
from typing import Any

import pytest

from roseau.domain.accounts.removal import delete_account
from roseau.domain.moderation.decisions.reversing import Ended, reverse, reverse_own
from roseau.kernel.errors import Forbidden, Invalid
from roseau.storage.statements import statements
from tests.moderation.acting import against, decide_on, make_moderator, make_post, remove, report, rows, value
from tests.moderation.test_deciding import seen_by

pytestmark = pytest.mark.anyio

TIES = (
    "SELECT account_id, target_id, id, reblogs, notify, languages, created_at FROM follows ORDER BY id",
    "SELECT account_id, target_id, id, created_at FROM follow_requests ORDER BY id",
    "SELECT account_id, target_id, id, created_at FROM endorsements ORDER BY id",
    "SELECT list_id, account_id, id FROM list_accounts ORDER BY id",
    "SELECT id, followers_count, following_count, statuses_count FROM accounts ORDER BY id",
)


def ties(server: Any) -> list[Any]:
    return [rows(server, question) for question in TIES]


def put_back(server: Any, by: Any, decision_id: int, **more: Any) -> int:
    facts = "Looked at again: it is a quotation."
    return int(server.database.write_now(reverse_own, server.site, by.id, decision_id, facts, **more))


async def call(client: Any, who: Any, path: str, **fields: Any) -> Any:
    answer = await client.post(f"/api/v1{path}", headers=who.auth, json=fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def make_ties(client: Any, cast: Any) -> None:
    """Follows in both directions with their terms, requests, a list, an endorsement."""
    await call(client, cast.bob, f"/accounts/{cast.ada.id}/follow", notify=True, languages=["fr"])
    await call(client, cast.eve, f"/accounts/{cast.ada.id}/follow", reblogs=False)
    await call(client, cast.ada, f"/accounts/{cast.bob.id}/follow")
    await call(client, cast.ada, f"/accounts/{cast.zoe.id}/follow")
    await call(client, cast.bob, f"/accounts/{cast.ada.id}/endorse")
    mine = await call(client, cast.bob, "/lists", title="Friends")
    await call(client, cast.bob, f"/lists/{mine['id']}/accounts", account_ids=[str(cast.ada.id)])


def suspend_ada(server: Any, cast: Any, moderator: Any) -> int:
    case_id = report(server, cast.dan, make_post(server, cast.ada)).case_ids[0]
    return int(decide_on(server, moderator, case_id, against("suspend", cast.ada)).decision_id)


async def test_ties_are_tied_exactly_as_they_were(
    client: Any, server: Any, cast: Any, worker: Any, at: Any
) -> None:
    mona = make_moderator(cast)
    await make_ties(client, cast)
    _ = cast.dan
    make_post(server, cast.ada)
    before = ties(server)
    decision_id = suspend_ada(server, cast, mona)
    before[-1] = [row if row[0] != cast.ada.id else (*row[:3], 2) for row in before[-1]]
    assert [question == [] for question in ties(server)[:4]] == [True] * 4
    assert rows(server, "SELECT kind, count(*) FROM severances GROUP BY kind ORDER BY kind") == [
        ("endorsement", 1), ("follow", 3), ("follow_request", 1), ("list", 1),
    ]  # fmt: skip
    await worker.settle()
    at(40 * 86400)
    await worker.settle()
    put_back(server, mona, decision_id)
    assert ties(server) == before
    await worker.settle()
    detail = json.loads(value(server, "SELECT detail FROM measure_ends"))
    assert (detail["follows"], detail["lists"], detail["ties_lost"]) == (3, 1, 0)
    home = (await client.get("/api/v1/timelines/home", headers=cast.bob.auth)).json()
    assert {item["account"]["id"] for item in home} == {str(cast.ada.id)}


async def test_a_block_that_came_between_stays(client: Any, server: Any, cast: Any, at: Any) -> None:
    mona = make_moderator(cast)
    await call(client, cast.bob, f"/accounts/{cast.ada.id}/follow")
    await call(client, cast.eve, f"/accounts/{cast.ada.id}/follow")
    decision_id = suspend_ada(server, cast, mona)
    await call(client, cast.bob, f"/accounts/{cast.ada.id}/block")
    put_back(server, mona, decision_id)
    assert rows(server, "SELECT account_id FROM follows") == [(cast.eve.id,)]
    assert (await client.get(f"/api/v1/accounts/{cast.ada.id}")).json()["followers_count"] == 1


async def test_ties_wait_for_somebody_who_is_suspended_too(client: Any, server: Any, cast: Any) -> None:
    mona = make_moderator(cast)
    await call(client, cast.bob, f"/accounts/{cast.ada.id}/follow")
    first = suspend_ada(server, cast, mona)
    case_id = report(server, cast.dan, make_post(server, cast.bob)).case_ids[0]
    second = decide_on(server, mona, case_id, against("suspend", cast.bob)).decision_id
    put_back(server, mona, first)
    assert rows(server, "SELECT account_id FROM follows") == []
    put_back(server, mona, second)
    assert rows(server, "SELECT account_id, target_id FROM follows") == [(cast.bob.id, cast.ada.id)]
    counts = rows(
        server, "SELECT followers_count, following_count FROM accounts WHERE id = :id", id=cast.bob.id
    )
    assert counts == [(0, 1)]


async def test_everybody_who_was_told_is_told(
    client: Any, server: Any, cast: Any, worker: Any, at: Any
) -> None:
    mona = make_moderator(cast)
    status = make_post(server, cast.ada)
    decided = decide_on(server, mona, report(server, cast.bob, status).case_ids[0], remove(status))
    at(60)
    await worker.settle()
    reversing = put_back(server, mona, decided.decision_id)
    await worker.settle()
    told = rows(
        server, "SELECT kind, account_id FROM deliveries WHERE decision_id = :id ORDER BY kind", id=reversing
    )
    assert sorted(told) == sorted([("reversal", cast.ada.id), ("reversal", cast.bob.id)])
    # The author is given the reasons.
    assert "quotation" in value(server, "SELECT text FROM statements WHERE decision_id = :id", id=reversing)
    assert rows(server, "SELECT reverses_id FROM decisions WHERE id = :id", id=reversing) == [
        (decided.decision_id,)
    ]
    assert rows(server, "SELECT outcome FROM notices") == [("not_upheld",)]
    assert rows(server, "SELECT id FROM strikes WHERE voided_at IS NULL") == []
    ends = rows(server, "SELECT kind FROM decision_ends")
    assert ends == [("reversed",)]


async def test_a_part_can_be_kept(client: Any, server: Any, cast: Any) -> None:
    mona = make_moderator(cast)
    status = make_post(server, cast.ada)
    case_id = report(server, cast.bob, status).case_ids[0]
    decided = decide_on(server, mona, case_id, remove(status), against("limit", cast.ada))
    kept = value(server, "SELECT id FROM measures WHERE kind = 'remove'")
    put_back(server, mona, decided.decision_id, keep=(kept,))
    assert not await seen_by(client, status)
    assert "limited" not in (await client.get(f"/api/v1/accounts/{cast.ada.id}")).json()
    assert rows(server, "SELECT weight FROM strikes WHERE voided_at IS NULL") == [(1,)]
    put_back(server, mona, decided.decision_id)
    assert await seen_by(client, status)
    with pytest.raises(Ended):
        put_back(server, mona, decided.decision_id)


async def test_other_servers_get_the_post_anew(client: Any, server: Any, cast: Any, at: Any) -> None:
    mona = make_moderator(cast)
    status = make_post(server, cast.ada)
    decided = decide_on(server, mona, report(server, cast.bob, status).case_ids[0], remove(status))
    sent = "UPDATE measure_announcements SET sent_at = send_at"
    server.database.write_now(lambda tx: tx.run(statements(sent, sent)))
    put_back(server, mona, decided.decision_id)
    kinds = rows(server, "SELECT kind, object_uri FROM measure_announcements ORDER BY id")
    uri = f"https://roseau.test/users/ada/statuses/{status}"
    assert kinds == [("delete", uri), ("undo_delete", uri)]
    detail = json.loads(value(server, "SELECT detail FROM measure_ends"))
    assert detail["elsewhere"] == {"favourites": 0, "reblogs": 0}


@pytest.mark.parametrize(("reason", "at_once"), [("threat", True), ("hate", False)])
async def test_when_other_servers_hear(server: Any, cast: Any, reason: str, at_once: bool) -> None:
    mona = make_moderator(cast)
    status = make_post(server, cast.ada)
    filed = report(server, cast.bob, status, reason=reason)
    decide_on(server, mona, filed.case_ids[0], remove(status))
    waits = "SELECT a.send_at - m.from_at FROM measure_announcements a JOIN measures m ON m.id = a.measure_id"
    assert rows(server, waits) == [(0 if at_once else 30_000,)]


async def test_who_may_reverse_and_how(server: Any, cast: Any) -> None:
    mona = make_moderator(cast)
    status = make_post(server, cast.ada)
    decided = decide_on(server, mona, report(server, cast.bob, status).case_ids[0], remove(status))
    for who in (cast.ada, cast.bob, cast.zoe):
        with pytest.raises(Forbidden):
            put_back(server, who, decided.decision_id)
    with pytest.raises(Invalid):
        server.database.write_now(reverse_own, server.site, mona.id, decided.decision_id, " ")
    reversing = put_back(server, mona, decided.decision_id)
    for decision_id in (decided.decision_id, reversing):
        with pytest.raises(Ended):
            put_back(server, mona, decision_id)


async def test_a_lapse_has_no_decider(client: Any, server: Any, cast: Any) -> None:
    mona = make_moderator(cast)
    status = make_post(server, cast.ada)
    decided = decide_on(server, mona, report(server, cast.bob, status).case_ids[0], remove(status))
    server.database.write_now(
        lambda tx: reverse(
            tx, server.site, decided.decision_id, by_id=None, facts="Nobody answered the appeal."
        )
    )
    assert rows(server, "SELECT kind FROM decision_ends") == [("lapsed",)]
    assert await seen_by(client, status)


async def test_an_author_who_has_left_is_not_brought_back(
    client: Any, server: Any, cast: Any, at: Any
) -> None:
    mona = make_moderator(cast)
    status = make_post(server, cast.ada, "Rue des Lilas 7")
    await call(client, cast.bob, f"/accounts/{cast.ada.id}/follow")
    case_id = report(server, cast.zoe, status).case_ids[0]
    decided = decide_on(server, mona, case_id, remove(status), against("suspend", cast.ada))
    server.database.write_now(delete_account, server.site, cast.ada.id)
    put_back(server, mona, decided.decision_id)
    assert rows(server, "SELECT text FROM statuses") == [("",)]
    assert rows(server, "SELECT account_id FROM follows") == []
    assert not await seen_by(client, status)
