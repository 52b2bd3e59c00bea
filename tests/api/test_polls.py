"""Polls: reading, voting and the end, through the API."""

import asyncio
from typing import Any

import pytest

from roseau.domain.events import PollClosed, PollVoted, to_event
from roseau.storage.events import list_events
from tests.api.acting import block, post, read

pytestmark = pytest.mark.anyio

YES_NO = {"options": ["yes", "no"], "expires_in": 600}
ALREADY = "Validation failed: You have already voted on this poll"
UNKNOWN = "Validation failed: The chosen vote option does not exist"


async def ask(client: Any, member: Any, /, **poll: Any) -> dict[str, Any]:
    """The poll of a new status of the member's."""
    status = await post(client, member, "Well?", poll=YES_NO | poll)
    return dict(status["poll"])


async def vote(client: Any, member: Any, poll: dict[str, Any], *choices: object) -> Any:
    """The answer to the vote."""
    return await client.post(
        f"/api/v1/polls/{poll['id']}/votes",
        headers=member.auth,
        data={"choices[]": [str(choice) for choice in choices]},
    )


async def voted(client: Any, member: Any, poll: dict[str, Any], *choices: object) -> Any:
    """The poll after the vote."""
    answer = await vote(client, member, poll, *choices)
    assert answer.status_code == 200, answer.text
    return answer.json()


def told(server: Any, kind: type) -> list[Any]:
    """The events of this kind in the log."""
    rows = server.database.read_now(list_events, 0, 1_000)
    return [to_event(row.kind, row.payload) for row in rows if row.kind == kind.__name__]


async def test_a_poll_as_its_author_voters_and_others_see_it(client: Any, cast: Any, server: Any) -> None:
    poll = await ask(client, cast.ada)
    assert (poll["voted"], poll["own_votes"], poll["votes_count"]) == (True, [], 0)
    assert (poll["expired"], poll["multiple"], poll["emojis"]) == (False, False, [])
    path = f"/api/v1/polls/{poll['id']}"
    before = await read(client, cast.bob, path)
    assert (before["voted"], before["own_votes"]) == (False, [])
    after = await voted(client, cast.bob, poll, 1)
    assert (after["voted"], after["own_votes"]) == (True, [1])
    assert (after["votes_count"], after["voters_count"]) == (1, 1)
    assert after["options"] == [{"title": "yes", "votes_count": 0}, {"title": "no", "votes_count": 1}]
    assert after == await read(client, cast.bob, path)
    anyone = await read(client, None, path)
    assert "voted" not in anyone
    assert "own_votes" not in anyone
    assert anyone["votes_count"] == 1
    (event,) = told(server, PollVoted)
    assert (event.poll_id, event.account_id) == (int(poll["id"]), cast.bob.id)


async def test_what_cannot_be_voted(client: Any, cast: Any, server: Any) -> None:
    poll = await ask(client, cast.ada)
    own = await vote(client, cast.ada, poll, 0)
    assert own.json()["error"] == "Validation failed: You cannot vote in your own polls"
    for choices, sentence in (
        ((0, 1), ALREADY), ((0, 0), ALREADY), ((2,), UNKNOWN), ((-1,), UNKNOWN), ((0, 9), UNKNOWN),
        ((10**18,), UNKNOWN),
    ):  # fmt: skip
        answer = await vote(client, cast.bob, poll, *choices)
        assert (answer.status_code, answer.json()["error"]) == (422, sentence), choices
    for nonsense in ((), ("x",), ("9" * 40,), ("1.5",)):
        assert (await vote(client, cast.bob, poll, *nonsense)).status_code == 422
    await voted(client, cast.bob, poll, 0)
    for choice in (0, 1):
        assert (await vote(client, cast.bob, poll, choice)).json() == {"error": ALREADY}
    assert (await read(client, cast.bob, f"/api/v1/polls/{poll['id']}"))["votes_count"] == 1
    assert (await vote(client, cast.bob, {"id": "77"}, 0)).status_code == 404
    assert (await client.get("/api/v1/polls/77")).json() == {"error": "Record not found"}
    block(server, cast.eve, cast.ada)
    assert (await vote(client, cast.eve, poll, 0)).status_code == 403


async def test_several_answers_can_be_given_one_by_one(client: Any, cast: Any) -> None:
    poll = await ask(client, cast.ada, options=["a", "b", "c"], multiple=True)
    assert (await voted(client, cast.bob, poll, 2))["own_votes"] == [2]
    after = await voted(client, cast.bob, poll, 1, 0)
    assert after["own_votes"] == [2, 1, 0]
    assert (after["votes_count"], after["voters_count"]) == (3, 1)
    assert (await vote(client, cast.bob, poll, 0)).json() == {"error": ALREADY}


async def test_totals_are_hidden_until_the_end(client: Any, cast: Any, at: Any) -> None:
    poll = await ask(client, cast.ada, hide_totals=True)
    after = await voted(client, cast.bob, poll, 0)
    assert [option["votes_count"] for option in after["options"]] == [None, None]
    mine = await read(client, cast.ada, f"/api/v1/polls/{poll['id']}")
    assert [option["votes_count"] for option in mine["options"]] == [None, None]
    at(601)
    ended = await read(client, None, f"/api/v1/polls/{poll['id']}")
    assert [option["votes_count"] for option in ended["options"]] == [1, 0]


async def test_the_end_comes_by_itself_and_is_told_once(
    client: Any, cast: Any, server: Any, worker: Any, at: Any
) -> None:
    poll = await ask(client, cast.ada)
    await worker.settle()
    at(599)
    await worker.settle()
    assert told(server, PollClosed) == []
    at(601)
    assert (await vote(client, cast.bob, poll, 0)).json() == {
        "error": "Validation failed: The poll has already ended"
    }
    assert (await read(client, None, f"/api/v1/polls/{poll['id']}"))["expired"] is True
    await worker.settle()
    at(7_200)
    await worker.settle()
    (event,) = told(server, PollClosed)
    assert event.poll_id == int(poll["id"])


async def test_a_poll_given_more_time_ends_later(
    client: Any, cast: Any, server: Any, worker: Any, at: Any
) -> None:
    status = await post(client, cast.ada, "Well?", poll=YES_NO)
    longer = {"status": "Well?", "poll": YES_NO | {"expires_in": 6_000}}
    edited = await client.put(f"/api/v1/statuses/{status['id']}", headers=cast.ada.auth, json=longer)
    assert edited.status_code == 200
    at(700)
    await worker.settle()
    assert told(server, PollClosed) == []
    await voted(client, cast.bob, status["poll"], 0)
    at(6_010)
    await worker.settle()
    assert len(told(server, PollClosed)) == 1


async def test_a_deleted_poll_does_not_end(client: Any, cast: Any, server: Any, worker: Any, at: Any) -> None:
    status = await post(client, cast.ada, "Well?", poll=YES_NO)
    await client.delete(f"/api/v1/statuses/{status['id']}", headers=cast.ada.auth)
    at(601)
    await worker.settle()
    assert told(server, PollClosed) == []


async def test_votes_at_once_count_once(client: Any, cast: Any) -> None:
    poll = await ask(client, cast.ada)
    people = [cast.bob, cast.eve, cast.max]
    answers = await asyncio.gather(
        *(vote(client, person, poll, number % 2) for person in people for number in range(6))
    )
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [422] * 15
    after = await read(client, None, f"/api/v1/polls/{poll['id']}")
    assert (after["votes_count"], after["voters_count"]) == (3, 3)
    assert sum(option["votes_count"] for option in after["options"]) == 3
