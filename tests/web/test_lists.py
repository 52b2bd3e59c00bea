"""Lists: made, read, changed, filled and deleted on their pages."""

import re
from typing import Any

import pytest

from roseau.domain.timelines import lists
from roseau.storage.pages import Page
from tests.api.acting import follow, post
from tests.web.conftest import Browser, text_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def ada(cast: Any, browser: Browser, server: Any) -> Any:
    """Who is signed in, and follows Bob."""
    follow(server, cast.ada, cast.bob)
    browser.sign_in(cast.ada)
    return cast.ada


@pytest.fixture
def neighbours(ada: Any, server: Any) -> Any:
    """A list of Ada's."""
    return server.database.write_now(lists.create_list, ada.id, "Neighbours")


def lists_of(server: Any, member: Any) -> list[Any]:
    """The member's lists."""
    return list(server.database.read_now(lists.list_lists, member.id))


def members_of(server: Any, owner: Any, one: Any) -> list[int]:
    """The ids of those on a list."""
    found = server.database.read_now(lists.list_members, owner.id, one.id, Page(limit=80))
    return [related.view.id for related in found]


async def test_a_list_is_made(browser: Browser, ada: Any, server: Any) -> None:
    assert "You have no lists yet." in text_of(await browser.get("/lists"))
    answer = await browser.submit("/lists", title="Neighbours & co", replies_policy="none", exclusive="1")
    (made,) = lists_of(server, ada)
    assert answer.headers["location"] == f"/lists/{made.id}/edit"
    assert (made.title, made.replies_policy, made.exclusive) == ("Neighbours & co", "none", True)
    assert "Now put people on it." in text_of(await browser.get(f"/lists/{made.id}/edit"))
    assert f'href="/lists/{made.id}"' in (await browser.get("/lists")).text


@pytest.mark.parametrize(
    ("title", "problem"),
    [("", "Give the list a name."), ("  ", "Give the list"), ("a" * 257, "256 characters at most")],
)
async def test_what_is_wrong_is_said_and_nothing_is_lost(
    browser: Browser, neighbours: Any, ada: Any, server: Any, title: str, problem: str
) -> None:
    for place in ("/lists", f"/lists/{neighbours.id}/edit"):
        answer = await browser.submit(place, on=place, title=title, replies_policy="followed", exclusive="1")
        assert answer.status_code == 422 and problem in text_of(answer)
        assert f'value="{title}"' in answer.text and 'value="followed" selected' in answer.text
        assert re.search(r'name="exclusive" value="1" checked', answer.text)
        assert 'id="problems"' in answer.text and "autofocus" in answer.text
    assert [one.title for one in lists_of(server, ada)] == ["Neighbours"]


async def test_no_other_policy(browser: Browser, neighbours: Any) -> None:
    answer = await browser.submit("/lists", on="/lists", title="A", replies_policy="everything")
    assert answer.status_code == 422


async def test_there_is_a_last_list(browser: Browser, ada: Any, server: Any) -> None:
    for number in range(lists.MAX_LISTS):
        server.database.write_now(lists.create_list, ada.id, f"List {number}")
    answer = await browser.submit("/lists", on="/lists", title="One more")
    assert answer.status_code == 422 and 'value="One more"' in answer.text


async def test_a_list_is_changed(browser: Browser, neighbours: Any, ada: Any, server: Any) -> None:
    where = f"/lists/{neighbours.id}/edit"
    answer = await browser.submit(where, on=where, title="Street", replies_policy="followed")
    assert answer.headers["location"] == where
    (found,) = lists_of(server, ada)
    assert (found.title, found.replies_policy, found.exclusive) == ("Street", "followed", False)


async def test_a_list_shows_what_its_people_post(
    browser: Browser, neighbours: Any, ada: Any, cast: Any, server: Any, worker: Any
) -> None:
    where = f"/lists/{neighbours.id}"
    assert "Nobody is on this list yet." in text_of(await browser.get(where))
    server.database.write_now(lists.add_to_list, ada.id, neighbours.id, [cast.bob.id])
    assert "have not posted" in text_of(await browser.get(where))
    status = await post(browser.client, cast.bob, "From the street")
    await post(browser.client, ada, "Not from the list")
    await worker.settle()
    page = await browser.get(where)
    assert re.findall(r'<article class="post[^"]*" id="s-(\d+)"', page.text) == [status["id"]]


