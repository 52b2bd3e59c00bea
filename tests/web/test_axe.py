"""Every page of the site under axe-core: three widths, both themes, both languages, no violations.

A page is loaded once for each language, then asked in every theme at every width.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from roseau.domain.accounts.sessions import open_session
from roseau.operations import Nothing, open_first_run
from tests.conftest import Cast, Member
from tests.servers.chromium import launch_args, require_chromium
from tests.servers.living import Living, living_site
from tests.web.writers import picture

pytestmark = pytest.mark.browser

AXE = next((Path(__file__).parent / "vendor").glob("axe-core@*")) / "axe.min.js"
WIDTHS = (1440, 390, 320)
LANGUAGES = ("en", "fr")
THEMES = ("light", "dark")

VISITOR = (
    "/", "/local", "/public", "/tags/reeds", "/tags/none", "{post}", "{post}/history", "/@ada", "/@ada/media",
    "/@ada/with_replies", "/@ada/followers", "/@ada/following", "/search", "/search?q=reeds",
    "/search?q=nobody", "/about", "/rules", "/apps", "/sign_in", "/sign_up", "/password/forgot",
    "/nothing/here", "{gone}", "/status",
)  # fmt: skip
MEMBER = (
    "/home", "/local", "/tags/reeds", "/bookmarks", "/favourites", "{post}", "{warned}", "{asked}",
    "/compose", "/compose?reply_to={id}", "/compose?edit={own}", "/compose?redraft={own}", "/notifications",
    "/notifications?tab=mentions", "/search?q=ada", "/lists", "/lists/{list}", "/lists/{list}/edit", "/@nina",
    "/@ada", "/@bob/followers",
    "/follow_requests", "/settings", "/settings/profile", "/settings/appearance", "/settings/language",
    "/settings/privacy", "/settings/security", "/settings/mutes", "/settings/blocks", "/settings/apps",
    "/settings/invites", "/settings/delete",
)  # fmt: skip
NEWCOMER = ("/home", "/notifications", "/lists", "/bookmarks", "/follow_requests")
OWNER = (
    "/settings/site", "/settings/site/address", "/settings/site/look", "/settings/site/mail",
    "/settings/site/rules", "/settings/site/people", "/settings/site/recovery",
    "/control", "/control/plan", "/control/switch",
)  # fmt: skip
FIRST_RUN = ("address", "look", "mail", "rules", "owner")

#: Pages that answer a form: where the form is, and what is pressed there.
ANSWERS = {
    "nothing written": ("/compose", "button[value=post]"),
    "deleting asks": ("{mine}", "main button[formaction$='/delete']"),
    "blocking asks": ("/@ada", "main button[formaction$='/block']"),
    "a reply was sent": ("{post}", "#reply button[value=post]"),
    "the whole composer": ("{post}", "#reply button[value=stay]"),
}


class Stage(msgspec.Struct):
    """A site on which something has happened, and browsers to look at it with."""

    site: Living
    names: dict[str, str]
    #: A page in the browser of each, by who they are and what they read.
    pages: dict[tuple[str, str], Page]


def _fill(site: Living, cast: Cast) -> dict[str, str]:
    """Posts of every kind, and somebody who has read and kept some; their addresses by name."""
    with httpx2.Client(base_url=site.url) as client:

        def call(method: str, path: str, member: Member, **given: Any) -> Any:
            answer = client.request(method, f"/api/v1/{path}", headers=member.auth, **given)
            assert answer.status_code == 200, answer.text
            return answer.json()

        def say(member: Member, text: str, **more: Any) -> Any:
            return call("POST", "statuses", member, json={"status": text, **more})

        nina, ada, bob, zoe = cast.nina, cast.ada, cast.bob, cast.zoe
        for member, other in ((nina, ada), (nina, bob), (bob, nina), (ada, bob), (bob, ada)):
            call("POST", f"accounts/{other.id}/follow", member)
        call("POST", f"accounts/{zoe.id}/follow", nina)
        call("PATCH", "accounts/update_credentials", nina, json={"locked": True, "display_name": "Nina ☀"})
        call("POST", f"accounts/{cast.dora.id}/follow", nina)
        call("POST", f"accounts/{nina.id}/follow", cast.dora)
        call("PATCH", "accounts/update_credentials", ada, json={
            "display_name": "Ada", "note": "Gardener, https://garden.test #reeds", "discoverable": True,
            "fields_attributes": [{"name": "Garden", "value": "https://garden.test"}],
        })  # fmt: skip
        files = {"file": ("reeds.png", picture())}
        media = [
            call("POST", "media", ada, files=files, data={"description": text})["id"]
            for text in ("", "Reeds")
        ]
        post = say(ada, "Look at these #reeds, @nina and @bob: https://garden.test", media_ids=media)
        answer = say(bob, "@ada Tall ones", in_reply_to_id=post["id"])
        say(ada, "@bob Very", in_reply_to_id=answer["id"])
        say(cast.carl, "@ada And mine?", in_reply_to_id=post["id"])
        say(cast.carl, "Hidden from Nina", in_reply_to_id=answer["id"])
        call("POST", f"accounts/{cast.carl.id}/mute", nina)
        call("POST", f"accounts/{cast.emil.id}/block", nina)
        warned = say(ada, "**Behind** a warning", spoiler_text="Careful", content_type="text/markdown")
        veiled = say(bob, "Pictures at second sight", sensitive=True)
        asked = say(bob, "Which?", poll={"options": ["This", "That"], "expires_in": 3600})
        say(bob, "@nina between us", visibility="direct")
        own = say(
            nina,
            "A post of mine, only for here",
            local_only=True,
            poll={"options": ["a", "b"], "expires_in": 900},
        )
        mine = say(nina, "Another one")
        for member, status, verb in (
            (nina, post, "bookmark"), (nina, post, "favourite"), (nina, veiled, "reblog"),
            (nina, mine, "pin"), (bob, mine, "favourite"), (ada, mine, "favourite"), (bob, mine, "reblog"),
        ):  # fmt: skip
            call("POST", f"statuses/{status['id']}/{verb}", member)
        call(
            "PUT",
            f"statuses/{post['id']}",
            ada,
            json={"status": "Look at these tall #reeds, @nina", "media_ids": media},
        )
        gone = say(ada, "Gone")
        call("DELETE", f"statuses/{gone['id']}", ada)
        circle = call("POST", "lists", nina, json={"title": "Friends"})
        call("POST", f"lists/{circle['id']}/accounts", nina, json={"account_ids": [ada.id]})
    return {
        "post": f"/@ada/{post['id']}", "id": post["id"], "warned": f"/@ada/{warned['id']}", "own": own["id"],
        "asked": f"/@bob/{asked['id']}", "mine": f"/@nina/{mine['id']}", "gone": f"/@ada/{gone['id']}",
        "list": circle["id"],
    }  # fmt: skip


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser."""
    path = require_chromium()
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=launch_args)
        yield opened
        opened.close()


