"""Nobody gets into the console who should not: the table of all routes is walked by everybody."""

import importlib
import pkgutil
import re
from typing import Any

import msgspec
import pytest
from starlette.routing import Route

import roseau.app
import roseau.web.console
from roseau.domain.moderation.vocabulary import PERMISSIONS, ROLES
from roseau.storage.statements import statements
from roseau.web.console import guard
from roseau.web.console.routes import PAGES
from roseau.web.routes import ROUTES
from tests.moderation.acting import make_post, report
from tests.web.conftest import Browser, text_of

pytestmark = pytest.mark.anyio

#: What the parameters of addresses stand for.
PARAMETERS = {
    "number": "1",
    "blob": "ab" * 32 + ".png",
    "step": "note",
    "answer": "agree",
    "verdict": "approve",
}


def address(route: Route) -> str:
    """An address that the route answers for."""
    return re.sub(r"\{(\w+)[^}]*\}", lambda found: PARAMETERS.get(found[1], "1"), route.path)


def console() -> list[Route]:
    """Every route of the whole application that lies under /moderation."""
    return [route for route in ROUTES if route.path == guard.ROOT or route.path.startswith(f"{guard.ROOT}/")]


def test_every_page_under_moderation_is_made_by_the_guard() -> None:
    assert len(console()) >= len(PAGES) > 20
    unguarded = [route.path for route in console() if guard.permission_of(route) not in PERMISSIONS]
    assert unguarded == []
    # What answers at the door is that table, and nothing stands before it.
    assert vars(roseau.app)["WEB_ROUTES"] is ROUTES


def test_no_module_of_the_console_has_a_route_of_its_own() -> None:
    for found in pkgutil.iter_modules(roseau.web.console.__path__):
        module = importlib.import_module(f"roseau.web.console.{found.name}")
        for name, value in vars(module).items():
            if isinstance(value, list) and value and all(isinstance(one, Route) for one in value):
                loose = [one.path for one in value if guard.permission_of(one) is None]
                assert loose == [], f"{module.__name__}.{name}"
                assert {one.path for one in value} <= {one.path for one in PAGES}, module.__name__


def test_the_guard_refuses_what_lies_elsewhere() -> None:
    async def show(request: Any) -> Any:
        raise AssertionError

    for path in ("/settings/site", "/moderations", "/"):
        with pytest.raises(ValueError, match="not under"):
            guard.console_routes([Route(path, show)], permission="view_cases")


async def ask(browser: Browser, route: Route) -> Any:
    """The page, or its form sent from a page of the same session."""
    if "POST" in (route.methods or ()):
        return await browser.submit(address(route))
    return await browser.get(address(route))


@pytest.mark.parametrize("who", ["member", "reviewer", "anonymous", "suspended", "frozen"])
async def test_those_who_are_not_of_the_team_see_nothing(
    browser: Browser, cast: Any, server: Any, who: str
) -> None:
    report(server, cast.ada, make_post(server, cast.bob), reason="harassment")
    if who in ("member", "reviewer"):
        browser.sign_in(cast.join("someone", role=who))
    elif who != "anonymous":
        moderator = cast.join("someone", role="moderator")
        browser.sign_in(moderator)
        assert (await browser.get("/moderation")).status_code == 200
        hold_back(server, moderator.id, who)
    await browser.get("/about")
    for route in console():
        answer = await ask(browser, route)
        refused = answer.status_code == 403 or (
            answer.status_code == 303 and re.match("/sign_in|/record", answer.headers["location"])
        )
        assert refused, (route.path, answer.status_code)
        assert "thrown out" not in answer.text


def hold_back(server: Any, account_id: int, how: str) -> None:
    """Put somebody of the team out of order by the tables alone, so that only the doors can refuse them."""
    if how == "suspended":
        sql = f"UPDATE accounts SET suspended_at = 1, version = version + 1 WHERE id = {account_id}"
    else:
        sql = f"UPDATE users SET disabled_at = 1 WHERE account_id = {account_id}"
    run(server, sql)


def run(server: Any, sql: str) -> None:
    """Change a row as no command would."""
    changed = statements(sql, sql)
    server.database.write_now(lambda tx: tx.run(changed))


async def test_each_page_asks_for_its_own_permission(browser: Browser, cast: Any, server: Any) -> None:
    report(server, cast.ada, make_post(server, cast.bob), reason="harassment")
    mona = cast.join("mona", role="moderator")
    browser.sign_in(mona)
    await browser.get("/moderation")
    for route in console():
        permission = guard.permission_of(route)
        run(server, "DELETE FROM staff_roles")
        rest = sorted(ROLES["moderator"] - {permission})
        run(
            server,
            "INSERT INTO staff_roles (name, title, permissions, second_factor, updated_at)"
            f" VALUES ('moderator', '', '{msgspec.json.encode(rest).decode()}', FALSE, 1)",
        )
        answer = await ask(browser, route)
        assert answer.status_code == 403, (route.path, permission, answer.status_code)


async def test_nothing_is_kept_by_a_browser(browser: Browser, cast: Any, server: Any) -> None:
    report(server, cast.ada, make_post(server, cast.bob), reason="harassment")
    browser.sign_in(cast.join("mona", role="moderator"))
    for route in console():
        if "GET" in (route.methods or ()):
            answer = await browser.get(address(route))
            assert answer.headers["cache-control"] == "no-store", route.path
    browser.client.cookies.clear()
    assert (await browser.get("/moderation")).headers["cache-control"] == "no-store"


async def test_a_role_that_asks_for_a_second_factor_waits_for_it(
    browser: Browser, cast: Any, server: Any
) -> None:
    mona = cast.join("mona", role="moderator")
    allowed = msgspec.json.encode(sorted(ROLES["moderator"])).decode()
    run(
        server,
        "INSERT INTO staff_roles (name, title, permissions, second_factor, updated_at)"
        f" VALUES ('moderator', '', '{allowed}', TRUE, 1)",
    )
    browser.sign_in(mona)
    answer = await browser.get("/moderation")
    assert answer.status_code == 403
    assert "A second factor first" in text_of(answer)
    run(server, f"UPDATE users SET otp_enabled_at = 1 WHERE account_id = {mona.id}")
    assert (await browser.get("/moderation")).status_code == 200
