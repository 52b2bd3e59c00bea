"""The first line of the control room changes on an open page, in a real browser."""

from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from roseau.domain.accounts.sessions import open_session
from tests.conftest import Cast
from tests.servers.chromium import launch_args, require_chromium
from tests.servers.living import living_site
from tests.web.reeds import HOLDING, REFUSED, Reeds

pytestmark = pytest.mark.browser


def test_the_first_line_changes_by_itself_and_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = require_chromium()
    with living_site(tmp_path) as site, sync_playwright() as playwright, monkeypatch.context() as patch:
        kept = Reeds(HOLDING)
        patch.setattr(site.server, "survival", kept)
        token = site.server.database.write_now(open_session, Cast(site.server).olga.id, "Firefox/145 Linux")
        browser = playwright.chromium.launch(executable_path=path, args=launch_args)
        page = browser.new_page(locale="en")
        page.context.add_cookies([{"name": "session", "value": token, "url": site.url}])
        complaints: list[str] = []
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.goto(f"{site.url}/control")
        for standing, heading in ((REFUSED, "Nothing can be saved"), (HOLDING, "All holding.")):
            kept.now = standing
            page.get_by_role("heading", name=heading).wait_for(timeout=15_000)
            assert page.locator("h1").count() == 1
        browser.close()
    assert complaints == []
