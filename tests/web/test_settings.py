"""The settings of members: each page, what it saves, what it refuses."""

import io
import re
from typing import Any

import pyotp
import pytest
from PIL import Image

from roseau.domain.accounts.loading import load_account
from roseau.domain.accounts.preferences import load_preferences
from roseau.domain.accounts.second_factor import find_second_factor
from roseau.domain.accounts.sessions import list_sessions, open_session
from roseau.domain.relationships.blocking import block_account, mute_account
from roseau.kernel import clock
from roseau.web.pages.settings import time_zones
from tests.web.conftest import PASSWORD, PASSWORD_HASH, Browser, link_in, read_mails, text_of

pytestmark = pytest.mark.anyio

PAGES = (
    "", "/profile", "/appearance", "/privacy", "/language", "/security", "/mutes", "/blocks", "/apps",
    "/invites", "/delete",
)  # fmt: skip


@pytest.fixture
def nina(cast: Any, browser: Browser) -> Any:
    """Somebody with a password, who is signed in."""
    member = cast.join("nina", password_hash=PASSWORD_HASH)
    browser.sign_in(member)
    return member


def account_of(server: Any, member: Any) -> Any:
    """The member's account as others see it."""
    return server.database.read_now(load_account, member.id).account


def preferences_of(server: Any, member: Any) -> Any:
    """What the member prefers."""
    return server.database.read_now(load_preferences, member.id)


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_every_page_opens(browser: Browser, nina: Any, language: str) -> None:
    for path in PAGES:
        answer = await browser.get(f"/settings{path}", headers={"Accept-Language": language})
        assert answer.status_code == 200, path


# Preferences


async def test_appearance_is_saved_and_drawn(browser: Browser, nina: Any, server: Any) -> None:
    await browser.submit(
        "/settings/appearance", on="/settings/appearance",
        theme="dark", text_size="larger", expand_media="hide_all", reduce_motion="1", slow_connection="1",
    )  # fmt: skip
    chosen = preferences_of(server, nina)
    assert (chosen.theme, chosen.text_size, chosen.expand_media) == ("dark", "larger", "hide_all")
    assert (chosen.reduce_motion, chosen.slow_connection, chosen.shortcuts) == (True, True, False)
    page = await browser.get("/settings/appearance")
    assert 'data-theme="dark"' in page.text and 'data-shortcuts="off"' in page.text
    assert re.search(r'value="larger" checked', page.text)


async def test_what_a_post_starts_with(browser: Browser, nina: Any, server: Any) -> None:
    await browser.submit(
        "/settings/privacy", on="/settings/privacy",
        default_privacy="private", default_language="oc", default_local_only="1", default_sensitive="1",
        default_content_type="text/markdown",
    )  # fmt: skip
    chosen = preferences_of(server, nina)
    assert (chosen.default_privacy, chosen.default_language) == ("private", "oc")
    assert (chosen.default_local_only, chosen.default_sensitive) == (True, True)
    assert chosen.default_content_type == "text/markdown"
    await browser.submit("/settings/privacy", default_privacy="public", default_language="")
    assert preferences_of(server, nina).default_language is None


@pytest.mark.parametrize(
    ("page", "fields"),
    [
        ("appearance", {"theme": "pink"}),
        ("appearance", {"text_size": "1000px"}),
        ("privacy", {"default_privacy": "everyone"}),
        ("privacy", {"default_content_type": "text/html"}),
        ("language", {"locale": "tlh", "time_zone": "Europe/Paris"}),
        ("language", {"locale": "fr", "time_zone": "Mars/Olympus"}),
        ("language", {"locale": "fr", "time_zone": "../../etc/passwd"}),
    ],
)
async def test_what_does_not_exist_is_not_saved(
    browser: Browser, nina: Any, server: Any, page: str, fields: dict[str, str]
) -> None:
    before = preferences_of(server, nina)
    answer = await browser.submit(f"/settings/{page}", on=f"/settings/{page}", **fields)
    assert answer.status_code == 422
    assert preferences_of(server, nina) == before


async def test_the_language_of_a_member_goes_with_the_account(browser: Browser, nina: Any) -> None:
    answer = await browser.submit(
        "/settings/language", on="/settings/language", locale="fr", time_zone="Europe/Paris"
    )
    assert answer.headers["location"] == "/settings/language"
    page = await browser.get("/settings/language", headers={"Accept-Language": "en"})
    assert '<html lang="fr"' in page.text
    assert re.search(r'value="Europe/Paris" selected', page.text)
    browser.client.cookies.delete("locale")
    await browser.submit("/settings/language", locale="en", back="/about")
    assert '<html lang="en"' in (await browser.get("/settings")).text


