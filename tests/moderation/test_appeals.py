"""Appeals: who may file one, until when, who answers and how, what lapses, what the databases refuse."""

from typing import Any

import pytest

from roseau.domain.moderation.appeals.answering import Answered
from roseau.domain.moderation.appeals.drafts import load_appeal, load_appealed
from roseau.domain.moderation.appeals.reviewing import list_open_outcomes
from roseau.domain.moderation.decisions.undoing import undo
from roseau.kernel import clock
from roseau.kernel.errors import Forbidden, Invalid, NotFound
from tests.moderation.acting import (
    BAD,
    against,
    decide_on,
    make_moderator,
    make_post,
    remove,
    report,
    rows,
    value,
)
from tests.moderation.appealing import DAY, Story, answer, appeal
from tests.moderation.reasons import change
from tests.moderation.test_deliveries import mails, text_of

pytestmark = pytest.mark.anyio


# Filing


async def test_the_author_appeals_and_is_told_when_an_answer_is_owed(
    server: Any, cast: Any, worker: Any, at: Any, story: Any
) -> None:
    make_moderator(cast, "karim")
    told = story()
    at(31)
    await worker.settle()
    made = appeal(server, told, cast.ada)
    await worker.settle()
    sql = "SELECT appellant, answer_due_at - filed_at, lapses_at, outside_reviewer_id FROM appeals"
    assert rows(server, sql) == [("author", 7 * clock.DAY, None, None)]
    assert rows(server, "SELECT kind, state, subject FROM cases WHERE kind = 'appeal'") == [
        ("appeal", "open", f"appeal:{made}")
    ]
    receipt = value(server, "SELECT text FROM deliveries WHERE kind = 'appeal_receipt'")
    assert f"decision no. {told.decision_number}" in receipt and "lapses" not in receipt
    assert value(server, "SELECT count(*) FROM moderation_log WHERE kind = 'appeal'") == 1


async def test_whoever_sent_a_notice_appeals_with_an_account_or_a_number(
    server: Any, cast: Any, worker: Any, at: Any, story: Any
) -> None:
    told = story(measures=())
    at(31)
    await worker.settle()
    outsider = report(server, None, told.status_id, contact=("", "eve@far.example"))
    # Of another case: this one is decided.
    with pytest.raises(NotFound):
        appeal(server, told, notice_number=outsider.number)
    with pytest.raises(NotFound):
        appeal(server, told, cast.zoe)
    # A member's number alone is not enough.
    with pytest.raises(NotFound):
        appeal(server, told, notice_number=told.notice_number)
    appeal(server, told, cast.bob)
    assert rows(server, "SELECT appellant, account_id FROM appeals") == [("notifier", cast.bob.id)]


async def test_an_outsider_is_answered_by_mail(server: Any, cast: Any, worker: Any, mona: Any) -> None:
    karim = make_moderator(cast, "karim")
    status_id = make_post(server, cast.ada)
    filed = report(server, None, status_id, contact=("", "eve@far.example"))
    decided = decide_on(server, mona, filed.case_ids[0])
    told = Story(status_id, filed.number, filed.case_ids[0], decided.decision_id, decided.number)
    made = appeal(server, told, notice_number=filed.number)
    with pytest.raises(Invalid, match="already"):
        appeal(server, told, notice_number=filed.number)
    answer(server, karim, made, "refused", reasons="There is nothing in it.")
    await worker.settle()
    [last] = [text_of(one) for one in mails(server, "eve@far.example") if "refused" in one["subject"]]
    assert "It stays as it is." in last and "There is nothing in it." in last and "to court" in last


async def test_one_appeal_a_person_and_decision(server: Any, cast: Any, story: Any) -> None:
    told = story()
    appeal(server, told, cast.ada)
    with pytest.raises(Invalid, match="already"):
        appeal(server, told, cast.ada)
    appeal(server, told, cast.bob)
    with pytest.raises(Exception, match=r"(?i)unique"):
        change(
            server,
            "INSERT INTO appeals (id, decision_id, appellant, account_id, text, filed_at, answer_due_at)"
            " VALUES (1, :d, 'author', :a, 'x', 1, 1)",
            d=told.decision_id,
            a=cast.ada.id,
        )


