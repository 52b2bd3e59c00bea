"""Editing a status, its history and its source, through the API."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from roseau.domain.events import StatusEdited
from roseau.kernel import ids
from roseau.storage.events import list_events
from roseau.storage.schema.media import media_attachments
from roseau.storage.schema.statuses import mentions
from roseau.storage.statements import insertion, statement
from tests.api.acting import act, follow, post, read

pytestmark = pytest.mark.anyio

_insert_media = insertion(
    media_attachments, "id account_id state content_type file small_file meta description created_at"
)
_mentioned = statement(select(mentions.c.account_id, mentions.c.silent).order_by(mentions.c.account_id))


def picture(server: Any, member: Any, description: str | None = "A reed") -> str:
    """The id of an upload that is ready to be attached."""
    media_id = ids.new_id()

    def add(tx: Any) -> None:
        tx.run(
            _insert_media, id=media_id, account_id=member.id, state="ready", content_type="image/png",
            file=f"{media_id}.png", small_file=f"{media_id}s.png", description=description, created_at=tx.now,
            meta='{"original":{"width":2,"height":2}}',
        )  # fmt: skip

    server.database.write_now(add)
    return str(media_id)


async def edit(client: Any, member: Any, status: dict[str, Any], /, **params: Any) -> Any:
    """The answer to the edit."""
    return await client.put(f"/api/v1/statuses/{status['id']}", headers=member.auth, json=params)


async def edited(client: Any, member: Any, status: dict[str, Any], /, **params: Any) -> Any:
    """The status as edited."""
    answer = await edit(client, member, status, **params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def edits_in_log(server: Any) -> int:
    """How many edits the log of events tells of."""
    return sum(row.kind == StatusEdited.__name__ for row in server.database.read_now(list_events, 0, 1_000))


async def test_an_edit_is_seen_and_leaves_the_original_behind(
    client: Any, cast: Any, server: Any, at: Any
) -> None:
    status = await post(client, cast.ada, "the reed #bends", spoiler_text="Plants", language="fr")
    path = f"/api/v1/statuses/{status['id']}"
    (original,) = await read(client, cast.bob, f"{path}/history")
    assert original["content"] == status["content"]
    assert original["created_at"] == status["created_at"]
    at(60)
    after = await edited(client, cast.ada, status, status="the oak breaks", sensitive=True)
    assert "the oak breaks" in after["content"]
    assert (after["spoiler_text"], after["sensitive"], after["tags"]) == ("", True, [])
    # What was not given is cleared, but for the language; visibility and the time of posting stay.
    assert after["language"] == "fr"
    assert after["edited_at"] > status["created_at"] == after["created_at"]
    assert after["visibility"] == status["visibility"]
    assert after == await read(client, cast.ada, path)

    first, second = await read(client, None, f"{path}/history")
    assert first == original
    assert (first["spoiler_text"], first["sensitive"]) == ("Plants", False)
    assert (second["content"], second["created_at"]) == (after["content"], after["edited_at"])
    assert second["account"]["username"] == "ada"
    assert second["media_attachments"] == second["emojis"] == []
    assert "poll" not in second
    source = await read(client, cast.bob, f"{path}/source")
    assert source == {"id": status["id"], "text": "the oak breaks", "spoiler_text": ""}
    assert edits_in_log(server) == 1


async def test_an_edit_without_a_change_is_none(client: Any, cast: Any, server: Any) -> None:
    media = [picture(server, cast.ada), picture(server, cast.ada)]
    status = await post(
        client, cast.ada, "Same", spoiler_text="CW", sensitive=True, media_ids=media,
        poll={"options": ["yes", "no"], "expires_in": 600},
    )  # fmt: skip
    same = await edited(
        client, cast.ada, status, status="Same", spoiler_text="CW", sensitive=True, media_ids=media,
        media_attributes=[{"id": media[0], "description": "A reed"}],
        poll={"options": ["yes", "no"], "expires_in": 600},
    )  # fmt: skip
    assert same["edited_at"] is None
    del same["poll"]["expires_at"], status["poll"]["expires_at"]
    assert same == status
    assert len(await read(client, cast.ada, f"/api/v1/statuses/{status['id']}/history")) == 1
    assert edits_in_log(server) == 0


async def test_a_warning_makes_it_sensitive_unless_said_otherwise(client: Any, cast: Any) -> None:
    status = await post(client, cast.ada)
    assert (await edited(client, cast.ada, status, status="a", spoiler_text="CW"))["sensitive"] is True
    said = await edited(client, cast.ada, status, status="b", spoiler_text="CW", sensitive="0")
    assert said["sensitive"] is False
    assert (await edited(client, cast.ada, status, status="c"))["sensitive"] is False


async def test_media_are_kept_dropped_and_described_anew(client: Any, cast: Any, server: Any) -> None:
    first, second, third = (picture(server, cast.ada) for _ in range(3))
    status = await post(client, cast.ada, "Pictures", media_ids=[first, second])
    after = await edited(
        client, cast.ada, status, status="Pictures", media_ids=[third, first],
        media_attributes=[
            {"id": first, "description": "Two reeds", "focus": "0.2,-0.1"},
            {"id": second, "description": "not attached any more"},
        ],
    )  # fmt: skip
    assert [item["id"] for item in after["media_attachments"]] == [third, first]
    described = after["media_attachments"][1]
    assert described["description"] == "Two reeds"
    assert described["meta"]["focus"] == {"x": 0.2, "y": -0.1}
    before, now = await read(client, cast.ada, f"/api/v1/statuses/{status['id']}/history")
    assert [item["id"] for item in before["media_attachments"]] == [first, second]
    assert before["media_attachments"][0]["description"] == "A reed"
    assert [item["id"] for item in now["media_attachments"]] == [third, first]

    # What was taken out is free for another status; the history forgets it once it is gone.
    other = await post(client, cast.ada, "Another", media_ids=[second])
    assert other["media_attachments"][0]["description"] == "A reed"
    gone = f"/api/v1/statuses/{other['id']}?delete_media=true"
    assert (await client.delete(gone, headers=cast.ada.auth)).status_code == 200
    before, _ = await read(client, cast.ada, f"/api/v1/statuses/{status['id']}/history")
    assert [item["id"] for item in before["media_attachments"]] == [first]

    without = await edited(client, cast.ada, status, status="No pictures")
    assert without["media_attachments"] == []


async def test_media_of_others_cannot_be_taken(client: Any, cast: Any, server: Any) -> None:
    theirs, attached = picture(server, cast.bob), picture(server, cast.ada)
    await post(client, cast.ada, "Has it", media_ids=[attached])
    status = await post(client, cast.ada, "Wants it")
    for media_id in (theirs, attached, "77"):
        answer = await edit(client, cast.ada, status, status="Mine now", media_ids=[media_id])
        assert answer.status_code == 422
    assert (await read(client, cast.ada, f"/api/v1/statuses/{status['id']}"))["edited_at"] is None
    long = [{"id": attached, "description": "x" * 1501}]
    status = await post(client, cast.ada, "Says too much", media_ids=[mine := picture(server, cast.ada)])
    long[0]["id"] = mine
    answer = await edit(client, cast.ada, status, status="", media_ids=[mine], media_attributes=long)
    assert answer.status_code == 422


async def test_another_question_begins_without_votes(client: Any, cast: Any) -> None:
    asked = {"options": ["yes", "no"], "expires_in": 600}
    status = await post(client, cast.ada, "Well?", poll=asked)
    votes = f"/api/v1/polls/{status['poll']['id']}/votes"
    assert (await client.post(votes, headers=cast.bob.auth, json={"choices": [0]})).status_code == 200

    longer = await edited(client, cast.ada, status, status="Well?", poll=asked | {"expires_in": 6_000})
    assert longer["edited_at"] is None
    assert longer["poll"]["expires_at"] > status["poll"]["expires_at"]
    assert longer["poll"]["votes_count"] == 1

    changed = await edited(
        client, cast.ada, status, status="Well?", poll=asked | {"options": ["yes", "no", "so"]}
    )
    assert changed["poll"]["id"] == status["poll"]["id"]
    assert [option["title"] for option in changed["poll"]["options"]] == ["yes", "no", "so"]
    assert (changed["poll"]["votes_count"], changed["poll"]["voters_count"]) == (0, 0)
    assert (await client.post(votes, headers=cast.bob.auth, json={"choices": [2]})).status_code == 200
    multiple = await edited(
        client, cast.ada, status, status="Well?",
        poll=asked | {"options": ["yes", "no", "so"], "multiple": True},
    )  # fmt: skip
    assert (multiple["poll"]["multiple"], multiple["poll"]["votes_count"]) == (True, 0)

    without = await edited(client, cast.ada, status, status="Well.")
    assert without["poll"] is None
    assert (await client.get(f"/api/v1/polls/{status['poll']['id']}")).status_code == 404
    back = await edited(client, cast.ada, status, status="Well?", poll=asked)
    assert back["poll"]["id"] != status["poll"]["id"]
    history = await read(client, cast.bob, f"/api/v1/statuses/{status['id']}/history")
    assert [len(entry["poll"]["options"]) if "poll" in entry else 0 for entry in history] == [2, 3, 3, 0, 2]
    assert history[0]["poll"] == {"options": [{"title": "yes"}, {"title": "no"}]}


async def test_who_is_mentioned_newly_sees_it_and_who_saw_it_keeps_it(
    client: Any, cast: Any, server: Any
) -> None:
    assert cast.bob.id < cast.eve.id  # both are here before they are named
    status = await post(client, cast.ada, "Hello @bob", visibility="direct")
    after = await edited(client, cast.ada, status, status="Hello @eve")
    assert [mention["username"] for mention in after["mentions"]] == ["eve"]
    path = f"/api/v1/statuses/{status['id']}"
    for reader in (cast.bob, cast.eve):
        assert (await read(client, reader, path))["content"] == after["content"]
    rows = {row.account_id: row.silent for row in server.database.read_now(lambda tx: tx.all(_mentioned))}
    assert rows == {cast.bob.id: True, cast.eve.id: False}
    await edited(client, cast.ada, status, status="Hello @bob again")
    rows = {row.account_id: row.silent for row in server.database.read_now(lambda tx: tx.all(_mentioned))}
    assert rows == {cast.bob.id: False, cast.eve.id: True}


async def test_only_ones_own_words_can_be_edited(client: Any, cast: Any, server: Any) -> None:
    follow(server, cast.bob, cast.ada)
    status = await post(client, cast.ada)
    reblog = (await act(client, cast.bob, status, "reblog")).json()
    for member, target in ((cast.bob, status), (cast.bob, reblog), (cast.ada, {"id": "77"})):
        answer = await edit(client, member, target, status="Mine")
        assert (answer.status_code, answer.json()) == (404, {"error": "Record not found"})
    assert (await edit(client, cast.ada, status)).status_code == 422
    assert (await edit(client, cast.ada, status, status="x" * 2001)).status_code == 422
    unchanged = await read(client, cast.ada, f"/api/v1/statuses/{status['id']}")
    assert (unchanged["content"], unchanged["edited_at"]) == (status["content"], None)


async def test_the_kind_of_text_stays_unless_given(client: Any, cast: Any) -> None:
    status = await post(client, cast.ada, "**bold**", content_type="text/markdown")
    assert "<strong>" in status["content"]
    assert "<strong>" in (await edited(client, cast.ada, status, status="**bolder**"))["content"]
    plain = await edited(client, cast.ada, status, status="**bolder**", content_type="text/plain")
    assert "<strong>" not in plain["content"]


async def test_edits_at_once_are_all_in_the_history(client: Any, cast: Any) -> None:
    status = await post(client, cast.ada)
    answers = await asyncio.gather(
        *(edit(client, cast.ada, status, status=f"Version {number}") for number in range(6))
    )
    assert {answer.status_code for answer in answers} == {200}
    history = await read(client, cast.ada, f"/api/v1/statuses/{status['id']}/history")
    assert len(history) == 7
    now = await read(client, cast.ada, f"/api/v1/statuses/{status['id']}")
    assert history[-1]["content"] == now["content"]
