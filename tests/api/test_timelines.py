"""Timelines, through the API."""

from typing import Any

import pytest

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
