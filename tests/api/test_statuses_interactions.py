"""Favourites, reblogs, bookmarks, pins and muted conversations, through the API."""

import asyncio
from typing import Any

import pytest

from tests.api.acting import act, block, done, follow, post, read

pytestmark = pytest.mark.anyio

ACTIONS = (
    "favourite", "unfavourite", "reblog", "unreblog", "bookmark", "unbookmark", "pin", "unpin", "mute",
    "unmute",
)  # fmt: skip


@pytest.mark.parametrize(
    ("do", "undo", "flag", "count"),
    [
        ("favourite", "unfavourite", "favourited", "favourites_count"),
        ("bookmark", "unbookmark", "bookmarked", None),
        ("mute", "unmute", "muted", None),
    ],
)
async def test_done_twice_is_done_once(
    client: Any, cast: Any, do: str, undo: str, flag: str, count: str | None
) -> None:
    status = await post(client, cast.ada)
    first = await done(client, cast.bob, status, do)
    again = await done(client, cast.bob, status, do)
    assert first[flag] is True
    assert again == first
    assert first["id"] == status["id"]
    if count:
        assert first[count] == 1
    assert (await read(client, cast.ada, f"/api/v1/statuses/{status['id']}"))[flag] is False

    undone = await done(client, cast.bob, status, undo)
    assert undone[flag] is False
    assert undone == await done(client, cast.bob, status, undo)
    if count:
        assert undone[count] == 0


async def test_a_reblog_is_a_status_of_its_own(client: Any, cast: Any, worker: Any) -> None:
    status = await post(client, cast.ada, "Look at the river")
    reblog = await done(client, cast.bob, status, "reblog")
    assert reblog["id"] != status["id"]
    assert reblog["account"]["username"] == "bob"
    assert reblog["reblogged"] is True
    assert reblog["visibility"] == "public"
    assert reblog["application"] is None
    assert reblog["uri"].endswith("/activity")
    assert reblog["reblog"]["id"] == status["id"]
    assert reblog["reblog"]["reblogged"] is True
    assert reblog["reblog"]["reblogs_count"] == 1
    assert (await done(client, cast.bob, status, "reblog"))["id"] == reblog["id"]
    assert (await done(client, cast.bob, reblog, "reblog"))["id"] == reblog["id"]
    await worker.settle()
    home = await read(client, cast.bob, "/api/v1/timelines/home")
    assert [entry["id"] for entry in home] == [reblog["id"]]

    undone = await done(client, cast.bob, status, "unreblog")
    assert undone["id"] == status["id"]
    assert undone["reblogged"] is False
    assert undone["reblog"] is None
    assert undone["reblogs_count"] == 0
    await worker.settle()
    assert await read(client, cast.bob, "/api/v1/timelines/home") == []
    again = await done(client, cast.bob, status, "reblog")
    assert again["id"] != reblog["id"]
    assert again["reblog"]["reblogs_count"] == 1


async def test_what_is_done_with_a_reblog_is_done_with_what_it_shows(client: Any, cast: Any) -> None:
    status = await post(client, cast.ada)
    reblog = await done(client, cast.bob, status, "reblog")
    for action in ("favourite", "bookmark", "mute"):
        await done(client, cast.eve, reblog, action)
    seen = await read(client, cast.eve, f"/api/v1/statuses/{status['id']}")
    assert (seen["favourited"], seen["bookmarked"], seen["muted"]) == (True, True, True)
    assert seen["favourites_count"] == 1
    await done(client, cast.bob, reblog, "unreblog")
    assert (await client.get(f"/api/v1/statuses/{reblog['id']}")).status_code == 404


async def test_who_may_reblog_what(client: Any, cast: Any, server: Any) -> None:
    follow(server, cast.bob, cast.ada)
    private = await post(client, cast.ada, visibility="private")
    direct = await post(client, cast.ada, "Hello @bob", visibility="direct")
    for status in (private, direct):
        refused = await act(client, cast.bob, status, "reblog")
        assert (refused.status_code, refused.json()) == (403, {"error": "This action is not allowed"})
    assert (await act(client, cast.ada, direct, "reblog")).status_code == 403

    own = await done(client, cast.ada, private, "reblog", visibility="unlisted")
    assert own["visibility"] == "private"
    assert await read(client, cast.ada, f"/api/v1/statuses/{private['id']}/reblogged_by") == []
    assert own["reblog"]["reblogs_count"] == 0

    public = await post(client, cast.ada)
    assert (await act(client, cast.bob, public, "reblog", visibility="direct")).status_code == 422
    unlisted = await done(client, cast.bob, public, "reblog", visibility="unlisted")
    assert unlisted["visibility"] == "unlisted"


