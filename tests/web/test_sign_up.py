"""Joining on the pages: each way the site can be open, invitations, confirming the address, waiting."""

import re
from typing import Any

import msgspec
import pytest

from roseau.domain.accounts.invites import create_invite, revoke_invite
from roseau.domain.accounts.loading import find_account_id
from roseau.domain.accounts.signup import list_waiting
from roseau.domain.policy import NewRule, RuleText, set_rules
from roseau.domain.site import choose
from tests.web.conftest import Browser, link_in, read_mails, text_of

pytestmark = pytest.mark.anyio

NINA = {"username": "nina", "email": "nina@roseau.test", "password": "correct horse battery"}


def set_up(server: Any, **settings: Any) -> None:
    """Run the site with other settings."""
    changed = msgspec.structs.replace(server.settings, **settings)
    server.site = msgspec.structs.replace(server.site, settings=changed)


def account_of(server: Any, username: str) -> int | None:
    """The account of that name."""
    found: int | None = server.database.read_now(find_account_id, username)
    return found


async def test_an_open_site_lets_everybody_in_at_once(browser: Browser, server: Any) -> None:
    answer = await browser.submit("/sign_up", on="/sign_up", **NINA)
    assert answer.headers["location"] == "/home"
    page = await browser.get("/settings")
    assert page.status_code == 200
    assert "Welcome!" in text_of(page)
    assert account_of(server, "nina")


async def test_the_buttons_own_words_accept_the_rules(browser: Browser, server: Any) -> None:
    assert "I accept these rules" not in text_of(await browser.get("/sign_up"))
    rules = [NewRule({"en": RuleText("Be kind.", "To everybody."), "fr": RuleText("Sois gentil.")})]
    server.database.write_now(set_rules, rules)
    page = text_of(await browser.get("/sign_up"))
    assert "Be kind. To everybody." in page and "I accept these rules and sign up" in page
    french = text_of(await browser.get("/sign_up", headers={"Accept-Language": "fr"}))
    assert "Sois gentil." in french


async def test_everything_that_is_wrong_is_said_at_once_and_kept(browser: Browser, cast: Any) -> None:
    taken = cast.ada
    answer = await browser.submit(
        "/sign_up", on="/sign_up", username=taken.username, email="nobody", password="short"
    )
    assert answer.status_code == 422
    page = text_of(answer)
    assert "3 things need another look" in page
    assert "Somebody here has this user name already." in page
    assert "This does not look like an e-mail address." in page
    assert "A password has at least 8 characters." in page
    assert 'value="ada"' in answer.text and 'value="short"' not in answer.text
    assert 'href="#f-email"' in answer.text and 'id="problems"' in answer.text


async def test_the_field_that_people_do_not_see_keeps_programs_out(browser: Browser, server: Any) -> None:
    answer = await browser.submit("/sign_up", on="/sign_up", website="https://spam.test", **NINA)
    assert answer.status_code == 303
    assert account_of(server, "nina") is None


async def test_an_age_is_confirmed_where_one_is_asked(browser: Browser, server: Any) -> None:
    set_up(server, minimum_age=16)
    assert "I am at least 16 years old" in text_of(await browser.get("/sign_up"))
    answer = await browser.submit("/sign_up", **NINA)
    assert answer.status_code == 422
    assert 'id="e-age_confirmed"' in answer.text
    answer = await browser.submit("/sign_up", age_confirmed="1", **NINA)
    assert answer.status_code == 303
    assert account_of(server, "nina")


async def test_a_closed_site_says_so(browser: Browser, server: Any) -> None:
    set_up(server, registrations="closed")
    server.database.write_now(choose, None, registrations_message="Come back in spring.")
    page = await browser.get("/sign_up")
    assert "Nobody can join at the moment Come back in spring." in text_of(page)
    assert 'name="password"' not in page.text
    answer = await browser.submit("/sign_up", **NINA)
    assert answer.status_code == 403
    assert account_of(server, "nina") is None


# Invitations


