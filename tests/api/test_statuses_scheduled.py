"""Posts to come, through the API."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from roseau.kernel import clock
from tests.api.acting import post, read
from tests.api.test_statuses_editing import picture

pytestmark = pytest.mark.anyio

PATH = "/api/v1/scheduled_statuses"


def in_minutes(minutes: float) -> str:
    """A moment from now, as clients send it."""
    now = datetime.fromtimestamp(clock.now() // 1000, UTC)
    return (now + timedelta(minutes=minutes)).isoformat()


async def schedule(client: Any, member: Any, text: str, /, **params: Any) -> Any:
    """The answer to the request."""
    wanted = {"status": text, "scheduled_at": in_minutes(10)} | params
    return await client.post("/api/v1/statuses", headers=member.auth, json=wanted)


async def test_it_appears_when_its_time_has_come(
    client: Any, cast: Any, server: Any, worker: Any, at: Any
) -> None:
    parent = await post(client, cast.bob)
    media_id = picture(server, cast.ada)
    answer = await schedule(
        client, cast.ada, "Later, @bob", spoiler_text="Soon", media_ids=[media_id], visibility="unlisted",
        in_reply_to_id=parent["id"], poll={"options": ["yes", "no"], "expires_in": 600},
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    to_come = answer.json()
    assert datetime.fromisoformat(to_come["scheduled_at"]) > datetime.fromisoformat(in_minutes(9))
    assert (to_come["params"]["text"], to_come["params"]["visibility"]) == ("Later, @bob", "unlisted")
    assert to_come["params"]["poll"]["options"] == ["yes", "no"]
    assert [item["id"] for item in to_come["media_attachments"]] == [media_id]
    own = f"/api/v1/accounts/{cast.ada.id}/statuses"
    at(9 * 60)
    await worker.settle()
    assert await read(client, cast.ada, own) == []
    assert await read(client, cast.ada, PATH) == [to_come]

    at(10 * 60 + 1)
    await worker.settle()
    assert await read(client, cast.ada, PATH) == []
    (status,) = await read(client, cast.ada, own)
    assert "Later" in status["content"]
    assert (status["spoiler_text"], status["visibility"]) == ("Soon", "unlisted")
    assert status["in_reply_to_id"] == parent["id"]
    assert [item["id"] for item in status["media_attachments"]] == [media_id]
    assert status["poll"]["expired"] is False
    assert status["application"] is not None
    at(3 * 60 * 60)
    await worker.settle()
    assert len(await read(client, cast.ada, own)) == 1


async def test_it_can_be_moved_and_taken_back(client: Any, cast: Any, worker: Any, at: Any) -> None:
    first, second = [(await schedule(client, cast.ada, text)).json() for text in ("One", "Two")]
    path = f"{PATH}/{first['id']}"
    for wrong in (in_minutes(4), "banana", ""):
        refused = await client.put(path, headers=cast.ada.auth, json={"scheduled_at": wrong})
        assert refused.status_code == 422
    moved = await client.put(path, headers=cast.ada.auth, data={"scheduled_at": in_minutes(60)})
    assert moved.json() == await read(client, cast.ada, path)
    assert moved.json()["scheduled_at"] > first["scheduled_at"]
    gone = await client.delete(f"{PATH}/{second['id']}", headers=cast.ada.auth)
    assert (gone.status_code, gone.json()) == (200, {})
    at(11 * 60)
    await worker.settle()
    assert [item["id"] for item in await read(client, cast.ada, PATH)] == [first["id"]]
    at(61 * 60)
    await worker.settle()
    (status,) = await read(client, cast.ada, f"/api/v1/accounts/{cast.ada.id}/statuses")
    assert "One" in status["content"]


async def test_what_cannot_be_scheduled(client: Any, cast: Any, server: Any) -> None:
    cases: list[tuple[dict[str, Any], int, str | None]] = [
        ({"scheduled_at": "banana"}, 422, "Record invalid"),
        ({"scheduled_at": "9999-99-99"}, 422, "Record invalid"),
        ({"scheduled_at": in_minutes(4)}, 422, None),
        ({"scheduled_at": "1999-01-01T00:00:00Z"}, 422, None),
        ({"status": ""}, 422, "Validation failed: Text can't be blank"),
        ({"media_ids": ["77"]}, 422, None),
        ({"media_ids": [picture(server, cast.bob)]}, 422, None),
        ({"in_reply_to_id": "77"}, 404, "Record not found"),
    ]
    for params, code, sentence in cases:
        answer = await schedule(client, cast.ada, "Later", **params)
        assert answer.status_code == code, params
        assert sentence is None or answer.json() == {"error": sentence}
    assert await read(client, cast.ada, PATH) == []
    assert await read(client, cast.ada, f"/api/v1/accounts/{cast.ada.id}/statuses") == []


async def test_far_ahead_is_allowed_and_pages_go_by_id(client: Any, cast: Any) -> None:
    made = [
        (await schedule(client, cast.ada, f"{number}", scheduled_at="4000-01-01T14:33:14+00:00")).json()
        for number in range(3)
    ]
    assert made[0]["scheduled_at"] == "4000-01-01T14:33:14.000Z"
    answer = await client.get(f"{PATH}?limit=2", headers=cast.ada.auth)
    assert [item["id"] for item in answer.json()] == [made[2]["id"], made[1]["id"]]
    rest = await client.get(answer.links["next"]["url"], headers=cast.ada.auth)
    assert [item["id"] for item in rest.json()] == [made[0]["id"]]


async def test_others_know_nothing_of_it(client: Any, cast: Any) -> None:
    item = (await schedule(client, cast.ada, "Later")).json()
    assert await read(client, cast.bob, PATH) == []
    for method in ("GET", "PUT", "DELETE"):
        for target in (item["id"], "77", "x"):
            answer = await client.request(
                method, f"{PATH}/{target}", headers=cast.bob.auth, params={"scheduled_at": in_minutes(60)}
            )
            assert (answer.status_code, answer.json()) == (404, {"error": "Record not found"})
