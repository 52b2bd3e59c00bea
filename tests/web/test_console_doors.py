"""Pages that the console was missing: misuse, cases of one's own accord, trusted flaggers, sign-up blocks."""

from typing import Any

import pytest

from roseau.domain.moderation.decisions.deciding import decide
from roseau.domain.moderation.decisions.drafts import DecisionDraft
from roseau.domain.moderation.desk.taking import receive_mail
from roseau.domain.moderation.misuse import is_paused
from tests.moderation.acting import make_post, report, rows, value
from tests.moderation.test_letters import letter
from tests.web.cases import FACTS, decision, make_case, make_rule
from tests.web.conftest import Browser, text_of

pytestmark = pytest.mark.anyio

UNFOUNDED = DecisionDraft(ground="none", unfounded=True)


@pytest.fixture
def rule(server: Any) -> int:
    """A rule of the site."""
    return make_rule(server)


@pytest.fixture
def mona(cast: Any) -> Any:
    """A moderator."""
    return cast.join("mona", role="moderator")


def cry_wolf(server: Any, cast: Any, mona: Any, times: int = 3, **source: Any) -> None:
    """Bob, or a source without an account, reports posts of Ada's, each time for nothing."""
    for _ in range(times):
        status_id = make_post(server, cast.ada)
        filed = report(server, None if source else cast.bob, status_id, **source)
        server.database.write_now(decide, server.site, mona.id, filed.case_ids[0], UNFOUNDED)


# Misuse


async def test_who_often_reports_for_nothing_is_warned_on_a_page_of_its_own(
    browser: Browser, server: Any, cast: Any, mona: Any, worker: Any, at: Any
) -> None:
    cry_wolf(server, cast, mona)
    case = report(server, cast.bob, make_post(server, cast.eve)).case_ids[0]
    number = value(server, "SELECT number FROM cases WHERE id = :case", case=case)
    browser.sign_in(mona)
    said = text_of(await browser.get(f"/moderation/cases/{number}"))
    assert "3 of the last 3 reports of @bob were manifestly unfounded." in said and "Warn them" in said
    page = f"/moderation/misuse/notifier/{cast.bob.id}"
    assert page in (await browser.get(f"/moderation/people/{cast.bob.id}")).text
    said = text_of(await browser.get(page))
    assert "You sent manifestly unfounded notices more than once." in said
    facts = "Of 3 reports of yours that we decided lately, 3 were manifestly unfounded"
    assert facts in said
    wrong = await browser.submit(page, rule="law", law="", facts="")
    assert wrong.status_code == 422 and "Say which law" in text_of(wrong)
    fields = {"rule": "law", "law": "DSA, article 23(2)", "facts": facts, "step": "warn"}
    shown = await browser.submit(page, preview="1", **(fields | {"facts": "In other words."}))
    assert shown.status_code == 200 and "In other words." in text_of(shown)
    assert (await browser.submit(page, **fields)).status_code == 303
    decided = rows(
        server,
        "SELECT c.subject, c.target_account_id, m.kind, m.account_id, d.own_initiative FROM measures m"
        " JOIN decisions d ON d.id = m.decision_id JOIN cases c ON c.id = d.case_id",
    )
    assert [tuple(row) for row in decided] == [
        (f"misuse:{cast.bob.id}:notifier", cast.bob.id, "warn_misuse", cast.bob.id, True)
    ]
    # The case of somebody else, in which it was suggested, is as open as before.
    assert value(server, "SELECT state FROM cases WHERE id = :case", case=case) == "open"
    assert "suggests nothing" in text_of(await browser.get(page))
    at(60)
    await worker.settle()
    browser.client.cookies.clear()
    browser.sign_in(cast.bob)
    number = value(server, "SELECT max(number) FROM decisions")
    record = text_of(await browser.get(f"/record/{number}"))
    assert "You sent manifestly unfounded notices" in record and "Nobody reported it" in record
    assert not rows(server, "SELECT 1 FROM statements WHERE account_id <> :bob", bob=cast.bob.id)


async def test_a_warning_that_is_undone_can_be_decided_again_in_its_case(
    browser: Browser, server: Any, cast: Any, mona: Any
) -> None:
    cry_wolf(server, cast, mona)
    browser.sign_in(mona)
    page = f"/moderation/misuse/notifier/{cast.bob.id}"
    fields = {"rule": "law", "law": "DSA, article 23(2)", "facts": FACTS}
    assert (await browser.submit(page, on=page, **fields)).status_code == 303
    number, case = rows(
        server, "SELECT d.number, c.number FROM decisions d JOIN cases c ON c.id = d.case_id"
        " WHERE c.subject LIKE 'misuse%'",
    )[0]  # fmt: skip
    assert (await browser.submit(f"/moderation/decisions/{number}/undo")).status_code == 303
    answer = await browser.get(f"/moderation/cases/{case}")
    assert page in answer.text and "Misuse: @bob" in text_of(answer)
    assert (await browser.submit(page, on=page, **fields)).status_code == 303
    assert value(server, "SELECT count(*) FROM cases WHERE subject LIKE 'misuse%'") == 1