async def test_an_invitation_opens_the_door(browser: Browser, cast: Any, server: Any) -> None:
    set_up(server, registrations="invitation")
    assert "New members come by invitation" in text_of(await browser.get("/sign_up"))
    assert (await browser.submit("/sign_up", **NINA)).status_code == 422
    invite = server.database.write_now(create_invite, cast.ada.id, max_uses=1)
    page = await browser.get(f"/invite/{invite.code}")
    assert "@ada invites you." in text_of(page)
    answer = await browser.submit("/sign_up", invite_code=invite.code, **NINA)
    assert answer.headers["location"] == "/home"
    browser.client.cookies.clear()
    assert (await browser.get(f"/invite/{invite.code}")).status_code == 410


async def test_an_invitation_that_was_withdrawn_opens_nothing(
    browser: Browser, cast: Any, server: Any
) -> None:
    set_up(server, registrations="invitation")
    invite = server.database.write_now(create_invite, cast.ada.id)
    server.database.write_now(revoke_invite, cast.ada.id, invite.id)
    assert (await browser.get(f"/invite/{invite.code}")).status_code == 410
    answer = await browser.submit("/sign_up", on="/sign_up", invite_code=invite.code, **NINA)
    assert answer.status_code == 422
    assert account_of(server, "nina") is None


async def test_members_make_and_withdraw_invitations(browser: Browser, cast: Any) -> None:
    browser.sign_in(cast.ada)
    assert "You have no open invitation." in text_of(await browser.get("/settings/invites"))
    await browser.submit("/settings/invites", max_uses="5", days="7")
    page = await browser.get("/settings/invites")
    assert "Used 0 of 5 times." in text_of(page)
    (path,) = set(re.findall(r'action="(/settings/invites/\d+/revoke)"', page.text))
    foreign = Browser(browser.client, browser.server).sign_in(cast.bob)
    await foreign.get("/settings")
    assert (await foreign.submit(path)).status_code == 404
    browser.sign_in(cast.ada)
    await browser.submit(path, on="/settings/invites")
    assert "You have no open invitation." in text_of(await browser.get("/settings/invites"))


@pytest.mark.parametrize(
    ("max_uses", "days"), [("-1", "7"), ("100000", "7"), ("1", "-7"), ("x", "7"), ("1", "9" * 30)]
)
async def test_wrong_numbers_make_no_invitation(
    browser: Browser, cast: Any, max_uses: str, days: str
) -> None:
    browser.sign_in(cast.ada)
    answer = await browser.submit("/settings/invites", on="/settings/invites", max_uses=max_uses, days=days)
    assert answer.status_code in (303, 422)
    assert answer.status_code == 422 or (max_uses, days) == ("1", "9" * 30)


# Waiting


async def test_a_request_is_read_and_accepted(browser: Browser, cast: Any, server: Any, worker: Any) -> None:
    set_up(server, registrations="approval")
    assert "Somebody reads each request." in text_of(await browser.get("/sign_up"))
    answer = await browser.submit("/sign_up", **NINA)
    assert answer.status_code == 422
    assert "Say in a sentence or two" in text_of(answer)
    answer = await browser.submit("/sign_up", reason="I live next door.", **NINA)
    assert answer.status_code == 303
    cookie = browser.client.cookies["__Host-session"]
    assert (await browser.get("/settings")).headers["location"] == "/sign_up/waiting"
    assert (await browser.get("/")).headers["location"] == "/home"
    assert "will read your request" in text_of(await browser.get("/sign_up/waiting"))
    browser.client.cookies.clear()

    browser.sign_in(cast.olga)
    page = await browser.get("/settings/site/people")
    assert "@nina" in text_of(page) and "I live next door." in text_of(page)
    nina = account_of(server, "nina")
    answer = await browser.submit(f"/settings/site/people/{nina}/approve")
    assert answer.headers["location"] == "/settings/site/people"
    assert "Nobody is waiting." in text_of(await browser.get("/settings/site/people"))
    assert (await browser.submit(f"/settings/site/people/{nina}/approve")).status_code == 404

    browser.client.cookies.clear()
    browser.client.cookies.set("__Host-session", cookie)
    assert (await browser.get("/settings")).status_code == 200
    await worker.settle()
    assert any(mail["To"] == "nina@roseau.test" for mail in read_mails(server))


