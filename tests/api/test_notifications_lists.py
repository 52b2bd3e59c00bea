"""Reading notifications: pages, choices, counts, groups, policy and requests."""

from typing import Any

import pytest

from tests.api.test_notifications import GROUPS, PATH, Act, act, everybody, heard

pytestmark = pytest.mark.anyio
__all__ = ["act", "everybody"]


@pytest.fixture
async def told(client: Any, cast: Any, act: Act) -> list[str]:
    """Ada's notifications, newest first: a favourite of Carol's and of Bob's, a follow and two mentions."""
    posted = await act(cast.ada, "statuses", status="Hello")
    await act(cast.bob, "statuses", status="@ada one")
    await act(cast.carol, "statuses", status="@ada two")
    await act(cast.bob, f"accounts/{cast.ada.id}/follow")
    await act(cast.bob, f"statuses/{posted['id']}/favourite")
    await act(cast.carol, f"statuses/{posted['id']}/favourite")
    answer = await client.get(PATH, headers=cast.ada.auth)
    return [item["id"] for item in answer.json()]


async def test_choices(client: Any, cast: Any, told: list[str]) -> None:
    ada = cast.ada
    mentions = [("mention", "carol"), ("mention", "bob")]
    favourites = [("favourite", "carol"), ("favourite", "bob")]
    assert await heard(client, ada) == [*favourites, ("follow", "bob"), *mentions]
    assert await heard(client, ada, **{"types[]": "mention"}) == mentions
    assert (
        await heard(client, ada, **{"types[]": ["favourite", "mention", "rubbish"]}) == favourites + mentions
    )
    assert await heard(client, ada, **{"exclude_types[]": ["favourite", "mention"]}) == [("follow", "bob")]
    assert await heard(client, ada, account_id=cast.carol.id) == [favourites[0], mentions[0]]
    assert await heard(client, ada, account_id="9" * 18) == []


async def test_pages(client: Any, cast: Any, told: list[str]) -> None:
    async def page(**query: Any) -> list[str]:
        answer = await client.get(PATH, headers=cast.ada.auth, params=query)
        return [item["id"] for item in answer.json()]

    assert await page(limit=2) == told[:2]
    assert await page(limit=2, max_id=told[1]) == told[2:4]
    assert await page(limit=2, min_id=told[4]) == told[2:4]
    assert await page(limit=2, since_id=told[4]) == told[:2]
    answer = await client.get(PATH, headers=cast.ada.auth, params={"limit": 2, "types[]": "mention"})
    assert answer.headers["link"].startswith("<https://roseau.test/api/v1/notifications?")
    assert f"max_id={told[4]}" in answer.headers["link"]
    assert "types%5B%5D=mention" in answer.headers["link"]


async def test_one_and_other_peoples(client: Any, cast: Any, told: list[str], act: Act) -> None:
    one = await client.get(f"{PATH}/{told[0]}", headers=cast.ada.auth)
    assert (one.status_code, one.json()["id"]) == (200, told[0])
    assert (await client.get(f"{PATH}/{told[0]}", headers=cast.bob.auth)).status_code == 404
    taken = await client.post(f"{PATH}/{told[0]}/dismiss", headers=cast.bob.auth)
    assert taken.status_code == 404
    assert await act(cast.ada, f"notifications/{told[0]}/dismiss") == {}
    assert (await client.get(f"{PATH}/{told[0]}", headers=cast.ada.auth)).status_code == 404
    assert len(await heard(client, cast.ada)) == 4
    assert await act(cast.bob, "notifications/clear") == {}
    assert len(await heard(client, cast.ada)) == 4
    assert await act(cast.ada, "notifications/clear") == {}
    assert await heard(client, cast.ada) == []


async def test_how_many_are_unread(client: Any, cast: Any, told: list[str]) -> None:
    async def count(path: str, **query: Any) -> int:
        answer = await client.get(f"{path}/unread_count", headers=cast.ada.auth, params=query)
        number: int = answer.json()["count"]
        return number

    assert await count(PATH) == 5
    assert await count(PATH, limit=3) == 3
    assert await count(PATH, **{"types[]": "favourite"}) == 2
    # The two favourites are one group, and the follow another.
    assert await count(GROUPS) == 4
    assert await count(GROUPS, **{"grouped_types[]": "follow"}) == 5
    read = {"notifications": {"last_read_id": told[2]}}
    assert (await client.post("/api/v1/markers", headers=cast.ada.auth, json=read)).status_code == 200
    assert await count(PATH) == 2
    assert await count(GROUPS) == 1


