"""Reporting in the pages: the sheet of members, the form for everybody, and what became of it."""

import re
from typing import Any

import pytest

from roseau.domain.moderation.decisions.deciding import decide
from roseau.domain.moderation.decisions.drafts import DecisionDraft, MeasureDraft
from roseau.kernel import clock
from tests.moderation.acting import make_moderator, make_post, report, rows, value
from tests.web.conftest import Browser, text_of

pytestmark = pytest.mark.anyio

BASE = "https://roseau.test"


@pytest.fixture
def ada(cast: Any, browser: Browser) -> Any:
    """Who is signed in."""
    browser.sign_in(cast.ada)
    return cast.ada


async def send(browser: Browser, cast: Any, post_id: int, **fields: Any) -> Any:
    """Fill in the sheet about Bob's post and send it."""
    sheet = {"account_id": str(cast.bob.id), "status_ids[]": str(post_id), "reason": "spam", **fields}
    return await browser.submit("/report", on=f"/report?status={post_id}", **sheet)


async def test_the_sheet_says_what_is_reported(browser: Browser, ada: Any, cast: Any, server: Any) -> None:
    post_id = make_post(server, cast.bob, "Buy my watches")
    page = await browser.get(f"/report?status={post_id}")
    assert page.status_code == 200
    assert "Report @bob" in text_of(page)
    assert "Buy my watches" in text_of(page)
    assert "They will not learn who reported" in text_of(page)


async def test_a_report_is_filed_and_followed(browser: Browser, ada: Any, cast: Any, server: Any) -> None:
    post_id = make_post(server, cast.bob, "Buy my watches")
    sent = await send(browser, cast, post_id, comment="Fourth time today")
    assert sent.status_code == 303
    where = sent.headers["location"]
    assert re.fullmatch(r"/notices/[a-z0-9-]{14}\?fresh=1", where)
    notice = rows(server, "SELECT channel, reason, category, comment, account_id FROM notices")[0]
    assert tuple(notice) == ("in_app", "spam", "spam", "Fourth time today", ada.id)
    page = text_of(await browser.get(where))
    assert "It has arrived" in page and "Mute them" in page and "by" in page
    mine = text_of(await browser.get("/notices"))
    assert "@bob" in mine and "Received" in mine


async def test_a_rule_is_one_tap(browser: Browser, ada: Any, cast: Any, server: Any) -> None:
    from_rules = rows(server, "SELECT id FROM rules")
    post_id = make_post(server, cast.bob)
    if from_rules:
        rule_id = from_rules[0][0]
        await send(browser, cast, post_id, reason=f"rule:{rule_id}")
        assert value(server, "SELECT rule_ids FROM notices") == f"[{rule_id}]"
    else:
        assert (await send(browser, cast, post_id, reason="rule")).status_code == 303


async def test_dislike_sends_nothing(browser: Browser, ada: Any, cast: Any, server: Any) -> None:
    post_id = make_post(server, cast.bob)
    answer = await send(browser, cast, post_id, reason="dislike")
    assert answer.headers["location"] == f"/report/quiet?account={cast.bob.id}"
    assert "Nothing was sent" in text_of(await browser.get(answer.headers["location"]))
    assert not rows(server, "SELECT id FROM notices")


async def test_a_sheet_without_a_reason_comes_again(
    browser: Browser, ada: Any, cast: Any, server: Any
) -> None:
    post_id = make_post(server, cast.bob)
    answer = await send(browser, cast, post_id, reason="", comment="kept words")
    assert answer.status_code == 422
    assert "Say what is wrong" in text_of(answer) and "kept words" in answer.text


async def test_nobody_reports_themselves_or_what_they_cannot_see(
    browser: Browser, ada: Any, cast: Any, server: Any
) -> None:
    own = make_post(server, cast.ada)
    assert (await browser.get(f"/report?status={own}")).status_code == 404
    private = make_post(server, cast.bob, visibility="private")
    assert (await browser.get(f"/report?status={private}")).status_code == 404


async def test_visitors_are_led_to_the_form(browser: Browser, cast: Any, server: Any) -> None:
    post_id = make_post(server, cast.bob)
    assert (await browser.get(f"/report?status={post_id}")).headers["location"] == "/report/notice"
    post = await browser.get(f"/@bob/{post_id}")
    assert (
        "/report/notice?url=https%3A//roseau.test/%40bob/" in post.text or "/report/notice?url=" in post.text
    )


FORM = {
    "urls": f"{BASE}/@bob\nhttps://elsewhere.example/nothing",
    "reason": "illegal",
    "comment": "It is defamation (article 29 of the law of 1881).",
    "name": "Vera Voisin",
    "email": "vera@example.org",
    "good_faith": "1",
}


async def notify(browser: Browser, **fields: Any) -> Any:
    """Fill in the form for everybody and send it."""
    return await browser.submit("/report/notice", on="/report/notice", **{**FORM, **fields})


