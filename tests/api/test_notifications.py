"""Notifications through the API: who hears of what, one by one, in groups, and by policy."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import bindparam, update

from roseau.domain.events import StatusPosted
from roseau.domain.notifications import telling
from roseau.storage import events
from roseau.storage.schema.accounts import accounts
from roseau.storage.statements import statement

pytestmark = pytest.mark.anyio

PATH = "/api/v1/notifications"
GROUPS = "/api/v2/notifications"
SUSPEND = statement(
    update(accounts).where(accounts.c.id == bindparam("who")).values(suspended_at=bindparam("at"))
)

Act = Callable[..., Awaitable[Any]]


@pytest.fixture(autouse=True)
def everybody(cast: Any) -> None:
    """Posts can mention them before they have done anything."""
    for name in ("ada", "bob", "carol", "dan", "eve", "zoe"):
        getattr(cast, name)


@pytest.fixture
def act(client: Any, worker: Any) -> Act:
    """Do something through the API, and let what follows from it happen."""

    async def act(member: Any, path: str, method: str = "POST", **form: Any) -> Any:
        answer = await client.request(method, f"/api/v1/{path}", headers=member.auth, json=form)
        assert answer.status_code == 200, answer.text
        await worker.settle()
        return answer.json()

    return act


async def heard(client: Any, member: Any, **query: Any) -> list[tuple[str, str]]:
    """Of what, and from whom, newest first."""
    answer = await client.get(PATH, headers=member.auth, params=query)
    assert answer.status_code == 200, answer.text
    return [(item["type"], item["account"]["acct"]) for item in answer.json()]


# Who hears of what


async def test_a_mention(client: Any, cast: Any, act: Act) -> None:
    posted = await act(cast.bob, "statuses", status="@ada @zoe @bob hello")
    for member in (cast.ada, cast.zoe):
        [item] = (await client.get(PATH, headers=member.auth)).json()
        assert (item["type"], item["status"]["id"]) == ("mention", posted["id"])
        assert item["group_key"] == f"ungrouped-{item['id']}"
        assert item["created_at"].endswith("Z")
        assert item["status"]["favourited"] is False
    assert await heard(client, cast.bob) == []


async def test_a_favourite_and_a_reblog(client: Any, cast: Any, act: Act) -> None:
    posted = await act(cast.ada, "statuses", status="Hello")
    for deed in ("favourite", "reblog"):
        await act(cast.bob, f"statuses/{posted['id']}/{deed}")
        await act(cast.ada, f"statuses/{posted['id']}/{deed}")
    assert await heard(client, cast.ada) == [("reblog", "bob"), ("favourite", "bob")]
    answer = await client.get(PATH, headers=cast.ada.auth)
    assert {item["status"]["id"] for item in answer.json()} == {posted["id"]}
    await act(cast.bob, f"statuses/{posted['id']}/unfavourite")
    assert await heard(client, cast.ada) == [("reblog", "bob")]
    await act(cast.bob, f"statuses/{posted['id']}/unreblog")
    assert await heard(client, cast.ada) == []


async def test_follows_and_requests(client: Any, cast: Any, act: Act) -> None:
    await act(cast.bob, f"accounts/{cast.ada.id}/follow")
    await act(cast.bob, f"accounts/{cast.zoe.id}/follow")
    assert await heard(client, cast.ada) == [("follow", "bob")]
    assert await heard(client, cast.zoe) == [("follow_request", "bob")]
    [item] = (await client.get(PATH, headers=cast.ada.auth)).json()
    assert "status" not in item
    await act(cast.bob, f"accounts/{cast.ada.id}/unfollow")
    await act(cast.bob, f"accounts/{cast.zoe.id}/unfollow")
    assert await heard(client, cast.ada) == []
    assert await heard(client, cast.zoe) == []


async def test_posts_of_those_one_asked_about(client: Any, cast: Any, act: Act) -> None:
    await act(cast.ada, f"accounts/{cast.bob.id}/follow", notify=True)
    await act(cast.carol, f"accounts/{cast.bob.id}/follow")
    other = await act(cast.dan, "statuses", status="Hello")
    await act(cast.bob, "statuses", status="A post")
    await act(cast.bob, "statuses", status="For friends", visibility="private")
    await act(cast.bob, "statuses", status="@ada by name")
    await act(cast.bob, "statuses", status="@dan an answer", in_reply_to_id=other["id"])
    await act(cast.bob, "statuses", status="@dan direct", visibility="direct")
    await act(cast.bob, f"statuses/{other['id']}/reblog")
    assert await heard(client, cast.ada) == [("mention", "bob"), ("status", "bob"), ("status", "bob")]
    assert await heard(client, cast.carol) == []


async def test_edits(client: Any, cast: Any, act: Act) -> None:
    posted = await act(cast.ada, "statuses", status="First")
    await act(cast.bob, f"statuses/{posted['id']}/reblog")
    await act(cast.carol, f"statuses/{posted['id']}/favourite")
    await act(cast.ada, f"statuses/{posted['id']}", "PUT", status="Second @dan")
    await act(cast.ada, f"statuses/{posted['id']}", "PUT", status="Third @dan")
    assert await heard(client, cast.bob) == [("update", "ada")]
    assert await heard(client, cast.carol) == [("update", "ada")]
    assert await heard(client, cast.dan) == [("mention", "ada")]
    assert await heard(client, cast.eve) == []


async def test_the_end_of_a_poll(client: Any, cast: Any, act: Act, worker: Any, at: Any) -> None:
    poll = {"options": ["a", "b"], "expires_in": 600}
    posted = await act(cast.ada, "statuses", status="?", poll=poll)
    await act(cast.bob, f"polls/{posted['poll']['id']}/votes", choices=[0])
    assert await heard(client, cast.ada, **{"types[]": "poll"}) == []
    at(601)
    await worker.settle()
    assert await heard(client, cast.ada) == [("poll", "ada")]
    assert await heard(client, cast.bob) == [("poll", "ada")]
    assert await heard(client, cast.carol) == []


async def test_sign_ups_are_for_the_team(client: Any, cast: Any, worker: Any) -> None:
    cast.join("moses", role="moderator")
    apps = await client.post(
        "/api/v1/apps",
        json={"client_name": "x", "redirect_uris": "urn:ietf:wg:oauth:2.0:oob", "scopes": "read write"},
    )
    token = await client.post(
        "/oauth/token",
        json={
            "grant_type": "client_credentials", "client_id": apps.json()["client_id"],
            "client_secret": apps.json()["client_secret"], "scope": "read write",
        },
    )  # fmt: skip
    olga, ada = cast.olga, cast.ada
    signed = await client.post(
        "/api/v1/accounts",
        headers={"Authorization": f"Bearer {token.json()['access_token']}"},
        json={
            "username": "newcomer",
            "email": "n@x.test",
            "password": "correct horse",
            "agreement": True,
            "locale": "en",
        },
    )
    assert signed.status_code == 200, signed.text
    await worker.settle()
    assert await heard(client, olga) == [("admin.sign_up", "newcomer")]
    assert await heard(client, ada) == []


# Who does not


async def _mute(act: Act, cast: Any) -> None:
    await act(cast.ada, f"accounts/{cast.bob.id}/mute")


async def _mute_but_hear(act: Act, cast: Any) -> None:
    await act(cast.ada, f"accounts/{cast.bob.id}/mute", notifications=False)


async def _block(act: Act, cast: Any) -> None:
    await act(cast.ada, f"accounts/{cast.bob.id}/block")


async def _nothing(act: Act, cast: Any) -> None:
    return


@pytest.mark.parametrize(
    ("prepare", "hears"), [(_nothing, True), (_mute_but_hear, True), (_mute, False), (_block, False)]
)
async def test_muted_and_blocked(client: Any, cast: Any, act: Act, prepare: Any, hears: bool) -> None:
    await prepare(act, cast)
    await act(cast.bob, "statuses", status="@ada are you there?")
    assert await heard(client, cast.ada) == ([("mention", "bob")] if hears else [])


async def test_a_mute_that_ended(client: Any, cast: Any, act: Act, at: Any) -> None:
    await act(cast.ada, f"accounts/{cast.bob.id}/mute", duration=60)
    await act(cast.bob, "statuses", status="@ada one")
    at(61)
    await act(cast.bob, "statuses", status="@ada two")
    assert await heard(client, cast.ada) == [("mention", "bob")]


async def test_a_block_takes_back_what_was_told(client: Any, cast: Any, act: Act) -> None:
    await act(cast.bob, "statuses", status="@ada one")
    await act(cast.carol, "statuses", status="@ada two")
    await act(cast.ada, f"accounts/{cast.bob.id}/block")
    assert await heard(client, cast.ada) == [("mention", "carol")]


async def test_the_blocked_do_not_hear_of_their_blocker(client: Any, cast: Any, act: Act) -> None:
    await act(cast.ada, f"accounts/{cast.bob.id}/block")
    await act(cast.ada, "statuses", status="@bob listen")
    assert await heard(client, cast.bob) == []


async def test_a_muted_conversation(client: Any, cast: Any, act: Act) -> None:
    posted = await act(cast.ada, "statuses", status="Hello")
    await act(cast.ada, f"statuses/{posted['id']}/mute")
    answer = await act(cast.bob, "statuses", status="@ada no", in_reply_to_id=posted["id"])
    await act(cast.carol, f"statuses/{posted['id']}/favourite")
    assert await heard(client, cast.ada) == []
    await act(cast.ada, f"statuses/{answer['id']}/unmute")
    await act(cast.bob, "statuses", status="@ada yes", in_reply_to_id=posted["id"])
    assert ("mention", "bob") in await heard(client, cast.ada)


async def test_hidden_reblogs_are_not_told(client: Any, cast: Any, act: Act) -> None:
    await act(cast.ada, f"accounts/{cast.bob.id}/follow", reblogs=False)
    posted = await act(cast.ada, "statuses", status="Hello")
    await act(cast.bob, f"statuses/{posted['id']}/reblog")
    await act(cast.carol, f"statuses/{posted['id']}/reblog")
    assert await heard(client, cast.ada) == [("reblog", "carol")]


async def test_the_suspended_are_not_heard(client: Any, cast: Any, act: Act, server: Any) -> None:
    await act(cast.bob, f"accounts/{cast.ada.id}/follow")
    assert await heard(client, cast.ada) == [("follow", "bob")]
    await server.database.write(lambda tx: tx.run(SUSPEND, who=cast.bob.id, at=tx.now))
    assert await heard(client, cast.ada) == []


async def test_deleting_a_post_takes_back_what_was_told_of_it(client: Any, cast: Any, act: Act) -> None:
    posted = await act(cast.ada, "statuses", status="@carol hello")
    await act(cast.bob, f"statuses/{posted['id']}/favourite")
    await act(cast.bob, f"statuses/{posted['id']}/reblog")
    await act(cast.ada, f"statuses/{posted['id']}", "DELETE")
    for member in (cast.ada, cast.carol):
        assert await heard(client, member) == []
        count = await client.get(f"{PATH}/unread_count", headers=member.auth)
        assert count.json() == {"count": 0}


async def test_the_same_event_twice_is_told_once(
    client: Any, cast: Any, act: Act, server: Any, worker: Any
) -> None:
    await act(cast.bob, "statuses", status="@ada hello")
    [item] = (await client.get(PATH, headers=cast.ada.auth)).json()
    await act(cast.ada, f"notifications/{item['id']}/dismiss")
    await server.database.write(lambda tx: events.move_cursor(tx, "notifications", 0))
    await worker.settle()
    assert await heard(client, cast.ada) == []


async def test_fifty_mentions_are_a_few_statements(
    client: Any, cast: Any, server: Any, worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [getattr(cast, f"n{number}").username for number in range(50)]
    answer = await client.post(
        "/api/v1/statuses", headers=cast.ada.auth, json={"status": " ".join(f"@{name}" for name in names)}
    )
    status_id = int(answer.json()["id"])
    asked: list[Any] = []

    def tell(tx: Any) -> None:
        for name in ("all", "run", "run_many"):
            monkeypatch.setattr(type(tx), name, _counted(getattr(type(tx), name), asked))
        telling.tell_of_post(tx, server.site, StatusPosted(status_id, cast.ada.id))

    await server.database.write(tell)
    told = len(asked)
    monkeypatch.undo()
    assert told <= 7
    await worker.settle()
    assert await heard(client, cast.n49) == [("mention", "ada")]


def _counted(method: Any, asked: list[Any]) -> Any:
    def count(tx: Any, statement: Any, *args: Any, **parameters: Any) -> Any:
        asked.append(statement)
        return method(tx, statement, *args, **parameters)

    return count
