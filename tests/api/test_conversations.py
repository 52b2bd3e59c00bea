"""Private conversations, through the API."""

from typing import Any

import pytest

from roseau.domain.events import ConversationUpdated, to_event
from roseau.storage.events import list_events
from tests.api.acting import block, done, post, read

pytestmark = pytest.mark.anyio

PATH = "/api/v1/conversations"


@pytest.fixture(autouse=True)
def everyone(cast: Any) -> None:
    """Whoever is named in a text is there before it is written."""
    assert cast.ada.id < cast.bob.id < cast.eve.id


def told(server: Any) -> list[tuple[int, int]]:
    """Which conversation of whom the log says has something new."""
    rows = server.database.read_now(list_events, 0, 1_000)
    events = [to_event(row.kind, row.payload) for row in rows]
    return [
        (event.conversation_id, event.account_id)
        for event in events
        if isinstance(event, ConversationUpdated)
    ]


async def test_each_member_of_a_conversation_has_it(client: Any, cast: Any, server: Any, worker: Any) -> None:
    status = await post(client, cast.ada, "Hello @bob", visibility="direct")
    await post(client, cast.ada, "Hello @bob, for all to see")
    await worker.settle()
    (mine,) = await read(client, cast.ada, PATH)
    (theirs,) = await read(client, cast.bob, PATH)
    assert mine["id"] != theirs["id"]
    assert [person["username"] for person in mine["accounts"]] == ["bob"]
    assert [person["username"] for person in theirs["accounts"]] == ["ada"]
    assert (mine["unread"], theirs["unread"]) == (False, True)
    assert mine["last_status"]["id"] == theirs["last_status"]["id"] == status["id"]
    assert await read(client, cast.eve, PATH) == []
    assert sorted(told(server)) == sorted([(int(mine["id"]), cast.ada.id), (int(theirs["id"]), cast.bob.id)])

    answer = await post(client, cast.bob, "@ada well?", visibility="direct", in_reply_to_id=status["id"])
    await worker.settle()
    (mine,) = await read(client, cast.ada, PATH)
    assert (mine["unread"], mine["last_status"]["id"]) == (True, answer["id"])
    assert [person["username"] for person in mine["accounts"]] == ["bob"]
    await worker.settle()
    assert len(told(server)) == 4


async def test_it_is_read_unread_and_taken_off(client: Any, cast: Any, worker: Any) -> None:
    status = await post(client, cast.ada, "Hello @bob", visibility="direct")
    await worker.settle()
    (theirs,) = await read(client, cast.bob, PATH)
    path = f"{PATH}/{theirs['id']}"
    answer = await client.post(f"{path}/read", headers=cast.bob.auth)
    assert answer.json() == theirs | {"unread": False}
    assert await read(client, cast.bob, PATH) == [theirs | {"unread": False}]
    assert (await client.post(f"{path}/unread", headers=cast.bob.auth)).json()["unread"] is True
    for method, action in (("POST", "/read"), ("POST", "/unread"), ("DELETE", "")):
        other = await client.request(method, path + action, headers=cast.eve.auth)
        assert (other.status_code, other.json()) == (404, {"error": "Record not found"})
    gone = await client.delete(path, headers=cast.bob.auth)
    assert (gone.status_code, gone.json()) == (200, {})
    assert await read(client, cast.bob, PATH) == []
    assert len(await read(client, cast.ada, PATH)) == 1

    # Something new brings it back.
    await post(client, cast.ada, "@bob are you there?", visibility="direct", in_reply_to_id=status["id"])
    await worker.settle()
    assert len(await read(client, cast.bob, PATH)) == 1


async def test_a_note_to_oneself(client: Any, cast: Any, worker: Any) -> None:
    await post(client, cast.ada, "Buy milk", visibility="direct")
    await worker.settle()
    (note,) = await read(client, cast.ada, PATH)
    assert ([person["username"] for person in note["accounts"]], note["unread"]) == (["ada"], False)


async def test_it_ends_with_what_is_left(client: Any, cast: Any, worker: Any) -> None:
    first = await post(client, cast.ada, "@bob one", visibility="direct")
    second = await post(client, cast.ada, "@bob two", visibility="direct", in_reply_to_id=first["id"])
    await worker.settle()
    for status, left in ((second, [first["id"]]), (first, [])):
        await client.delete(f"/api/v1/statuses/{status['id']}", headers=cast.ada.auth)
        await worker.settle()
        for member in (cast.ada, cast.bob):
            found = await read(client, member, PATH)
            assert [conversation["last_status"]["id"] for conversation in found] == left


async def test_who_joins_by_an_edit_has_it_too(client: Any, cast: Any, worker: Any) -> None:
    status = await post(client, cast.ada, "Hello @bob", visibility="direct")
    await worker.settle()
    await client.put(
        f"/api/v1/statuses/{status['id']}", headers=cast.ada.auth, json={"status": "Hello @bob and @eve"}
    )
    await worker.settle()
    (theirs,) = await read(client, cast.eve, PATH)
    assert theirs["unread"] is True
    (mine,) = await read(client, cast.ada, PATH)
    assert [person["username"] for person in mine["accounts"]] == ["bob", "eve"]


async def test_neither_the_blocked_nor_the_deaf_are_reached(
    client: Any, cast: Any, server: Any, worker: Any
) -> None:
    status = await post(client, cast.ada, "Hello @eve", visibility="direct")
    await worker.settle()
    (theirs,) = await read(client, cast.eve, PATH)
    await client.post(f"{PATH}/{theirs['id']}/read", headers=cast.eve.auth)
    await done(client, cast.eve, status, "mute")
    later = await post(client, cast.ada, "@eve hello?", visibility="direct", in_reply_to_id=status["id"])
    block(server, cast.bob, cast.ada)
    await post(client, cast.ada, "Hello @bob", visibility="direct")
    await worker.settle()
    (theirs,) = await read(client, cast.eve, PATH)
    assert (theirs["unread"], theirs["last_status"]["id"]) == (False, later["id"])
    assert await read(client, cast.bob, PATH) == []


async def test_pages_go_by_the_last_status(client: Any, cast: Any, worker: Any) -> None:
    posted = [await post(client, cast.ada, f"@bob {number}", visibility="direct") for number in range(3)]
    await worker.settle()
    answer = await client.get(f"{PATH}?limit=2", headers=cast.bob.auth)
    assert [found["last_status"]["id"] for found in answer.json()] == [posted[2]["id"], posted[1]["id"]]
    assert f"max_id={posted[1]['id']}" in answer.links["next"]["url"]
    rest = await client.get(answer.links["next"]["url"], headers=cast.bob.auth)
    assert [found["last_status"]["id"] for found in rest.json()] == [posted[0]["id"]]
    newer = await client.get(rest.links["prev"]["url"], headers=cast.bob.auth)
    assert newer.json() == answer.json()
