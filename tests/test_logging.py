"""The log says what was asked, never what would let its reader in, nor what anybody wrote."""

import logging
from typing import Any

import pytest

from roseau.settings import Settings

pytestmark = pytest.mark.anyio


@pytest.fixture
def settings(settings: Settings) -> Settings:
    assert settings.log == "requests"
    return settings


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ("/api/v1/instance", "GET /api/v1/instance 200"),
        ("/confirm/s3cret", "GET /confirm/... "),
        ("/password/reset/s3cret", "GET /password/reset/... "),
        ("/first-run/s3cret", "GET /first-run/... "),
        ("/invite/s3cret", "GET /invite/... "),
        ("/notices/s3cret", "GET /notices/... "),
        ("/api/v2/search?q=s3cret", "GET /api/v2/search "),
        ("/%0AGET%20/s3cretly", "GET /%0AGET%20/"),
    ],
)
async def test_a_line_for_each_request(
    client: Any, caplog: pytest.LogCaptureFixture, path: str, written: str
) -> None:
    with caplog.at_level(logging.INFO, "roseau.requests"):
        await client.get(path)
    (line,) = [record.getMessage() for record in caplog.records if record.name == "roseau.requests"]
    assert line.startswith(written)
    assert "\n" not in line
    assert "s3cret" not in line.replace("s3cretly", "")
