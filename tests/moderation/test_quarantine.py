"""Quarantine: what is removed is taken out of the tables and out of reach, and put back as it was."""

import json
from typing import Any

import pytest

from roseau.domain.media.cleanup import sweep
from roseau.domain.moderation.decisions.drafts import MeasureDraft
from roseau.domain.moderation.decisions.reversing import reverse_own
from roseau.domain.moderation.measures.quarantine import find_quarantined
from roseau.storage.statements import statements
from tests.api.test_media import upload
from tests.media.pictures import draw, encode
from tests.moderation.acting import decide_on, make_moderator, make_post, remove, report, rows
from tests.moderation.test_deciding import seen_by

pytestmark = pytest.mark.anyio

SECRET = "Rue des Lilas 7"


async def post(client: Any, who: Any, **fields: Any) -> Any:
    answer = await client.post("/api/v1/statuses", headers=who.auth, json=fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def fetch(client: Any, url: str) -> int:
    return int((await client.get(url)).status_code)


def put_back(server: Any, moderator: Any, decision_id: int) -> int:
    facts = "Looked at again: it is a quotation."
    return int(server.database.write_now(reverse_own, server.site, moderator.id, decision_id, facts))


def all_words(server: Any) -> str:
    """Everything that the tables of a status say in clear."""
    questions = (
        "SELECT text, content, spoiler_text FROM statuses",
        "SELECT text, content, spoiler_text, media, poll_options FROM status_edits",
        "SELECT title FROM poll_options",
        "SELECT description FROM media_attachments",
    )
    return repr([rows(server, question) for question in questions])


async def test_everything_readable_is_sealed_and_comes_back(
    client: Any, server: Any, cast: Any, worker: Any, at: Any
) -> None:
    mona = make_moderator(cast)
    picture = (await upload(client, cast.ada, description=f"The door of {SECRET}")).json()
    entity = await post(
        client, cast.ada, status=f"She lives at {SECRET} #paris", spoiler_text=SECRET,
        media_ids=[picture["id"]],
    )  # fmt: skip
    status = int(entity["id"])
    path = f"/api/v1/statuses/{status}"
    edit = {"status": f"No: {SECRET}, left", "spoiler_text": SECRET, "media_ids": [picture["id"]]}
    assert (await client.put(path, headers=cast.ada.auth, json=edit)).status_code == 200
    await client.post(f"{path}/pin", headers=cast.ada.auth)
    await client.post(f"{path}/favourite", headers=cast.bob.auth)
    await client.post(f"{path}/reblog", headers=cast.bob.auth)
    await worker.settle()
    before = (await client.get(path)).json()
    history = (await client.get(f"{path}/history")).json()
    pinned = f"/api/v1/accounts/{cast.ada.id}/statuses?pinned=true"
    assert len((await client.get(pinned)).json()) == 1
    assert SECRET in all_words(server)

    decided = decide_on(server, mona, report(server, cast.zoe, status).case_ids[0], remove(status))
    await worker.settle()
    assert SECRET not in all_words(server)
    assert (await client.get(pinned)).json() == []
    assert not await seen_by(client, status, cast.ada)
    contents = server.database.read_now(find_quarantined, server.site, status)
    assert SECRET in contents.text and SECRET in contents.edits[0].text

    at(60)
    await worker.settle()
    put_back(server, mona, decided.decision_id)
    await worker.settle()
    assert (await client.get(path)).json() == before
    assert (await client.get(f"{path}/history")).json() == history
    assert len((await client.get(pinned)).json()) == 1
    home = (await client.get("/api/v1/timelines/home", headers=cast.ada.auth)).json()
    assert [item["id"] for item in home] == [str(status)]
    found = await client.get("/api/v2/search?q=left&type=statuses", headers=cast.ada.auth)
    assert [item["id"] for item in found.json()["statuses"]] == [str(status)]
    counts = (await client.get(f"/api/v1/accounts/{cast.bob.id}")).json()
    assert counts["statuses_count"] == 1
    assert server.database.read_now(find_quarantined, server.site, status) is None


async def test_the_choices_of_a_poll_are_sealed_and_votes_are_kept(
    client: Any, server: Any, cast: Any, at: Any
) -> None:
    mona = make_moderator(cast)
    poll = {"options": [SECRET, "nowhere"], "expires_in": 3600}
    entity = await post(client, cast.ada, status="Where?", poll=poll)
    vote = f"/api/v1/polls/{entity['poll']['id']}/votes"
    await client.post(vote, headers=cast.bob.auth, json={"choices": [0]})
    before = (await client.get(f"/api/v1/statuses/{entity['id']}")).json()
    status = int(entity["id"])
    decided = decide_on(server, mona, report(server, cast.zoe, status).case_ids[0], remove(status))
    assert SECRET not in all_words(server)
    assert (await client.get(f"/api/v1/polls/{entity['poll']['id']}")).status_code == 404
    at(60)
    put_back(server, mona, decided.decision_id)
    after = (await client.get(f"/api/v1/statuses/{entity['id']}")).json()
    assert after["poll"]["options"] == before["poll"]["options"]


async def test_pictures_are_out_of_reach_meanwhile(client: Any, server: Any, cast: Any, at: Any) -> None:
    mona = make_moderator(cast)
    picture = (await upload(client, cast.ada)).json()
    status = int((await post(client, cast.ada, status="Look", media_ids=[picture["id"]]))["id"])
    urls = [picture["url"], picture["preview_url"]]
    assert [await fetch(client, url) for url in urls] == [200, 200]
    decided = decide_on(server, mona, report(server, cast.bob, status).case_ids[0], remove(status))
    assert [await fetch(client, url) for url in urls] == [404, 404]
    at(60)
    put_back(server, mona, decided.decision_id)
    assert [await fetch(client, url) for url in urls] == [200, 200]


async def test_a_picture_that_another_post_shows_stays_there(client: Any, server: Any, cast: Any) -> None:
    mona = make_moderator(cast)
    same = encode(draw(40, 30), "png")
    first, second = [(await upload(client, who, same)).json() for who in (cast.ada, cast.bob)]
    assert first["url"] == second["url"]
    status = int((await post(client, cast.ada, status="Mine", media_ids=[first["id"]]))["id"])
    other = int((await post(client, cast.bob, status="Yours", media_ids=[second["id"]]))["id"])
    decide_on(server, mona, report(server, cast.zoe, status).case_ids[0], remove(status))
    assert await fetch(client, first["url"]) == 200
    decide_on(server, mona, report(server, cast.zoe, other).case_ids[0], remove(other))
    assert await fetch(client, first["url"]) == 404


async def test_a_removed_picture_is_not_posted_again(client: Any, server: Any, cast: Any) -> None:
    mona = make_moderator(cast)
    same = encode(draw(40, 30), "png")
    first = (await upload(client, cast.ada, same)).json()
    status = int((await post(client, cast.ada, status="Look", media_ids=[first["id"]]))["id"])
    decide_on(server, mona, report(server, cast.bob, status).case_ids[0], remove(status))
    again = (await upload(client, cast.zoe, same)).json()
    fields = {"status": "Look", "media_ids": [again["id"]]}
    answer = await client.post("/api/v1/statuses", headers=cast.zoe.auth, json=fields)
    assert answer.status_code == 422
    assert "moderation" in answer.json()["error"]


async def test_two_measures_on_one_post_end_one_after_the_other(
    client: Any, server: Any, cast: Any, at: Any, worker: Any
) -> None:
    mona = make_moderator(cast)
    picture = (await upload(client, cast.ada)).json()
    status = int((await post(client, cast.ada, status=SECRET, media_ids=[picture["id"]]))["id"])
    before = (await client.get(f"/api/v1/statuses/{status}")).json()
    decided = []
    for filed in (report(server, cast.bob, status), report(server, cast.zoe, target_account_id=cast.ada.id)):
        decided.append(decide_on(server, mona, filed.case_ids[0], remove(status)))
    at(60)
    await worker.settle()
    put_back(server, mona, decided[0].decision_id)
    assert not await seen_by(client, status) and await fetch(client, picture["url"]) == 404
    assert SECRET not in all_words(server)
    put_back(server, mona, decided[1].decision_id)
    assert (await client.get(f"/api/v1/statuses/{status}")).json() == before
    assert await fetch(client, picture["url"]) == 200
    told = [
        json.loads(row[0]) for row in rows(server, "SELECT detail FROM measure_ends ORDER BY at, measure_id")
    ]
    assert told[0]["still"] == "hidden" and "still" not in told[1]


async def test_what_the_author_deletes_meanwhile_stays_away(
    client: Any, server: Any, cast: Any, at: Any, worker: Any
) -> None:
    mona = make_moderator(cast)
    status = make_post(server, cast.ada, SECRET)
    await client.post(f"/api/v1/statuses/{status}/reblog", headers=cast.zoe.auth)
    decided = decide_on(server, mona, report(server, cast.bob, status).case_ids[0], remove(status))
    edit = {"status": "Something else"}
    assert (
        await client.put(f"/api/v1/statuses/{status}", headers=cast.ada.auth, json=edit)
    ).status_code == 404
    assert (await client.delete(f"/api/v1/statuses/{status}", headers=cast.bob.auth)).status_code == 404
    assert (await client.delete(f"/api/v1/statuses/{status}", headers=cast.ada.auth)).status_code == 200
    at(60)
    put_back(server, mona, decided.decision_id)
    await worker.settle()
    assert not await seen_by(client, status, cast.ada)
    assert SECRET not in all_words(server)
    for who in (cast.ada, cast.zoe):
        assert (await client.get(f"/api/v1/accounts/{who.id}")).json()["statuses_count"] == 0
    detail = json.loads(rows(server, "SELECT detail FROM measure_ends")[0][0])
    assert detail["deleted_by_author"]


async def test_replies_are_counted_as_they_can_be_seen(client: Any, server: Any, cast: Any, at: Any) -> None:
    mona = make_moderator(cast)
    parent = make_post(server, cast.bob)
    status = make_post(server, cast.ada, in_reply_to_id=parent)

    async def replies() -> Any:
        return (await client.get(f"/api/v1/statuses/{parent}")).json()["replies_count"]

    assert await replies() == 1
    decided = decide_on(server, mona, report(server, cast.zoe, status).case_ids[0], remove(status))
    assert await replies() == 0
    at(60)
    put_back(server, mona, decided.decision_id)
    assert await replies() == 1


async def test_what_was_erased_leaves_no_empty_post(client: Any, server: Any, cast: Any) -> None:
    mona = make_moderator(cast)
    status = make_post(server, cast.ada, SECRET)
    decided = decide_on(server, mona, report(server, cast.bob, status).case_ids[0], remove(status))
    lost = "UPDATE quarantine SET key_id = '0123456789abcdef'"
    server.database.write_now(lambda tx: tx.run(statements(lost, lost)))
    put_back(server, mona, decided.decision_id)
    assert not await seen_by(client, status, cast.ada)
    assert json.loads(rows(server, "SELECT detail FROM measure_ends")[0][0]) == {"erased": True}


async def test_pictures_of_the_history_go_along_and_are_kept(
    client: Any, server: Any, cast: Any, worker: Any, at: Any
) -> None:
    mona = make_moderator(cast)
    shown = {}
    for name, size in (("old", 40), ("new", 44)):
        shown[name] = (await upload(client, cast.ada, encode(draw(size, 30), "png"))).json()
    entity = await post(client, cast.ada, status="Look", media_ids=[shown["old"]["id"]])
    status = int(entity["id"])
    edit = {"status": "Look again", "media_ids": [shown["new"]["id"]]}
    path = f"/api/v1/statuses/{status}"
    assert (await client.put(path, headers=cast.ada.auth, json=edit)).status_code == 200
    await worker.settle()
    urls = [shown[name][kind] for name in shown for kind in ("url", "preview_url")]
    assert [await fetch(client, url) for url in urls] == [200] * 4
    decided = decide_on(server, mona, report(server, cast.bob, status).case_ids[0], remove(status))
    assert [await fetch(client, url) for url in urls] == [404] * 4
    at(3 * 86400)
    await sweep(server)
    put_back(server, mona, decided.decision_id)
    assert [await fetch(client, url) for url in urls] == [200] * 4


async def test_a_held_post_shows_no_picture_of_its_history(client: Any, server: Any, cast: Any) -> None:
    mona = make_moderator(cast)
    old = (await upload(client, cast.ada)).json()
    entity = await post(client, cast.ada, status="Look", media_ids=[old["id"]])
    edit = {"status": "Nothing to see", "media_ids": []}
    path = f"/api/v1/statuses/{entity['id']}"
    assert (await client.put(path, headers=cast.ada.auth, json=edit)).status_code == 200
    status = int(entity["id"])
    hold = MeasureDraft(kind="hold", status_id=status)
    decide_on(server, mona, report(server, cast.bob, status).case_ids[0], hold)
    assert await fetch(client, old["url"]) == 404