async def test_groups(client: Any, cast: Any, told: list[str]) -> None:
    answer = await client.get(GROUPS, headers=cast.ada.auth)
    body = answer.json()
    groups = body["notification_groups"]
    assert [(group["type"], group["notifications_count"]) for group in groups] == [
        ("favourite", 2), ("follow", 1), ("mention", 1), ("mention", 1),
    ]  # fmt: skip
    favourites = groups[0]
    assert favourites["sample_account_ids"] == [str(cast.carol.id), str(cast.bob.id)]
    assert favourites["most_recent_notification_id"] == int(told[0])
    assert (favourites["page_max_id"], favourites["page_min_id"]) == (told[0], told[1])
    assert {account["acct"] for account in body["accounts"]} == {"bob", "carol"}
    assert favourites["status_id"] in {status["id"] for status in body["statuses"]}
    assert "status_id" not in groups[1]
    assert groups[2]["group_key"] == f"ungrouped-{told[3]}"
    first = await client.get(GROUPS, headers=cast.ada.auth, params={"limit": 1})
    assert [group["type"] for group in first.json()["notification_groups"]] == ["favourite"]
    after = await client.get(GROUPS, headers=cast.ada.auth, params={"limit": 2, "max_id": told[1]})
    assert [group["type"] for group in after.json()["notification_groups"]] == ["follow", "mention"]
    before = await client.get(GROUPS, headers=cast.ada.auth, params={"limit": 2, "min_id": told[4]})
    assert [group["type"] for group in before.json()["notification_groups"]] == ["follow", "mention"]
    single = await client.get(GROUPS, headers=cast.ada.auth, params={"grouped_types[]": "reblog"})
    assert len(single.json()["notification_groups"]) == 5
    partial = await client.get(GROUPS, headers=cast.ada.auth, params={"expand_accounts": "partial_avatars"})
    assert {account["acct"] for account in partial.json()["accounts"]} == {"bob", "carol"}


async def test_one_group(client: Any, cast: Any, told: list[str], act: Act) -> None:
    body = (await client.get(GROUPS, headers=cast.ada.auth)).json()
    keys = [group["group_key"] for group in body["notification_groups"]]
    for key, people in zip(keys, (["carol", "bob"], ["bob"], ["carol"], ["bob"]), strict=True):
        one = (await client.get(f"{GROUPS}/{key}", headers=cast.ada.auth)).json()
        assert [group["group_key"] for group in one["notification_groups"]] == [key]
        assert one["notification_groups"][0]["notifications_count"] == len(people)
        listed = await client.get(f"{GROUPS}/{key}/accounts", headers=cast.ada.auth)
        assert [account["acct"] for account in listed.json()] == people
        assert (await client.get(f"{GROUPS}/{key}", headers=cast.bob.auth)).status_code == 404
        await client.post(f"{GROUPS}/{key}/dismiss", headers=cast.bob.auth)
    assert len(await heard(client, cast.ada)) == 5
    for key in (keys[0], keys[3]):
        dismissed = await client.post(f"{GROUPS}/{key}/dismiss", headers=cast.ada.auth)
        assert dismissed.json() == {}
        assert (await client.get(f"{GROUPS}/{key}", headers=cast.ada.auth)).status_code == 404
    assert await heard(client, cast.ada) == [("follow", "bob"), ("mention", "carol")]
    for rubbish in ("x", "ungrouped-", "ungrouped-x", "ungrouped-" + "9" * 30, "favourite-1-1"):
        assert (await client.get(f"{GROUPS}/{rubbish}", headers=cast.ada.auth)).status_code == 404


# Policy and requests


async def test_the_policy(client: Any, cast: Any) -> None:
    policy = (await client.get(f"{GROUPS}/policy", headers=cast.ada.auth)).json()
    summary = policy.pop("summary")
    assert summary == {"pending_requests_count": 0, "pending_notifications_count": 0}
    assert set(policy.values()) == {"accept"}
    changed = await client.patch(
        f"{GROUPS}/policy", headers=cast.ada.auth, data={"for_not_following": "filter", "for_bots": "drop"}
    )
    expected = policy | {"for_not_following": "filter", "for_bots": "drop", "summary": summary}
    assert changed.json() == expected
    assert (await client.get(f"{GROUPS}/policy", headers=cast.ada.auth)).json() == expected
    old = await client.put(
        f"{PATH}/policy",
        headers=cast.ada.auth,
        data={"filter_not_following": "false", "filter_new_accounts": "1"},
    )
    assert old.json() == {
        "filter_not_following": False, "filter_not_followers": False, "filter_new_accounts": True,
        "filter_private_mentions": False, "summary": summary,
    }  # fmt: skip
    wrong = await client.patch(f"{GROUPS}/policy", headers=cast.ada.auth, data={"for_bots": "maybe"})
    assert wrong.status_code == 422


