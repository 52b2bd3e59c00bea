"""Reading accounts: by id and name, their posts, the people around them, the directory."""

from typing import Any

import pytest
from sqlalchemy import bindparam, update

from roseau.storage.schema.accounts import accounts
from roseau.storage.statements import statement
from tests.api.acting import block, follow, post

pytestmark = pytest.mark.anyio

_set = statement(
    update(accounts)
    .where(accounts.c.id == bindparam("account"))
    .values(
        suspended_at=bindparam("suspended"), discoverable=bindparam("wants"),
        hide_collections=bindparam("hides"), version=accounts.c.version + 1,
    )
)  # fmt: skip


def mark(server: Any, who: Any, *, suspended: bool = False, wants: bool = False, hides: bool = False) -> None:
    """Put an account into a state that no door leads to yet."""
    server.database.write_now(
        lambda tx: tx.run(
            _set, account=who.id, suspended=tx.now if suspended else None, wants=wants, hides=hides
        )
    )


async def names(client: Any, path: str, who: Any = None, **params: Any) -> list[str]:
    """The user names that a list of accounts holds."""
    answer = await client.get(path, headers=who.auth if who else {}, params=params)
    assert answer.status_code == 200, answer.text
    return [account["username"] for account in answer.json()]


async def test_one_and_several(client: Any, cast: Any) -> None:
    one = await client.get(f"/api/v1/accounts/{cast.ada.id}")
    assert (one.status_code, one.json()["acct"]) == (200, "ada")
    ids = [str(cast.bob.id), "1", "no id", str(cast.ada.id)]
    assert await names(client, "/api/v1/accounts", **{"id[]": ids}) == ["bob", "ada"]
    for wrong in ("1", "0", "9" * 40, "x"):
        missing = await client.get(f"/api/v1/accounts/{wrong}")
        assert (missing.status_code, missing.json()) == (404, {"error": "Record not found"})


@pytest.mark.parametrize("handle", ["ada", "@ada", "ADA", "ada@roseau.test", "@Ada@roseau.test", " ada "])
async def test_lookup(client: Any, cast: Any, handle: str) -> None:
    found = await client.get("/api/v1/accounts/lookup", params={"acct": handle} if cast.ada else {})
    assert found.json()["id"] == str(cast.ada.id)


@pytest.mark.parametrize("handle", ["", "@", "nobody", "ada@elsewhere.example", "ada@roseau.test@x", "%"])
async def test_lookup_of_nobody(client: Any, cast: Any, handle: str) -> None:
    assert cast.ada
    assert (await client.get("/api/v1/accounts/lookup", params={"acct": handle})).status_code == 404


async def test_somebody_who_is_not_let_in_yet_is_not_shown(client: Any, cast: Any) -> None:
    waiting = cast.join("will", approved=False)
    assert (await client.get(f"/api/v1/accounts/{waiting.id}")).status_code == 404
    assert (await client.get("/api/v1/accounts/lookup", params={"acct": "will"})).status_code == 404
    asked = await client.post(f"/api/v1/accounts/{waiting.id}/follow", headers=cast.ada.auth)
    assert asked.status_code == 404


async def test_a_suspended_account_says_nothing_of_itself(client: Any, cast: Any, server: Any) -> None:
    ada = cast.join("ada", display_name="Ada")
    await post(client, ada, "reeds")
    follow(server, cast.bob, ada)
    mark(server, ada, suspended=True)
    shown = (await client.get(f"/api/v1/accounts/{ada.id}")).json()
    assert (shown["suspended"], shown["display_name"], shown["username"]) == (True, "", "ada")
    assert (await client.get(f"/api/v1/accounts/{ada.id}/statuses")).json() == []
    assert await names(client, f"/api/v1/accounts/{ada.id}/followers") == []
    asked = await client.post(f"/api/v1/accounts/{ada.id}/follow", headers=cast.cat.auth)
    assert asked.status_code == 404


async def test_statuses_and_their_filters(client: Any, cast: Any) -> None:
    first = await post(client, cast.ada, "first #reeds")
    answer = await post(
        client, cast.ada, "@bob yes", in_reply_to_id=(await post(client, cast.bob, "Q"))["id"]
    )
    direct = await post(client, cast.ada, "@bob psst", visibility="direct")
    private = await post(client, cast.ada, "for friends", visibility="private")
    path = f"/api/v1/accounts/{cast.ada.id}/statuses"

    async def ids(who: Any = None, **params: Any) -> list[str]:
        found = await client.get(path, headers=who.auth if who else {}, params=params)
        assert found.status_code == 200, found.text
        return [status["id"] for status in found.json()]

    assert await ids() == [answer["id"], first["id"]]
    assert await ids(cast.ada) == [private["id"], direct["id"], answer["id"], first["id"]]
    assert await ids(cast.bob) == [direct["id"], answer["id"], first["id"]]
    assert await ids(cast.bob, exclude_direct="1") == [answer["id"], first["id"]]
    assert await ids(exclude_replies="True") == [first["id"]]
    assert await ids(tagged="#Reeds") == [first["id"]]
    assert await ids(only_media="true") == []
    assert await ids(pinned="true") == []
    await client.post(f"/api/v1/statuses/{first['id']}/pin", headers=cast.ada.auth)
    assert await ids(pinned="true") == [first["id"]]
    assert await ids(pinned="true", max_id="5") == []

    page = await client.get(path, params={"limit": 1})
    older = await client.get(page.links["next"]["url"])
    assert [status["id"] for status in older.json()] == [first["id"]]
    newer = await client.get(older.links["prev"]["url"])
    assert [status["id"] for status in newer.json()] == [answer["id"]]
    assert (await client.get("/api/v1/accounts/1/statuses")).status_code == 404


