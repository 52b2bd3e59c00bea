"""Follow, ask, block, mute, note, endorse: through the API."""

from typing import Any

import pytest

pytestmark = pytest.mark.anyio


async def act(client: Any, who: Any, target: Any, verb: str, status: int = 200, **form: Any) -> Any:
    """Do something about somebody; the answer."""
    answer = await client.post(f"/api/v1/accounts/{target.id}/{verb}", headers=who.auth, data=form)
    assert answer.status_code == status, answer.text
    return answer.json()


async def between(client: Any, who: Any, *targets: Any) -> list[Any]:
    """What is between somebody and these people."""
    ids = [("id[]", str(target.id)) for target in targets]
    answer = await client.get("/api/v1/accounts/relationships", headers=who.auth, params=ids)
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


async def counts(client: Any, who: Any) -> tuple[int, int]:
    """Somebody's followers and those they follow, as shown."""
    account = (await client.get(f"/api/v1/accounts/{who.id}")).json()
    return account["followers_count"], account["following_count"]


async def listed(client: Any, path: str, who: Any, **params: Any) -> list[str]:
    """The names on a page of people."""
    answer = await client.get(path, headers=who.auth, params=params)
    assert answer.status_code == 200, answer.text
    return [account["username"] for account in answer.json()]


async def home(client: Any, who: Any) -> list[str]:
    """The words in somebody's home timeline."""
    answer = await client.get("/api/v1/timelines/home", headers=who.auth)
    return [status["content"] for status in answer.json()]


async def post(client: Any, who: Any, text: str) -> Any:
    answer = await client.post("/api/v1/statuses", headers=who.auth, data={"status": text})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_following_and_unfollowing(client: Any, cast: Any) -> None:
    followed = await act(client, cast.ada, cast.bob, "follow")
    assert followed == {
        "id": str(cast.bob.id), "following": True, "showing_reblogs": True, "notifying": False,
        "languages": None, "followed_by": False, "blocking": False, "blocked_by": False, "muting": False,
        "muting_notifications": False, "muting_expires_at": None, "requested": False, "requested_by": False,
        "domain_blocking": False, "endorsed": False, "note": "",
    }  # fmt: skip
    assert (await between(client, cast.bob, cast.ada))[0]["followed_by"]
    assert await counts(client, cast.bob) == (1, 0)
    assert await counts(client, cast.ada) == (0, 1)

    again = await act(
        client, cast.ada, cast.bob, "follow", reblogs="false", notify="1", **{"languages[]": "fr"}
    )
    assert (again["showing_reblogs"], again["notifying"], again["languages"]) == (False, True, ["fr"])
    kept = await act(client, cast.ada, cast.bob, "follow")
    assert (kept["showing_reblogs"], kept["notifying"], kept["languages"]) == (False, True, ["fr"])
    assert await counts(client, cast.bob) == (1, 0)

    gone = await act(client, cast.ada, cast.bob, "unfollow")
    assert (gone["following"], gone["showing_reblogs"]) == (False, False)
    assert await counts(client, cast.bob) == (0, 0)
    assert await counts(client, cast.ada) == (0, 0)
    await act(client, cast.ada, cast.bob, "unfollow")
    assert await counts(client, cast.bob) == (0, 0)


async def test_following_brings_posts_home_and_unfollowing_takes_them_away(
    client: Any, cast: Any, worker: Any
) -> None:
    await post(client, cast.bob, "reeds")
    await act(client, cast.ada, cast.bob, "follow")
    await worker.settle()
    assert await home(client, cast.ada) == ["<p>reeds</p>"]
    await act(client, cast.ada, cast.bob, "unfollow")
    await worker.settle()
    assert await home(client, cast.ada) == []


async def test_a_locked_account_is_asked(client: Any, cast: Any) -> None:
    asked = await act(client, cast.ada, cast.zoe, "follow", notify="true")
    assert (asked["requested"], asked["following"], asked["notifying"]) == (True, False, True)
    assert (await between(client, cast.zoe, cast.ada))[0]["requested_by"]
    assert await counts(client, cast.zoe) == (0, 0)
    assert await listed(client, "/api/v1/follow_requests", cast.zoe) == ["ada"]

    path = f"/api/v1/follow_requests/{cast.ada.id}"
    let_in = await client.post(f"{path}/authorize", headers=cast.zoe.auth)
    assert let_in.status_code == 200
    assert let_in.json()["followed_by"]
    assert (await between(client, cast.ada, cast.zoe))[0]["notifying"]
    assert await counts(client, cast.zoe) == (1, 0)
    assert (await client.post(f"{path}/authorize", headers=cast.zoe.auth)).status_code == 404
    assert (await client.post(f"{path}/reject", headers=cast.zoe.auth)).status_code == 404