#: A choice of Ada's -> who of those that mention her in private is held back: Bob follows her, she follows
#: Carol, Dan is a stranger, and Olga is of the team.
HELD_BACK = {
    "for_not_following": {"bob", "dan"},
    "for_not_followers": {"carol", "dan"},
    "for_new_accounts": {"bob", "dan"},
    "for_private_mentions": {"bob", "dan"},
    "for_limited_accounts": set(),
    "for_bots": set(),
}


@pytest.mark.parametrize("choice", HELD_BACK)
@pytest.mark.parametrize("what", ["filter", "drop"])
async def test_what_is_held_back(client: Any, cast: Any, act: Act, choice: str, what: str) -> None:
    await act(cast.bob, f"accounts/{cast.ada.id}/follow")
    await act(cast.ada, f"accounts/{cast.carol.id}/follow")
    await act(cast.ada, "notifications/clear")
    await client.patch(f"{GROUPS}/policy", headers=cast.ada.auth, data={choice: what})
    for who in (cast.bob, cast.carol, cast.dan, cast.olga):
        await act(who, "statuses", status="@ada psst", visibility="direct")
    everyone = {"bob", "carol", "dan", "olga"}
    assert {who for _, who in await heard(client, cast.ada)} == everyone - HELD_BACK[choice]
    asked = (await client.get(f"{PATH}/requests", headers=cast.ada.auth)).json()
    held = HELD_BACK[choice] if what == "filter" else set()
    assert {request["account"]["acct"] for request in asked} == held
    with_filtered = await heard(client, cast.ada, include_filtered="true")
    assert {who for _, who in with_filtered} == everyone - HELD_BACK[choice] | held


async def test_requests(client: Any, cast: Any, act: Act) -> None:
    await client.patch(f"{GROUPS}/policy", headers=cast.ada.auth, data={"for_not_following": "filter"})
    posted = [await act(cast.bob, "statuses", status=f"@ada {number}") for number in range(2)]
    await act(cast.carol, "statuses", status="@ada hello")
    await act(cast.dan, "statuses", status="@ada hello")
    assert await heard(client, cast.ada) == []
    assert (await client.get(f"{PATH}/unread_count", headers=cast.ada.auth)).json() == {"count": 0}
    policy = (await client.get(f"{GROUPS}/policy", headers=cast.ada.auth)).json()
    assert policy["summary"] == {"pending_requests_count": 3, "pending_notifications_count": 4}
    asked = (await client.get(f"{PATH}/requests", headers=cast.ada.auth)).json()
    of_bob = next(request for request in asked if request["account"]["acct"] == "bob")
    assert (of_bob["notifications_count"], of_bob["last_status"]["id"]) == ("2", posted[1]["id"])
    one = await client.get(f"{PATH}/requests/{of_bob['id']}", headers=cast.ada.auth)
    assert one.json() == of_bob
    assert (await client.get(f"{PATH}/requests/{of_bob['id']}", headers=cast.carol.auth)).status_code == 404
    refused = await client.post(f"{PATH}/requests/{of_bob['id']}/accept", headers=cast.carol.auth)
    assert refused.status_code == 404
    assert await act(cast.ada, f"notifications/requests/{of_bob['id']}/accept") == {}
    assert await heard(client, cast.ada) == [("mention", "bob")] * 2
    await act(cast.bob, "statuses", status="@ada from now on")
    assert await heard(client, cast.ada) == [("mention", "bob")] * 3
    others = [request["id"] for request in asked if request["id"] != of_bob["id"]]
    assert await act(cast.ada, "notifications/requests/dismiss", id=others) == {}
    assert (await client.get(f"{PATH}/requests", headers=cast.ada.auth)).json() == []
    await act(cast.carol, "statuses", status="@ada please")
    assert await act(cast.ada, "notifications/requests/accept", id=others) == {}
    assert (await heard(client, cast.ada))[0] == ("mention", "carol")
    merged = await client.get(f"{PATH}/requests/merged", headers=cast.ada.auth)
    assert merged.json() == {"merged": True}
