"""OAuth 2, through the API: the authorisation code's whole way, client credentials, revocation."""

import re
from base64 import b64encode
from html import unescape
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlsplit

import pytest
from sqlalchemy import select

from roseau.domain.accounts.apps import list_authorized_apps
from roseau.domain.accounts.grants import (
    Authorization,
    Granted,
    NotAuthorizable,
    RedirectError,
    check_authorization,
    deny_code,
    grant_code,
)
from roseau.domain.accounts.tokens import revoke_member_tokens
from roseau.kernel import keys
from roseau.storage.schema.oauth import oauth_apps, oauth_grants, oauth_tokens
from roseau.storage.statements import statement

pytestmark = pytest.mark.anyio

REDIRECT = "https://app.example/callback?kept=1"
OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"
VERIFIER = "a-verifier-that-is-long-enough-to-be-one-of-RFC-7636"


@pytest.fixture
async def registered(client: Any) -> dict[str, Any]:
    """A registered application."""
    answer = await client.post(
        "/api/v1/apps",
        json={
            "client_name": "Tester",
            "redirect_uris": [REDIRECT, OUT_OF_BAND],
            "scopes": "read write follow profile",
            "website": "https://app.example",
        },
    )
    return dict(answer.json())


def ask(server: Any, registered: dict[str, Any], **changes: str | None) -> Any:
    """What the page makes of the usual parameters with these changes; None takes one away."""
    parameters = {
        "client_id": registered["client_id"],
        "redirect_uri": REDIRECT,
        "response_type": "code",
        "scope": "read write:statuses",
        "state": "a state & more",
        "code_challenge": keys.code_challenge(VERIFIER),
        "code_challenge_method": "S256",
    } | changes
    given = {name: value for name, value in parameters.items() if value is not None}
    return server.database.read_now(check_authorization, server.site, given)


def grant(server: Any, member: Any, authorization: Authorization) -> Granted:
    """The member agrees."""
    granted = server.database.write_now(grant_code, server.site, member.id, authorization)
    assert isinstance(granted, Granted)
    return granted


def exchange_form(registered: dict[str, Any], code: str, **changes: str) -> dict[str, str]:
    """What an application sends for a code."""
    return {
        "grant_type": "authorization_code",
        "client_id": registered["client_id"],
        "client_secret": registered["client_secret"],
        "code": code,
        "redirect_uri": REDIRECT,
        "code_verifier": VERIFIER,
    } | changes


async def test_a_code_becomes_a_token_that_works(
    client: Any, server: Any, cast: Any, registered: dict[str, Any]
) -> None:
    authorization = ask(server, registered)
    assert isinstance(authorization, Authorization)
    assert (authorization.app_name, authorization.website) == ("Tester", "https://app.example")
    assert authorization.scopes == "read write:statuses"
    granted = grant(server, cast.ada, authorization)
    assert granted.url is not None and granted.url.startswith(REDIRECT + "&")
    query = parse_qs(urlsplit(granted.url).query)
    assert query == {
        "kept": ["1"],
        "code": [granted.code],
        "state": ["a state & more"],
        "iss": ["https://roseau.test/"],
    }

    answer = await client.post("/oauth/token", data=exchange_form(registered, granted.code))
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    token = answer.json()
    assert sorted(token) == ["access_token", "created_at", "scope", "token_type"]
    assert (token["token_type"], token["scope"]) == ("Bearer", "read write:statuses")
    assert isinstance(token["created_at"], int) and token["created_at"] < 10**11
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    posted = await client.post("/api/v1/statuses", headers=headers, data={"status": "Hello"})
    assert posted.status_code == 200
    assert posted.json()["application"] == {"name": "Tester", "website": "https://app.example"}
    assert posted.json()["account"]["id"] == str(cast.ada.id)


async def test_a_code_works_once_and_its_second_use_takes_the_token_back(
    client: Any, server: Any, cast: Any, registered: dict[str, Any]
) -> None:
    granted = grant(server, cast.ada, ask(server, registered))
    form = exchange_form(registered, granted.code)
    token = (await client.post("/oauth/token", json=form)).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert (await client.get("/api/v1/preferences", headers=headers)).status_code == 200
    again = await client.post("/oauth/token", json=form)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    refused = await client.get("/api/v1/preferences", headers=headers)
    assert (refused.status_code, refused.json()) == (401, {"error": "The access token was revoked"})


