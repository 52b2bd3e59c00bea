"""The console without JavaScript: a queue, a case, a decision, and the way back."""

import re
from typing import Any

import pytest

from roseau.domain.moderation.appeals.drafts import AppealDraft
from roseau.domain.moderation.appeals.filing import file_appeal
from roseau.domain.moderation.templates import TemplateDraft, save_template
from tests.moderation.acting import make_post, report, rows, value
from tests.web.cases import FACTS, decision, make_case, make_rule, write
from tests.web.conftest import Browser, text_of
from tests.web.writers import picture

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


async def test_the_queue_says_what_each_case_is_about(browser: Browser, mona: Any, case: int) -> None:
    page = await browser.sign_in(mona).get("/moderation")
    said = text_of(page)
    assert "@bob" in said and "You are all fools" in said and "left" in said
    assert 'href="/moderation/cases/1?which=todo"' in page.text
    assert "None of the cases is yours." in text_of(await browser.get("/moderation?which=mine"))


async def test_a_long_queue_has_further_pages(browser: Browser, server: Any, mona: Any) -> None:
    for number in range(1, 53):
        write(
            server,
            "INSERT INTO cases (id, number, subject, lane, reason, received_at, due_at)"
            f" VALUES ({number}, {number}, 'uri {number}', 'S4', 'other', 1, {number})",
        )
    page = await browser.sign_in(mona).get("/moderation")
    assert 'id="case-50"' in page.text and 'id="case-51"' not in page.text
    further = re.findall(r'href="(/moderation\?which=todo&amp;after=50)"', page.text)[0].replace("&amp;", "&")
    page = await browser.get(further)
    assert (
        'id="case-52"' in page.text and 'id="case-50"' not in page.text and "Show more" not in text_of(page)
    )


async def test_an_empty_queue_says_so(browser: Browser, mona: Any) -> None:
    said = text_of(await browser.sign_in(mona).get("/moderation"))
    assert "Nothing waits. The next case will come here by itself." in said


async def test_a_case_shows_who_said_what_and_never_to_whom_it_is_about(
    browser: Browser, server: Any, cast: Any, mona: Any, case: int
) -> None:
    said = text_of(await browser.sign_in(mona).get("/moderation/cases/1"))
    for words in ("You are all fools", "He means me.", "@ada", "Harassment", "1 source", "Suggested"):
        assert words in said
    # Whoever it is about is party to it, whatever their role.
    bob = cast.join("boss", role="admin")
    own = make_post(server, bob, "Something of the boss's")
    report(server, cast.ada, own, reason="spam")
    answer = await browser.sign_in(bob).get("/moderation/cases/2")
    assert answer.status_code == 403 and "He means me" not in answer.text
    assert "boss" not in text_of(await browser.get("/moderation/list"))


async def test_deciding_leads_to_the_next_case_and_can_be_undone(
    browser: Browser, server: Any, cast: Any, mona: Any, case: int, rule: int
) -> None:
    other = make_post(server, cast.zed, "Buy this")
    report(server, cast.ada, other, reason="spam")
    browser.sign_in(mona)
    answer = await browser.submit("/moderation/cases/1/decide", on="/moderation/cases/1", **decision(rule, 4))
    assert answer.headers["location"] == "/moderation/cases/2?which=todo"
    page = await browser.get(answer.headers["location"])
    assert "Removed" in text_of(page) and 'action="/moderation/decisions/1/undo"' in page.text
    assert (await browser.client.get(f"/@bob/{case}")).status_code in (404, 410)
    answer = await browser.submit("/moderation/decisions/1/undo")
    assert answer.headers["location"] == "/moderation/cases/1?which=todo"
    assert "Undone. Nobody was told anything." in text_of(await browser.get("/moderation/cases/1"))
    assert (await browser.client.get(f"/@bob/{case}")).status_code == 200
    assert (
        value(server, "SELECT COUNT(*) FROM deliveries WHERE kind = 'statement' AND cancelled_at IS NULL")
        == 0
    )


