"""Each flow of moderation in a real browser, three times: with a mouse, without scripts, by keyboard alone.

A report, five cases, the decision with its statement, the appeal, and the reversal that puts everything back.
"""

import re
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from roseau.domain.accounts.sessions import open_session
from roseau.domain.moderation.templates import TemplateDraft, save_template
from roseau.domain.policy import NewRule, RuleText, list_rules, set_rules
from roseau.kernel import clock
from roseau.storage.statements import statements
from tests.conftest import Cast, Member
from tests.moderation.acting import make_post, report, rows, value
from tests.servers.chromium import launch_args, require_chromium
from tests.servers.living import Living, living_site

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("moderation flows")]

WAYS = ("mouse", "plain", "keys")
RULE, FACTS = "No insults", "The post calls people names."
APPEAL, GRANTED = "I quoted somebody to disagree.", "It is a quotation, and we overlooked that."
#: What is decided about whom: the digits of the ladder.
FIVE = {"ann": "1", "ben": "2", "cleo": "3", "bob": "4", "dina": "5"}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


class Stage(msgspec.Struct):
    """The site, the team, and a browser."""

    site: Living
    cast: Cast
    chromium: Browser
    mona: Member
    milo: Member
    rule: int
    wrong: list[str] = []
    #: How far the clock is ahead, in seconds.
    ahead: float = 0.0

    def open(self, member: Member | None, path: str, way: str = "mouse", **options: Any) -> Page:
        """A page in somebody's own browser; without scripts, if that is the way."""
        context = self.chromium.new_context(
            base_url=self.site.url,
            java_script_enabled=way != "plain",
            locale="en",
            reduced_motion="reduce",
            **options,
        )
        if member is not None:
            token = self.site.server.database.write_now(open_session, member.id)
            context.add_cookies([{"name": "session", "value": token, "url": self.site.url}])
        page = context.new_page()
        page.on("pageerror", lambda error: self.wrong.append(f"{page.url}: {error}"))
        page.set_default_timeout(20_000)
        page.goto(path)
        return page

    def wait(self, seconds: float) -> None:
        """Let so much time go by at once."""
        self.ahead += seconds
        clock.set_clock(lambda: time.time() + self.ahead)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One site and one browser for all of these tests; each has members of its own."""
    path = require_chromium()
    expect.set_options(timeout=20_000)
    with living_site(tmp_path_factory.mktemp("flows")) as site, sync_playwright() as playwright:
        cast = Cast(site.server)
        mona, milo = (cast.join(name, role="moderator") for name in ("mona", "milo"))
        database = site.server.database
        database.write_now(set_rules, [NewRule({"en": RuleText(RULE), "fr": RuleText("Pas d’insultes")})])
        rule = database.read_now(list_rules)[0].id
        database.write_now(save_template, mona.id, TemplateDraft("Insults", {"en": FACTS}, rule))
        chromium = playwright.chromium.launch(executable_path=path, args=launch_args)
        made = Stage(site, cast, chromium, mona, milo, rule)
        yield made
        chromium.close()
        clock.set_clock(None)
        assert made.wrong == []


class Hand:
    """Somebody's hand: on a mouse or on a keyboard, and how often it chose or pressed something."""

    def __init__(self, page: Page, way: str) -> None:
        self.page = page
        self.by_keys = way == "keys"
        self.taps = 0
        self.keys = 0

    def key(self, key: str) -> None:
        """One key, or a chord."""
        self.keys += 1
        self.page.keyboard.press(key)

    def reach(self, target: Locator) -> None:
        """Get the focus there with the Tab key."""
        for _ in range(120):
            if target.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"the keyboard does not get to {target}")

    def press(self, target: Locator) -> None:
        """A button or a link."""
        self.taps += 1
        if not self.by_keys:
            target.click()
            return
        self.reach(target)
        self.page.keyboard.press("Enter")

    def choose(self, target: Locator) -> None:
        """One of several radio buttons, or a box to tick."""
        self.taps += 1
        if not self.by_keys:
            target.locator("xpath=ancestor::label").click()
        elif target.get_attribute("type") == "checkbox":
            self.reach(target)
            self.page.keyboard.press("Space")
        else:
            self._walk_to(target)
        expect(target).to_be_checked()

    def _walk_to(self, target: Locator) -> None:
        """Tab leads to the group, the arrows to the one that is meant."""
        name = target.get_attribute("name")
        same = f"document.activeElement.name === {name!r} && document.activeElement.type === 'radio'"
        for _ in range(120):
            if self.page.evaluate(same):
                break
            self.page.keyboard.press("Tab")
        for _ in range(30):
            if target.evaluate("element => element === document.activeElement"):
                self.page.keyboard.press("Space")
                return
            self.page.keyboard.press("ArrowDown")

    def write(self, target: Locator, text: str) -> None:
        """Words into a field."""
        if not self.by_keys:
            target.fill(text)
            return
        self.reach(target)
        self.page.keyboard.type(text)


