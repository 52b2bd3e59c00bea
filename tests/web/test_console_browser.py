"""The console in a real browser: keys alone, fingers alone, and for everyone (axe-core)."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from roseau.domain.accounts.preferences import set_language, set_preferences
from roseau.domain.accounts.sessions import open_session
from roseau.domain.moderation.templates import TemplateDraft, save_template
from roseau.domain.policy import NewRule, RuleText, list_rules, set_rules
from roseau.storage.statements import statements
from tests.conftest import Cast, Member
from tests.moderation.acting import make_post, report, rows, value
from tests.servers.chromium import launch_args, require_chromium
from tests.servers.living import Living, living_site
from tests.web.test_axe import LANGUAGES, look

pytestmark = pytest.mark.browser

FACTS = "The post calls people names."
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 2,
}
CASE_2 = re.compile(r"/moderation/cases/2\b")


class Desk(msgspec.Struct):
    """A site with Mona, its moderator, a rule with a template, and a browser."""

    site: Living
    cast: Cast
    chromium: Browser
    mona: Member
    rule: int
    #: What went wrong in scripts.
    wrong: list[str] = []

    def open(self, member: Member, path: str, language: str = "en", **options: Any) -> Page:
        """A page in a browser in which the member is signed in."""
        context = self.chromium.new_context(
            base_url=self.site.url, locale=language, reduced_motion="reduce", **options
        )
        token = self.site.server.database.write_now(open_session, member.id)
        cookies = {"session": token, "locale": language}
        context.add_cookies([{"name": n, "value": v, "url": self.site.url} for n, v in cookies.items()])
        page = context.new_page()
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.set_default_timeout(20_000)
        page.goto(path)
        return page

    def case(self, author: str, text: str = "You are all fools", **fields: Any) -> None:
        """Somebody reports what the author writes."""
        server = self.site.server
        fields.setdefault("reason", "harassment")
        post = make_post(server, getattr(self.cast, author), text)
        report(server, self.cast.ada, post, rule_ids=(self.rule,), **fields)

    def kinds(self) -> list[str]:
        """The measures of decisions that stand."""
        sql = (
            "SELECT m.kind FROM measures m LEFT JOIN decision_ends e ON e.decision_id = m.decision_id"
            " WHERE e.decision_id IS NULL ORDER BY m.id"
        )
        return [str(row[0]) for row in rows(self.site.server, sql)]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser."""
    path = require_chromium()
    expect.set_options(timeout=20_000)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=launch_args)
        yield opened
        opened.close()


@pytest.fixture
def desk(chromium: Browser, tmp_path: Path) -> Iterator[Desk]:
    """A site of its own for each test, since the queue is one for all."""
    with living_site(tmp_path) as site:
        cast = Cast(site.server)
        mona = cast.join("mona", role="moderator")
        database = site.server.database
        texts = {"en": RuleText("No insults"), "fr": RuleText("Pas d’insultes")}
        database.write_now(set_rules, [NewRule(texts), NewRule({"en": RuleText("No advertising")})])
        rule = database.read_now(list_rules)[0].id
        database.write_now(save_template, mona.id, TemplateDraft("Insults", {"en": FACTS}, rule))
        made = Desk(site, cast, chromium, mona, rule)
        yield made
        for context in chromium.contexts:
            context.close()
        assert made.wrong == []


_PRESS = "key => document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }))"


