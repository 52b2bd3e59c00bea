"""Hashtags that are followed or shown, through the API."""

from typing import Any

import pytest

from tests.api.acting import post

pytestmark = pytest.mark.anyio


async def get(client: Any, path: str, who: Any = None, **params: Any) -> Any:
    answer = await client.get(path, headers=who.auth if who else {}, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_tag_and_its_history(client: Any, cast: Any, at: Any) -> None:
    at(-86_400)
    await post(client, cast.bob, "yesterday #Reeds")
    at(0)
    await post(client, cast.ada, "#reeds")
    await post(client, cast.ada, "again #reeds")
    await post(client, cast.ada, "psst #reeds", visibility="private")
    tag = await get(client, "/api/v1/tags/reeds")
    assert (tag["name"], tag["url"]) == ("Reeds", "https://roseau.test/tags/reeds")
    assert "following" not in tag
    assert [(day["accounts"], day["uses"]) for day in tag["history"]] == [("1", "2"), ("1", "1")] + [
        ("0", "0")
    ] * 5
    days = [int(day["day"]) for day in tag["history"]]
    assert days == [days[0] - 86_400 * back for back in range(7)]
    assert days[0] % 86_400 == 0


async def test_a_tag_nobody_used(client: Any, cast: Any) -> None:
    tag = await get(client, "/api/v1/tags/silence", cast.ada)
    assert (tag["id"], tag["name"], tag["following"], tag["featuring"]) == ("", "silence", False, False)
    unfollowed = await client.post("/api/v1/tags/silence/unfollow", headers=cast.ada.auth)
    assert (unfollowed.status_code, unfollowed.json()["following"]) == (200, False)
    for wrong in ("a%20b", "%3Cb%3E", "123", "x" * 200, "%23"):
        assert (await client.get(f"/api/v1/tags/{wrong}", headers=cast.ada.auth)).status_code == 404, wrong


async def test_following_a_tag_brings_its_posts_home(client: Any, cast: Any, worker: Any) -> None:
    followed = await client.post("/api/v1/tags/École/follow", headers=cast.ada.auth)
    assert (followed.json()["name"], followed.json()["following"]) == ("École", True)
    assert (await client.post("/api/v1/tags/ecole/follow", headers=cast.ada.auth)).json()["following"]
    status = await post(client, cast.bob, "Rentrée #école")
    await worker.settle()
    assert [one["id"] for one in await get(client, "/api/v1/timelines/home", cast.ada)] == [status["id"]]

    await client.post("/api/v1/tags/roseau/follow", headers=cast.ada.auth)
    page = await client.get("/api/v1/followed_tags", headers=cast.ada.auth, params={"limit": 1})
    assert [tag["name"] for tag in page.json()] == ["roseau"]
    older = await client.get(page.links["next"]["url"], headers=cast.ada.auth)
    assert [tag["name"] for tag in older.json()] == ["École"]
    assert await get(client, "/api/v1/followed_tags", cast.bob) == []
    await client.post("/api/v1/tags/ecole/unfollow", headers=cast.ada.auth)
    assert [tag["name"] for tag in await get(client, "/api/v1/followed_tags", cast.ada)] == ["roseau"]
    wrong = await client.post("/api/v1/tags/a b/follow", headers=cast.ada.auth)
    assert wrong.status_code == 422


async def test_featured_tags(client: Any, cast: Any) -> None:
    async def add(name: str) -> Any:
        return await client.post("/api/v1/featured_tags", headers=cast.ada.auth, data={"name": name})

    reeds, walks = (await add("reeds")).json(), (await add("#Walks")).json()
    assert reeds == {
        "id": reeds["id"], "name": "reeds", "url": "https://roseau.test/@ada/tagged/reeds",
        "statuses_count": "0", "last_status_at": None,
    }  # fmt: skip
    await post(client, cast.ada, "#walks at dawn")
    await post(client, cast.ada, "#walks alone", visibility="private")
    await post(client, cast.bob, "#walks")
    shown = await get(client, f"/api/v1/accounts/{cast.ada.id}/featured_tags")
    assert [(tag["name"], tag["statuses_count"]) for tag in shown] == [("reeds", "0"), ("Walks", "1")]
    assert len(shown[1]["last_status_at"]) == len("2026-10-14")
    assert await get(client, "/api/v1/featured_tags", cast.ada) == shown

    path = f"/api/v1/featured_tags/{walks['id']}"
    assert (await client.delete(path, headers=cast.bob.auth)).status_code == 404
    gone = await client.delete(path, headers=cast.ada.auth)
    assert (gone.status_code, gone.json()) == (200, {})
    assert (await client.delete(path, headers=cast.ada.auth)).status_code == 404
    assert [tag["name"] for tag in await get(client, "/api/v1/featured_tags", cast.ada)] == ["reeds"]

    assert (await add("")).status_code == 422
    for number in range(9):
        assert (await add(f"tag{number}")).status_code == 200
    assert (await add("reeds")).status_code == 200
    assert (await add("eleventh")).status_code == 422


async def test_featuring_by_name(client: Any, cast: Any) -> None:
    featured = await client.post("/api/v1/tags/reeds/feature", headers=cast.ada.auth)
    assert (featured.json()["name"], featured.json()["featuring"]) == ("reeds", True)
    gone = await client.post("/api/v1/tags/reeds/unfeature", headers=cast.ada.auth)
    assert gone.json()["featuring"] is False
    assert await get(client, "/api/v1/featured_tags", cast.ada) == []


async def test_suggestions_are_what_one_uses(client: Any, cast: Any) -> None:
    for text in ("#reeds", "more #reeds", "#walks", "#shown"):
        await post(client, cast.ada, text)
    await post(client, cast.bob, "#others")
    await client.post("/api/v1/tags/shown/feature", headers=cast.ada.auth)
    suggested = await get(client, "/api/v1/featured_tags/suggestions", cast.ada)
    assert [tag["name"] for tag in suggested] == ["reeds", "walks"]
