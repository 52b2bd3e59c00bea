"""The rarer things of the console: more measures, splitting, roles, letters by mail, sealed pictures."""

import re
from typing import Any

import pytest

from roseau.domain.moderation.appeals.drafts import AppealDraft
from roseau.domain.moderation.appeals.filing import file_appeal
from roseau.domain.moderation.cases.queue import count_cases, list_cases, next_case
from roseau.domain.moderation.notices.filing import SHARE
from roseau.domain.moderation.team.permissions import permissions_of
from roseau.domain.moderation.team.roles import RoleDraft, save_role
from roseau.domain.site import choose, load_choices
from roseau.kernel import clock
from tests.moderation.acting import make_post, report, rows, value
from tests.web.cases import FACTS, decision, make_case, make_rule
from tests.web.conftest import Browser, text_of
from tests.web.writers import picture

pytestmark = pytest.mark.anyio

CASE = "/moderation/cases/1"
NEEDED = "Choose a rule, or a law: the author is told which one it is about."


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


def appeal_of(server: Any, cast: Any) -> None:
    """Bob appeals against the only decision."""
    draft = AppealDraft(
        decision_id=value(server, "SELECT id FROM decisions"), text="A quotation.", account_id=cast.bob.id
    )
    server.database.write_now(file_appeal, server.site, draft)


async def test_nothing_is_said_of_a_rule_before_one_is_chosen(
    browser: Browser, server: Any, cast: Any, rule: int, mona: Any
) -> None:
    report(server, cast.ada, make_post(server, cast.bob), reason="harassment")
    page = await browser.sign_in(mona).get(CASE)
    assert "Choose a rule" in text_of(page)
    for chosen, said in (("", False), ("law", False), (f"rule:{rule}", True)):
        answer = await browser.submit(f"{CASE}/preview", **{**decision(rule, 4), "rule": chosen})
        statement = text_of(answer)
        assert "We removed your post" in statement and FACTS in statement
        assert ("It is against this rule of our site: “No insults”" in statement) is said
        assert "“”" not in statement and "against the law:" not in statement
        hidden = re.search(r'id="e-rule"[^>]* hidden', answer.text) is not None
        assert NEEDED in statement and hidden is bool(chosen)
    # To close a case needs none.
    answer = await browser.submit(f"{CASE}/preview", **{**decision(rule, 1), "rule": ""})
    assert re.search(r'id="e-rule"[^>]* hidden', answer.text)


async def test_a_note_stands_beside_the_post_and_the_post_stays(
    browser: Browser, server: Any, mona: Any, case: int, rule: int
) -> None:
    page = await browser.sign_in(mona).get(CASE)
    for words in ("More measures", "Add a note beside the post", "Hide it until it is decided"):
        assert words in text_of(page)
    answer = await browser.submit(f"{CASE}/decide", **decision(rule, 7))
    assert answer.status_code == 422 and "Say what the label reads" in text_of(answer)
    assert 'href="#f-label"' in answer.text and 'id="f-label"' in answer.text
    assert re.search(r'<details class="more-measures" open>', answer.text)
    answer = await browser.submit(f"{CASE}/decide", **decision(rule, 7, label="The figures are from 2011."))
    assert answer.status_code == 303
    assert rows(server, "SELECT kind, words FROM measures") == [("label", "The figures are from 2011.")]
    assert (await browser.client.get(f"/@bob/{case}")).status_code == 200


async def test_a_post_is_hidden_for_a_day_and_the_case_stays_open(
    browser: Browser, server: Any, mona: Any, case: int, rule: int
) -> None:
    browser.sign_in(mona)
    answer = await browser.submit(f"{CASE}/decide", on=CASE, **decision(rule, 8))
    assert answer.status_code == 303
    ((kind, until),) = rows(server, "SELECT kind, until_at - from_at FROM measures")
    assert (kind, until) == ("hold", clock.DAY)
    assert value(server, "SELECT state FROM cases") == "open"
    assert (await browser.client.get(f"/@bob/{case}")).status_code == 404
    # And then it is decided.
    answer = await browser.submit(f"{CASE}/decide", on=CASE, **decision(rule, 9, limit_days="30"))
    assert answer.status_code == 303
    found = dict(rows(server, "SELECT kind, until_at - from_at FROM measures WHERE kind != 'hold'"))
    assert found["remove"] is None and 0 <= 30 * clock.DAY - found["freeze"] < clock.MINUTE


