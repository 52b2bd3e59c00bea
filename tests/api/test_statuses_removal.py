"""Deleting a status, and deleting it to write it anew, through the API."""

import asyncio
from typing import Any

import pytest

from roseau.domain.events import to_event
from roseau.storage.events import list_events
from tests.api.acting import act, done, post, read
from tests.api.test_statuses_editing import picture

pytestmark = pytest.mark.anyio


async def delete(client: Any, member: Any, status: dict[str, Any], /, **params: Any) -> Any:
    """The answer to the deletion."""
    return await client.delete(f"/api/v1/statuses/{status['id']}", headers=member.auth, params=params)


def deletions(server: Any) -> list[Any]:
    """What the log of events tells of deletions."""
    rows = server.database.read_now(list_events, 0, 1_000)
    return [to_event(row.kind, row.payload) for row in rows if row.kind == "StatusDeleted"]


async def statuses_count(client: Any, member: Any) -> int:
    """What the member's profile says of their posts."""
    probe = await post(client, member, "How many?")
    count = probe["account"]["statuses_count"]
    await delete(client, member, probe)
    return int(count) - 1


async def test_the_answer_has_what_is_needed_to_write_it_anew(client: Any, cast: Any, server: Any) -> None:
    media_id = picture(server, cast.ada)
    status = await post(
        client, cast.ada, "A *reed* for @bob", spoiler_text="Plants", media_ids=[media_id],
        poll={"options": ["yes", "no"], "expires_in": 600},
    )  # fmt: skip
    answer = await delete(client, cast.ada, status)
    assert answer.status_code == 200
    deleted = answer.json()
    assert deleted["text"] == "A *reed* for @bob"
    assert "content" not in deleted
    assert {name: deleted[name] for name in ("id", "spoiler_text", "media_attachments", "poll")} == {
        name: status[name] for name in ("id", "spoiler_text", "media_attachments", "poll")
    }
    for method, path in (
        ("GET", ""), ("GET", "/context"), ("GET", "/history"), ("GET", "/source"), ("DELETE", ""),
        ("PUT", ""), ("POST", "/favourite"), ("GET", "/favourited_by"),
    ):  # fmt: skip
        gone = await client.request(
            method, f"/api/v1/statuses/{status['id']}{path}", headers=cast.ada.auth, params={"status": "x"}
        )
        assert (gone.status_code, gone.json()) == (404, {"error": "Record not found"})
    assert (await client.get(f"/api/v1/polls/{status['poll']['id']}")).status_code == 404

    again = await post(client, cast.ada, deleted["text"], media_ids=[media_id])
    assert again["media_attachments"] == status["media_attachments"]
    assert (await delete(client, cast.ada, again, delete_media="1")).status_code == 200
    refused = await client.post(
        "/api/v1/statuses", headers=cast.ada.auth, json={"status": "x", "media_ids": [media_id]}
    )
    assert refused.status_code == 422


async def test_only_ones_own_statuses_can_be_deleted(client: Any, cast: Any) -> None:
    status = await post(client, cast.ada)
    assert (await delete(client, cast.bob, status)).status_code == 404
    assert (await delete(client, cast.ada, {"id": "77"})).status_code == 404
    assert (await read(client, None, f"/api/v1/statuses/{status['id']}"))["id"] == status["id"]


async def test_reblogs_go_with_it_and_all_is_counted_anew(
    client: Any, cast: Any, server: Any, worker: Any
) -> None:
    parent = await post(client, cast.eve)
    status = await post(client, cast.ada, "An answer", in_reply_to_id=parent["id"])
    for member in (cast.ada, cast.bob):
        await done(client, member, status, "reblog")
        await done(client, member, status, "favourite")
        await done(client, member, status, "bookmark")
    await worker.settle()
    assert (await read(client, None, f"/api/v1/statuses/{parent['id']}"))["replies_count"] == 1
    assert await statuses_count(client, cast.ada) == 2
    assert await statuses_count(client, cast.bob) == 1
    await worker.settle()
    told = len(deletions(server))

    assert (await delete(client, cast.ada, status)).status_code == 200
    await worker.settle()
    assert (await read(client, None, f"/api/v1/statuses/{parent['id']}"))["replies_count"] == 0
    events = deletions(server)[told:]
    assert [(event.account_id, event.reblog_of_id) for event in events] == [
        (cast.ada.id, None), (cast.ada.id, int(status["id"])), (cast.bob.id, int(status["id"])),
    ]  # fmt: skip
    assert await statuses_count(client, cast.ada) == 0
    assert await statuses_count(client, cast.bob) == 0
    for path in ("timelines/home", "favourites", "bookmarks", "notifications"):
        assert await read(client, cast.ada, f"/api/v1/{path}") == [], path
        assert await read(client, cast.bob, f"/api/v1/{path}") == [], path


async def test_a_deleted_reblog_is_an_undone_one(client: Any, cast: Any) -> None:
    status = await post(client, cast.ada)
    reblog = await done(client, cast.bob, status, "reblog")
    answer = await delete(client, cast.bob, reblog)
    assert answer.status_code == 200
    seen = await read(client, cast.bob, f"/api/v1/statuses/{status['id']}")
    assert (seen["reblogged"], seen["reblogs_count"]) == (False, 0)
    assert await statuses_count(client, cast.bob) == 0


async def test_direct_and_private_answers_are_not_counted(client: Any, cast: Any) -> None:
    parent = await post(client, cast.eve)
    for visibility in ("direct", "private"):
        answer = await post(client, cast.ada, "@eve psst", in_reply_to_id=parent["id"], visibility=visibility)
        assert (await read(client, cast.eve, f"/api/v1/statuses/{parent['id']}"))["replies_count"] == 0
        await delete(client, cast.ada, answer)
        assert (await read(client, cast.eve, f"/api/v1/statuses/{parent['id']}"))["replies_count"] == 0
    assert await statuses_count(client, cast.ada) == 0
    await post(client, cast.ada, "@eve psst", visibility="direct")
    assert await statuses_count(client, cast.ada) == 0


async def test_deleted_at_once_it_is_deleted_once(client: Any, cast: Any) -> None:
    parent = await post(client, cast.eve)
    status = await post(client, cast.ada, in_reply_to_id=parent["id"])
    answers = await asyncio.gather(
        *(delete(client, cast.ada, status) for _ in range(4)),
        *(act(client, cast.bob, status, "favourite") for _ in range(4)),
    )
    assert sorted(answer.status_code for answer in answers[:4]) == [200, 404, 404, 404]
    assert (await read(client, None, f"/api/v1/statuses/{parent['id']}"))["replies_count"] == 0
    assert await statuses_count(client, cast.ada) == 0
