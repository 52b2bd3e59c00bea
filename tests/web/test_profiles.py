"""Profiles: what somebody posts, who they know, what is closed to whom, and the feed."""

import re
from typing import Any
from xml.etree import ElementTree

import pytest

from roseau.domain.accounts.removal import delete_account
from tests.api.acting import block, done, follow, post
from tests.web.conftest import Browser, text_of

pytestmark = pytest.mark.anyio


def mark(server: Any, member: Any, change: str) -> None:
    """Change something of an account that no page changes."""
    server.database.write_now(
        lambda tx: tx.script(f"UPDATE accounts SET {change}, version = version + 1 WHERE id = {member.id}")
    )


def posts_in(answer: Any) -> list[str]:
    """The ids of the posts on a page, in their order."""
    return re.findall(r'<article class="post[^"]*" id="s-(\d+)"', answer.text)


async def test_a_visitor_reads_a_profile(browser: Browser, cast: Any) -> None:
    shown = await post(browser.client, cast.ada, "A reed bends")
    await post(browser.client, cast.ada, "Only for followers", visibility="private")
    page = await browser.get("/@ada")
    assert page.status_code == 200
    assert posts_in(page) == [shown["id"]]
    assert '<link rel="canonical" href="https://roseau.test/@ada">' in page.text
    assert (
        'href="/@ada.rss"' in page.text
        and 'property="og:title" content="ada (@ada@roseau.test)"' in page.text
    )
    assert "/accounts/" not in page.text


@pytest.mark.parametrize("path", ["/@ADA", "/@ada@roseau.test"])
async def test_a_profile_has_one_address(browser: Browser, cast: Any, path: str) -> None:
    assert cast.ada
    for rest in ("", "/media", "/followers"):
        answer = await browser.get(path + rest)
        assert (answer.status_code, answer.headers["location"]) == (301, f"/@ada{rest}")


@pytest.mark.parametrize(
    "path", ["/@nobody", "/@nobody.rss", "/@a@b", "/@%F0%9F%8E%8B/media", "/@/followers"]
)
async def test_who_is_not_there_is_not_found(browser: Browser, path: str) -> None:
    assert (await browser.get(path)).status_code == 404


async def test_each_tab_shows_its_part(browser: Browser, cast: Any) -> None:
    client = browser.client
    first = await post(client, cast.bob, "Something to boost")
    plain = await post(client, cast.ada, "Plain")
    answer = await post(client, cast.ada, "An answer", in_reply_to_id=first["id"])
    boost = await done(client, cast.ada, first, "reblog")
    await post(client, cast.ada, "@bob between us", visibility="direct")
    browser.sign_in(cast.ada)
    assert posts_in(await browser.get("/@ada")) == [boost["id"], plain["id"]]
    assert posts_in(await browser.get("/@ada/with_replies")) == [answer["id"], plain["id"]]
    empty = await browser.get("/@ada/media")
    assert posts_in(empty) == [] and empty.status_code == 200


async def test_what_is_pinned_stands_on_top_and_only_there(browser: Browser, cast: Any) -> None:
    client = browser.client
    pinned = await post(client, cast.ada, "Read this first")
    await done(client, cast.ada, pinned, "pin")
    newer = await post(client, cast.ada, "News")
    page = await browser.get("/@ada")
    assert posts_in(page) == [pinned["id"], newer["id"]]
    assert "Pinned" in text_of(page)


async def test_the_next_page_is_a_link_and_a_fragment(browser: Browser, cast: Any) -> None:
    ids = [(await post(browser.client, cast.ada, f"Post {number}"))["id"] for number in range(23)]
    page = await browser.get("/@ada")
    assert posts_in(page) == ids[:2:-1]
    more = re.search(r'href="(/@ada\?max_id=\d+)"', page.text)
    assert more
    assert posts_in(await browser.get(more[1])) == ids[2::-1]
    part = await browser.get(more[1], headers={"HX-Request": "true"})
    assert posts_in(part) == ids[2::-1]
    assert "<html" not in part.text and "max_id" not in part.text


# States


async def test_a_suspended_profile_says_so_and_nothing_else(browser: Browser, cast: Any, server: Any) -> None:
    await post(browser.client, cast.ada, "Hidden words")
    mark(server, cast.ada, "suspended_at = 1, note_html = '<p>My bio</p>'")
    browser.sign_in(cast.bob)
    for path in ("/@ada", "/@ada/media", "/@ada/followers"):
        page = await browser.get(path)
        assert page.status_code == 403
        assert "suspended" in text_of(page)
        assert "Hidden words" not in page.text and "My bio" not in page.text
    assert (await browser.get("/@ada.rss")).status_code == 403