async def test_a_pause_follows_a_warning_and_can_be_made_milder(
    browser: Browser, server: Any, cast: Any, mona: Any, worker: Any, at: Any
) -> None:
    browser.sign_in(mona)
    page = f"/moderation/misuse/notifier/{cast.bob.id}"
    fields = {"rule": "law", "law": "DSA, article 23(2)", "facts": FACTS}
    cry_wolf(server, cast, mona)
    await browser.submit(page, on=page, **fields)
    at(60)
    await worker.settle()
    cry_wolf(server, cast, mona)
    assert "Pause their reports for 7 days" in text_of(await browser.get(page))
    await browser.submit(page, step="warn", **fields)
    assert server.database.read_now(is_paused, cast.bob.id) is None
    at(120)
    await worker.settle()
    cry_wolf(server, cast, mona)
    await browser.submit(page, on=page, step="pause", **fields)
    assert server.database.read_now(is_paused, cast.bob.id)


async def test_who_was_reported_learns_from_no_suggestion_by_whom(
    browser: Browser, server: Any, cast: Any, mona: Any
) -> None:
    cry_wolf(server, cast, mona)
    karim = cast.join("karim", role="moderator")
    report(server, cast.bob, make_post(server, karim))
    browser.sign_in(karim)
    page = f"/moderation/misuse/notifier/{cast.bob.id}"
    assert "suggests nothing" in text_of(await browser.get(page))
    assert page not in (await browser.get(f"/moderation/people/{cast.bob.id}")).text
    fields = {"rule": "law", "law": "DSA", "facts": FACTS}
    assert (await browser.submit(page, **fields)).status_code == 422
    assert value(server, "SELECT count(*) FROM measures") == 0


async def test_who_often_posts_what_is_removed_gets_the_sentence_for_that(
    browser: Browser, server: Any, cast: Any, mona: Any, rule: int
) -> None:
    browser.sign_in(mona)
    for number in range(1, 4):
        make_case(server, cast, rule)
        await browser.submit(
            f"/moderation/cases/{number}/decide", on=f"/moderation/cases/{number}", **decision(rule, 4)
        )
    page = f"/moderation/misuse/poster/{cast.bob.id}"
    assert page in (await browser.get(f"/moderation/people/{cast.bob.id}")).text
    assert "You published manifestly illegal things more than once." in text_of(await browser.get(page))
    assert (await browser.submit(page, rule=f"rule:{rule}", facts=FACTS)).status_code == 303
    assert value(server, "SELECT side FROM misuse_marks WHERE kind = 'warned'") == "poster"
    assert (await browser.get("/moderation/misuse/poster/1")).status_code == 404
    assert (await browser.get(f"/moderation/misuse/judge/{cast.bob.id}")).status_code == 404


async def test_a_source_without_an_account_is_answered_from_the_case(
    browser: Browser, server: Any, cast: Any, mona: Any
) -> None:
    cry_wolf(server, cast, mona, source="192.0.2.7")
    filed = report(server, None, make_post(server, cast.ada), source="192.0.2.7")
    number = value(server, "SELECT number FROM cases WHERE id = :case", case=filed.case_ids[0])
    browser.sign_in(mona)
    said = text_of(await browser.get(f"/moderation/cases/{number}"))
    assert "3 of the last 3 reports of a source without an account were manifestly unfounded." in said
    where = f"/moderation/cases/{number}/misuse"
    assert (await browser.submit(where, notice=str(filed.notice_id))).status_code == 303
    assert value(server, "SELECT count(*) FROM misuse_marks WHERE kind = 'warned'") == 1
    assert (await browser.submit(where, notice="1")).status_code == 404


# The line for the public page


async def test_the_line_for_the_public_page_is_written_with_the_decision(
    browser: Browser, server: Any, cast: Any, mona: Any, rule: int, worker: Any, at: Any
) -> None:
    make_case(server, cast, rule)
    browser.sign_in(mona)
    fields = decision(rule, 4, summary="Somebody was called names.")
    await browser.submit("/moderation/cases/1/decide", on="/moderation/cases/1", **fields)
    make_case(server, cast, rule)
    nothing = {"measure": "1", "which": "todo", "summary": "A quarrel, and no insult."}
    await browser.submit("/moderation/cases/2/decide", **nothing)
    at(60)
    await worker.settle()
    browser.client.cookies.clear()
    assert "Somebody was called names." in text_of(await browser.get("/decisions/1"))
    assert "A quarrel, and no insult." in text_of(await browser.get("/decisions/2"))


