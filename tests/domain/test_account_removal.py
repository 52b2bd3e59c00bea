"""Leaving for good: nothing is shown any more, nothing is counted, the address is free, the name is not."""

from typing import Any

import pytest

from roseau.domain.accounts.creation import NewAccount, find_problems
from roseau.domain.accounts.removal import delete_account
from roseau.domain.events import AccountDeleted, to_event
from roseau.domain.relationships.following import follow_account
from roseau.kernel.errors import NotFound
from roseau.storage.events import list_events
from tests.api.acting import done, follow, post, read

pytestmark = pytest.mark.anyio


def leave(server: Any, who: Any) -> None:
    """Delete somebody's account."""
    server.database.write_now(delete_account, server.site, who.id)


async def test_nothing_of_a_deleted_account_is_shown(
    client: Any, cast: Any, server: Any, worker: Any
) -> None:
    ada, bob = cast.ada, cast.bob
    follow(server, bob, ada)
    status = await post(client, ada, "reeds #lake")
    reblog = await done(client, bob, status, "reblog")
    await worker.settle()
    assert len(await read(client, bob, "/api/v1/timelines/home")) > 0

    leave(server, ada)
    await worker.settle()
    for path in (
        f"/api/v1/accounts/{ada.id}", "/api/v1/accounts/lookup?acct=ada",
        f"/api/v1/accounts/{ada.id}/statuses", f"/api/v1/accounts/{ada.id}/followers",
        f"/api/v1/statuses/{status['id']}", f"/api/v1/statuses/{reblog['id']}",
        f"/api/v1/statuses/{status['id']}/context",
    ):  # fmt: skip
        answer = await client.get(path, headers=bob.auth)
        assert (answer.status_code, answer.json()) == (404, {"error": "Record not found"}), path
    assert await read(client, bob, "/api/v1/timelines/home") == []
    assert await read(client, None, "/api/v1/timelines/public") == []
    assert await read(client, None, "/api/v1/timelines/tag/lake") == []
    assert await read(client, bob, f"/api/v1/accounts/relationships?id[]={ada.id}") == []
    assert await read(client, bob, "/api/v1/notifications") == []


async def test_nothing_of_it_is_counted(client: Any, cast: Any, server: Any) -> None:
    ada, bob, cat = cast.ada, cast.bob, cast.cat
    for one, other in ((ada, bob), (bob, ada), (cat, bob)):
        follow(server, one, other)
    status = await post(client, bob, "reeds")
    await post(client, ada, "yes", in_reply_to_id=status["id"])
    await post(client, ada, "hush", in_reply_to_id=status["id"], visibility="direct")
    await post(client, cat, "no", in_reply_to_id=status["id"])
    for action in ("favourite", "reblog"):
        await done(client, ada, status, action)
        await done(client, cat, status, action)
    await done(client, cat, await post(client, ada, "mine"), "reblog")
    before = await read(client, None, f"/api/v1/accounts/{cat.id}")
    assert before["statuses_count"] == 3

    leave(server, ada)
    seen = await read(client, None, f"/api/v1/statuses/{status['id']}")
    assert [seen[f"{what}_count"] for what in ("replies", "reblogs", "favourites")] == [1, 1, 1]
    account = await read(client, None, f"/api/v1/accounts/{bob.id}")
    assert (account["followers_count"], account["following_count"]) == (1, 0)
    assert (await read(client, None, f"/api/v1/accounts/{cat.id}"))["statuses_count"] == 2
    likers = await read(client, cat, f"/api/v1/statuses/{status['id']}/favourited_by")
    assert [person["username"] for person in likers] == ["cat"]


async def test_the_login_is_gone_and_the_name_is_not_free(client: Any, cast: Any, server: Any) -> None:
    ada = cast.ada
    leave(server, ada)
    answer = await client.get("/api/v1/accounts/verify_credentials", headers=ada.auth)
    assert answer.status_code == 401
    same = NewAccount(username="Ada", email="ada@roseau.test")
    problems = server.database.read_now(find_problems, same)
    assert [(problem.field, problem.reason) for problem in problems] == [("username", "ERR_TAKEN")]
    with pytest.raises(NotFound):
        server.database.write_now(follow_account, cast.bob.id, ada.id)
    with pytest.raises(NotFound):
        leave(server, ada)
    events = [to_event(row.kind, row.payload) for row in server.database.read_now(list_events, 0, 100)]
    assert AccountDeleted(ada.id) in events