async def test_a_request_is_rejected_or_withdrawn(client: Any, cast: Any) -> None:
    await act(client, cast.ada, cast.zoe, "follow")
    rejected = await client.post(f"/api/v1/follow_requests/{cast.ada.id}/reject", headers=cast.zoe.auth)
    assert (rejected.json()["requested_by"], rejected.json()["followed_by"]) == (False, False)

    await act(client, cast.ada, cast.zoe, "follow")
    assert not (await act(client, cast.ada, cast.zoe, "unfollow"))["requested"]
    assert await listed(client, "/api/v1/follow_requests", cast.zoe) == []
    assert await counts(client, cast.zoe) == (0, 0)


async def test_unlocking_lets_in_everyone_who_waits(client: Any, cast: Any, worker: Any) -> None:
    for member in (cast.ada, cast.bob):
        await act(client, member, cast.zoe, "follow")
    unlocked = await client.patch(
        "/api/v1/accounts/update_credentials", headers=cast.zoe.auth, data={"locked": "false"}
    )
    assert unlocked.json()["source"]["follow_requests_count"] == 0
    assert await counts(client, cast.zoe) == (2, 0)
    assert await listed(client, f"/api/v1/accounts/{cast.zoe.id}/followers", cast.zoe) == ["bob", "ada"]
    await worker.settle()


async def test_who_cannot_be_followed(client: Any, cast: Any) -> None:
    assert (await act(client, cast.ada, cast.ada, "follow", 403))["error"] == "This action is not allowed"
    await act(client, cast.bob, cast.ada, "block")
    await act(client, cast.ada, cast.bob, "follow", 403)
    await act(client, cast.bob, cast.ada, "follow", 403)
    nobody = await client.post("/api/v1/accounts/1/follow", headers=cast.ada.auth)
    assert (nobody.status_code, nobody.json()) == (404, {"error": "Record not found"})


async def test_a_block_severs_everything(client: Any, cast: Any, worker: Any) -> None:
    ada, bob = cast.ada, cast.bob
    await post(client, bob, "reeds")
    await act(client, ada, bob, "follow")
    await act(client, bob, ada, "follow")
    await act(client, ada, bob, "endorse")
    made = (await client.post("/api/v1/lists", headers=ada.auth, data={"title": "friends"})).json()
    members = f"/api/v1/lists/{made['id']}/accounts"
    await client.post(members, headers=ada.auth, data={"account_ids[]": str(bob.id)})
    await worker.settle()
    assert await listed(client, members, ada) == ["bob"]

    blocked = await act(client, ada, bob, "block")
    await worker.settle()
    assert blocked["blocking"]
    assert not (blocked["following"] or blocked["followed_by"] or blocked["endorsed"])
    assert (await between(client, bob, ada))[0]["blocked_by"]
    assert await counts(client, ada) == (0, 0)
    assert await counts(client, bob) == (0, 0)
    assert await listed(client, members, ada) == []
    assert await listed(client, "/api/v1/blocks", ada) == ["bob"]
    assert await home(client, ada) == []
    await act(client, ada, bob, "block")

    assert not (await act(client, ada, bob, "unblock"))["blocking"]
    assert await home(client, ada) == []
    await act(client, ada, ada, "block", 403)


async def test_a_block_drops_requests_of_either_side(client: Any, cast: Any) -> None:
    await act(client, cast.ada, cast.zoe, "follow")
    await act(client, cast.zoe, cast.ada, "block")
    assert await listed(client, "/api/v1/follow_requests", cast.zoe) == []
    await act(client, cast.zoe, cast.ada, "unblock")
    await act(client, cast.ada, cast.zoe, "follow")
    await act(client, cast.ada, cast.zoe, "block")
    assert await listed(client, "/api/v1/follow_requests", cast.zoe) == []


async def test_a_mute_ends_by_itself(client: Any, cast: Any, at: Any) -> None:
    at(0)
    muted = await act(client, cast.ada, cast.bob, "mute", duration="60", notifications="0")
    assert (muted["muting"], muted["muting_notifications"]) == (True, False)
    assert len(muted["muting_expires_at"]) == len("2026-10-14T19:03:12Z")
    page = (await client.get("/api/v1/mutes", headers=cast.ada.auth)).json()
    assert [account["mute_expires_at"] for account in page] == [muted["muting_expires_at"]]
    at(61)
    over = (await between(client, cast.ada, cast.bob))[0]
    assert (over["muting"], over["muting_expires_at"]) == (False, None)
    assert await listed(client, "/api/v1/mutes", cast.ada) == []

    for_good = await act(client, cast.ada, cast.bob, "mute")
    assert (for_good["muting"], for_good["muting_notifications"]) == (True, True)
    assert for_good["muting_expires_at"] is None
    assert not (await act(client, cast.ada, cast.bob, "unmute"))["muting"]
    await act(client, cast.ada, cast.ada, "mute", 403)
    await act(client, cast.ada, cast.bob, "mute", 422, duration="-1")


