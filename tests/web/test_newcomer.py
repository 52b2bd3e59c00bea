"""Newcomers in a real browser: the first run, the first post, a second person, and the keyboard alone.

The server is the program itself on an empty folder, and the way in is the link that it prints.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.cli.running import Served, call, ok, serving
from tests.servers.chromium import launch_args, require_chromium

pytestmark = pytest.mark.browser

PASSWORD = "correct horse battery staple"
PATIENCE = 10_000
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser."""
    path = require_chromium()
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=launch_args)
        yield opened
        opened.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """The program on an empty folder."""
    with serving(tmp_path / "data", mail_confirmation="false", synchronous="OFF") as server:
        yield server


def open_page(chromium: Browser, served: Served, scripts: bool = True) -> Page:
    """A page in somebody's own browser, that fails the test when a script of the site does."""
    context = chromium.new_context(
        base_url=served.address, java_script_enabled=scripts, locale="en", reduced_motion="reduce"
    )
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(f"{page.url}: {error}"))
    return page


def press(page: Page, words: str) -> None:
    """Press the button with these words."""
    page.get_by_role("button", name=words, exact=True).click()


def set_up(page: Page, link: str) -> None:
    """The whole first run, from the link that the program printed to the list of what is done."""
    page.goto(link)
    page.get_by_label("Name of the site").fill("The Bank")
    press(page, "Save")
    page.get_by_label("In one sentence").fill("A corner of the river")
    press(page, "Save")
    expect(page.get_by_role("heading", name="Mail", level=1)).to_be_visible()
    page.get_by_role("link", name="Later").click()
    expect(page.get_by_role("heading", name="Rules and joining")).to_be_visible()
    page.get_by_label("Everybody").check()
    page.get_by_label("Age that people confirm").fill("15")
    # Whom people and authorities can write to is asked before strangers are let in.
    press(page, "Save")
    page.get_by_label("Address for questions").fill("olga@roseau.test")
    press(page, "Save")
    page.get_by_label("User name").fill("olga")
    page.get_by_label(re.compile("^Name")).fill("Olga")
    page.get_by_label("E-mail address").fill("olga@roseau.test")
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Make my account")
    keep_recovery_key(page)
    expect(page.get_by_role("heading", name="Your site is there")).to_be_visible()


def keep_recovery_key(page: Page) -> None:
    """Write the nine words down, and read three of them from the paper."""
    press(page, "Show me the nine words")
    paper = page.locator(".words code").all_inner_texts()
    assert len(paper) == 9
    press(page, "I have written them down")
    fields = page.get_by_label(re.compile("^Word [1-9]"))
    expect(fields).to_have_count(3)
    for field in fields.all():
        field.fill(paper[int((field.get_attribute("name") or "")[-1]) - 1])
    press(page, "These are the words")


def join(page: Page, name: str) -> None:
    """Sign up from the front door."""
    page.goto("/")
    page.get_by_role("main").get_by_role("link", name="Sign up").first.click()
    page.get_by_label("User name").fill(name)
    page.get_by_label("E-mail address").fill(f"{name}@roseau.test")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("I am at least 15 years old").check()
    press(page, "I accept these rules and sign up")
    page.wait_for_url("**/home")
    expect(page.locator("#dire")).to_have_text("Welcome!")


def write(page: Page, text: str) -> None:
    """Publish a post on the page for writing."""
    page.get_by_label("Text of the post").fill(text)
    press(page, "Publish")
    expect(page.locator("#dire")).to_contain_text("Posted.")


def open_everything(page: Page) -> None:
    """Open what a post can have, on a narrow screen, where all of it has its place, and close it again."""
    before = page.viewport_size
    page.set_viewport_size({"width": 320, "height": 800})
    tools = page.locator("[data-opens]")
    for tool in tools.all():
        tool.check(force=True)
    fields = page.locator("#composer input:visible, #composer textarea:visible")
    rights = fields.evaluate_all("all => all.map(field => field.getBoundingClientRect().right)")
    assert len(rights) > 10 and max(rights) <= 320
    for tool in tools.all():
        tool.uncheck(force=True)
    assert before
    page.set_viewport_size(before)


def post_with(page: Page, text: str) -> Locator:
    """The post that says this."""
    return page.get_by_role("article").filter(has_text=text).first


def answer(page: Page, text: str, words: str) -> None:
    """Reply to the post that says this."""
    post_with(page, text).get_by_role("link", name="Reply").click()
    write(page, words)


def follow(page: Page, name: str) -> None:
    """Follow somebody on their profile."""
    page.goto(f"/@{name}")
    page.get_by_role("button", name=re.compile(f"^Follow (back )?@{name}")).click()
    expect(page.get_by_role("button", name=f"Unfollow @{name}")).to_be_visible()


def look_for(page: Page, path: str, target: Locator) -> None:
    """Open a page until the target is on it: what follows from an act is done a moment after it."""
    for _ in range(100):
        page.goto(path)
        if target.is_visible():
            return
    expect(target).to_be_visible()


def link_of(served: Served) -> str:
    """The link to the first run."""
    return served.wait_to_say(r"(http://\S+/first-run/\S+)\n")