async def test_people_and_who_may_know_of_them(client: Any, cast: Any, server: Any) -> None:
    ada, bob, cat = cast.ada, cast.bob, cast.cat
    for one, other in ((bob, ada), (cat, ada), (ada, cat)):
        follow(server, one, other)
    followers, following = (f"/api/v1/accounts/{ada.id}/{which}" for which in ("followers", "following"))
    assert await names(client, followers) == ["cat", "bob"]
    assert await names(client, following) == ["cat"]
    await client.post(f"/api/v1/accounts/{cat.id}/mute", headers=bob.auth)
    assert await names(client, followers, bob) == ["bob"]

    mark(server, ada, hides=True)
    assert await names(client, followers) == []
    assert await names(client, followers, bob) == []
    assert await names(client, followers, ada) == ["cat", "bob"]
    assert (await client.get(f"/api/v1/accounts/{ada.id}")).json()["followers_count"] == 2

    mark(server, ada)
    block(server, ada, cast.dan)
    assert await names(client, followers, cast.dan) == []
    for path in (followers, following):
        assert (await client.get(path.replace(str(ada.id), "1"))).status_code == 404


async def test_familiar_followers(client: Any, cast: Any, server: Any) -> None:
    ada, bob, cat, dan = cast.ada, cast.bob, cast.cat, cast.dan
    for one, other in ((ada, bob), (bob, cat), (ada, dan), (dan, cat)):
        follow(server, one, other)
    asked = {"id": [str(cat.id), str(ada.id)]}

    async def ask() -> list[tuple[str, list[str]]]:
        answer = await client.request(
            "GET", "/api/v1/accounts/familiar_followers", headers=ada.auth, json=asked
        )
        assert answer.status_code == 200, answer.text
        return [(one["id"], [friend["username"] for friend in one["accounts"]]) for one in answer.json()]

    assert await ask() == [(str(cat.id), ["dan", "bob"]), (str(ada.id), [])]
    mark(server, dan, hides=True)
    assert await ask() == [(str(cat.id), ["bob"]), (str(ada.id), [])]
    mark(server, cat, hides=True)
    assert await ask() == [(str(cat.id), []), (str(ada.id), [])]


async def test_suggestions_are_friends_of_friends(client: Any, cast: Any, server: Any) -> None:
    ada, bob, cat, dan = cast.ada, cast.bob, cast.cat, cast.dan
    for one, other in ((ada, bob), (bob, cat), (bob, dan), (bob, ada)):
        follow(server, one, other)
    assert await names(client, "/api/v1/suggestions", ada) == []
    mark(server, cat, wants=True)
    mark(server, dan, wants=True)
    assert await names(client, "/api/v1/suggestions", ada) == ["dan", "cat"]
    newer = (await client.get("/api/v2/suggestions", headers=ada.auth)).json()
    assert [one["account"]["username"] for one in newer] == ["dan", "cat"]
    assert newer[0]["sources"] == ["friends_of_friends"]
    gone = await client.delete(f"/api/v1/suggestions/{dan.id}", headers=ada.auth)
    assert (gone.status_code, gone.json()) == (200, {})
    block(server, cat, ada)
    assert await names(client, "/api/v1/suggestions", ada) == []


async def test_the_directory_holds_who_wants_to_be_found(client: Any, cast: Any, server: Any) -> None:
    ada, bob = cast.ada, cast.bob
    mark(server, ada, wants=True)
    mark(server, bob, wants=True)
    assert cast.cat
    mark(server, cast.dan, wants=True, suspended=True)
    assert await names(client, "/api/v1/directory", order="new") == ["bob", "ada"]
    await post(client, ada, "here")
    assert await names(client, "/api/v1/directory") == ["ada", "bob"]
    assert await names(client, "/api/v1/directory", limit=1, offset=1, local="true") == ["bob"]
    block(server, bob, ada)
    assert await names(client, "/api/v1/directory", ada) == ["ada"]
    paged = await client.get("/api/v1/directory", params={"offset": -5, "limit": 0})
    assert (paged.status_code, "link" in paged.headers) == (200, False)
    assert (await client.get("/api/v1/directory", params={"order": "rubbish"})).status_code == 422
