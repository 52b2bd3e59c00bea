"""What can be done to a post with one button: without JavaScript, and with it."""

import re
from typing import Any

import pytest

from roseau.domain.relationships.blocking import block_account
from roseau.web.pages.statuses import ACTIONS
from tests.web.conftest import Browser, text_of
from tests.web.writers import page_of, post, posts_on, seen

pytestmark = pytest.mark.anyio

#: What is done, what undoes it, and what the API then says of the post.
PAIRS = (
    ("favourite", "unfavourite", "favourited"),
    ("reblog", "unreblog", "reblogged"),
    ("bookmark", "unbookmark", "bookmarked"),
    ("mute", "unmute", "muted"),
)


@pytest.fixture
def nina(cast: Any, browser: Browser) -> Any:
    """Somebody who is signed in."""
    browser.sign_in(cast.nina)
    return cast.nina


async def press(browser: Browser, status_id: str, verb: str, page: str = "", **fields: str) -> Any:
    """Press a button as htmx does; the answer is a part of the page."""
    headers = {"HX-Request": "true", "HX-Current-URL": f"https://roseau.test{page}"}
    data = {"csrf": browser.csrf, "back": "/local"} | fields
    return await browser.client.post(f"/statuses/{status_id}/{verb}", data=data, headers=headers)


@pytest.mark.parametrize(("done", "undone", "field"), PAIRS)
async def test_done_and_undone(
    browser: Browser, client: Any, cast: Any, nina: Any, done: str, undone: str, field: str
) -> None:
    status = await post(client, cast.ada, "Look")
    page = await browser.get("/local?max_id=999999999999999999")
    assert f'formaction="/statuses/{status["id"]}/{done}"' in page.text
    for verb, state in ((done, True), (done, True), (undone, False), (undone, False)):
        answer = await browser.submit(f"/statuses/{status['id']}/{verb}", back="/local?max_id=9")
        assert answer.status_code == 303
        assert answer.headers["location"] == f"/local?max_id=9#s-{status['id']}"
        assert (await seen(client, nina, status))[field] is state
    dire = (await browser.get("/local")).text.partition('id="dire"')[2].partition("</p>")[0]
    assert len(dire.partition(">")[2]) > 10


@pytest.mark.parametrize(("done", "undone", "field"), PAIRS)
async def test_the_post_takes_its_own_place(
    browser: Browser, client: Any, cast: Any, nina: Any, done: str, undone: str, field: str
) -> None:
    status = await post(client, cast.ada, "Look")
    await browser.get("/local")
    for verb, other, state in ((done, undone, True), (undone, done, False)):
        part = await press(browser, status["id"], verb, "/local")
        assert part.status_code == 200 and "<html" not in part.text
        assert posts_on(part) == [status["id"]]
        assert f'formaction="/statuses/{status["id"]}/{other}"' in part.text
        assert f'formaction="/statuses/{status["id"]}/{verb}"' not in part.text
        assert re.search(r'<hx-partial hx-target="#dire"[^>]*>[^<]{5,}</hx-partial>', part.text)
        assert (await seen(client, nina, status))[field] is state


async def test_buttons_say_whether_they_are_pressed(
    browser: Browser, client: Any, cast: Any, nina: Any
) -> None:
    status = await post(client, cast.ada, "Look")
    await browser.get("/local")
    part = await press(browser, status["id"], "favourite")
    button = part.text.partition(f'formaction="/statuses/{status["id"]}/unfavourite"')[2].partition(
        "</button>"
    )[0]
    assert 'aria-pressed="true"' in button and "Favourite, 1 time so far" in button


async def test_a_boost_stays_a_boost(
    browser: Browser, client: Any, cast: Any, nina: Any, worker: Any
) -> None:
    status = await post(client, cast.ada, "Look")
    boost = (await client.post(f"/api/v1/statuses/{status['id']}/reblog", headers=cast.bob.auth)).json()
    await browser.get("/local")
    part = await press(browser, status["id"], "favourite", "/@bob", boost=boost["id"])
    assert posts_on(part) == [boost["id"]] and "Boosted by" in part.text
    answer = await browser.submit(f"/statuses/{status['id']}/favourite", back="/@bob", boost=boost["id"])
    assert answer.headers["location"] == f"/@bob#s-{boost['id']}"
    # One's own boost is gone when it is taken back: then the post itself is shown.
    own = (await client.post(f"/api/v1/statuses/{status['id']}/reblog", headers=nina.auth)).json()
    part = await press(browser, status["id"], "unreblog", "/home", boost=own["id"])
    assert posts_on(part) == [status["id"]] and "Boosted by" not in part.text