def look_for(page: Page, path: str, target: Locator) -> None:
    """Open a page until the target is on it: what follows from an act is done a moment after it."""
    for _ in range(200):
        page.goto(path)
        if target.first.is_visible():
            return
        page.wait_for_timeout(25)
    expect(target.first).to_be_visible()


def button(page: Page, words: str) -> Locator:
    """The button with these words."""
    return page.get_by_role("button", name=words, exact=True)


def send_report(stage: Stage, way: str, reporter: Member, author: Member) -> int:
    """Report a post from its own page; the id of the post. Three taps, and send."""
    post_id = make_post(stage.site.server, author, "You are all fools")
    page = stage.open(reporter, f"/@{author.username}/{post_id}", way)
    hand = Hand(page, way)
    post = page.locator(f"#s-{post_id}")
    hand.press(post.locator(".post-menu > summary, .post-menu > button").first)
    hand.press(post.get_by_role("link", name="Report", exact=True))
    page.wait_for_url(re.compile(r"/report\?"))
    hand.choose(page.get_by_role("radio", name=re.compile(RULE)))
    assert hand.taps <= 3
    hand.press(button(page, "Send the report"))
    page.wait_for_url("**/notices/*")
    expect(page.get_by_text("It has arrived.")).to_be_visible()
    page.context.close()
    return post_id


def decide_five(stage: Stage, way: str, names: dict[str, str]) -> None:
    """Triage: each case by its own measure, one after the other; by keys at most four for each."""
    page = stage.open(stage.mona, "/moderation", way)
    hand = Hand(page, way)
    left, count = dict(names), 0
    if way == "keys":
        hand.key("Enter")
    else:
        hand.press(page.locator("a.case").first)
    while left:
        page.wait_for_url("**/moderation/cases/*")
        said = page.locator(".case-head h1").inner_text()
        author = next(name for name in left if f"@{name} " in said)
        digit, number = left.pop(author), page.url
        if digit != "1":
            expect(page.locator("#f-facts")).to_have_value(FACTS)
        if way == "keys":
            hand.key(digit)
            expect(page.locator(f"[data-measure='{digit}']")).to_be_checked()
            hand.key("Control+Enter")
            assert hand.keys <= 4, author
            hand.keys = 0
        else:
            hand.choose(page.locator(f"[data-measure='{digit}']"))
            hand.press(page.locator("[data-decide]"))
        expect(page).not_to_have_url(number)
        count += 1
    assert count == len(names)
    expect(page.locator(".undo-bar")).to_be_visible()
    page.context.close()


def read_and_appeal(stage: Stage, way: str, author: Member) -> str:
    """The author reads the statement in the record and appeals; where that is."""
    page = stage.open(author, "/record", way)
    entry = page.get_by_role("link", name=re.compile("post of yours was taken down"))
    look_for(page, "/record", entry)
    hand = Hand(page, way)
    hand.press(entry)
    page.wait_for_url(re.compile(r"/record/\d+$"))
    where = page.url.removeprefix(stage.site.url)
    reasons = page.locator("dl.reasons").first
    for words in (FACTS, RULE, "Your post is taken down", "A moderator.", "court"):
        expect(reasons).to_contain_text(words)
    hand.press(page.get_by_role("link", name="Read it again"))
    expect(page.get_by_text("You are all fools")).to_be_visible()
    page.goto(where)
    hand.write(page.get_by_label("What did we get wrong?"), APPEAL)
    hand.press(button(page, "Send the appeal"))
    expect(page.get_by_text("Your appeal has arrived.")).to_be_visible()
    page.context.close()
    return where


def grant(stage: Stage, way: str, author: str) -> None:
    """Somebody else reads the appeal, and grants it."""
    page = stage.open(stage.milo, "/moderation/appeals", way)
    hand = Hand(page, way)
    hand.press(page.locator("a.case", has_text=f"@{author}").first)
    page.wait_for_url("**/moderation/cases/*")
    expect(page.locator("main blockquote").first).to_have_text(APPEAL)
    hand.choose(page.locator("[name=outcome][value=granted]"))
    hand.write(page.locator("#f-reasons"), GRANTED)
    hand.press(page.locator("[data-decide]"))
    page.wait_for_url("**/moderation/appeals")
    page.context.close()


