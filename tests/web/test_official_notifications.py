"""The page of notifications shows what the site itself has to say, and leads on from it."""

from typing import Any

import pytest

from tests.moderation.acting import decide_on, make_moderator, make_post, remove, report
from tests.web.conftest import Browser, text_of

pytestmark = pytest.mark.anyio


async def test_each_side_of_a_decision_reads_its_own(
    server: Any, cast: Any, worker: Any, at: Any, browser: Browser
) -> None:
    status_id = make_post(server, cast.ada)
    filed = report(server, cast.bob, status_id, comment="Look at this")
    mona = make_moderator(cast)
    await worker.settle()
    page = await browser.sign_in(mona).get("/notifications")
    assert "A new notice came in" in text_of(page) and "Look at this" in text_of(page)
    decided = decide_on(server, mona, filed.case_ids[0], remove(status_id))
    at(31)
    await worker.settle()
    page = await browser.sign_in(cast.ada).get("/notifications")
    assert "A post of yours was taken down" in text_of(page)
    assert f'href="/record/{decided.number}"' in page.text and "bob" not in text_of(page).lower()
    assert f'href="/record/{decided.number}#appeal"' in page.text
    # Where apps made for Mastodon look for it.
    strike = await browser.get(f"/disputes/strikes/{decided.decision_id}")
    assert (strike.status_code, strike.headers["location"]) == (303, f"/record/{decided.number}")
    assert (await browser.get("/disputes/strikes/12")).status_code == 404
    page = await browser.sign_in(cast.bob).get("/notifications")
    assert (await browser.get(f"/disputes/strikes/{decided.decision_id}")).status_code == 404
    assert "What became of your notice" in text_of(page)
    assert f'href="/notices/{filed.number}"' in page.text
