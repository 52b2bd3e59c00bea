"""Pages of other sites: they may call every endpoint with a token, and read what it answers."""

import re
from typing import Any

import pytest

from roseau.api import ROUTES

pytestmark = pytest.mark.anyio

PAGE = {"Origin": "https://app.example"}


def listed(value: str) -> set[str]:
    """The members of a header that is a list."""
    return {part.strip().lower() for part in value.split(",")}


async def test_every_endpoint_answers_the_browsers_question(client: Any) -> None:
    for route in ROUTES:
        path = re.sub(r"\{.*?\}", "1", route.path)
        answer = await client.options(path, headers=PAGE | {"Access-Control-Request-Method": route.method})
        assert answer.status_code in (200, 204), route
        assert answer.headers["access-control-allow-origin"] == "*", route
        assert route.method.lower() in listed(answer.headers["access-control-allow-methods"]), route
        assert {"authorization", "content-type", "idempotency-key"} <= listed(
            answer.headers["access-control-allow-headers"]
        ), route


async def test_answers_and_errors_can_be_read(client: Any, cast: Any) -> None:
    home = "/api/v1/timelines/home"
    for answer in (
        await client.get(home, headers=PAGE | cast.ada.auth),
        await client.get(home, headers=PAGE),
        await client.get("/api/v1/no_such_thing", headers=PAGE),
        await client.post("/api/v1/statuses", headers=PAGE | cast.ada.auth, content=b"{"),
        await client.put(home, headers=PAGE | cast.ada.auth),
    ):
        assert answer.headers["access-control-allow-origin"] == "*", answer
        # The token is in a header: no cookie's authority is lent to other sites.
        assert "access-control-allow-credentials" not in answer.headers
    told = await client.get(home, headers=PAGE | cast.ada.auth)
    assert {"link", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"} <= listed(
        told.headers["access-control-expose-headers"]
    )


async def test_pages_are_not_for_other_sites(client: Any) -> None:
    for answer in (await client.get("/", headers=PAGE), await client.options("/", headers=PAGE)):
        assert "access-control-allow-origin" not in answer.headers


async def test_pictures_can_be_drawn_anywhere(client: Any, server: Any) -> None:
    name = server.blobs.put_bytes(b"picture", "png")
    answer = await client.get(f"/media/{name[:2]}/{name[2:4]}/{name}", headers=PAGE)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"
