"""The control room, the status page, the plan and the line on the home page, in each standing of the site."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import msgspec
import pytest

from roseau.domain.accounts.creation import NewAccount, create_account
from roseau.domain.site import choose
from roseau.doors.server import Server
from roseau.kernel import clock
from roseau.kernel.errors import Unavailable
from roseau.storage.database import Transaction
from roseau.survival.history import NIGHTLY, finish_backup, start_backup
from roseau.survival.vault.standing import VaultStanding
from roseau.survival.watching.alerts import keep_alerts
from roseau.survival.watching.days import Sizes, Trouble, record_days
from roseau.survival.watching.rehearsals import Rehearsal, record_rehearsal
from roseau.web.reeds import Days, draw_reeds
from tests.web.conftest import PASSWORD, PASSWORD_HASH, Browser, text_of
from tests.web.reeds import HOLDING, MISSING, REFUSED, SUPERSEDED, Reeds

pytestmark = pytest.mark.anyio

GB = 10**9


@pytest.fixture
def reeds(server: Server, monkeypatch: pytest.MonkeyPatch) -> Reeds:
    """A site with one standby that has everything."""
    kept = Reeds(HOLDING)
    monkeypatch.setattr(server, "survival", kept)
    return kept


@pytest.fixture
def owner(browser: Browser, cast: Any) -> Browser:
    return browser.sign_in(cast.olga)


# Who may see it


@pytest.mark.parametrize("path", ["/control", "/control/state", "/control/plan", "/control/switch"])
async def test_only_those_who_run_the_site_get_in(browser: Browser, cast: Any, path: str) -> None:
    answer = await browser.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/sign_in?back={path}")
    for member in (cast.ada, cast.join("mona", role="moderator")):
        assert (await browser.sign_in(member).get(path)).status_code == 403
    for member in (cast.olga, cast.join("adele", role="admin")):
        assert (await browser.sign_in(member).get(path)).status_code == 200
    assert 'href="/control"' not in (await browser.sign_in(cast.ada).get("/home")).text
    assert 'href="/control"' in (await browser.sign_in(cast.olga).get("/home")).text


# What it says first


async def test_alone_it_says_what_would_be_lost_and_what_to_run(owner: Browser, server: Server) -> None:
    text = text_of(await owner.get("/control"))
    if server.database.dialect == "sqlite":
        assert "Running without a standby." in text and "roseau reed invite" in text
    else:
        assert "Running on PostgreSQL" in text and "roseau reed invite" not in text
    assert "so is everything: there is no backup either." in text
    assert "Rehearse" not in text.partition("To do")[0]


async def test_alone_with_a_backup_it_says_since_when(owner: Browser, server: Server) -> None:
    server.database.write_now(
        lambda tx: finish_backup(tx, start_backup(tx, NIGHTLY, "/backups"), 5 * GB, proven=True)
    )
    text = text_of(await owner.get("/control"))
    assert "so is everything since the last backup (" in text
    assert "1 of the last 7 nights proven · 5 GB" in text


async def test_nobody_has_rehearsed_yet(owner: Browser, reeds: Reeds) -> None:
    text = text_of(await owner.get("/control"))
    assert "All holding. Nobody has rehearsed the switch yet." in text
    assert "paul.test:7443" in text and "Ready: it has everything , nothing behind" in text


@pytest.mark.parametrize(("seconds", "said"), [(4.2, "4 seconds"), (0.2, "1 second"), (240, "4 minutes")])
async def test_the_last_rehearsal_says_how_fast(
    owner: Browser, server: Server, reeds: Reeds, seconds: float, said: str
) -> None:
    passed = Rehearsal(clock.now(), "host-loss", seconds, 0, True, "")
    server.database.write_now(record_rehearsal, passed)
    text = text_of(await owner.get("/control"))
    assert f"All holding. The standby can take over in {said}." in text


async def test_a_failed_rehearsal_is_no_promise(owner: Browser, server: Server, reeds: Reeds) -> None:
    for passed in (True, False):
        at = clock.now()
        server.database.write_now(
            record_rehearsal, Rehearsal(at, "host-loss", 4, 0, passed, "A picture is missing.")
        )
    text = text_of(await owner.get("/control"))
    assert "All holding, but the last rehearsal failed." in text and "A picture is missing." in text
    assert "can take over in" not in text


async def test_a_missing_standby_stands_in_the_first_line(owner: Browser, reeds: Reeds) -> None:
    reeds.now = MISSING
    answer = await owner.get("/control")
    text = text_of(answer)
    assert "Holding, but annexe does not answer." in text
    assert "Posting goes on, but pauses if one more does not answer." in text
    assert "12 commits behind (4.1 kB)" in text and "No route to it." in text
    assert 'class="stance warn"' in answer.text


async def test_refused_writes_stand_in_the_first_line(owner: Browser, reeds: Reeds) -> None:
    reeds.now = REFUSED
    answer = await owner.get("/control")
    text = text_of(answer)
    assert "Nothing can be saved" in text and "Answering now: 0." in text and "Look at annexe" in text
    assert 'class="stance danger"' in answer.text and 'action="/control/rehearse"' not in answer.text


async def test_a_superseded_machine_names_the_one_that_reigns(owner: Browser, reeds: Reeds) -> None:
    reeds.now = SUPERSEDED
    text = text_of(await owner.get("/control"))
    assert "Another machine, paul, runs this site." in text and "roseau demote" in text


async def test_the_first_line_comes_again_by_itself(owner: Browser, reeds: Reeds) -> None:
    page = (await owner.get("/control")).text
    assert 'aria-live="polite"' in page and 'hx-get="/control/state"' in page
    reeds.now = REFUSED
    part = await owner.get("/control/state", headers={"HX-Request": "true"})
    assert "<html" not in part.text and "Nothing can be saved" in part.text and 'id="standing"' in part.text


async def test_a_page_in_french_is_in_french(browser: Browser, cast: Any, reeds: Reeds) -> None:
    browser.sign_in(cast.join("adele", role="admin", locale="fr"))
    for path in ("/control", "/control/plan", "/control/switch"):
        assert '<html lang="fr"' in (await browser.get(path)).text


# What is drawn


async def test_days_are_drawn_and_said_in_words(owner: Browser, server: Server) -> None:
    now = clock.now()

    def live(tx: Transaction) -> None:
        for back in range(10, -1, -1):
            at = now - back * clock.DAY
            trouble = {7: Trouble(reed_missing=600), 3: Trouble(refused=20, down=300)}.get(back, Trouble())
            record_days(tx, {clock.to_date(at): trouble}, Sizes(1, 2, 3, 4), at)

    server.database.write_now(live)
    answer = await owner.get("/control")
    wide = answer.text.partition('class="meadow many"')[2].partition("</svg>")[0]
    shapes = re.findall(r'<path class="(\w+)"', wide)
    assert {shape: shapes.count(shape) for shape in set(shapes)} == {
        "none": 79, "standing": 9, "bent": 1, "flat": 1,
    }  # fmt: skip
    text = text_of(answer)
    assert "Bent, trouble absorbed: 1 day" in text and "Flat, an outage one could see: 1 day" in text
    assert "Not running for 5 minutes" in text and "A standby missing for 10 minutes" in text
    public = text_of(await owner.get("/status"))
    assert "Not running for 5 minutes" in public and "standby" not in public


def test_no_two_neighbours_are_alike_and_every_day_is_always_the_same() -> None:
    days: Days = [(f"2026-11-{number:02}", None) for number in range(1, 31)]
    assert draw_reeds(days) == draw_reeds(days)
    assert len({one.path for one in draw_reeds(days).reeds}) == 30


# Rehearse and switch


async def test_rehearsing_asks_for_a_rehearsal(owner: Browser, reeds: Reeds) -> None:
    answer = await owner.submit("/control/rehearse", on="/control")
    assert (answer.status_code, answer.headers["location"], reeds.asked) == (303, "/control", ["rehearse"])
    assert "The rehearsal has begun." in text_of(await owner.get("/control"))
    reeds.fails = Unavailable("A rehearsal is running already.")
    await owner.submit("/control/rehearse")
    assert "A rehearsal is running already." in text_of(await owner.get("/control"))


async def test_without_reeds_there_is_nothing_to_switch_to(owner: Browser) -> None:
    assert (await owner.submit("/control/rehearse", on="/control")).status_code == 404
    assert "No standby is ready to take over." in text_of(await owner.get("/control/switch"))


@pytest.fixture
def boss(browser: Browser, server: Server, cast: Any) -> Browser:
    """An owner with a password."""
    new = NewAccount(username="boss", email="boss@roseau.test", password_hash=PASSWORD_HASH, role="owner")
    account_id = server.database.write_now(create_account, server.site, new)
    return browser.sign_in(type("Member", (), {"id": account_id}))


async def test_switching_takes_the_password_and_a_ready_standby(boss: Browser, reeds: Reeds) -> None:
    reeds.now = MISSING
    page = text_of(await boss.get("/control/switch"))
    assert "annexe cannot take over now" in page
    wrong = await boss.submit("/control/switch", machine="id-paul", password="wrong")
    assert wrong.status_code == 422 and "This is not your password." in text_of(wrong)
    for machine in ("id-annexe", "id-nobody", ""):
        refused = await boss.submit("/control/switch", machine=machine, password=PASSWORD)
        assert refused.status_code == 422 and "Choose a standby that is ready." in text_of(refused)
    assert reeds.asked == []
    answer = await boss.submit("/control/switch", machine="id-paul", password=PASSWORD)
    assert (answer.status_code, reeds.asked) == (303, ["id-paul"])
    assert "paul runs the site now." in text_of(await boss.get("/control"))


async def test_a_switch_that_is_refused_says_why(boss: Browser, reeds: Reeds) -> None:
    reeds.fails = Unavailable("paul does not have everything yet.")
    answer = await boss.submit("/control/switch", on="/control/switch", machine="id-paul", password=PASSWORD)
    assert answer.status_code == 503 and "paul does not have everything yet." in text_of(answer)


# The plan


async def test_the_plan_names_the_machines_and_commands(owner: Browser, reeds: Reeds) -> None:
    text = text_of(await owner.get("/control/plan"))
    assert "paul, paul.test:7443" in text and "roseau promote --data DIR" in text
    assert "roseau demote" in text and "https://roseau.test/status" in text


async def test_the_plan_without_a_standby_restores(owner: Browser, server: Server) -> None:
    text = text_of(await owner.get("/control/plan"))
    assert "There is no scheduled backup and no vault." in text
    kept = msgspec.structs.replace(server.site.settings, backup_folder="/backups")
    server.site = msgspec.structs.replace(server.site, settings=kept)
    server.vaults = Kept([VaultStanding(place="s3://bucket/site", state="holding", newest_at=clock.now())])  # type: ignore[assignment]
    text = text_of(await owner.get("/control/plan"))
    assert "roseau restore --from s3://bucket/site --data DIR" in text and "roseau restore FILE" in text


class Kept:
    """Vaults, as far as the pages know them."""

    def __init__(self, standings: list[VaultStanding]) -> None:
        self.standings = standings

    def standing(self) -> list[VaultStanding]:
        return self.standings


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (
            {"state": "holding", "newest_at": 1_795_348_800_000},
            "Any moment up to 22 November 2026, 12:00 UTC",
        ),
        ({"state": "waiting"}, "Waits for the recovery key"),
        ({"state": "away", "reason": "The bucket does not answer."}, "Away: The bucket does not answer."),
        ({}, "The first copy is being made."),
    ],
)
async def test_a_vault_says_how_it_stands(
    owner: Browser, server: Server, state: dict[str, Any], said: str
) -> None:
    server.vaults = Kept([VaultStanding(place="s3://bucket", **state)])  # type: ignore[assignment]
    text = text_of(await owner.get("/control"))
    assert "Vault s3://bucket" in text and said in text


# Home


async def test_the_line_that_there_is_no_standby_can_be_put_away(owner: Browser) -> None:
    assert "This site runs without a standby" in text_of(await owner.get("/home"))
    assert (await owner.submit("/control/dismiss")).headers["location"] == "/home"
    assert "This site runs without a standby" not in text_of(await owner.get("/home"))


async def test_nothing_else_can_be_put_away(owner: Browser, reeds: Reeds) -> None:
    await owner.submit("/control/dismiss", on="/control")
    for standing, said in (
        (HOLDING, ""),
        (MISSING, "a standby does not answer"),
        (REFUSED, "Nothing can be saved at the moment."),
        (SUPERSEDED, "Another machine runs this site now"),
    ):
        reeds.now = standing
        page = (await owner.get("/home")).text
        assert (said in page) if said else ('word">' not in page)


async def test_members_hear_only_whether_they_can_post(browser: Browser, cast: Any, reeds: Reeds) -> None:
    browser.sign_in(cast.ada)
    for standing, said in ((MISSING, ""), (REFUSED, "Posting is paused"), (SUPERSEDED, "moving to another")):
        reeds.now = standing
        page = (await browser.get("/home")).text
        assert (said in page) if said else ('word">' not in page)


@pytest.fixture
async def refusing(server: Server, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Nothing can be written."""

    async def refuse(*args: Any, **kw: Any) -> None:
        raise Unavailable

    monkeypatch.setattr(type(server.database), "write", refuse)
    yield


