"""Reading: the timelines, a conversation, what a post once said, hashtags, and what one has marked."""

import html
from typing import Any

import pytest

from roseau.domain.accounts.preferences import set_preferences
from roseau.domain.relationships.blocking import block_account, mute_account
from roseau.domain.site import choose
from tests.web.conftest import Browser, text_of
from tests.web.writers import follow, page_of, post, posts_on, seen

pytestmark = pytest.mark.anyio

PAGES = ("/home", "/local", "/public", "/tags/reeds", "/bookmarks", "/favourites", "/compose")


@pytest.fixture
def nina(cast: Any, browser: Browser) -> Any:
    """Somebody who is signed in."""
    browser.sign_in(cast.nina)
    return cast.nina


# Timelines


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_every_page_opens_with_and_without_posts(
    browser: Browser, client: Any, cast: Any, nina: Any, worker: Any, language: str
) -> None:
    for path in PAGES:
        answer = await browser.get(path, headers={"Accept-Language": language})
        assert answer.status_code == 200, path
        assert answer.headers["cache-control"].startswith("private")
    await post(client, nina, "About #reeds")
    await worker.settle()
    for path in PAGES[:4]:
        answer = await browser.get(path, headers={"Accept-Language": language})
        assert len(posts_on(answer)) == 1, path


async def test_home_shows_those_one_follows_and_oneself(
    browser: Browser, client: Any, cast: Any, nina: Any, worker: Any
) -> None:
    await follow(client, nina, cast.bob)
    await worker.settle()
    by_bob = await post(client, cast.bob, "From Bob")
    await post(client, cast.ada, "From Ada")
    own = await post(client, nina, "From me")
    await worker.settle()
    assert posts_on(await browser.get("/home")) == [own["id"], by_bob["id"]]


async def test_an_empty_home_names_people_to_follow(
    browser: Browser, client: Any, cast: Any, nina: Any
) -> None:
    await client.patch(
        "/api/v1/accounts/update_credentials", headers=cast.bob.auth, json={"discoverable": True}
    )
    await follow(client, cast.bob, nina)
    page = await browser.get("/home")
    assert "Your home fills with the posts of people you follow." in text_of(page)
    assert f'formaction="/accounts/{cast.bob.id}/follow"' in page.text


async def test_home_is_for_members(browser: Browser) -> None:
    for path in ("/home", "/bookmarks", "/favourites", "/compose"):
        answer = await browser.get(path)
        assert answer.headers["location"] == f"/sign_in?back={path}"


async def test_pages_follow_each_other(browser: Browser, client: Any, nina: Any, worker: Any) -> None:
    written = [(await post(client, nina, f"Number {number}"))["id"] for number in range(23)]
    await worker.settle()
    for path in ("/home", "/local", "/public"):
        first = await browser.get(path)
        assert posts_on(first) == written[:2:-1]
        more = f"{path}?max_id={written[3]}"
        assert f'href="{more}"' in first.text
        second = await browser.get(more)
        assert posts_on(second) == written[2::-1]
        assert "max_id" not in second.text.partition('class="foot"')[0].rpartition("</article>")[2]
        part = await client.get(more, headers={"HX-Request": "true"})
        assert "<html" not in part.text and posts_on(part) == written[2::-1]


async def test_a_page_on_which_posts_are_hidden_is_not_the_last(
    browser: Browser, client: Any, nina: Any, cast: Any, worker: Any, server: Any
) -> None:
    await follow(client, nina, cast.bob)
    await worker.settle()
    old = [await post(client, nina, f"Number {number}") for number in range(3)]
    # Bob's posts stay in the home timeline when he blocks Nina, and are not for her any more.
    for number in range(3):
        await post(client, cast.bob, f"Hidden {number}")
    new = [await post(client, nina, f"Number {number}") for number in range(18)]
    await worker.settle()
    server.database.write_now(block_account, cast.bob.id, nina.id)
    page = await browser.get("/home")
    shown = posts_on(page)
    assert set(shown) <= {status["id"] for status in old + new}
    assert len(shown) < 20
    assert f'href="/home?max_id={shown[-1]}"' in page.text