async def test_the_language_of_a_visitor_is_kept_in_a_cookie(browser: Browser) -> None:
    answer = await browser.submit("/settings/language", on="/about", locale="fr", back="/about")
    assert answer.headers["location"] == "/about"
    assert '<html lang="fr"' in (await browser.get("/about", headers={"Accept-Language": "en"})).text
    await browser.submit("/settings/language", locale="tlh", back="/about")
    assert '<html lang="fr"' in (await browser.get("/about")).text


def test_zones_are_places() -> None:
    assert {"Europe/Paris", "America/Martinique", "UTC"} <= set(time_zones())
    assert not any(name.startswith("Etc/") for name in time_zones())


# Profile


def picture(size: tuple[int, int] = (40, 30)) -> bytes:
    """A small picture."""
    file = io.BytesIO()
    Image.new("RGB", size, (8, 95, 80)).save(file, "PNG")
    return file.getvalue()


async def test_the_profile_is_saved(browser: Browser, nina: Any, server: Any) -> None:
    answer = await browser.submit(
        "/settings/profile", on="/settings/profile",
        display_name="Nina ☀", note="Gardener. #Reeds", locked="1", discoverable="1", bot="1",
        **{"fields[0][name]": "Garden", "fields[0][value]": "https://garden.test",
           "fields[1][name]": "", "fields[1][value]": ""},
    )  # fmt: skip
    assert answer.headers["location"] == "/settings/profile"
    account = account_of(server, nina)
    assert (account.display_name, account.note) == ("Nina ☀", "Gardener. #Reeds")
    assert (account.locked, account.discoverable, account.bot, account.indexable) == (True, True, True, False)
    assert [(field.name, field.value) for field in account.fields] == [("Garden", "https://garden.test")]
    page = await browser.get("/settings/profile")
    assert 'value="Nina ☀"' in page.text and 'value="https://garden.test"' in page.text


async def test_pictures_are_taken_and_taken_away(browser: Browser, nina: Any, server: Any) -> None:
    await browser.submit(
        "/settings/profile", on="/settings/profile", display_name="Nina",
        avatar_description="Me, in the reeds", avatar=("me.png", picture()),
        header=("reeds.png", picture((300, 100))),
    )  # fmt: skip
    account = account_of(server, nina)
    assert account.avatar and account.header
    assert account.avatar_description == "Me, in the reeds"
    assert server.blobs.path_of(account.avatar).is_file()
    assert "Remove the portrait" in text_of(await browser.get("/settings/profile"))
    await browser.submit("/settings/profile", display_name="Nina", step="remove_avatar")
    account = account_of(server, nina)
    assert (account.avatar, account.avatar_static, account.avatar_description) == ("", "", "")
    assert account.header
    await browser.submit("/settings/profile", display_name="Nina", step="remove_header")
    assert account_of(server, nina).header == ""


async def test_a_broken_picture_keeps_what_was_filled_in(browser: Browser, nina: Any, server: Any) -> None:
    broken = picture()[:60]
    answer = await browser.submit(
        "/settings/profile", on="/settings/profile", display_name="Kept", avatar=("me.png", broken)
    )
    assert answer.status_code == 422
    assert 'value="Kept"' in answer.text and 'id="e-avatar"' in answer.text
    assert account_of(server, nina).display_name == ""


