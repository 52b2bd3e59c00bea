"""Who a page is for, and forms that are not ours."""

import re
from typing import Any

import httpx2
import pytest

from roseau.app import create_app, open_server
from roseau.domain.accounts.sessions import list_sessions, open_session
from roseau.settings import Settings
from roseau.web.routes import PAGES
from tests.web.conftest import Browser, text_of

pytestmark = pytest.mark.anyio

STALE = "This form was opened too long ago"


def every_form() -> list[str]:
    """The path of each page route that takes a form, its parameters filled in."""
    return sorted(
        {re.sub(r"\{[^}]+\}", "1", route.path) for route in PAGES if "POST" in (route.methods or ())}
    )


def test_there_are_forms_to_look_at() -> None:
    assert {"/sign_in", "/settings/profile", "/first-run/owner"} <= set(every_form())


def test_no_page_changes_anything_by_another_method() -> None:
    assert {method for route in PAGES for method in route.methods or ()} == {"GET", "HEAD", "POST"}


async def test_every_form_refuses_what_does_not_come_from_a_page_of_this_session(
    browser: Browser, cast: Any, server: Any
) -> None:
    foreign = Browser(browser.client, server)
    await foreign.sign_in(cast.ada).get("/settings/delete")
    browser.sign_in(cast.olga)
    await browser.get("/settings/delete")
    attempts: list[tuple[dict[str, str], dict[str, str]]] = [
        ({}, {}),
        ({"csrf": ""}, {}),
        ({"csrf": "x"}, {}),
        ({"csrf": "x.y"}, {}),
        ({"csrf": foreign.csrf}, {}),
        ({"csrf": browser.csrf[:-1] + ("A" if browser.csrf[-1] != "A" else "B")}, {}),
        ({"csrf": browser.csrf}, {"Origin": "https://elsewhere.test"}),
        ({"csrf": browser.csrf}, {"Origin": "null"}),
        ({"csrf": browser.csrf}, {"Origin": "https://roseau.test.elsewhere.test"}),
        ({"csrf": browser.csrf}, {"Sec-Fetch-Site": "cross-site"}),
        ({"csrf": browser.csrf}, {"Sec-Fetch-Site": "same-site"}),
    ]
    for path in every_form():
        for fields, headers in attempts:
            answer = await browser.client.post(path, data=fields, headers=headers)
            assert (answer.status_code, STALE in text_of(answer)) == (403, True), (path, fields, headers)


async def test_every_form_takes_the_token_of_its_own_session(browser: Browser, cast: Any) -> None:
    for path in every_form():
        browser.sign_in(cast.olga)
        answer = await browser.submit(path, on="/settings/delete")
        assert STALE not in text_of(answer), path
        assert answer.status_code < 500, path


async def test_a_token_of_another_visitor_is_refused(browser: Browser) -> None:
    await browser.get("/sign_in")
    token = browser.csrf
    browser.client.cookies.clear()
    await browser.get("/sign_in")
    assert (await browser.submit("/settings/language", locale="fr")).status_code == 303
    browser.csrf = token
    assert (await browser.submit("/settings/language", locale="fr")).status_code == 403


async def test_a_visitors_token_is_void_after_signing_in(browser: Browser, cast: Any) -> None:
    await browser.get("/sign_in")
    browser.sign_in(cast.ada)
    assert (await browser.submit("/settings/appearance", theme="dark")).status_code == 403


async def test_the_token_is_another_text_on_every_page(browser: Browser, cast: Any) -> None:
    browser.sign_in(cast.ada)
    await browser.get("/settings")
    first = browser.csrf
    await browser.get("/settings")
    assert browser.csrf != first


async def test_a_query_with_a_token_of_nobody_is_no_way_around(browser: Browser, cast: Any) -> None:
    browser.sign_in(cast.ada)
    answer = await browser.client.post("/settings/appearance?csrf=x.y", data={"theme": "dark"})
    assert answer.status_code == 403


# Cookies


def cookies_of(answer: Any) -> dict[str, str]:
    """The cookies that an answer sets: name, and everything after it."""
    return {
        header.partition("=")[0]: header.partition("=")[2] for header in answer.headers.get_list("set-cookie")
    }


async def test_cookies_are_bound_to_the_host_and_out_of_reach_of_scripts(browser: Browser) -> None:
    cookie = cookies_of(await browser.get("/sign_in"))["__Host-visitor"]
    assert {part.strip() for part in cookie.split(";")[1:]} == {
        "HttpOnly",
        "Path=/",
        "SameSite=lax",
        "Secure",
    }


async def test_a_site_without_tls_has_cookies_too(tmp_path: Any) -> None:
    server = open_server(Settings(data=str(tmp_path), base_url="http://10.0.0.1:8000", rate_limits=False))
    transport = httpx2.ASGITransport(app=create_app(server, start_worker=False))
    async with httpx2.AsyncClient(transport=transport, base_url="http://10.0.0.1:8000") as client:
        browser = Browser(client, server)
        cookie = cookies_of(await browser.get("/sign_in"))["visitor"]
        assert "Secure" not in cookie and "HttpOnly" in cookie
        assert (await browser.submit("/settings/language", locale="fr")).status_code == 303
    server.database.close()