async def test_rubbish_in_the_address_is_no_error(browser: Browser, nina: Any) -> None:
    for wrong in ("x", "-1", "9" * 30, "", "%00", "1&max_id=2"):
        for path in ("/home", "/local", "/bookmarks", "/tags/reeds"):
            assert (await browser.get(f"{path}?max_id={wrong}")).status_code in (200, 400)


async def test_where_one_stopped_reading_is_marked(
    browser: Browser, client: Any, nina: Any, worker: Any
) -> None:
    await post(client, nina, "Old")
    await worker.settle()
    assert "You had read up to here" not in (await browser.get("/home")).text
    await post(client, nina, "New")
    await worker.settle()
    page = text_of(await browser.get("/home"))
    assert page.index("New") < page.index("You had read up to here") < page.index("Old")
    assert "You had read up to here" not in (await browser.get("/home")).text
    markers = await client.get("/api/v1/markers", params={"timeline[]": "home"}, headers=nina.auth)
    assert markers.json()["home"]["last_read_id"] == posts_on(await browser.get("/home"))[0]


async def test_older_pages_do_not_move_the_mark(
    browser: Browser, client: Any, nina: Any, worker: Any
) -> None:
    first = await post(client, nina, "Old")
    second = await post(client, nina, "New")
    await worker.settle()
    await browser.get(f"/home?max_id={second['id']}")
    markers = await client.get("/api/v1/markers", params={"timeline[]": "home"}, headers=nina.auth)
    assert markers.json() == {} and first


async def test_visitors_read_what_is_public(browser: Browser, client: Any, cast: Any, worker: Any) -> None:
    for visibility in ("public", "unlisted", "private", "direct"):
        await post(client, cast.ada, f"{visibility} #reeds", visibility=visibility)
    await worker.settle()
    for path in ("/local", "/public", "/tags/reeds"):
        page = await browser.get(path)
        assert len(posts_on(page)) == 1 and "public" in text_of(page)
        assert page.headers["cache-control"] == "no-cache"


async def test_a_site_that_is_for_members_leads_visitors_to_the_door(
    browser: Browser, cast: Any, server: Any
) -> None:
    owner = cast.olga
    server.database.write_now(lambda tx: choose(tx, owner.id, public_timelines=False))
    for path in ("/local", "/public", "/tags/reeds"):
        assert (await browser.get(path)).headers["location"] == f"/sign_in?back={path}"


async def test_lists_stand_beside_home(browser: Browser, client: Any, nina: Any) -> None:
    made = await client.post("/api/v1/lists", json={"title": "Birds & reeds"}, headers=nina.auth)
    page = await browser.get("/home")
    assert f'<a href="/lists/{made.json()["id"]}">Birds &amp; reeds</a>' in page.text


# Hashtags


async def test_hashtags_are_followed_and_left(
    browser: Browser, client: Any, cast: Any, nina: Any, worker: Any
) -> None:
    page = await browser.get("/tags/reeds")
    assert "formaction" not in page.text and 'action="/tags/reeds/follow"' in page.text
    answer = await browser.submit("/tags/reeds/follow", back="/tags/reeds")
    assert answer.headers["location"] == "/tags/reeds"
    assert "Posts with #reeds come to your home now." in text_of(await browser.get("/tags/reeds"))
    found = await post(client, cast.bob, "Look: #Reeds")
    await worker.settle()
    assert posts_on(await browser.get("/home")) == [found["id"]]
    part = await client.post(
        "/tags/reeds/unfollow", data={"csrf": browser.csrf}, headers={"HX-Request": "true"}
    )
    assert 'action="/tags/reeds/follow"' in part.text and "You no longer follow #reeds." in part.text


async def test_what_is_no_hashtag_is_not_there(browser: Browser, nina: Any) -> None:
    await browser.get("/home")
    for name in ("@@@", "1234", "a-b", "a" * 101, "%20"):
        assert (await browser.get(f"/tags/{name}")).status_code == 404
        assert (await browser.submit(f"/tags/{name}/follow")).status_code == 404


async def test_an_accent_makes_no_other_hashtag(
    browser: Browser, client: Any, cast: Any, worker: Any
) -> None:
    written = await post(client, cast.ada, "#Vélo")
    await worker.settle()
    for name in ("velo", "Vélo", "v%C3%A9lo"):
        assert posts_on(await browser.get(f"/tags/{name}")) == [written["id"]]


