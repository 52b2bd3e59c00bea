"""The notifications page: what it says, what it marks as read, what it clears away."""

import re
from typing import Any

import pytest

from roseau.domain.notifications.policy import set_policy
from roseau.domain.notifications.reading import Choice, count_unread
from tests.api.acting import done, follow, post
from tests.web.conftest import Browser, text_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def ada(cast: Any, browser: Browser) -> Any:
    """Who is signed in."""
    browser.sign_in(cast.ada)
    return cast.ada


def rows_in(answer: Any) -> list[str]:
    """The sentences of the notifications on a page, in their order."""
    found = re.findall(r'<article class="notif .*?<h2>(.*?)</h2>', answer.text, re.DOTALL)
    return [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", one)).strip() for one in found]


def unread(server: Any, member: Any) -> int:
    """How many notifications the member has not read."""
    return int(server.database.read_now(count_unread, member.id, Choice()))


async def test_visitors_are_led_to_sign_in(browser: Browser) -> None:
    answer = await browser.get("/notifications?tab=mentions")
    assert answer.headers["location"] == "/sign_in?back=/notifications%3Ftab%3Dmentions"


async def test_nothing_has_happened(browser: Browser, ada: Any) -> None:
    assert "Nothing new." in text_of(await browser.get("/notifications"))
    assert "Nobody has mentioned you yet." in text_of(await browser.get("/notifications?tab=mentions"))


async def test_each_kind_has_its_sentence(
    browser: Browser, ada: Any, cast: Any, server: Any, worker: Any
) -> None:
    client = browser.client
    own = await post(client, ada, "My words")
    follow(server, cast.bob, ada)
    await done(client, cast.bob, own, "reblog")
    mention = await post(client, cast.bob, "Hello @ada <3", spoiler_text="")
    await worker.settle()
    page = await browser.get("/notifications")
    assert rows_in(page) == [
        "New: bob mentioned you", "New: bob boosted your post", "New: bob follows you",
    ]  # fmt: skip
    assert f'href="/@bob/{mention["id"]}"' in page.text and f"/compose?reply_to={mention['id']}" in page.text
    assert "Hello @ada &lt;3" in page.text
    assert f"/accounts/{cast.bob.id}/follow" in page.text
    assert rows_in(await browser.get("/notifications?tab=mentions")) == ["bob mentioned you"]


async def test_several_people_and_one_post_are_one_row(
    browser: Browser, ada: Any, cast: Any, worker: Any
) -> None:
    own = await post(browser.client, ada, "Liked by many")
    for member in (cast.bob, cast.cleo, cast.dan):
        await done(browser.client, member, own, "favourite")
    await worker.settle()
    page = await browser.get("/notifications")
    assert rows_in(page) == ["New: dan and 2 other people like your post"]
    assert all(f'href="/@{name}"' in page.text for name in ("bob", "cleo", "dan"))


async def test_looking_marks_them_as_read(
    browser: Browser, ada: Any, cast: Any, server: Any, worker: Any
) -> None:
    await post(browser.client, cast.bob, "@ada one")
    await worker.settle()
    assert re.search(r"data-unread>.*?data-count>1<", (await browser.get("/search")).text, re.DOTALL)
    await browser.get("/notifications?tab=mentions")
    assert unread(server, ada) == 1
    page = await browser.get("/notifications")
    assert unread(server, ada) == 0 and rows_in(page) == ["New: bob mentioned you"]
    assert re.search(r"data-unread hidden>", page.text)
    assert rows_in(await browser.get("/notifications")) == ["bob mentioned you"]


async def test_older_ones_do_not_move_the_mark_back(
    browser: Browser, ada: Any, cast: Any, server: Any, worker: Any
) -> None:
    for number in range(22):
        await post(browser.client, cast.bob, f"@ada {number}")
    await worker.settle()
    page = await browser.get("/notifications")
    assert len(rows_in(page)) == 20
    more = re.search(r'href="(/notifications\?max_id=\d+)"', page.text)
    assert more
    assert len(rows_in(await browser.get(more[1]))) == 2
    part = await browser.get(more[1], headers={"HX-Request": "true"})
    assert len(rows_in(part)) == 2 and "<html" not in part.text
    assert unread(server, ada) == 0


async def test_one_is_cleared_away(browser: Browser, ada: Any, cast: Any, worker: Any) -> None:
    await post(browser.client, cast.bob, "@ada one")
    await post(browser.client, cast.bob, "@ada two")
    await worker.settle()
    page = await browser.get("/notifications")
    one, other = re.findall(r'action="/notifications/(\d+)/dismiss"', page.text)
    answer = await browser.submit(f"/notifications/{one}/dismiss", back="/notifications")
    assert answer.headers["location"] == "/notifications"
    page = await browser.get("/notifications")
    assert re.findall(r'action="/notifications/(\d+)/dismiss"', page.text) == [other]
    headers = {"HX-Request": "true"}
    answer = await browser.client.post(
        f"/notifications/{other}/dismiss", data={"csrf": browser.csrf}, headers=headers
    )
    assert "Cleared away." in text_of(answer)
    assert rows_in(await browser.get("/notifications")) == []


async def test_a_group_is_cleared_away_whole(browser: Browser, ada: Any, cast: Any, worker: Any) -> None:
    own = await post(browser.client, ada, "Liked by two")
    for member in (cast.bob, cast.cleo):
        await done(browser.client, member, own, "favourite")
    await worker.settle()
    page = await browser.get("/notifications")
    (row,) = re.findall(r'action="/notifications/(\d+)/dismiss"', page.text)
    (group,) = re.findall(r'name="group" value="([^"]+)"', page.text)
    await browser.submit(f"/notifications/{row}/dismiss", group=group)
    assert rows_in(await browser.get("/notifications")) == []


async def test_nobody_clears_away_what_is_not_theirs(
    browser: Browser, ada: Any, cast: Any, worker: Any
) -> None:
    assert cast.bob
    await post(browser.client, cast.ada, "@bob this is yours")
    await worker.settle()
    page = await browser.sign_in(cast.bob).get("/notifications")
    (row,) = re.findall(r'action="/notifications/(\d+)/dismiss"', page.text)
    browser.sign_in(cast.ada)
    await browser.submit(f"/notifications/{row}/dismiss", on="/notifications")
    await browser.submit(f"/notifications/{row}/dismiss", group=f"ungrouped-{row}")
    assert (await browser.submit("/notifications/x/dismiss")).status_code == 404
    assert rows_in(await browser.sign_in(cast.bob).get("/notifications")) == ["ada mentioned you"]


async def test_clearing_all_asks_first(browser: Browser, ada: Any, cast: Any, worker: Any) -> None:
    await post(browser.client, cast.bob, "@ada one")
    await worker.settle()
    asked = await browser.submit("/notifications/clear", on="/notifications", back="/notifications")
    assert asked.status_code == 200 and "Clear all notifications?" in text_of(asked)
    assert len(rows_in(await browser.get("/notifications"))) == 1
    answer = await browser.submit("/notifications/clear", back="/notifications", confirmed="1")
    assert answer.headers["location"] == "/notifications"
    page = await browser.get("/notifications")
    assert rows_in(page) == [] and "All notifications are cleared away." in text_of(page)


async def test_a_request_is_answered_from_there(
    browser: Browser, cast: Any, server: Any, worker: Any
) -> None:
    follow(server, cast.bob, cast.zoe)
    await worker.settle()
    page = await browser.sign_in(cast.zoe).get("/notifications")
    assert rows_in(page) == ["New: bob asks to follow you"]
    assert f"/follow_requests/{cast.bob.id}/authorize" in page.text
    assert "1 request" in text_of(page)


# Kept aside


@pytest.fixture
async def stranger(browser: Browser, ada: Any, cast: Any, server: Any, worker: Any) -> Any:
    """Somebody whom Ada does not follow, and whose mention is kept aside as she chose."""
    server.database.write_now(set_policy, ada.id, for_not_following="filter")
    await post(browser.client, cast.bob, "@ada hello")
    await worker.settle()
    return cast.bob


async def test_what_is_kept_aside_is_let_through(browser: Browser, stranger: Any) -> None:
    page = await browser.get("/notifications")
    assert rows_in(page) == [] and "Notifications of 1 person are kept aside" in text_of(page)
    page = await browser.get("/notifications/requests")
    assert f'id="a-{stranger.id}"' in page.text and "1 notification" in text_of(page)
    where = f"/notifications/requests/{stranger.id}"
    answer = await browser.submit(f"{where}/accept", back="/notifications/requests")
    assert answer.headers["location"] == "/notifications/requests"
    assert "Nothing is kept aside." in text_of(await browser.get("/notifications/requests"))
    page = await browser.get("/notifications")
    assert rows_in(page) == ["New: bob mentioned you"] and "kept aside" not in text_of(page)


async def test_what_is_kept_aside_is_cleared_away(browser: Browser, stranger: Any) -> None:
    await browser.get("/notifications/requests")
    where = f"/notifications/requests/{stranger.id}/dismiss"
    headers = {"HX-Request": "true"}
    answer = await browser.client.post(where, data={"csrf": browser.csrf}, headers=headers)
    assert answer.status_code == 200 and "Cleared away." in text_of(answer)
    assert rows_in(await browser.get("/notifications")) == []
    assert (await browser.submit(where)).status_code == 404
    assert (await browser.submit("/notifications/requests/x/accept")).status_code == 404
