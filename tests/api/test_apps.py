"""Applications, through the API: registered by anybody, recognised by their token."""

from typing import Any

import pytest

pytestmark = pytest.mark.anyio


async def register(client: Any, **form: Any) -> Any:
    """An application with the usual shape."""
    return await client.post(
        "/api/v1/apps", json={"client_name": "Tester", "redirect_uris": "urn:ietf:wg:oauth:2.0:oob"} | form
    )


async def test_an_application_is_registered_with_everything_clients_read(client: Any) -> None:
    answer = await register(
        client,
        redirect_uris="urn:ietf:wg:oauth:2.0:oob\nhttps://app.example/callback?x=1\nmyapp://oauth",
        scopes="read write:statuses follow push profile admin:read:accounts",
        website="https://app.example/about",
    )
    assert answer.status_code == 200, answer.text
    app = answer.json()
    assert app["name"] == "Tester"
    assert app["website"] == "https://app.example/about"
    assert app["scopes"] == ["read", "write:statuses", "follow", "push", "profile", "admin:read:accounts"]
    assert app["redirect_uris"] == [
        "urn:ietf:wg:oauth:2.0:oob",
        "https://app.example/callback?x=1",
        "myapp://oauth",
    ]
    assert app["redirect_uri"] == "\n".join(app["redirect_uris"])
    assert app["client_id"] and app["client_secret"] and app["client_secret_expires_at"] == 0
    assert isinstance(app["id"], str) and isinstance(app["vapid_key"], str)


@pytest.mark.parametrize(
    "uris",
    [
        "com.example.app:/callback",
        "http://127.0.0.1:8123/callback",
        "https://app.example",
        ["https://a.example/", "https://b.example/"],
        "https://a.example/ https://b.example/",
    ],
)
async def test_redirects_of_every_shape_are_taken(client: Any, uris: Any) -> None:
    answer = await register(client, redirect_uris=uris)
    assert answer.status_code == 200, answer.text
    assert answer.json()["redirect_uris"] == (uris if isinstance(uris, list) else uris.split())


async def test_a_form_with_a_list_is_taken_and_the_scope_is_read_by_default(client: Any) -> None:
    answer = await client.post(
        "/api/v1/apps", data={"client_name": "F", "redirect_uris[]": ["https://a.example/", "myapp://x"]}
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["redirect_uris"] == ["https://a.example/", "myapp://x"]
    assert answer.json()["scopes"] == ["read"]
    assert answer.json()["website"] is None


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"client_name": " "}, "name"),
        ({"client_name": "x" * 61}, "name"),
        ({"redirect_uris": ""}, "redirect_uri"),
        ({"redirect_uris": "not-absolute"}, "redirect_uri"),
        ({"redirect_uris": "https://"}, "redirect_uri"),
        ({"redirect_uris": "https://[broken/"}, "redirect_uri"),
        ({"redirect_uris": "https://a.example/#fragment"}, "redirect_uri"),
        ({"redirect_uris": "javascript:alert(1)"}, "redirect_uri"),
        ({"redirect_uris": "myapp://ok DATA:text/html,x"}, "redirect_uri"),
        ({"redirect_uris": "https://a.example/" + "x" * 2000}, "redirect_uri"),
        ({"redirect_uris": [f"https://a{number}.example/" for number in range(21)]}, "redirect_uri"),
        ({"scopes": "read everything"}, "scopes"),
        ({"website": "javascript:alert(1)"}, "website"),
        ({"website": "https://"}, "website"),
    ],
)
async def test_what_cannot_be_registered_is_named(client: Any, form: dict[str, Any], field: str) -> None:
    answer = await register(client, **form)
    assert answer.status_code == 422, answer.text
    assert list(answer.json()["details"]) == [field]
    assert answer.json()["error"].startswith("Validation failed: ")


async def test_the_secret_is_not_told_again(client: Any) -> None:
    app = (await register(client)).json()
    token = await client.post(
        "/oauth/token",
        data={
            "grant_type": "client_credentials",
            "client_id": app["client_id"],
            "client_secret": app["client_secret"],
        },
    )
    headers = {"Authorization": f"Bearer {token.json()['access_token']}"}
    answer = await client.get("/api/v1/apps/verify_credentials", headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        name: value
        for name, value in app.items()
        if name not in ("client_id", "client_secret", "client_secret_expires_at")
    }


async def test_a_members_token_tells_its_application_too(client: Any, cast: Any) -> None:
    answer = await client.get("/api/v1/apps/verify_credentials", headers=cast.ada.auth)
    assert answer.json()["name"] == "Roseau"
    assert (await client.get("/api/v1/apps/verify_credentials")).status_code == 401
