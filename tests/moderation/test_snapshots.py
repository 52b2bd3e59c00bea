"""Snapshots: they outlive edits and deletions, open for those who may, and are erased in the end."""

import hashlib
from typing import Any

import pytest

from roseau.domain.media.naming import list_in_evidence
from roseau.domain.moderation.decisions.deciding import decide
from roseau.domain.moderation.decisions.drafts import DecisionDraft
from roseau.domain.moderation.notices.retention import KEPT, erase_old_evidence
from roseau.domain.moderation.notices.snapshots import Content, open_snapshot, read_content, take_snapshot
from roseau.kernel import keys
from roseau.kernel.errors import Forbidden, Gone, NotFound
from roseau.storage.statements import statements
from tests.api.test_media import upload
from tests.media.pictures import draw, encode
from tests.moderation.acting import BAD, make_moderator, make_post, report, rows, value

pytestmark = pytest.mark.anyio


def look(server: Any, viewer: Any, case_id: int, snapshot_id: int | None = None) -> Content:
    """Open the snapshot of a case as somebody."""
    wanted = snapshot_id or value(server, "SELECT max(id) FROM snapshots")
    opened = server.database.write_now(open_snapshot, server.site, viewer.id, wanted, case_id)
    return opened.content  # type: ignore[no-any-return]


async def test_evidence_outlives_edit_and_deletion(client: Any, cast: Any, server: Any, worker: Any) -> None:
    mona = make_moderator(cast)
    post = make_post(server, cast.ada, "What I said", spoiler_text="Careful")
    case_id = report(server, cast.bob, post).case_ids[0]
    answer = await client.put(
        f"/api/v1/statuses/{post}", headers=cast.ada.auth, json={"status": "I never said that"}
    )
    assert answer.status_code == 200
    assert (await client.delete(f"/api/v1/statuses/{post}", headers=cast.ada.auth)).status_code == 200
    await worker.settle()
    kept = look(server, mona, case_id).status
    assert kept is not None
    assert (kept.text, kept.spoiler, kept.author.acct) == ("What I said", "Careful", "ada")
    assert "What I said" in kept.content


def test_each_state_is_kept_once_and_known_by_its_hash(server, cast):
    post = make_post(server, cast.ada)
    first, again = (server.database.write_now(take_snapshot, server.site, status_id=post) for _ in range(2))
    assert first == again
    make_post(server, cast.bob, "An answer", in_reply_to_id=post)
    later = server.database.write_now(take_snapshot, server.site, status_id=post)
    assert later != first
    for digest, sealed in rows(server, "SELECT hash, content FROM snapshots"):
        assert BAD.encode() not in bytes(sealed)
        encoded = keys.unseal(server.site.data_key, f"snapshot {digest}", bytes(sealed))
        assert hashlib.sha256(encoded).hexdigest() == digest
        assert read_content(encoded).status.text == BAD


def test_one_state_cannot_stand_in_for_another(server, cast):
    mona = make_moderator(cast)
    case_id = report(server, cast.bob, make_post(server, cast.ada)).case_ids[0]
    report(server, cast.bob, make_post(server, cast.zoe, "Harmless"))
    sql = "UPDATE snapshots SET content = (SELECT content FROM snapshots WHERE id = :other) WHERE id = :one"
    one, other = (row[0] for row in rows(server, "SELECT id FROM snapshots ORDER BY id"))
    server.database.write_now(lambda tx: tx.run(statements(sql, sql), one=one, other=other))
    with pytest.raises(keys.Unsealable):
        look(server, mona, case_id, one)


def test_the_thread_is_kept_but_nobodys_private_words(server, cast):
    mona, _ = make_moderator(cast), cast.ada
    root = make_post(server, cast.zoe, "A public question")
    private = make_post(server, cast.zoe, "@ada between us", visibility="direct", in_reply_to_id=root)
    post = make_post(server, cast.ada, "An answer", in_reply_to_id=private)
    make_post(server, cast.bob, "A public reply", in_reply_to_id=post)
    make_post(server, cast.bob, "@ada a private reply", in_reply_to_id=post, visibility="private")
    case_id = report(server, cast.bob, post).case_ids[0]
    kept = look(server, mona, case_id)
    assert [one.text for one in kept.above] == ["A public question"]
    assert [one.text for one in kept.below] == ["A public reply"]


def test_accounts_are_kept_as_they_described_themselves(server, cast):
    mona = make_moderator(cast)
    case_id = report(server, cast.bob, target_account_id=cast.ada.id).case_ids[0]
    kept = look(server, mona, case_id).account
    assert (kept.acct, kept.statuses) == ("ada", 0)


