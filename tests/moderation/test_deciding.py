"""Deciding: who may, what a draft needs, what a decision leaves behind, and what the databases refuse."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from roseau.domain.moderation.decisions.deciding import decide, decide_items
from roseau.domain.moderation.decisions.drafts import DecisionDraft, MeasureDraft
from roseau.domain.moderation.decisions.own_initiative import open_own_case
from roseau.domain.moderation.decisions.rows import CaseSettled
from roseau.domain.policy import NewRule, RuleText, set_rules
from roseau.kernel import clock
from roseau.kernel.errors import Forbidden, Invalid, NotFound
from roseau.storage.statements import statements
from tests.moderation.acting import (
    LAW,
    against,
    decide_on,
    make_moderator,
    make_post,
    remove,
    report,
    rows,
    value,
)

pytestmark = pytest.mark.anyio


async def seen_by(client: Any, status_id: int, who: Any = None) -> bool:
    """Whether somebody gets the post by its id."""
    answer = await client.get(f"/api/v1/statuses/{status_id}", headers=who.auth if who else {})
    return bool(answer.status_code == 200)


async def test_a_removed_post_is_nowhere_from_that_moment(
    client: Any, server: Any, cast: Any, worker: Any
) -> None:
    mona = make_moderator(cast)
    status = make_post(server, cast.ada, "A #tagged heron of mine")
    await client.post(f"/api/v1/statuses/{status}/reblog", headers=cast.zoe.auth)
    await client.post(f"/api/v1/accounts/{cast.ada.id}/follow", headers=cast.bob.auth)
    await worker.settle()
    filed = report(server, cast.bob, status)
    decide_on(server, mona, filed.case_ids[0], remove(status))
    await worker.settle()
    for who in (None, cast.ada, cast.bob, cast.zoe, mona):
        assert not await seen_by(client, status, who)
    for path in (
        "/api/v1/timelines/public",
        "/api/v1/timelines/tag/tagged",
        "/api/v1/timelines/home",
        f"/api/v1/accounts/{cast.ada.id}/statuses",
        f"/api/v1/accounts/{cast.zoe.id}/statuses",
    ):
        assert (await client.get(path, headers=cast.bob.auth)).json() == [], path
    found = await client.get("/api/v2/search?q=heron&type=statuses", headers=cast.ada.auth)
    assert found.json()["statuses"] == []
    assert (await client.get(f"/@ada/{status}")).status_code == 404
    assert (await client.get(f"/api/v1/accounts/{cast.ada.id}")).json()["statuses_count"] == 0


async def test_what_a_decision_leaves_behind(server: Any, cast: Any, worker: Any, at: Any) -> None:
    mona = make_moderator(cast)
    status = make_post(server, cast.ada)
    filed = report(server, cast.bob, status, reason="hate")
    decided = decide_on(server, mona, filed.case_ids[0], remove(status))
    assert decided.number == 1 and decided.proposal_id is None
    assert rows(server, "SELECT state FROM cases") == [("decided",)]
    assert rows(server, "SELECT account_id, weight FROM strikes") == [(cast.ada.id, 1)]
    assert rows(server, "SELECT kind FROM measure_announcements WHERE sent_at IS NULL") == [("delete",)]
    waiting = (
        "SELECT kind FROM deliveries WHERE delivered_at IS NULL AND decision_id IS NOT NULL ORDER BY kind"
    )
    await worker.settle()
    assert rows(server, waiting) == [("outcome",), ("statement",)]
    at(60)
    await worker.settle()
    assert rows(server, waiting) == []
    assert rows(server, "SELECT state FROM cases") == [("closed",)]
    assert rows(server, "SELECT outcome FROM notices") == [("upheld",)]
    body = value(server, "SELECT body FROM moderation_log WHERE kind = 'decision'")
    assert "ada" not in body and str(cast.ada.id) not in body and str(mona.id) not in body


async def test_a_rule_is_cited_by_its_version(server: Any, cast: Any) -> None:
    mona = make_moderator(cast)
    server.database.write_now(set_rules, [NewRule({"en": RuleText("Be kind.")})])
    rule_id = value(server, "SELECT id FROM rules")
    status = make_post(server, cast.ada)
    filed = report(server, cast.bob, status)
    decide_on(server, mona, filed.case_ids[0], remove(status), ground="rule", rule_id=rule_id)
    assert rows(server, "SELECT rule_id, rule_version FROM decisions") == [(rule_id, 1)]
    assert "Be kind." in value(server, "SELECT text FROM statements")


async def test_a_reminder_takes_nothing_and_is_no_strike(client: Any, server: Any, cast: Any) -> None:
    mona = make_moderator(cast)
    status = make_post(server, cast.ada)
    filed = report(server, cast.bob, status)
    decide_on(server, mona, filed.case_ids[0], against("reminder", cast.ada))
    assert await seen_by(client, status)
    assert rows(server, "SELECT id FROM strikes") == []
    assert value(server, "SELECT count(*) FROM statements") == 1


async def test_nothing_found_is_told_to_the_notifier_only(
    client: Any, server: Any, cast: Any, worker: Any, at: Any
) -> None:
    mona = make_moderator(cast)
    status = make_post(server, cast.ada)
    filed = report(server, cast.bob, status)
    decide_on(server, mona, filed.case_ids[0])
    at(60)
    await worker.settle()
    assert await seen_by(client, status)
    assert rows(server, "SELECT id FROM statements") == []
    told = "SELECT kind, account_id FROM deliveries WHERE kind <> 'receipt'"
    assert rows(server, told) == [("outcome", cast.bob.id)]
    assert rows(server, "SELECT outcome FROM notices") == [("not_upheld",)]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"ground": "rule"}, "rule_id"),
        ({"ground": "rule", "rule_id": 17}, "rule_id"),
        ({"law": " "}, "law"),
        ({"facts": ""}, "facts"),
        ({"facts": "x" * 5_001}, "facts"),
        ({"law": "x" * 501}, "law"),
        ({"ground": "none"}, "ground"),
        ({"measures": ()}, "measures"),
        ({"measures": (MeasureDraft(kind="remove"),)}, "measures"),
        ({"measures": (MeasureDraft(kind="suspend"),)}, "measures"),
        ({"measures": (MeasureDraft(kind="domain_limit"),)}, "measures"),
        ({"measures": (MeasureDraft(kind="remove", status_id=17),)}, "measures"),
        ({"measures": (MeasureDraft(kind="limit", account_id=17),)}, "measures"),
    ],
)
async def test_what_is_wrong_with_a_draft_is_named(
    server: Any, cast: Any, changes: dict[str, Any], field: str
) -> None:
    mona = make_moderator(cast)
    status = make_post(server, cast.ada)
    filed = report(server, cast.bob, status)
    usual = {"ground": "law", "law": LAW, "facts": "So it is.", "measures": (remove(status),)}
    with pytest.raises(Invalid) as raised:
        server.database.write_now(
            decide, server.site, mona.id, filed.case_ids[0], DecisionDraft(**(usual | changes))
        )
    assert [problem.field for problem in raised.value.problems] == [field]
    assert rows(server, "SELECT id FROM decisions") == []


@pytest.mark.parametrize(
    "wrong",
    [
        lambda cast, status: [remove(status), remove(status)],
        lambda cast, status: [remove(status), against("limit", cast.bob)],
        lambda cast, status: [against("limit", cast.bob)],
        lambda cast, status: [remove(status, until_at=1)],
        lambda cast, status: [against("reminder", cast.ada, until_at=clock.now() + clock.DAY)],
        lambda cast, status: [MeasureDraft(kind="label", status_id=status)],
        lambda cast, status: [remove(status, territory="France")],
    ],
)
async def test_measures_have_to_fit_the_case(server: Any, cast: Any, wrong: Any) -> None:
    mona = make_moderator(cast)
    status = make_post(server, cast.ada)
    filed = report(server, cast.bob, status)
    with pytest.raises(Invalid) as raised:
        decide_on(server, mona, filed.case_ids[0], *wrong(cast, status))
    assert {problem.field for problem in raised.value.problems} == {"measures"}


async def test_who_may_decide(server: Any, cast: Any) -> None:
    mona, reader = make_moderator(cast), make_moderator(cast, "rita", "reviewer")
    status = make_post(server, cast.ada)
    case_id = report(server, mona, status).case_ids[0]
    # A member, a reviewer, the author and the moderator who sent the notice.
    for who in (cast.bob, reader, cast.ada, mona):
        with pytest.raises(Forbidden):
            decide_on(server, who, case_id, remove(status))
    other = make_moderator(cast, "max")
    decide_on(server, other, case_id, remove(status))
    with pytest.raises(CaseSettled):
        decide_on(server, cast.olga, case_id)
    with pytest.raises(NotFound):
        decide_on(server, other, 17)


async def test_one_of_the_team_is_restricted_by_those_who_appoint_it(server: Any, cast: Any) -> None:
    mona, max_ = make_moderator(cast), make_moderator(cast, "max")
    case_id = report(server, cast.bob, make_post(server, max_)).case_ids[0]
    until = clock.now() + clock.DAY
    with pytest.raises(Invalid, match="appoint"):
        decide_on(server, mona, case_id, against("suspend", max_, until_at=until))
    decide_on(server, cast.olga, case_id, against("suspend", max_, until_at=until))


async def test_decisions_are_numbered_without_gaps(server: Any, cast: Any) -> None:
    mona = make_moderator(cast)
    cases = [report(server, cast.bob, make_post(server, cast.ada)).case_ids[0] for _ in range(3)]
    with pytest.raises(Invalid):
        decide_on(server, mona, cases[0], remove(17))
    assert [decide_on(server, mona, case_id).number for case_id in cases] == [1, 2, 3]


async def test_decisions_of_one_moment_come_one_after_the_other(server: Any, cast: Any) -> None:
    team = [make_moderator(cast, name) for name in ("mona", "max", "mia")]
    posts = [make_post(server, cast.ada) for _ in range(3)]
    cases = [report(server, cast.bob, post).case_ids[0] for post in posts]
    # Everybody goes for every case, and each begins with another one.
    wanted = [
        (who, cases[(at + turn) % 3], posts[(at + turn) % 3])
        for at, who in enumerate(team)
        for turn in range(3)
    ]

    def go(one: Any) -> int | None:
        try:
            return decide_on(server, one[0], one[1], remove(one[2])).number
        except CaseSettled:
            return None

    with ThreadPoolExecutor(4) as threads:
        numbers = [number for number in threads.map(go, wanted) if number]
    assert sorted(numbers) == [1, 2, 3]
    assert rows(server, "SELECT statuses_count FROM accounts WHERE id = :id", id=cast.ada.id) == [(0,)]


async def test_an_own_case_has_a_snapshot_and_is_marked(server: Any, cast: Any, worker: Any, at: Any) -> None:
    mona = make_moderator(cast)
    status = make_post(server, cast.ada)
    subject = f"status:{status}"
    with pytest.raises(Forbidden):
        server.database.write_now(open_own_case, server.site, cast.bob.id, subject)
    case_id = server.database.write_now(open_own_case, server.site, mona.id, subject)
    assert server.database.write_now(open_own_case, server.site, mona.id, subject) == case_id
    assert value(server, "SELECT count(*) FROM snapshots") == 1
    decide_on(server, mona, case_id, remove(status))
    assert value(server, "SELECT own_initiative FROM decisions")
    at(60)
    await worker.settle()
    assert rows(server, "SELECT kind FROM deliveries") == [("statement",)]
    own = make_post(server, mona)
    with pytest.raises(Forbidden):
        server.database.write_now(open_own_case, server.site, mona.id, f"status:{own}")
    with pytest.raises(Invalid):
        server.database.write_now(open_own_case, server.site, mona.id, "domain:example.com")


async def test_a_letter_is_decided_item_by_item(client: Any, server: Any, cast: Any) -> None:
    mona = make_moderator(cast)
    bad, worse, fine = (make_post(server, who) for who in (cast.ada, cast.bob, cast.bob))
    urls = tuple(f"https://roseau.test/@x/{status}" for status in (bad, worse, fine))
    filed = report(server, None, channel="host_letter", uris=urls, comment="Take them down.", source="aws")
    items = {row[0]: row[1] for row in rows(server, "SELECT status_id, id FROM notice_items")}
    law: dict[str, Any] = {"ground": "law", "law": LAW, "facts": "It is."}
    taken = server.database.write_now(
        decide_items, server.site, mona.id, filed.case_ids[0],
        {
            items[bad]: DecisionDraft(measures=(remove(bad),), **law),
            items[worse]: DecisionDraft(measures=(remove(worse),), **law),
        },
    )  # fmt: skip
    assert [decided.number for decided in taken.values()] == [1, 2]
    assert rows(server, "SELECT state FROM cases") == [("open",)]
    server.database.write_now(
        decide_items, server.site, mona.id, filed.case_ids[0],
        {items[fine]: DecisionDraft(ground="none", facts="A photo of a cat.")},
    )  # fmt: skip
    assert rows(server, "SELECT state FROM cases") == [("decided",)]
    assert [await seen_by(client, status) for status in (bad, worse, fine)] == [False, False, True]
    told = rows(server, "SELECT account_id FROM statements ORDER BY created_at, id")
    assert told == [(cast.ada.id,), (cast.bob.id,)]
    kinds = rows(server, "SELECT kind FROM item_dispositions ORDER BY id")
    assert kinds == [("comply",), ("comply",), ("contest",)]


# What the databases refuse, whatever the code says


REFUSED = {
    "a measure without a statement": (
        "INSERT INTO measures (id, decision_id, statement_id, kind, status_id, from_at)"
        " SELECT 1, id, NULL, 'remove', {status}, 1 FROM decisions"
    ),
    "a measure about nothing": (
        "INSERT INTO measures (id, decision_id, statement_id, kind, from_at)"
        " SELECT 1, decision_id, id, 'remove', 1 FROM statements"
    ),
    "a statement without a delivery": (
        "INSERT INTO statements (id, decision_id, puid, language, text, fields, dsa, delivery_id, created_at,"
        " appeal_until) SELECT 1, id, 'x', 'en', 'x', '', '', NULL, 1, 1 FROM decisions"
    ),
    "a changed decision": "UPDATE decisions SET facts = 'other'",
    "a deleted decision": "DELETE FROM decisions",
    "a changed measure": "UPDATE measures SET until_at = 1",
    "a deleted measure": "DELETE FROM measures",
    "a changed statement": "UPDATE statements SET text = 'other'",
    "a changed end": "UPDATE measure_ends SET kind = 'expired'",
    "the decider as second voice": (
        "INSERT INTO decisions (id, number, case_id, ground, law, facts, decider_id, second_decider_id,"
        " decided_at, undo_until) SELECT 1, 99, case_id, 'law', 'x', 'x', decider_id, decider_id, 1, 1"
        " FROM decisions"
    ),
    "a decision of nobody": (
        "INSERT INTO decisions (id, number, case_id, ground, law, facts, decided_at, undo_until)"
        " SELECT 1, 99, case_id, 'law', 'x', 'x', 1, 1 FROM decisions"
    ),
    "a rule that is not named": (
        "INSERT INTO decisions (id, number, case_id, ground, facts, decider_id, decided_at, undo_until)"
        " SELECT 1, 99, case_id, 'rule', 'x', decider_id, 1, 1 FROM decisions"
    ),
    "a proposal that its author agrees to": (
        "INSERT INTO proposals (id, case_id, draft, account_id, at, outcome, answered_by_id)"
        " SELECT 1, case_id, '', decider_id, 1, 'agreed', decider_id FROM decisions"
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
async def test_the_database_refuses(server: Any, cast: Any, what: str) -> None:
    mona = make_moderator(cast)
    status = make_post(server, cast.ada)
    case_id = report(server, cast.bob, status).case_ids[0]
    decided = decide_on(server, mona, case_id, remove(status))
    end = "INSERT INTO measure_ends (measure_id, kind, at) SELECT id, 'undone', 1 FROM measures"
    server.database.write_now(lambda tx: tx.run(statements(end, end)))
    before = rows(server, "SELECT * FROM decisions")
    sql = REFUSED[what].format(status=status)
    with pytest.raises(Exception, match=r"(?i)null|check|constraint|never changed|never deleted"):
        server.database.write_now(lambda tx: tx.run(statements(sql, sql)))
    assert rows(server, "SELECT * FROM decisions") == before
    assert decided.number == 1