# What one has marked


async def test_bookmarks_and_favourites(browser: Browser, client: Any, cast: Any, nina: Any) -> None:
    assert "Nothing is kept here yet." in text_of(await browser.get("/bookmarks"))
    first, second = [await post(client, cast.bob, text) for text in ("One", "Two")]
    for status, verb in ((second, "bookmark"), (first, "bookmark"), (first, "favourite")):
        await browser.submit(f"/statuses/{status['id']}/{verb}")
    # By when they were kept, not by when they were written.
    assert posts_on(await browser.get("/bookmarks")) == [first["id"], second["id"]]
    assert posts_on(await browser.get("/favourites")) == [first["id"]]


# A conversation


async def thread(client: Any, cast: Any) -> list[Any]:
    """Ada asks, Bob answers, Cleo answers him, Ada answers her."""
    said = [await post(client, cast.ada, "Question")]
    for member, text in ((cast.bob, "Answer"), (cast.cleo, "And more"), (cast.ada, "Thanks")):
        said.append(await post(client, member, text, in_reply_to_id=said[-1]["id"]))
    return said


async def test_a_conversation_in_order(browser: Browser, client: Any, cast: Any) -> None:
    said = await thread(client, cast)
    aside = await post(client, cast.dora, "Aside", in_reply_to_id=said[0]["id"])
    page = await browser.get(page_of(cast.bob, said[1]))
    assert posts_on(page) == [status["id"] for status in said]
    assert f'<article class="post focused" id="s-{said[1]["id"]}"' in page.text
    page = await browser.get(page_of(cast.ada, said[0]))
    assert posts_on(page) == [*(status["id"] for status in said), aside["id"]]
    depths = [found.partition('"')[0] for found in page.text.split('class="answer d')[1:]]
    assert depths == ["1", "2", "3", "1"]


async def test_a_post_has_one_address(browser: Browser, client: Any, cast: Any, nina: Any) -> None:
    status = await post(client, cast.ada, "Here")
    boost = await client.post(f"/api/v1/statuses/{status['id']}/reblog", headers=cast.bob.auth)
    for path in (f"/@ADA/{status['id']}", f"/@bob/{status['id']}", f"/@bob/{boost.json()['id']}"):
        answer = await browser.get(path)
        assert (answer.status_code, answer.headers["location"]) == (301, page_of(cast.ada, status))
    # Where there is nothing to see, nothing is said about whose it is.
    hidden = await post(client, cast.ada, "For friends", visibility="private")
    assert (await browser.get(f"/@bob/{hidden['id']}")).status_code == 404


async def test_what_is_missing_in_a_conversation_leaves_its_place(
    browser: Browser, client: Any, cast: Any, nina: Any, server: Any
) -> None:
    said = await thread(client, cast)
    bob = cast.bob
    server.database.write_now(lambda tx: mute_account(tx, nina.id, bob.id))
    below = await browser.get(page_of(cast.ada, said[0]))
    assert posts_on(below) == [said[0]["id"], said[2]["id"], said[3]["id"]]
    assert below.text.count('class="missing"') == 1
    assert below.text.index('class="missing"') < below.text.index("And more")
    above = await browser.get(page_of(cast.cleo, said[2]))
    assert posts_on(above) == [said[0]["id"], said[2]["id"], said[3]["id"]]
    body = above.text.partition("</head>")[2]
    assert body.index("Question") < body.index('class="missing"') < body.index("And more")


async def test_a_deleted_beginning_leaves_its_place(browser: Browser, client: Any, cast: Any) -> None:
    said = await thread(client, cast)
    await client.delete(f"/api/v1/statuses/{said[0]['id']}", headers=cast.ada.auth)
    page = await browser.get(page_of(cast.bob, said[1]))
    assert page.text.count('class="missing"') == 1
    body = page.text.partition("</head>")[2]
    assert body.index('class="missing"') < body.index("Answer")