async def test_another_application_cannot_use_a_code_nor_take_its_token_back(
    client: Any, server: Any, cast: Any, registered: dict[str, Any]
) -> None:
    other = await client.post("/api/v1/apps", json={"client_name": "Other", "redirect_uris": REDIRECT})
    granted = grant(server, cast.ada, ask(server, registered))
    form = exchange_form(registered, granted.code)
    stolen = form | {name: other.json()[name] for name in ("client_id", "client_secret")}
    assert (await client.post("/oauth/token", data=stolen)).json()["error"] == "invalid_grant"
    token = (await client.post("/oauth/token", data=form)).json()["access_token"]
    assert (await client.post("/oauth/token", data=stolen)).json()["error"] == "invalid_grant"
    headers = {"Authorization": f"Bearer {token}"}
    assert (await client.get("/api/v1/preferences", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "made-up"},
        {"code": ""},
        {"redirect_uri": "https://app.example/callback"},
        {"redirect_uri": OUT_OF_BAND},
        {"code_verifier": "another-verifier-that-is-long-enough-to-be-one-here"},
        {"code_verifier": ""},
    ],
)
async def test_a_code_fits_only_where_it_was_asked_for(
    client: Any, server: Any, cast: Any, registered: dict[str, Any], changes: dict[str, str]
) -> None:
    granted = grant(server, cast.ada, ask(server, registered))
    answer = await client.post("/oauth/token", data=exchange_form(registered, granted.code) | changes)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    # The code is still good for whom it was meant for.
    assert (
        await client.post("/oauth/token", data=exchange_form(registered, granted.code))
    ).status_code == 200


async def test_a_verifier_without_a_challenge_is_refused(
    client: Any, server: Any, cast: Any, registered: dict[str, Any]
) -> None:
    authorization = ask(server, registered, code_challenge=None, code_challenge_method=None)
    granted = grant(server, cast.ada, authorization)
    form = exchange_form(registered, granted.code)
    assert (await client.post("/oauth/token", data=form)).json()["error"] == "invalid_grant"
    del form["code_verifier"]
    assert (await client.post("/oauth/token", data=form)).status_code == 200


async def test_a_code_is_good_for_ten_minutes(
    client: Any, server: Any, cast: Any, registered: dict[str, Any], at: Any
) -> None:
    granted = grant(server, cast.ada, ask(server, registered))
    at(601)
    answer = await client.post("/oauth/token", data=exchange_form(registered, granted.code))
    assert answer.json()["error"] == "invalid_grant"


async def test_out_of_band_the_code_is_shown(
    client: Any, server: Any, cast: Any, registered: dict[str, Any]
) -> None:
    authorization = ask(server, registered, redirect_uri=OUT_OF_BAND)
    assert authorization.out_of_band
    granted = grant(server, cast.ada, authorization)
    assert granted.url is None
    assert deny_code(server.site, authorization) is None
    form = exchange_form(registered, granted.code, redirect_uri=OUT_OF_BAND)
    assert (await client.post("/oauth/token", data=form)).status_code == 200


async def test_a_refusal_goes_back_to_the_application(server: Any, registered: dict[str, Any]) -> None:
    url = deny_code(server.site, ask(server, registered))
    assert url is not None
    query = parse_qs(urlsplit(url).query)
    assert query["error"] == ["access_denied"]
    assert query["state"] == ["a state & more"]


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "nobody"},
        {"client_id": None},
        {"redirect_uri": "https://app.example/callback"},
        {"redirect_uri": "https://app.example/callback?kept=1&more=1"},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": None},
        {"redirect_uri": OUT_OF_BAND, "response_type": "token"},
    ],
)
async def test_without_a_safe_place_to_return_to_the_error_is_shown(
    server: Any, registered: dict[str, Any], changes: dict[str, str | None]
) -> None:
    assert isinstance(ask(server, registered, **changes), NotAuthorizable)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"scope": "read push"}, "invalid_scope"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
    ],
)
async def test_other_errors_go_back_to_the_application(
    server: Any, registered: dict[str, Any], changes: dict[str, str | None], error: str
) -> None:
    outcome = ask(server, registered, **changes)
    assert isinstance(outcome, RedirectError)
    assert outcome.url.startswith(REDIRECT + "&")
    query = parse_qs(urlsplit(outcome.url).query)
    assert query["error"] == [error]
    assert query["state"] == ["a state & more"]


async def test_a_part_of_what_the_application_may_ask_can_be_asked(
    server: Any, registered: dict[str, Any]
) -> None:
    assert ask(server, registered, scope="read:statuses write:media follow").scopes == (
        "read:statuses write:media follow"
    )
    assert ask(server, registered, scope=None).scopes == "read"
    assert ask(server, registered, force_login="true").force_login