async def test_a_cookie_without_its_prefix_signs_nobody_in(browser: Browser, cast: Any, server: Any) -> None:
    token = server.database.write_now(open_session, cast.ada.id)
    browser.client.cookies.set("session", token)
    assert (await browser.get("/settings")).status_code == 303


@pytest.mark.parametrize("cookie", ["", "x", "é", "a" * 4000, "\x7f", "../../etc/passwd"])
async def test_rubbish_in_cookies_is_nobody(browser: Browser, cookie: str) -> None:
    for name in ("session", "flash", "first_run", "ticket", "visitor"):
        header = {"Cookie": f"__Host-{name}={cookie}".encode("latin-1")}
        for path in ("/", "/settings", "/first-run/address", "/sign_in/code"):
            assert (await browser.client.get(path, headers=header)).status_code in (200, 303, 410)


# Sessions


async def test_members_pages_lead_to_signing_in_and_back(browser: Browser) -> None:
    answer = await browser.get("/settings/mutes?max_id=5")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign_in?back=/settings/mutes%3Fmax_id%3D5"
    await browser.get("/sign_in")
    answer = await browser.submit("/settings/appearance", back="/settings/appearance")
    assert answer.headers["location"] == "/sign_in?back=/settings/appearance"


async def test_htmx_is_led_there_as_well(browser: Browser) -> None:
    answer = await browser.client.get("/settings/mutes", headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert answer.headers["hx-redirect"].startswith("/sign_in?back=")
    assert answer.text == ""


async def test_members_pages_are_not_kept_by_caches_between(browser: Browser, cast: Any) -> None:
    answer = await browser.sign_in(cast.ada).get("/settings")
    assert answer.status_code == 200
    assert "private" in answer.headers["cache-control"]
    assert "Cookie" in answer.headers["vary"]


async def test_signing_out_ends_the_session_on_the_server(browser: Browser, cast: Any, server: Any) -> None:
    browser.sign_in(cast.ada)
    cookie = browser.client.cookies["__Host-session"]
    answer = await browser.submit("/sign_out", on="/settings")
    assert answer.headers["location"] == "/"
    assert "Max-Age=0" in cookies_of(answer)["__Host-session"]
    browser.client.cookies.set("__Host-session", cookie)
    assert (await browser.get("/settings")).status_code == 303
    assert server.database.read_now(list_sessions, cast.ada.id) == []


async def test_a_session_that_is_not_used_ends(browser: Browser, cast: Any, at: Any) -> None:
    browser.sign_in(cast.ada)
    at(179 * 86400)
    assert (await browser.get("/settings")).status_code == 200
    at((179 + 179) * 86400)
    assert (await browser.get("/settings")).status_code == 200
    at((179 + 179 + 181) * 86400)
    assert (await browser.get("/settings")).status_code == 303


async def test_use_is_noted_hourly_at_most(browser: Browser, cast: Any, server: Any, at: Any) -> None:
    browser.sign_in(cast.ada)
    (first,) = server.database.read_now(list_sessions, cast.ada.id)
    at(3000)
    await browser.get("/settings")
    assert server.database.read_now(list_sessions, cast.ada.id) == [first]
    at(3700)
    await browser.get("/settings")
    (later,) = server.database.read_now(list_sessions, cast.ada.id)
    assert later.last_used_at - first.last_used_at >= 3_600_000


async def test_pages_of_those_who_run_the_site_are_not_for_members(browser: Browser, cast: Any) -> None:
    browser.sign_in(cast.ada)
    for path in ("/settings/site", "/settings/site/rules", "/settings/site/people"):
        assert (await browser.get(path)).status_code == 403
    await browser.get("/settings")
    answer = await browser.submit("/settings/site/address", title="Mine now")
    assert answer.status_code == 403
    moderator = cast.join("max", role="moderator")
    browser.sign_in(moderator)
    assert (await browser.get("/settings/site/people")).status_code == 200
    assert (await browser.get("/settings/site/rules")).status_code == 403


async def test_what_happened_is_said_once(browser: Browser, cast: Any) -> None:
    browser.sign_in(cast.ada)
    await browser.submit("/settings/appearance", on="/settings", theme="dark")
    assert re.search(r'id="dire"[^>]*>Saved\.', (await browser.get("/settings")).text)
    assert not re.search(r'id="dire"[^>]*>Saved\.', (await browser.get("/settings")).text)


async def test_nobody_else_makes_a_page_say_things(browser: Browser) -> None:
    browser.client.cookies.set("__Host-flash", "eyJzZW50ZW5jZSI6IlNlbmQgbW9uZXkifQ.AAAA")
    assert "Send money" not in (await browser.get("/")).text


@pytest.mark.parametrize(
    "back", ["https://elsewhere.test/", "//elsewhere.test", "/\\elsewhere.test", "x", ""]
)
async def test_forms_return_to_this_site_only(browser: Browser, back: str) -> None:
    answer = await browser.submit("/settings/language", on="/sign_in", locale="fr", back=back)
    assert answer.headers["location"] == "/"