async def test_on_its_own_page_a_post_stays_large(
    browser: Browser, client: Any, cast: Any, nina: Any
) -> None:
    status = await post(client, cast.ada, "Look")
    path = page_of(cast.ada, status)
    await browser.get(path)
    assert 'class="post focused"' in (await press(browser, status["id"], "favourite", path)).text
    reply = await post(client, cast.bob, "@ada yes", in_reply_to_id=status["id"])
    part = await press(browser, reply["id"], "favourite", path)
    assert 'class="post focused"' not in part.text and "In reply to" not in part.text
    assert "In reply to" in (await press(browser, reply["id"], "favourite", "/local")).text


async def test_pins(browser: Browser, client: Any, cast: Any, nina: Any) -> None:
    own = await post(client, nina, "Mine")
    await browser.get("/home")
    part = await press(browser, own["id"], "pin", "/@nina")
    assert "Pinned to your profile." in text_of(part) and (await seen(client, nina, own))["pinned"]
    part = await press(browser, own["id"], "unpin", "/@nina")
    assert not (await seen(client, nina, own))["pinned"] and "No longer pinned." in text_of(part)
    other = await post(client, cast.ada, "Not mine")
    answer = await browser.submit(f"/statuses/{other['id']}/pin")
    assert answer.status_code == 422
    said = await press(browser, other["id"], "pin")
    assert said.status_code == 422 and posts_on(said) == [] and "hx-partial" in said.text


async def test_what_cannot_be_boosted_has_no_button(
    browser: Browser, client: Any, cast: Any, nina: Any
) -> None:
    status = await post(client, cast.ada, "@nina hi", visibility="direct")
    page = await browser.get(page_of(cast.ada, status))
    assert f"/statuses/{status['id']}/reblog" not in page.text and "This post cannot be boosted" in page.text
    assert (await browser.submit(f"/statuses/{status['id']}/reblog")).status_code == 403


# Polls


async def test_votes(browser: Browser, client: Any, cast: Any, nina: Any) -> None:
    status = await post(client, cast.ada, "Which?", poll={"options": ["a", "b"], "expires_in": 3600})
    page = await browser.get("/local")
    assert f'action="/statuses/{status["id"]}/vote"' in page.text and 'type="radio"' in page.text
    answer = await browser.submit(f"/statuses/{status['id']}/vote", back="/local", **{"choices[]": "1"})
    assert answer.headers["location"] == f"/local#s-{status['id']}"
    page = await browser.get("/local")
    assert "/vote" not in page.text and "Your choice:" in page.text and "100%" in page.text
    assert (await seen(client, nina, status))["poll"]["own_votes"] == [1]
    assert (await browser.submit(f"/statuses/{status['id']}/vote", **{"choices[]": "0"})).status_code == 422


async def test_votes_for_several(browser: Browser, client: Any, cast: Any, nina: Any) -> None:
    poll = {"options": ["a", "b", "c"], "expires_in": 3600, "multiple": True}
    status = await post(client, cast.ada, "Which?", poll=poll)
    await browser.get("/local")
    headers = {"HX-Request": "true"}
    data = {"csrf": browser.csrf, "choices[]": ["0", "2"]}
    part = await browser.client.post(f"/statuses/{status['id']}/vote", data=data, headers=headers)
    assert part.status_code == 200 and "Your vote counts." in part.text
    assert sorted((await seen(client, nina, status))["poll"]["own_votes"]) == [0, 2]