async def test_an_application_gets_a_token_of_its_own(client: Any, registered: dict[str, Any]) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": registered["client_id"],
        "client_secret": registered["client_secret"],
        "scope": "read write",
    }
    answer = await client.post("/oauth/token", json=form)
    assert answer.status_code == 200, answer.text
    assert answer.json()["scope"] == "read write"
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    # It stands for nobody.
    refused = await client.get("/api/v1/preferences", headers=headers)
    assert refused.status_code == 422
    assert refused.json()["error"] == "This method requires an authenticated user"
    too_much = await client.post("/oauth/token", json=form | {"scope": "read push"})
    assert (too_much.status_code, too_much.json()["error"]) == (400, "invalid_scope")


async def test_the_client_may_name_itself_in_the_header(client: Any, registered: dict[str, Any]) -> None:
    pair = f"{quote_plus(registered['client_id'])}:{quote_plus(registered['client_secret'])}"
    headers = {"Authorization": "Basic " + b64encode(pair.encode()).decode()}
    answer = await client.post("/oauth/token", headers=headers, data={"grant_type": "client_credentials"})
    assert (answer.status_code, answer.json().get("scope")) == (200, "read")


@pytest.mark.parametrize(
    "header", ["Basic !!!", "Basic " + b64encode(b"\xff\xfe").decode(), "Basic bm9ib2R5"]
)
async def test_a_header_that_names_nobody_is_refused(client: Any, header: str) -> None:
    answer = await client.post(
        "/oauth/token", headers={"Authorization": header}, data={"grant_type": "client_credentials"}
    )
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic")


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"}, 401, "invalid_client"),
        ({"grant_type": "authorization_code", "code": "x"}, 401, "invalid_client"),
    ],
)
async def test_what_gives_no_token(client: Any, form: dict[str, str], status: int, error: str) -> None:
    answer = await client.post("/oauth/token", data=form)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["error_description"]


async def test_the_right_name_with_a_wrong_secret_is_refused(client: Any, registered: dict[str, Any]) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": registered["client_id"],
        "client_secret": "wrong",
    }
    assert (await client.post("/oauth/token", data=form)).json()["error"] == "invalid_client"


async def test_a_token_can_be_given_back_by_its_application_only(
    client: Any, server: Any, cast: Any, registered: dict[str, Any]
) -> None:
    granted = grant(server, cast.ada, ask(server, registered))
    token = (await client.post("/oauth/token", data=exchange_form(registered, granted.code))).json()[
        "access_token"
    ]
    other = (await client.post("/api/v1/apps", json={"client_name": "O", "redirect_uris": REDIRECT})).json()
    own = {name: registered[name] for name in ("client_id", "client_secret")}
    foreign = {name: other[name] for name in ("client_id", "client_secret")}
    headers = {"Authorization": f"Bearer {token}"}

    for form in (foreign | {"token": token}, {"token": token}, own | {"client_secret": "x", "token": token}):
        refused = await client.post("/oauth/revoke", data=form)
        assert (refused.status_code, refused.json()["error"]) == (403, "unauthorized_client")
    assert (await client.get("/api/v1/preferences", headers=headers)).status_code == 200

    answer = await client.post("/oauth/revoke", data=own | {"token": token})
    assert (answer.status_code, answer.json()) == (200, {})
    assert (await client.get("/api/v1/preferences", headers=headers)).status_code == 401
    # Given back already, or never given: all the same.
    assert (await client.post("/oauth/revoke", json=own | {"token": token})).status_code == 200
    assert (await client.post("/oauth/revoke", json=own | {"token": "made-up"})).status_code == 200


async def test_a_member_sees_and_takes_back_what_applications_hold(
    client: Any, server: Any, cast: Any, registered: dict[str, Any]
) -> None:
    granted = grant(server, cast.ada, ask(server, registered))
    token = (await client.post("/oauth/token", data=exchange_form(registered, granted.code))).json()[
        "access_token"
    ]
    held = server.database.read_now(list_authorized_apps, cast.ada.id)
    assert sorted(app.name for app in held) == ["Roseau", "Tester"]
    tester = next(app for app in held if app.name == "Tester")
    server.database.write_now(revoke_member_tokens, cast.ada.id, tester.id)
    headers = {"Authorization": f"Bearer {token}"}
    assert (await client.get("/api/v1/preferences", headers=headers)).status_code == 401
    assert (await client.get("/api/v1/preferences", headers=cast.ada.auth)).status_code == 200
    left = server.database.read_now(list_authorized_apps, cast.ada.id)
    assert [app.name for app in left] == ["Roseau"]


