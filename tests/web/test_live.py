"""The two numbers that change while a page is open."""

import json
from typing import Any

import pytest

from roseau.domain.accounts.sessions import list_sessions, open_session, revoke_session
from roseau.web import live
from tests.api.opened import EventSource
from tests.web.writers import follow, post

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests do not wait for busy timelines to calm down."""
    monkeypatch.setattr(live, "_PAUSE", 0)


@pytest.fixture
def play(server: Any, worker: Any) -> Any:
    """Let everything that follows from the last request reach the open streams."""

    async def play() -> None:
        await worker.settle()
        while await server.hub.step():
            pass

    return play


def cookie_of(server: Any, member: Any) -> dict[str, str]:
    """The header of a browser in which the member is signed in."""
    return {"Cookie": f"__Host-session={server.database.write_now(open_session, member.id)}"}


async def heard(stream: EventSource) -> dict[str, int]:
    """The next numbers; heartbeats are passed over."""
    while True:
        body = (await stream.sent())["body"].decode()
        if body.startswith("data: "):
            numbers: dict[str, int] = json.loads(body.removeprefix("data: "))
            return numbers


async def counted(client: Any, server: Any, member: Any, query: str) -> dict[str, int]:
    """The numbers as they are."""
    answer = await client.get(f"/live/count?{query}", headers=cookie_of(server, member))
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "private, no-store")
    numbers: dict[str, int] = answer.json()
    return numbers


async def test_what_is_new_is_counted(client: Any, cast: Any, server: Any, worker: Any) -> None:
    await follow(client, cast.nina, cast.bob)
    await worker.settle()
    first = await post(client, cast.bob, "One #reeds")
    made = (await client.post("/api/v1/lists", json={"title": "Friends"}, headers=cast.nina.auth)).json()
    await client.post(
        f"/api/v1/lists/{made['id']}/accounts",
        json={"account_ids": [str(cast.bob.id)]},
        headers=cast.nina.auth,
    )
    await post(client, cast.bob, "Two #reeds")
    await post(client, cast.nina, "Mine #reeds")
    await post(client, cast.ada, "@nina, look")
    await worker.settle()
    since = f"since={first['id']}"
    for timeline, new in (
        ("home", 1), ("local", 2), ("public", 2), ("tag:reeds", 1), ("tag:R%C3%A9eds", 1), ("tag:none", 0),
        (f"list:{made['id']}", 1), ("list:1", 0), ("list:x", 0), ("", 0), ("nonsense", 0),
    ):  # fmt: skip
        numbers = await counted(client, server, cast.nina, f"timeline={timeline}&{since}")
        assert numbers == {"new": new, "unread": 1}, timeline
    # Another member's list tells nothing.
    numbers = await counted(client, server, cast.ada, f"timeline=list:{made['id']}&since=0")
    assert numbers["new"] == 0


async def test_rubbish_counts_as_nothing(client: Any, cast: Any, server: Any) -> None:
    for query in (
        "",
        "since=x",
        "timeline=home&since=" + "9" * 40,
        "timeline=tag:",
        "timeline=list:" + "9" * 40,
    ):
        assert await counted(client, server, cast.nina, query) == {"new": 0, "unread": 0}


async def test_visitors_are_told_nothing(app: Any, client: Any, cast: Any) -> None:
    assert (await client.get("/live/count?timeline=local")).status_code == 401
    async with EventSource(app, "/live?timeline=local", {}) as stream:
        assert stream.status == 401


async def test_numbers_come_when_they_change(
    app: Any, client: Any, cast: Any, server: Any, play: Any
) -> None:
    await follow(client, cast.nina, cast.bob)
    await play()
    seen = await post(client, cast.bob, "Before")
    await play()
    path = f"/live?timeline=home&since={seen['id']}"
    async with EventSource(app, path, cookie_of(server, cast.nina)) as stream:
        assert stream.status == 200
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["cache-control"] == "private, no-store"
        assert await heard(stream) == {"new": 0, "unread": 0}
        await post(client, cast.bob, "After")
        await play()
        assert await heard(stream) == {"new": 1, "unread": 0}
        await post(client, cast.ada, "@nina hello")
        await play()
        assert await heard(stream) == {"new": 1, "unread": 1}
        # Strangers to this timeline change nothing; the heartbeat shows that the stream is open.
        await post(client, cast.ada, "For others")
        await play()
        await server.hub.beat()
        assert (await stream.sent())["body"] == b":\n\n"


async def test_a_deleted_post_is_not_new(app: Any, client: Any, cast: Any, server: Any, play: Any) -> None:
    path = "/live?timeline=local&since=1"
    async with EventSource(app, path, cookie_of(server, cast.nina)) as stream:
        assert (await heard(stream))["new"] == 0
        status = await post(client, cast.bob, "Oops")
        await play()
        assert (await heard(stream))["new"] == 1
        await client.delete(f"/api/v1/statuses/{status['id']}", headers=cast.bob.auth)
        await play()
        assert (await heard(stream))["new"] == 0


async def test_the_stream_ends_with_the_session(app: Any, cast: Any, server: Any) -> None:
    async with EventSource(app, "/live", cookie_of(server, cast.nina)) as stream:
        await heard(stream)
        (session,) = server.database.read_now(list_sessions, cast.nina.id)
        server.database.write_now(revoke_session, cast.nina.id, session.id)
        await server.hub.beat()
        await stream.end()
    assert len(server.hub) == 0


async def test_whoever_hangs_up_is_forgotten(app: Any, cast: Any, server: Any) -> None:
    async with EventSource(app, "/live?timeline=home", cookie_of(server, cast.nina)) as stream:
        await heard(stream)
        assert len(server.hub) == 1
        stream.leave()
        await stream.end()
    assert len(server.hub) == 0