async def test_a_suspension_says_for_how_long(browser: Browser, mona: Any, case: int, rule: int) -> None:
    page = await browser.sign_in(mona).get(CASE)
    for words in ("For a time: 30 days", "For a time: 90 days", "For good, with a second voice"):
        assert words in text_of(page)
    answer = await browser.submit(f"{CASE}/decide", **decision(rule, 6, suspend_days="30"))
    assert "For 30 days, and then it ends by itself." in text_of(answer)
    await browser.get(CASE)
    answer = await browser.submit(f"{CASE}/decide", **decision(rule, 6, suspend_days="0"))
    assert "For good, once somebody else of the team has agreed" in text_of(answer)


async def test_what_is_serious_is_taken_out_of_a_flood(
    browser: Browser, server: Any, cast: Any, mona: Any, rule: int
) -> None:
    post = make_post(server, cast.bob, "I will find you")
    for number in range(SHARE + 3):
        flood = report(
            server, None, uris=(f"https://example.org/{number}",), source="203.0.113.9", reason="spam"
        )
    flood = report(
        server, None, uris=(f"https://roseau.test/@bob/{post}",), source="203.0.113.9", reason="threat"
    )
    number = value(server, "SELECT number FROM cases WHERE id = :id", id=flood.case_ids[0])
    where = f"/moderation/cases/{number}"
    page = await browser.sign_in(mona).get(where)
    assert "Many reports from one place" in text_of(page)
    assert text_of(page).count("Give it a case of its own") >= 3
    answer = await browser.submit(f"{where}/work/split", item=str(flood.item_ids[0]))
    assert answer.status_code == 303
    assert "It has a case of its own now" in text_of(await browser.get(where))
    found = rows(server, "SELECT lane, state FROM cases WHERE subject = :subject", subject=f"status:{post}")
    assert found == [("S1", "open")]
    assert (await browser.submit(f"{where}/work/split", item="1")).status_code == 404
    assert (await browser.submit(f"{where}/work/split")).status_code == 404


async def test_a_post_is_taken_out_of_the_case_of_its_author(
    browser: Browser, server: Any, cast: Any, mona: Any, rule: int
) -> None:
    posts = [make_post(server, cast.bob, f"I will find you, {number}") for number in range(6)]
    filed = report(
        server, cast.ada, target_account_id=cast.bob.id, status_ids=tuple(posts), reason="harassment"
    )
    assert rows(server, "SELECT subject FROM cases") == [(f"account:{cast.bob.id}",)]
    page = await browser.sign_in(mona).get(CASE)
    assert text_of(page).count("Give it a case of its own") == 6
    answer = await browser.submit(f"{CASE}/work/split", item=str(filed.item_ids[2]))
    assert answer.status_code == 303
    assert rows(server, "SELECT subject FROM cases WHERE number = 2") == [(f"status:{posts[2]}",)]
    # What a case is about stays in it.
    report(server, cast.ada, target_account_id=cast.zed.id, reason="spam")
    item = str(
        value(server, "SELECT i.id FROM notice_items i JOIN cases c ON c.id = i.case_id WHERE number = 3")
    )
    page = await browser.get("/moderation/cases/3")
    assert "Give it a case of its own" not in text_of(page)
    answer = await browser.submit("/moderation/cases/3/work/split", item=item)
    assert answer.status_code == 422 and "This is what the case is about" in text_of(answer)


async def test_a_role_of_the_sites_own_is_made_given_and_taken_away(
    browser: Browser, server: Any, cast: Any, mona: Any
) -> None:
    here = "/moderation/team/roles"
    assert (await browser.sign_in(mona).get(here)).status_code == 403
    browser.sign_in(cast.olga)
    page = await browser.get(here)
    assert "Limit or block other servers" in text_of(page)
    ada_id = cast.ada.id
    wanted = {"permissions[]": ["view_cases", "manage_federation"], "title": "Border guards"}
    answer = await browser.submit(here, name="Border Guards", **wanted)
    assert answer.status_code == 422 and "The name of a role has 2 to 30" in text_of(answer)
    assert re.search(r'value="manage_federation" checked', answer.text)
    assert (await browser.submit(here, name="borders", **wanted)).status_code == 303
    assert "Border guards" in text_of(await browser.get("/moderation/team"))
    answer = await browser.submit(here, name="borders", **wanted)
    assert answer.status_code == 422 and "There is a role of this name already." in text_of(answer)
    await browser.submit("/moderation/team/role", person="ada", role="borders")
    held = server.database.read_now(permissions_of, ada_id)
    assert held == {"view_cases", "manage_federation"}
    answer = await browser.submit(f"{here}/borders/remove")
    assert answer.status_code == 422 and "Somebody has this role." in text_of(answer)
    page = await browser.get(f"{here}?edit=borders")
    assert re.search(r'value="view_cases" checked', page.text)
    await browser.submit(here, role="borders", second_factor="1", **wanted)
    assert server.database.read_now(permissions_of, ada_id) == frozenset()
    await browser.submit("/moderation/team/role", person="ada", role="member")
    assert (await browser.submit(f"{here}/borders/remove")).status_code == 303
    assert value(server, "SELECT COUNT(*) FROM staff_roles") == 0