async def test_six_months_and_no_longer(server: Any, cast: Any, at: Any, story: Any) -> None:
    told = story()
    at(182 * DAY)
    appeal(server, told, cast.bob)
    at(184 * DAY)
    with pytest.raises(Invalid, match="over"):
        appeal(server, told, cast.ada)


@pytest.mark.parametrize("text", ["", "  \n", "x" * 5001])
async def test_an_appeal_needs_words_and_not_too_many(server: Any, cast: Any, story: Any, text: str) -> None:
    told = story()
    with pytest.raises(Invalid):
        appeal(server, told, cast.ada, text)


async def test_nobody_appeals_against_what_was_undone(server: Any, cast: Any, mona: Any, story: Any) -> None:
    told = story()
    server.database.write_now(undo, server.site, mona.id, told.decision_id)
    with pytest.raises(NotFound):
        appeal(server, told, cast.ada)


async def test_uploads_can_be_sent_along_and_are_kept(
    server: Any, cast: Any, client: Any, story: Any
) -> None:
    told = story()
    picture = (
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\rIDATx\x9cc\xf8\xcf"
        b"\xc0\xf0\x1f\0\x05\0\x01\xff\x89\x99=\x1d\0\0\0\0IEND\xaeB`\x82"
    )
    sent = await client.post("/api/v2/media", headers=cast.ada.auth, files={"file": ("a.png", picture)})
    media_id = int(sent.json()["id"])
    with pytest.raises(Invalid):
        appeal(server, told, cast.bob, media_ids=(media_id,))
    made = appeal(server, told, cast.ada, media_ids=(media_id,))
    assert rows(server, "SELECT appeal_id, media_id FROM appeal_media") == [(made, media_id)]


# Answering


async def test_the_decider_does_not_answer_where_somebody_else_can(
    server: Any, cast: Any, mona: Any, story: Any
) -> None:
    karim = make_moderator(cast, "karim")
    made = appeal(server, story(), cast.ada)
    for outcome in ("granted", "refused"):
        with pytest.raises(Forbidden):
            answer(server, mona, made, outcome)
    for outsider in (cast.ada, cast.bob, cast.zoe):
        with pytest.raises(Forbidden):
            answer(server, outsider, made, "granted")
    assert answer(server, karim, made, "refused") is None
    assert rows(server, "SELECT state FROM cases WHERE kind = 'appeal'") == [("closed",)]
    with pytest.raises(Answered):
        answer(server, karim, made, "granted")


async def test_a_granted_appeal_puts_everything_back_and_tells_everybody(
    server: Any, cast: Any, client: Any, worker: Any, at: Any, story: Any
) -> None:
    karim = make_moderator(cast, "karim")
    told = story()
    at(31)
    await worker.settle()
    made = appeal(server, told, cast.ada)
    reversing = answer(server, karim, made, "granted", reasons="It was a quotation.")
    await worker.settle()
    shown = await client.get(f"/api/v1/statuses/{told.status_id}")
    assert shown.status_code == 200 and BAD in shown.json()["content"]
    sql = "SELECT kind, account_id FROM deliveries WHERE kind IN ('appeal_answer', 'reversal') ORDER BY kind"
    assert rows(server, sql) == [("appeal_answer", cast.ada.id), ("reversal", cast.bob.id)]
    [mail] = [mail for mail in mails(server, "ada@roseau.test") if "granted" in mail["subject"]]
    assert "You were right" in text_of(mail) and "It was a quotation." in text_of(mail)
    assert rows(server, "SELECT outcome, decision_id, reviewer_id, decider_id FROM appeal_answers") == [
        ("granted", reversing, karim.id, load_appealed_decider(server, told))
    ]
    assert rows(server, "SELECT kind, appeal_id FROM decision_ends") == [("reversed", made)]


def load_appealed_decider(server: Any, told: Story) -> Any:
    return server.database.read_now(load_appealed, told.decision_id).decider_id


