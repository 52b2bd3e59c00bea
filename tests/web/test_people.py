"""What members do about others: each button, without and with htmx, and what is asked first."""

import re
from typing import Any

import pytest

from roseau.domain.relationships.loading import load_relationship
from roseau.domain.relationships.marks import MAX_NOTE
from roseau.kernel import clock
from tests.api.acting import block, follow
from tests.web.conftest import Browser, text_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def ada(cast: Any, browser: Browser) -> Any:
    """Who is signed in."""
    browser.sign_in(cast.ada)
    return cast.ada


def between(server: Any, one: Any, other: Any) -> Any:
    """What the first has done about the other."""
    return server.database.read_now(load_relationship, one.id, other.id)


async def press(browser: Browser, member: Any, verb: str, **fields: Any) -> Any:
    """Press a button on the member's profile."""
    where = f"/@{member.username}"
    return await browser.submit(f"/accounts/{member.id}/{verb}", on=where, back=where, **fields)


async def test_following_and_back(browser: Browser, ada: Any, cast: Any, server: Any) -> None:
    answer = await press(browser, cast.bob, "follow")
    assert (answer.status_code, answer.headers["location"]) == (303, "/@bob")
    assert between(server, ada, cast.bob).following
    assert "You follow @bob." in text_of(await browser.get("/@bob"))
    await press(browser, cast.bob, "unfollow")
    assert not between(server, ada, cast.bob).following
    assert "You do not follow @bob any more." in text_of(await browser.get("/@bob"))


async def test_a_locked_account_is_asked_and_the_request_withdrawn(
    browser: Browser, ada: Any, cast: Any, server: Any
) -> None:
    await press(browser, cast.zoe, "follow")
    assert between(server, ada, cast.zoe).requested
    page = text_of(await browser.get("/@zoe"))
    assert "You have asked to follow @zoe." in page and "Withdraw the request" in page
    await press(browser, cast.zoe, "unfollow")
    assert not between(server, ada, cast.zoe).requested


async def test_htmx_gets_the_button_again(browser: Browser, ada: Any, cast: Any, server: Any) -> None:
    await browser.get("/@bob")
    answer = await browser.client.post(
        f"/accounts/{cast.bob.id}/follow",
        data={"csrf": browser.csrf},
        headers={"HX-Request": "true", "HX-Current-URL": "https://roseau.test/@bob"},
    )
    assert answer.status_code == 200 and "<html" not in answer.text
    assert f"/accounts/{cast.bob.id}/unfollow" in answer.text
    assert "You follow @bob." in text_of(answer) and "#dire" in answer.text
    assert 'name="back" value="/@bob"' in answer.text


async def test_the_terms_of_a_follow(browser: Browser, ada: Any, cast: Any, server: Any) -> None:
    follow(server, ada, cast.bob)
    await press(browser, cast.bob, "follow", notify="1")
    await press(browser, cast.bob, "follow", reblogs="0")
    found = between(server, ada, cast.bob)
    assert (found.notify, found.reblogs) == (True, False)
    assert "What @bob boosts stays out of your home." in text_of(await browser.get("/@bob"))


async def test_blocking_asks_first(browser: Browser, ada: Any, cast: Any, server: Any) -> None:
    follow(server, cast.bob, ada)
    asked = await press(browser, cast.bob, "block")
    assert asked.status_code == 200 and "Block @bob?" in text_of(asked)
    assert 'name="confirmed" value="1"' in asked.text and 'name="back" value="/@bob"' in asked.text
    assert not between(server, ada, cast.bob).blocking
    answer = await press(browser, cast.bob, "block", confirmed="1")
    assert answer.headers["location"] == "/@bob"
    found = between(server, ada, cast.bob)
    assert found.blocking and not found.followed_by
    await press(browser, cast.bob, "unblock")
    assert not between(server, ada, cast.bob).blocking


async def test_muting_asks_for_how_long(browser: Browser, ada: Any, cast: Any, server: Any) -> None:
    asked = await press(browser, cast.bob, "mute")
    assert asked.status_code == 200 and 'name="duration" value="86400"' in asked.text
    assert not between(server, ada, cast.bob).muting
    await press(browser, cast.bob, "mute", duration="86400")
    found = between(server, ada, cast.bob)
    assert found.muting and not found.muting_notifications
    assert abs(found.muting_expires_at - clock.now() - clock.DAY) < clock.MINUTE
    await press(browser, cast.bob, "mute", duration="0", notifications="1")
    found = between(server, ada, cast.bob)
    assert found.muting_notifications and found.muting_expires_at is None
    await press(browser, cast.bob, "unmute")
    assert not between(server, ada, cast.bob).muting


