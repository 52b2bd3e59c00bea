"""What every test can ask for: a site on each database, its doors, and a cast that everyone knows."""

import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from roseau.app import create_app, open_server
from roseau.domain.accounts.creation import NewAccount, create_account
from roseau.domain.accounts.tokens import find_own_app, issue_token
from roseau.domain.site import choose
from roseau.doors.server import Server
from roseau.kernel import clock
from roseau.settings import Settings
from roseau.storage.migrations import migrate
from roseau.storage.postgresql import PostgresDatabase
from roseau.worker import Worker
from tests.servers import postgresql

DATABASES = ("sqlite", "postgresql")
TEMPLATE = "roseau_template"
BASE_URL = "https://roseau.test"


def pytest_configure(config: pytest.Config) -> None:
    """Start the one PostgreSQL of the session before the workers are."""
    if not hasattr(config, "workerinput"):
        postgresql.shared()


def pytest_make_parametrize_id(config: pytest.Config, val: object) -> str | None:
    """Name bytes by their length: compressed ones differ between the workers, which have to agree."""
    return f"{len(val)} bytes" if isinstance(val, bytes) else None


@pytest.fixture
def anyio_backend() -> str:
    """Tests that wait run on asyncio, as the server does."""
    return "asyncio"


@pytest.fixture(params=DATABASES)
def database_kind(request: pytest.FixtureRequest) -> str:
    """Each test of the domain and the doors runs on both databases."""
    return str(request.param)


@pytest.fixture(scope="session")
def postgresql_template() -> Iterator[str]:
    """A migrated, empty PostgreSQL database to copy, one for each process of the test run."""
    name = f"{TEMPLATE}_{os.getpid()}"
    dsn = postgresql.create_database(postgresql.shared(), name)
    database = PostgresDatabase(dsn)
    migrate(database)
    database.close()
    yield name
    postgresql.drop_database(postgresql.shared(), name)


@pytest.fixture
def database_url(database_kind: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """What the setting `database` is for this test: empty for SQLite, else a database of its own."""
    if database_kind == "sqlite":
        yield ""
        return
    template = request.getfixturevalue("postgresql_template")
    name = f"test_{os.getpid()}_{secrets.token_hex(4)}"
    yield postgresql.create_database(postgresql.shared(), name, template)
    postgresql.drop_database(postgresql.shared(), name)


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """The settings of the test's site; a module may override this fixture."""
    return Settings(
        data=str(tmp_path / "data"),
        base_url=BASE_URL,
        database=database_url,
        rate_limits=False,
        registrations="open",
        mail_confirmation=False,
        synchronous="OFF",
    )


@pytest.fixture
def server(settings: Settings) -> Iterator[Server]:
    """A site with nobody on it."""
    opened = open_server(settings)
    opened.database.write_now(
        choose, None, contact_authorities="law@roseau.test", contact_users="help@roseau.test"
    )
    yield opened
    opened.database.close()


class Member(msgspec.Struct):
    """Somebody of the cast: who they are and a token for everything."""

    id: int
    username: str
    token: str

    @property
    def auth(self) -> dict[str, str]:
        """The header that says so."""
        return {"Authorization": f"Bearer {self.token}"}


SCOPES = "read write follow push profile"


class Cast:
    """Ada, Bob and the others, made when they are first named. Zoe's account is locked."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._members: dict[str, Member] = {}

    def __getattr__(self, name: str) -> Member:
        if name not in self._members:
            self._members[name] = self.join(
                name, locked=name == "zoe", role="owner" if name == "olga" else "member"
            )
        return self._members[name]

    def join(self, name: str, scopes: str = SCOPES, **account: Any) -> Member:
        """A new member with a token."""

        def make(tx: Any) -> Member:
            new = NewAccount(username=name, email=f"{name}@roseau.test", **account)
            account_id = create_account(tx, self._server.site, new, reserved_allowed=True)
            token = issue_token(tx, app_id=find_own_app(tx), account_id=account_id, scopes=scopes)
            return Member(account_id, name, token)

        return self._server.database.write_now(make)

    def token(self, member: Member, scopes: str) -> dict[str, str]:
        """The header of another token of somebody's, with these scopes."""
        token = self._server.database.write_now(
            lambda tx: issue_token(tx, app_id=find_own_app(tx), account_id=member.id, scopes=scopes)
        )
        return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def cast(server: Server) -> Cast:
    """`cast.ada`, `cast.bob`, `cast.zoe` (locked), `cast.olga` (owner), ..."""
    return Cast(server)


@pytest.fixture
async def app(server: Server) -> AsyncIterator[Any]:
    """The application, without its worker: tests step it with `worker.settle()`."""
    yield create_app(server, start_worker=False)


@pytest.fixture
async def client(app: Any) -> AsyncIterator[httpx2.AsyncClient]:
    """A client on the doors of the application."""
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE_URL) as opened:
        yield opened


@pytest.fixture
def worker(server: Server) -> Worker:
    """The worker of the site, to be stepped: `await worker.settle()`."""
    return Worker(server)


@pytest.fixture
def at() -> Iterator[Callable[[float], None]]:
    """Put the clock on so many seconds from now: `at(3600)`."""
    start = clock.now() / 1000

    def put(seconds: float) -> None:
        clock.set_clock(lambda: start + seconds)

    yield put
    clock.set_clock(None)
