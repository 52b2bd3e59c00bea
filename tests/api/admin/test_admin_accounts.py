"""The moderation API for accounts: what apps may ask for, and what becomes of it here."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import bindparam, select, update

from roseau.domain.accounts.signup import Application, sign_up
from roseau.domain.moderation.decisions.second_voice import agree
from roseau.domain.policy import list_rules
from roseau.storage.schema.accounts import users
from roseau.storage.schema.cases import proposals
from roseau.storage.statements import statement
from roseau.worker import Worker
from tests.moderation.acting import make_moderator, make_post, report, rows, value
from tests.moderation.test_servers import make_stranger, write_rules

pytestmark = pytest.mark.anyio

SCOPES = "admin:read admin:write"

_pend = statement(update(users).where(users.c.account_id == bindparam("who")).values(approved_at=None))
_proposals = statement(select(proposals.c.id).where(proposals.c.outcome.is_(None)))


@pytest.fixture
def mona(server: Any, cast: Any) -> dict[str, str]:
    """The headers of a moderator, on a site with two rules."""
    write_rules(server, "Be kind.", "No spam.")
    return cast.token(make_moderator(cast), SCOPES)  # type: ignore[no-any-return]


async def act(client: Any, auth: dict[str, str], account_id: int, **form: Any) -> Any:
    return await client.post(f"/api/v1/admin/accounts/{account_id}/action", json=form, headers=auth)


async def show(client: Any, auth: dict[str, str], account_id: int) -> Any:
    answer = await client.get(f"/api/v1/admin/accounts/{account_id}", headers=auth)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_an_account_as_the_team_sees_it(client: Any, cast: Any, mona: dict[str, str]) -> None:
    found = await show(client, mona, cast.ada.id)
    assert found["account"]["id"] == found["id"] == str(cast.ada.id)
    expected: dict[str, Any] = {
        "username": "ada", "domain": None, "email": "ada@roseau.test", "ip": None, "ips": [], "locale": "en",
        "confirmed": True, "approved": True, "disabled": False, "silenced": False, "suspended": False,
        "sensitized": False, "invite_request": None,
    }  # fmt: skip
    assert {name: found[name] for name in expected} == expected
    assert found["role"]["permissions"] == "65536"


async def test_permissions_are_asked_for(client: Any, cast: Any, mona: dict[str, str]) -> None:
    for headers in (cast.token(cast.bob, SCOPES), cast.token(cast.join("rita", role="reviewer"), SCOPES)):
        for path in ("accounts", "reports", "domain_blocks", "ip_blocks", "trends/tags", "tags"):
            answer = await client.get(f"/api/v1/admin/{path}", headers=headers)
            assert answer.status_code == 403, path
        answer = await act(client, headers, cast.ada.id, type="suspend", text="No.")
        assert answer.status_code == 403
    narrow = cast.token(make_moderator(cast, "max"), "admin:read:reports")
    assert (await client.get("/api/v1/admin/accounts", headers=narrow)).status_code == 403
    assert (await client.get("/api/v1/admin/reports", headers=narrow)).status_code == 200


@pytest.mark.parametrize("path", ["/api/v1/admin/accounts", "/api/v2/admin/accounts"])
async def test_accounts_are_found(
    client: Any, server: Any, cast: Any, mona: dict[str, str], path: str
) -> None:
    stranger = make_stranger(server, "far.example")
    ada, bob = cast.ada, cast.bob
    await act(client, mona, bob.id, type="silence", text="Loud.")

    async def find(**query: Any) -> set[int]:
        answer = await client.get(path, params=query, headers=mona)
        assert answer.status_code == 200, answer.text
        return {int(one["id"]) for one in answer.json()}

    v1 = "v1" in path
    local, remote = (
        ({"local": "true"}, {"remote": "true"}) if v1 else ({"origin": "local"}, {"origin": "remote"})
    )
    assert await find(**remote) == {stranger}
    assert stranger not in await find(**local) and ada.id in await find(**local)
    silenced = {"silenced": "true"} if v1 else {"status": "silenced"}
    assert await find(**silenced) == {bob.id}
    active = {"active": "true"} if v1 else {"status": "active"}
    assert bob.id not in await find(**active) and ada.id in await find(**active)
    staff = {"staff": "true"} if v1 else {"permissions": "staff"}
    assert await find(**staff) == await find(username="mona") != set()
    assert await find(username="AD") == {ada.id}
    assert await find(username="a_") == set()
    assert await find(email="ada@") == {ada.id}
    assert await find(by_domain="far.example") == {stranger}
    assert await find(ip="10.0.0.1") == set()
    first = await client.get(path, params={"limit": 1}, headers=mona)
    assert len(first.json()) == 1 and 'rel="next"' in first.headers["link"]


async def test_pending_people_are_let_in_or_not(
    client: Any, server: Any, cast: Any, mona: dict[str, str]
) -> None:
    def apply(tx: Any, name: str) -> int:
        new = Application(
            username=name, email=f"{name}@roseau.test", password_hash="x", agreement=True, reason="Please"
        )
        return sign_up(tx, server.site, new)

    ida = server.database.write_now(apply, "ida")
    tom = server.database.write_now(apply, "tom")
    for account_id in (ida, tom):
        server.database.write_now(lambda tx, who=account_id: tx.run(_pend, who=who))
    found = await client.get("/api/v2/admin/accounts", params={"status": "pending"}, headers=mona)
    assert {one["id"] for one in found.json()} == {str(ida), str(tom)}
    approved = await client.post(f"/api/v1/admin/accounts/{ida}/approve", headers=mona)
    assert approved.json()["approved"] is True
    assert (await client.post(f"/api/v1/admin/accounts/{ida}/approve", headers=mona)).status_code == 403
    rejected = await client.post(f"/api/v1/admin/accounts/{tom}/reject", headers=mona)
    assert rejected.json()["username"] == "tom"
    assert (await client.get(f"/api/v1/admin/accounts/{tom}", headers=mona)).status_code == 404


@pytest.mark.parametrize(
    ("type_", "undo", "field"),
    [
        ("silence", "unsilence", "silenced"),
        ("disable", "enable", "disabled"),
        ("suspend", "unsuspend", "suspended"),
    ],
)
async def test_an_action_is_a_decision_and_can_be_taken_back(
    client: Any, server: Any, cast: Any, mona: dict[str, str], type_: str, undo: str, field: str
) -> None:
    answer = await act(client, mona, cast.ada.id, type=type_, text="Wrote insults all day.")
    assert (answer.status_code, answer.json()) == (200, {})
    assert (await show(client, mona, cast.ada.id))[field] is True
    ((facts, said),) = rows(
        server,
        "SELECT d.facts, s.text FROM decisions d JOIN statements s ON s.decision_id = d.id",
    )
    assert facts == "Wrote insults all day." and facts in said and "Be kind." in said
    back = await client.post(f"/api/v1/admin/accounts/{cast.ada.id}/{undo}", headers=mona)
    assert back.status_code == 200 and back.json()[field] is False
    assert value(server, "SELECT count(*) FROM decisions WHERE reverses_id IS NOT NULL") == 1


async def test_a_warning_is_a_reminder(client: Any, server: Any, cast: Any, mona: dict[str, str]) -> None:
    await act(client, mona, cast.ada.id, type="none", text="Please cover what may hurt.")
    assert rows(server, "SELECT kind FROM measures") == [("reminder",)]
    assert value(server, "SELECT count(*) FROM strikes") == 0


async def test_without_words_the_statement_names_the_rule_of_the_report(
    client: Any, server: Any, cast: Any, mona: dict[str, str]
) -> None:
    second = server.database.read_now(list_rules)[1]
    filed = report(server, cast.bob, make_post(server, cast.ada), rule_ids=(second.id,))
    answer = await act(client, mona, cast.ada.id, type="silence", report_id=filed.notice_id)
    assert answer.status_code == 200, answer.text
    ((rule_id, facts, case_id),) = rows(server, "SELECT rule_id, facts, case_id FROM decisions")
    assert (rule_id, case_id) == (second.id, filed.case_ids[0])
    assert "No spam." in facts


async def test_without_a_rule_nothing_can_be_decided(client: Any, server: Any, cast: Any) -> None:
    auth = cast.token(make_moderator(cast), SCOPES)
    answer = await act(client, auth, cast.ada.id, type="suspend", text="Bad.")
    assert answer.status_code == 422 and "rule" in answer.json()["error"]
    assert value(server, "SELECT count(*) FROM decisions") == 0


async def test_marking_as_sensitive_covers_posts(
    client: Any, server: Any, cast: Any, mona: dict[str, str]
) -> None:
    assert (await act(client, mona, cast.ada.id, type="sensitive", text="Nude.")).status_code == 422
    status_id = make_post(server, cast.ada)
    filed = report(server, cast.bob, status_id)
    answer = await act(client, mona, cast.ada.id, type="sensitive", text="Nude.", report_id=filed.notice_id)
    assert answer.status_code == 200, answer.text
    assert rows(server, "SELECT kind, status_id FROM measures") == [("interstitial", status_id)]
    back = await client.post(f"/api/v1/admin/accounts/{cast.ada.id}/unsensitive", headers=mona)
    assert back.status_code == 200
    assert value(server, "SELECT count(*) FROM measure_ends") == 1


async def test_what_one_may_not_or_cannot(client: Any, cast: Any, mona: dict[str, str]) -> None:
    assert (await act(client, mona, 1, type="silence", text="x")).status_code == 404
    assert (await act(client, mona, cast.ada.id, type="burn", text="x")).status_code in (400, 422)
    assert (await act(client, mona, cast.ada.id, type="silence", report_id=1)).status_code == 404
    olga = await act(client, mona, cast.olga.id, type="suspend", text="Coup.")
    assert olga.status_code == 422


async def test_an_account_is_kept_as_long_as_it_may_come_back(
    client: Any, server: Any, cast: Any, worker: Worker, at: Callable[[float], None], mona: dict[str, str]
) -> None:
    boss = cast.token(cast.olga, SCOPES)
    path = f"/api/v1/admin/accounts/{cast.ada.id}"
    assert (await client.delete(path, headers=boss)).status_code == 403
    # The owner and a moderator are two: the suspension is proposed by one, and the other agrees.
    assert (await act(client, mona, cast.ada.id, type="suspend", text="Threats.")).status_code == 200
    server.database.write_now(agree_to_all, server, cast.olga.id)
    refused = await client.delete(path, headers=boss)
    assert refused.status_code == 403 and "appealed" in refused.json()["error"]
    at(190 * 86_400)
    assert (await client.delete(path, headers=mona)).status_code == 403
    assert (await client.delete(path, headers=boss)).status_code == 200
    assert (await client.get(path, headers=boss)).status_code == 404


def agree_to_all(tx: Any, server: Any, account_id: int) -> None:
    """Be the second voice wherever one is waited for."""
    for proposal_id in tx.values(_proposals):
        agree(tx, server.site, account_id, proposal_id)


async def test_somebody_held_back_with_their_server_is_not_let_go_alone(
    client: Any, server: Any, cast: Any, mona: dict[str, str]
) -> None:
    stranger = make_stranger(server, "evil.example")
    made = await client.post(
        "/api/v1/admin/domain_blocks", json={"domain": "evil.example", "severity": "suspend"}, headers=mona
    )
    assert made.status_code == 200, made.text
    answer = await client.post(f"/api/v1/admin/accounts/{stranger}/unsuspend", headers=mona)
    assert answer.status_code == 422 and "server" in answer.json()["error"]
