"""Appeals where the decider is the only moderator: they may grant, others may refuse, and what lapses."""

from typing import Any

import pytest

from roseau.domain.moderation.appeals.answering import lapse_appeal
from roseau.domain.moderation.appeals.drafts import load_appeal
from roseau.domain.site import choose
from roseau.kernel.errors import Forbidden
from tests.moderation.acting import rows, value
from tests.moderation.appealing import DAY, answer, appeal
from tests.moderation.reasons import change
from tests.moderation.test_deliveries import mails, text_of

pytestmark = pytest.mark.anyio


async def test_the_only_moderator_may_grant_and_not_refuse(
    server: Any, cast: Any, mona: Any, story: Any
) -> None:
    made = appeal(server, story(), cast.ada)
    for outcome in ("refused", "partly"):
        with pytest.raises(Forbidden, match="only somebody else can refuse"):
            answer(server, mona, made, outcome)
    assert answer(server, mona, made, "granted") is not None


async def test_the_outside_reviewer_is_asked_and_may_refuse(
    server: Any, cast: Any, worker: Any, mona: Any, story: Any
) -> None:
    rita = cast.join("rita")
    server.database.write_now(lambda tx: choose(tx, None, outside_reviewer_id=rita.id))
    told = story()
    made = appeal(server, told, cast.ada)
    await worker.settle()
    assert value(server, "SELECT outside_reviewer_id FROM appeals") == rita.id
    [mail] = mails(server, "rita@roseau.test")
    assert f"/appeals/{made}" in text_of(mail) and "ada" not in text_of(mail)
    # Of another appeal, which was not handed to them, they see nothing.
    other = appeal(server, story(), cast.ada)
    change(server, "UPDATE appeals SET outside_reviewer_id = NULL WHERE id = :id", id=other)
    with pytest.raises(Forbidden):
        answer(server, rita, other, "granted")
    answer(server, rita, made, "refused")
    assert rows(server, "SELECT outcome, reviewer_id FROM appeal_answers") == [("refused", rita.id)]


async def test_a_party_is_no_outside_reviewer(server: Any, cast: Any, story: Any) -> None:
    bob_id = cast.bob.id
    server.database.write_now(lambda tx: choose(tx, None, outside_reviewer_id=bob_id))
    appeal(server, story(), cast.ada)
    assert value(server, "SELECT outside_reviewer_id FROM appeals") is None


async def test_without_an_answer_the_decision_lapses(
    server: Any, cast: Any, client: Any, worker: Any, at: Any, story: Any
) -> None:
    told = story()
    made = appeal(server, told, cast.ada)
    at(13 * DAY)
    await worker.settle()
    assert (await client.get(f"/api/v1/statuses/{told.status_id}")).status_code == 404
    at(14 * DAY + 60)
    await worker.settle()
    assert (await client.get(f"/api/v1/statuses/{told.status_id}")).status_code == 200
    assert rows(server, "SELECT outcome, reviewer_id FROM appeal_answers") == [("lapsed", None)]
    assert rows(server, "SELECT kind FROM decision_ends") == [("lapsed",)]
    assert server.database.read_now(load_appeal, made).outcome == "lapsed"
    assert any("lapsed" in mail["subject"] for mail in mails(server, "ada@roseau.test"))


@pytest.mark.parametrize(("reason", "law"), [("spam", True), ("threat", False)])
async def test_what_rests_on_law_or_is_danger_does_not_lapse(
    server: Any, cast: Any, at: Any, story: Any, reason: str, law: bool
) -> None:
    made = appeal(server, story(reason, law=law), cast.ada)
    assert value(server, "SELECT lapses_at FROM appeals") is None
    # Not even if the row said so.
    change(server, "UPDATE appeals SET lapses_at = 1")
    at(30 * DAY)
    assert server.database.write_now(lapse_appeal, server.site, made) is False
    assert rows(server, "SELECT * FROM appeal_answers") == []


async def test_an_appeal_of_a_notifier_does_not_lapse(server: Any, cast: Any, story: Any) -> None:
    appeal(server, story(measures=()), cast.bob)
    assert value(server, "SELECT lapses_at FROM appeals") is None