async def test_anybody_sends_a_notice(browser: Browser, cast: Any, server: Any, worker: Any) -> None:
    assert cast.bob
    sent = await notify(browser)
    assert sent.status_code == 303
    assert tuple(rows(server, "SELECT channel, good_faith FROM notices")[0]) == ("web", True)
    assert len(rows(server, "SELECT id FROM notice_items")) == 2
    page = text_of(await browser.get(sent.headers["location"]))
    assert "It has arrived" in page
    await worker.settle()
    mails = list((server.folder / "mail").glob("*.eml"))
    assert len(mails) == 1
    number = sent.headers["location"].split("/")[2].partition("?")[0]
    assert number in mails[0].read_text()
    # What is sealed is nowhere in clear.
    assert b"vera@example.org" not in b"".join(
        bytes(row[0]) for row in rows(server, "SELECT contact FROM notices")
    )


async def test_child_abuse_needs_no_name(browser: Browser, cast: Any, server: Any) -> None:
    assert cast.bob
    assert (await notify(browser, reason="csam", name="", email="")).status_code == 303
    assert value(server, "SELECT contact FROM notices") is None


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"urls": ""}, "Give the address"),
        ({"urls": "\n".join(f"{BASE}/@bob/{n}" for n in range(101))}, "100 addresses at most"),
        ({"comment": " "}, "Say why"),
        ({"name": ""}, "Give your name"),
        ({"email": "nowhere"}, "does not look like an e-mail address"),
        ({"good_faith": ""}, "Confirm that you believe"),
        ({"reason": "boredom"}, "Choose what it is"),
    ],
)
async def test_what_the_form_asks_for(
    browser: Browser, cast: Any, server: Any, fields: dict[str, str], sentence: str
) -> None:
    answer = await notify(browser, **fields)
    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert not rows(server, "SELECT id FROM notices")


async def test_the_outcome_comes_and_can_be_appealed(
    browser: Browser, ada: Any, cast: Any, server: Any, worker: Any, at: Any
) -> None:
    """Report, decision without measure, outcome, appeal of the notifier."""
    mona = make_moderator(cast)
    make_moderator(cast, "milo")
    post_id = make_post(server, cast.bob)
    sent = await send(browser, cast, post_id)
    where = sent.headers["location"].partition("?")[0]
    case_id = value(server, "SELECT id FROM cases")
    server.database.write_now(decide, server.site, mona.id, case_id, DecisionDraft(ground="none"))
    assert "Decided, with reasons" in text_of(await browser.get(where))
    assert "You do not agree?" not in text_of(await browser.get(where))
    at(40)
    await worker.settle()
    page = await browser.get(where)
    assert "You do not agree?" in text_of(page)
    assert "mona" not in page.text
    refused = await browser.submit(f"{where}/appeal", on=where, text="")
    assert refused.status_code == 422
    done = await browser.submit(f"{where}/appeal", on=where, text="It is an advertisement.")
    assert done.status_code == 303
    assert "You have appealed" in text_of(await browser.get(where))
    assert value(server, "SELECT appellant FROM appeals") == "notifier"


async def test_an_outsider_appeals_by_the_number(
    browser: Browser, cast: Any, server: Any, worker: Any, at: Any
) -> None:
    """Also where somebody is signed in; a member's notice is for that member to appeal."""
    mona = make_moderator(cast)
    make_moderator(cast, "milo")
    posts = [make_post(server, cast.bob), make_post(server, cast.bob, "Another")]
    notices = [report(server, None, uris=(f"{BASE}/@bob/{posts[0]}",), good_faith=True)]
    notices.append(report(server, cast.ada, posts[1], reason="spam"))
    for notice in notices:
        server.database.write_now(
            decide, server.site, mona.id, notice.case_ids[0], DecisionDraft(ground="none")
        )
    at(40)
    await worker.settle()
    outsiders, members = (f"/notices/{notice.number}" for notice in notices)
    assert "You do not agree?" not in text_of(await browser.get(members))
    browser.sign_in(cast.zoe)
    assert "You do not agree?" not in text_of(await browser.get(members))
    assert (await browser.submit(f"{outsiders}/appeal", on=outsiders, text="Look again.")).status_code == 303
    assert value(server, "SELECT notice_id FROM appeals") == notices[0].notice_id


async def test_a_number_that_is_none(browser: Browser) -> None:
    assert (await browser.get("/notices/aaaa-bbbb-cccc")).status_code == 404


async def test_somebody_frozen_can_still_report(browser: Browser, ada: Any, cast: Any, server: Any) -> None:
    mona = make_moderator(cast)
    own = make_post(server, cast.ada)
    filed = report(server, cast.zoe, own, reason="spam")
    freeze = DecisionDraft(
        ground="law",
        law="A law",
        facts="What happened.",
        measures=(MeasureDraft(kind="freeze", account_id=cast.ada.id, until_at=clock.now() + clock.DAY),),
    )
    server.database.write_now(decide, server.site, mona.id, filed.case_ids[0], freeze)
    post_id = make_post(server, cast.bob)
    assert (await send(browser, cast, post_id)).status_code == 303
