"""Letting an application in: the page, and the whole way from registration to a token, through the doors."""

import html
import re
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from roseau.kernel import keys
from tests.web.conftest import PASSWORD, PASSWORD_HASH, Browser, text_of

pytestmark = pytest.mark.anyio

OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"
CALLBACK = "https://app.test/callback?from=roseau"


async def register(browser: Browser, redirect_uri: str = CALLBACK, scopes: str = "read write push") -> Any:
    """An application, as it registers itself."""
    answer = await browser.client.post(
        "/api/v1/apps",
        data={
            "client_name": "Heron",
            "redirect_uris": redirect_uri,
            "scopes": scopes,
            "website": "https://heron.test",
        },
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def ask(app: Any, **changes: str) -> str:
    """The address that the application sends its user to."""
    wanted = {
        "client_id": app["client_id"],
        "redirect_uri": app["redirect_uri"],
        "response_type": "code",
        "scope": "read write",
        "state": "a state & more",
    } | changes
    return "/oauth/authorize?" + urlencode({name: value for name, value in wanted.items() if value})


async def decide(browser: Browser, page: Any, decision: str = "allow") -> Any:
    """Press a button of the page, with everything that its form holds."""
    form = re.search(r'<form[^>]*action="/oauth/authorize".*?</form>', page.text, re.S)
    assert form, page.text
    fields = {
        name: html.unescape(value)
        for name, value in re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form[0])
    }
    fields.pop("csrf")
    return await browser.submit("/oauth/authorize", **fields, decision=decision)


async def redeem(browser: Browser, app: Any, code: str, **more: str) -> Any:
    """Turn a code into a token, as the application does."""
    return await browser.client.post(
        "/oauth/token",
        data={
            "grant_type": "authorization_code",
            "code": code,
            "client_id": app["client_id"],
            "client_secret": app["client_secret"],
            "redirect_uri": app["redirect_uri"],
            **more,
        },
    )


@pytest.mark.parametrize("verifier", ["", "v" * 64])
async def test_the_whole_way_from_registration_to_a_token(browser: Browser, cast: Any, verifier: str) -> None:
    nina = cast.join("nina", password_hash=PASSWORD_HASH)
    app = await register(browser)
    proof = (
        {"code_challenge": keys.code_challenge(verifier), "code_challenge_method": "S256"} if verifier else {}
    )
    away = await browser.get(ask(app, **proof))
    assert away.status_code == 303
    sign_in = away.headers["location"]
    page = await browser.get(sign_in)
    back = re.search(r'name="back" value="([^"]+)"', page.text)
    assert back
    answer = await browser.submit("/sign_in", name="nina", password=PASSWORD, back=html.unescape(back[1]))
    page = await browser.get(answer.headers["location"])
    said = text_of(page)
    assert "Heron asks for access to your account" in said
    assert "@nina@roseau.test" in said and "app.test" in said and "https://heron.test" in said
    assert "Read all that you can read here" in said and "Write, change and delete in your name" in said
    assert "form-action 'self' https://app.test" in page.headers["content-security-policy"]

    answer = await decide(browser, page)
    assert answer.status_code == 302
    target = urlsplit(answer.headers["location"])
    assert f"{target.scheme}://{target.netloc}{target.path}" == "https://app.test/callback"
    query = parse_qs(target.query)
    assert query["from"] == ["roseau"] and query["state"] == ["a state & more"]
    assert query["iss"] == ["https://roseau.test/"]
    code = query["code"][0]

    if verifier:
        assert (await redeem(browser, app, code, code_verifier="w" * 64)).status_code == 400
    token = await redeem(browser, app, code, **({"code_verifier": verifier} if verifier else {}))
    assert token.status_code == 200, token.text
    assert token.json()["scope"] == "read write"
    me = await browser.client.get(
        "/api/v1/accounts/verify_credentials",
        headers={"Authorization": f"Bearer {token.json()['access_token']}"},
    )
    assert me.json()["id"] == str(nina.id)

    again = await redeem(browser, app, code, **({"code_verifier": verifier} if verifier else {}))
    assert again.status_code == 400
    assert again.json()["error"] == "invalid_grant"


async def test_the_code_is_shown_to_those_without_a_page(browser: Browser, cast: Any) -> None:
    app = await register(browser, OUT_OF_BAND)
    page = await browser.sign_in(cast.ada).get(ask(app))
    assert "a code is shown" in text_of(page)
    answer = await decide(browser, page)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    code = re.search(r'<input id="code"[^>]*value="([^"]+)"', answer.text)
    assert code
    assert (await redeem(browser, app, code[1])).status_code == 200
    refused = await decide(browser, page, "deny")
    assert "Heron has no access to your account." in text_of(refused)


