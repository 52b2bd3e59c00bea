"""Posts that are written anew: edits, and posts that take the place of others."""

import re
from typing import Any

import pytest

from tests.web.conftest import Browser, text_of
from tests.web.writers import (
    add,
    audience_of,
    count,
    newest,
    page_of,
    picture,
    post,
    publish,
    seen,
    value_of,
    values_of,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def nina(cast: Any, browser: Browser) -> Any:
    """Somebody who is signed in."""
    browser.sign_in(cast.nina)
    return cast.nina


# Editing


async def test_an_edit_begins_with_what_is_there(browser: Browser, client: Any, nina: Any) -> None:
    await browser.get("/compose")
    ids = values_of(await add(browser, picture()), "media_ids[]")
    pictures = {"media_ids[]": ids, "media_alt[]": ["Reeds"], "media_focus[]": ["0.3,0.1"]}
    await publish(browser, "Frist", visibility="private", spoiler_text="Typo", language="oc", **pictures)
    status = await newest(client, nina)
    path = page_of(nina, status)
    page = await browser.get(
        f"/compose?edit={status['id']}", headers={"Referer": f"https://roseau.test{path}"}
    )
    assert value_of(page, "text") == "Frist" and value_of(page, "spoiler_text") == "Typo"
    assert '<option value="oc" selected>' in page.text and audience_of(page) == "private"
    assert '<option value="0.3,0.1" selected>' in page.text and "Reeds" in page.text
    edit = f"/statuses/{status['id']}/edit"
    assert f'action="{edit}"' in page.text
    # Saved as it was, nothing was edited.
    same = {"language": "oc", "spoiler_text": "Typo", "back": path} | pictures
    answer = await publish(browser, "Frist", to=edit, **same)
    assert answer.headers["location"] == f"{path}#s-{status['id']}"
    assert (await seen(client, nina, status))["edited_at"] is None
    await publish(browser, "First", to=edit, **same | {"media_alt[]": ["Tall reeds"]})
    now = await seen(client, nina, status)
    assert now["content"] == "<p>First</p>" and now["visibility"] == "private" and now["edited_at"]
    assert now["media_attachments"][0]["description"] == "Tall reeds"
    assert "The changes are saved." in text_of(await browser.get(path))


async def test_an_edit_that_cannot_be_is_shown_again(browser: Browser, client: Any, nina: Any) -> None:
    status = await post(client, nina, "Mine", visibility="unlisted")
    await browser.get("/compose")
    answer = await publish(browser, "", to=f"/statuses/{status['id']}/edit", visibility="public")
    assert answer.status_code == 422 and audience_of(answer) == "unlisted"
    assert f'action="/statuses/{status["id"]}/edit"' in answer.text


async def test_a_poll_is_edited_and_not_lost(browser: Browser, client: Any, nina: Any) -> None:
    status = await post(
        client, nina, "Which?", poll={"options": ["a", "b"], "expires_in": 7000, "hide_totals": True}
    )
    page = await browser.get(f"/compose?edit={status['id']}")
    assert values_of(page, "poll_options[]") == ["a", "b"]
    left = re.findall(r'<option value="(\d+)" selected>', page.text.partition("poll_expires_in")[2])[0]
    assert 6900 <= int(left) <= 7000
    same = {"poll_options[]": ["a", "b"], "poll_expires_in": left}
    await publish(browser, "Which one?", to=f"/statuses/{status['id']}/edit", **same)
    assert (await seen(client, nina, status))["poll"]["id"] == status["poll"]["id"]
    await publish(browser, "Which one?", to=f"/statuses/{status['id']}/edit")
    assert (await seen(client, nina, status))["poll"] is None


async def test_nobody_edits_what_others_wrote(browser: Browser, client: Any, cast: Any, nina: Any) -> None:
    status = await post(client, cast.ada, "Mine")
    boost = await client.post(f"/api/v1/statuses/{status['id']}/reblog", headers=nina.auth)
    for wrong in (status["id"], boost.json()["id"], "1", "x"):
        assert (await browser.get(f"/compose?edit={wrong}")).status_code == 404
        assert (await browser.get(f"/compose?redraft={wrong}")).status_code == 404
        await browser.get("/compose")
        assert (await publish(browser, "Yours", to=f"/statuses/{wrong}/edit")).status_code == 404
    assert (await seen(client, cast.ada, status))["content"] == "<p>Mine</p>"
    assert (await publish(browser, "Yours", redraft_id=status["id"])).status_code == 404
    assert (await seen(client, cast.ada, status))["content"] == "<p>Mine</p>"


# In place of another


async def test_a_post_takes_the_place_of_another(browser: Browser, client: Any, nina: Any) -> None:
    await browser.get("/compose")
    ids = values_of(await add(browser, picture()), "media_ids[]")
    await publish(browser, "Old", visibility="private", **{"media_ids[]": ids, "media_alt[]": ["Reeds"]})
    old = await newest(client, nina)
    path = page_of(nina, old)
    page = await browser.get(
        f"/compose?redraft={old['id']}", headers={"Referer": f"https://roseau.test{path}"}
    )
    assert value_of(page, "text") == "Old" and "Reeds" in page.text and audience_of(page) == "private"
    # Nothing happens to it until the new one is published.
    assert (await seen(client, nina, old))["content"] == "<p>Old</p>"
    fields = {
        "redraft_id": old["id"],
        "key": "k",
        "back": path,
        "media_ids[]": ids,
        "media_alt[]": ["Tall reeds"],
    }
    assert (await publish(browser, "", visibility="x", **fields)).status_code == 422
    assert (await seen(client, nina, old))["content"] == "<p>Old</p>"
    for _ in range(2):
        answer = await publish(browser, "New", visibility="public", **fields)
        assert answer.status_code == 303
    new = await newest(client, nina)
    assert await count(client, nina) == 1 and new["id"] != old["id"]
    assert new["media_attachments"][0]["description"] == "Tall reeds"
    assert answer.headers["location"] == page_of(nina, new)
    assert (await browser.get(path)).status_code == 404