async def test_a_page_that_asks_can_be_left_for_the_one_before(browser: Browser, ada: Any, cast: Any) -> None:
    for verb in ("mute", "block"):
        asked = await press(browser, cast.bob, verb)
        assert set(re.findall(r'name="back" value="([^"]*)"', asked.text)) == {"/@bob"}
        assert '<a class="btn quiet" href="/@bob">' in asked.text


@pytest.mark.parametrize("duration", ["-1", "soon", "9" * 30])
async def test_no_other_length_of_time(
    browser: Browser, ada: Any, cast: Any, server: Any, duration: str
) -> None:
    assert (await press(browser, cast.bob, "mute", duration=duration)).status_code == 422
    assert not between(server, ada, cast.bob).muting


async def test_a_follower_is_removed(browser: Browser, ada: Any, cast: Any, server: Any) -> None:
    follow(server, cast.bob, ada)
    await press(browser, cast.bob, "remove_follower")
    assert not between(server, cast.bob, ada).following


async def test_a_note_is_kept_shown_and_removed(browser: Browser, ada: Any, cast: Any, server: Any) -> None:
    await press(browser, cast.bob, "note", comment="Met at the <b>river</b>")
    page = await browser.get("/@bob")
    assert "Your private note: Met at the <b>river</b>" in text_of(page)
    assert "<b>river</b>" not in page.text
    await press(browser, cast.bob, "note", comment=" ")
    assert between(server, ada, cast.bob).note == ""


async def test_a_note_that_is_too_long_comes_back_whole(browser: Browser, ada: Any, cast: Any) -> None:
    comment = "a" * (MAX_NOTE + 1)
    answer = await press(browser, cast.bob, "note", comment=comment)
    assert answer.status_code == 422
    assert comment in answer.text and f"{MAX_NOTE} characters at most" in text_of(answer)


@pytest.mark.parametrize(
    "verb", ["follow", "unfollow", "block", "unblock", "mute", "unmute", "remove_follower", "note"]
)
@pytest.mark.parametrize("who", ["0", "x", "999999999999", "9" * 25])
async def test_nobody_is_not_found(browser: Browser, ada: Any, verb: str, who: str) -> None:
    answer = await browser.submit(f"/accounts/{who}/{verb}", on="/search", confirmed="1", duration="0")
    assert answer.status_code == 404


async def test_oneself_and_who_blocks_cannot_be_followed(
    browser: Browser, ada: Any, cast: Any, server: Any
) -> None:
    assert (await press(browser, ada, "follow")).status_code == 403
    assert (await press(browser, ada, "block", confirmed="1")).status_code == 403
    block(server, cast.bob, ada)
    assert (await press(browser, cast.bob, "follow")).status_code == 403


async def test_visitors_are_led_to_sign_in(browser: Browser, cast: Any) -> None:
    answer = await press(browser, cast.bob, "follow")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign_in?back=/@bob")


async def test_no_other_site_is_returned_to(browser: Browser, ada: Any, cast: Any) -> None:
    where = f"/accounts/{cast.bob.id}/follow"
    answer = await browser.submit(where, on="/@bob", back="https://elsewhere.test/")
    assert answer.headers["location"] == "/@bob"


# Requests


@pytest.fixture
async def zoe(browser: Browser, cast: Any, server: Any) -> Any:
    """Zoe, whose account is locked, is signed in; Bob asks to follow her."""
    follow(server, cast.bob, cast.zoe)
    browser.sign_in(cast.zoe)
    return cast.zoe


async def test_a_request_is_granted(browser: Browser, zoe: Any, cast: Any, server: Any) -> None:
    page = await browser.get("/follow_requests")
    assert f"/follow_requests/{cast.bob.id}/authorize" in page.text
    answer = await browser.submit(f"/follow_requests/{cast.bob.id}/authorize", back="/follow_requests")
    assert answer.headers["location"] == "/follow_requests"
    assert between(server, cast.bob, zoe).following
    page = text_of(await browser.get("/follow_requests"))
    assert "@bob follows you now." in page and "Nobody is waiting." in page


async def test_a_request_is_refused_in_place(browser: Browser, zoe: Any, cast: Any, server: Any) -> None:
    await browser.get("/follow_requests")
    answer = await browser.client.post(
        f"/follow_requests/{cast.bob.id}/reject", data={"csrf": browser.csrf}, headers={"HX-Request": "true"}
    )
    assert answer.status_code == 200 and "@bob does not get to follow you." in text_of(answer)
    found = between(server, cast.bob, zoe)
    assert not found.following and not found.requested


async def test_only_who_asked_is_let_in(browser: Browser, zoe: Any, cast: Any, server: Any) -> None:
    answer = await browser.submit(f"/follow_requests/{cast.ada.id}/authorize", on="/follow_requests")
    assert answer.status_code == 404
    assert not between(server, cast.ada, zoe).following
