"""What those hear who sent a notice: a receipt, the outcome, its end; and never anything of somebody else."""

from typing import Any

import pytest

from roseau.domain.moderation.decisions.drafts import MeasureDraft
from roseau.domain.moderation.decisions.reversing import reverse_own
from roseau.domain.moderation.decisions.undoing import undo
from roseau.domain.moderation.statements.outcomes import queue_receipt
from tests.moderation.acting import against, decide_on, make_moderator, make_post, remove, report, rows, value
from tests.moderation.test_deliveries import mails, text_of

pytestmark = pytest.mark.anyio

SECRET = "The author told us that they are ill."


def letters(server: Any, kind: str) -> list[Any]:
    """Whom a letter of this kind is for, and what it says."""
    sql = "SELECT account_id, text, notice_id FROM deliveries WHERE kind = :kind ORDER BY id"
    return rows(server, sql, kind=kind)


async def test_a_receipt_is_there_within_a_minute(server: Any, cast: Any, worker: Any) -> None:
    status_id = make_post(server, cast.ada)
    filed = report(server, None, status_id, contact=("Eve", "eve@far.example"), language="en")
    await worker.settle()
    [mail] = mails(server, "eve@far.example")
    assert filed.number in text_of(mail) and f"https://roseau.test/notices/{filed.number}" in text_of(mail)
    sql = "SELECT due_at - created_at, delivered_at - created_at FROM deliveries WHERE kind = 'receipt'"
    [(allowed, taken)] = rows(server, sql)
    assert allowed == 60_000 and taken <= allowed


async def test_danger_to_life_is_answered_with_the_emergency_number(server: Any, cast: Any) -> None:
    report(server, cast.bob, make_post(server, cast.ada), reason="threat_to_life")
    assert "112" in letters(server, "receipt")[0][1]


async def test_machines_and_people_without_an_address_get_no_receipt(server: Any, cast: Any) -> None:
    status_id = make_post(server, cast.ada)
    for fields in ({"channel": "xarf", "contact": ("", "abuse@bot.example")}, {"contact": None}):
        filed = report(server, None, status_id, **fields)
        assert server.database.write_now(queue_receipt, server.site, filed.notice_id) is None
    assert letters(server, "receipt") == []


async def test_everybody_who_sent_a_notice_hears_the_outcome(
    server: Any, cast: Any, worker: Any, at: Any
) -> None:
    status_id = make_post(server, cast.ada)
    first = report(server, cast.bob, status_id, comment="Mine!")
    report(server, cast.bob, status_id, comment="Again!")
    outsider = report(server, None, status_id, contact=("", "eve@far.example"))
    nameless = report(server, None, status_id)
    mona = make_moderator(cast)
    decided = decide_on(
        server, mona, first.case_ids[0], remove(status_id), against("freeze", cast.ada), facts=SECRET
    )
    at(31)
    await worker.settle()
    told = letters(server, "outcome")
    # Each person once, however often they wrote; who left no address finds it under the number.
    assert [(row[0], row[2]) for row in told] == [
        (cast.bob.id, first.notice_id),
        (None, outsider.notice_id),
        (None, nameless.notice_id),
    ]
    for _, text, _ in told:
        assert "We removed it. We restricted the account behind it." in text
        assert "We hold it to be against the law." in text and "You can appeal until" in text
        for hidden in (SECRET, "ada", "mona", str(decided.number) + ".", "Again!"):
            assert hidden not in text
    assert first.number in told[0][1] and outsider.number not in told[0][1]
    assert outsider.number in told[1][1] and first.number not in told[1][1]
    assert len(mails(server, "eve@far.example")) == 2
    assert mails(server, "bob@roseau.test") == []
    assert value(server, "SELECT count(*) FROM notifications WHERE type = 'report_outcome'") == 1


async def test_no_measure_is_an_outcome_too(server: Any, cast: Any) -> None:
    filed = report(server, cast.bob, make_post(server, cast.ada))
    decide_on(server, make_moderator(cast), filed.case_ids[0])
    [(who, text, _)] = letters(server, "outcome")
    assert who == cast.bob.id and "We took no measure." in text and "found nothing" in text


async def test_what_concerns_another_notifier_is_told_to_nobody(server: Any, cast: Any) -> None:
    filed = report(server, cast.bob, make_post(server, cast.ada))
    decide_on(server, make_moderator(cast), filed.case_ids[0], against("pause_notices", cast.zoe))
    [(_, text, _)] = letters(server, "outcome")
    assert "We took no measure." in text and "notices" not in text.split("\n\n")[1]


async def test_whoever_was_told_is_told_of_the_end(server: Any, cast: Any, worker: Any, at: Any) -> None:
    status_id = make_post(server, cast.ada)
    filed = report(server, cast.bob, status_id)
    report(server, None, status_id, contact=("", "eve@far.example"))
    mona = make_moderator(cast)
    decided = decide_on(server, mona, filed.case_ids[0], remove(status_id))
    at(31)
    await worker.settle()
    server.database.write_now(reverse_own, server.site, mona.id, decided.decision_id, "It was a quotation.")
    await worker.settle()
    told = letters(server, "reversal")
    assert sorted(str(row[0]) for row in told) == sorted([str(cast.ada.id), str(cast.bob.id), "None"])
    assert all("took it back" in row[1] for row in told)
    of_author = next(row[1] for row in told if row[0] == cast.ada.id)
    assert f"decision no. {decided.number}" in of_author and "It was a quotation." in of_author
    assert all("quotation" not in row[1] for row in told if row[0] != cast.ada.id)
    assert any("taken back" in mail["subject"] for mail in mails(server, "eve@far.example"))


async def test_a_hold_that_is_undone_is_told_to_whoever_heard_of_it(
    server: Any, cast: Any, worker: Any
) -> None:
    status_id = make_post(server, cast.ada)
    filed = report(server, cast.bob, status_id)
    mona = make_moderator(cast)
    decided = decide_on(server, mona, filed.case_ids[0], MeasureDraft(kind="hold", status_id=status_id))
    await worker.settle()
    # A hold is announced at once.
    assert value(server, "SELECT count(*) FROM deliveries WHERE kind = 'statement' AND delivered_at > 0") == 1
    server.database.write_now(undo, server.site, mona.id, decided.decision_id)
    await worker.settle()
    assert [row[0] for row in letters(server, "reversal")] == [cast.ada.id]


async def test_a_notice_of_the_last_moment_is_answered_too(
    server: Any, cast: Any, worker: Any, at: Any
) -> None:
    status_id = make_post(server, cast.ada)
    filed = report(server, cast.bob, status_id)
    decide_on(server, make_moderator(cast), filed.case_ids[0], remove(status_id))
    late = report(server, None, status_id, contact=("", "eve@far.example"))
    assert late.case_ids == filed.case_ids
    at(31)
    await worker.settle()
    assert [row[2] for row in letters(server, "outcome")] == [filed.notice_id, late.notice_id]