async def test_what_is_missing_is_said_and_what_was_written_stays(
    browser: Browser, mona: Any, case: int, rule: int
) -> None:
    browser.sign_in(mona)
    fields = decision(rule, 4, facts="", words="Mind this")
    answer = await browser.submit("/moderation/cases/1/decide", on="/moderation/cases/1", **fields)
    assert answer.status_code == 422
    assert "Say what happened, in your own words" in text_of(answer)
    assert re.search(r'name="measure" value="4"[^>]* checked', answer.text)
    answer = await browser.submit("/moderation/cases/1/decide", **{**decision(rule, 4), "rule": ""})
    assert answer.status_code == 422
    assert "Say which rule this is about" in text_of(answer) and FACTS in text_of(answer)


async def test_somebody_else_was_faster(
    browser: Browser, server: Any, cast: Any, mona: Any, case: int, rule: int
) -> None:
    karim = Browser(browser.client, server)
    browser.sign_in(mona)
    await browser.get("/moderation/cases/1")
    karim.sign_in(cast.join("karim", role="moderator"))
    await karim.submit("/moderation/cases/1/decide", on="/moderation/cases/1", **decision(rule, 2))
    browser.sign_in(mona)
    answer = await browser.submit(
        "/moderation/cases/1/decide", on="/about", **decision(rule, 6, confirmed="1")
    )
    assert answer.status_code == 409
    said = text_of(answer)
    assert "This case has been decided in the meantime." in said
    assert "Reminder of the rule" in said and "Moderation (karim)" in said
    assert value(server, "SELECT COUNT(*) FROM decisions") == 1


async def test_a_suspension_is_asked_for_once_more(
    browser: Browser, server: Any, mona: Any, case: int, rule: int
) -> None:
    browser.sign_in(mona)
    fields = decision(rule, 6, suspend_days="30")
    answer = await browser.submit("/moderation/cases/1/decide", on="/moderation/cases/1", **fields)
    assert "Suspend @bob?" in text_of(answer)
    assert value(server, "SELECT COUNT(*) FROM decisions") == 0
    sent = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', answer.text))
    await browser.get("/about")
    answer = await browser.submit("/moderation/cases/1/decide", **{**sent, "csrf": browser.csrf})
    assert answer.status_code == 303
    kinds = rows(server, "SELECT kind, until_at FROM measures ORDER BY id")
    assert {row[0] for row in kinds} == {"remove", "suspend"}


async def test_a_suspension_for_good_waits_for_a_second_voice(
    browser: Browser, server: Any, cast: Any, mona: Any, case: int, rule: int
) -> None:
    karim = cast.join("karim", role="moderator")
    browser.sign_in(mona)
    await browser.submit(
        "/moderation/cases/1/decide", on="/moderation/cases/1", **decision(rule, 6, confirmed="1")
    )
    proposal = str(value(server, "SELECT id FROM proposals"))
    page = await browser.get("/moderation/cases/1?which=waiting")
    assert "Withdraw the proposal" in text_of(page) and "Agree: suspend for good" not in text_of(page)
    answer = await browser.submit("/moderation/cases/1/second/agree", proposal=proposal)
    assert answer.status_code == 403
    browser.sign_in(karim)
    page = await browser.get("/moderation/cases/1")
    assert "Agree: suspend for good" in text_of(page)
    answer = await browser.submit("/moderation/cases/1/second/agree", proposal=proposal)
    assert answer.status_code == 303
    assert value(server, "SELECT outcome FROM proposals") == "agreed"


