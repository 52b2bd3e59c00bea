"""Lists, through the API."""

from typing import Any

import pytest

from tests.api.acting import follow, post

pytestmark = pytest.mark.anyio


async def create(client: Any, who: Any, **form: Any) -> Any:
    """A new list."""
    answer = await client.post("/api/v1/lists", headers=who.auth, data={"title": "friends"} | form)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_made_changed_and_deleted(client: Any, cast: Any) -> None:
    made = await create(client, cast.ada)
    assert made == {"id": made["id"], "title": "friends", "replies_policy": "list", "exclusive": False}
    second = await create(client, cast.ada, title="Voisins", replies_policy="none", exclusive="true")
    assert (second["replies_policy"], second["exclusive"]) == ("none", True)
    assert (await client.get("/api/v1/lists", headers=cast.ada.auth)).json() == [made, second]

    path = f"/api/v1/lists/{made['id']}"
    changed = await client.put(
        path, headers=cast.ada.auth, json={"title": " best  friends ", "exclusive": True}
    )
    assert changed.json() == made | {"title": "best  friends", "exclusive": True}
    assert (await client.get(path, headers=cast.ada.auth)).json() == changed.json()
    gone = await client.delete(path, headers=cast.ada.auth)
    assert (gone.status_code, gone.json()) == (200, {})
    assert (await client.get(path, headers=cast.ada.auth)).status_code == 404
    assert (await client.delete(path, headers=cast.ada.auth)).status_code == 404


@pytest.mark.parametrize(
    "form", [{}, {"title": "  "}, {"title": "x" * 257}, {"title": "a", "replies_policy": "everyone"}]
)
async def test_what_is_no_list(client: Any, cast: Any, form: Any) -> None:
    answer = await client.post("/api/v1/lists", headers=cast.ada.auth, json=form)
    assert answer.status_code == 422, answer.text
    assert (await client.get("/api/v1/lists", headers=cast.ada.auth)).json() == []


async def test_there_is_an_end_to_lists(client: Any, cast: Any) -> None:
    for number in range(50):
        await create(client, cast.ada, title=str(number))
    answer = await client.post("/api/v1/lists", headers=cast.ada.auth, data={"title": "one more"})
    assert answer.status_code == 422


async def test_members(client: Any, cast: Any, server: Any) -> None:
    made = await create(client, cast.ada)
    path = f"/api/v1/lists/{made['id']}/accounts"

    async def put(*people: Any) -> int:
        form = {"account_ids[]": [str(person.id) for person in people]}
        return int((await client.post(path, headers=cast.ada.auth, data=form)).status_code)

    async def members(**params: Any) -> list[str]:
        page = await client.get(path, headers=cast.ada.auth, params=params)
        return [account["username"] for account in page.json()]

    follow(server, cast.ada, cast.bob)
    follow(server, cast.ada, cast.cat)
    assert await put(cast.bob, cast.dan) == 404
    assert await members() == []
    assert await put(cast.bob, cast.cat) == 200
    assert await put(cast.bob) == 200
    assert await members() == ["cat", "bob"]
    assert await members(limit=0) == ["cat", "bob"]
    page = await client.get(path, headers=cast.ada.auth, params={"limit": 1})
    older = await client.get(page.links["next"]["url"], headers=cast.ada.auth)
    assert [account["username"] for account in older.json()] == ["bob"]

    holding = await client.get(f"/api/v1/accounts/{cast.bob.id}/lists", headers=cast.ada.auth)
    assert [one["id"] for one in holding.json()] == [made["id"]]
    others = await client.get(f"/api/v1/accounts/{cast.bob.id}/lists", headers=cast.cat.auth)
    assert others.json() == []

    gone = await client.request(
        "DELETE", path, headers=cast.ada.auth, json={"account_ids": [str(cast.cat.id)]}
    )
    assert (gone.status_code, gone.json()) == (200, {})
    assert await members() == ["bob"]
    await client.post(f"/api/v1/accounts/{cast.bob.id}/unfollow", headers=cast.ada.auth)
    assert await members() == []


async def test_anybody_elses_list_is_not_there(client: Any, cast: Any, server: Any) -> None:
    made = await create(client, cast.ada)
    follow(server, cast.bob, cast.cat)
    path, form = f"/api/v1/lists/{made['id']}", {"account_ids[]": str(cast.cat.id)}
    bob = cast.bob.auth
    answers = [
        await client.get(path, headers=bob),
        await client.put(path, headers=bob, data={"title": "mine"}),
        await client.delete(path, headers=bob),
        await client.get(f"{path}/accounts", headers=bob),
        await client.post(f"{path}/accounts", headers=bob, data=form),
        await client.request("DELETE", f"{path}/accounts", headers=bob, data=form),
    ]
    assert [(answer.status_code, answer.json()) for answer in answers] == (
        [(404, {"error": "Record not found"})] * len(answers)
    )
    assert (await client.get(path, headers=cast.ada.auth)).json() == made


async def test_an_exclusive_list_keeps_its_members_out_of_home(
    client: Any, cast: Any, server: Any, worker: Any
) -> None:
    made = await create(client, cast.ada, exclusive="1")
    follow(server, cast.ada, cast.bob)
    form = {"account_ids[]": str(cast.bob.id)}
    await client.post(f"/api/v1/lists/{made['id']}/accounts", headers=cast.ada.auth, data=form)
    status = await post(client, cast.bob, "reeds")
    await worker.settle()
    home = await client.get("/api/v1/timelines/home", headers=cast.ada.auth)
    listed = await client.get(f"/api/v1/timelines/list/{made['id']}", headers=cast.ada.auth)
    assert home.json() == []
    assert [one["id"] for one in listed.json()] == [status["id"]]
