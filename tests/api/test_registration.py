"""Joining, through the API: every way a site can be open, what is refused, and the mails that follow."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from roseau.domain.accounts.confirmation import confirm_address
from roseau.domain.accounts.invites import create_invite, revoke_invite
from roseau.domain.accounts.signup import approve_sign_up, list_waiting, reject_sign_up
from roseau.domain.site import choose
from roseau.kernel.errors import Gone, NotFound
from roseau.settings import Settings
from roseau.storage.events import list_events
from roseau.storage.schema.accounts import users
from roseau.storage.statements import statement

pytestmark = pytest.mark.anyio

PASSWORD = "correct horse"


@pytest.fixture
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """The usual settings, with what `@open_as(...)` says of this test's site."""
    changes = getattr(request, "param", {})
    values = {name: getattr(settings, name) for name in settings.__struct_fields__} | changes
    return Settings(**values)


def open_as(**changes: Any) -> Any:
    """The test's site has these settings."""
    return pytest.mark.parametrize("settings", [changes], indirect=True, ids=[""])


@pytest.fixture
async def app_token(client: Any) -> dict[str, str]:
    """The header of an application that may sign people up."""
    app = await client.post(
        "/api/v1/apps", data={"client_name": "A", "redirect_uris": "a://b", "scopes": "read write"}
    )
    form = {name: app.json()[name] for name in ("client_id", "client_secret")}
    token = await client.post(
        "/oauth/token", data=form | {"grant_type": "client_credentials", "scope": "read write"}
    )
    return {"Authorization": f"Bearer {token.json()['access_token']}"}


async def apply(client: Any, headers: dict[str, str], **form: Any) -> Any:
    """Sign up as Nora."""
    filled = {"username": "nora", "email": "Nora@roseau.test", "password": PASSWORD, "agreement": True}
    return await client.post("/api/v1/accounts", headers=headers, json=filled | form)


