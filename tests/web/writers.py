"""What the tests of pages with posts need: members who post, and a look at what stands on a page."""

import html
import io
import re
from typing import Any

from PIL import Image

from tests.web.conftest import Browser


async def post(client: Any, member: Any, text: str, **more: Any) -> Any:
    """Post through the API, and what it says of the post."""
    answer = await client.post("/api/v1/statuses", headers=member.auth, json={"status": text, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def follow(client: Any, member: Any, other: Any) -> None:
    """Have one member follow another."""
    answer = await client.post(f"/api/v1/accounts/{other.id}/follow", headers=member.auth)
    assert answer.status_code == 200, answer.text


async def seen(client: Any, member: Any, status: Any) -> Any:
    """A post as the member sees it."""
    answer = await client.get(f"/api/v1/statuses/{status['id']}", headers=member.auth)
    assert answer.status_code == 200, answer.text
    return answer.json()


def page_of(member: Any, status: Any) -> str:
    """Where a post has its own page."""
    return f"/@{member.username}/{status['id']}"


def posts_on(answer: Any) -> list[str]:
    """The ids of the posts that stand on a page or in a part of one, in order."""
    return re.findall(r'<article class="post[^"]*" id="s-(\d+)"', answer.text)


def picture(colour: tuple[int, int, int] = (8, 95, 80)) -> bytes:
    """A small picture."""
    file = io.BytesIO()
    Image.new("RGB", (60, 40), colour).save(file, "PNG")
    return file.getvalue()


# The composer


def value_of(answer: Any, name: str) -> str:
    """What a field of the composer holds."""
    field = re.escape(name)
    area = re.search(rf'<textarea[^>]* name="{field}"[^>]*>\n?([^<]*)', answer.text)
    found = area or re.search(rf'<input[^>]* name="{field}"[^>]* value="([^"]*)"', answer.text)
    assert found, name
    return html.unescape(found[1])


def values_of(answer: Any, name: str) -> list[str]:
    """What the fields of one name hold."""
    return [
        html.unescape(value)
        for value in re.findall(rf'name="{re.escape(name)}" value="([^"]*)"', answer.text)
    ]


def audience_of(answer: Any) -> str:
    """Which audience is chosen."""
    found = re.search(r'name="visibility" value="(\w+)" checked', answer.text)
    assert found
    return found[1]


def problems_on(answer: Any) -> list[str]:
    """What the summary says, first thing on the page."""
    summary = answer.text.partition('id="problems"')[2].partition("</ul>")[0]
    return [html.unescape(re.sub(r"<[^>]+>", "", item)) for item in re.findall(r"<li>(.*?)</li>", summary)]


async def publish(browser: Browser, text: str = "Hello", *, to: str = "/statuses", **more: Any) -> Any:
    """Press "Publish"."""
    fields = {"text": text, "visibility": "public", "language": "en", "step": "post", "back": "/home"}
    return await browser.submit(to, **fields | more)


async def newest(client: Any, member: Any) -> Any:
    """The member's last post."""
    answer = await client.get(f"/api/v1/accounts/{member.id}/statuses", headers=member.auth)
    return answer.json()[0]


async def count(client: Any, member: Any) -> int:
    """How many posts the member has."""
    return len((await client.get(f"/api/v1/accounts/{member.id}/statuses", headers=member.auth)).json())


async def add(browser: Browser, *files: bytes, to: str = "/statuses", **more: Any) -> Any:
    """Send the form with pictures, as a browser without JavaScript does."""
    fields = {"csrf": browser.csrf, "text": "Look", "visibility": "public", "step": "add_picture"} | more
    sent = [("media[]", (f"{number}.png", body)) for number, body in enumerate(files)]
    return await browser.client.post(to, data=fields, files=sent)