@pytest.mark.parametrize("way", WAYS)
def test_from_the_report_to_the_reversal(stage: Stage, way: str) -> None:
    cast, server = stage.cast, stage.site.server
    names = {f"{name}_{way}": digit for name, digit in FIVE.items()}
    members = {name: cast.join(name) for name in names}
    reporter, author = cast.join(f"rita_{way}"), members[f"bob_{way}"]
    post_id = send_report(stage, way, reporter, author)
    for member in members.values():
        if member is not author:
            post = make_post(server, member, "You are fools, all of you")
            report(server, reporter, post, reason="harassment", rule_ids=(stage.rule,))
    decide_five(stage, way, names)
    made = [row[0] for row in rows(server, "SELECT kind FROM measures ORDER BY id DESC LIMIT 5")]
    assert sorted(made) == ["interstitial", "limit", "reminder", "remove", "remove"]
    visitor = stage.open(None, f"/@{author.username}/{post_id}", way)
    expect(visitor.get_by_text("You are all fools")).to_have_count(0)

    stage.wait(31)
    where = read_and_appeal(stage, way, author)
    grant(stage, way, author.username)

    look_for(visitor, f"/@{author.username}/{post_id}", visitor.get_by_text("You are all fools"))
    hers = stage.open(author, where, way)
    look_for(hers, where, hers.get_by_text("Granted", exact=True))
    expect(hers.locator("main")).to_contain_text(GRANTED)
    number = value(server, "SELECT number FROM notices WHERE account_id = :who ORDER BY id", who=reporter.id)
    theirs = stage.open(reporter, f"/notices/{number}", way)
    look_for(theirs, f"/notices/{number}", theirs.get_by_text(re.compile("took it back|taken back")))
    for page in (visitor, hers, theirs):
        page.context.close()


@pytest.mark.parametrize("way", WAYS)
def test_anybody_sends_a_notice_by_the_form(stage: Stage, way: str) -> None:
    author = stage.cast.join(f"otto_{way}")
    post_id = make_post(stage.site.server, author, "Something")
    page = stage.open(None, f"/@{author.username}/{post_id}", way)
    hand = Hand(page, way)
    hand.press(page.get_by_role("link", name="Report content"))
    page.wait_for_url("**/report/notice*")
    hand.write(page.get_by_label("Where is it?"), f"{stage.site.url}/@{author.username}/{post_id}")
    hand.write(page.get_by_label(re.compile("^Why is it against")), "It is defamation.")
    hand.write(page.get_by_label("Name", exact=True), "Vera Voisin")
    hand.write(page.get_by_label("E-mail address"), "vera@elsewhere.example")
    hand.choose(page.get_by_label(re.compile("^I believe in good faith")))
    hand.press(button(page, "Send the notice"))
    page.wait_for_url("**/notices/*")
    expect(page.get_by_text("It has arrived.")).to_be_visible()
    # Its page is there for whoever has the number, and says nothing of who sent it.
    again = stage.open(None, page.url.split("?")[0], way)
    expect(again.get_by_text("Somebody looks at it")).to_be_visible()
    expect(again.locator("body")).not_to_contain_text("Vera")
    sql = "UPDATE cases SET state = 'closed' WHERE target_account_id = :who"
    stage.site.server.database.write_now(lambda tx: tx.run(statements(sql, sql), who=author.id))
    for opened in (page, again):
        opened.context.close()


@pytest.mark.parametrize("way", ("mouse", "plain"))
def test_on_a_phone_a_suspension_takes_two_steps(stage: Stage, way: str) -> None:
    server, author = stage.site.server, stage.cast.join(f"sven_{way}")
    reporter = stage.cast.join(f"rosa_{way}")
    report(server, reporter, make_post(server, author), reason="harassment", rule_ids=(stage.rule,))
    number = value(server, "SELECT number FROM cases WHERE target_account_id = :who", who=author.id)
    page = stage.open(stage.mona, f"/moderation/cases/{number}", way, **PHONE)
    if way == "mouse":
        page.locator("[data-sheet-opener]").tap()
    page.locator(".ladder label", has_text="Suspend the account").tap()
    page.locator("[data-decide]").tap()
    expect(page.locator("h1")).to_have_text(f"Suspend @{author.username}?")
    sql = "SELECT COUNT(*) FROM decisions d JOIN cases c ON c.id = d.case_id WHERE c.number = :n"
    assert value(server, sql, n=number) == 0
    button(page, "Suspend the account").tap()
    page.wait_for_url("**/moderation*")
    # The second voice is heard first: until then the account is frozen.
    sql = "SELECT m.kind FROM measures m JOIN decisions d ON d.id = m.decision_id"
    sql += " JOIN cases c ON c.id = d.case_id WHERE c.number = :n AND m.kind IN ('freeze', 'suspend')"
    assert rows(server, sql, n=number) == [("freeze",)]
    page.context.close()
