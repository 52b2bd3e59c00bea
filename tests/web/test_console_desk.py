"""The host desk without JavaScript: a letter is pasted, answered item by item, and goes out as a pack."""

import io
import re
import zipfile
from typing import Any

import pytest

from tests.moderation.acting import make_post, rows, value
from tests.moderation.test_letters import letter
from tests.web.conftest import Browser, text_of

pytestmark = pytest.mark.anyio

FACTS = {"rule": "law", "law": "Penal code, art. 24", "facts": "It calls for violence.", "measure": "remove"}


@pytest.fixture
def mona(cast: Any) -> Any:
    """A moderator."""
    return cast.join("mona", role="moderator")


@pytest.fixture
def posts(server: Any, cast: Any) -> list[int]:
    """Three posts of Bob's."""
    return [make_post(server, cast.bob, f"post {number}") for number in range(3)]


def text_about(posts: list[int], sender: str = "abuse@hetzner.com") -> str:
    """The letter, with its headers."""
    lines = [f"https://roseau.test/@bob/{post}" for post in posts]
    return letter("\n".join(["Within 24 hours:", *lines, "https://roseau.test/@bob/1"]), sender).decode()


def items(values: Any) -> dict[str, Any]:
    """The boxes as they are sent when they are ticked."""
    return {"item[]": values}


def items_of(page: Any) -> list[str]:
    """The values of the boxes that can be ticked."""
    return list(dict.fromkeys(re.findall(r'name="item\[\]" value="(\d+)"', page.text)))


async def test_a_letter_is_pasted_answered_and_sent(
    browser: Browser, mona: Any, posts: list[int], server: Any
) -> None:
    desk = await browser.sign_in(mona).get("/moderation/letters")
    assert "No letter waits for an answer." in text_of(desk)
    answer = await browser.submit("/moderation/letters", text=text_about(posts))
    where = answer.headers["location"]
    page = await browser.get(where)
    said = text_of(page)
    assert "Hetzner" in said and "4711-22" in said and "left" in said
    boxes = items_of(page)
    assert len(boxes) == 4
    assert (await browser.submit(f"{where}/answered")).status_code == 422

    await browser.submit(f"{where}/items", answer="comply", **items(boxes[:2]), **FACTS)
    await browser.submit(f"{where}/items", answer="contest", **items(boxes[2]), reason="It is a quotation.")
    await browser.submit(f"{where}/items", answer="plain")
    said = text_of(await browser.get(where))
    assert said.count("acted upon") == 2 and "It is a quotation." in said and "is not here" in said

    pack = await browser.get(f"{where}/pack.zip")
    assert pack.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(pack.content)) as archive:
        assert b"Penal code, art. 24" in archive.read("items.csv")
    assert (await browser.get(f"{where}/pack.pdf")).content.startswith(b"%PDF-")
    assert (await browser.get(f"{where}/pack.exe")).status_code == 404
    assert (await browser.submit(f"{where}/answered")).status_code == 303
    assert value(server, "SELECT answered_at FROM host_letters") is not None
    assert (await browser.get(f"/@bob/{posts[0]}")).status_code == 404


async def test_any_mail_that_is_pasted_here_is_a_letter(
    browser: Browser, mona: Any, posts: list[int]
) -> None:
    browser.sign_in(mona)
    answer = await browser.submit(
        "/moderation/letters", on="/moderation/letters", text=text_about(posts, "noc@small.example")
    )
    assert "small.example" in text_of(await browser.get(answer.headers["location"])).lower()
    empty = await browser.submit("/moderation/letters", text=" ")
    assert empty.status_code == 422 and "Paste the letter" in text_of(empty)


async def test_a_letter_can_be_uploaded(browser: Browser, mona: Any, posts: list[int], server: Any) -> None:
    file = ("letter.eml", text_about(posts).encode(), "message/rfc822")
    browser.sign_in(mona)
    answer = await browser.submit("/moderation/letters", on="/moderation/letters", file=file)
    assert answer.status_code == 303
    assert value(server, "SELECT COUNT(*) FROM notice_items") == 4


async def test_what_is_wrong_is_said_beside_what_was_written(
    browser: Browser, mona: Any, posts: list[int], server: Any
) -> None:
    browser.sign_in(mona)
    answer = await browser.submit("/moderation/letters", on="/moderation/letters", text=text_about(posts))
    where = answer.headers["location"]
    boxes = items_of(await browser.get(where))
    wrong = await browser.submit(
        f"{where}/items", answer="comply", **items(boxes[0]), rule="law", law="An article", facts=""
    )
    assert wrong.status_code == 422 and "An article" in wrong.text
    nothing = await browser.submit(f"{where}/items", answer="comply", **FACTS)
    assert nothing.status_code == 422
    assert (await browser.submit(f"{where}/items", answer="nonsense", **items(boxes[0]))).status_code == 404
    assert value(server, "SELECT COUNT(*) FROM decisions") == 0


async def test_an_order_is_written_down_carried_out_and_answered(
    browser: Browser, cast: Any, posts: list[int], server: Any
) -> None:
    await browser.sign_in(cast.olga).get("/moderation/orders/new")
    text = "\n".join(f"https://roseau.test/@bob/{post}" for post in posts[:2])
    answer = await browser.submit(
        "/moderation/orders", kind="tco", authority="Pharos", reference="7", text=text
    )
    where = answer.headers["location"]
    page = await browser.get(where)
    assert "Pharos" in text_of(page) and "Preserved for" in text_of(page)
    boxes = items_of(page)
    await browser.submit(f"{where}/items", answer="hold", **items(boxes), **FACTS)
    assert (await browser.get(f"/@bob/{posts[0]}")).status_code == 404
    await browser.submit(f"{where}/items", answer="comply", **items(boxes), **FACTS)
    pack = await browser.submit(f"{where}/pack", **items(boxes[0]))
    assert pack.headers["content-type"] == "application/zip"
    assert "Done everywhere on" in text_of(await browser.get(where))
    assert (await browser.submit(f"{where}/answer", words="Done.")).status_code == 303
    assert rows(server, "SELECT answer FROM authority_orders") == [("Done.",)]
    blank = await browser.submit("/moderation/orders", kind="tco", authority=" ", text="x", due_at="soon")
    assert blank.status_code == 422


async def test_a_moderator_sees_no_orders(browser: Browser, mona: Any) -> None:
    page = await browser.sign_in(mona).get("/moderation/letters")
    assert "Orders that wait" not in text_of(page)
    assert (await browser.get("/moderation/orders/new")).status_code == 403
