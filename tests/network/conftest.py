"""What the tests of this floor share: asyncio alone, loopback servers, an authority for certificates."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from roseau.kernel import clock
from tests.network.loopback import Authority


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """The authority, trusted by this process the way an operator would say it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    return authority


@pytest.fixture
def noon() -> Iterator[int]:
    """The clock stands at 2026-11-22T12:00:00Z."""
    seconds = 1_795_348_800
    clock.set_clock(lambda: seconds)
    yield seconds * 1000
    clock.set_clock(None)


@pytest.fixture
def mail_folder(tmp_path: Path) -> Path:
    return tmp_path / "mail"
