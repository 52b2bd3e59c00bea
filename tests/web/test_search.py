"""The search page: people, hashtags and posts, for members and for visitors."""

import re
from typing import Any

import pytest

from tests.api.acting import post
from tests.web.conftest import Browser, text_of

pytestmark = pytest.mark.anyio


def people_in(answer: Any) -> list[str]:
    """The ids of the people on a page."""
    return re.findall(r'<article class="who" id="a-(\d+)"', answer.text)


def posts_in(answer: Any) -> list[str]:
    """The ids of the posts on a page."""
    return re.findall(r'<article class="post[^"]*" id="s-(\d+)"', answer.text)


def tags_in(answer: Any) -> list[str]:
    """The hashtags that are listed on a page."""
    return re.findall(r'class="line-name" href="/tags/([^"]+)"', answer.text)


async def test_the_field_stands_alone(browser: Browser, cast: Any) -> None:
    page = await browser.get("/search")
    assert page.status_code == 200 and 'name="q"' in page.text
    assert "from:me" not in page.text
    assert "from:me" in (await browser.sign_in(cast.ada).get("/search")).text


async def test_each_kind_is_found(browser: Browser, cast: Any, worker: Any) -> None:
    reeds = cast.join("reeds")
    status = await post(browser.client, cast.ada, "Tall reeds by the water #reeds")
    await worker.settle()
    browser.sign_in(cast.ada)
    page = await browser.get("/search?q=reeds")
    assert (people_in(page), tags_in(page), posts_in(page)) == ([str(reeds.id)], ["reeds"], [status["id"]])
    assert f"/accounts/{reeds.id}/follow" in page.text and "/tags/reeds/follow" in page.text
    for kind, found in (
        ("people", ([str(reeds.id)], [], [])),
        ("tags", ([], ["reeds"], [])),
        ("posts", ([], [], [status["id"]])),
    ):
        page = await browser.get(f"/search?q=reeds&type={kind}")
        assert (people_in(page), tags_in(page), posts_in(page)) == found
        assert re.search(rf'type={kind}" aria-current="page"', page.text)


@pytest.mark.parametrize(
    ("query", "people", "tags", "posts"), [("@reeds", 1, 0, 0), ("%23reeds", 0, 1, 1), ("from:me", 0, 0, 1)]
)
async def test_the_first_letter_says_what_is_meant(
    browser: Browser, cast: Any, worker: Any, query: str, people: int, tags: int, posts: int
) -> None:
    assert cast.join("reeds")
    await post(browser.client, cast.ada, "By the water #reeds")
    await worker.settle()
    page = await browser.sign_in(cast.ada).get(f"/search?q={query}")
    assert (len(people_in(page)), len(tags_in(page)), len(posts_in(page))) == (people, tags, posts)


async def test_visitors_find_people_and_tags_and_no_posts(browser: Browser, cast: Any, worker: Any) -> None:
    await post(browser.client, cast.ada, "By the water #reeds")
    await worker.settle()
    page = await browser.get("/search?q=reeds")
    assert tags_in(page) == ["reeds"] and posts_in(page) == []
    assert people_in(await browser.get("/search?q=ada")) == [str(cast.ada.id)]
    page = await browser.get("/search?q=reeds&type=posts")
    assert "Posts can be searched by the members" in text_of(page) and posts_in(page) == []


async def test_nothing_is_found(browser: Browser, cast: Any) -> None:
    page = await browser.sign_in(cast.ada).get("/search?q=<b>zzz</b>")
    assert "Nothing was found." in text_of(page)
    assert "<b>zzz" not in page.text and "&lt;b&gt;zzz" in page.text


async def test_an_address_leads_to_what_it_names(browser: Browser, cast: Any) -> None:
    status = await post(browser.client, cast.ada, "Here")
    private = await post(browser.client, cast.ada, "Not for Bob", visibility="private")
    browser.sign_in(cast.bob)
    for address, place in (("https://roseau.test/@ada", "/@ada"), (status["url"], f"/@ada/{status['id']}")):
        answer = await browser.get("/search", params={"q": address})
        assert (answer.status_code, answer.headers["location"]) == (303, place)
        part = await browser.get("/search", params={"q": address}, headers={"HX-Request": "true"})
        assert part.headers["HX-Redirect"] == place
    answer = await browser.get("/search", params={"q": private["url"]})
    assert answer.status_code == 200 and "Nothing was found." in text_of(answer)


async def test_posts_go_on(browser: Browser, cast: Any, worker: Any) -> None:
    ids = [(await post(browser.client, cast.ada, f"reeds {number}"))["id"] for number in range(22)]
    await worker.settle()
    page = await browser.sign_in(cast.ada).get("/search?q=reeds&type=posts")
    assert posts_in(page) == ids[:1:-1]
    more = re.search(r'href="(/search\?q=reeds&amp;type=posts&amp;max_id=\d+)"', page.text)
    assert more
    part = await browser.get(more[1].replace("&amp;", "&"), headers={"HX-Request": "true"})
    assert posts_in(part) == ids[1::-1] and "<html" not in part.text


async def test_people_go_on(browser: Browser, cast: Any, worker: Any) -> None:
    for number in range(21):
        cast.join(f"reed_{number}", display_name="Reed")
    await worker.settle()
    page = await browser.get("/search?q=reed&type=people")
    assert len(people_in(page)) == 20 and 'href="/search?q=reed&amp;type=people&amp;offset=20"' in page.text
    part = await browser.get("/search?q=reed&type=people&offset=20", headers={"HX-Request": "true"})
    assert len(people_in(part)) == 1 and "<html" not in part.text
    assert not {*people_in(page)} & {*people_in(part)}


@pytest.mark.parametrize(
    "query",
    [
        "q=%00", "q=%00a", "q=a&type=everything", "q=a&offset=-1&type=people", "q=a&offset=9999999999",
        "q=a&max_id=x&type=posts", "q=%22%22%22(((", "q=from:", "q=before:9999-99-99", "q=-", "q=https://[",
        "q=http://x/@a", "q=" + "a" * 3000, "q=%F0%9F%8E%8B", "q=%ff", "q=language:%27%22",
    ],
)  # fmt: skip
async def test_odd_questions_are_answered(browser: Browser, cast: Any, query: str) -> None:
    assert (await browser.get(f"/search?{query}")).status_code == 200
    assert (await browser.sign_in(cast.ada).get(f"/search?{query}")).status_code == 200