# Cases of one's own accord


async def test_the_team_opens_cases_itself_and_decides_them(
    browser: Browser, server: Any, cast: Any, mona: Any, rule: int
) -> None:
    status_id = make_post(server, cast.bob, "You are all fools")
    browser.sign_in(mona)
    assert f"/moderation/open?status={status_id}" in (await browser.get(f"/@bob/{status_id}")).text
    sheet = await browser.get(f"/report?status={status_id}")
    assert "As the team" in text_of(sheet) and f"/moderation/open?status={status_id}" in sheet.text
    fields = {"status": str(status_id), "reason": "harassment", "comment": "I saw it."}
    answer = await browser.submit("/moderation/open", on=f"/moderation/open?status={status_id}", **fields)
    assert answer.headers["location"] == "/moderation/cases/1"
    # Once more leads to the same, also by its address.
    again = await browser.submit(
        "/moderation/open", url=f"https://roseau.test/@bob/{status_id}", reason="hate"
    )
    assert again.headers["location"] == "/moderation/cases/1"
    await browser.submit("/moderation/cases/1/decide", on="/moderation/cases/1", **decision(rule, 4))
    assert value(server, "SELECT own_initiative FROM decisions")
    assert value(server, "SELECT channel FROM notices") == "own_initiative"


async def test_a_case_about_a_profile_or_an_address(
    browser: Browser, server: Any, cast: Any, mona: Any
) -> None:
    browser.sign_in(mona)
    assert cast.ada.id and cast.olga.id
    here = "/moderation/open"
    link = f"{here}?account={cast.bob.id}"
    assert link in (await browser.get(f"/moderation/people/{cast.bob.id}")).text
    profile = await browser.get("/@bob")
    assert link in profile.text and f"/report?account={cast.bob.id}" in profile.text
    assert (await browser.submit(here, on=link, account=str(cast.bob.id))).status_code == 303
    assert (await browser.submit(here, url="https://roseau.test/@ada", reason="spam")).status_code == 303
    subjects = rows(server, "SELECT subject FROM cases ORDER BY id")
    assert [row[0] for row in subjects] == [f"account:{cast.bob.id}", f"account:{cast.ada.id}"]
    for wrong in ("https://elsewhere.example/1", "", "https://roseau.test/@nobody"):
        answer = await browser.submit(here, url=wrong, reason="spam")
        assert answer.status_code == 422 and "leads to no post and no account" in text_of(answer)
    assert (await browser.submit(here, url="https://roseau.test/@ada", reason="x")).status_code == 422
    letter = make_post(server, cast.ada, "@bob between us", visibility="direct")
    answer = await browser.submit(here, url=f"https://roseau.test/@ada/{letter}", reason="spam")
    assert answer.status_code == 422
    own = await browser.submit(here, account=str(mona.id), reason="spam")
    assert own.status_code == 403
    found = await browser.get("/moderation/find?q=https://roseau.test/@ada")
    assert "Open a case about this address" in text_of(found)
    assert "Sign-up blocks" in text_of(await browser.get("/moderation/find?q=sign"))


async def test_members_are_offered_nothing_of_the_team(browser: Browser, server: Any, cast: Any) -> None:
    status_id = make_post(server, cast.bob)
    browser.sign_in(cast.ada)
    assert "/moderation" not in (await browser.get(f"/@bob/{status_id}")).text
    assert "As the team" not in text_of(await browser.get(f"/report?status={status_id}"))


# Trusted flaggers


