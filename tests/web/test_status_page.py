"""The public status page: one sentence, the days, and nothing of what is inside."""

import httpx2
import pytest

from roseau.app import create_app
from roseau.doors.server import Server
from roseau.survival.standing import Standing
from tests.web.conftest import text_of
from tests.web.reeds import HOLDING, MISSING, REFUSED, SUPERSEDED, Reeds

pytestmark = pytest.mark.anyio


@pytest.fixture
def reeds(server: Server, monkeypatch: pytest.MonkeyPatch) -> Reeds:
    """A site with one standby that has everything."""
    kept = Reeds(HOLDING)
    monkeypatch.setattr(server, "survival", kept)
    return kept


@pytest.mark.parametrize(
    ("standing", "said"),
    [
        (Standing(), "All is well."),
        (HOLDING, "All is well."),
        (MISSING, "All is well."),
        (REFUSED, "Posting is paused."),
        (SUPERSEDED, "This address is read only for now."),
    ],
)
async def test_anyone_may_see_how_the_site_is_and_nothing_else(
    client: httpx2.AsyncClient, reeds: Reeds, standing: Standing, said: str
) -> None:
    reeds.now = standing
    answer = await client.get("/status")
    assert answer.status_code == 200 and f"<h1>{said}</h1>" in answer.text
    assert answer.headers["cache-control"] == "public, max-age=30"
    assert "set-cookie" not in answer.headers and "csrf" not in answer.text
    for inside in ("paul", "annexe", "7443", "roseau.db", "commit", "reed invite"):
        assert inside not in answer.text, inside


async def test_the_status_page_says_since_when(server: Server, reeds: Reeds) -> None:
    reeds.now = REFUSED
    app = create_app(server, start_worker=False)
    assert server.watch
    await server.watch.tick()
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="https://roseau.test") as client:
        assert "Since " in text_of(await client.get("/status"))
        reeds.now = HOLDING
        assert "Since " not in text_of(await client.get("/status"))


async def test_the_about_page_leads_to_it(client: httpx2.AsyncClient) -> None:
    assert 'href="/status"' in (await client.get("/about")).text
