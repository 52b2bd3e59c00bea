"""Signing in, sessions, the second factor, passwords and addresses: as the pages will use them."""

import re
from email import message_from_bytes, policy
from typing import Any

import pyotp
import pytest
from sqlalchemy import select, update

from roseau.domain.accounts.confirmation import ask_address_change, confirm_address, find_confirmation
from roseau.domain.accounts.recovery import (
    ask_password_reset,
    change_password,
    find_password_reset,
    reset_password,
)
from roseau.domain.accounts.second_factor import (
    disable_totp,
    enable_totp,
    find_offer,
    find_second_factor,
    offer_totp,
    renew_recovery_codes,
)
from roseau.domain.accounts.sessions import (
    find_session,
    is_stale,
    list_sessions,
    revoke_session,
    revoke_sessions,
    touch_session,
)
from roseau.domain.accounts.signin import (
    CodeNeeded,
    Proven,
    SignedIn,
    find_half_signed_in,
    sign_in,
    sign_in_with_code,
)
from roseau.doors.passwords import hash_password, prove_own_password, prove_password
from roseau.kernel import clock, keys
from roseau.kernel.errors import Forbidden, Gone, Invalid, NotFound, TooMany
from roseau.kernel.i18n import translations
from roseau.settings import Settings
from roseau.storage.schema.accounts import accounts, recovery_codes, sessions, users
from roseau.storage.schema.site import one_time_links
from roseau.storage.statements import statement

pytestmark = pytest.mark.anyio

PASSWORD = "correct horse"


@pytest.fixture
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """The usual settings, with changes where a test asks for them."""
    values = {name: getattr(settings, name) for name in settings.__struct_fields__}
    return Settings(**values | getattr(request, "param", {}))


@pytest.fixture(scope="module")
def password_hash() -> str:
    """A hash of the password, made once: it takes its time."""
    return keys.hash_password(PASSWORD)


@pytest.fixture
def nora(cast: Any, password_hash: str) -> Any:
    """A member with a password."""
    return cast.join("nora", password_hash=password_hash)


async def prove(server: Any, name: str = "nora", password: str = PASSWORD) -> Proven:
    """The first half of signing in."""
    return await prove_password(server, name, password, "192.0.2.1")


async def enter(server: Any, user_agent: str = "") -> SignedIn:
    """Sign in without a second factor."""
    signed_in = await server.database.write(sign_in, await prove(server), user_agent)
    assert isinstance(signed_in, SignedIn)
    return signed_in


def ask(server: Any, function: Any, *arguments: Any) -> Any:
    """Read."""
    return server.database.read_now(function, *arguments)


def do(server: Any, function: Any, *arguments: Any, **options: Any) -> Any:
    """Write."""
    return server.database.write_now(function, *arguments, **options)