async def test_a_usual_role_is_changed_and_as_usual_again(
    browser: Browser, server: Any, cast: Any, mona: Any
) -> None:
    here = "/moderation/team/roles"
    page = await browser.sign_in(cast.olga).get(here)
    assert "As usual again" not in text_of(page)
    # An owner's permissions stay, whatever is ticked.
    page = await browser.get(f"{here}?edit=owner")
    assert len(re.findall(r"checked disabled", page.text)) == 13
    await browser.submit(here, role="moderator", **{"permissions[]": ["view_cases"]})
    assert server.database.read_now(permissions_of, mona.id) == {"view_cases"}
    assert "As usual again" in text_of(await browser.get(here))
    await browser.submit(f"{here}/moderator/remove")
    assert "decide_cases" in server.database.read_now(permissions_of, mona.id)


async def test_a_mail_turns_out_to_be_a_letter_or_an_order(
    browser: Browser, server: Any, cast: Any, mona: Any, rule: int
) -> None:
    for number in range(2):
        post = make_post(server, cast.bob, f"post {number}")
        report(
            server,
            None,
            channel="mail",
            status_ids=(post,),
            contact=("Host", "a@host.example"),
            reason="illegal",
        )
    page = await browser.sign_in(mona).get(CASE)
    assert "This is a letter of a host" in text_of(page) and "This is an order" not in text_of(page)
    notice = re.findall(r'name="notice" value="(\d+)"', page.text)[0]
    answer = await browser.submit("/moderation/letters/made", notice=notice)
    assert re.fullmatch(r"/moderation/letters/\d+", answer.headers["location"])
    assert value(server, "SELECT COUNT(*) FROM host_letters") == 1
    assert (await browser.submit("/moderation/letters/made", notice="x")).status_code == 404
    browser.sign_in(cast.olga)
    page = await browser.get("/moderation/cases/2")
    (where,) = re.findall(r'href="(/moderation/orders/new\?notice=\d+)"', page.text)
    other = where.partition("=")[2]
    assert f'name="notice" value="{other}"' in (await browser.get(where)).text
    answer = await browser.submit("/moderation/orders", notice=other, kind="tco", authority="Pharos")
    assert answer.status_code == 303
    assert value(server, "SELECT notice_id FROM authority_orders") == int(other)


async def test_further_hosts_are_named(browser: Browser, server: Any, cast: Any, mona: Any) -> None:
    here = "/moderation/letters"
    assert "Who else writes letters" not in text_of(await browser.sign_in(mona).get(here))
    assert (await browser.submit(f"{here}/senders", letter_senders="host.example")).status_code == 403
    assert "Who else writes letters" in text_of(await browser.sign_in(cast.olga).get(here))
    answer = await browser.submit(f"{here}/senders", letter_senders="@Host.Example\n\nhost.example")
    assert answer.status_code == 303
    assert server.database.read_now(load_choices).letter_senders == ("host.example",)
    answer = await browser.submit(f"{here}/senders", letter_senders="not a name")
    assert answer.status_code == 422 and "Write what stands behind the @" in text_of(answer)
    assert ">not a name" in answer.text.replace("\n", "")


