"""Every endpoint, driven with rubbish: whatever comes, the answer is Mastodon's, and never a 500.

The table of endpoints is walked as it is, so that a new one is covered without a word here.
"""

import asyncio
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

from roseau.api import ROUTES
from roseau.app import create_app
from tests.api.driving import Answer, Attempt, ask, bearer
from tests.api.rubbish import attempts
from tests.media.pictures import draw, encode

pytestmark = pytest.mark.anyio

MODULES = sorted({route.endpoint.__module__ for route in ROUTES})
#: How often each endpoint is asked; what differs between the databases needs fewer.
EXAMPLES = {"sqlite": 10, "postgresql": 4}
#: What an answer never holds, however wrong the request: the inside of the server.
INSIDE = re.compile(
    rb"Traceback|File \"|psycopg|apsw|sqlite|sqlalchemy|msgspec|starlette|SELECT |/roseau/", re.I
)
SCOPES = "read write follow push profile admin:read admin:write"


async def settle_in(app: Any, cast: Any) -> list[int]:
    """Let Ada have one of everything; the ids of it all, and of what is Bob's."""
    ids = [cast.ada.id, cast.bob.id]

    async def make(who: Any, path: str, body: bytes, kind: bytes = b"application/json") -> None:
        headers = bearer(who.token, [(b"content-type", kind)])
        answer = await ask(app, Attempt(method="POST", path=path, headers=headers, body=body))
        if answer.status == 200:
            ids.append(int(answer.json()["id"]))

    for who in (cast.ada, cast.bob):
        await make(who, "/api/v1/statuses", b'{"status":"Hello #reeds @ada @bob"}')
        await make(who, "/api/v1/statuses", b'{"status":"?","poll":{"options":["a","b"],"expires_in":300}}')
        await make(who, "/api/v1/statuses", b'{"status":"@ada @bob hush","visibility":"direct"}')
        await make(who, "/api/v1/lists", b'{"title":"Friends"}')
        picture = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        picture += encode(draw(4, 4), "png") + b"\r\n--b--\r\n"
        await make(who, "/api/v2/media", picture, b"multipart/form-data; boundary=b")
    return ids


def check(attempt: Attempt, answer: Answer) -> None:
    """Nothing of the inside of the server is in it, and an error is one that clients can read."""
    assert 200 <= answer.status < 500, (attempt, answer)
    assert not INSIDE.search(answer.body), (attempt, answer)
    if answer.status >= 400:
        assert answer.headers["content-type"] == "application/json; charset=utf-8", (attempt, answer)
        assert answer.error, (attempt, answer)
        assert isinstance(answer.error, str)
    assert answer.headers["access-control-allow-origin"] == "*", (attempt, answer)


@pytest.mark.parametrize("module", MODULES, ids=lambda name: name.rpartition(".")[2])
def test_rubbish_is_answered(server: Any, cast: Any, module: str, database_kind: str) -> None:
    app = create_app(server, start_worker=False)
    with asyncio.Runner() as runner:
        ids = runner.run(settle_in(app, cast))
        for route in ROUTES:
            if route.endpoint.__module__ == module:
                # A token for each: some endpoints take theirs away.
                token = cast.token(cast.ada, SCOPES)["Authorization"].removeprefix("Bearer ")
                attack(runner, app, attempts(route, ids, token), EXAMPLES[database_kind])


def attack(runner: asyncio.Runner, app: Any, rubbish: SearchStrategy[Attempt], examples: int) -> None:
    """Ask one endpoint many bad questions."""

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(rubbish)
    def ask_badly(attempt: Attempt) -> None:
        check(attempt, runner.run(ask(app, attempt)))

    ask_badly()


async def test_other_methods_and_addresses_are_refused_in_json(server: Any) -> None:
    app = create_app(server, start_worker=False)
    served = {(route.method, route.path) for route in ROUTES}
    for path in sorted({route.path for route in ROUTES}):
        plain = path.replace("{", "").replace("}", "")
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"):
            if (method, path) in served or not path.startswith(("/api/", "/oauth/")):
                continue
            attempt = Attempt(method=method, path=plain)
            answer = await ask(app, attempt)
            if path.startswith("/api/"):
                check(attempt, answer)
                assert answer.status in (401, 404, 405), attempt
    for path in ("/api/v1/no_such_thing", "/api/v9/instance", "/api/v1/statuses/1/no", "/oauth/token/x"):
        answer = await ask(app, Attempt(method="GET", path=path))
        assert (answer.status, answer.error) == (404, "Record not found"), path


async def test_a_path_cannot_write_in_the_log(server: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "roseau.requests"):
        attempt = Attempt(method="GET", path="/api/v1/timelines/tag/a\r\n2026-11-22 INFO all is well")
        await ask(create_app(server, start_worker=False), attempt)
    assert [record.getMessage().count("\n") for record in caplog.records] == [0]