async def test_what_is_no_picture_is_refused(browser: Browser, nina: Any, server: Any) -> None:
    for body in (b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<html><script>", b"x"):
        answer = await browser.submit(
            "/settings/profile", on="/settings/profile", display_name="Kept", avatar=("me.png", body)
        )
        assert answer.status_code == 422
        assert 'id="e-avatar"' in answer.text and 'value="Kept"' in answer.text
    assert account_of(server, nina).avatar == ""


async def test_what_is_too_long_is_said_and_kept(browser: Browser, nina: Any, server: Any) -> None:
    answer = await browser.submit(
        "/settings/profile", on="/settings/profile", display_name="n" * 41, note="y" * 501,
        **{"fields[0][name]": "", "fields[0][value]": "no label"},
    )  # fmt: skip
    assert answer.status_code == 422
    said = text_of(answer)
    assert "A name has 40 characters at most." in said and "500 characters at most." in said
    assert "Each line needs a label." in said
    assert "y" * 501 in answer.text and 'value="no label"' in answer.text
    assert account_of(server, nina).note == ""


# Security


async def test_a_password_is_changed_by_who_knows_it(browser: Browser, nina: Any, server: Any) -> None:
    server.database.write_now(open_session, nina.id, "Another browser")
    wrong = await browser.submit(
        "/settings/security/password",
        on="/settings/security",
        present_password="x",
        password="another good one",
    )
    assert wrong.status_code == 422 and "This is not your password." in text_of(wrong)
    short = await browser.submit("/settings/security/password", present_password=PASSWORD, password="short")
    assert short.status_code == 422 and "at least 8 characters" in text_of(short)
    assert len(server.database.read_now(list_sessions, nina.id)) == 2
    answer = await browser.submit(
        "/settings/security/password", present_password=PASSWORD, password="another good one"
    )
    assert answer.status_code == 303
    assert len(server.database.read_now(list_sessions, nina.id)) == 1
    assert (await browser.get("/settings")).status_code == 200
    again = await browser.submit(
        "/settings/security/password", present_password=PASSWORD, password="yet another one"
    )
    assert again.status_code == 422


async def test_an_address_is_changed_through_the_new_one(
    browser: Browser, nina: Any, server: Any, worker: Any
) -> None:
    wrong = await browser.submit(
        "/settings/security/email", on="/settings/security", present_password="x", email="n@new.test"
    )
    assert wrong.status_code == 422 and 'value="n@new.test"' in wrong.text
    answer = await browser.submit("/settings/security/email", present_password=PASSWORD, email="n@new.test")
    assert answer.status_code == 303
    assert "Now: nina@roseau.test" in text_of(await browser.get("/settings/security"))
    await worker.settle()
    mails = {mail["To"]: mail for mail in read_mails(server)}
    path = link_in(mails["n@new.test"])
    await browser.submit(path, on=path)
    assert "Now: n@new.test" in text_of(await browser.get("/settings/security"))


async def turn_on(browser: Browser) -> tuple[str, list[str]]:
    """Turn the second factor on: the secret, and the recovery codes."""
    answer = await browser.submit(
        "/settings/security/totp/begin", on="/settings/security", present_password=PASSWORD
    )
    assert answer.headers["location"] == "/settings/security/totp"
    page = await browser.get("/settings/security/totp")
    assert page.headers["cache-control"] == "no-store"
    assert "<svg" in page.text and "otpauth://totp/" in page.text
    found = re.search(r'<code class="secret">([A-Z2-7 ]+)</code>', page.text)
    assert found
    secret = found[1].replace(" ", "")
    wrong = await browser.submit("/settings/security/totp", code="000000")
    assert wrong.status_code == 422
    assert secret in wrong.text.replace(" ", "")
    done = await browser.submit("/settings/security/totp", code=pyotp.TOTP(secret).at(clock.now() // 1000))
    assert done.headers["cache-control"] == "no-store"
    return secret, re.findall(r"<li><code>([^<]+)</code>", done.text)


async def test_the_second_factor_is_turned_on_and_off(browser: Browser, nina: Any, server: Any) -> None:
    wrong = await browser.submit(
        "/settings/security/totp/begin", on="/settings/security", present_password="x"
    )
    assert wrong.status_code == 422
    assert (await browser.get("/settings/security/totp")).headers["location"] == "/settings/security"
    _, codes = await turn_on(browser)
    assert len(codes) == len(set(codes)) == 10
    page = text_of(await browser.get("/settings/security"))
    assert "10 recovery codes are left." in page
    assert (await browser.get("/settings/security/totp")).headers["location"] == "/settings/security"
    wrong = await browser.submit("/settings/security/totp/end", on="/settings/security", present_password="x")
    assert wrong.status_code == 422
    assert server.database.read_now(find_second_factor, nina.id).enabled_at
    await browser.submit("/settings/security/totp/end", present_password=PASSWORD)
    assert server.database.read_now(find_second_factor, nina.id).enabled_at is None


async def test_recovery_codes_are_made_anew(browser: Browser, nina: Any) -> None:
    _, codes = await turn_on(browser)
    answer = await browser.submit(
        "/settings/security/recovery_codes", on="/settings/security", present_password=PASSWORD
    )
    fresh = re.findall(r"<li><code>([^<]+)</code>", answer.text)
    assert len(fresh) == 10 and not set(fresh) & set(codes)


async def test_sessions_are_seen_and_ended(browser: Browser, nina: Any, cast: Any, server: Any) -> None:
    other = server.database.write_now(open_session, nina.id, "Firefox on a train")
    server.database.write_now(open_session, nina.id, "A third one")
    page = await browser.get("/settings/security")
    assert "Firefox on a train" in page.text and text_of(page).count("This one") == 1
    row = next(row for row in server.database.read_now(list_sessions, nina.id) if "train" in row.user_agent)
    answer = await browser.submit(f"/settings/security/sessions/{row.id}/revoke")
    assert answer.status_code == 303
    thief = Browser(browser.client, server)
    mine = browser.client.cookies["__Host-session"]
    thief.client.cookies.set("__Host-session", other)
    assert (await thief.get("/settings")).status_code == 303
    browser.client.cookies.set("__Host-session", mine)
    await browser.submit("/settings/security/sessions/end_others", on="/settings/security")
    assert len(server.database.read_now(list_sessions, nina.id)) == 1
    assert (await browser.get("/settings")).status_code == 200


async def test_other_peoples_sessions_and_apps_are_not_there(
    browser: Browser, nina: Any, cast: Any, server: Any
) -> None:
    server.database.write_now(open_session, cast.ada.id)
    (row,) = server.database.read_now(list_sessions, cast.ada.id)
    await browser.get("/settings/security")
    for session_id in (row.id, 1, "x", "9" * 40):
        answer = await browser.submit(f"/settings/security/sessions/{session_id}/revoke")
        assert answer.status_code == 404
    assert server.database.read_now(list_sessions, cast.ada.id) == [row]


# People


async def test_muted_and_blocked_people_are_listed(
    browser: Browser, nina: Any, cast: Any, server: Any
) -> None:
    assert "You mute nobody." in text_of(await browser.get("/settings/mutes"))
    assert "You block nobody." in text_of(await browser.get("/settings/blocks"))
    server.database.write_now(block_account, nina.id, cast.bob.id)
    server.database.write_now(mute_account, nina.id, cast.ada.id)
    mutes = await browser.get("/settings/mutes")
    assert "@ada" in mutes.text and "@bob" not in mutes.text
    assert f'action="/accounts/{cast.ada.id}/unmute"' in mutes.text
    blocks = await browser.get("/settings/blocks")
    assert f'action="/accounts/{cast.bob.id}/unblock"' in blocks.text
    part = await browser.client.get("/settings/blocks", headers={"HX-Request": "true"})
    assert "<html" not in part.text and "@bob" in part.text
    assert "You block nobody." in text_of(await browser.get("/settings/blocks?max_id=1"))


# Leaving


async def test_an_account_is_deleted_by_who_knows_the_password(
    browser: Browser, nina: Any, server: Any
) -> None:
    wrong = await browser.submit("/settings/delete", on="/settings/delete", present_password="x")
    assert wrong.status_code == 422 and "This is not your password." in text_of(wrong)
    assert (await browser.get("/settings")).status_code == 200
    answer = await browser.submit("/settings/delete", on="/settings/delete", present_password=PASSWORD)
    assert answer.headers["location"] == "/"
    page = await browser.get("/")
    assert "Your account is gone." in text_of(page)
    assert (await browser.get("/settings")).status_code == 303
    again = await browser.submit("/sign_in", on="/sign_in", name="nina", password=PASSWORD)
    assert again.status_code == 422


async def test_the_owner_does_not_leave_the_site_alone(browser: Browser, cast: Any) -> None:
    browser.sign_in(cast.join("olaf", role="owner", password_hash=PASSWORD_HASH))
    answer = await browser.submit("/settings/delete", on="/settings/delete", present_password=PASSWORD)
    assert answer.status_code == 422
    assert "Make somebody else its owner first." in text_of(answer)


# Rubbish

RUBBISH = ("", "x" * 100_000, "é\r\n", "<script>alert(1)</script>", "\u202e", "-1", "9" * 40, "[]", "null")


@pytest.mark.parametrize(
    ("path", "names"),
    [
        (
            "/settings/profile",
            ("display_name", "note", "fields", "fields[0][name]", "locked", "avatar", "step"),
        ),
        ("/settings/appearance", ("theme", "shortcuts", "expand_media")),
        ("/settings/privacy", ("default_privacy", "default_language", "default_sensitive")),
        ("/settings/language", ("locale", "time_zone")),
        ("/settings/security/password", ("present_password", "password")),
        ("/settings/security/email", ("present_password", "email")),
        ("/settings/security/totp", ("code",)),
        ("/settings/invites", ("max_uses", "days")),
    ],
)
async def test_no_rubbish_makes_a_form_fail(
    browser: Browser, nina: Any, path: str, names: tuple[str, ...]
) -> None:
    await browser.get("/settings")
    for name in names:
        for value in RUBBISH:
            answer = await browser.submit(path, **{name: value})
            assert answer.status_code in (303, 400, 422), (name, value[:50], answer.status_code)
            assert "<script>alert" not in answer.text
