"""Pictures in the composer: taken in, described, refused, and never at the cost of the text."""

import re
from typing import Any

import msgspec
import pytest

from tests.web.conftest import Browser
from tests.web.writers import (
    add,
    count,
    newest,
    page_of,
    picture,
    problems_on,
    publish,
    value_of,
    values_of,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def nina(cast: Any, browser: Browser) -> Any:
    """Somebody who is signed in."""
    browser.sign_in(cast.nina)
    return cast.nina


async def test_pictures_are_taken_in_described_and_posted(browser: Browser, client: Any, nina: Any) -> None:
    await browser.get("/compose")
    answer = await add(browser, picture(), picture((200, 10, 10)))
    assert answer.status_code == 200 and value_of(answer, "text") == "Look"
    ids = values_of(answer, "media_ids[]")
    assert len(ids) == 2 and len(re.findall(r'<img src="/media/', answer.text)) == 2
    carried = {
        "media_ids[]": ids, "media_alt[]": ["Green & calm", "Red"], "media_focus[]": ["0,1", "-0.25,0.5"],
    }  # fmt: skip
    answer = await publish(browser, "Look", step="add_option", **carried)
    assert answer.text.count("Green &amp; calm") == 1
    assert '<option value="-0.25,0.5" selected>' in answer.text
    answer = await publish(browser, "Look", step=f"remove_picture:{ids[0]}", **carried)
    assert values_of(answer, "media_ids[]") == ids[1:] and "Red" in answer.text
    assert (await publish(browser, "Look", **carried)).status_code == 303
    first, second = (await newest(client, nina))["media_attachments"]
    assert (first["description"], first["meta"]["focus"]) == ("Green & calm", {"x": 0, "y": 1})
    assert (second["description"], second["meta"]["focus"]) == ("Red", {"x": -0.25, "y": 0.5})
    assert 'alt="Green &amp; calm"' in (await browser.get(page_of(nina, await newest(client, nina)))).text


async def test_a_picture_alone_is_a_post(browser: Browser, client: Any, nina: Any) -> None:
    await browser.get("/compose")
    ids = values_of(await add(browser, picture(), text=""), "media_ids[]")
    assert (await publish(browser, "", **{"media_ids[]": ids})).status_code == 303
    assert len((await newest(client, nina))["media_attachments"]) == 1


async def test_pictures_that_come_with_publish_are_shown_to_be_described(
    browser: Browser, client: Any, nina: Any
) -> None:
    await browser.get("/compose")
    answer = await add(browser, picture(), step="post")
    assert answer.status_code == 422
    assert problems_on(answer) == ["The pictures are here. Describe them if you can, then publish."]
    assert len(values_of(answer, "media_ids[]")) == 1
    assert await count(client, nina) == 0


async def test_what_is_no_picture_leaves_the_rest(browser: Browser, client: Any, nina: Any) -> None:
    await browser.get("/compose")
    ids = values_of(await add(browser, picture()), "media_ids[]")
    for body in (b"x", b"<svg xmlns='http://www.w3.org/2000/svg'/>" * 10, picture()[:60]):
        answer = await add(
            browser, body, picture(), text="Kept", spoiler_text="Warned",
            **{"media_ids[]": ids, "media_alt[]": ["Described"], "poll_options[]": ["a"]},
        )  # fmt: skip
        assert answer.status_code == 422 and len(problems_on(answer)) == 1
        assert value_of(answer, "text") == "Kept" and value_of(answer, "spoiler_text") == "Warned"
        assert "Described" in answer.text and values_of(answer, "poll_options[]") == ["a", ""]
        # The good one among them was taken.
        assert len(values_of(answer, "media_ids[]")) == 2


async def test_a_file_that_is_too_large_leaves_the_rest(
    browser: Browser, client: Any, nina: Any, server: Any
) -> None:
    settings = msgspec.structs.replace(server.settings, max_image_bytes=2000)
    server.site = msgspec.structs.replace(server.site, settings=settings)
    await browser.get("/compose")
    answer = await add(browser, picture() + b"x" * 3000, text="Kept")
    assert answer.status_code == 422 and value_of(answer, "text") == "Kept"
    assert problems_on(answer) == ["This file is larger than what this server accepts."]
    assert (await add(browser, b"x" * 3_000_000)).status_code == 413


async def test_no_more_pictures_than_fit(browser: Browser, client: Any, nina: Any) -> None:
    await browser.get("/compose")
    answer = await add(browser, *[picture()] * 5)
    assert answer.status_code == 422
    assert problems_on(answer) == ["A post has 4 pictures at most."]
    ids = values_of(answer, "media_ids[]")
    assert len(ids) == 4
    answer = await add(browser, picture(), **{"media_ids[]": ids})
    assert problems_on(answer) == ["A post has 4 pictures at most."]
    assert values_of(answer, "media_ids[]") == ids


async def test_a_description_that_is_too_long_is_kept(browser: Browser, client: Any, nina: Any) -> None:
    await browser.get("/compose")
    ids = values_of(await add(browser, picture()), "media_ids[]")
    answer = await publish(browser, "Look", **{"media_ids[]": ids, "media_alt[]": ["d" * 1501]})
    assert answer.status_code == 422 and "d" * 1501 in answer.text
    assert f'href="#f-alt-{ids[0]}"' in answer.text and f'id="f-alt-{ids[0]}"' in answer.text


async def test_other_peoples_pictures_are_not_taken(
    browser: Browser, client: Any, cast: Any, nina: Any
) -> None:
    upload = await client.post("/api/v2/media", headers=cast.ada.auth, files={"file": ("a.png", picture())})
    await browser.get("/compose")
    answer = await publish(browser, "Look", step="stay", **{"media_ids[]": [upload.json()["id"]]})
    assert values_of(answer, "media_ids[]") == []
    assert (await publish(browser, "Look", **{"media_ids[]": [upload.json()["id"]]})).status_code == 303
    assert (await newest(client, nina))["media_attachments"] == []


async def test_a_form_with_pictures_sent_twice_is_one_post(browser: Browser, client: Any, nina: Any) -> None:
    await browser.get("/compose")
    ids = values_of(await add(browser, picture()), "media_ids[]")
    for _ in range(2):
        answer = await publish(browser, "Once", key="k", **{"media_ids[]": ids, "media_alt[]": ["Reeds"]})
        assert answer.status_code == 303
    assert await count(client, nina) == 1