async def test_reading_goes_on_while_nothing_can_be_saved(
    browser: Browser, cast: Any, reeds: Reeds, refusing: None, client: httpx2.AsyncClient
) -> None:
    browser.sign_in(cast.ada)
    reeds.now = REFUSED
    later = clock.now() / 1000 + 7200
    clock.set_clock(lambda: later)
    try:
        for path in ("/home", "/local", "/notifications", "/@ada"):
            assert (await browser.get(path)).status_code == 200, path
        home = await client.get("/api/v1/timelines/home", headers=cast.ada.auth)
        assert home.status_code == 200
        answer = await browser.submit(
            "/statuses", on="/compose", text="Hello", visibility="public", step="post"
        )
    finally:
        clock.set_clock(None)
    assert answer.status_code == 503, text_of(answer)
    assert "This server cannot save at the moment. Try again in a minute." in text_of(answer)


async def test_the_page_lists_what_there_is_to_do_in_order(
    owner: Browser, server: Server, reeds: Reeds
) -> None:
    server.database.write_now(lambda tx: choose(tx, None, recovery_public_key="a2V5"))
    server.database.write_now(keep_alerts, {"refused": 1})
    done = re.findall(r'id="do-(\w+)"', (await owner.get("/control")).text)
    wanted = ["prove_recovery_key", "set_up_backup", "set_up_mail", "rehearse", "second_owner", "set_up_dns"]
    assert [name for name in done if name != "make_room"] == wanted
