"""Rate limits, as Mastodon tells of them."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from roseau.doors import limits
from roseau.doors.limits import Limit
from roseau.kernel import clock
from roseau.settings import Settings

pytestmark = pytest.mark.anyio

HOME = "/api/v1/timelines/home"
PUBLIC = "/api/v1/timelines/public"
WINDOW = 5 * 60


@pytest.fixture
def settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Limits that are soon reached."""
    monkeypatch.setattr(limits, "BY_MEMBER", Limit("member", 5, WINDOW * 1000))
    monkeypatch.setattr(limits, "BY_ADDRESS", Limit("address", 4, WINDOW * 1000))
    monkeypatch.setattr(limits, "POSTS", Limit("posts", 2, WINDOW * 1000))
    return msgspec.structs.replace(settings, rate_limits=True, trusted_proxies=("127.0.0.0/8",))


@pytest.fixture(autouse=True)
def window(at: Callable[[float], None]) -> None:
    """Begin with a fresh window, so that none ends in the middle of a test."""
    at(WINDOW - clock.now() / 1000 % WINDOW + 1)


def remaining(answer: Any) -> tuple[int, int]:
    """What the headers say: the limit, and how often one may still call."""
    return int(answer.headers["x-ratelimit-limit"]), int(answer.headers["x-ratelimit-remaining"])


async def test_members_are_told_where_they_stand(client: Any, cast: Any, at: Callable[[float], None]) -> None:
    for left in (4, 3, 2, 1, 0):
        answer = await client.get(HOME, headers=cast.ada.auth)
        assert answer.status_code == 200
        assert remaining(answer) == (5, left)
        assert answer.headers["x-ratelimit-reset"].endswith("00.000Z")
        ends = clock.from_iso(answer.headers["x-ratelimit-reset"])
        assert 0 < ends - clock.now() <= WINDOW * 1000
    refused = await client.get(HOME, headers=cast.ada.auth)
    assert (refused.status_code, refused.json()) == (429, {"error": "Too many requests"})
    assert remaining(refused) == (5, 0)
    assert clock.from_iso(refused.headers["x-ratelimit-reset"]) == ends
    assert 0 < int(refused.headers["retry-after"]) <= WINDOW
    assert refused.headers["access-control-allow-origin"] == "*"
    # Others are not held up, and another token is the same member.
    assert (await client.get(HOME, headers=cast.bob.auth)).status_code == 200
    assert (await client.get(HOME, headers=cast.token(cast.ada, "read"))).status_code == 429
    at((ends - clock.now()) / 1000 + WINDOW)
    assert remaining(await client.get(HOME, headers=cast.ada.auth)) == (5, 4)


async def test_strangers_are_counted_by_address(client: Any) -> None:
    def of(address: str) -> dict[str, str]:
        return {"X-Forwarded-For": address}

    for left in (3, 2, 1, 0):
        assert remaining(await client.get(PUBLIC, headers=of("192.0.2.1"))) == (4, left)
    assert (await client.get(PUBLIC, headers=of("192.0.2.1"))).status_code == 429
    assert (await client.get(PUBLIC, headers=of("192.0.2.2"))).status_code == 200
    for end in (1, 2, 3, 4):
        assert (await client.get(PUBLIC, headers=of(f"2001:db8::{end}"))).status_code == 200
    assert (await client.get(PUBLIC, headers=of("2001:db8::5"))).status_code == 429


async def test_what_is_dear_has_a_limit_of_its_own(client: Any, cast: Any) -> None:
    for left in (1, 0):
        answer = await client.post("/api/v1/statuses", headers=cast.ada.auth, data={"status": "Hello"})
        assert (answer.status_code, remaining(answer)) == (200, (2, left))
    refused = await client.post("/api/v1/statuses", headers=cast.ada.auth, data={"status": "Hello"})
    assert (refused.status_code, remaining(refused)) == (429, (2, 0))
    assert (await client.get(HOME, headers=cast.ada.auth)).status_code == 200


async def test_windows_that_ended_are_forgotten(monkeypatch: pytest.MonkeyPatch, at: Any) -> None:
    counter = limits.Counter()
    monkeypatch.setattr(limits.Counter, "SWEEP_AT", 100)
    for number in range(100):
        counter.spend(limits.APPS, str(number))
    at(3 * 24 * 3600)
    counter.spend(limits.APPS, "late")
    assert len(counter._counts) == 1


class TestWithoutLimits:
    """The setting turns them off."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return msgspec.structs.replace(settings, rate_limits=False)

    async def test_nobody_is_counted(self, client: Any, cast: Any) -> None:
        for _ in range(8):
            answer = await client.get(HOME, headers=cast.ada.auth)
            assert answer.status_code == 200
            assert "x-ratelimit-limit" not in answer.headers