def _context(chromium: Browser, url: str, language: str, token: str = "") -> BrowserContext:
    context = chromium.new_context(locale=language, color_scheme="light", reduced_motion="reduce")
    cookies = {"locale": language} | ({"session": token} if token else {})
    context.add_cookies([{"name": name, "value": value, "url": url} for name, value in cookies.items()])
    return context


@pytest.fixture(scope="module")
def stage(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The site, and a browser for each of those who look at it, in each language."""
    with living_site(tmp_path_factory.mktemp("axe")) as site:
        cast = Cast(site.server)
        names = _fill(site, cast)
        people = {"nina": cast.nina, "novice": cast.novice, "olga": cast.join("olaf", role="owner")}
        pages = {}
        for language in LANGUAGES:
            pages["visitor", language] = _context(chromium, site.url, language).new_page()
            for name, member in people.items():
                token = site.server.database.write_now(open_session, member.id, "Firefox/145 Linux")
                pages[name, language] = _context(chromium, site.url, language, token).new_page()
        yield Stage(site, names, pages)


def look(page: Page, where: str) -> list[str]:
    """What axe-core finds on the page that is open, and whether it is wider than the screen."""
    found: list[str] = []
    page.evaluate(AXE.read_text("utf-8"))
    for theme in THEMES:
        page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            for rule, target in page.evaluate(_RUN):
                found.append(f"{where} {theme} {width}: {rule} {target}")
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                found.append(f"{where} {theme} {width}: wider than the screen")
    return found


_RUN = """async () => {
    const { violations } = await axe.run(document, { resultTypes: ["violations"], preload: false });
    return violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => [id, target.join(" ")]));
}"""


def test_what_is_wrong_is_found(chromium: Browser) -> None:
    page = chromium.new_page()
    words = '<h1>x</h1><img src="x.png"><p style="color:#eee">Pale words</p>'
    page.set_content(f'<html lang="en"><title>x</title><main>{words}</main>')
    found = " ".join(look(page, "here"))
    page.close()
    assert "here light 1440: image-alt img" in found and "here light 320: color-contrast p" in found


PAGES: list[tuple[str, str]] = [
    *(("visitor", path) for path in VISITOR),
    *(("nina", path) for path in MEMBER),
    *(("novice", path) for path in NEWCOMER),
    *(("olga", path) for path in OWNER),
]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("who", "path"), PAGES, ids=lambda value: value)
def test_a_page_is_for_everyone(stage: Stage, who: str, path: str, language: str) -> None:
    page = stage.pages[who, language]
    answer = page.goto(stage.site.url + path.format_map(stage.names))
    assert answer and answer.status == (404 if "nothing" in path else 410 if "gone" in path else 200)
    assert page.url.removeprefix(stage.site.url) == path.format_map(stage.names)
    assert page.locator("html").get_attribute("lang") == language or who != "visitor"
    found = look(page, path)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ANSWERS)
def test_what_a_form_answers_is_for_everyone(stage: Stage, name: str, language: str) -> None:
    path, button = ANSWERS[name]
    page = stage.pages["nina", language]
    page.goto(stage.site.url + path.format_map(stage.names))
    with page.expect_navigation():
        page.locator(button).first.evaluate("button => button.form.requestSubmit(button)")
    found = look(page, name)
    assert not found, "\n".join(found)


def _look_at_the_recovery_key(page: Page) -> list[str]:
    """What is found on the pages that come once the owner's account is made."""
    for name, value in (("username", "ines"), ("email", "ines@roseau.test"), ("password", "tall reeds bend")):
        page.locator(f"[name={name}]").fill(value)
    page.locator("main button.btn").click()
    found = look(page, "recovery")
    for step in ("make", "ask"):
        page.locator(f"button[value={step}]").click()
        found += look(page, f"recovery, {step}")
    for field in page.locator("[name^=word_]").all():
        field.fill("lusab")
    page.locator("button[value=prove]").click()
    return found + look(page, "recovery, wrong words")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_run_is_for_everyone(chromium: Browser, tmp_path: Path, language: str) -> None:
    with living_site(tmp_path) as site:
        link = site.server.database.write_now(open_first_run, site.server.site, Nothing())
        assert link
        context = _context(chromium, site.url, language)
        page = context.new_page()
        page.goto(link)
        found = []
        for step in FIRST_RUN:
            answer = page.goto(f"{site.url}/first-run/{step}")
            assert answer and answer.status == 200
            found += look(page, step)
        found += _look_at_the_recovery_key(page)
        context.close()
    assert not found, "\n".join(found)
