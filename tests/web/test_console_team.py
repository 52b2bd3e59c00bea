"""The pages of the team: members, servers, templates, the log with names, duty, and finding all of it."""

from typing import Any

import pytest

from roseau.domain.moderation.templates import list_templates
from tests.moderation.acting import rows, value
from tests.web.cases import FACTS, decision, make_case, make_rule, write
from tests.web.conftest import Browser, text_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def rule(server: Any) -> int:
    """A rule of the site."""
    return make_rule(server)


@pytest.fixture
def mona(cast: Any) -> Any:
    """A moderator."""
    return cast.join("mona", role="moderator")


@pytest.fixture
def case(server: Any, cast: Any, rule: int, mona: Any) -> int:
    """Ada has reported what Bob wrote; the id of Bob's post."""
    return make_case(server, cast, rule)


async def test_members_are_found_and_let_in(
    browser: Browser, server: Any, cast: Any, mona: Any, case: int, rule: int
) -> None:
    browser.sign_in(mona)
    await browser.submit("/moderation/cases/1/decide", on="/moderation/cases/1", **decision(rule, 4))
    page = await browser.get("/moderation/people?q=bob")
    assert f"/moderation/people/{cast.bob.id}" in page.text
    said = text_of(await browser.get(f"/moderation/people/{cast.bob.id}"))
    assert "bob@roseau.test" in said and "Decision 1" in said and FACTS in said and "Case 1" in said
    assert "Nobody of this name was found." in text_of(await browser.get("/moderation/people?q=nobodyatall"))
    write(server, f"UPDATE users SET approved_at = NULL WHERE account_id IN ({cast.eve.id}, {cast.ugo.id})")
    said = text_of(await browser.get("/moderation/people"))
    assert "@eve" in said and "@ugo" in said
    assert (await browser.submit(f"/moderation/people/{cast.eve.id}/approve")).status_code == 303
    answer = await browser.submit(f"/moderation/people/{cast.ugo.id}/reject")
    assert "Refuse this request?" in text_of(answer)
    assert (
        await browser.submit(f"/moderation/people/{cast.ugo.id}/reject", confirmed="1")
    ).status_code == 303
    assert "Nobody is waiting." in text_of(await browser.get("/moderation/people"))
    assert value(server, "SELECT COUNT(*) FROM users WHERE approved_at IS NULL") == 0


async def test_the_log_of_the_team_has_names_and_can_be_searched(
    browser: Browser, cast: Any, mona: Any, case: int, rule: int
) -> None:
    browser.sign_in(mona)
    await browser.get("/moderation/cases/1")
    await browser.submit("/moderation/cases/1/open", which="todo")
    await browser.submit("/moderation/cases/1/decide", **decision(rule, 4))
    said = text_of(await browser.get("/moderation/audit"))
    assert "mona" in said and "Decided by a rule" in said and "Taken" in said
    said = text_of(await browser.get("/moderation/audit?kind=decision"))
    assert "Decided by a rule" in said and "Taken" not in said.partition("When")[2]
    karim = cast.join("karim", role="moderator")
    said = text_of(await browser.get(f"/moderation/audit?person={karim.id}"))
    assert "Nothing of the kind has happened." in said
    assert "Nothing of the kind has happened." in text_of(
        await browser.get("/moderation/audit?day=2001-01-01")
    )
    assert (await browser.get("/moderation/audit?day=x&person=y&before=z")).status_code == 200


async def test_templates_are_written_changed_and_taken_out_of_use(
    browser: Browser, server: Any, mona: Any, rule: int
) -> None:
    browser.sign_in(mona)
    here = "/moderation/templates"
    fields = {
        "name": "Insults",
        "rule_id": str(rule),
        "text_en": "Somebody was insulted.",
        "text_fr": "Une insulte.",
    }
    assert (await browser.submit(here, on=here, **fields)).status_code == 303
    (first,) = server.database.read_now(list_templates)
    assert first.said_in("fr") == "Une insulte." and first.rule_id == rule
    await browser.submit(here, **{**fields, "name": "Names", "replaces": str(first.id)})
    (second,) = server.database.read_now(list_templates)
    assert second.name == "Names"
    answer = await browser.submit(here, name="", text_en="", text_fr="")
    assert answer.status_code == 422 and "A template has a name" in text_of(answer)
    await browser.submit(f"{here}/{second.id}/withdraw")
    assert server.database.read_now(list_templates) == []