async def test_people_are_searched_put_on_and_taken_off(
    browser: Browser, neighbours: Any, ada: Any, cast: Any, server: Any, worker: Any
) -> None:
    where = f"/lists/{neighbours.id}"
    assert cast.bobbie
    await worker.settle()
    page = await browser.get(f"{where}/edit?q=bo")
    assert re.findall(r'id="a-(\d+)"', page.text) == [str(cast.bob.id)]
    await browser.submit(f"{where}/add", account_id=str(cast.bob.id), back=f"{where}/edit?q=bo")
    assert members_of(server, ada, neighbours) == [cast.bob.id]
    page = await browser.get(f"{where}/edit?q=bo")
    assert f'action="{where}/remove"' in page.text and f'action="{where}/add"' not in page.text
    assert "1 person is on it" in text_of(page) and "Nobody else whom you follow" in text_of(page)
    answer = await browser.client.post(
        f"{where}/remove",
        data={"csrf": browser.csrf, "account_id": str(cast.bob.id)},
        headers={"HX-Request": "true"},
    )
    assert answer.status_code == 200 and "Taken off the list." in text_of(answer)
    assert members_of(server, ada, neighbours) == []


@pytest.mark.parametrize("who", ["", "x", "0", "stranger"])
async def test_only_people_one_follows_are_put_on(
    browser: Browser, neighbours: Any, ada: Any, cast: Any, server: Any, who: str
) -> None:
    account_id = str(cast.cleo.id) if who == "stranger" else who
    where = f"/lists/{neighbours.id}"
    answer = await browser.submit(f"{where}/add", on=f"{where}/edit", account_id=account_id)
    assert answer.status_code == 404
    assert members_of(server, ada, neighbours) == []


async def test_the_lists_somebody_is_on(
    browser: Browser, neighbours: Any, ada: Any, cast: Any, server: Any
) -> None:
    where = f"/lists?add={cast.bob.id}"
    assert f'action="/lists/{neighbours.id}/add"' in (await browser.get(where)).text
    answer = await browser.submit(f"/lists/{neighbours.id}/add", account_id=str(cast.bob.id), back=where)
    assert answer.headers["location"] == where
    page = await browser.get(where)
    assert f'action="/lists/{neighbours.id}/remove"' in page.text and "on it" in text_of(page)
    answer = await browser.submit("/lists", title="Another", account_id=str(cast.bob.id), back=where)
    assert answer.headers["location"] == where
    assert members_of(server, ada, lists_of(server, ada)[1]) == [cast.bob.id]


async def test_a_stranger_is_to_be_followed_first(browser: Browser, ada: Any, cast: Any, server: Any) -> None:
    page = await browser.get(f"/lists?add={cast.cleo.id}")
    assert "Follow this account first." in text_of(page) and f"/accounts/{cast.cleo.id}/follow" in page.text
    answer = await browser.submit("/lists", title="Not made", account_id=str(cast.cleo.id))
    assert answer.status_code == 404 and lists_of(server, ada) == []
    assert (await browser.get("/lists?add=1")).status_code == 404


async def test_deleting_asks_first(browser: Browser, neighbours: Any, ada: Any, server: Any) -> None:
    where = f"/lists/{neighbours.id}"
    asked = await browser.submit(f"{where}/delete", on=f"{where}/edit")
    assert asked.status_code == 200 and "Delete the list Neighbours?" in text_of(asked)
    assert len(lists_of(server, ada)) == 1
    answer = await browser.submit(f"{where}/delete", confirmed="1")
    assert answer.headers["location"] == "/lists" and lists_of(server, ada) == []
    assert (await browser.get(where)).status_code == 404


async def test_lists_are_ones_own(
    browser: Browser, neighbours: Any, ada: Any, cast: Any, server: Any
) -> None:
    where = f"/lists/{neighbours.id}"
    server.database.write_now(lists.add_to_list, ada.id, neighbours.id, [cast.bob.id])
    browser.sign_in(cast.cleo)
    follow(server, cast.cleo, cast.bob)
    assert (await browser.get(where)).status_code == 404
    assert (await browser.get(f"{where}/edit")).status_code == 404
    await browser.get("/lists")
    for verb, fields in (
        ("edit", {"title": "Mine"}),
        ("add", {"account_id": str(cast.bob.id)}),
        ("remove", {"account_id": str(cast.bob.id)}),
        ("delete", {"confirmed": "1"}),
    ):
        assert (await browser.submit(f"{where}/{verb}", **fields)).status_code == 404, verb
    assert [one.title for one in lists_of(server, ada)] == ["Neighbours"]
    assert members_of(server, ada, neighbours) == [cast.bob.id]
