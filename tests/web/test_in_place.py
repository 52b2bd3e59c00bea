"""What a real browser does with JavaScript: parts of a page change in place, and the focus stays."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from roseau.domain.accounts.creation import NewAccount, create_account
from roseau.domain.accounts.sessions import open_session
from roseau.domain.relationships.following import follow_account
from roseau.domain.relationships.loading import load_relationship
from roseau.domain.statuses.drafts import Draft
from roseau.domain.statuses.posting import post_status
from roseau.domain.timelines.lists import add_to_list, create_list
from tests.servers.chromium import launch_args, require_chromium
from tests.servers.living import Living, living_site

pytestmark = pytest.mark.browser


class Street:
    """A site where 24 neighbours follow Ada and three wrote to her; she follows one back and has a list."""

    def __init__(self, living: Living) -> None:
        self.url = living.url
        self.server = living.server
        self.neighbours: list[int] = []
        self.server.database.write_now(self._fill)

    def _fill(self, tx: Any) -> None:
        self.ada = self._join(tx, "ada")
        self.neighbours = [self._join(tx, f"neighbour_{number}") for number in range(24)]
        for neighbour in self.neighbours:
            follow_account(tx, neighbour, self.ada)
        follow_account(tx, self.ada, self.neighbours[0])
        for neighbour in self.neighbours[:3]:
            post_status(tx, self.server.site, neighbour, Draft(text="@ada Hello"))
        self.list_id = create_list(tx, self.ada, "Street").id
        add_to_list(tx, self.ada, self.list_id, [self.neighbours[0]])
        self.token = open_session(tx, self.ada, "Test browser")

    def _join(self, tx: Any, name: str) -> int:
        new = NewAccount(username=name, email=f"{name}@roseau.test")
        return create_account(tx, self.server.site, new, reserved_allowed=True)

    def follows(self, account_id: int) -> bool:
        """Whether Ada follows somebody."""
        found = self.server.database.read_now(load_relationship, self.ada, account_id)
        return found is not None and found.following


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    """The site, running."""
    require_chromium()
    with living_site(tmp_path_factory.mktemp("street")) as living:
        yield Street(living)


@pytest.fixture(scope="module")
def page(street: Street) -> Iterator[Page]:
    """A page of Ada's browser; whatever goes wrong in its scripts fails the test."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=require_chromium(), args=launch_args)
        context = chromium.new_context(base_url=street.url, locale="en")
        host = urlsplit(street.url).hostname or ""
        context.add_cookies([{"name": "session", "value": street.token, "domain": host, "path": "/"}])
        context.set_default_timeout(10_000)
        opened = context.new_page()
        wrong: list[str] = []
        opened.on("pageerror", lambda error: wrong.append(str(error)))
        opened.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        yield opened
        chromium.close()
        assert wrong == []


def test_following_changes_the_button_and_keeps_the_focus(street: Street, page: Page) -> None:
    page.goto("/@neighbour_5")
    button = page.locator(".profile form.follow button")
    button.focus()
    page.keyboard.press("Enter")
    expect(button).to_contain_text("Unfollow")
    expect(button).to_be_focused()
    expect(page.locator("#dire")).to_have_text("You follow @neighbour_5.")
    assert street.follows(street.neighbours[5])
    # The part that came can be used as the page could.
    page.keyboard.press("Enter")
    expect(button).to_contain_text("Follow back")
    assert not street.follows(street.neighbours[5])
    assert page.url == f"{street.url}/@neighbour_5"


def test_more_people_come_below_and_the_focus_goes_to_the_first(street: Street, page: Page) -> None:
    page.goto("/@ada/followers")
    rows = page.locator("article.who")
    expect(rows).to_have_count(20)
    page.locator(".more a").focus()
    page.keyboard.press("Enter")
    expect(rows).to_have_count(24)
    expect(rows.nth(20)).to_be_focused()
    expect(page.locator(".more")).to_have_count(0)


def test_a_notification_goes_away_and_the_focus_to_the_next(street: Street, page: Page) -> None:
    page.goto("/notifications?tab=mentions")
    rows = page.locator("article.notif")
    for _ in range(50):
        if rows.count() == 3:
            break
        # They come from the worker, a moment after the posts.
        page.reload()
    next_id = rows.nth(1).get_attribute("id")
    rows.first.get_by_role("button", name="Dismiss").focus()
    page.keyboard.press("Enter")
    expect(rows).to_have_count(2)
    expect(page.locator("#dire")).to_have_text("Cleared away.")
    expect(page.locator(f"#{next_id}")).to_be_focused()


def test_what_is_searched_is_shown_while_it_is_typed(street: Street, page: Page) -> None:
    page.goto("/search")
    field = page.get_by_role("searchbox")
    expect(field).to_be_focused()
    page.keyboard.type("neighbour_7")
    expect(page.locator("#found article.who")).to_have_count(1)
    expect(field).to_be_focused()
    expect(field).to_have_value("neighbour_7")


def test_somebody_is_taken_off_a_list(street: Street, page: Page) -> None:
    page.goto(f"/lists/{street.list_id}/edit")
    page.get_by_role("button", name="Take off").click()
    expect(page.locator("article.who")).to_have_count(0)
    expect(page.locator("#dire")).to_have_text("Taken off the list.")