async def test_userinfo_says_who_it_is(client: Any, cast: Any) -> None:
    answer = await client.get("/oauth/userinfo", headers=cast.token(cast.ada, "profile"))
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "iss": "https://roseau.test/",
        "sub": "https://roseau.test/users/ada",
        "name": "",
        "preferred_username": "ada",
        "profile": "https://roseau.test/@ada",
        "picture": "https://roseau.test/avatars/original/missing.png",
    }
    assert (await client.post("/oauth/userinfo", headers=cast.token(cast.ada, "profile"))).status_code == 200
    assert (await client.get("/oauth/userinfo", headers=cast.token(cast.ada, "write"))).status_code == 403
    assert (await client.get("/oauth/userinfo")).status_code == 401


async def test_the_metadata_names_the_addresses(client: Any) -> None:
    answer = await client.get("/.well-known/oauth-authorization-server")
    assert answer.status_code == 200
    metadata = answer.json()
    assert metadata["issuer"] == "https://roseau.test/"
    assert metadata["authorization_endpoint"] == "https://roseau.test/oauth/authorize"
    assert metadata["token_endpoint"] == "https://roseau.test/oauth/token"
    assert metadata["revocation_endpoint"] == "https://roseau.test/oauth/revoke"
    assert metadata["userinfo_endpoint"] == "https://roseau.test/oauth/userinfo"
    assert metadata["app_registration_endpoint"] == "https://roseau.test/api/v1/apps"
    assert metadata["response_types_supported"] == ["code"]
    assert metadata["grant_types_supported"] == ["authorization_code", "client_credentials"]
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert {"read", "write:statuses", "push", "profile", "admin:read"} <= set(metadata["scopes_supported"])


async def test_a_member_signs_in_on_the_pages_and_lets_an_application_in(
    client: Any, cast: Any, registered: dict[str, Any]
) -> None:
    cast.join("nora", password_hash=keys.hash_password("correct horse"))
    parameters = {
        "client_id": registered["client_id"],
        "redirect_uri": REDIRECT,
        "response_type": "code",
        "scope": "read",
        "state": "s",
        "code_challenge": keys.code_challenge(VERIFIER),
        "code_challenge_method": "S256",
    }
    led = await client.get("/oauth/authorize", params=parameters)
    assert led.status_code == 303 and led.headers["location"].startswith("/sign_in?")
    sign_in = await client.get(led.headers["location"])
    fields = hidden_fields(sign_in.text, "/sign_in") | {"name": "nora", "password": "correct horse"}
    entered = await client.post("/sign_in", data=fields)
    assert entered.status_code == 303, entered.text
    page = await client.get(entered.headers["location"])
    assert page.status_code == 200 and "Tester" in page.text
    fields = hidden_fields(page.text, "/oauth/authorize")
    assert (await client.post("/oauth/authorize", data=parameters | {"decision": "allow"})).status_code == 403
    refused = await client.post("/oauth/authorize", data=fields | {"decision": "deny"})
    assert parse_qs(urlsplit(refused.headers["location"]).query)["error"] == ["access_denied"]
    allowed = await client.post("/oauth/authorize", data=fields | {"decision": "allow"})
    answer = parse_qs(urlsplit(allowed.headers["location"]).query)
    assert answer["state"] == ["s"]
    token = await client.post("/oauth/token", data=exchange_form(registered, answer["code"][0]))
    headers = {"Authorization": f"Bearer {token.json()['access_token']}"}
    me = await client.get("/api/v1/accounts/verify_credentials", headers=headers)
    assert me.json()["username"] == "nora"


def hidden_fields(page: str, action: str) -> dict[str, str]:
    """The hidden fields of the form that goes there."""
    form = re.search(rf'<form[^>]* action="{action}".*?</form>', page, re.DOTALL)
    assert form, page
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form[0])
    return {name: unescape(value) for name, value in found}


async def test_nothing_that_opens_a_door_is_kept_in_the_clear(
    client: Any, server: Any, cast: Any, registered: dict[str, Any]
) -> None:
    granted = grant(server, cast.ada, ask(server, registered))
    answer = await client.post("/oauth/token", data=exchange_form(registered, granted.code))
    secrets = (granted.code, answer.json()["access_token"], registered["client_secret"])
    rows = server.database.read_now(_every_row)
    assert not [secret for secret in secrets if secret in rows]


def _every_row(tx: Any) -> str:
    tables = (oauth_apps, oauth_grants, oauth_tokens)
    return repr([tx.all(statement(select(*table.c))) for table in tables])