async def test_the_statement_is_shown_before_it_is_sent_in_the_language_of_its_reader(
    browser: Browser, server: Any, mona: Any, cast: Any, rule: int
) -> None:
    bob = cast.join("marcel", locale="fr")
    report(
        server, cast.ada, make_post(server, bob, "Bande d’imbéciles"), reason="harassment", rule_ids=(rule,)
    )
    texts = {"en": FACTS, "fr": "Le message insulte des personnes."}
    server.database.write_now(save_template, mona.id, TemplateDraft("Insults", texts, rule))
    browser.sign_in(mona)
    page = await browser.get("/moderation/cases/1")
    # The facts are those of the template of the rule that the notice names, in the author's language.
    assert "Le message insulte des personnes." in text_of(page)
    headers = {"HX-Request": "true", "HX-Current-URL": "https://roseau.test/moderation/cases/1"}
    fields = decision(rule, 4, facts="Ceci est arrivé.", csrf=browser.csrf)
    answer = await browser.client.post("/moderation/cases/1/preview", data=fields, headers=headers)
    assert "Ceci est arrivé." in answer.text and "<html" not in answer.text
    answer = await browser.submit("/moderation/cases/1/preview", **fields)
    assert "Ceci est arrivé." in text_of(answer) and "<html" in answer.text
    assert value(server, "SELECT COUNT(*) FROM statements") == 0


async def test_working_on_a_case_is_written_down(
    browser: Browser, server: Any, cast: Any, mona: Any, case: int
) -> None:
    karim = cast.join("karim", role="moderator")
    browser.sign_in(mona)
    await browser.get("/moderation")
    answer = await browser.submit("/moderation/cases/1/open", which="todo")
    assert answer.headers["location"] == "/moderation/cases/1?which=todo"
    assert "Yours" in text_of(await browser.get("/moderation/cases/1"))
    await browser.submit("/moderation/cases/1/work/note", text="Looks like case 12.")
    await browser.submit("/moderation/cases/1/work/ask", to=str(cast.bob.id), text="Whom did you mean?")
    await browser.submit("/moderation/cases/1/work/wait", hours="24", text="Bob's answer")
    assert "@bob" in text_of(await browser.get("/moderation?which=waiting"))
    await browser.submit("/moderation/cases/1/work/resume")
    await browser.submit("/moderation/cases/1/work/hand_over", to=str(karim.id), text="You know him.")
    said = text_of(await browser.get("/moderation/cases/1"))
    for words in (
        "Looks like case 12.",
        "Whom did you mean?",
        "Set to wait",
        "karim has taken",
        "You know him.",
    ):
        assert words in said, words
    answer = await browser.submit("/moderation/cases/1/work/note", text=" ")
    assert answer.status_code == 422 and "Write what the others have to know." in text_of(answer)
    assert (await browser.submit("/moderation/cases/1/work/sing")).status_code == 404


async def test_a_picture_is_covered_until_somebody_looks_and_each_look_is_written_down(
    browser: Browser, server: Any, cast: Any, mona: Any, rule: int
) -> None:
    files = {"file": ("reeds.png", picture())}
    made = await browser.client.post("/api/v1/media", headers=cast.bob.auth, files=files)
    body = {"status": "Look", "media_ids": [made.json()["id"]]}
    posted = await browser.client.post("/api/v1/statuses", headers=cast.bob.auth, json=body)
    report(server, cast.ada, int(posted.json()["id"]), reason="harassment")
    browser.sign_in(mona)
    page = await browser.get("/moderation/cases/1")
    assert "1 picture, covered" in text_of(page)
    assert not re.search(r"<img[^>]+/(media|moderation/cases)/", page.text)
    snapshot = re.findall(r'name="snapshot" value="(\d+)"', page.text)[0]
    media = value(server, "SELECT media FROM snapshots")
    blob = re.findall(r'"([^"]+)"', media)[0]
    assert (await browser.get(f"/moderation/cases/1/media/{blob}")).status_code == 404
    page = await browser.submit("/moderation/cases/1/look", snapshot=snapshot)
    source = re.findall(r'src="(/moderation/cases/1/media/[^"]+)"', page.text)[0]
    shown = await browser.get(source)
    assert shown.status_code == 200 and shown.headers["cache-control"] == "no-store"
    assert value(server, "SELECT COUNT(*) FROM evidence_looks") == 1
    karim = cast.join("karim", role="moderator")
    assert (await browser.sign_in(karim).get(source)).status_code == 404