async def test_a_trusted_flagger_is_written_down_and_withdrawn(
    browser: Browser, server: Any, cast: Any
) -> None:
    browser.sign_in(cast.olga)
    assert cast.ada.id
    here = "/moderation/flaggers"
    fields = {"name": "Point de contact", "address": "Contact@Flagger.example", "member": "@ada"}
    assert (await browser.submit(here, on=here, **fields)).status_code == 303
    said = text_of(await browser.get(here))
    assert "Point de contact" in said and "contact@flagger.example" in said and "@ada" in said
    assert (await browser.submit(here, **fields)).status_code == 422
    for wrong in ({"address": "not an address"}, {"member": "nobody"}, {"address": ""}, {"name": ""}):
        answer = await browser.submit(here, **({"name": "X", "address": "x.example"} | wrong))
        assert answer.status_code == 422, wrong
    report(server, cast.ada, make_post(server, cast.bob), reason="misinformation")
    assert [tuple(row) for row in rows(server, "SELECT channel, lane FROM notices, cases")] == [
        ("trusted_flagger", "S2")
    ]
    flagger = value(server, "SELECT id FROM trusted_flaggers")
    assert (await browser.submit(f"{here}/{flagger}/withdraw")).status_code == 303
    assert (await browser.submit(f"{here}/{flagger}/withdraw")).status_code == 404
    assert "withdrawn on" in text_of(await browser.get(here))
    report(server, cast.ada, make_post(server, cast.bob), reason="spam")
    assert value(server, "SELECT channel FROM notices ORDER BY id DESC LIMIT 1") == "in_app"
    wrong = await browser.submit(f"{here}/mail", mail_authority="two words")
    assert wrong.status_code == 422
    assert (await browser.submit(f"{here}/mail", mail_authority="MX.roseau.test")).status_code == 303
    assert 'value="mx.roseau.test"' in (await browser.get(here)).text


# Sign-up blocks


async def test_sign_up_blocks_are_added_tried_and_removed(browser: Browser, server: Any, cast: Any) -> None:
    browser.sign_in(cast.join("mona", role="moderator"))
    here = "/moderation/blocks"
    await browser.get(here)
    assert (await browser.submit(f"{here}/providers", domain="@Spam.example")).status_code == 303
    waits = {"domain": "slow.example", "allow_with_approval": "1"}
    assert (await browser.submit(f"{here}/providers", **waits)).status_code == 303
    network = {"ip": "192.0.2.0/24", "severity": "sign_up_block", "days": "7", "comment": "A flood."}
    assert (await browser.submit(f"{here}/networks", **network)).status_code == 303
    for_good = {"ip": "2001:db8::/32", "severity": "sign_up_requires_approval", "days": "0"}
    assert (await browser.submit(f"{here}/networks", **for_good)).status_code == 303
    assert (await browser.submit(f"{here}/addresses", address="gone@free.example")).status_code == 303
    said = text_of(await browser.get(here))
    assert "spam.example" in said and "192.0.2.0/24" in said and "A flood." in said and "until" in said
    for tried, verdict in (
        ("me@mail.spam.example", "cannot sign up."),
        ("me@slow.example", "may sign up, and somebody has to let them in."),
        ("me@free.example", "may sign up."),
        ("g.one+x@free.example", "cannot sign up."),
        ("192.0.2.9", "cannot sign up."),
        ("2001:db8::1", "may sign up, and somebody has to let them in."),
        ("198.51.100.1", "may sign up."),
    ):
        page = await browser.client.get(here, params={"try": tried})
        assert f"{tried} {verdict}" in text_of(page), tried
    for kind, wrong in (
        ("providers", {"domain": "spam.example"}),
        ("networks", {"ip": "0.0.0.0/0", "severity": "no_access"}),
        ("networks", {"ip": "192.0.2.1", "severity": "x"}),
        ("addresses", {"address": "x"}),
    ):
        assert (await browser.submit(f"{here}/{kind}", **wrong)).status_code == 422, (kind, wrong)
    for kind, table in (
        ("providers", "email_domain_blocks"),
        ("networks", "ip_blocks"),
        ("addresses", "canonical_email_blocks"),
    ):
        for row in rows(server, f"SELECT id FROM {table}"):
            assert (await browser.submit(f"{here}/{kind}/{row[0]}/remove")).status_code == 303
        assert value(server, f"SELECT count(*) FROM {table}") == 0
        assert (await browser.submit(f"{here}/{kind}/1/remove")).status_code == 404
    assert (await browser.submit(f"{here}/other/1/remove")).status_code == 404


async def test_the_line_for_the_public_page_is_written_on_the_desk(
    browser: Browser, server: Any, cast: Any, mona: Any, rule: int
) -> None:
    status_id = make_post(server, cast.bob)
    raw = letter(f"Within 24 hours: https://roseau.test/@bob/{status_id}", "abuse@hetzner.com")
    taken = server.database.write_now(receive_mail, server.site, raw)
    item = value(server, "SELECT id FROM notice_items")
    browser.sign_in(mona)
    page = f"/moderation/letters/{taken.letter_id}"
    assert "Summary for the public page, without names" in text_of(await browser.get(page))
    answer = await browser.submit(
        f"{page}/items", answer="comply", rule=f"rule:{rule}", facts=FACTS, measure="remove",
        summary="A host asked for it, and was right.", **{"item[]": str(item)},
    )  # fmt: skip
    assert answer.status_code == 303
    assert value(server, "SELECT summary FROM decisions") == "A host asked for it, and was right."
