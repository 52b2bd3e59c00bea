"""The pages in a real browser: keys, counts that come by themselves, drafts, and no JavaScript at all."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from roseau.domain.accounts.preferences import set_preferences
from roseau.domain.accounts.sessions import open_session
from tests.conftest import Cast, Member
from tests.servers.chromium import launch_args, require_chromium
from tests.servers.living import Living, living_site
from tests.web.writers import picture

pytestmark = pytest.mark.browser

SELECTED = "[data-post].sel"


class Stage(msgspec.Struct):
    """A site, its members, and a browser."""

    site: Living
    cast: Cast
    chromium: Browser

    def open(self, member: Member, path: str, **options: Any) -> Page:
        """A page in a browser in which the member is signed in."""
        context = self.chromium.new_context(locale="en", **options)
        token = self.site.server.database.write_now(open_session, member.id)
        context.add_cookies([{"name": "session", "value": token, "url": self.site.url}])
        page = context.new_page()
        # All waiting here is for something that comes at once; a loaded machine may need longer.
        page.set_default_timeout(20_000)
        page.goto(self.site.url + path)
        return page

    def say(self, member: Member, text: str, **more: Any) -> str:
        """Post through the API; the id of the post."""
        answer = httpx2.post(
            f"{self.site.url}/api/v1/statuses", headers=member.auth, json={"status": text, **more}
        )
        return str(answer.json()["id"])


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One site and one browser for all of these tests; each has members of its own."""
    path = require_chromium()
    expect.set_options(timeout=20_000)
    with living_site(tmp_path_factory.mktemp("browser")) as site, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=launch_args)
        yield Stage(site, Cast(site.server), chromium)
        chromium.close()


def focused(page: Page) -> str:
    """The id of what has the focus."""
    return str(page.evaluate("document.activeElement.id"))


def test_posts_are_read_and_answered_with_keys_alone(stage: Stage) -> None:
    ada, author = stage.cast.ada, stage.cast.alma
    ids = [stage.say(author, f"Number {number}") for number in range(4)]
    page = stage.open(ada, "/local")
    expect(page.locator(SELECTED)).to_have_count(0)
    page.keyboard.press("j")
    assert focused(page) == f"s-{ids[3]}"
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    assert focused(page) == f"s-{ids[2]}"
    expect(page.locator(SELECTED)).to_have_attribute("id", f"s-{ids[2]}")
    page.keyboard.press("f")
    star = page.locator(f"#s-{ids[2]} [data-act=favourite]")
    expect(star).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#dire")).to_have_text("Added to your favourites.")
    # The post was replaced by its newer self, and is the chosen one still.
    expect(page.locator(SELECTED)).to_have_attribute("id", f"s-{ids[2]}")
    for key, act in (("b", "reblog"), ("d", "bookmark")):
        page.keyboard.press(key)
        expect(page.locator(f"#s-{ids[2]} [data-act={act}]")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("r")
    page.wait_for_url("**/compose?reply_to=*")
    expect(page.locator("#f-text")).to_be_focused()
    page.keyboard.type("indeed")
    expect(page.locator("#f-text")).to_have_value("@alma indeed")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(r"/local#s-\d+$"))
    expect(page.locator("#dire")).to_contain_text("Posted.")
    page.locator("#dire a").press("Enter")
    expect(page.locator(".focused .txt")).to_have_text("@alma indeed")


def test_keys_lead_to_places(stage: Stage) -> None:
    post = stage.say(stage.cast.alma, "Behind a warning", spoiler_text="Careful")
    page = stage.open(stage.cast.bea, "/local")
    page.keyboard.press("?")
    expect(page.locator("#keys-help")).to_be_visible()
    page.keyboard.press("j")
    expect(page.locator(SELECTED)).to_have_count(0)
    page.keyboard.press("Escape")
    page.keyboard.press("s")
    expect(page.locator("#rail-q")).to_be_focused()
    page.keyboard.type("jjk?")
    expect(page.locator("#rail-q")).to_have_value("jjk?")
    page.locator("main").focus()
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator(f"#s-{post} .cw")).to_have_attribute("open", "")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/@alma/{post}")
    page.keyboard.press("g")
    page.keyboard.press("n")
    page.wait_for_url("**/notifications")
    page.keyboard.press("g")
    page.keyboard.press("h")
    page.wait_for_url("**/home")
    page.keyboard.press("c")
    page.wait_for_url("**/compose")


def test_keys_can_be_turned_off(stage: Stage) -> None:
    member = stage.cast.cora
    stage.site.server.database.write_now(lambda tx: set_preferences(tx, member.id, shortcuts=False))
    stage.say(stage.cast.alma, "Hello")
    page = stage.open(member, "/local")
    for key in ("j", "?", "c"):
        page.keyboard.press(key)
    expect(page.locator(SELECTED)).to_have_count(0)
    assert page.url.endswith("/local") and page.locator("#keys-help").count() == 0