async def test_whom_one_blocks_one_does_not_favour(client: Any, cast: Any, server: Any) -> None:
    status = await post(client, cast.ada)
    block(server, cast.bob, cast.ada)
    assert (await act(client, cast.bob, status, "favourite")).status_code == 403
    assert (await act(client, cast.bob, status, "reblog")).status_code == 403
    assert (await read(client, None, f"/api/v1/statuses/{status['id']}"))["favourites_count"] == 0


async def test_who_favourited_and_who_reblogged(client: Any, cast: Any, server: Any) -> None:
    status = await post(client, cast.ada)
    for name in ("bob", "eve", "max"):
        await done(client, getattr(cast, name), status, "favourite")
        await done(client, getattr(cast, name), status, "reblog")
    for kind in ("favourited_by", "reblogged_by"):
        path = f"/api/v1/statuses/{status['id']}/{kind}"
        answer = await client.get(f"{path}?limit=2")
        assert [person["username"] for person in answer.json()] == ["max", "eve"]
        assert answer.headers["link"].index('rel="next"') < answer.headers["link"].index('rel="prev"')
        rest = await client.get(answer.links["next"]["url"])
        assert [person["username"] for person in rest.json()] == ["bob"]
        assert "next" not in rest.links
        newer = await client.get(rest.links["prev"]["url"])
        assert [person["username"] for person in newer.json()] == ["max", "eve"]

    block(server, cast.eve, cast.max)
    seen = await read(client, cast.eve, f"/api/v1/statuses/{status['id']}/favourited_by")
    assert [person["username"] for person in seen] == ["eve", "bob"]
    mine = await read(client, cast.ada, f"/api/v1/statuses/{status['id']}/favourited_by")
    assert [person["username"] for person in mine] == ["max", "eve", "bob"]


@pytest.mark.parametrize(("action", "path"), [("favourite", "favourites"), ("bookmark", "bookmarks")])
async def test_marked_statuses_are_paged_by_the_mark(client: Any, cast: Any, action: str, path: str) -> None:
    posted = [await post(client, cast.ada, f"Number {number}") for number in range(4)]
    # Marked in another order than posted.
    for number in (2, 0, 3):
        await done(client, cast.bob, posted[number], action)
    answer = await client.get(f"/api/v1/{path}?limit=2", headers=cast.bob.auth)
    assert [status["id"] for status in answer.json()] == [posted[3]["id"], posted[0]["id"]]
    rest = await client.get(answer.links["next"]["url"], headers=cast.bob.auth)
    assert [status["id"] for status in rest.json()] == [posted[2]["id"]]
    assert "next" not in rest.links
    newer = await client.get(rest.links["prev"]["url"], headers=cast.bob.auth)
    assert newer.json() == answer.json()

    await client.delete(f"/api/v1/statuses/{posted[3]['id']}", headers=cast.ada.auth)
    left = await client.get(f"/api/v1/{path}?limit=2", headers=cast.bob.auth)
    assert [status["id"] for status in left.json()] == [posted[0]["id"], posted[2]["id"]]
    assert (await client.get(f"/api/v1/{path}", headers=cast.eve.auth)).json() == []


async def test_what_may_be_pinned(client: Any, cast: Any) -> None:
    posted = [await post(client, cast.ada, f"Number {number}") for number in range(6)]
    for status in posted[:5]:
        assert (await done(client, cast.ada, status, "pin"))["pinned"] is True
    await done(client, cast.ada, posted[0], "pin")
    full = await act(client, cast.ada, posted[5], "pin")
    assert (full.status_code, full.json()["error"]) == (
        422, "Validation failed: You have already pinned the maximum number of posts",
    )  # fmt: skip
    assert (await done(client, cast.ada, posted[0], "unpin"))["pinned"] is False
    assert (await done(client, cast.ada, posted[5], "pin"))["pinned"] is True

    # A pin that is deleted makes room for another.
    await client.delete(f"/api/v1/statuses/{posted[1]['id']}", headers=cast.ada.auth)
    direct = await post(client, cast.ada, "Hello @bob", visibility="direct")
    reblog = await done(client, cast.ada, posted[2], "reblog")
    others = await post(client, cast.bob)
    for status in (direct, reblog, others):
        assert (await act(client, cast.ada, status, "pin")).status_code == 422
    assert (await done(client, cast.ada, posted[0], "pin"))["pinned"] is True