def test_only_those_who_may_look_and_each_look_is_written_down(server, cast):
    mona, nick = make_moderator(cast), make_moderator(cast, "nick")
    reviewer = make_moderator(cast, "rita", role="reviewer")
    case_id = report(server, cast.bob, make_post(server, cast.ada)).case_ids[0]
    other = report(server, nick, make_post(server, cast.zoe)).case_ids[0]
    snapshot_id = value(server, "SELECT min(id) FROM snapshots")
    for nobody in (cast.ada, cast.bob, cast.zoe, reviewer):
        with pytest.raises(Forbidden):
            look(server, nobody, case_id, snapshot_id)
    with pytest.raises(NotFound):
        look(server, mona, other, snapshot_id)
    with pytest.raises(Forbidden):
        look(server, nick, other)
    assert rows(server, "SELECT * FROM evidence_looks") == []
    look(server, mona, case_id, snapshot_id)
    assert rows(server, "SELECT account_id, case_id, snapshot_id FROM evidence_looks") == [
        (mona.id, case_id, snapshot_id)
    ]
    assert value(server, "SELECT count(*) FROM moderation_log WHERE kind = 'look'") == 1


def test_what_its_author_deleted_before_is_not_dug_up(server, cast):
    post = make_post(server, cast.ada)
    sql = "UPDATE statuses SET deleted_at = 1 WHERE id = :wanted"
    server.database.write_now(lambda tx: tx.run(statements(sql, sql), wanted=post))
    report(server, None, uris=(f"https://roseau.test/@ada/{post}",))
    assert rows(server, "SELECT status_id, snapshot_id FROM notice_items") == [(post, None)]


def _close(server: Any, cast: Any, case_id: int) -> None:
    mona = make_moderator(cast)
    server.database.write_now(decide, server.site, mona.id, case_id, DecisionDraft(ground="none"))


async def test_evidence_is_erased_when_nobody_can_appeal_any_more(
    server: Any, cast: Any, worker: Any, at: Any
) -> None:
    closed = report(server, None, make_post(server, cast.ada))
    report(server, cast.bob, make_post(server, cast.ada, "Still open"))
    case_id = closed.case_ids[0]
    _close(server, cast, case_id)
    at(60)
    await worker.settle()
    at(KEPT / 1000)
    server.database.write_now(erase_old_evidence)
    assert value(server, "SELECT count(*) FROM snapshots WHERE erased_at IS NULL") == 2
    at(KEPT / 1000 + 3600)
    server.database.write_now(erase_old_evidence)
    assert rows(server, "SELECT content IS NULL, media FROM snapshots WHERE erased_at IS NOT NULL") == [
        (True, "[]")
    ]
    snapshot_id = value(server, "SELECT id FROM snapshots WHERE erased_at IS NOT NULL")
    with pytest.raises(Gone):
        look(server, make_moderator(cast, "nick"), case_id, snapshot_id)


async def test_an_appeal_that_waits_keeps_the_evidence(server: Any, cast: Any, worker: Any, at: Any) -> None:
    case_id = report(server, cast.bob, make_post(server, cast.ada)).case_ids[0]
    _close(server, cast, case_id)
    at(60)
    await worker.settle()
    sql = (
        "INSERT INTO appeals (id, decision_id, appellant, account_id, text, filed_at, answer_due_at)"
        " SELECT 1, id, 'notifier', :who, 'x', 0, 0 FROM decisions"
    )
    bob = cast.bob.id
    server.database.write_now(lambda tx: tx.run(statements(sql, sql), who=bob))
    at(KEPT / 1000 + 3600)
    server.database.write_now(erase_old_evidence)
    assert value(server, "SELECT count(*) FROM snapshots WHERE erased_at IS NULL") == 1


async def test_pictures_are_kept_with_the_evidence_and_shown_to_nobody(
    client: Any, cast: Any, server: Any, worker: Any, at: Any
) -> None:
    picture = (await upload(client, cast.ada, encode(draw(40, 40), "png"))).json()
    posted = await client.post(
        "/api/v1/statuses", headers=cast.ada.auth, data={"status": "Look", "media_ids[]": picture["id"]}
    )
    post = int(posted.json()["id"])
    case_id = report(server, cast.bob, post).case_ids[0]
    await client.delete(f"/api/v1/statuses/{post}", headers=cast.ada.auth)
    at(3 * 86_400)
    await worker.settle()
    at(5 * 86_400)
    await worker.settle()
    kept = server.database.read_now(list_in_evidence)
    assert kept
    assert all(server.blobs.has(name) for name in kept)
    assert (await client.get(picture["url"])).status_code in (404, 410, 451)
    # The same picture, uploaded again by somebody, is theirs to show from the next sweep on.
    again = (await upload(client, cast.zoe, encode(draw(40, 40), "png"))).json()
    await client.post("/api/v1/statuses", headers=cast.zoe.auth, data={"media_ids[]": again["id"]})
    at(8 * 86_400)
    await worker.settle()
    assert (await client.get(again["url"])).status_code == 200
    # When the evidence is erased, nothing keeps a picture that nobody shows.
    await client.delete(f"/api/v1/statuses/{(await _last(client, cast.zoe))}", headers=cast.zoe.auth)
    _close(server, cast, case_id)
    at(9 * 86_400)
    await worker.settle()
    at(KEPT / 1000 + 20 * 86_400)
    await worker.settle()
    at(KEPT / 1000 + 24 * 86_400)
    await worker.settle()
    assert not any(server.blobs.has(name) for name in kept)


async def _last(client: Any, member: Any) -> str:
    posts = await client.get(f"/api/v1/accounts/{member.id}/statuses", headers=member.auth)
    return str(posts.json()[0]["id"])