async def test_an_appeal_is_answered_by_somebody_else(
    browser: Browser, server: Any, cast: Any, mona: Any, case: int, rule: int, at: Any
) -> None:
    karim = cast.join("karim", role="moderator")
    browser.sign_in(mona)
    await browser.submit("/moderation/cases/1/decide", on="/moderation/cases/1", **decision(rule, 4))
    at(60)
    decided = value(server, "SELECT id FROM decisions")
    draft = AppealDraft(decision_id=decided, text="It was a quotation.", account_id=cast.bob.id)
    server.database.write_now(file_appeal, server.site, draft)
    page = await browser.get("/moderation/cases/2?which=appeals")
    assert "It was a quotation." in text_of(page) and "Uphold the decision" not in text_of(page)
    answer = await browser.submit("/moderation/cases/2/answer", outcome="refused", reasons="No.")
    assert answer.status_code == 403
    browser.sign_in(karim)
    page = await browser.get("/moderation/cases/2?which=appeals")
    assert "Uphold the decision" in text_of(page) and "Agree with @bob" in text_of(page)
    answer = await browser.submit("/moderation/cases/2/answer", outcome="granted", reasons=" ")
    assert answer.status_code == 422 and "Say why: whoever appealed will read it." in text_of(answer)
    answer = await browser.submit(
        "/moderation/cases/2/answer", outcome="granted", reasons="He quotes a play."
    )
    assert answer.status_code == 303
    assert (await browser.client.get(f"/@bob/{case}")).status_code == 200


async def test_a_wrong_decision_is_taken_back_without_an_appeal(
    browser: Browser, server: Any, mona: Any, case: int, rule: int, at: Any
) -> None:
    browser.sign_in(mona)
    await browser.submit("/moderation/cases/1/decide", on="/moderation/cases/1", **decision(rule, 4))
    at(60)
    page = await browser.get("/moderation/cases/1?which=closed")
    assert "Take this decision back" in text_of(page)
    answer = await browser.submit("/moderation/decisions/1/take_back", facts="It was meant kindly.")
    assert answer.status_code == 303
    assert (await browser.client.get(f"/@bob/{case}")).status_code == 200


async def test_the_keys_can_be_turned_off(browser: Browser, mona: Any, case: int) -> None:
    browser.sign_in(mona)
    assert 'data-console="keys"' in (await browser.get("/moderation")).text
    await browser.submit("/moderation/keys", shortcuts="0")
    page = await browser.get("/moderation/cases/1")
    assert 'data-console="still"' in page.text and "<kbd" not in page.text
    await browser.submit("/moderation/keys", shortcuts="1")
    assert 'data-console="keys"' in (await browser.get("/moderation")).text


async def test_the_navigation_leads_the_team_here_and_nobody_else(
    browser: Browser, cast: Any, mona: Any, case: int
) -> None:
    page = await browser.sign_in(mona).get("/home")
    assert 'href="/moderation"' in page.text and "To do: 1" in text_of(page)
    assert "/moderation" not in (await browser.sign_in(cast.ada).get("/home")).text


async def test_a_letter_leads_to_the_host_desk(
    browser: Browser, server: Any, cast: Any, mona: Any, case: int
) -> None:
    write(
        server,
        "INSERT INTO host_letters (id, notice_id, case_id, provider, received_at, deadline_at,"
        " deadline_found) SELECT 7, n.id, c.id, 'Host', 1, 2, TRUE FROM notices n, cases c",
    )
    page = await browser.sign_in(mona).get("/moderation/cases/1")
    assert 'href="/moderation/letters/7"' in page.text and 'name="measure"' not in page.text