@pytest.mark.parametrize("choices", [[], ["2"], ["x"], ["0", "1"], ["-1"], ["9" * 30], [""]])
async def test_votes_that_do_not_count(
    browser: Browser, client: Any, cast: Any, nina: Any, choices: list[str]
) -> None:
    status = await post(client, cast.ada, "Which?", poll={"options": ["a", "b"], "expires_in": 3600})
    await browser.get("/local")
    answer = await browser.submit(f"/statuses/{status['id']}/vote", **{"choices[]": choices})
    assert answer.status_code == 422
    plain = await post(client, cast.ada, "No poll")
    assert (await browser.submit(f"/statuses/{plain['id']}/vote", **{"choices[]": "0"})).status_code == 404


# Deleting


async def test_deleting_asks_first(browser: Browser, client: Any, nina: Any) -> None:
    status = await post(client, nina, "Mine")
    page = await browser.get("/local")
    assert f'formaction="/statuses/{status["id"]}/delete"' in page.text
    asked = await browser.submit(f"/statuses/{status['id']}/delete", back="/local")
    assert asked.status_code == 200 and "Delete this post?" in asked.text
    assert 'name="back" value="/local"' in asked.text and 'href="/local"' in asked.text
    assert (await seen(client, nina, status))["content"]
    answer = await browser.submit(f"/statuses/{status['id']}/delete", back="/local", confirmed="1")
    assert answer.headers["location"] == "/local"
    assert "The post is deleted." in text_of(await browser.get("/local"))
    assert (await browser.get(page_of(nina, status))).status_code == 410


async def test_from_its_own_page_deleting_leads_home(browser: Browser, client: Any, nina: Any) -> None:
    status = await post(client, nina, "Mine")
    path = page_of(nina, status)
    await browser.get(path)
    answer = await browser.submit(f"/statuses/{status['id']}/delete", back=path, confirmed="1")
    assert answer.headers["location"] == "/home"


async def test_nobody_deletes_what_others_wrote(browser: Browser, client: Any, cast: Any, nina: Any) -> None:
    status = await post(client, cast.ada, "Mine")
    page = await browser.get("/local")
    assert "/delete" not in page.text and f"/compose?edit={status['id']}" not in page.text
    for confirmed in ("", "1"):
        answer = await browser.submit(f"/statuses/{status['id']}/delete", confirmed=confirmed)
        assert answer.status_code == 404
    assert (await seen(client, cast.ada, status))["content"]


# Who may


@pytest.mark.parametrize("verb", [*ACTIONS, "delete"])
async def test_visitors_are_led_to_the_door(browser: Browser, client: Any, cast: Any, verb: str) -> None:
    status = await post(client, cast.ada, "Look")
    await browser.get("/local")
    answer = await browser.submit(f"/statuses/{status['id']}/{verb}", back="/local")
    assert answer.headers["location"] == "/sign_in?back=/local"
    part = await press(browser, status["id"], verb)
    assert part.headers["hx-redirect"] == "/sign_in?back=/local"


@pytest.mark.parametrize("verb", [*ACTIONS, "delete"])
async def test_what_one_may_not_see_is_not_there(
    browser: Browser, client: Any, cast: Any, nina: Any, server: Any, verb: str
) -> None:
    hidden = await post(client, cast.ada, "Secret", visibility="private")
    blocked = await post(client, cast.bob, "Open")
    server.database.write_now(block_account, cast.bob.id, nina.id)
    await browser.get("/home")
    for wrong in (hidden["id"], blocked["id"], "1", "0", "x", "9" * 30, "%2e%2e"):
        answer = await browser.submit(f"/statuses/{wrong}/{verb}")
        assert answer.status_code == 404, wrong
    part = await press(browser, hidden["id"], verb)
    assert part.status_code == 404 and "hx-partial" in part.text


@pytest.mark.parametrize("verb", [*ACTIONS, "delete"])
async def test_a_link_does_nothing(browser: Browser, client: Any, cast: Any, nina: Any, verb: str) -> None:
    status = await post(client, nina, "Mine")
    assert (await browser.get(f"/statuses/{status['id']}/{verb}")).status_code == 405
    assert (await press(browser, status["id"], verb, csrf="made.up")).status_code == 403
    assert (await seen(client, nina, status))["favourited"] is False
