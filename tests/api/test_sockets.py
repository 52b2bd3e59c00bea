"""The WebSocket: many streams on one connection."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.opened import Socket
from tests.api.test_streaming import play, post

pytestmark = pytest.mark.anyio

__all__ = ["play"]
URL = "/api/v1/streaming"


async def test_many_streams_on_one_socket(app: Any, client: Any, cast: Any, play: Any) -> None:
    async with Socket(app, URL, cast.ada.auth) as socket:
        assert socket.answer["type"] == "websocket.accept"
        socket.say(type="subscribe", stream="user")
        socket.say(type="subscribe", stream="hashtag:local", tag="MyReeds")
        socket.say(type="subscribe", stream="public")
        await socket.settled()
        posted = await post(client, cast.bob, "Look @ada: #myreeds")
        await play()
        told = [await socket.told() for _ in range(3)]
        by_stream = {tuple(item["stream"]): item for item in told}
        assert set(by_stream) == {("user",), ("hashtag:local", "MyReeds"), ("public",)}
        assert by_stream["user",]["event"] == "notification"
        assert by_stream["public",]["payload"]["id"] == posted["id"]
        socket.say(type="unsubscribe", stream="public")
        socket.say(type="unsubscribe", stream="hashtag:local", tag="myreeds")
        await socket.settled()
        own = await post(client, cast.ada, "Mine, #myreeds")
        await play()
        assert (await socket.told())["stream"] == ["user"]
        await client.delete(f"/api/v1/statuses/{own['id']}", headers=cast.ada.auth)
        await play()
        told = [await socket.told()]
        assert (told[0]["event"], told[0]["payload"], told[0]["stream"]) == ("delete", own["id"], ["user"])
        socket.leave()
        await socket.end()


@pytest.mark.parametrize("where", ["header", "query", "protocol"])
async def test_the_token_may_come_three_ways(app: Any, cast: Any, where: str) -> None:
    token = cast.ada.token
    url = f"{URL}?access_token={token}" if where == "query" else URL
    headers = cast.ada.auth if where == "header" else {}
    async with Socket(app, url, headers, [token] if where == "protocol" else None) as socket:
        assert socket.answer["type"] == "websocket.accept"
        assert socket.answer["subprotocol"] == (token if where == "protocol" else None)
        socket.say(type="subscribe", stream="user")
        await socket.settled()


async def test_no_token_no_socket(app: Any, cast: Any) -> None:
    for headers in ({}, {"Authorization": "Bearer rubbish"}):
        async with Socket(app, URL, headers) as socket:
            assert socket.answer["type"] == "websocket.http.response.start"
            assert socket.answer["status"] == 401
            assert b"The access token is invalid" in (await socket.sent())["body"]
    async with Socket(app, "/api/v1/elsewhere", cast.ada.auth) as socket:
        assert socket.answer["type"] == "websocket.close"


async def test_the_address_may_name_the_first_stream(app: Any, client: Any, cast: Any, play: Any) -> None:
    async with Socket(app, f"{URL}/?stream=hashtag&tag=reeds", cast.ada.auth) as socket:
        await socket.settled()
        await post(client, cast.bob, "#reeds")
        await play()
        assert (await socket.told())["stream"] == ["hashtag", "reeds"]
    async with Socket(app, f"{URL}?stream=nowhere", cast.ada.auth) as socket:
        assert await socket.told() == {"error": "Unknown stream type", "status": 400}


async def test_what_cannot_be_opened(app: Any, client: Any, cast: Any) -> None:
    made = await client.post("/api/v1/lists", headers=cast.bob.auth, json={"title": "Bob's"})
    narrow = cast.token(cast.ada, "read:notifications")
    async with Socket(app, URL, narrow) as socket:
        socket.say(type="subscribe", stream="user")
        assert (await socket.told())["status"] == 403
        socket.say(type="subscribe", stream="user:notification")
        await socket.settled()
    async with Socket(app, URL, cast.ada.auth) as socket:
        for wanted, status in (
            ({"stream": "list", "list": made.json()["id"]}, 404),
            ({"stream": "list"}, 400),
            ({"stream": "hashtag"}, 400),
            ({"stream": "constructor"}, 400),
            ({}, 400),
        ):
            socket.say(type="subscribe", **wanted)
            assert (await socket.told())["status"] == status
        socket.say_text("x" * 5000)
        assert (await socket.told())["status"] == 400
        socket.to_app.put_nowait({"type": "websocket.receive", "bytes": b"\xff"})
        assert (await socket.told())["status"] == 400
        for number in range(120):
            socket.say(type="subscribe", stream="hashtag", tag=f"t{number}")
        refused = [await socket.told() for _ in range(20)]
        assert {item["error"] for item in refused} == {"Too many streams on one connection"}


@given(
    st.one_of(
        st.text(max_size=60), st.sampled_from(["[]", "null", '{"type":1}', '{"type":"subscribe"}', "[" * 999])
    )
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_rubbish_is_answered(app: Any, cast: Any, text: str) -> None:
    async with Socket(app, URL, cast.ada.auth) as socket:
        socket.say_text(text)
        socket.say(type="subscribe", stream="nowhere")
        while (told := await socket.told())["error"] != "Unknown stream type":
            assert told["status"] == 400