async def test_a_limited_profile_is_shown_to_followers_and_to_who_asks(
    browser: Browser, cast: Any, server: Any
) -> None:
    status = await post(browser.client, cast.ada, "Still here")
    mark(server, cast.ada, "limited_at = 1")
    page = await browser.get("/@ada")
    assert page.status_code == 200 and posts_in(page) == []
    assert 'href="/@ada?anyway=1"' in page.text
    assert posts_in(await browser.get("/@ada?anyway=1")) == [status["id"]]
    follow(server, cast.bob, cast.ada)
    assert posts_in(await browser.sign_in(cast.bob).get("/@ada")) == [status["id"]]
    assert posts_in(await browser.sign_in(cast.ada).get("/@ada")) == [status["id"]]


async def test_a_deleted_account_is_gone(browser: Browser, cast: Any, server: Any) -> None:
    server.database.write_now(delete_account, server.site, cast.ada.id)
    page = await browser.get("/@ada")
    assert page.status_code == 410
    assert "deleted" in text_of(page)


async def test_who_is_blocked_reads_nothing(browser: Browser, cast: Any, server: Any) -> None:
    await post(browser.client, cast.ada, "Not for Bob")
    block(server, cast.ada, cast.bob)
    page = await browser.sign_in(cast.bob).get("/@ada")
    assert posts_in(page) == [] and "not open to you" in text_of(page)
    assert "/followers" in page.text and "Not for Bob" not in page.text


async def test_who_blocks_sees_it_and_can_take_it_back(browser: Browser, cast: Any, server: Any) -> None:
    block(server, cast.bob, cast.ada)
    page = await browser.sign_in(cast.bob).get("/@ada")
    assert f"/accounts/{cast.ada.id}/unblock" in page.text
    assert "You block this account" in text_of(page)


async def test_who_moved_away_is_followed_no_more(browser: Browser, cast: Any, server: Any) -> None:
    mark(server, cast.ada, f"moved_to_id = {cast.bob.id}")
    page = await browser.sign_in(cast.cleo).get("/@ada")
    assert "This account has moved to bob (@bob)" in text_of(page)
    assert f"/accounts/{cast.ada.id}/follow" not in page.text


# People


async def test_followers_and_followed(browser: Browser, cast: Any, server: Any) -> None:
    follow(server, cast.bob, cast.ada)
    follow(server, cast.cleo, cast.ada)
    followers = await browser.get("/@ada/followers")
    assert re.findall(r'id="a-(\d+)"', followers.text) == [str(cast.cleo.id), str(cast.bob.id)]
    following = await browser.get("/@bob/following")
    assert re.findall(r'id="a-(\d+)"', following.text) == [str(cast.ada.id)]
    assert "Nobody follows this account yet" in text_of(await browser.get("/@bob/followers"))


async def test_people_who_are_kept_private_are_said_to_be(browser: Browser, cast: Any, server: Any) -> None:
    follow(server, cast.bob, cast.ada)
    mark(server, cast.ada, "hide_collections = true")
    page = await browser.get("/@ada/followers")
    assert "keeps to itself" in text_of(page) and "bob" not in page.text
    assert "bob" in (await browser.sign_in(cast.ada).get("/@ada/followers")).text


async def test_followers_one_knows_are_named(browser: Browser, cast: Any, server: Any) -> None:
    follow(server, cast.bob, cast.ada)
    follow(server, cast.cleo, cast.bob)
    assert "Followed by people you know: bob" in text_of(await browser.sign_in(cast.cleo).get("/@ada"))
    assert "people you know" not in text_of(await browser.sign_in(cast.ada).get("/@ada"))


async def test_a_profile_has_what_one_can_do(browser: Browser, cast: Any, server: Any) -> None:
    follow(server, cast.ada, cast.bob)
    page = await browser.sign_in(cast.ada).get("/@bob")
    actions = set(re.findall(rf"/accounts/{cast.bob.id}/(\w+)", page.text))
    assert actions == {"unfollow", "follow", "mute", "block", "note"}
    assert f"/lists?add={cast.bob.id}" in page.text
    own = await browser.get("/@ada")
    assert f"/accounts/{cast.ada.id}/" not in own.text and "/settings/profile" in own.text


# The feed


async def test_the_feed_holds_public_posts(browser: Browser, cast: Any) -> None:
    client = browser.client
    await post(client, cast.ada, "For all & <sundry>", spoiler_text='A "warning"')
    for visibility in ("unlisted", "private", "direct"):
        await post(client, cast.ada, f"@bob {visibility}", visibility=visibility)
    await post(client, cast.ada, "Only here", local_only=True)
    answer = await client.get("/@ada.rss")
    assert answer.headers["content-type"].startswith("application/rss+xml")
    channel = ElementTree.fromstring(answer.content).find("channel")  # noqa: S314, it is our own
    assert channel is not None and channel.findtext("link") == "https://roseau.test/@ada"
    (item,) = channel.findall("item")
    assert item.findtext("title") == 'A "warning"'
    assert item.findtext("description") == "<p>For all &amp; &lt;sundry&gt;</p>"
    assert re.fullmatch(r"https://roseau\.test/@ada/\d+", item.findtext("guid") or "")
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT", item.findtext("pubDate") or "")