async def newest_mails(server: Any, worker: Any, count: int = 1) -> list[Any]:
    """The last mails that were sent."""
    await worker.settle()
    files = sorted((server.folder / "mail").glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
    return [message_from_bytes(path.read_bytes(), policy=policy.default) for path in files[-count:]]


def token_in(mail: Any, path: str) -> str:
    """The token of the mail's link."""
    found = re.search(rf"{path}/([\w-]+)", mail.get_body(("plain",)).get_content())
    assert found
    return found[1]


# The password


@pytest.mark.parametrize("name", ["nora", "NORA", "@nora", " nora ", "Nora@Roseau.test"])
async def test_the_name_or_the_address_will_do(server: Any, nora: Any, name: str) -> None:
    proven = await prove(server, name)
    assert proven.account_id == nora.id
    signed_in = do(server, sign_in, proven, "A browser")
    session = ask(server, find_session, signed_in.token)
    assert (session.account_id, session.in_order, session.role) == (nora.id, True, "member")


@pytest.mark.parametrize(
    ("name", "password"),
    [("nora", "wrong"), ("nora", ""), ("nobody", PASSWORD), ("", ""), ("ada", ""), ("ada", PASSWORD)],
)
async def test_a_wrong_name_and_a_wrong_password_are_told_alike(
    server: Any, cast: Any, nora: Any, name: str, password: str
) -> None:
    assert cast.ada.id  # Ada has no password at all.
    with pytest.raises(Invalid, match="The name or the password is wrong"):
        await prove(server, name, password)


async def test_what_was_proven_is_void_once_the_password_changes(server: Any, nora: Any) -> None:
    proven = await prove(server)
    do(server, change_password, server.site, proven, await hash_password("another password"))
    with pytest.raises(Invalid):
        do(server, sign_in, proven)


@pytest.mark.parametrize("column", ["disabled_at", "deleted_at"])
async def test_who_is_shut_out_does_not_get_in(server: Any, nora: Any, column: str) -> None:
    token = (await enter(server)).token
    table = users if column == "disabled_at" else accounts
    key = table.c.account_id if table is users else table.c.id
    shut = statement(update(table).where(key == nora.id).values({column: 1}))
    proven = await prove(server)
    do(server, lambda tx: tx.run(shut))
    with pytest.raises((Forbidden, Invalid)):
        do(server, sign_in, proven)
    session = ask(server, find_session, token)
    assert session is None or not session.in_order


async def test_who_is_suspended_gets_in_and_may_do_nothing(server: Any, nora: Any) -> None:
    shut = statement(update(accounts).where(accounts.c.id == nora.id).values(suspended_at=1))
    do(server, lambda tx: tx.run(shut))
    session = ask(server, find_session, (await enter(server)).token)
    assert session.suspended_at == 1 and not session.in_order


@pytest.mark.parametrize("settings", [{"rate_limits": True}], indirect=True, ids=[""])
async def test_attempts_are_counted_for_the_name_and_for_the_address(server: Any, nora: Any) -> None:
    for number in range(25):
        with pytest.raises(Invalid):
            await prove_password(server, "nora", "", f"192.0.2.{number}")
    with pytest.raises(TooMany):
        await prove_password(server, "Nora ", PASSWORD, "192.0.2.99")
    for number in range(25):
        with pytest.raises(Invalid):
            await prove_password(server, f"n{number}", "", "198.51.100.1")
    with pytest.raises(TooMany):
        await prove_password(server, "somebody", "", "198.51.100.1")


# Sessions


async def test_sessions_are_listed_and_ended_by_their_owner(server: Any, cast: Any, nora: Any) -> None:
    first, second = (await enter(server, "One")).token, (await enter(server, "Two" * 200)).token
    rows = ask(server, list_sessions, nora.id)
    assert [row.user_agent for row in rows] == [("Two" * 200)[:300], "One"]
    with pytest.raises(NotFound):
        do(server, revoke_session, cast.bob.id, rows[1].id)
    do(server, revoke_session, nora.id, rows[1].id)
    with pytest.raises(NotFound):
        do(server, revoke_session, nora.id, rows[1].id)
    assert ask(server, find_session, first) is None
    assert ask(server, find_session, second) is not None
    third = (await enter(server)).token
    do(server, revoke_sessions, nora.id, keep=ask(server, find_session, third).id)
    assert ask(server, find_session, second) is None
    assert [row.user_agent for row in ask(server, list_sessions, nora.id)] == [""]
    assert ask(server, find_session, "made up") is None


async def test_use_is_noted_by_the_hour_and_a_session_ends_when_idle(server: Any, nora: Any, at: Any) -> None:
    token = (await enter(server)).token
    session = ask(server, find_session, token)
    assert not is_stale(session)
    at(3_601)
    assert is_stale(session)
    do(server, touch_session, session)
    touched = ask(server, find_session, token)
    assert not is_stale(touched)
    assert touched.last_used_at - session.last_used_at >= clock.HOUR
    active = statement(select(users.c.last_active_on).where(users.c.account_id == nora.id))
    day = ask(server, lambda tx: tx.value(active))
    assert day is not None and day % clock.DAY == 0
    at(3_602 + 180 * 86_400)
    assert ask(server, find_session, token) is None
    assert ask(server, list_sessions, nora.id) == []


# The second factor


def code_of(secret: str) -> str:
    """What the app shows now."""
    return pyotp.TOTP(secret).at(clock.now() // 1000)


def turn_on(server: Any, member: Any) -> tuple[str, list[str]]:
    """Turn the second factor on; the secret and the recovery codes."""
    offer = do(server, offer_totp, server.site, member.id)
    return offer.secret, do(server, enable_totp, server.site, member.id, code_of(offer.secret))


async def half(server: Any) -> str:
    """Give the right password; the ticket for the code."""
    needed = do(server, sign_in, await prove(server))
    assert isinstance(needed, CodeNeeded)
    return needed.ticket


async def test_the_second_factor_counts_once_a_code_was_seen(
    server: Any, worker: Any, nora: Any, at: Any
) -> None:
    assert ask(server, find_offer, server.site, nora.id) is None
    offer = do(server, offer_totp, server.site, nora.id)
    assert offer.uri.startswith("otpauth://totp/Roseau:nora%40roseau.test?")
    assert ask(server, find_offer, server.site, nora.id) == offer
    with pytest.raises(Invalid, match="code"):
        do(server, enable_totp, server.site, nora.id, "000000")
    await enter(server)
    codes = do(server, enable_totp, server.site, nora.id, code_of(offer.secret))
    assert len(codes) == len(set(codes)) == 10
    standing = ask(server, find_second_factor, nora.id)
    assert standing.enabled_at is not None and standing.recovery_codes == 10
    with pytest.raises(Invalid):
        do(server, offer_totp, server.site, nora.id)
    with pytest.raises(NotFound):
        do(server, enable_totp, server.site, nora.id, code_of(offer.secret))
    assert "Two-factor sign-in is on" in (await newest_mails(server, worker))[0]["subject"]

    ticket = await half(server)
    assert ask(server, find_half_signed_in, ticket) == nora.id
    # The code that turned it on was used by that.
    with pytest.raises(Invalid):
        do(server, sign_in_with_code, server.site, ticket, code_of(offer.secret))
    at(30)
    code = code_of(offer.secret)
    signed_in = do(server, sign_in_with_code, server.site, ticket, f" {code[:3]} {code[3:]}", "Phone")
    assert ask(server, find_session, signed_in.token).account_id == nora.id
    with pytest.raises(Gone):
        do(server, sign_in_with_code, server.site, ticket, code)
    # Nor does a code work twice with another ticket.
    with pytest.raises(Invalid):
        do(server, sign_in_with_code, server.site, await half(server), code)


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "-12345"])
async def test_what_is_no_code_is_refused(server: Any, nora: Any, code: str) -> None:
    turn_on(server, nora)
    with pytest.raises(Invalid):
        do(server, sign_in_with_code, server.site, await half(server), code)


