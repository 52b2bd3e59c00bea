"""Reports from apps, as docs.joinmastodon.org/methods/reports has them."""

import pytest

from roseau.domain.policy import NewRule, RuleText, list_rules, set_rules
from tests.moderation.acting import make_post, rows, value

pytestmark = pytest.mark.anyio


async def _report(client, member, **fields):
    return await client.post("/api/v1/reports", headers=member.auth, json=fields)


async def test_a_report_is_answered_as_mastodon_does(client, cast, server):
    status_id = make_post(server, cast.ada)
    answer = await _report(
        client, cast.bob, account_id=str(cast.ada.id), status_ids=[str(status_id)], comment="Look at this.",
        category="spam", forward=True,
    )  # fmt: skip
    assert answer.status_code == 200
    report = answer.json()
    assert report["id"].isdigit()
    assert report["target_account"]["acct"] == "ada"
    expected = {
        "action_taken": False, "action_taken_at": None, "category": "spam", "comment": "Look at this.",
        "forwarded": True, "status_ids": [str(status_id)], "rule_ids": None, "collection_ids": [],
    }  # fmt: skip
    assert {name: report[name] for name in expected} == expected
    assert value(server, "SELECT lane FROM cases") == "S3"


async def test_a_report_of_an_account_alone(client, cast, server):
    report = (await _report(client, cast.bob, account_id=str(cast.ada.id))).json()
    assert (report["status_ids"], report["category"]) == (None, "other")
    assert value(server, "SELECT subject FROM cases") == f"account:{cast.ada.id}"


async def test_posts_of_one_person_are_one_case(client, cast, server):
    posts = [make_post(server, cast.ada, f"Number {n}") for n in range(3)]
    await _report(client, cast.bob, account_id=cast.ada.id, status_ids=posts)
    assert rows(server, "SELECT subject FROM cases") == [(f"account:{cast.ada.id}",)]
    assert value(server, "SELECT count(*) FROM notice_items") == 3
    # Whoever reports one of them joins that case.
    await _report(client, cast.zoe, account_id=cast.ada.id, status_ids=posts[:1])
    assert rows(server, "SELECT notices_count, sources_count FROM cases") == [(2, 2)]


async def test_forms_and_brackets_are_read_too(client, cast, server):
    status_id = make_post(server, cast.ada)
    answer = await client.post(
        "/api/v1/reports",
        headers=cast.bob.auth,
        data={"account_id": cast.ada.id, "status_ids[]": [status_id], "forward": "true"},
    )
    assert answer.json()["status_ids"] == [str(status_id)]


async def test_rules_make_it_a_violation(client, cast, server):
    rule = NewRule({"en": RuleText("Be kind.")})
    server.database.write_now(set_rules, [rule])
    rule_id = server.database.read_now(list_rules)[0].id
    report = (await _report(client, cast.bob, account_id=cast.ada.id, rule_ids=[rule_id])).json()
    assert (report["category"], report["rule_ids"]) == ("violation", [str(rule_id)])
    unknown = await _report(client, cast.bob, account_id=cast.ada.id, rule_ids=["7"])
    assert unknown.status_code == 422
    assert unknown.json()["error"] == "Validation failed: Rule ids does not reference valid rules"


async def test_reasons_of_ours_set_the_lane(client, cast, server):
    report = (await _report(client, cast.bob, account_id=cast.ada.id, reason="threat_to_life")).json()
    assert (report["category"], report["reason"]) == ("legal", "threat_to_life")
    assert value(server, "SELECT lane FROM cases") == "S0"
    assert (await _report(client, cast.bob, account_id=cast.ada.id, reason="dislike")).status_code == 422


async def test_collections_are_taken_down_by_id(client, cast):
    report = (await _report(client, cast.bob, account_id=cast.ada.id, collection_ids=["12", "13"])).json()
    assert report["collection_ids"] == ["12", "13"]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, 404),
        ({"account_id": "1"}, 404),
        ({"account_id": "rubbish"}, 422),
        ({"account_id": "ada", "comment": "x"}, 422),
        ({"category": "dislike", "account_id": "@ada"}, 422),
        ({"comment": "x" * 1001, "account_id": "@ada"}, 422),
        ({"status_ids": ["1"], "account_id": "@ada"}, 404),
        ({"account_id": "@bob"}, 422),
        ({"status_ids": list(range(1, 200)), "account_id": "@ada"}, 404),
    ],
)
async def test_what_cannot_be_taken_is_refused(client, cast, server, fields, status):
    named = {f"@{name}": str(getattr(cast, name).id) for name in ("ada", "bob")}
    fields = {
        key: named.get(value, value) if isinstance(value, str) else value for key, value in fields.items()
    }
    answer = await _report(client, cast.bob, **fields)
    assert (answer.status_code, bool(answer.json()["error"])) == (status, True)
    assert value(server, "SELECT count(*) FROM notices") == 0


async def test_nobody_reports_what_they_cannot_see(client, cast, server):
    hidden = make_post(server, cast.ada, "For followers", visibility="private")
    mine = make_post(server, cast.zoe, "Somebody else's")
    for status_id in (hidden, mine):
        answer = await _report(client, cast.bob, account_id=cast.ada.id, status_ids=[status_id])
        assert answer.status_code == 404
    named = make_post(server, cast.ada, "@bob between us", visibility="direct")
    answer = await _report(client, cast.bob, account_id=cast.ada.id, status_ids=[named])
    assert answer.status_code == 200


async def test_the_scope_is_asked_for(client, cast):
    auth = cast.token(cast.bob, "read write:statuses")
    answer = await client.post("/api/v1/reports", headers=auth, json={"account_id": cast.ada.id})
    assert answer.status_code == 403
    auth = cast.token(cast.bob, "write:reports")
    answer = await client.post("/api/v1/reports", headers=auth, json={"account_id": cast.ada.id})
    assert answer.status_code == 200


async def test_the_author_never_learns_who_reported(client, cast, server, worker):
    status_id = make_post(server, cast.ada)
    await _report(client, cast.bob, account_id=cast.ada.id, status_ids=[status_id], comment="secretive")
    await worker.settle()
    for path in ("/api/v1/notifications", f"/api/v1/statuses/{status_id}", "/api/v1/conversations"):
        answer = await client.get(path, headers=cast.ada.auth)
        assert "bob" not in answer.text and "secretive" not in answer.text
    log = rows(server, "SELECT body FROM moderation_log")
    assert log and not any(
        "bob" in body or "secretive" in body or str(cast.bob.id) in body for (body,) in log
    )
