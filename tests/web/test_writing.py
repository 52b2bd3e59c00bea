"""Writing: the composer with all it holds, replies, edits, posts that take the place of others."""

from typing import Any

import msgspec
import pytest

from roseau.domain.accounts.preferences import set_language, set_preferences
from roseau.domain.relationships.blocking import block_account
from roseau.doors import limits
from tests.web.conftest import Browser, text_of
from tests.web.writers import (
    audience_of,
    count,
    follow,
    newest,
    page_of,
    post,
    posts_on,
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


# Publishing


async def test_a_post_leaves_and_the_writer_is_where_they_were(
    browser: Browser, client: Any, nina: Any, worker: Any
) -> None:
    page = await browser.get("/compose", headers={"Referer": "https://roseau.test/local?max_id=7"})
    assert 'name="back" value="/local?max_id=7"' in page.text
    answer = await publish(browser, "Hello #reeds", back="/local?max_id=7", local_only="1")
    assert answer.headers["location"] == "/local?max_id=7"
    status = await newest(client, nina)
    assert status["content"].startswith("<p>Hello") and status["tags"][0]["name"] == "reeds"
    page = await browser.get("/local")
    assert f'Posted. <a href="{page_of(nina, status)}">See it</a>' in page.text
    await worker.settle()
    assert posts_on(await browser.get("/home")) == [status["id"]]
    browser.client.cookies.clear()
    assert (await browser.get(page_of(nina, status))).status_code == 404


@pytest.mark.parametrize(
    ("referer", "back"),
    [
        ("https://elsewhere.test/local", "/home"),
        ("https://roseau.test/compose?edit=1", "/home"),
        ("https://roseau.test//elsewhere.test", "/home"),
        ("https://roseau.test/tags/reeds", "/tags/reeds"),
        ("", "/home"),
    ],
)
async def test_the_way_back_stays_on_this_site(browser: Browser, nina: Any, referer: str, back: str) -> None:
    page = await browser.get("/compose", headers={"Referer": referer})
    composer = page.text.partition('id="composer"')[2]
    assert f'name="back" value="{back}"' in composer


async def test_a_draft_begins_as_the_member_likes_to_write(browser: Browser, nina: Any, server: Any) -> None:
    page = await browser.get("/compose")
    assert audience_of(page) == "public" and '<option value="en" selected>' in page.text
    member = nina.id
    server.database.write_now(
        lambda tx: set_preferences(
            tx, member, default_privacy="private", default_language="oc", default_content_type="text/markdown"
        )
    )
    page = await browser.get("/compose")
    assert audience_of(page) == "private" and '<option value="oc" selected>' in page.text
    assert 'name="content_type" value="text/markdown" checked' in page.text


async def test_followers_are_counted_beside_the_audience(
    browser: Browser, client: Any, cast: Any, nina: Any
) -> None:
    assert "Only the people who follow you" in text_of(await browser.get("/compose"))
    await follow(client, cast.bob, nina)
    assert "Your 1 follower" in text_of(await browser.get("/compose"))


async def test_links_can_say_what_to_write(browser: Browser, nina: Any) -> None:
    assert value_of(await browser.get("/compose?text=%23reeds"), "text") == "#reeds"
    assert value_of(await browser.get("/compose?mention=bob&text=hi"), "text") == "@bob hi"
    long = await browser.get("/compose?text=" + "x" * 30_000)
    assert long.status_code == 200 and len(value_of(long, "text")) == 20_000


async def test_everything_that_a_post_can_carry(browser: Browser, client: Any, nina: Any) -> None:
    await browser.get("/compose")
    await publish(
        browser, "**Bold**", spoiler_text="Careful", visibility="unlisted", language="fr",
        content_type="text/markdown",
        **{"poll_options[]": ["Yes", "No", ""], "poll_multiple": "1", "poll_expires_in": "3600"},
    )  # fmt: skip
    status = await newest(client, nina)
    assert status["content"] == "<p><strong>Bold</strong></p>"
    assert (status["spoiler_text"], status["sensitive"]) == ("Careful", True)
    assert (status["visibility"], status["language"]) == ("unlisted", "fr")
    assert [option["title"] for option in status["poll"]["options"]] == ["Yes", "No"]
    assert status["poll"]["multiple"] is True


async def test_a_form_sent_twice_is_one_post(browser: Browser, client: Any, nina: Any) -> None:
    key = value_of(await browser.get("/compose"), "key")
    for _ in range(2):
        assert (await publish(browser, "Once", key=key)).status_code == 303
    assert await count(client, nina) == 1
    # Who goes back in the browser and writes something else posts that, too.
    assert (await publish(browser, "Twice", key=key)).status_code == 303
    assert await count(client, nina) == 2
    # Without the key of a page there is nothing to tell by.
    for _ in range(2):
        await publish(browser, "Once more")
    assert await count(client, nina) == 4


# What is wrong is said, and nothing is lost


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"text": "  ", "spoiler_text": " "}, "Write something first."),
        ({"text": "x" * 1995}, "This is 1 character too long."),
        ({"text": "x" * 1999, "spoiler_text": "yyyy"}, "This is 3 characters too long."),
        ({"text": "x" * 30_000, "spoiler_text": ""}, "This is 28000 characters too long."),
        ({"poll_options[]": ["Only one", ""]}, "A poll has two answers at least."),
        ({"poll_options[]": ["Same", "Same"]}, "Two answers of the poll are the same."),
        ({"poll_options[]": list("abcdefghi")}, "A poll has 8 answers at most."),
        ({"poll_options[]": ["a", "b" * 81]}, "An answer has 80 characters at most."),
        ({"visibility": "everyone"}, "Choose who will see this post."),
        ({"visibility": ""}, "Choose who will see this post."),
    ],
)
async def test_what_is_wrong_is_said(
    browser: Browser, client: Any, nina: Any, fields: dict[str, Any], said: str
) -> None:
    await browser.get("/compose")
    kept = {"text": "Kept <b>", "spoiler_text": "Warned", "language": "fr", "back": "/local"} | fields
    answer = await publish(browser, **kept)
    assert answer.status_code == 422
    assert problems_on(answer) == [said]
    assert value_of(answer, "text").strip() == kept["text"].strip()
    assert value_of(answer, "spoiler_text") == kept["spoiler_text"]
    assert '<option value="fr" selected>' in answer.text
    assert 'name="back" value="/local"' in answer.text and "data-returned" in answer.text
    options = [option for option in fields.get("poll_options[]", []) if option]
    assert [value for value in values_of(answer, "poll_options[]") if value] == options[:8]
    assert await count(client, nina) == 0


