"""Setting a new site up, with the link that the program prints, step by step."""

import re
from typing import Any

import msgspec
import pytest

from roseau.domain.accounts.census import load_census
from roseau.domain.policy import list_rules
from roseau.domain.site import load_choices
from roseau.operations import Nothing, open_first_run
from roseau.settings import Settings
from tests.web.conftest import Browser, text_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def settings(tmp_path: Any, database_url: str) -> Settings:
    """A site whose address was not chosen yet."""
    return Settings(
        data=str(tmp_path / "data"), host="roseau.test", port=8000, database=database_url, rate_limits=False,
        synchronous="OFF",
    )  # fmt: skip


@pytest.fixture
def link(server: Any) -> str:
    """The path of the link that is printed."""
    url = server.database.write_now(open_first_run, server.site, Nothing())
    return str(url).removeprefix(server.site.base_url)


OWNER = {"username": "ines", "email": "ines@roseau.test", "password": "correct horse battery"}


async def make_owner(browser: Browser, link: str) -> Any:
    """Do nothing but what has to be done."""
    await browser.get(link)
    return await browser.submit("/first-run/owner", on="/first-run/owner", **OWNER)


async def test_the_link_opens_the_pages_once(browser: Browser, link: str) -> None:
    assert (await browser.get(link)).headers["location"] == "/first-run/address"
    assert (await browser.get("/first-run/address")).status_code == 200
    browser.client.cookies.clear()
    assert (await browser.get(link)).status_code == 410
    assert (await browser.get("/first-run/address")).status_code == 410


async def test_a_link_that_was_replaced_or_is_old_opens_nothing(
    browser: Browser, link: str, server: Any, at: Any
) -> None:
    url = server.database.write_now(open_first_run, server.site, Nothing())
    assert (await browser.get(link)).status_code == 410
    at(86401)
    assert (await browser.get(url.removeprefix(server.site.base_url))).status_code == 410


async def test_the_pages_close_after_some_hours(browser: Browser, link: str, at: Any) -> None:
    await browser.get(link)
    at(4 * 3600 + 1)
    assert (await browser.get("/first-run/owner")).status_code == 410


async def test_a_made_up_cookie_opens_nothing(browser: Browser, link: str) -> None:
    for value in ("9999999999999.AAAA", "9999999999999.", ".", "x.y"):
        browser.client.cookies.set("__Host-first_run", value)
        assert (await browser.get("/first-run/owner")).status_code == 410


async def test_every_step_can_be_left_for_later(browser: Browser, link: str, server: Any) -> None:
    await browser.get(link)
    following = {"address": "look", "look": "mail", "mail": "rules", "rules": "owner"}
    for step, after in following.items():
        page = await browser.get(f"/first-run/{step}")
        assert page.status_code == 200
        assert f'href="/first-run/{after}">Later' in page.text
    answer = await browser.submit("/first-run/owner", on="/first-run/owner", **OWNER)
    assert answer.headers["location"] == "/first-run/recovery"
    done = await browser.get("/first-run/done")
    assert done.status_code == 200
    assert text_of(done).count("Still to do") == 5
    listed = await browser.get("/settings/site")
    assert text_of(listed).count("Still to do") == 5


async def test_the_owner_is_signed_in_and_owns_the_site(browser: Browser, link: str, server: Any) -> None:
    await make_owner(browser, link)
    assert (await browser.get("/settings/site/rules")).status_code == 200
    assert (await browser.get("/")).headers["location"] == "/home"
    assert server.database.write_now(open_first_run, server.site, Nothing()) is None
    assert server.database.read_now(load_census).users == 1


async def test_nobody_becomes_owner_after_the_first(
    browser: Browser, link: str, server: Any, app: Any
) -> None:
    await browser.get(link)
    page = await browser.get("/first-run/owner")
    kept = dict(browser.client.cookies)
    assert page.status_code == 200
    await browser.submit("/first-run/owner", on="/first-run/owner", **OWNER)
    browser.client.cookies.clear()
    for name, value in kept.items():
        browser.client.cookies.set(name, value)
    again = await browser.submit("/first-run/owner", **{**OWNER, "username": "eve", "email": "e@roseau.test"})
    assert again.status_code == 410
    assert server.database.read_now(load_census).users == 1


async def test_the_address_is_chosen_and_accounts_carry_it(browser: Browser, link: str, server: Any) -> None:
    await browser.get(link)
    answer = await browser.submit(
        "/first-run/address", on="/first-run/address", title="Saint-Amant", base_url="HTTPS://Roseau.test/"
    )
    assert answer.status_code == 303
    assert server.site.base_url == "https://roseau.test"
    assert server.database.read_now(load_choices).base_url == "https://roseau.test"
    await browser.submit("/first-run/owner", on="/first-run/owner", **OWNER)
    found = await browser.client.get("/api/v1/accounts/lookup", params={"acct": "ines"})
    assert found.json()["url"] == "https://roseau.test/@ines"
    page = await browser.get("/settings/site/address")
    assert "so it stays as it is" in text_of(page)
    await browser.submit("/settings/site/address", title="Saint-Amant", base_url="https://other.test")
    assert server.site.base_url == "https://roseau.test"