async def test_refusing_tells_the_application(browser: Browser, cast: Any) -> None:
    app = await register(browser)
    page = await browser.sign_in(cast.ada).get(ask(app))
    for decision in ("deny", "", "perhaps"):
        answer = await decide(browser, page, decision)
        query = parse_qs(urlsplit(answer.headers["location"]).query)
        assert query["error"] == ["access_denied"]
        assert query["state"] == ["a state & more"]
        assert "code" not in query


async def test_an_app_with_a_scheme_of_its_own(browser: Browser, cast: Any) -> None:
    app = await register(browser, "heron+app://callback")
    page = await browser.sign_in(cast.ada).get(ask(app))
    assert "form-action 'self' heron+app:" in page.headers["content-security-policy"]
    answer = await decide(browser, page)
    assert answer.headers["location"].startswith("heron+app://callback?code=")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": ""}, "unsupported_response_type"),
        ({"scope": "admin:write"}, "invalid_scope"),
        ({"scope": "rubbish"}, "invalid_scope"),
        ({"code_challenge": "x" * 43, "code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short", "code_challenge_method": "S256"}, "invalid_request"),
    ],
)
async def test_what_is_wrong_is_told_to_the_application(
    browser: Browser, cast: Any, changes: dict[str, str], error: str
) -> None:
    app = await register(browser)
    answer = await browser.sign_in(cast.ada).get(ask(app, **changes))
    target = urlsplit(answer.headers["location"])
    assert (answer.status_code, target.netloc) == (302, "app.test")
    assert parse_qs(target.query)["error"] == [error]
    assert parse_qs(target.query)["state"] == ["a state & more"]


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "nobody"},
        {"client_id": ""},
        {"redirect_uri": "https://elsewhere.test/"},
        {"redirect_uri": CALLBACK + "/x"},
        {"redirect_uri": ""},
        {"redirect_uri": "javascript:alert(1)"},
    ],
)
async def test_nobody_is_sent_where_the_application_is_not(
    browser: Browser, cast: Any, changes: dict[str, str]
) -> None:
    app = await register(browser)
    browser.sign_in(cast.ada)
    assert (await browser.get(ask(app, **changes))).status_code == 400
    await browser.get("/settings")
    fields = dict(parse_qs(urlsplit(ask(app, **changes)).query, keep_blank_values=True))
    answer = await browser.submit("/oauth/authorize", **fields, decision="allow")
    assert answer.status_code == 400


async def test_a_fresh_sign_in_is_asked_for_where_the_application_wants_one(
    browser: Browser, cast: Any, at: Any
) -> None:
    cast.join("nina", password_hash=PASSWORD_HASH)
    app = await register(browser)
    browser.sign_in(cast.ada)
    at(600)
    assert (await browser.get(ask(app))).status_code == 200
    answer = await browser.get(ask(app, force_login="true"))
    assert answer.status_code == 303
    assert "Sign in" in text_of(await browser.get(answer.headers["location"]))
    await browser.submit("/sign_in", name="nina", password=PASSWORD)
    page = await browser.get(ask(app, force_login="true"))
    assert "@nina@roseau.test" in text_of(page)


async def test_an_application_cannot_write_into_the_page(browser: Browser, cast: Any) -> None:
    answer = await browser.client.post(
        "/api/v1/apps",
        data={"client_name": "<script>alert(1)</script>", "redirect_uris": CALLBACK, "scopes": "read"},
    )
    page = await browser.sign_in(cast.ada).get(ask(answer.json(), scope="read", state='"><script>x'))
    assert page.status_code == 200
    assert "<script>alert" not in page.text and '"><script>x' not in page.text


async def test_access_is_taken_away_in_the_settings(browser: Browser, cast: Any) -> None:
    app = await register(browser)
    page = await browser.sign_in(cast.ada).get(ask(app))
    answer = await decide(browser, page)
    code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
    token = (await redeem(browser, app, code)).json()["access_token"]
    page = await browser.get("/settings/apps")
    path = next(
        path
        for path, name in re.findall(r'action="(/settings/apps/\d+/revoke)".*?vh"> ([^<]+)<', page.text, re.S)
        if name == "Heron"
    )
    assert (await browser.submit(path)).headers["location"] == "/settings/apps"
    headers = {"Authorization": f"Bearer {token}"}
    assert (
        await browser.client.get("/api/v1/accounts/verify_credentials", headers=headers)
    ).status_code == 401


async def test_what_scopes_allow_is_said_in_words(browser: Browser, cast: Any) -> None:
    scopes = "read:statuses write:media follow profile admin:read admin:write:reports"
    app = await register(browser, scopes=scopes)
    browser.sign_in(cast.ada)
    page = text_of(await browser.get(ask(app, scope=scopes)))
    assert "Read: your posts" in page and "Change: your pictures" in page
    assert "Follow, mute and block people for you" in page and "Know your name and picture" in page
    assert "As somebody who runs the site: admin:write:reports" in page
