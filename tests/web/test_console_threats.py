"""Telling an authority of danger to life, from the case in the console."""

import pytest

from roseau.doors.server import Server
from tests.conftest import Cast
from tests.moderation.acting import value
from tests.moderation.test_threats import threaten
from tests.web.conftest import Browser, text_of

pytestmark = pytest.mark.anyio


async def test_the_console_tells_from_the_case(server: Server, cast: Cast, browser: Browser) -> None:
    case_id = threaten(server, cast)
    number = value(server, "SELECT number FROM cases WHERE id = :id", id=case_id)
    browser.sign_in(cast.olga)
    where = f"/moderation/orders/new?case={number}"
    page = await browser.get(where)
    assert "112" in text_of(page) and f"case {number}" in text_of(page)
    fields = {"authority": "Police nationale", "case": str(number)}
    wrong = await browser.submit("/moderation/orders", on=where, **fields, text="")
    assert wrong.status_code == 422 and f'name="case" value="{number}"' in wrong.text
    sent = await browser.submit("/moderation/orders", on=where, **fields, text="He names a place.")
    assert sent.status_code == 303
    here = sent.headers["location"]
    page = await browser.get(here)
    assert "Known to us since" in page.text and "Make the pack" in text_of(page)
    noted = await browser.submit(f"{here}/answer", on=here, words="Told by telephone.")
    assert noted.status_code == 303
    assert "Told by telephone." in text_of(await browser.get(here))