async def test_an_appeal_can_be_granted_in_part(
    server: Any, cast: Any, client: Any, worker: Any, mona: Any
) -> None:
    karim = make_moderator(cast, "karim")
    status_id = make_post(server, cast.ada)
    filed = report(server, cast.bob, status_id)
    until = clock.now() + 30 * clock.DAY
    measures = (remove(status_id), against("freeze", cast.ada, until_at=until))
    decided = decide_on(server, mona, filed.case_ids[0], *measures)
    told = Story(status_id, filed.number, filed.case_ids[0], decided.decision_id, decided.number)
    made = appeal(server, told, cast.ada)
    by_kind = dict(rows(server, "SELECT kind, id FROM measures"))
    for outcome, keep in (("partly", ()), ("partly", (1,)), ("partly", tuple(by_kind.values())),
                          ("granted", (by_kind["remove"],))):  # fmt: skip
        with pytest.raises(Invalid):
            answer(server, karim, made, outcome, keep=keep)
    answer(server, karim, made, "partly", keep=(by_kind["remove"],))
    await worker.settle()
    assert rows(server, "SELECT measure_id FROM measure_ends") == [(by_kind["freeze"],)]
    assert (await client.get(f"/api/v1/statuses/{status_id}")).status_code == 404
    assert (
        await client.post("/api/v1/statuses", headers=cast.ada.auth, json={"status": "!"})
    ).status_code == 200


async def test_a_granted_appeal_of_a_notifier_opens_the_case_again(
    server: Any, cast: Any, worker: Any, at: Any, mona: Any, story: Any
) -> None:
    karim = make_moderator(cast, "karim")
    told = story(measures=())
    at(31)
    await worker.settle()
    made = appeal(server, told, cast.bob)
    at(5 * DAY)
    answer(server, karim, made, "granted")
    state, due_at = rows(server, "SELECT state, due_at FROM cases WHERE id = :id", id=told.case_id)[0]
    assert state == "open" and due_at > clock.now()
    decide_on(server, karim, told.case_id, remove(told.status_id))
    assert value(server, "SELECT count(*) FROM measures") == 1


async def test_an_answer_needs_reasons(server: Any, cast: Any, story: Any) -> None:
    karim = make_moderator(cast, "karim")
    made = appeal(server, story(), cast.ada)
    for reasons in ("", "  ", "x" * 5001):
        with pytest.raises(Invalid):
            answer(server, karim, made, "granted", reasons=reasons)


# The databases


INSERT = (
    "INSERT INTO appeal_answers (appeal_id, reviewer_id, decider_id, second_decider_id, outcome, reasons, at)"
    " VALUES (:appeal, :reviewer, :decider, :second, :outcome, 'r', 1)"
)


@pytest.mark.parametrize("outcome", ["refused", "partly"])
async def test_the_databases_let_no_decider_refuse(
    server: Any, cast: Any, mona: Any, story: Any, outcome: str
) -> None:
    made = appeal(server, story(), cast.ada)
    for reviewer, decider, second in (
        (mona.id, mona.id, None),
        (mona.id, cast.zoe.id, mona.id),
        (None, mona.id, None),
    ):
        with pytest.raises(Exception, match="ck_appeal_answers_reviewer"):
            change(
                server,
                INSERT,
                appeal=made,
                reviewer=reviewer,
                decider=decider,
                second=second,
                outcome=outcome,
            )
    values = {"appeal": made, "reviewer": mona.id, "decider": mona.id, "second": None}
    assert change(server, INSERT, outcome="granted", **values) == 1
    for sql in ("UPDATE appeal_answers SET outcome = 'refused'", "DELETE FROM appeal_answers"):
        with pytest.raises(Exception, match="never"):
            change(server, sql)


async def test_the_open_outcomes_are_what_answering_allows(
    server: Any, cast: Any, mona: Any, story: Any
) -> None:
    told = story()
    made = appeal(server, told, cast.ada)

    def may(member: Any) -> Any:
        def look(tx: Any) -> Any:
            return list_open_outcomes(
                tx, member.id, load_appeal(tx, made), load_appealed(tx, told.decision_id)
            )

        return server.database.read_now(look)

    assert may(mona) == {"granted"} and may(cast.ada) == may(cast.bob) == may(cast.zoe) == frozenset()
    karim = make_moderator(cast, "karim")
    assert may(karim) == {"granted", "partly", "refused"} and may(mona) == frozenset()