def mails(server: Any) -> list[Any]:
    """The mails that were sent, the first first."""
    folder: Path = server.folder / "mail"
    files = sorted(folder.glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
    return [message_from_bytes(path.read_bytes(), policy=policy.default) for path in files]


def text_of(mail: Any) -> str:
    """The plain part of a mail."""
    return str(mail.get_body(("plain",)).get_content())


def link_in(mail: Any, path: str) -> str:
    """The token of the link to that page."""
    found = re.search(rf"https://roseau\.test{path}/([\w-]+)", text_of(mail))
    assert found, text_of(mail)
    return found[1]


async def test_signing_up_gives_a_token_that_works_at_once(
    client: Any, server: Any, app_token: dict[str, str]
) -> None:
    answer = await apply(client, app_token, locale="fr-CA", reason="I like reeds", time_zone="Europe/Paris")
    assert answer.status_code == 200, answer.text
    token = answer.json()
    assert sorted(token) == ["access_token", "created_at", "scope", "token_type"]
    assert (token["scope"], token["token_type"]) == ("read write", "Bearer")
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    posted = await client.post("/api/v1/statuses", headers=headers, data={"status": "I am here"})
    assert posted.status_code == 200, posted.text
    assert posted.json()["account"]["acct"] == "nora"
    assert posted.json()["account"]["display_name"] == ""
    row = server.database.read_now(lambda tx: tx.one(statement(select(users))))
    assert (row.email, row.email_key) == ("Nora@roseau.test", "nora@roseau.test")
    assert (row.locale, row.time_zone, row.reason) == ("fr", "Europe/Paris", "I like reeds")
    assert row.password_hash.startswith("$argon2id$")
    assert row.rules_accepted_at and row.confirmed_at and row.approved_at and row.age_confirmed_at is None
    events = server.database.read_now(list_events, 0, 9)
    assert [event.kind for event in events][:2] == ["AccountCreated", "SignedUp"]


@pytest.mark.parametrize(
    ("form", "field", "reason"),
    [
        ({"username": ""}, "username", "ERR_BLANK"),
        ({"username": "no spaces"}, "username", "ERR_INVALID"),
        ({"username": "x" * 31}, "username", "ERR_TOO_LONG"),
        ({"username": "Admin"}, "username", "ERR_RESERVED"),
        ({"username": "ADA"}, "username", "ERR_TAKEN"),
        ({"email": ""}, "email", "ERR_BLANK"),
        ({"email": "not an address"}, "email", "ERR_INVALID"),
        ({"email": "ADA@roseau.test "}, "email", "ERR_TAKEN"),
        ({"password": ""}, "password", "ERR_BLANK"),
        ({"password": "short"}, "password", "ERR_TOO_SHORT"),
        ({"password": "x" * 257}, "password", "ERR_TOO_LONG"),
        ({"agreement": False}, "agreement", "ERR_ACCEPTED"),
        ({"agreement": "0"}, "agreement", "ERR_ACCEPTED"),
        ({"reason": "x" * 421}, "reason", "ERR_TOO_LONG"),
        ({"invite_code": "made-up"}, "invite_code", "ERR_INVALID"),
    ],
)
async def test_what_stands_against_it_is_named(
    client: Any, cast: Any, app_token: dict[str, str], form: dict[str, Any], field: str, reason: str
) -> None:
    assert cast.ada.id
    answer = await apply(client, app_token, **form)
    assert answer.status_code == 422, answer.text
    assert {name: [item["error"] for item in items] for name, items in answer.json()["details"].items()} == {
        field: [reason]
    }


async def test_everything_wrong_is_named_at_once(client: Any, app_token: dict[str, str]) -> None:
    answer = await apply(client, app_token, username="-", email="-", password="", agreement=False)
    assert sorted(answer.json()["details"]) == ["agreement", "email", "password", "username"]
    assert "Password can't be blank" in answer.json()["error"]


async def test_two_who_ask_for_one_name_at_the_same_moment(client: Any, app_token: dict[str, str]) -> None:
    answers = await asyncio.gather(
        *(apply(client, app_token, email=f"nora{number}@roseau.test") for number in range(6))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 422, 422, 422, 422, 422]
    answers = await asyncio.gather(
        *(apply(client, app_token, username=f"n{number}", email="n@roseau.test") for number in range(6))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 422, 422, 422, 422, 422]


async def test_an_application_needs_the_scope(client: Any, cast: Any) -> None:
    assert (await apply(client, {})).status_code == 401
    assert (await apply(client, cast.token(cast.ada, "read"))).status_code == 403


@open_as(registrations="closed")
async def test_nobody_joins_a_closed_site(
    client: Any, server: Any, cast: Any, app_token: dict[str, str]
) -> None:
    assert (await apply(client, app_token)).status_code == 403
    invite = server.database.write_now(create_invite, cast.olga.id)
    assert (await apply(client, app_token, invite_code=invite.code)).status_code == 403


@open_as(registrations="invitation")
async def test_an_invitation_lets_in_as_often_as_it_says(
    client: Any, server: Any, cast: Any, app_token: dict[str, str]
) -> None:
    without = await apply(client, app_token)
    assert list(without.json()["details"]) == ["invite_code"]
    invite = server.database.write_now(create_invite, cast.ada.id, max_uses=2)
    # One that fails for another reason uses nothing up.
    await apply(client, app_token, invite_code=invite.code, password="")
    answers = await asyncio.gather(
        *(
            apply(client, app_token, username=f"n{n}", email=f"n{n}@roseau.test", invite_code=invite.code)
            for n in range(4)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 200, 422, 422]


@open_as(registrations="invitation")
async def test_an_invitation_ends(
    client: Any, server: Any, cast: Any, app_token: dict[str, str], at: Any
) -> None:
    withdrawn = server.database.write_now(create_invite, cast.ada.id)
    lasting = server.database.write_now(create_invite, cast.ada.id, lasts=60_000)
    with pytest.raises(NotFound):
        server.database.write_now(revoke_invite, cast.bob.id, withdrawn.id)
    server.database.write_now(revoke_invite, cast.ada.id, withdrawn.id)
    assert (await apply(client, app_token, invite_code=withdrawn.code)).status_code == 422
    at(61)
    assert (await apply(client, app_token, invite_code=lasting.code)).status_code == 422


@open_as(registrations="approval")
async def test_who_asks_to_be_let_in_waits_and_hears_of_it(
    client: Any, server: Any, worker: Any, app_token: dict[str, str]
) -> None:
    blank = await apply(client, app_token)
    assert list(blank.json()["details"]) == ["reason"]
    answer = await apply(client, app_token, reason="I live next door")
    assert answer.status_code == 200, answer.text
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    refused = await client.post("/api/v1/statuses", headers=headers, data={"status": "Hello"})
    assert (refused.status_code, refused.json()["error"]) == (403, "Your login is currently pending approval")
    waiting = server.database.read_now(list_waiting)
    assert [(one.username, one.reason) for one in waiting] == [("nora", "I live next door")]
    server.database.write_now(approve_sign_up, server.site, waiting[0].account_id)
    with pytest.raises(NotFound):
        server.database.write_now(approve_sign_up, server.site, waiting[0].account_id)
    posted = await client.post("/api/v1/statuses", headers=headers, data={"status": "Hello"})
    assert posted.status_code == 200
    await worker.settle()
    assert [mail["to"] for mail in mails(server)] == ["Nora@roseau.test"]
    assert "Your account is ready" in mails(server)[0]["subject"]


@open_as(registrations="approval")
async def test_nothing_is_kept_of_who_is_not_let_in(
    client: Any, server: Any, worker: Any, app_token: dict[str, str]
) -> None:
    answer = await apply(client, app_token, reason="Let me in")
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    await worker.settle()
    (waiting,) = server.database.read_now(list_waiting)
    server.database.write_now(reject_sign_up, server.site, waiting.account_id)
    with pytest.raises(NotFound):
        server.database.write_now(reject_sign_up, server.site, waiting.account_id)
    await worker.settle()
    assert "not accepted" in mails(server)[-1]["subject"]
    assert (await client.get("/api/v1/preferences", headers=headers)).status_code == 401
    # The name and the address are free again.
    assert (await apply(client, app_token, reason="Once more")).status_code == 200


@open_as(registrations="approval")
async def test_an_invitation_spares_the_reason_and_a_moderators_the_wait(
    client: Any, server: Any, cast: Any, app_token: dict[str, str]
) -> None:
    by_member = server.database.write_now(create_invite, cast.ada.id)
    by_owner = server.database.write_now(create_invite, cast.olga.id)
    assert (await apply(client, app_token, invite_code=by_member.code)).status_code == 200
    second = await apply(
        client, app_token, username="noel", email="noel@roseau.test", invite_code=by_owner.code
    )
    assert second.status_code == 200
    assert [one.username for one in server.database.read_now(list_waiting)] == ["nora"]


@open_as(mail_confirmation=True)
async def test_a_new_member_confirms_the_address_first(
    client: Any, server: Any, worker: Any, app_token: dict[str, str]
) -> None:
    answer = await apply(client, app_token)
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    refused = await client.post("/api/v1/statuses", headers=headers, data={"status": "Hello"})
    assert refused.status_code == 403
    assert refused.json()["error"] == "Your login is missing a confirmed e-mail address"
    assert (await client.get("/api/v1/emails/check_confirmation", headers=headers)).json() is False

    # A mistyped address is put right; the first link is void then.
    await worker.settle()
    again = await client.post(
        "/api/v1/emails/confirmations", headers=headers, data={"email": "nora@elsewhere.test"}
    )
    assert (again.status_code, again.json()) == (200, {})
    await worker.settle()
    first, second = mails(server)
    assert (first["to"], second["to"]) == ("Nora@roseau.test", "nora@elsewhere.test")
    assert first["from"] == "roseau@roseau.test"
    with pytest.raises(Gone):
        server.database.write_now(confirm_address, server.site, link_in(first, "/confirm"))
    token = link_in(second, "/confirm")
    assert f"https://roseau.test/confirm/{token}" in second.get_body(("html",)).get_content()
    server.database.write_now(confirm_address, server.site, token)
    with pytest.raises(Gone):
        server.database.write_now(confirm_address, server.site, token)
    assert (await client.get("/api/v1/emails/check_confirmation", headers=headers)).json() is True
    assert (
        await client.post("/api/v1/statuses", headers=headers, data={"status": "Hello"})
    ).status_code == 200
    # When all is confirmed, asking again changes and sends nothing.
    done = await client.post("/api/v1/emails/confirmations", headers=headers, data={"email": "x@y.test"})
    assert (done.status_code, done.json()) == (200, {})
    await worker.settle()
    assert len(mails(server)) == 2


@open_as(mail_confirmation=True)
async def test_the_address_cannot_become_somebody_elses(
    client: Any, cast: Any, app_token: dict[str, str]
) -> None:
    assert cast.ada.id
    answer = await apply(client, app_token)
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    refused = await client.post(
        "/api/v1/emails/confirmations", headers=headers, data={"email": "ada@roseau.test"}
    )
    assert (refused.status_code, list(refused.json()["details"])) == (422, ["email"])


@open_as(minimum_age=16)
@pytest.mark.parametrize(
    ("born", "reason"),
    [
        ("", "ERR_BLANK"),
        ("yesterday", "ERR_INVALID"),
        ("2026-02-30", "ERR_INVALID"),
        ("2999-01-01", "ERR_BELOW_LIMIT"),
        ("16 years ago, plus a day", "ERR_BELOW_LIMIT"),
        ("16 years ago", None),
    ],
)
async def test_the_age_is_looked_at_and_the_date_forgotten(
    client: Any, server: Any, app_token: dict[str, str], born: str, reason: str | None
) -> None:
    if born.startswith("16"):
        today = datetime.now(UTC).date()
        # Who was born on 29 February is of age on 1 March; the test takes 28 February then.
        day = today.replace(year=today.year - 16, day=min(today.day, 28))
        born = str(day + timedelta(days=1 + today.day - day.day) if "plus" in born else day)
    answer = await apply(client, app_token, date_of_birth=born)
    if reason:
        assert [item["error"] for item in answer.json()["details"]["date_of_birth"]] == [reason]
        return
    assert answer.status_code == 200, answer.text
    row = server.database.read_now(lambda tx: tx.one(statement(select(users))))
    assert row.age_confirmed_at is not None
    assert born not in repr(row)


async def test_the_operators_choice_holds_where_no_setting_is_given(
    client: Any, server: Any, app_token: dict[str, str]
) -> None:
    server.database.write_now(choose, None, registrations="closed", minimum_age=0)
    # The setting of the tests says open, and stands above the choice.
    assert (await apply(client, app_token)).status_code == 200


@open_as(rate_limits=True)
async def test_five_sign_ups_in_half_an_hour_from_one_address(client: Any, app_token: dict[str, str]) -> None:
    answers = [await apply(client, app_token, username=f"-{number}") for number in range(6)]
    assert [answer.status_code for answer in answers] == [422] * 5 + [429]
