"""The moderation API for other servers, for who may not sign up, and for figures."""

import hashlib
from typing import Any

import pytest

from tests.moderation.acting import make_moderator, make_post, report, value
from tests.moderation.test_servers import account, make_stranger, write_rules

pytestmark = pytest.mark.anyio

SCOPES = "admin:read admin:write"


@pytest.fixture
def mona(server: Any, cast: Any) -> dict[str, str]:
    """The headers of a moderator, on a site with a rule."""
    write_rules(server, "Be kind.")
    return cast.token(make_moderator(cast), SCOPES)  # type: ignore[no-any-return]


async def call(client: Any, auth: dict[str, str], verb: str, path: str, **form: Any) -> Any:
    answer = await client.request(verb, f"/api/v1/admin/{path}", headers=auth, json=form or None)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_server_is_blocked_changed_and_let_go(client: Any, server: Any, mona: dict[str, str]) -> None:
    stranger = make_stranger(server, "evil.example")
    made = await call(
        client, mona, "POST", "domain_blocks",
        domain="Evil.example", severity="suspend", public_comment="Spam", private_comment="mine",
        obfuscate=True,
    )  # fmt: skip
    expected = {
        "domain": "evil.example", "severity": "suspend", "public_comment": "Spam", "private_comment": "mine",
        "obfuscate": True, "reject_media": False, "reject_reports": False,
        "digest": hashlib.sha256(b"evil.example").hexdigest(),
    }  # fmt: skip
    assert {name: made[name] for name in expected} == expected
    assert account(server, stranger).suspended_at is not None
    path = f"domain_blocks/{made['id']}"
    assert await call(client, mona, "GET", path) == made
    assert await call(client, mona, "GET", "domain_blocks") == [made]
    changed = await call(client, mona, "PUT", path, severity="silence")
    assert (changed["id"], changed["severity"], changed["public_comment"]) == (made["id"], "silence", "Spam")
    assert account(server, stranger).suspended_at is None and account(server, stranger).limited_at
    again = await client.post("/api/v1/admin/domain_blocks", json={"domain": "evil.example"}, headers=mona)
    assert again.status_code == 422 and again.json()["details"]["domain"][0]["error"] == "ERR_TAKEN"
    assert await call(client, mona, "DELETE", path) == {}
    assert account(server, stranger).limited_at is None
    assert (await client.get(f"/api/v1/admin/{path}", headers=mona)).status_code == 404


@pytest.mark.parametrize("domain", ["", "no domain", "roseau.test", "a" * 300 + ".example"])
async def test_what_is_no_server_is_not_blocked(client: Any, mona: dict[str, str], domain: str) -> None:
    answer = await client.post("/api/v1/admin/domain_blocks", json={"domain": domain}, headers=mona)
    assert answer.status_code == 422


async def test_members_and_apps_read_the_public_list(
    client: Any, server: Any, cast: Any, mona: dict[str, str]
) -> None:
    await call(client, mona, "POST", "domain_blocks", domain="evil.example", severity="suspend",
               public_comment="Spam", private_comment="secret", obfuscate=True)  # fmt: skip
    await call(client, mona, "POST", "domain_blocks", domain="quiet.example", severity="noop",
               reject_reports=True)  # fmt: skip
    answer = await client.get("/api/v1/instance/domain_blocks")
    (shown,) = answer.json()
    assert shown == {
        "domain": "evi*.****ple",
        "digest": hashlib.sha256(b"evil.example").hexdigest(),
        "severity": "suspend",
        "comment": "Spam",
    }


async def test_servers_are_named(client: Any, mona: dict[str, str]) -> None:
    made = await call(client, mona, "POST", "domain_allows", domain="good.example")
    assert made == await call(client, mona, "POST", "domain_allows", domain="GOOD.example")
    assert await call(client, mona, "GET", "domain_allows") == [made]
    assert await call(client, mona, "GET", f"domain_allows/{made['id']}") == made
    assert await call(client, mona, "DELETE", f"domain_allows/{made['id']}") == made
    assert await call(client, mona, "GET", "domain_allows") == []


async def test_providers_of_mail(client: Any, mona: dict[str, str]) -> None:
    made = await call(client, mona, "POST", "email_domain_blocks", domain="trash.example")
    assert (made["domain"], made["allow_with_approval"], made["history"]) == ("trash.example", False, [])
    assert await call(client, mona, "GET", "email_domain_blocks") == [made]
    assert await call(client, mona, "GET", f"email_domain_blocks/{made['id']}") == made
    assert await call(client, mona, "DELETE", f"email_domain_blocks/{made['id']}") == {}
    assert await call(client, mona, "GET", "email_domain_blocks") == []