async def test_preserved_pictures_are_seen_by_those_who_may_open_evidence(
    browser: Browser, server: Any, cast: Any, worker: Any, mona: Any, rule: int, at: Any
) -> None:
    shown = picture()
    made = await browser.client.post(
        "/api/v1/media", headers=cast.bob.auth, files={"file": ("reeds.png", shown)}
    )
    body = {"status": "Look", "media_ids": [made.json()["id"]]}
    posted = await browser.client.post("/api/v1/statuses", headers=cast.bob.auth, json=body)
    report(server, cast.ada, int(posted.json()["id"]), reason="csam")
    await worker.settle()
    blob = value(server, "SELECT file FROM media_attachments")
    before = server.blobs.path_of(blob).read_bytes()
    browser.sign_in(mona)
    law = {**decision(rule, 4), "rule": "law", "law": "Penal code, 227-23"}
    assert (await browser.submit(f"{CASE}/decide", on=CASE, **law)).status_code == 303
    await worker.settle()
    at(120)
    await worker.settle()
    assert not server.blobs.has(blob), "the original is gone"
    # Covered, and nothing is to be had without a look that is written down.
    page = await browser.get(CASE)
    assert "1 picture, covered" in text_of(page) or "How it looked when it was reported" in text_of(page)
    assert (await browser.get(f"{CASE}/media/{blob}")).status_code == 404
    snapshot = re.findall(r'name="snapshot" value="(\d+)"', page.text)[0]
    page = await browser.submit(f"{CASE}/look", snapshot=snapshot)
    assert f"{CASE}/media/" in page.text
    answer = await browser.get(f"{CASE}/media/{blob}")
    assert answer.content == before and answer.headers["content-type"].startswith("image/")
    assert (
        answer.headers["cache-control"] == "no-store"
        and "sandbox" in answer.headers["content-security-policy"]
    )
    assert not server.blobs.has(blob), "nothing was unsealed on disk"
    # Somebody who may see cases, and not evidence.
    draft = RoleDraft("juniors", permissions=("view_cases", "decide_cases"))
    server.database.write_now(save_role, cast.olga.id, draft)
    jule = cast.join("jule", role="juniors")
    page = await browser.sign_in(jule).get(CASE)
    assert "Sealed as evidence" in text_of(page) and 'name="snapshot"' not in page.text
    assert (await browser.submit(f"{CASE}/look", snapshot=snapshot)).status_code == 403
    assert (await browser.get(f"{CASE}/media/{blob}")).status_code == 404


async def test_an_appeal_is_no_work_for_whoever_decided_unless_they_are_alone(
    browser: Browser, server: Any, cast: Any, mona: Any, case: int, rule: int, at: Any
) -> None:
    read = server.database.read_now
    await browser.sign_in(mona).submit(f"{CASE}/decide", on=CASE, **decision(rule, 4))
    at(60)
    appeal_of(server, cast)
    # Alone, she may grant it.
    assert read(next_case, mona.id).standing == "grant" and read(count_cases, mona.id).todo == 1
    assert "You may only grant it" in text_of(await browser.get("/moderation/appeals"))
    # Olga may refuse it as well, so that it is hers.
    assert cast.olga
    assert read(next_case, mona.id) is None and read(list_cases, mona.id, "todo") == []
    counts = read(count_cases, mona.id)
    assert (counts.todo, counts.appeals, counts.unseen, counts.lanes) == (0, 0, 0, {})
    (line,) = read(list_cases, mona.id, "appeals")
    assert line.standing == "elsewhere"
    assert "Somebody else reads it" in text_of(await browser.get("/moderation/appeals"))
    said = text_of(await browser.get(f"/moderation/cases/{line.number}"))
    assert (
        "You took this decision, so somebody else reads the appeal." in said and "Take the case" not in said
    )
    assert read(next_case, cast.olga.id).id == line.id and read(count_cases, cast.olga.id).appeals == 1


async def test_an_outside_reviewer_finds_what_is_handed_to_them(
    browser: Browser, server: Any, cast: Any, mona: Any, case: int, rule: int, at: Any
) -> None:
    zed_id = cast.zed.id
    server.database.write_now(lambda tx: choose(tx, None, outside_reviewer_id=zed_id))
    await browser.sign_in(mona).submit(f"{CASE}/decide", on=CASE, **decision(rule, 4))
    at(60)
    assert "/appeals" not in (await browser.sign_in(cast.zed).get("/home")).text
    appeal_of(server, cast)
    appeal = value(server, "SELECT id FROM appeals")
    home = await browser.get("/home")
    assert 'href="/appeals"' in home.text and "To do: 1" in text_of(home)
    page = await browser.get("/appeals")
    assert f'href="/appeals/{appeal}"' in page.text
    assert "Nothing waits for your answer." in text_of(await browser.sign_in(cast.ada).get("/appeals"))
    assert 'href="/appeals"' not in (await browser.get("/home")).text