async def test_a_request_is_refused_after_a_second_thought(browser: Browser, cast: Any, server: Any) -> None:
    set_up(server, registrations="approval")
    await browser.submit("/sign_up", on="/sign_up", reason="Buy now", **NINA)
    browser.client.cookies.clear()
    browser.sign_in(cast.olga)
    await browser.get("/settings/site/people")
    path = f"/settings/site/people/{account_of(server, 'nina')}/reject"
    asked = await browser.submit(path)
    assert "Refuse this request?" in text_of(asked)
    assert server.database.read_now(list_waiting)
    await browser.submit(path, confirmed="1")
    assert server.database.read_now(list_waiting) == []
    assert account_of(server, "nina") is None


async def test_an_address_is_confirmed_by_a_link_and_a_press(
    browser: Browser, server: Any, worker: Any
) -> None:
    set_up(server, mail_confirmation=True)
    await browser.submit("/sign_up", on="/sign_up", **NINA)
    page = text_of(await browser.get("/sign_up/waiting"))
    assert "We sent a mail to nina@roseau.test." in page
    await worker.settle()
    path = link_in(read_mails(server)[-1])
    for _ in range(2):
        # Whatever opens links confirms nothing.
        assert (await browser.get(path)).status_code == 200
    assert (await browser.get("/settings")).status_code == 303
    answer = await browser.submit(path, on=path)
    assert answer.headers["location"] == "/home"
    assert (await browser.get("/settings")).status_code == 200
    assert (await browser.get(path)).status_code == 410
    assert (await browser.submit(path, on="/settings")).status_code == 410


async def test_the_mail_is_sent_again_and_to_a_corrected_address(
    browser: Browser, cast: Any, server: Any, worker: Any
) -> None:
    set_up(server, mail_confirmation=True)
    taken = f"{cast.ada.username}@roseau.test"
    await browser.submit("/sign_up", on="/sign_up", **NINA)
    wrong = await browser.submit("/sign_up/confirmation", on="/sign_up/waiting", email="nobody")
    assert wrong.status_code == 422 and 'value="nobody"' in wrong.text
    assert (await browser.submit("/sign_up/confirmation", email=taken)).status_code == 422
    answer = await browser.submit("/sign_up/confirmation", email="nina@new.test")
    assert answer.headers["location"] == "/sign_up/waiting"
    await worker.settle()
    mails = {mail["To"]: mail for mail in read_mails(server)}
    assert set(mails) == {"nina@roseau.test", "nina@new.test"}
    assert (await browser.get(link_in(mails["nina@roseau.test"]))).status_code == 410
    path = link_in(mails["nina@new.test"])
    await browser.submit(path, on=path)
    assert (await browser.get("/settings")).status_code == 200


async def test_nobody_floods_the_door(browser: Browser, server: Any, at: Any) -> None:
    at(0)
    set_up(server, rate_limits=True)
    statuses = [
        (await browser.submit("/sign_up", on="/sign_up", username="a b")).status_code for _ in range(7)
    ]
    assert statuses == [422] * 5 + [429] * 2


RUBBISH = ("", "x" * 100_000, "𝔫𝔦𝔫𝔞", "<script>alert(1)</script>", "../../x", "\u202enina", "é\n\r")


@pytest.mark.parametrize("field", ["username", "email", "password", "reason", "time_zone", "invite_code"])
async def test_no_rubbish_makes_the_form_fail(browser: Browser, field: str) -> None:
    for number, value in enumerate(RUBBISH):
        person = {**NINA, "username": f"nina{number}", "email": f"nina{number}@roseau.test", field: value}
        answer = await browser.submit("/sign_up", on="/sign_up", **person)
        assert answer.status_code in (303, 422), value
        assert "<script>alert" not in answer.text
        browser.client.cookies.clear()