async def test_a_follower_is_removed(client: Any, cast: Any, worker: Any) -> None:
    await act(client, cast.ada, cast.bob, "follow")
    await post(client, cast.bob, "reeds")
    await worker.settle()
    removed = await act(client, cast.bob, cast.ada, "remove_from_followers")
    await worker.settle()
    assert not removed["followed_by"]
    assert await counts(client, cast.bob) == (0, 0)
    assert await home(client, cast.ada) == []


async def test_a_private_note(client: Any, cast: Any) -> None:
    assert (await act(client, cast.ada, cast.bob, "note", comment="met at the market"))["note"] == (
        "met at the market"
    )
    assert (await between(client, cast.bob, cast.ada))[0]["note"] == ""
    assert (await act(client, cast.ada, cast.bob, "note", comment=""))["note"] == ""
    await act(client, cast.ada, cast.bob, "note", 422, comment="x" * 2001)


async def test_endorsements(client: Any, cast: Any) -> None:
    refused = await act(client, cast.ada, cast.bob, "endorse", 422)
    assert "following" in refused["error"]
    await act(client, cast.ada, cast.bob, "follow")
    assert (await act(client, cast.ada, cast.bob, "pin"))["endorsed"]
    assert await listed(client, "/api/v1/endorsements", cast.ada) == ["bob"]
    assert await listed(client, f"/api/v1/accounts/{cast.ada.id}/endorsements", cast.cat) == ["bob"]
    assert not (await act(client, cast.ada, cast.bob, "unpin"))["endorsed"]
    await act(client, cast.ada, cast.bob, "endorse")
    await act(client, cast.ada, cast.bob, "unfollow")
    assert await listed(client, "/api/v1/endorsements", cast.ada) == []


async def test_relationships_come_in_the_order_asked(client: Any, cast: Any) -> None:
    await act(client, cast.ada, cast.bob, "follow")
    found = await between(client, cast.ada, cast.cat, cast.bob, cast.ada)
    assert [one["id"] for one in found] == [str(cast.cat.id), str(cast.bob.id), str(cast.ada.id)]
    assert [one["following"] for one in found] == [False, True, False]
    scalar = await client.get(
        "/api/v1/accounts/relationships", headers=cast.ada.auth, params={"id": f"{cast.bob.id}"}
    )
    assert len(scalar.json()) == 1
    rubbish = await client.get(
        "/api/v1/accounts/relationships", headers=cast.ada.auth, params={"id[]": ["9" * 30, "x", "5"]}
    )
    assert (rubbish.status_code, rubbish.json()) == (200, [])


async def test_pages_go_by_the_row_that_relates(client: Any, cast: Any) -> None:
    names = ["bob", "cat", "dan", "eve", "fay"]
    for name in names:
        await act(client, getattr(cast, name), cast.ada, "follow")
    path = f"/api/v1/accounts/{cast.ada.id}/followers"
    first = await client.get(path, params={"limit": 2})
    assert [account["username"] for account in first.json()] == ["fay", "eve"]
    assert first.headers["link"].startswith(f"<https://roseau.test{path}?limit=2&max_id=")
    second = await client.get(first.links["next"]["url"])
    assert [account["username"] for account in second.json()] == ["dan", "cat"]
    third = await client.get(second.links["next"]["url"])
    assert [account["username"] for account in third.json()] == ["bob"]
    assert "next" not in third.links
    back = await client.get(third.links["prev"]["url"])
    assert [account["username"] for account in back.json()] == ["dan", "cat"]


async def test_domain_blocks(client: Any, cast: Any) -> None:
    for domain in ("Example.com", "bücher.example"):
        answer = await client.post("/api/v1/domain_blocks", headers=cast.ada.auth, data={"domain": domain})
        assert (answer.status_code, answer.json()) == (200, {})
    page = await client.get("/api/v1/domain_blocks", headers=cast.ada.auth)
    assert page.json() == ["xn--bcher-kva.example", "example.com"]
    gone = await client.request(
        "DELETE", "/api/v1/domain_blocks", headers=cast.ada.auth, data={"domain": "example.com"}
    )
    assert (gone.status_code, gone.json()) == (200, {})
    page = await client.get("/api/v1/domain_blocks", headers=cast.ada.auth)
    assert page.json() == ["xn--bcher-kva.example"]
    for domain in ("", "no spaces", "roseau.test", "../etc", "x" * 300):
        answer = await client.post("/api/v1/domain_blocks", headers=cast.ada.auth, data={"domain": domain})
        assert answer.status_code == 422, domain


async def test_another_language_than_a_code_is_refused(client: Any, cast: Any) -> None:
    await act(client, cast.ada, cast.bob, "follow", 422, **{"languages[]": "<b>"})
    assert not (await between(client, cast.ada, cast.bob))[0]["following"]