async def test_what_is_deleted_is_gone_and_what_is_hidden_is_not_there(
    browser: Browser, client: Any, cast: Any
) -> None:
    public = await post(client, cast.ada, "For all")
    hidden = await post(client, cast.ada, "For few", visibility="private")
    for status in (public, hidden):
        await client.delete(f"/api/v1/statuses/{status['id']}", headers=cast.ada.auth)
    gone = await browser.get(page_of(cast.ada, public))
    assert gone.status_code == 410 and "This post was deleted by its author." in text_of(gone)
    assert (await browser.get(page_of(cast.ada, public) + "/history")).status_code == 410
    assert (await browser.get(page_of(cast.ada, hidden))).status_code == 404
    for wrong in ("1", "x", "0", "9" * 25, "%00"):
        assert (await browser.get(f"/@ada/{wrong}")).status_code == 404


async def test_private_posts_are_for_those_who_may_see_them(
    browser: Browser, client: Any, cast: Any, nina: Any
) -> None:
    status = await post(client, cast.ada, "Secret", visibility="private")
    assert (await browser.get(page_of(cast.ada, status))).status_code == 404
    await follow(client, nina, cast.ada)
    page = await browser.get(page_of(cast.ada, status))
    assert page.status_code == 200 and "Secret" in page.text
    assert "og:description" not in page.text


async def test_what_other_sites_are_told_of_a_post(browser: Browser, client: Any, cast: Any) -> None:
    plain = await post(client, cast.ada, 'She said "reeds" & <left>')
    page = await browser.get(page_of(cast.ada, plain))
    assert f'<link rel="canonical" href="https://roseau.test{page_of(cast.ada, plain)}">' in page.text
    told = page.text.partition('property="og:description" content="')[2].partition('">')[0]
    assert html.unescape(told) == 'She said "reeds" & <left>' and "<left" not in told
    assert '<meta name="robots" content="noindex">' in page.text
    warned = await post(client, cast.ada, "The murderer is the gardener", spoiler_text="End of a novel")
    page = await browser.get(page_of(cast.ada, warned))
    assert "gardener" not in page.text.partition("</head>")[0]
    assert "End of a novel" in page.text.partition("</head>")[0]


async def test_warnings_are_open_for_those_who_want_them_so(
    browser: Browser, client: Any, cast: Any, nina: Any, server: Any
) -> None:
    status = await post(client, cast.ada, "Inside", spoiler_text="Careful")
    assert '<details class="cw">' in (await browser.get(page_of(cast.ada, status))).text
    server.database.write_now(lambda tx: set_preferences(tx, nina.id, expand_spoilers=True))
    assert '<details class="cw" open>' in (await browser.get(page_of(cast.ada, status))).text


async def test_long_conversations_come_in_parts(browser: Browser, client: Any, cast: Any, nina: Any) -> None:
    root = await post(client, cast.ada, "Say something")
    answers = [
        (await post(client, cast.bob, f"Answer {number}", in_reply_to_id=root["id"]))["id"]
        for number in range(103)
    ]
    path = page_of(cast.ada, root)
    page = await browser.get(path)
    assert posts_on(page) == [root["id"], *answers[:100]]
    assert f'href="{path}?skip=100"' in page.text
    part = await client.get(f"{path}?skip=100", headers={"HX-Request": "true"})
    assert posts_on(part) == answers[100:] and "skip" not in part.text
    assert posts_on(await browser.get(f"{path}?skip=100")) == [root["id"], *answers[100:]]
    assert (await browser.get(f"{path}?skip=x")).status_code == 200


# What a post once said


async def test_the_history_of_a_post(browser: Browser, client: Any, cast: Any) -> None:
    status = await post(client, cast.ada, "Frist", spoiler_text="Typo")
    path = page_of(cast.ada, status)
    page = text_of(await browser.get(f"{path}/history"))
    assert "First version" in page and "Present version" not in page
    for text in ("Firts", "First"):
        edited = await client.put(
            f"/api/v1/statuses/{status['id']}", headers=cast.ada.auth, json={"status": text}
        )
        assert edited.status_code == 200
    assert f'href="{path}/history"' in (await browser.get(path)).text
    page = text_of(await browser.get(f"{path}/history"))
    order = [
        page.index(part) for part in ("Typo", "Frist", "Version 2", "Firts", "Present version", "First ")
    ]
    assert order[:4] == sorted(order[:4]) and (await seen(client, cast.ada, status))["edited_at"]