class Keys:
    """A keyboard that counts."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.pressed = 0

    def press(self, key: str) -> None:
        """One key, or a chord."""
        self.pressed += 1
        self.page.keyboard.press(key)


def test_a_routine_case_takes_four_keys_at_most(desk: Desk) -> None:
    desk.case("bob")
    desk.case("carl")
    page = desk.open(desk.mona, "/moderation")
    keys = Keys(page)
    keys.press("Enter")
    page.wait_for_url("**/moderation/cases/1?which=todo")
    expect(page.locator("#f-facts")).to_have_value(FACTS)
    keys.press("4")
    expect(page.locator("[data-decide] [data-words]")).to_have_text("Remove, then next")
    keys.press("Control+Enter")
    page.wait_for_url(CASE_2)
    assert keys.pressed <= 4
    assert desk.kinds() == ["remove"]
    expect(page.locator(".undo-bar")).to_contain_text("Removed")
    # From the second case on it takes two.
    keys.pressed = 0
    keys.press("2")
    keys.press("Control+Enter")
    page.wait_for_url("**/moderation")
    assert keys.pressed == 2
    assert desk.kinds() == ["remove", "reminder"]
    expect(page.locator(".cases")).to_contain_text("Nothing waits.")


def test_one_key_takes_a_decision_back(desk: Desk) -> None:
    desk.case("bob")
    page = desk.open(desk.mona, "/moderation/cases/1")
    page.keyboard.press("4")
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-seconds]")).to_contain_text(re.compile(r"Undo for (30|2\d) s"))
    before = page.locator("[data-seconds]").text_content() or ""
    expect(page.locator("[data-seconds]")).not_to_have_text(before)
    page.keyboard.press("z")
    expect(page.locator("#dire")).to_have_text("Undone. Nobody was told anything.")
    assert desk.kinds() == []
    expect(page.locator("[data-case]")).to_have_count(1)


def test_every_key_does_what_the_help_says(desk: Desk) -> None:
    for author in ("bob", "carl", "dora"):
        desk.case(author)
    desk.cast.join("karim", role="moderator")
    page = desk.open(desk.mona, "/moderation")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("j")
    expect(page.locator("#case-2")).to_be_focused()
    page.keyboard.press("k")
    expect(page.locator("#case-1")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/cases/1?which=todo")
    expect(page.locator(".case-head")).to_contain_text("Put it back")
    # The digits of a French keyboard without Shift: & é " ' ( -
    for key, digit in (("&", "1"), ("é", "2"), ('"', "3"), ("'", "4"), ("(", "5"), ("-", "6")):
        page.evaluate(_PRESS, key)
        expect(page.locator(f"[data-measure='{digit}']")).to_be_checked()
    expect(page.locator("[data-decide] [data-words]")).to_have_text("Suspend…")
    expect(page.locator("#f-suspend_days")).to_be_visible()
    expect(page.locator("#f-limit_days")).to_be_hidden()
    fields = {"r": "#f-rule", "t": "#f-template", "n": "#note-text", "c": "#mate", "w": "#wait-hours"}
    for key, field in fields.items():
        page.keyboard.press(key)
        expect(page.locator(field)).to_be_focused()
        page.locator("#main").focus()
    page.keyboard.press("?")
    expect(page.locator("#keys-help")).to_be_visible()
    page.keyboard.press("4")
    page.keyboard.press("Escape")
    expect(page.locator("[data-measure='6']")).to_be_checked()


def test_nothing_happens_while_somebody_types(desk: Desk) -> None:
    desk.case("bob")
    page = desk.open(desk.mona, "/moderation/cases/1")
    page.keyboard.press("n")
    page.keyboard.type("1 jkzv? rtnw 4")
    expect(page.locator("#note-text")).to_have_value("1 jkzv? rtnw 4")
    expect(page.locator("[data-measure='4']")).not_to_be_checked()
    assert value(desk.site.server, "SELECT COUNT(*) FROM evidence_looks") == 0
    # In a note, the chord sends the note and decides nothing.
    page.keyboard.press("Control+Enter")
    expect(page.locator(".tl")).to_contain_text("1 jkzv? rtnw 4")
    assert desk.kinds() == []


def test_the_keys_can_be_turned_off_all_of_them(desk: Desk) -> None:
    desk.case("bob")
    desk.site.server.database.write_now(lambda tx: set_preferences(tx, desk.mona.id, shortcuts=False))
    page = desk.open(desk.mona, "/moderation/cases/1")
    checked = page.locator("[name=measure]:checked").get_attribute("value")
    for key in ("5", "n", "?", "Enter", "Control+k", "Control+Enter"):
        page.keyboard.press(key)
    assert page.locator("[name=measure]:checked").get_attribute("value") == checked
    assert page.locator("dialog[open], details[open]").count() == 0
    assert page.url.endswith("/moderation/cases/1") and desk.kinds() == []


def test_the_statement_is_written_along_with_the_facts(desk: Desk) -> None:
    desk.case("bob")
    page = desk.open(desk.mona, "/moderation/cases/1")
    page.locator("#f-facts").fill("Bob called Ada a fool.")
    expect(page.locator("#statement")).to_contain_text("Bob called Ada a fool.")
    page.keyboard.press("Escape")
    page.keyboard.press("4")
    expect(page.locator("#statement")).to_contain_text("We removed your post")
    # Another rule brings its own template only where nobody has written anything.
    page.locator("#f-rule").select_option(index=2)
    expect(page.locator("#f-facts")).to_have_value("Bob called Ada a fool.")
    page.locator("#f-template").select_option(index=1)
    expect(page.locator("#f-facts")).to_have_value(FACTS)
    expect(page.locator("#statement")).to_contain_text(FACTS)


def test_the_palette_finds_everything_by_key(desk: Desk) -> None:
    desk.case("bob")
    page = desk.open(desk.mona, "/moderation")
    page.keyboard.press("Control+k")
    expect(page.locator("#palette-q")).to_be_focused()
    page.keyboard.type("bob")
    expect(page.locator("#found a.sel")).to_contain_text("@bob")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/moderation/people/{desk.cast.bob.id}")
    page.locator("[data-palette]").click()
    page.keyboard.type("1")
    expect(page.locator("#found a.sel")).to_have_text("Case 1")
    page.keyboard.press("Enter")
    page.wait_for_url("**/moderation/cases/1")


def test_the_picture_is_uncovered_by_a_key_and_the_look_written_down(desk: Desk) -> None:
    desk.case("bob")
    sql = "UPDATE statuses SET edited_at = created_at + 600000, version = version + 1"
    desk.site.server.database.write_now(lambda tx: tx.run(statements(sql, sql)))
    page = desk.open(desk.mona, "/moderation/cases/1")
    expect(page.locator(".reported")).to_contain_text("Edited since")
    page.keyboard.press("v")
    expect(page.locator(".reported")).to_contain_text("As it was on")
    assert value(desk.site.server, "SELECT COUNT(*) FROM evidence_looks") == 1


def test_on_a_phone_a_case_is_decided_with_a_thumb(desk: Desk) -> None:
    desk.case("bob")
    page = desk.open(desk.mona, "/moderation", **PHONE)
    expect(page.locator(".mcase")).to_have_count(0)
    page.locator("#case-1").tap()
    page.wait_for_url("**/cases/1?which=todo")
    expect(page.locator(".mlist")).to_be_hidden()
    expect(page.locator(".ladder")).to_be_hidden()
    opener = page.locator("[data-sheet-opener]")
    opener.tap()
    expect(opener).to_have_attribute("aria-expanded", "true")
    page.locator(".ladder label", has_text="Remove the post").tap()
    expect(opener).to_contain_text("4. Remove")
    opener.tap()
    expect(page.locator(".ladder")).to_be_hidden()
    page.locator("[data-decide]").tap()
    page.wait_for_url("**/moderation")
    assert desk.kinds() == ["remove"]
    expect(page.locator(".undo-bar")).to_be_visible()


def test_on_a_phone_nobody_is_suspended_by_one_tap(desk: Desk) -> None:
    desk.case("bob")
    page = desk.open(desk.mona, "/moderation/cases/1", **PHONE)
    page.locator("[data-sheet-opener]").tap()
    page.locator(".ladder label", has_text="Suspend the account").tap()
    page.locator("[data-decide]").tap()
    expect(page.locator("h1")).to_have_text("Suspend @bob?")
    assert desk.kinds() == []
    page.get_by_role("button", name="Suspend the account").tap()
    page.wait_for_url("**/moderation")
    assert "suspend" in desk.kinds()


def test_others_are_seen_at_the_case_and_what_they_did(desk: Desk) -> None:
    desk.case("bob")
    karim = desk.cast.join("karim", role="moderator")
    his = desk.open(karim, "/moderation/cases/1")
    page = desk.open(desk.mona, "/moderation/cases/1")
    expect(page.locator("#standing")).to_contain_text("karim looks at it")
    his.keyboard.press("4")
    his.keyboard.press("Control+Enter")
    his.wait_for_url("**/moderation")
    page.keyboard.press("4")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert")).to_contain_text("This case has been decided in the meantime.")
    expect(page.locator("#main")).to_contain_text("Moderation (karim)")
    assert desk.kinds() == ["remove"]


PAGES = (
    "/moderation", "/moderation?which=mine", "/moderation/cases/1", "/moderation/cases/2",
    "/moderation/cases/3?which=closed", "/moderation/closed", "/moderation/appeals",
    "/moderation/people?q=bob", "/moderation/people/{bob}", "/moderation/team", "/moderation/templates",
    "/moderation/audit", "/moderation/keys", "/moderation/find?q=bob", "/moderation/servers",
)  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_console_is_for_everyone(desk: Desk, language: str) -> None:
    desk.case("bob")
    desk.case("carl", "Buy this", reason="private_data")
    desk.case("dora")
    olga = desk.cast.olga
    desk.site.server.database.write_now(set_language, olga.id, language)
    page = desk.open(olga, "/moderation/cases/3", language)
    page.keyboard.press("4")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(r"cases/[12]\b"))
    found = []
    names = {"bob": desk.cast.bob.id}
    for path in PAGES:
        answer = page.goto(path.format_map(names))
        assert answer and answer.status == 200, path
        assert page.locator("html").get_attribute("lang") == language
        found += look(page, path)
    page.goto("/moderation/cases/1")
    for details in page.locator("details.opens").all():
        details.evaluate("details => { details.open = true }")
    page.locator("[data-measure='6']").evaluate("radio => { radio.checked = true }")
    found += look(page, "every form open")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.keyboard.press("?")
    found += look(page, "the help on keys")
    assert not found, "\n".join(found)
