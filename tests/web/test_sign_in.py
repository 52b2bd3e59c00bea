"""Signing in on the pages: the password, the code, a forgotten password."""

import re
from typing import Any

import msgspec
import pyotp
import pytest

from roseau.domain.accounts.second_factor import enable_totp, offer_totp
from roseau.domain.accounts.sessions import list_sessions
from roseau.kernel import clock
from tests.web.conftest import PASSWORD, PASSWORD_HASH, Browser, link_in, read_mails, text_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def nina(cast: Any) -> Any:
    """Somebody with a password."""
    return cast.join("nina", password_hash=PASSWORD_HASH)


@pytest.mark.parametrize("name", ["nina", "@Nina", "NINA", " nina@roseau.test ", "Nina@Roseau.test"])
async def test_a_name_or_an_address_and_the_password(browser: Browser, nina: Any, name: str) -> None:
    answer = await browser.submit(
        "/sign_in", on="/sign_in", name=name, password=PASSWORD, back="/settings/mutes?max_id=5"
    )
    assert answer.headers["location"] == "/settings/mutes?max_id=5"
    assert (await browser.get("/settings")).status_code == 200
    assert (await browser.get("/sign_in?back=/about")).headers["location"] == "/about"


@pytest.mark.parametrize("name", ["nina", "nobody", "", "x" * 10_000, "nina@roseau.test\x0b"])
async def test_wrong_names_and_passwords_are_answered_alike(browser: Browser, nina: Any, name: str) -> None:
    answer = await browser.submit("/sign_in", on="/sign_in", name=name, password="wrong", back="/about")
    assert answer.status_code == 422
    assert "The name or the password is wrong." in text_of(answer)
    assert "wrong" not in re.findall(r'name="password"[^>]*value="([^"]*)"', answer.text)
    assert 'name="back" value="/about"' in answer.text
    assert "__Host-session" not in browser.client.cookies


async def test_somebody_without_a_password_has_no_empty_one(browser: Browser, cast: Any) -> None:
    answer = await browser.submit("/sign_in", on="/sign_in", name=cast.ada.username, password="")
    assert answer.status_code == 422


async def test_a_disabled_login_says_so(browser: Browser, nina: Any, server: Any) -> None:
    server.database.write_now(
        lambda tx: tx.script(f"UPDATE users SET disabled_at = 1 WHERE account_id = {nina.id}")
    )
    answer = await browser.submit("/sign_in", on="/sign_in", name="nina", password=PASSWORD)
    assert answer.status_code == 403
    assert "Your login is currently disabled" in text_of(answer)


async def test_a_session_ends_with_its_login(browser: Browser, nina: Any, server: Any) -> None:
    browser.sign_in(nina)
    assert (await browser.get("/settings")).status_code == 200
    server.database.write_now(
        lambda tx: tx.script(f"UPDATE users SET disabled_at = 1 WHERE account_id = {nina.id}")
    )
    assert (await browser.get("/settings")).headers["location"].startswith("/sign_in")


async def test_a_suspended_member_signs_in_to_their_record(browser: Browser, nina: Any, server: Any) -> None:
    server.database.write_now(
        lambda tx: tx.script(f"UPDATE accounts SET suspended_at = 1 WHERE id = {nina.id}")
    )
    answer = await browser.submit("/sign_in", on="/sign_in", name="nina", password=PASSWORD)
    assert answer.status_code == 303
    assert (await browser.get("/settings")).headers["location"] == "/record"


async def test_passwords_are_not_tried_out(browser: Browser, nina: Any, server: Any, at: Any) -> None:
    at(0)
    limited = msgspec.structs.replace(server.settings, rate_limits=True)
    server.site = msgspec.structs.replace(server.site, settings=limited)
    await browser.get("/sign_in")
    statuses = [
        (await browser.submit("/sign_in", name="nina", password=f"wrong {number}")).status_code
        for number in range(27)
    ]
    assert statuses == [422] * 25 + [429] * 2
    answer = await browser.submit("/sign_in", name="nina", password=PASSWORD)
    assert answer.status_code == 429
    assert 'value="nina"' in answer.text


# The second factor


@pytest.fixture
def codes(nina: Any, server: Any) -> tuple[pyotp.TOTP, list[str]]:
    """Nina's app, and her recovery codes."""
    offer = server.database.write_now(offer_totp, server.site, nina.id)
    app = pyotp.TOTP(offer.secret)
    return app, server.database.write_now(enable_totp, server.site, nina.id, app.now())


