"""Streams: what comes, to whom, and how they end."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import bindparam, update

from roseau.api import streaming
from roseau.kernel.ids import new_id
from roseau.storage.schema.accounts import users
from roseau.storage.schema.media import media_attachments
from roseau.storage.schema.oauth import oauth_tokens
from roseau.storage.statements import insertion, statement
from roseau.streams import hub as hub_module
from tests.api.opened import EventSource, Socket

pytestmark = pytest.mark.anyio

STREAMING = "/api/v1/streaming"
ATTACH = insertion(media_attachments, "id account_id state created_at")
REVOKE = statement(
    update(oauth_tokens)
    .where(oauth_tokens.c.account_id == bindparam("member"))
    .values(revoked_at=bindparam("at"))
)
DISABLE = statement(
    update(users).where(users.c.account_id == bindparam("member")).values(disabled_at=bindparam("at"))
)


@pytest.fixture
async def play(server: Any, worker: Any) -> Any:
    """Let everything that follows from the last request reach the open streams."""

    async def play() -> None:
        await worker.settle()
        while await server.hub.step():
            pass

    return play


async def post(client: Any, member: Any, status: str, **more: Any) -> Any:
    """Post, and what the API says of it."""
    answer = await client.post("/api/v1/statuses", headers=member.auth, json={"status": status, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def follow(client: Any, member: Any, other: Any) -> None:
    answer = await client.post(f"/api/v1/accounts/{other.id}/follow", headers=member.auth)
    assert answer.status_code == 200, answer.text


async def test_health(client: Any) -> None:
    answer = await client.get(f"{STREAMING}/health")
    assert (answer.status_code, answer.text) == (200, "OK")


async def test_home_as_events(app: Any, client: Any, cast: Any, play: Any) -> None:
    await follow(client, cast.bob, cast.ada)
    await play()
    async with EventSource(app, f"{STREAMING}/user", cast.bob.auth) as stream:
        assert stream.status == 200
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert (await stream.sent())["body"] == b":)\n"
        posted = await post(client, cast.ada, "Bonjour à tous")
        await play()
        told = await stream.told()
        assert (told.event, told.data["id"]) == ("update", posted["id"])
        assert told.data["content"] == posted["content"]
        assert told.data["account"]["acct"] == "ada"
        await client.delete(f"/api/v1/statuses/{posted['id']}", headers=cast.ada.auth)
        await play()
        gone = await stream.told()
        assert (gone.event, gone.data) == ("delete", posted["id"])
        assert gone.id > told.id


async def test_edits_and_notifications(app: Any, client: Any, cast: Any, play: Any) -> None:
    posted = await post(client, cast.ada, "Firts")
    await play()
    async with EventSource(app, f"{STREAMING}/user", cast.ada.auth) as stream:
        edited = await client.put(
            f"/api/v1/statuses/{posted['id']}", headers=cast.ada.auth, json={"status": "First"}
        )
        assert edited.status_code == 200
        await play()
        told = await stream.told()
        assert (told.event, told.data["content"]) == ("status.update", "<p>First</p>")
        answer = await post(client, cast.bob, "@ada indeed", in_reply_to_id=posted["id"])
        await play()
        told = await stream.told()
        assert told.event == "notification"
        assert (told.data["type"], told.data["status"]["id"]) == ("mention", answer["id"])
        assert told.data["account"]["acct"] == "bob"


async def test_notifications_need_their_scope(
    app: Any, client: Any, cast: Any, play: Any, server: Any
) -> None:
    narrow = cast.token(cast.ada, "read:statuses")
    async with EventSource(app, f"{STREAMING}/user", narrow) as stream:
        await post(client, cast.bob, "@ada hello", visibility="direct")
        own = await post(client, cast.ada, "Mine")
        await play()
        told = await stream.told()
        assert (told.event, told.data["id"]) == ("update", own["id"])
        assert not await stream.rest(server.hub)
    async with EventSource(app, f"{STREAMING}/user/notification", narrow) as refused:
        assert refused.status == 403
    async with EventSource(app, f"{STREAMING}/user/notification", cast.ada.auth) as stream:
        await post(client, cast.bob, "@ada hello again")
        await post(client, cast.ada, "Mine again")
        await play()
        assert (await stream.told()).event == "notification"
        assert not await stream.rest(server.hub)


#: stream -> who posts what comes there; everything else that is posted below must not.
PUBLIC = {
    "public": {"plain", "picture", "tagged"},
    "public/local": {"plain", "picture", "tagged"},
    "public/remote": set(),
    "public?only_media=true": {"picture"},
    "public/local?only_media=1": {"picture"},
    "hashtag?tag=Reeds": {"tagged", "reply"},
    "hashtag/local?tag=%23reeds": {"tagged", "reply"},
    "hashtag?tag=other": set(),
}


async def test_public_streams(app: Any, client: Any, cast: Any, play: Any, server: Any) -> None:
    opened = {name: EventSource(app, f"{STREAMING}/{name}", cast.bob.auth) for name in PUBLIC}
    for stream in opened.values():
        await stream.__aenter__()
        assert stream.status == 200
    posts = {
        "plain": await post(client, cast.ada, "Plain"),
        "tagged": await post(client, cast.ada, "A #reeds"),
        "unlisted": await post(client, cast.ada, "A #reeds", visibility="unlisted"),
        "private": await post(client, cast.ada, "A #reeds", visibility="private"),
        "direct": await post(client, cast.ada, "A #reeds @bob", visibility="direct"),
    }
    other = await post(client, cast.carol, "Carol's")
    posts["reply"] = await post(client, cast.ada, "@carol #reeds", in_reply_to_id=other["id"])
    posts["picture"] = await with_picture(client, server, cast.ada)
    await play()
    names = {posted["id"]: name for name, posted in posts.items()} | {other["id"]: "plain"}
    for name, expected in PUBLIC.items():
        told = await opened[name].rest(server.hub)
        assert {item.event for item in told} <= {"update"}
        heard = {names[item.data["id"]] for item in told}
        assert heard == expected, name
        await opened[name].__aexit__()


async def with_picture(client: Any, server: Any, member: Any) -> Any:
    """Post with an attachment that needs no decoding."""

    def attach(tx: Any) -> int:
        media_id = new_id()
        tx.run(ATTACH, id=media_id, account_id=member.id, state="ready", created_at=tx.now)
        return media_id

    media_id = await server.database.write(attach)
    return await post(client, member, "A picture", media_ids=[str(media_id)])


@pytest.mark.parametrize("how", ["block", "mute"])
async def test_those_one_hides_from_are_not_told(
    app: Any, client: Any, cast: Any, play: Any, server: Any, how: str
) -> None:
    await client.post(f"/api/v1/accounts/{cast.ada.id}/{how}", headers=cast.bob.auth)
    await client.post(f"/api/v1/accounts/{cast.carol.id}/block", headers=cast.ada.auth)
    streams = {
        name: EventSource(app, f"{STREAMING}/public/local", member.auth)
        for name, member in {"bob": cast.bob, "carol": cast.carol, "dan": cast.dan}.items()
    }
    for stream in streams.values():
        await stream.__aenter__()
    await post(client, cast.ada, "Hello everybody")
    await play()
    assert (await streams["dan"].told()).event == "update"
    assert not await streams["bob"].rest(server.hub)
    assert not await streams["carol"].rest(server.hub)
    for stream in streams.values():
        await stream.__aexit__()


async def test_private_posts_reach_followers_only(
    app: Any, client: Any, cast: Any, play: Any, server: Any
) -> None:
    await follow(client, cast.bob, cast.ada)
    await play()
    streams = [EventSource(app, f"{STREAMING}/user", who.auth) for who in (cast.bob, cast.carol)]
    for stream in streams:
        await stream.__aenter__()
    posted = await post(client, cast.ada, "For my friends", visibility="private")
    await play()
    assert (await streams[0].told()).data["id"] == posted["id"]
    assert not await streams[1].rest(server.hub)
    await client.delete(f"/api/v1/statuses/{posted['id']}", headers=cast.ada.auth)
    await play()
    assert (await streams[0].told()).data == posted["id"]
    assert not await streams[1].rest(server.hub)
    for stream in streams:
        await stream.__aexit__()


async def test_lists(app: Any, client: Any, cast: Any, play: Any, server: Any) -> None:
    await follow(client, cast.bob, cast.ada)
    await follow(client, cast.bob, cast.carol)
    made = await client.post("/api/v1/lists", headers=cast.bob.auth, json={"title": "Friends"})
    list_id = made.json()["id"]
    await client.post(
        f"/api/v1/lists/{list_id}/accounts", headers=cast.bob.auth, json={"account_ids": [str(cast.ada.id)]}
    )
    await play()
    async with EventSource(app, f"{STREAMING}/list?list={list_id}", cast.carol.auth) as refused:
        assert refused.status == 404
    async with EventSource(app, f"{STREAMING}/list?list={list_id}", cast.bob.auth) as stream:
        await post(client, cast.carol, "Not on the list")
        posted = await post(client, cast.ada, "On the list")
        await play()
        assert (await stream.told()).data["id"] == posted["id"]
        assert not await stream.rest(server.hub)


async def test_conversations(app: Any, client: Any, cast: Any, play: Any, server: Any) -> None:
    async with EventSource(app, f"{STREAMING}/direct", cast.bob.auth) as stream:
        posted = await post(client, cast.ada, "@bob between us", visibility="direct")
        await post(client, cast.ada, "Not between us")
        await play()
        told = await stream.told()
        assert (told.event, told.data["last_status"]["id"]) == ("conversation", posted["id"])
        assert [account["acct"] for account in told.data["accounts"]] == ["ada"]
        assert not await stream.rest(server.hub)


@pytest.mark.parametrize("path", ["user", "public", "hashtag?tag=a", "list?list=1", "direct"])
async def test_streams_ask_for_a_token(app: Any, cast: Any, path: str) -> None:
    async with EventSource(app, f"{STREAMING}/{path}", {}) as stream:
        assert stream.status == 401
        assert await stream.body() == {"error": "The access token is invalid"}
    async with EventSource(app, f"{STREAMING}/{path}", cast.token(cast.ada, "write")) as stream:
        assert stream.status == 403


@pytest.mark.parametrize(
    ("path", "status"),
    [("hashtag", 400), ("hashtag?tag=%23", 400), ("list", 400), ("list?list=x", 400), ("list?list=99", 404)],
)
async def test_streams_about_nothing(app: Any, cast: Any, path: str, status: int) -> None:
    async with EventSource(app, f"{STREAMING}/{path}", cast.ada.auth) as stream:
        assert stream.status == status
        assert "error" in await stream.body()


async def test_resuming_without_a_gap(app: Any, client: Any, cast: Any, play: Any, server: Any) -> None:
    async with EventSource(app, f"{STREAMING}/user", cast.ada.auth) as stream:
        await post(client, cast.ada, "1")
        await play()
        last = await stream.told()
    missed = [await post(client, cast.ada, text) for text in ("2", "3")]
    await post(client, cast.bob, "@ada psst", visibility="direct")
    removed = await post(client, cast.ada, "4")
    await client.delete(f"/api/v1/statuses/{removed['id']}", headers=cast.ada.auth)
    await play()
    headers = cast.ada.auth | {"Last-Event-ID": str(last.id)}
    async with EventSource(app, f"{STREAMING}/user", headers) as stream:
        later = await post(client, cast.ada, "5")
        await play()
        told = [await stream.told() for _ in range(5)]
        assert {item.data["id"] for item in told if item.event == "update"} == {
            missed[0]["id"], missed[1]["id"], later["id"],
        }  # fmt: skip
        assert [item.data for item in told if item.event == "delete"] == [removed["id"]]
        assert [item.event for item in told].count("notification") == 1
        assert [item.id for item in told] == sorted({item.id for item in told})
        assert not await stream.rest(server.hub)


@pytest.mark.parametrize("sent", ["", "x", "-1", "99999999", "9" * 30])
async def test_impossible_last_ids(
    app: Any, client: Any, cast: Any, play: Any, server: Any, sent: str
) -> None:
    await post(client, cast.ada, "Before")
    await play()
    async with EventSource(app, f"{STREAMING}/user", cast.ada.auth | {"Last-Event-ID": sent}) as stream:
        assert not await stream.rest(server.hub)
        posted = await post(client, cast.ada, "After")
        await play()
        assert (await stream.told()).data["id"] == posted["id"]


async def test_streams_end_with_their_token(app: Any, client: Any, cast: Any, server: Any) -> None:
    async with EventSource(app, f"{STREAMING}/user", cast.ada.auth) as stream:
        await server.hub.beat()
        assert (await stream.sent())["body"] == b":)\n"
        assert (await stream.sent())["body"] == b":thump\n"
        await server.database.write(lambda tx: tx.run(REVOKE, member=cast.ada.id, at=tx.now))
        await server.hub.beat()
        assert (await stream.sent()) == {"type": "http.response.body", "body": b"", "more_body": False}
        await stream.end()
    assert len(server.hub) == 0


async def test_streams_end_with_the_login(app: Any, cast: Any, server: Any) -> None:
    async with (
        EventSource(app, f"{STREAMING}/public", cast.ada.auth) as ended,
        EventSource(app, f"{STREAMING}/public", cast.bob.auth) as going_on,
        Socket(app, STREAMING, cast.ada.auth) as socket,
    ):
        await server.database.write(lambda tx: tx.run(DISABLE, member=cast.ada.id, at=tx.now))
        await server.hub.beat()
        await ended.end()
        assert (await socket.sent())["type"] == "websocket.close"
        assert (await going_on.sent())["body"] == b":)\n"
        assert (await going_on.sent())["body"] == b":thump\n"
        assert len(server.hub) == 1


async def test_streams_end_with_their_client_and_the_server(app: Any, cast: Any, server: Any) -> None:
    async with EventSource(app, f"{STREAMING}/user", cast.ada.auth) as stream:
        stream.leave()
        await stream.end()
    assert len(server.hub) == 0
    async with EventSource(app, f"{STREAMING}/user", cast.ada.auth) as stream:
        server.hub.close()
        await stream.end()
    async with EventSource(app, f"{STREAMING}/user", cast.ada.auth) as late:
        await late.end()
    assert len(server.hub) == 0


async def test_who_does_not_read_is_cut_off(
    app: Any, client: Any, cast: Any, play: Any, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "MOST_WAITING", 3)
    async with (
        EventSource(app, f"{STREAMING}/user", cast.ada.auth) as slow,
        EventSource(app, f"{STREAMING}/user", cast.ada.auth) as quick,
    ):
        slow.reads.clear()
        for number in range(6):
            await post(client, cast.ada, str(number))
            await play()
            assert (await quick.told()).event == "update"
        await slow.end()
        assert len(server.hub) == 1


async def test_the_hub_runs_by_itself(app: Any, client: Any, cast: Any, worker: Any, server: Any) -> None:
    running = asyncio.create_task(server.hub.run())
    async with EventSource(app, f"{STREAMING}/user", cast.ada.auth) as stream:
        posted = await post(client, cast.ada, "Live")
        await worker.settle()
        assert (await stream.told()).data["id"] == posted["id"]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await stream.end()


async def test_what_cannot_be_told_does_not_silence_what_comes_after(
    app: Any, client: Any, cast: Any, worker: Any, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    deal = hub_module._deal
    failures = [KeyError("an event like no other")]

    def stumble(*arguments: Any) -> Any:
        if failures:
            raise failures.pop()
        return deal(*arguments)

    monkeypatch.setattr(hub_module, "_deal", stumble)
    running = asyncio.create_task(server.hub.run())
    async with EventSource(app, f"{STREAMING}/user", cast.ada.auth) as stream:
        await post(client, cast.ada, "Untold")
        await worker.settle()
        await stream.end()
    async with EventSource(app, f"{STREAMING}/user", cast.ada.auth) as stream:
        posted = await post(client, cast.ada, "Told")
        await worker.settle()
        assert (await stream.told()).data["id"] == posted["id"]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_many_listeners_cost_one_rendering(
    app: Any, client: Any, cast: Any, play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    render = streaming._render

    def count(tx: Any, base_url: str, signal: Any) -> Any:
        made.append(signal.seq)
        return render(tx, base_url, signal)

    monkeypatch.setattr(streaming, "_render", count)
    streams = [EventSource(app, f"{STREAMING}/public", cast.bob.auth) for _ in range(20)]
    for stream in streams:
        await stream.__aenter__()
    posted = await post(client, cast.ada, "Once")
    await play()
    for stream in streams:
        assert (await stream.told()).data["id"] == posted["id"]
        await stream.__aexit__()
    assert len(made) == 1