def test_new_posts_are_counted_and_move_nothing(stage: Stage) -> None:
    reader, author = stage.cast.dana, stage.cast.alma
    first = stage.say(author, "Before")
    page = stage.open(reader, "/local")
    bar = page.locator("[data-new]")
    expect(bar).to_be_hidden()
    # What the page has heard once it listens is what the count begins with.
    stage.say(author, "After")
    expect(bar).to_have_text("1 new post")
    stage.say(author, "And after")
    expect(bar).to_have_text("2 new posts")
    assert page.locator("[data-post]").first.get_attribute("id") == f"s-{first}"
    badge = page.locator("#unread-side")
    expect(badge).to_be_hidden()
    stage.say(author, f"@{reader.username}, look")
    expect(badge).to_contain_text("1")
    page.locator("main").focus()
    page.keyboard.press(".")
    expect(page.locator("[data-post]").first).to_contain_text("look")
    expect(page.locator("[data-new]")).to_be_hidden()


def test_without_a_stream_the_page_asks(stage: Stage) -> None:
    page = stage.open(stage.cast.dora, "/about")
    page.clock.install()
    page.route("**/live?*", lambda route: route.fulfill(status=503))
    page.goto(f"{stage.site.url}/local")
    stage.say(stage.cast.alma, "Later")
    bar = page.locator("[data-new]")
    # That there is no stream is known a moment after the page is there; the minutes begin then.
    for _ in range(50):
        page.clock.run_for(61_000)
        if bar.is_visible():
            break
    expect(bar).to_have_text("1 new post")


def test_a_draft_is_kept_until_the_post_has_left(stage: Stage, tmp_path: Path) -> None:
    member = stage.cast.elsa
    page = stage.open(member, "/compose")
    page.keyboard.type("Not finis")
    page.reload()
    expect(page.locator("#f-text")).to_have_value("Not finis")
    page.keyboard.type("hed")
    expect(page.locator("#f-text")).to_have_value("Not finished")
    (tmp_path / "reeds.png").write_bytes(picture())
    page.locator(".tool", has=page.locator("[data-opens=pictures]")).click()
    page.locator("#f-media").set_input_files(tmp_path / "reeds.png")
    expect(page.locator(".med img")).to_have_count(1)
    expect(page.locator("#f-text")).to_have_value("Not finished")
    page.locator(".med textarea").fill("Reeds in the wind")
    page.locator("#f-text").fill("x" * 2001)
    expect(page.locator("#chars")).to_have_text("1 too many")
    page.locator("[name=step][value=post]").click()
    expect(page.locator("#problems")).to_be_focused()
    expect(page.locator("#f-text")).to_have_value("x" * 2001)
    expect(page.locator(".med textarea")).to_have_value("Reeds in the wind")
    page.locator("#f-text").fill("Finished")
    page.locator("[name=step][value=post]").click()
    expect(page.locator("#dire a")).to_have_text("See it")
    page.locator("#dire a").click()
    expect(page.locator(".focused .txt")).to_have_text("Finished")
    expect(page.locator(".focused figure img")).to_have_attribute("alt", "Reeds in the wind")
    page.goto(f"{stage.site.url}/compose")
    expect(page.locator("#f-text")).to_have_value("")


def test_a_draft_survives_an_answer_that_failed(stage: Stage) -> None:
    page = stage.open(stage.cast.fred, "/compose")
    page.keyboard.type("Precious")
    page.evaluate("document.querySelector('#composer [name=csrf]').value = 'too old'")
    page.locator("[name=step][value=post]").click()
    expect(page.locator("h1")).to_have_text("This is not open to you")
    page.goto(f"{stage.site.url}/compose")
    expect(page.locator("#f-text")).to_have_value("Precious")


def test_everything_is_done_without_javascript(stage: Stage, tmp_path: Path) -> None:
    member, author = stage.cast.gina, stage.cast.alma
    asked = stage.say(author, "Which?", poll={"options": ["This", "That"], "expires_in": 3600})
    page = stage.open(member, "/local", java_script_enabled=False)
    page.locator(f"#s-{asked} input[value='1']").check()
    page.locator(f"#s-{asked} .poll button").click()
    expect(page.locator("#dire")).to_have_text("Your vote counts.")
    page.locator(f"#s-{asked} [data-act=favourite]").click()
    expect(page.locator(f"#s-{asked} [data-act=favourite]")).to_have_attribute("aria-pressed", "true")
    page.locator(f"#s-{asked} [data-act=reply]").click()
    page.locator("#f-text").fill("@alma That")
    (tmp_path / "reeds.png").write_bytes(picture())
    page.locator(".tool", has=page.locator("[data-opens=pictures]")).click()
    page.locator("#f-media").set_input_files(tmp_path / "reeds.png")
    page.locator("[value=add_picture]").click()
    page.locator(".med textarea").fill("Reeds")
    page.locator("[name=step][value=post]").click()
    expect(page.locator("#dire")).to_contain_text("Posted.")
    page.locator("#dire a").click()
    expect(page.locator(".focused figure img")).to_have_attribute("alt", "Reeds")
    page.locator(".focused .post-menu summary").click()
    page.locator(".focused").get_by_role("link", name="Edit").click()
    page.locator("#f-text").fill("@alma This, after all")
    page.locator("[name=step][value=post]").click()
    expect(page.locator(".focused .txt")).to_have_text("@alma This, after all")
    page.locator(".focused .post-menu summary").click()
    page.locator(".focused button.danger").click()
    page.locator("main button.danger").click()
    expect(page.locator("#dire")).to_have_text("The post is deleted.")