async def test_networks(client: Any, mona: dict[str, str]) -> None:
    made = await call(client, mona, "POST", "ip_blocks", ip="10.1.2.3/24", severity="sign_up_block",
                      comment="VPN", expires_in=3600)  # fmt: skip
    assert (made["ip"], made["severity"], made["comment"]) == ("10.1.2.0/24", "sign_up_block", "VPN")
    assert made["expires_at"] > made["created_at"]
    path = f"ip_blocks/{made['id']}"
    changed = await call(client, mona, "PUT", path, severity="sign_up_requires_approval", expires_in=None)
    assert (changed["ip"], changed["severity"]) == ("10.1.2.0/24", "sign_up_requires_approval")
    assert changed["expires_at"] is None
    assert await call(client, mona, "GET", path) == changed
    assert await call(client, mona, "GET", "ip_blocks") == [changed]
    for wrong in ({"ip": "no"}, {"ip": "0.0.0.0/0", "severity": "no_access"}, {"ip": "10.0.0.1"}):
        answer = await client.post("/api/v1/admin/ip_blocks", json=wrong, headers=mona)
        assert answer.status_code == 422, wrong
    assert await call(client, mona, "DELETE", path) == {}


async def test_addresses_of_people(client: Any, mona: dict[str, str]) -> None:
    made = await call(client, mona, "POST", "canonical_email_blocks", email="B.ad+x@Example.org")
    assert made["canonical_email_hash"] == hashlib.sha256(b"bad@example.org").hexdigest()
    for email, found in (("bad@example.org", [made]), ("good@example.org", [])):
        assert await call(client, mona, "POST", "canonical_email_blocks/test", email=email) == found
    assert await call(client, mona, "GET", "canonical_email_blocks") == [made]
    path = f"canonical_email_blocks/{made['id']}"
    assert await call(client, mona, "GET", path) == made
    assert await call(client, mona, "DELETE", path) == {}
    digest = "ab" * 32
    again = await call(client, mona, "POST", "canonical_email_blocks", canonical_email_hash=digest)
    assert again["canonical_email_hash"] == digest


# Figures


async def test_what_there_was_is_counted_by_day(
    client: Any, server: Any, cast: Any, mona: dict[str, str]
) -> None:
    make_stranger(server, "far.example")
    report(server, cast.ada, make_post(server, cast.bob, text="#hedge"))
    tag_id = value(server, "SELECT id FROM tags")
    keys = ["new_users", "active_users", "interactions", "opened_reports", "resolved_reports", "tag_uses",
            "instance_accounts", "nonsense"]  # fmt: skip
    answer = await call(
        client, mona, "POST", "measures", keys=keys, tag_uses={"id": str(tag_id)},
        instance_accounts={"domain": "far.example"},
    )  # fmt: skip
    found = {one["key"]: one for one in answer}
    assert "nonsense" not in found
    totals = {key: one["total"] for key, one in found.items()}
    assert totals == {
        "new_users": "3", "active_users": "1", "interactions": "0", "opened_reports": "1",
        "resolved_reports": "0", "tag_uses": "1", "instance_accounts": "1",
    }  # fmt: skip
    days = found["new_users"]["data"]
    assert len(days) == 7 and days[-1]["value"] == "3"
    assert found["new_users"]["previous_total"] == "0"
    wrong = await client.post(
        "/api/v1/admin/measures", json={"keys": keys, "start_at": "yesterday"}, headers=mona
    )
    assert wrong.status_code == 400


async def test_what_there_was_is_counted_by_kind(
    client: Any, server: Any, cast: Any, mona: dict[str, str]
) -> None:
    make_post(server, cast.bob, language="fr")
    answer = await call(
        client, mona, "POST", "dimensions", keys=["languages", "servers", "software_versions", "nonsense"]
    )
    found = {one["key"]: one["data"] for one in answer}
    assert found["languages"] == [{"key": "fr", "human_key": "French", "value": "1"}]
    assert found["servers"] == [{"key": "roseau.test", "human_key": "roseau.test", "value": "1"}]
    assert found["software_versions"][0]["key"] == "roseau"


async def test_who_stays_is_counted(client: Any, cast: Any, mona: dict[str, str]) -> None:
    for frequency, most in (("day", 7), ("month", 2)):
        cohorts = await call(client, mona, "POST", "retention", frequency=frequency)
        assert 1 <= len(cohorts) <= most
        last = cohorts[-1]
        assert last["frequency"] == frequency
        assert last["data"][0] == {"date": last["period"], "rate": 1.0, "value": "1"}


async def test_nothing_trends(client: Any, server: Any, cast: Any, mona: dict[str, str]) -> None:
    for kind in ("tags", "statuses", "links", "links/publishers"):
        assert await call(client, mona, "GET", f"trends/{kind}") == []
    assert (await client.post("/api/v1/admin/trends/tags/1/approve", headers=mona)).status_code == 404
    make_post(server, cast.bob, text="#Hedge")
    (tag,) = await call(client, mona, "GET", "tags")
    assert (tag["name"], tag["usable"], tag["trendable"]) == ("Hedge", True, False)
    assert await call(client, mona, "GET", f"tags/{tag['id']}") == tag
    assert await call(client, mona, "PUT", f"tags/{tag['id']}", trendable=True) == tag