async def test_what_is_wrong_is_said_in_french(browser: Browser, nina: Any, server: Any) -> None:
    server.database.write_now(set_language, nina.id, "fr")
    await browser.get("/compose")
    assert problems_on(await publish(browser, "")) == ["Écrivez d’abord quelque chose."]


async def test_a_reply_to_what_is_gone_keeps_the_text(
    browser: Browser, client: Any, cast: Any, nina: Any
) -> None:
    status = await post(client, cast.ada, "Question")
    await browser.get(f"/compose?reply_to={status['id']}")
    await client.delete(f"/api/v1/statuses/{status['id']}", headers=cast.ada.auth)
    answer = await publish(browser, "A long answer", in_reply_to_id=status["id"])
    assert answer.status_code == 404
    assert "The post that you answer is no longer there." in problems_on(answer)[0]
    assert value_of(answer, "text") == "A long answer"


async def test_too_many_posts_keep_the_text(browser: Browser, nina: Any, server: Any) -> None:
    await browser.get("/compose")
    for _ in range(limits.POSTS.calls):
        server.counter.spend(limits.POSTS, str(nina.id))
    settings = msgspec.structs.replace(server.settings, rate_limits=True)
    server.site = msgspec.structs.replace(server.site, settings=settings)
    answer = await publish(browser, "Too soon")
    assert answer.status_code == 429 and value_of(answer, "text") == "Too soon"


@pytest.mark.parametrize("path", ["/statuses", "/statuses/{id}/edit"])
async def test_no_rubbish_makes_the_composer_fail(
    browser: Browser, client: Any, nina: Any, path: str
) -> None:
    status = await post(client, nina, "Mine")
    path = path.format(id=status["id"])
    await browser.get("/compose")
    names = (
        "text", "visibility", "language", "content_type", "in_reply_to_id", "redraft_id", "media[]", "step",
        "media_ids[]", "media_alt[]", "media_focus[]", "poll_options[]", "poll_expires_in", "key",
    )  # fmt: skip
    for name in names:
        for value in ("", "x" * 30_000, "é\r\n", "<script>alert(1)</script>", "\u202e", "-1", "9" * 40, "[]"):
            answer = await publish(browser, to=path, **{name: value})
            assert answer.status_code in (200, 303, 400, 404, 422), (name, value[:50], answer.status_code)
            assert "<script>alert" not in answer.text


async def test_the_composer_is_for_members(browser: Browser, client: Any, cast: Any) -> None:
    status = await post(client, cast.ada, "Mine")
    await browser.get("/local")
    for path in ("/statuses", f"/statuses/{status['id']}/edit"):
        answer = await publish(browser, to=path, back="/local")
        assert answer.headers["location"] == "/sign_in?back=/local"


async def test_nothing_is_written_without_the_proof_of_a_page(
    browser: Browser, client: Any, nina: Any
) -> None:
    await browser.get("/compose")
    for csrf in ("", "made.up"):
        assert (await publish(browser, csrf=csrf)).status_code == 403
    assert await count(client, nina) == 0