async def test_the_team_arranges_its_duty_and_rests(
    browser: Browser, server: Any, mona: Any, case: int
) -> None:
    browser.sign_in(mona)
    await browser.get("/moderation/team")
    await browser.submit(
        "/moderation/team/duties", from_0="8:00", until_0="12:30", from_6="22:00", until_6="6:00", call_6="1"
    )
    found = rows(server, "SELECT from_minute, until_minute, on_call FROM duties ORDER BY from_minute")
    assert [(row[0], row[1], bool(row[2])) for row in found] == [(480, 750, False), (9960, 10440, True)]
    answer = await browser.submit("/moderation/team/duties", from_0="8 o'clock", until_0="12:00")
    assert answer.status_code == 422 and "A time is written like" in text_of(answer)
    await browser.submit("/moderation/cases/1/open")
    await browser.submit("/moderation/team/rest", days="1")
    assert value(server, "SELECT assignee_id FROM cases") is None
    assert "You are resting." in text_of(await browser.get("/moderation/team"))
    await browser.submit("/moderation/team/rest/end")
    assert "Rest for a day" in text_of(await browser.get("/moderation/team"))


async def test_owners_appoint_the_team(browser: Browser, server: Any, cast: Any, mona: Any) -> None:
    browser.sign_in(mona)
    await browser.get("/moderation/team")
    answer = await browser.submit("/moderation/team/role", person="ada", role="moderator")
    assert answer.status_code == 403
    assert cast.ada
    browser.sign_in(cast.olga)
    await browser.get("/moderation/team")
    assert (await browser.submit("/moderation/team/role", person="@ada", role="moderator")).status_code == 303
    assert value(server, f"SELECT role FROM users WHERE account_id = {cast.ada.id}") == "moderator"
    answer = await browser.submit("/moderation/team/role", person="nobody", role="moderator")
    assert answer.status_code == 422 and "There is no member of this name here." in text_of(answer)


async def test_everything_is_found_by_its_name(browser: Browser, cast: Any, mona: Any, case: int) -> None:
    browser.sign_in(mona)
    for asked, href in (
        ("1", "/moderation/cases/1"),
        ("#1", "/moderation/cases/1"),
        ("bob", f"/moderation/people/{cast.bob.id}"),
        ("insults", "/rules"),
        ("team", "/moderation/team"),
    ):
        page = await browser.get("/moderation/find", params={"q": asked})
        assert f'<a href="{href}">' in page.text, asked
    page = await browser.get("/moderation/find", params={"q": "99999"})
    assert "Nothing of this name." in text_of(page)


async def test_a_server_is_limited_blocked_after_a_second_look_and_let_in_again(
    browser: Browser, server: Any, mona: Any, rule: int
) -> None:
    browser.sign_in(mona)
    here = "/moderation/servers"
    fields = {
        "domain": "spam.example",
        "severity": "silence",
        "rule_id": str(rule),
        "public_comment": "Spam.",
    }
    assert (await browser.submit(here, on=here, **fields)).status_code == 303
    said = text_of(await browser.get(here))
    assert "spam.example" in said and "Limited" in said and "Spam." in said
    fields = {**fields, "severity": "suspend"}
    answer = await browser.submit(here, **fields)
    assert "Block spam.example?" in text_of(answer)
    assert value(server, "SELECT severity FROM domain_permissions") == "silence"
    assert (await browser.submit(here, **fields, confirmed="1")).status_code == 303
    assert value(server, "SELECT severity FROM domain_permissions") == "suspend"
    assert (await browser.submit(f"{here}/lift", domain="spam.example")).status_code == 303
    assert "No server is limited." in text_of(await browser.get(here))
    answer = await browser.submit(here, domain="not a name", severity="silence")
    assert answer.status_code == 422 and "not a name" in answer.text


async def test_lists_of_others_are_followed_and_left(
    browser: Browser, server: Any, mona: Any, rule: int
) -> None:
    browser.sign_in(mona)
    here = "/moderation/servers"
    answer = await browser.submit(f"{here}/lists", on=here, uri="ftp://list.example/x", title="Ours")
    assert answer.status_code == 422
    answer = await browser.submit(f"{here}/lists", uri="https://list.example/blocks.csv", title="Ours")
    assert answer.status_code == 303
    assert "Ours" in text_of(await browser.get(here))
    list_id = value(server, "SELECT id FROM domain_permission_subscriptions")
    assert (await browser.submit(f"{here}/lists/{list_id}/leave")).status_code == 303
    assert value(server, "SELECT COUNT(*) FROM domain_permission_subscriptions") == 0
