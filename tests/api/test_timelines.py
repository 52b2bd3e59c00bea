"""Timelines, through the API."""

from typing import Any

import pytest

from roseau.domain.timelines import fanout
from roseau.storage import events

pytestmark = pytest.mark.anyio


async def test_a_post_is_in_its_authors_home(client: Any, cast: Any, worker: Any) -> None:
    posted = await client.post(
        "/api/v1/statuses", headers=cast.ada.auth, data={"status": "Hello #Reeds @bob"}
    )
    assert posted.status_code == 200, posted.text
    await worker.settle()
    home = await client.get("/api/v1/timelines/home", headers=cast.ada.auth)
    assert home.status_code == 200
    assert [status["id"] for status in home.json()] == [posted.json()["id"]]
    assert "</a>" in home.json()[0]["content"]


async def test_ones_own_post_is_at_home_at_once(client: Any, cast: Any, worker: Any) -> None:
    posted = await client.post("/api/v1/statuses", headers=cast.ada.auth, data={"status": "Here I am"})
    for _ in range(2):
        home = await client.get("/api/v1/timelines/home", headers=cast.ada.auth)
        assert [status["id"] for status in home.json()] == [posted.json()["id"]]
        await worker.settle()


async def test_a_post_to_many_goes_out_in_chunks(
    client: Any, cast: Any, server: Any, worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others who write come in between; everybody has the post in the end, and streams are told once."""
    monkeypatch.setattr(fanout, "CHUNK", 2)
    followers = [cast.bob, cast.carl, cast.dora, cast.emil, cast.fay]
    for follower in followers:
        await client.post(f"/api/v1/accounts/{cast.ada.id}/follow", headers=follower.auth)
    await worker.settle()
    posted = await client.post("/api/v1/statuses", headers=cast.ada.auth, data={"status": "To all of you"})
    before = server.database.commits
    assert await worker.step("timelines") == 1
    assert server.database.commits == before + 1
    await worker.settle()
    for reader in (cast.ada, *followers):
        home = await client.get("/api/v1/timelines/home", headers=reader.auth)
        assert [status["id"] for status in home.json()] == [posted.json()["id"]]
    recorded = await server.database.read(events.list_events, 0, 1000)
    assert [row.kind for row in recorded].count("StatusFannedOut") == 1


async def test_a_post_deleted_on_its_way_out_is_laid_nowhere_more(
    client: Any, cast: Any, worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fanout, "CHUNK", 1)
    for follower in (cast.bob, cast.carl, cast.dora):
        await client.post(f"/api/v1/accounts/{cast.ada.id}/follow", headers=follower.auth)
    await worker.settle()
    posted = await client.post("/api/v1/statuses", headers=cast.ada.auth, data={"status": "Oh no"})
    await worker.step("timelines")
    await client.delete(f"/api/v1/statuses/{posted.json()['id']}", headers=cast.ada.auth)
    await worker.settle()
    for reader in (cast.ada, cast.bob, cast.carl, cast.dora):
        home = await client.get("/api/v1/timelines/home", headers=reader.auth)
        assert home.json() == []
