"""Markers, through the API."""

import asyncio
from typing import Any

import pytest

pytestmark = pytest.mark.anyio

PATH = "/api/v1/markers"


async def test_a_marker_is_moved_and_counted(client: Any, cast: Any) -> None:
    moved = await client.post(
        PATH, headers=cast.ada.auth, json={"home": {"last_read_id": "117440818297560937"}}
    )
    assert moved.status_code == 200, moved.text
    home = moved.json()["home"]
    assert (home["last_read_id"], home["version"], list(moved.json())) == ("117440818297560937", 1, ["home"])
    asked = {"timeline[]": ["home", "notifications", "rubbish"]}
    assert (await client.get(PATH, headers=cast.ada.auth, params=asked)).json() == moved.json()
    assert (await client.get(PATH, headers=cast.ada.auth)).json() == {}
    assert (await client.get(PATH, headers=cast.bob.auth, params=asked)).json() == {}

    same = await client.post(PATH, headers=cast.ada.auth, json={"home": {"last_read_id": 117440818297560937}})
    assert same.json()["home"]["version"] == 1
    form = {"home[last_read_id]": "5", "notifications[last_read_id]": "7"}
    both = (await client.post(PATH, headers=cast.ada.auth, data=form)).json()
    assert [(name, both[name]["last_read_id"], both[name]["version"]) for name in both] == [
        ("home", "5", 2),
        ("notifications", "7", 1),
    ]


@pytest.mark.parametrize("last_read_id", ["x", "-1", "9" * 30, "1.5"])
async def test_what_is_no_place(client: Any, cast: Any, last_read_id: str) -> None:
    answer = await client.post(PATH, headers=cast.ada.auth, json={"home": {"last_read_id": last_read_id}})
    assert answer.status_code == 422
    assert (await client.get(PATH, headers=cast.ada.auth, params={"timeline[]": "home"})).json() == {}


async def test_two_devices_at_once_lose_no_move(client: Any, cast: Any) -> None:
    moves = [
        client.post(PATH, headers=cast.ada.auth, json={"home": {"last_read_id": str(place)}})
        for place in range(1, 11)
    ]
    assert {answer.status_code for answer in await asyncio.gather(*moves)} == {200}
    home = (await client.get(PATH, headers=cast.ada.auth, params={"timeline[]": "home"})).json()["home"]
    assert home["version"] == 10