def test_two_people_begin_and_see_each_other_live(chromium: Browser, served: Served) -> None:
    olga, nina = open_page(chromium, served), open_page(chromium, served)
    set_up(olga, link_of(served))
    olga.get_by_role("link", name="Write the first post").click()
    open_everything(olga)
    write(olga, "The water is high today")

    join(nina, "nina")
    follow(nina, "olga")
    follow(olga, "nina")
    look_for(olga, "/notifications", post_with(olga, "nina follows you"))
    olga.goto("/home")
    badge = olga.locator("#unread-side")
    expect(badge).to_be_hidden()
    bar = olga.get_by_role("link", name="1 new post")
    expect(bar).to_be_hidden()
    olga.evaluate("window.untouched = true")

    look_for(nina, "/home", post_with(nina, "The water is high today"))
    answer(nina, "The water is high today", "@olga Up to the door")
    expect(bar).to_be_visible()
    expect(badge).to_contain_text("1")
    expect(olga.get_by_text("Up to the door")).to_have_count(0)
    assert olga.evaluate("window.untouched"), "the page was loaded again"

    bar.click()
    expect(post_with(olga, "Up to the door")).to_be_visible()
    expect(bar).to_be_hidden()
    olga.get_by_role("link", name="Notifications").first.click()
    expect(olga.get_by_role("article").first).to_contain_text("Up to the door")
    olga.goto("/home")
    expect(badge).to_be_hidden()


def test_two_people_begin_without_scripts(chromium: Browser, served: Served) -> None:
    olga, nina = open_page(chromium, served, scripts=False), open_page(chromium, served, scripts=False)
    set_up(olga, link_of(served))
    olga.get_by_role("link", name="Write the first post").click()
    write(olga, "The water is high today")
    join(nina, "nina")
    follow(nina, "olga")
    look_for(nina, "/home", post_with(nina, "The water is high today"))
    answer(nina, "The water is high today", "@olga Up to the door")
    # She joined, followed and answered.
    look_for(olga, "/home", olga.locator("#unread-side", has_text="3"))
    olga.goto("/notifications")
    expect(olga.get_by_role("article").first).to_contain_text("Up to the door")


# The keyboard alone


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until it has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"the keyboard does not get to {target}")


def type_post(page: Page, text: str) -> None:
    """Write and publish where the cursor is when the page for writing opens."""
    page.wait_for_url("**/compose*")
    expect(page.get_by_label("Text of the post")).to_be_focused()
    page.keyboard.type(text)
    tab_to(page, page.get_by_role("button", name="Publish"))
    page.keyboard.press("Enter")
    expect(page.locator("#dire")).to_contain_text("Posted.")


def go(page: Page, keys: str, path: str) -> None:
    """Go somewhere with the keys that lead there."""
    for key in keys:
        page.keyboard.press(key)
    page.wait_for_url(f"**{path}")


def test_everything_goes_without_a_mouse(chromium: Browser, served: Served, tmp_path: Path) -> None:
    data = tmp_path / "data"
    for name in ("kim", "ada"):
        words = ("account", "create", name, "--email", f"{name}@roseau.test", "--password-stdin")
        ok(*words, "--data", data, stdin=PASSWORD)
    kim_token, ada_token = (ok("token", "create", name, "--data", data) for name in ("kim", "ada"))
    _, ada = call(served.address, "GET", "/api/v1/accounts/verify_credentials", ada_token)
    call(served.address, "POST", f"/api/v1/accounts/{ada['id']}/follow", kim_token, {})
    posts = [
        call(served.address, "POST", "/api/v1/statuses", ada_token, {"status": text})[1]
        for text in ("Low water", "High water")
    ]

    page = open_page(chromium, served)
    page.goto("/sign_in")
    tab_to(page, page.get_by_label("User name or e-mail address"))
    page.keyboard.type("kim")
    tab_to(page, page.get_by_label("Password"))
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/home")

    page.keyboard.press("c")
    type_post(page, "No mouse here: j, k, f and r are letters")
    look_for(page, "/home", post_with(page, "No mouse here"))

    chosen = page.locator("[data-post].sel")
    page.keyboard.press("j")
    expect(chosen).to_contain_text("No mouse here")
    page.keyboard.press("j")
    expect(chosen).to_contain_text("High water")
    page.keyboard.press("j")
    expect(chosen).to_contain_text("Low water")
    page.keyboard.press("k")
    expect(chosen).to_contain_text("High water")
    expect(chosen).to_be_focused()
    page.keyboard.press("f")
    expect(chosen.get_by_role("button", name="Favourite")).to_have_attribute("aria-pressed", "true")
    expect(chosen).to_contain_text("High water")

    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keys")
    expect(sheet).to_be_visible()
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()

    page.keyboard.press("r")
    type_post(page, "@ada How high?")
    found = call(served.address, "GET", f"/api/v1/statuses/{posts[1]['id']}/context", kim_token)[1]
    (reply,) = found["descendants"]
    # A conversation opens at its post, not at the first of those before it.
    page.goto(f"/@kim/{reply['id']}")
    expect(page.locator(".post.focused")).to_be_focused()
    assert call(served.address, "GET", f"/api/v1/statuses/{posts[1]['id']}", kim_token)[1]["favourited"]

    go(page, "gs", "/settings")
    tab_to(page, page.get_by_role("main").get_by_role("link", name="Appearance").first)
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_label("Keyboard shortcuts"))
    page.keyboard.press("Space")
    tab_to(page, page.get_by_role("button", name="Save"))
    page.keyboard.press("Enter")
    expect(page.locator("#dire")).to_have_text("Saved.")

    page.goto("/home")
    expect(post_with(page, "High water")).to_be_visible()
    page.evaluate("window.untouched = true")
    for key in "jjfrc?gn":
        page.keyboard.press(key)
    # Whatever a key had asked for would have left before this question, and be answered with it.
    assert page.evaluate("fetch('/live/count').then(answer => answer.status)") == 200
    assert page.evaluate("window.untouched && document.activeElement === document.body")
    expect(chosen).to_have_count(0)
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert page.url == f"{served.address}/home"