async def test_several_statuses_by_id(client: Any, cast: Any) -> None:
    first, second = await post(client, cast.ada), await post(client, cast.bob)
    private = await post(client, cast.bob, visibility="private")
    asked = [second["id"], "77", private["id"], first["id"], "9" * 30, "x", first["id"]]
    answer = await client.get(
        "/api/v1/statuses", params=[("id[]", identifier) for identifier in asked], headers=cast.ada.auth
    )
    assert [status["id"] for status in answer.json()] == [second["id"], first["id"]]
    assert (await client.get("/api/v1/statuses?id=" + first["id"])).json()[0]["id"] == first["id"]
    assert (await client.get("/api/v1/statuses")).json() == []
    many = await client.get("/api/v1/statuses", params=[("id[]", str(number)) for number in range(21)])
    assert many.status_code == 422


@pytest.mark.parametrize("action", ACTIONS)
async def test_nothing_can_be_done_with_what_is_not_there(client: Any, cast: Any, action: str) -> None:
    for wrong in ("1", "0", "9" * 19, "9" * 30, "x", "-1"):
        answer = await act(client, cast.ada, {"id": wrong}, action)
        assert (answer.status_code, answer.json()) == (404, {"error": "Record not found"})


# Races: what counts is that the rows decide, not who comes first.

AT_ONCE = 8


async def test_favourites_at_once_count_once_for_each(client: Any, cast: Any) -> None:
    status = await post(client, cast.ada)
    people = [cast.bob, cast.eve, cast.max]
    answers = await asyncio.gather(
        *(act(client, person, status, "favourite") for person in people for _ in range(AT_ONCE))
    )
    assert {answer.status_code for answer in answers} == {200}
    assert (await read(client, None, f"/api/v1/statuses/{status['id']}"))["favourites_count"] == 3
    answers = await asyncio.gather(
        *(act(client, person, status, "unfavourite") for person in people for _ in range(AT_ONCE))
    )
    assert {answer.status_code for answer in answers} == {200}
    assert (await read(client, None, f"/api/v1/statuses/{status['id']}"))["favourites_count"] == 0


async def test_reblogs_at_once_are_one(client: Any, cast: Any) -> None:
    status = await post(client, cast.ada)
    answers = await asyncio.gather(*(act(client, cast.bob, status, "reblog") for _ in range(AT_ONCE)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert (await read(client, None, f"/api/v1/statuses/{status['id']}"))["reblogs_count"] == 1
    answers = await asyncio.gather(*(act(client, cast.bob, status, "unreblog") for _ in range(AT_ONCE)))
    assert {answer.status_code for answer in answers} == {200}
    seen = await read(client, cast.bob, f"/api/v1/statuses/{status['id']}")
    assert (seen["reblogs_count"], seen["reblogged"]) == (0, False)
    fresh = await post(client, cast.bob)
    assert fresh["account"]["statuses_count"] == 1


async def test_pins_at_once_are_five(client: Any, cast: Any) -> None:
    posted = [await post(client, cast.ada, f"Number {number}") for number in range(AT_ONCE)]
    answers = await asyncio.gather(*(act(client, cast.ada, status, "pin") for status in posted))
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [422] * (AT_ONCE - 5)


async def test_deleting_while_others_reblog_leaves_no_reblog(client: Any, cast: Any, worker: Any) -> None:
    status = await post(client, cast.ada)
    people = [cast.bob, cast.eve, cast.max, cast.joe]
    delete = client.delete(f"/api/v1/statuses/{status['id']}", headers=cast.ada.auth)
    reblogs = [act(client, person, status, "reblog") for person in people]
    deleted, *answers = await asyncio.gather(*reblogs[:2], delete, *reblogs[2:])
    assert {answer.status_code for answer in (deleted, *answers)} <= {200, 404}
    await worker.settle()
    for person in people:
        assert await read(client, person, "/api/v1/timelines/home") == []
        assert (await post(client, person))["account"]["statuses_count"] == 1


async def test_the_same_key_sent_at_once_posts_once(client: Any, cast: Any) -> None:
    headers = cast.ada.auth | {"Idempotency-Key": "the same"}
    answers = await asyncio.gather(
        *(
            client.post("/api/v1/statuses", headers=headers, data={"status": "Only once"})
            for _ in range(AT_ONCE)
        )
    )
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert (await post(client, cast.ada))["account"]["statuses_count"] == 2
