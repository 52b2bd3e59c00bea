"""The moderation API for reports: the cases behind them are claimed, decided and opened again."""

from collections.abc import Callable
from typing import Any

import pytest

from roseau.domain.moderation.team.roles import RoleDraft, appoint, save_role
from roseau.worker import Worker
from tests.moderation.acting import make_moderator, make_post, report, rows, value
from tests.moderation.test_servers import write_rules

pytestmark = pytest.mark.anyio

SCOPES = "admin:read admin:write"


@pytest.fixture
def mona(server: Any, cast: Any) -> dict[str, str]:
    """The headers of a moderator, on a site with a rule."""
    write_rules(server, "Be kind.")
    return cast.token(make_moderator(cast), SCOPES)  # type: ignore[no-any-return]


async def call(client: Any, auth: dict[str, str], verb: str, path: str, **form: Any) -> Any:
    answer = await client.request(verb, f"/api/v1/admin/reports{path}", headers=auth, json=form or None)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_report_as_the_team_sees_it(
    client: Any, server: Any, cast: Any, mona: dict[str, str]
) -> None:
    status_id = make_post(server, cast.bob)
    filed = report(server, cast.ada, status_id, comment="Look at this", category="violation")
    (found,) = await call(client, mona, "GET", "")
    assert found["id"] == str(filed.notice_id)
    expected: dict[str, Any] = {
        "action_taken": False, "action_taken_at": None, "category": "violation", "comment": "Look at this",
        "forwarded": False, "assigned_account": None, "action_taken_by_account": None, "rules": [],
    }  # fmt: skip
    assert {name: found[name] for name in expected} == expected
    assert found["account"]["username"] == "ada" and found["account"]["email"] == "ada@roseau.test"
    assert found["target_account"]["account"]["acct"] == "bob"
    assert [status["id"] for status in found["statuses"]] == [str(status_id)]
    assert found == await call(client, mona, "GET", f"/{filed.notice_id}")


async def test_a_report_is_taken_and_given_back(
    client: Any, server: Any, cast: Any, mona: dict[str, str]
) -> None:
    filed = report(server, cast.ada, make_post(server, cast.bob))
    path = f"/{filed.notice_id}"
    taken = await call(client, mona, "POST", f"{path}/assign_to_self")
    assert taken["assigned_account"]["username"] == "mona"
    assert value(server, "SELECT assignee_id FROM cases") is not None
    given = await call(client, mona, "POST", f"{path}/unassign")
    assert given["assigned_account"] is None


async def test_a_report_is_resolved_and_opened_again(
    client: Any, server: Any, cast: Any, mona: dict[str, str], worker: Worker, at: Callable[[float], None]
) -> None:
    filed = report(server, cast.ada, make_post(server, cast.bob))
    path = f"/{filed.notice_id}"
    done = await call(client, mona, "POST", f"{path}/resolve")
    assert done["action_taken"] is True and done["action_taken_at"]
    assert done["action_taken_by_account"]["username"] == "mona"
    assert rows(server, "SELECT ground FROM decisions") == [("none",)]
    assert await call(client, mona, "GET", "") == []
    assert [one["id"] for one in await call(client, mona, "GET", "?resolved=true")] == [str(filed.notice_id)]
    at(60)
    await worker.settle()
    again = await call(client, mona, "POST", f"{path}/reopen")
    assert again["action_taken"] is False
    assert rows(server, "SELECT state FROM cases ORDER BY number") == [("closed",), ("open",)]
    assert value(server, "SELECT notices_count FROM cases WHERE state = 'open'") == 1
    refused = await client.post(f"/api/v1/admin/reports{path}/reopen", headers=mona)
    assert refused.status_code == 422


async def test_a_report_is_filed_otherwise(client: Any, server: Any, cast: Any, mona: dict[str, str]) -> None:
    filed = report(server, cast.ada, make_post(server, cast.bob))
    rule_id = value(server, "SELECT id FROM rules")
    changed = await call(
        client, mona, "PUT", f"/{filed.notice_id}", category="violation", rule_ids=[str(rule_id)]
    )
    assert changed["category"] == "violation"
    assert [rule["text"] for rule in changed["rules"]] == ["Be kind."]


async def test_reports_are_filtered_and_paged(
    client: Any, server: Any, cast: Any, mona: dict[str, str]
) -> None:
    one = report(server, cast.ada, make_post(server, cast.bob)).notice_id
    two = report(server, cast.bob, make_post(server, cast.ada)).notice_id

    async def find(**query: Any) -> list[int]:
        answer = await client.get("/api/v1/admin/reports", params=query, headers=mona)
        return [int(found["id"]) for found in answer.json()]

    assert await find() == [two, one]
    assert await find(account_id=cast.ada.id) == [one]
    assert await find(target_account_id=cast.ada.id) == [two]
    assert await find(limit=1) == [two]
    assert await find(max_id=two) == [one]


async def test_a_party_does_not_see_the_report(client: Any, server: Any, cast: Any) -> None:
    write_rules(server)
    mona = make_moderator(cast)
    auth = cast.token(mona, SCOPES)
    about = report(server, cast.ada, make_post(server, mona)).notice_id
    by = report(server, mona, make_post(server, cast.bob)).notice_id
    assert (await client.get("/api/v1/admin/reports", headers=auth)).json() == []
    for notice_id in (about, by):
        for verb, path in (("GET", ""), ("POST", "/resolve"), ("POST", "/assign_to_self"), ("PUT", "")):
            answer = await client.request(verb, f"/api/v1/admin/reports/{notice_id}{path}", headers=auth)
            assert answer.status_code == 404, (verb, path)


async def test_addresses_are_for_those_who_look_after_members(client: Any, server: Any, cast: Any) -> None:
    draft = RoleDraft("judge", permissions=("view_cases", "decide_cases"))
    server.database.write_now(save_role, cast.olga.id, draft)
    server.database.write_now(appoint, cast.olga.id, cast.zoe.id, "judge")
    report(server, cast.ada, make_post(server, cast.bob), comment="Look")
    (found,) = await call(client, cast.token(cast.zoe, SCOPES), "GET", "")
    assert found["account"]["email"] == "" and found["target_account"]["email"] == ""


async def test_what_people_without_an_account_say_is_there_too(
    client: Any, server: Any, cast: Any, mona: dict[str, str]
) -> None:
    report(server, None, make_post(server, cast.bob), contact=("Jo", "jo@far.example"), good_faith=True)
    (found,) = await call(client, mona, "GET", "")
    assert found["account"] is None and found["target_account"]["username"] == "bob"
    assert "jo@far.example" not in str(found)