async def first_half(browser: Browser) -> None:
    answer = await browser.submit("/sign_in", on="/sign_in", name="nina", password=PASSWORD, back="/about")
    assert answer.headers["location"] == "/sign_in/code?back=/about"
    assert "__Host-session" not in browser.client.cookies


async def test_a_code_is_asked_for_and_works_once(browser: Browser, nina: Any, codes: Any, at: Any) -> None:
    app, _ = codes
    at(60)
    await first_half(browser)
    wrong = await browser.submit("/sign_in/code", on="/sign_in/code?back=/about", code="000000")
    assert wrong.status_code == 422 and "This code is wrong" in text_of(wrong)
    code = app.at(clock.now() // 1000)
    answer = await browser.submit("/sign_in/code", code=code, back="/about")
    assert answer.headers["location"] == "/about"
    assert (await browser.get("/settings")).status_code == 200
    browser.client.cookies.clear()
    await first_half(browser)
    assert (await browser.submit("/sign_in/code", on="/sign_in/code", code=code)).status_code == 422


async def test_a_recovery_code_works_once(browser: Browser, nina: Any, codes: Any) -> None:
    recovery = codes[1][0]
    await first_half(browser)
    answer = await browser.submit("/sign_in/code", on="/sign_in/code", code=f" {recovery.upper()} ")
    assert answer.status_code == 303
    browser.client.cookies.clear()
    await first_half(browser)
    assert (await browser.submit("/sign_in/code", on="/sign_in/code", code=recovery)).status_code == 422


async def test_the_second_half_needs_the_first(browser: Browser, nina: Any, codes: Any, at: Any) -> None:
    await browser.get("/sign_in")
    answer = await browser.submit("/sign_in/code", code=codes[1][0])
    assert answer.headers["location"].startswith("/sign_in?")
    browser.client.cookies.set("__Host-ticket", "made-up")
    assert (
        (await browser.submit("/sign_in/code", code=codes[1][0])).headers["location"].startswith("/sign_in?")
    )
    browser.client.cookies.clear()
    await first_half(browser)
    await browser.get("/sign_in/code")
    at(601)
    answer = await browser.submit("/sign_in/code", code=codes[1][0])
    assert answer.headers["location"].startswith("/sign_in?")
    assert "This took too long." in text_of(await browser.get("/sign_in"))


# A forgotten password


async def test_a_forgotten_password_is_set_anew(
    browser: Browser, nina: Any, server: Any, worker: Any
) -> None:
    elsewhere = Browser(browser.client, server).sign_in(nina)
    old = browser.client.cookies["__Host-session"]
    assert (await elsewhere.get("/settings")).status_code == 200
    browser.client.cookies.clear()
    answer = await browser.submit("/password/forgot", on="/password/forgot", email=" NINA@roseau.test")
    assert "If there is an account with this address" in text_of(answer)
    await worker.settle()
    path = link_in(read_mails(server)[-1])
    short = await browser.submit(path, on=path, password="short")
    assert short.status_code == 422 and "at least 8 characters" in text_of(short)
    answer = await browser.submit(path, password="another good one")
    assert answer.headers["location"] == "/sign_in"
    assert (await browser.get(path)).status_code == 410
    assert (await browser.submit(path, on="/sign_in", password="yet another one")).status_code == 410
    assert server.database.read_now(list_sessions, nina.id) == []
    assert old
    denied = await browser.submit("/sign_in", on="/sign_in", name="nina", password=PASSWORD)
    assert denied.status_code == 422
    answer = await browser.submit("/sign_in", name="nina", password="another good one")
    assert answer.status_code == 303


async def test_nobody_learns_who_has_an_account(
    browser: Browser, nina: Any, server: Any, worker: Any
) -> None:
    known = await browser.submit("/password/forgot", on="/password/forgot", email="nina@roseau.test")
    unknown = await browser.submit("/password/forgot", email="nobody@roseau.test")
    assert (known.status_code, text_of(known)) == (unknown.status_code, text_of(unknown))
    await worker.settle()
    assert [mail["To"] for mail in read_mails(server)] == ["nina@roseau.test"]


async def test_a_link_lasts_two_hours(browser: Browser, nina: Any, server: Any, worker: Any, at: Any) -> None:
    await browser.submit("/password/forgot", on="/password/forgot", email="nina@roseau.test")
    await worker.settle()
    path = link_in(read_mails(server)[-1])
    at(7199)
    assert (await browser.get(path)).status_code == 200
    at(7201)
    assert (await browser.get(path)).status_code == 410