# Buttons that show the composer again


async def test_more_answers_are_added(browser: Browser, nina: Any) -> None:
    await browser.get("/compose")
    answer = await publish(browser, "Kept", step="add_option", **{"poll_options[]": ["", ""]})
    assert answer.status_code == 200 and value_of(answer, "text") == "Kept"
    assert values_of(answer, "poll_options[]") == ["", "", ""]
    answer = await publish(browser, "Kept", step="add_option", **{"poll_options[]": ["a", "", "c"]})
    assert values_of(answer, "poll_options[]") == ["a", "", "c", ""]
    answer = await publish(browser, "Kept", step="add_option", **{"poll_options[]": list("abcdefgh")})
    assert values_of(answer, "poll_options[]") == list("abcdefgh")


async def test_enter_does_not_publish(browser: Browser, client: Any, nina: Any) -> None:
    page = await browser.get("/compose")
    composer = page.text.partition('id="composer"')[2]
    assert composer.index('value="stay"') < composer.index('value="post"')
    answer = await publish(browser, "Not yet", step="stay")
    assert answer.status_code == 200 and value_of(answer, "text") == "Not yet"
    assert await count(client, nina) == 0


async def test_htmx_is_answered_with_the_composer_alone(browser: Browser, nina: Any) -> None:
    await browser.get("/compose")
    data = {"csrf": browser.csrf, "text": "Kept", "visibility": "public", "step": "add_option"}
    part = await browser.client.post("/statuses", data=data, headers={"HX-Request": "true"})
    assert part.status_code == 200 and part.text.lstrip().startswith('<form id="composer"')
    assert value_of(part, "text") == "Kept"


# Replies


async def test_a_reply_begins_with_whom_it_answers(
    browser: Browser, client: Any, cast: Any, nina: Any
) -> None:
    text = f"@{cast.bob.username} @nina @ada look"
    status = await post(client, cast.ada, text, spoiler_text="Careful", visibility="unlisted")
    page = await browser.get(f"/compose?reply_to={status['id']}")
    assert value_of(page, "text") == "@ada @bob "
    assert value_of(page, "spoiler_text") == "Careful"
    assert audience_of(page) == "unlisted"
    assert "Reply" in page.text and "look" in text_of(page).partition("Your post")[0]
    answer = await publish(browser, "@ada here", in_reply_to_id=status["id"], back="/local")
    assert answer.headers["location"] == f"/local#s-{status['id']}"
    assert (await newest(client, nina))["in_reply_to_id"] == status["id"]


@pytest.mark.parametrize(
    ("visibility", "local_only", "chosen"),
    [("public", False, "public"), ("private", False, "private"), ("direct", True, "direct")],
)
async def test_a_reply_is_no_more_public_than_what_it_answers(
    browser: Browser, client: Any, cast: Any, nina: Any, visibility: str, local_only: bool, chosen: str
) -> None:
    await follow(client, nina, cast.ada)
    status = await post(client, cast.ada, "@nina hello", visibility=visibility, local_only=local_only)
    page = await browser.get(f"/compose?reply_to={status['id']}")
    assert audience_of(page) == chosen
    assert ('name="local_only" value="1" checked' in page.text) is local_only


async def test_the_reply_box_of_a_conversation(browser: Browser, client: Any, cast: Any, nina: Any) -> None:
    status = await post(client, cast.ada, "Question", visibility="unlisted")
    path = page_of(cast.ada, status)
    page = await browser.get(path)
    box = page.text.partition('id="reply"')[2]
    assert value_of(page, "text") == "@ada " and 'name="visibility" value="unlisted"' in box
    fields = {"in_reply_to_id": status["id"], "visibility": "unlisted", "back": path}
    whole = await publish(browser, "@ada more", step="stay", **fields)
    assert whole.status_code == 200 and value_of(whole, "text") == "@ada more"
    assert audience_of(whole) == "unlisted" and "Question" in whole.text
    answer = await publish(browser, "@ada yes", **fields)
    assert answer.headers["location"] == f"{path}#s-{status['id']}"
    assert "yes" in text_of(await browser.get(path))


async def test_what_one_may_not_see_is_not_answered(
    browser: Browser, client: Any, cast: Any, nina: Any, server: Any
) -> None:
    hidden = await post(client, cast.ada, "Secret", visibility="private")
    for wrong in (hidden["id"], "1", "x", "", "9" * 30):
        assert (await browser.get(f"/compose?reply_to={wrong}")).status_code == 404
    seen_before = await post(client, cast.ada, "Open")
    server.database.write_now(block_account, cast.ada.id, nina.id)
    assert (await browser.get(f"/compose?reply_to={seen_before['id']}")).status_code == 404