async def test_codes_next_to_the_present_are_taken_and_older_ones_not(
    server: Any, nora: Any, at: Any
) -> None:
    secret, _ = turn_on(server, nora)
    at(3_600)
    late = pyotp.TOTP(secret).at(clock.now() // 1000 - 90)
    with pytest.raises(Invalid):
        do(server, sign_in_with_code, server.site, await half(server), late)
    for shift in (-30, 30):
        near = pyotp.TOTP(secret).at(clock.now() // 1000 + shift)
        assert do(server, sign_in_with_code, server.site, await half(server), near).account_id == nora.id


async def test_a_recovery_code_works_once(server: Any, nora: Any) -> None:
    _, codes = turn_on(server, nora)
    do(server, sign_in_with_code, server.site, await half(server), f" {codes[0].upper()} ")
    assert ask(server, find_second_factor, nora.id).recovery_codes == 9
    with pytest.raises(Invalid):
        do(server, sign_in_with_code, server.site, await half(server), codes[0])
    fresh = do(server, renew_recovery_codes, server.site, nora.id)
    with pytest.raises(Invalid):
        do(server, sign_in_with_code, server.site, await half(server), codes[1])
    do(server, sign_in_with_code, server.site, await half(server), fresh[1])


async def test_a_ticket_lasts_ten_minutes_and_dies_with_the_password(server: Any, nora: Any, at: Any) -> None:
    _, codes = turn_on(server, nora)
    ticket = await half(server)
    do(server, change_password, server.site, await prove(server), keys.hash_password("another password"))
    with pytest.raises(Invalid):
        do(server, sign_in_with_code, server.site, ticket, codes[0])
    needed = do(server, sign_in, await prove(server, password="another password"))
    at(601)
    assert ask(server, find_half_signed_in, needed.ticket) is None
    with pytest.raises(Gone):
        do(server, sign_in_with_code, server.site, needed.ticket, codes[0])


async def test_turned_off_the_password_is_enough_again(server: Any, worker: Any, nora: Any) -> None:
    turn_on(server, nora)
    do(server, disable_totp, server.site, nora.id)
    standing = ask(server, find_second_factor, nora.id)
    assert (standing.enabled_at, standing.recovery_codes) == (None, 0)
    await enter(server)
    subjects = [mail["subject"] for mail in await newest_mails(server, worker, 2)]
    assert sorted(subjects) == ["Roseau – Two-factor sign-in is off", "Roseau – Two-factor sign-in is on"]


# Passwords


async def test_a_changed_password_ends_the_other_sessions(server: Any, worker: Any, nora: Any) -> None:
    kept, other = (await enter(server)).token, (await enter(server)).token
    with pytest.raises(Invalid):
        await prove_own_password(server, nora.id, "wrong")
    proven = await prove_own_password(server, nora.id, PASSWORD)
    session = ask(server, find_session, kept)
    hashed = await hash_password("another password")
    do(server, change_password, server.site, proven, hashed, keep_session=session.id)
    assert ask(server, find_session, kept) is not None
    assert ask(server, find_session, other) is None
    assert (await prove(server, password="another password")).account_id == nora.id
    with pytest.raises(Invalid):
        await prove(server)
    assert "Your password was changed" in (await newest_mails(server, worker))[0]["subject"]


async def test_a_forgotten_password_is_reset_by_mail_and_throws_everybody_out(
    client: Any, server: Any, worker: Any, nora: Any
) -> None:
    token = (await enter(server)).token
    assert (await client.get("/api/v1/preferences", headers=nora.auth)).status_code == 200
    do(server, ask_password_reset, server.site, " NORA@roseau.test")
    (mail,) = await newest_mails(server, worker)
    assert mail["to"] == "nora@roseau.test"
    link = token_in(mail, "/password/reset")
    assert ask(server, find_password_reset, link) == nora.id
    assert do(server, reset_password, server.site, link, keys.hash_password("another password")) == nora.id
    assert ask(server, find_session, token) is None
    refused = await client.get("/api/v1/preferences", headers=nora.auth)
    assert refused.json() == {"error": "The access token was revoked"}
    assert (await prove(server, password="another password")).account_id == nora.id
    assert ask(server, find_password_reset, link) is None
    with pytest.raises(Gone):
        do(server, reset_password, server.site, link, "x")


async def test_an_unknown_address_gets_no_mail(server: Any, worker: Any, nora: Any) -> None:
    do(server, ask_password_reset, server.site, "nobody@roseau.test")
    assert await newest_mails(server, worker) == []


async def test_only_the_newest_reset_link_opens_and_only_for_two_hours(
    server: Any, worker: Any, nora: Any, at: Any
) -> None:
    do(server, ask_password_reset, server.site, "nora@roseau.test")
    (first,) = await newest_mails(server, worker)
    do(server, ask_password_reset, server.site, "nora@roseau.test")
    (second,) = await newest_mails(server, worker)
    assert ask(server, find_password_reset, token_in(first, "/password/reset")) is None
    link = token_in(second, "/password/reset")
    assert ask(server, find_password_reset, link) == nora.id
    at(7_201)
    with pytest.raises(Gone):
        do(server, reset_password, server.site, link, "x")


# Addresses


async def test_a_new_address_counts_once_it_is_confirmed(
    server: Any, worker: Any, cast: Any, nora: Any
) -> None:
    proven = await prove(server)
    for taken in ("ada@roseau.test", "nonsense", ""):
        assert cast.ada.id
        with pytest.raises(Invalid):
            do(server, ask_address_change, server.site, proven, taken)
    do(server, ask_password_reset, server.site, "nora@roseau.test")
    (reset,) = await newest_mails(server, worker)
    do(server, ask_address_change, server.site, proven, " nora@elsewhere.test ")
    told = {mail["to"]: mail for mail in await newest_mails(server, worker, 2)}
    assert sorted(told) == ["nora@elsewhere.test", "nora@roseau.test"]
    assert "nora@elsewhere.test" in told["nora@roseau.test"].get_body(("plain",)).get_content()
    assert (await prove(server, "nora@roseau.test")).account_id == nora.id
    link = token_in(told["nora@elsewhere.test"], "/confirm")
    assert ask(server, find_confirmation, link).detail == "nora@elsewhere.test"
    assert do(server, confirm_address, server.site, link) == nora.id
    assert (await prove(server, "nora@elsewhere.test")).account_id == nora.id
    with pytest.raises(Invalid):
        await prove(server, "nora@roseau.test")
    (notice,) = await newest_mails(server, worker)
    assert (notice["to"], "was changed" in notice["subject"]) == ("nora@roseau.test", True)
    # What lies in the old mailbox opens nothing any more.
    assert ask(server, find_password_reset, token_in(reset, "/password/reset")) is None
    with pytest.raises(Gone):
        do(server, confirm_address, server.site, link)


async def test_an_address_that_was_taken_meanwhile_is_refused(
    server: Any, worker: Any, cast: Any, nora: Any
) -> None:
    do(server, ask_address_change, server.site, await prove(server), "bob@roseau.test")
    told = {mail["to"]: mail for mail in await newest_mails(server, worker, 2)}
    assert cast.bob.id
    with pytest.raises(Invalid):
        do(server, confirm_address, server.site, token_in(told["bob@roseau.test"], "/confirm"))


# What is written down


async def test_nothing_that_opens_an_account_is_kept_in_the_clear(server: Any, nora: Any) -> None:
    token = (await enter(server)).token
    secret, codes = turn_on(server, nora)
    ticket = await half(server)
    tables = (users, sessions, recovery_codes, one_time_links)
    rows = ask(server, lambda tx: repr([tx.all(statement(select(*table.c))) for table in tables]))
    hashes = [keys.hash_token(code) for code in codes]
    assert not [known for known in (token, secret, ticket, PASSWORD, *codes, *hashes) if known in rows]


async def test_mails_speak_the_members_language(
    server: Any, cast: Any, worker: Any, password_hash: str
) -> None:
    cast.join("luce", password_hash=password_hash, locale="fr")
    do(server, ask_password_reset, server.site, "luce@roseau.test")
    (mail,) = await newest_mails(server, worker)
    assert '<html lang="fr">' in mail.get_body(("html",)).get_content()
    assert translations("fr").gettext("Choose a new password") in mail["subject"]
    assert "Choose" not in mail.get_body(("plain",)).get_content()