@pytest.mark.parametrize("base_url", ["x", "ftp://a.test", "https://a.test/path", "javascript:alert(1)"])
async def test_a_wrong_address_is_shown_again(browser: Browser, link: str, base_url: str) -> None:
    await browser.get(link)
    answer = await browser.submit(
        "/first-run/address", on="/first-run/address", title="Saint-Amant", base_url=base_url
    )
    assert answer.status_code == 422
    assert f'value="{base_url}"' in answer.text
    assert 'aria-describedby="h-base_url e-base_url"' in answer.text


async def test_what_is_wrong_with_the_owner_is_said_and_kept(browser: Browser, link: str) -> None:
    await browser.get(link)
    answer = await browser.submit(
        "/first-run/owner", on="/first-run/owner", username="a b", email="x", password="short"
    )
    assert answer.status_code == 422
    said = text_of(answer)
    assert "3 things need another look" in said
    assert 'value="a b"' in answer.text and 'value="short"' not in answer.text


async def test_five_rules_are_suggested_in_two_languages(browser: Browser, link: str, server: Any) -> None:
    await browser.get(link)
    page = await browser.get("/first-run/rules")
    fields = dict(re.findall(r'name="(rules\[\d\]\[(?:en|fr)\])" value="([^"]+)"', page.text))
    assert len(fields) == 10
    answer = await browser.submit("/first-run/rules", **fields, registrations="approval", minimum_age="15")
    assert answer.status_code == 303
    rules = server.database.read_now(list_rules)
    assert [set(rule.texts) for rule in rules] == [{"en", "fr"}] * 5
    choices = server.database.read_now(load_choices)
    assert (choices.registrations, choices.minimum_age, choices.public_timelines) == ("approval", 15, False)
    assert text_of(await browser.get("/rules")).count(rules[0].texts["en"].text) == 1
    french = await browser.get("/rules", headers={"Accept-Language": "fr"})
    assert rules[0].texts["fr"].text in text_of(french)


async def test_rules_are_changed_moved_out_and_kept_known(browser: Browser, cast: Any, server: Any) -> None:
    browser.sign_in(cast.olga)
    common = {"registrations": "closed", "minimum_age": "0"}
    await browser.submit(
        "/settings/site/rules", on="/settings/site/rules",
        **{"rules[0][en]": "Be kind.", "rules[1][en]": "Be brief."}, **common,
    )  # fmt: skip
    kind, brief = server.database.read_now(list_rules)
    await browser.submit(
        "/settings/site/rules",
        **{"rules[0][id]": str(brief.id), "rules[0][en]": "Be briefer.", "rules[1][fr]": "Sois gentil."},
        **common,
    )
    changed, added = server.database.read_now(list_rules)
    assert (changed.id, changed.texts["en"].text) == (brief.id, "Be briefer.")
    assert added.id not in (kind.id, brief.id)
    assert added.texts["fr"].text == "Sois gentil."


async def test_another_sites_rule_cannot_be_taken_over(browser: Browser, cast: Any, server: Any) -> None:
    browser.sign_in(cast.olga)
    answer = await browser.submit(
        "/settings/site/rules", on="/settings/site/rules", registrations="closed",
        **{"rules[0][id]": "123456", "rules[0][en]": "Be kind."},
    )  # fmt: skip
    assert answer.status_code == 303
    (rule,) = server.database.read_now(list_rules)
    assert rule.id != 123456


async def test_a_test_mail_is_written(browser: Browser, link: str, worker: Any, server: Any) -> None:
    await browser.get(link)
    page = await browser.get("/first-run/mail")
    assert "No mail server is set" in text_of(page)
    wrong = await browser.submit("/first-run/mail", step="test", address="nobody")
    assert wrong.status_code == 422
    sent = await browser.submit("/first-run/mail", step="test", address="ines@roseau.test")
    assert sent.headers["location"] == "/first-run/mail"
    await worker.settle()
    (mail,) = (server.folder / "mail").glob("*.eml")
    assert "ines@roseau.test" in mail.read_text()


async def test_what_a_setting_decides_is_shown_as_decided(browser: Browser, link: str, server: Any) -> None:
    fixed = msgspec.structs.replace(
        server.settings, registrations="closed", minimum_age=16, smtp_host="m.test"
    )
    server.site = msgspec.structs.replace(server.site, settings=fixed)
    await browser.get(link)
    page = text_of(await browser.get("/first-run/rules"))
    assert "given by the setting registrations: closed" in page
    assert "given by the setting minimum_age: 16" in page
    assert "m.test:587" in text_of(await browser.get("/first-run/mail"))
    answer = await browser.submit(
        "/first-run/rules", on="/first-run/rules", registrations="open", minimum_age="3"
    )
    assert answer.status_code == 303
    choices = server.database.read_now(load_choices)
    assert (choices.registrations, choices.minimum_age) == ("closed", 0)


@pytest.mark.parametrize("colour", ["red", "#12345", "#1234567", "#12345g", "url(x)"])
async def test_a_colour_is_a_colour(browser: Browser, cast: Any, colour: str) -> None:
    browser.sign_in(cast.olga)
    answer = await browser.submit(
        "/settings/site/look", on="/settings/site/look", short_description="Here", theme_color=colour
    )
    assert answer.status_code == 422
    assert 'value="Here"' in answer.text


async def test_a_new_site_says_so_at_its_front_door(browser: Browser, link: str) -> None:
    assert "nobody runs it yet" in text_of(await browser.get("/"))
    await make_owner(browser, link)
    browser.client.cookies.clear()
    assert "nobody runs it yet" not in text_of(await browser.get("/"))
