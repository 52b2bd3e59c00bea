"""The rarer things of the console in a real browser: no rule yet, more measures, and for everyone."""

import re

import pytest
from playwright.sync_api import expect

from roseau.domain.accounts.preferences import set_language
from roseau.domain.moderation.servers.drafts import put_import
from roseau.domain.moderation.servers.formats import Entry
from roseau.domain.moderation.servers.subscriptions import SubscriptionDraft, exclude, note_failure, subscribe
from tests.moderation.acting import make_post, report
from tests.web.test_axe import LANGUAGES, look
from tests.web.test_console_browser import PHONE, Desk, chromium, desk

pytestmark = pytest.mark.browser

__all__ = ["chromium", "desk"]

PAGES = (
    "/moderation/cases/1",
    "/moderation/cases/2",
    "/moderation/letters",
    "/moderation/servers",
    "/moderation/servers/lists",
    "/moderation/team",
    "/moderation/team/roles",
    "/moderation/team/roles?edit=moderator",
)


def without_rule(desk: Desk) -> None:
    """A case in which nobody has named a rule."""
    server = desk.site.server
    report(server, desk.cast.ada, make_post(server, desk.cast.bob, "You are all fools"), reason="harassment")


def test_a_measure_without_a_rule_leads_to_the_rule(desk: Desk) -> None:
    without_rule(desk)
    page = desk.open(desk.mona, "/moderation/cases/1")
    needed = page.locator("[data-rule-needed]")
    page.keyboard.press("1")
    expect(needed).to_be_hidden()
    page.keyboard.press("4")
    expect(needed).to_be_visible()
    page.locator("#f-facts").fill("It calls people names.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#f-rule")).to_be_focused()
    expect(page.locator("#f-rule")).to_have_attribute("aria-invalid", "true")
    expect(needed).to_have_class(re.compile("wrong"))
    expect(page).to_have_url(re.compile("/moderation/cases/1$"))
    expect(page.locator("#statement")).not_to_contain_text("against this rule")
    page.locator("#f-rule").select_option(index=1)
    expect(needed).to_be_hidden()
    expect(page.locator("#statement")).to_contain_text("against this rule of our site: “No insults”")
    page.locator("#f-facts").press("Control+Enter")
    page.wait_for_url("**/moderation")
    assert desk.kinds() == ["remove"]


def test_on_a_phone_the_sheet_opens_at_the_rule(desk: Desk) -> None:
    without_rule(desk)
    page = desk.open(desk.mona, "/moderation/cases/1", **PHONE)
    page.locator("[data-sheet-opener]").click()
    page.locator("label", has_text="Remove the post").click()
    page.keyboard.press("Escape")
    page.locator("[data-decide]").click()
    expect(page.locator("#f-rule")).to_be_focused()
    expect(page.locator("[data-rule-needed]")).to_be_in_viewport()
    assert desk.kinds() == []


def test_a_note_is_chosen_by_keyboard_behind_more_measures(desk: Desk) -> None:
    desk.case("bob")
    page = desk.open(desk.mona, "/moderation/cases/1")
    expect(page.locator("#f-label")).to_be_hidden()
    page.locator(".ladder .more-measures summary").focus()
    page.keyboard.press("Enter")
    page.locator(".ladder .more-measures input").first.focus()
    page.keyboard.press("Space")
    expect(page.locator("[data-decide] [data-words]")).to_have_text("Add the note, then next")
    page.locator("#f-label").fill("The figures are from 2011.")
    expect(page.locator("#statement")).to_contain_text("The figures are from 2011.")
    page.locator("#f-label").press("Control+Enter")
    page.wait_for_url("**/moderation")
    assert desk.kinds() == ["label"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_new_pages_are_for_everyone(desk: Desk, language: str) -> None:
    server, olga = desk.site.server, desk.cast.olga
    without_rule(desk)
    report(server, None, make_post(server, desk.cast.carl), channel="mail", reason="illegal")
    entry = Entry("spam.example", "suspend", public_comment="Nothing but spam")
    server.database.write_now(put_import, olga.id, entry)
    server.database.write_now(exclude, olga.id, "friends.example", "They are friends")
    draft = SubscriptionDraft(uri="https://127.0.0.1:1/blocks.csv", title="Ours")
    list_id = server.database.write_now(subscribe, olga.id, draft)
    server.database.write_now(note_failure, list_id, "The address of the list did not answer as it should.")
    server.database.write_now(set_language, olga.id, language)
    page = desk.open(olga, PAGES[0], language)
    wrong: list[str] = []
    for path in (*PAGES, f"/moderation/servers/lists/{list_id}"):
        page.goto(path)
        for closed in page.locator("details.more-measures, main details.card").all():
            closed.evaluate("element => { element.open = true }")
        wrong += look(page, f"{path} {language}")
    page.goto("/moderation/servers/lists")
    page.locator("#f-list").fill("#domain,#severity\nbad.example,suspend\n")
    page.locator("form[action='/moderation/servers/import'] button").click()
    expect(page.locator("h3", has_text="bad.example")).to_be_visible()
    wrong += look(page, f"import {language}")
    assert wrong == []
