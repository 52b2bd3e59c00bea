"""A database that is locked or has no room: callers are told so, and nothing acknowledged is lost."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import apsw
import psycopg
import pytest

from roseau.settings import Settings
from roseau.storage import postgresql, sqlite
from tests.media.pictures import draw, encode

pytestmark = pytest.mark.anyio

#: Makes trouble for as long as it lasts.
Trouble = Callable[..., AbstractContextManager[None]]

LONG = "A long walk by the water. " * 60


@pytest.fixture
def settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The usual ones; nobody waits long for a lock here."""
    monkeypatch.setattr(sqlite, "BUSY_MILLISECONDS", 50)
    monkeypatch.setattr(postgresql, "BUSY_MILLISECONDS", 50)
    return settings


@pytest.fixture
def locked(server: Any) -> Trouble:
    """Somebody else holds the database."""

    @contextmanager
    def hold(table: str = "statuses") -> Iterator[None]:
        if server.database.dialect == "postgresql":
            with psycopg.connect(server.settings.database) as other:
                other.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE".encode())
                yield
                other.rollback()
            return
        other = apsw.Connection(str(server.folder / "roseau.db"))
        other.execute("BEGIN IMMEDIATE")
        yield
        other.close()

    return hold


@pytest.fixture
def full(server: Any) -> Trouble:
    """There is room for a few more posts, and then for none."""

    def run(sql: str) -> None:
        server.database.write_now(lambda tx: tx.script(sql))

    @contextmanager
    def fill_postgresql() -> Iterator[None]:
        # What the server says when a file cannot grow (53100), once there are five posts.
        run(
            "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF (SELECT count(*) FROM statuses) > 5 THEN RAISE EXCEPTION USING ERRCODE = '53100'; END IF; "
            "RETURN NEW; END $$; "
            "CREATE TRIGGER no_room BEFORE INSERT ON statuses FOR EACH ROW EXECUTE FUNCTION no_room()"
        )
        yield
        run("DROP TRIGGER no_room ON statuses")

    @contextmanager
    def fill_sqlite() -> Iterator[None]:
        with apsw.Connection(str(server.folder / "roseau.db")) as other:
            pages = other.pragma("page_count")
        run(f"PRAGMA max_page_count = {pages + 10}")
        yield
        run("PRAGMA max_page_count = 1000000")

    return fill_postgresql if server.database.dialect == "postgresql" else fill_sqlite


async def post(client: Any, who: Any, text: str) -> Any:
    """Post something."""
    return await client.post("/api/v1/statuses", headers=who.auth, data={"status": text})


def refused(answer: Any) -> bool:
    """Whether the caller is told to come back, in a way that clients understand."""
    if answer.status_code == 200:
        return False
    assert answer.status_code == 503, answer.text
    assert answer.json()["error"].startswith("This server cannot save at the moment")
    assert int(answer.headers["retry-after"]) > 0
    return True


async def check_posts(client: Any, who: Any, texts: dict[str, str]) -> None:
    """Everything that was acknowledged is there as it was sent, and nothing else is."""
    for status_id, text in texts.items():
        source = await client.get(f"/api/v1/statuses/{status_id}/source", headers=who.auth)
        assert source.json()["text"] == text
    own = await client.get(f"/api/v1/accounts/{who.id}", headers=who.auth)
    assert own.json()["statuses_count"] == len(texts)


async def test_a_locked_database_is_told(client: Any, cast: Any, locked: Trouble) -> None:
    kept = await post(client, cast.ada, "before")
    with locked():
        answers = await asyncio.gather(*(post(client, cast.ada, f"meanwhile {n}") for n in range(5)))
        assert all(map(refused, answers))
    late = await post(client, cast.ada, "after")
    assert late.status_code == 200
    await check_posts(client, cast.ada, {kept.json()["id"]: "before", late.json()["id"]: "after"})


async def test_a_full_disk_loses_nothing_acknowledged(
    client: Any, cast: Any, worker: Any, full: Trouble
) -> None:
    kept: dict[str, str] = {}
    refusals = 0
    with full():
        for start in range(0, 60, 6):
            texts = [f"{n} {LONG}".strip() for n in range(start, start + 6)]
            answers = await asyncio.gather(*(post(client, cast.ada, text) for text in texts))
            for text, answer in zip(texts, answers, strict=True):
                if refused(answer):
                    refusals += 1
                else:
                    kept[answer.json()["id"]] = text
        assert refusals
        assert kept
        await check_posts(client, cast.ada, kept)
    last = await post(client, cast.ada, "There is room again")
    assert last.status_code == 200
    kept[last.json()["id"]] = "There is room again"
    await check_posts(client, cast.ada, kept)
    await worker.settle()
    home = await client.get("/api/v1/timelines/home?limit=40", headers=cast.ada.auth)
    assert {status["id"] for status in home.json()} == set(kept)


async def test_an_upload_that_cannot_be_recorded_leaves_no_file(
    client: Any, cast: Any, server: Any, locked: Trouble
) -> None:
    files = {"file": ("a.png", encode(draw(20, 20), "png"))}
    headers = cast.ada.auth
    with locked("media_attachments"):
        assert refused(await client.post("/api/v2/media", headers=headers, files=files))
        assert list(server.blobs.incoming.iterdir()) == []
    assert (await client.post("/api/v2/media", headers=headers, files=files)).status_code == 200
