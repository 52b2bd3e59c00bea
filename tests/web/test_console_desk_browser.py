"""The host desk in a real browser: for everyone (axe-core), at every width, and by the keyboard alone."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from roseau.domain.moderation.desk.orders import OrderDraft, file_order
from roseau.domain.moderation.desk.taking import receive_mail
from tests.moderation.acting import make_post, value
from tests.moderation.test_letters import letter
from tests.web.test_axe import LANGUAGES, look
from tests.web.test_console_browser import Desk, chromium, desk

__all__ = ["chromium", "desk"]

pytestmark = pytest.mark.browser


def put_letter(desk: Desk, posts: int = 4) -> int:
    """A letter about some posts of Bob's and one that is not here; its id."""
    server = desk.site.server
    lines = [f"https://roseau.test/@bob/{make_post(server, desk.cast.bob)}" for _ in range(posts)]
    raw = letter("\n".join(["Within 24 hours:", *lines, "https://roseau.test/@bob/1"]))
    hosts = raw.replace(b"https://roseau.test", desk.site.url.encode())
    return server.database.write_now(receive_mail, server.site, hosts).letter_id or 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_nobody_is_shut_out_of_the_desk(desk: Desk, language: str) -> None:
    letter_id = put_letter(desk)
    server, olga = desk.site.server, desk.cast.olga
    draft = OrderDraft(kind="tco", authority="Pharos", text="Gone, please.", reference="7")
    order_id = server.database.write_now(file_order, server.site, olga.id, draft)
    page = desk.open(olga, "/moderation/letters", language)
    paths = ("letters", f"letters/{letter_id}", f"orders/{order_id}", "orders/new")
    found: list[str] = []
    for path in paths:
        page.goto(f"/moderation/{path}")
        found += look(page, path)
    assert found == []
    page.context.close()


def test_a_letter_is_answered_by_the_keyboard_alone(desk: Desk, tmp_path: Path) -> None:
    letter_id = put_letter(desk)
    page = desk.open(desk.mona, f"/moderation/letters/{letter_id}")
    # What is here is ticked, and what is not is left out.
    expect(page.get_by_role("checkbox", name="Item 4")).to_be_checked()
    expect(page.get_by_role("checkbox", name="Item 5")).not_to_be_checked()
    page.get_by_label("Which law").focus()
    page.keyboard.type("Penal code, art. 24")
    page.keyboard.press("Tab")
    page.keyboard.type("It calls for violence.")
    page.get_by_role("button", name="Comply").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("4 items answered.")).to_be_visible()
    page.get_by_role("button", name="Answer all that is plain").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 item answered.")).to_be_visible()
    with page.expect_download() as found:
        page.get_by_role("link", name="Reply pack (ZIP)").click()
    found.value.save_as(tmp_path / "pack.zip")
    page.get_by_role("button", name="I have sent it").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("No letter waits for an answer.")).to_be_visible()
    assert value(desk.site.server, "SELECT COUNT(*) FROM decisions") == 4
    assert (tmp_path / "pack.zip").read_bytes()[:2] == b"PK"
    page.context.close()
