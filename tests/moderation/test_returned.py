"""What came back, and what could not, is said to whoever lost it: in the letter, and in their record."""

from typing import Any

import pytest

from roseau.domain.moderation.appeals.answering import answer_appeal
from roseau.domain.moderation.appeals.drafts import AppealDraft
from roseau.domain.moderation.appeals.filing import file_appeal
from roseau.domain.moderation.appeals.own import find_entry
from roseau.domain.moderation.decisions.reversing import reverse_own
from roseau.domain.moderation.statements.returned import Returned, say_returned
from tests.moderation.acting import against, decide_on, make_moderator, make_post, remove, report, rows, value
from tests.moderation.reasons import change

pytestmark = pytest.mark.anyio


def put_back(server: Any, moderator: Any, decision_id: int) -> int:
    facts = "Looked at again: it is a quotation."
    return int(server.database.write_now(reverse_own, server.site, moderator.id, decision_id, facts))


def last_letter(server: Any, kind: str = "reversal") -> str:
    sql = "SELECT text FROM deliveries WHERE kind = :kind AND notice_id IS NULL ORDER BY id DESC LIMIT 1"
    return str(value(server, sql, kind=kind))


async def test_a_post_that_is_back_and_one_that_its_author_deleted(
    client: Any, server: Any, cast: Any, worker: Any, at: Any
) -> None:
    mona = make_moderator(cast)
    kept, deleted = make_post(server, cast.ada), make_post(server, cast.ada, "another")
    filed = report(server, cast.bob, None, status_ids=(kept, deleted), target_account_id=cast.ada.id)
    decided = decide_on(server, mona, filed.case_ids[0], remove(kept), remove(deleted))
    assert (await client.delete(f"/api/v1/statuses/{deleted}", headers=cast.ada.auth)).status_code == 200
    at(60)
    await worker.settle()
    put_back(server, mona, decided.decision_id)
    for said in ("1 post is back as you wrote it.", "1 post stays deleted, because you deleted it yourself."):
        assert said in last_letter(server)
    entry = server.database.read_now(find_entry, cast.ada.id, decided.number)
    assert [one.detail.get("deleted_by_author", False) for one in entry.returned] == [False, True]


async def test_the_answer_to_an_appeal_names_what_other_servers_had(
    client: Any, server: Any, cast: Any, worker: Any, at: Any
) -> None:
    mona, milo = make_moderator(cast), make_moderator(cast, "milo")
    status = make_post(server, cast.ada)
    await client.post(f"/api/v1/statuses/{status}/favourite", headers=cast.zoe.auth)
    await client.post(f"/api/v1/statuses/{status}/favourite", headers=cast.dan.auth)
    await client.post(f"/api/v1/statuses/{status}/reblog", headers=cast.dan.auth)
    for person in (cast.zoe, cast.dan):
        change(server, "UPDATE accounts SET domain = 'far.test' WHERE id = :id", id=person.id)
    decided = decide_on(server, mona, report(server, cast.bob, status).case_ids[0], remove(status))
    at(60)
    await worker.settle()
    assert change(server, "UPDATE measure_announcements SET sent_at = send_at") == 1
    draft = AppealDraft(
        decision_id=decided.decision_id, text="It is a quotation.", account_id=cast.ada.id, language="fr"
    )
    appeal_id = server.database.write_now(file_appeal, server.site, draft)
    server.database.write_now(answer_appeal, server.site, milo.id, appeal_id, "granted", "It is.", ())
    said = last_letter(server, "appeal_answer")
    assert "What it had there cannot come back: 2 likes, 1 boost." in said
    assert "far.test" not in said
    assert rows(server, "SELECT count(*) FROM measure_announcements WHERE kind = 'undo_delete'") == [(1,)]


async def test_ties_that_were_lost_are_counted(
    client: Any, server: Any, cast: Any, worker: Any, at: Any
) -> None:
    mona = make_moderator(cast)
    for person in (cast.bob, cast.eve):
        await client.post(f"/api/v1/accounts/{cast.ada.id}/follow", headers=person.auth)
    case_id = report(server, cast.dan, make_post(server, cast.ada)).case_ids[0]
    decided = decide_on(server, mona, case_id, against("suspend", cast.ada))
    await client.post(f"/api/v1/accounts/{cast.ada.id}/block", headers=cast.bob.auth)
    at(60)
    await worker.settle()
    put_back(server, mona, decided.decision_id)
    said = last_letter(server)
    assert "1 tie to people whom you follow or who follow you is restored." in said
    # Not by whom: nobody is told who blocked them.
    assert "1 tie could not be restored" in said and "bob" not in said and "block" not in said


def test_every_word_of_the_measures_becomes_a_sentence() -> None:
    found = tuple(
        Returned("remove", detail)
        for detail in ({"reblogs": 2}, {"still": "hidden"}, {"erased": True}, {"gone": True})
    )
    found += (Returned("interstitial"), Returned("suspend", {"still": "suspended"}))
    found += (Returned("limit", {"still": "limited"}), Returned("freeze"))
    assert say_returned("en", found) == [
        "1 post is back as you wrote it.",
        "2 boosts are back too.",
        "What we had put in front of your post is gone from it.",
        "1 post stays hidden, because of another decision.",
        "Your account stays suspended, because of another decision.",
        "Your account stays restricted, because of another decision.",
        "2 posts were erased for good and cannot come back.",
    ]
    assert say_returned("en", ()) == []
