"""Pictures that members upload and see, with stores that go away, lose and spoil them."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import httpx2
import msgspec
import pytest

from roseau.domain.media import cleanup, keeping
from roseau.domain.media.checking import ask_for_check, do_check, find_check, find_last_check
from roseau.domain.media.naming import PARTS, list_named
from roseau.kernel.errors import Unavailable
from roseau.settings import Settings
from roseau.storage.blobs import FolderBlobs, is_right
from roseau.storage.sqlite import SqliteDatabase
from roseau.storage.stores import Missing
from roseau.storage.stores.copies import Blobs
from tests.cli.running import Result, ok, run, serving
from tests.media.pictures import draw, encode
from tests.servers.bucket import BucketServer
from tests.survival.media import Fickle, spoil, until

pytestmark = pytest.mark.anyio


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Two copies of everything."""
    return msgspec.structs.replace(settings, media_copies=2, rate_limits=True)


@pytest.fixture
def store(server: Any, tmp_path: Path) -> Fickle:
    """A second place."""
    second = Fickle(tmp_path / "second")
    server.blobs.attach(second)
    return second


async def upload(client: Any, who: Any, side: int = 40) -> Any:
    """Send a picture."""
    picture = encode(draw(side, side), "png")
    return await client.post("/api/v2/media", headers=who.auth, files={"file": ("a.png", picture)})


async def post_picture(client: Any, who: Any, side: int = 40) -> str:
    """Post a picture; its path."""
    media = (await upload(client, who, side)).json()
    posted = await client.post("/api/v1/statuses", headers=who.auth, data={"media_ids[]": media["id"]})
    assert posted.status_code == 200, posted.text
    return str(urlsplit(media["url"]).path)


def name_of(path: str) -> str:
    """The blob behind a path."""
    return path.rpartition("/")[2]


async def test_an_acknowledged_upload_is_in_both_places(client: Any, cast: Any, store: Fickle) -> None:
    media = (await upload(client, cast.ada)).json()
    assert media["url"] != media["preview_url"]
    for url in (media["url"], media["preview_url"]):
        assert store.has(name_of(url))


async def test_an_upload_is_refused_while_the_second_place_is_away(
    client: Any, cast: Any, server: Any, worker: Any, store: Fickle, at: Callable[[float], None]
) -> None:
    store.away = True
    answer = await upload(client, cast.ada)
    assert answer.status_code == 503
    assert "in enough places" in answer.json()["error"]
    store.away = False
    at(120)
    # Nothing was lost: it is made after all, for whoever asks for it.
    await worker.settle()
    assert sorted(store.names()) == sorted(server.blobs.names()) != []


@pytest.mark.parametrize("harm", ["spoilt", "lost"])
async def test_a_picture_is_served_right(
    client: Any, cast: Any, server: Any, store: Fickle, harm: str
) -> None:
    path = await post_picture(client, cast.ada)
    whole = (await client.get(path)).content
    # As after a start: nothing is known of the copies.
    server.blobs = Blobs(server.blobs.folder, [store], copies=2)
    if harm == "spoilt":
        spoil(server.blobs, name_of(path))
    else:
        shutil.rmtree(server.blobs.folder)
        server.blobs.incoming.mkdir(parents=True)
    answer = await client.get(path)
    assert (answer.status_code, answer.content) == (200, whole)
    assert is_right(server.blobs.path_of(name_of(path)))


async def test_a_picture_out_of_reach_is_said_to_be_so(
    client: Any, cast: Any, server: Any, store: Fickle
) -> None:
    path = await post_picture(client, cast.ada)
    server.blobs.path_of(name_of(path)).unlink()
    store.away = True
    answer = await client.get(path)
    assert answer.status_code == 503
    assert "This picture cannot be fetched" in answer.text
    store.away = False
    assert (await client.get(path)).status_code == 200


async def test_made_up_names_are_not_looked_for_endlessly(
    client: Any, store: Fickle, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def refuse(name: str, into: Path) -> None:
        asked.append(name)
        raise Missing(name)

    monkeypatch.setattr(store, "get", refuse)
    statuses = set()
    for number in range(1210):
        name = f"{number:064x}.png"
        statuses.add((await client.get(f"/media/{name[:2]}/{name[2:4]}/{name}")).status_code)
    assert statuses == {404, 429}
    assert len(asked) == 1200


# What keeps the places complete


async def test_an_empty_folder_fills_itself(client: Any, cast: Any, server: Any, store: Fickle) -> None:
    for side in (40, 50, 60):
        await post_picture(client, cast.ada, side)
    names = list(server.blobs.names())
    assert list(store.names()) == names
    shutil.rmtree(server.blobs.folder)
    server.blobs = Blobs(server.blobs.folder, [store], copies=2)
    assert await keeping.compare(server)
    assert list(server.blobs.names()) == names


async def test_a_new_store_gets_everything(
    client: Any, cast: Any, server: Any, store: Fickle, tmp_path: Path
) -> None:
    for side in (40, 50, 60):
        await post_picture(client, cast.ada, side)
    third = Fickle(tmp_path / "third")
    stranger = FolderBlobs(third.folder).put_bytes(b"another machine's", "png")
    third.away = True
    server.blobs.attach(third)
    assert not await keeping.compare(server)
    third.away = False
    assert await keeping.compare(server)
    assert set(third.names()) == {*server.blobs.names(), stranger}


async def test_swept_pictures_leave_every_place(
    client: Any, cast: Any, server: Any, store: Fickle, at: Callable[[float], None]
) -> None:
    await post_picture(client, cast.ada)
    kept = list(server.blobs.names())
    dropped = urlsplit((await upload(client, cast.ada, 50)).json()["url"]).path
    store.away = True
    at(3 * 24 * 3600)
    assert await cleanup.sweep(server) == 2
    until(lambda: server.blobs.lines()[0].away)
    store.away = False
    # It is still there, and is not shown all the same.
    assert store.has(name_of(dropped))
    assert (await client.get(dropped)).status_code == 404
    await keeping.settle(server)
    assert list(store.names()) == kept


async def test_a_superseded_server_deletes_nothing(
    client: Any, cast: Any, server: Any, store: Fickle, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await post_picture(client, cast.ada)
    store.away = True
    server.blobs.remove(name_of(path))
    until(lambda: server.blobs.lines()[0].away)
    store.away = False

    async def refuse(*_: object) -> None:
        raise Unavailable

    monkeypatch.setattr(server.database, "write", refuse)
    with pytest.raises(Unavailable):
        await keeping.settle(server)
    assert store.has(name_of(path))


# Checks


async def test_a_check_reads_every_copy(client: Any, cast: Any, server: Any, store: Fickle) -> None:
    for side in (40, 50):
        await post_picture(client, cast.ada, side)
    names = list(server.blobs.names())
    assert list(store.names()) == names
    spoil(server.blobs, names[0])
    store.remove(names[1])
    for place in (server.blobs, store):
        spoil(place, names[2])

    async def check(repair: bool) -> Any:
        asked = await server.database.write(lambda tx: ask_for_check(tx, repair=repair))
        report = await do_check(server, server.database.read_now(find_check, asked))
        last = server.database.read_now(find_last_check)
        assert (last.id, last.found()) == (asked, report)
        return report

    report = await check(False)
    assert (report.total, report.done, report.lost, report.names) == (4, 4, 1, [names[2]])
    counts = [(one.right, one.missing, one.wrong, one.mended) for one in report.stores]
    assert counts == [(2, 0, 2, 0), (2, 1, 1, 0)]
    report = await check(True)
    assert [one.mended for one in report.stores] == [1, 1]
    report = await check(False)
    assert [(one.right, one.wrong) for one in report.stores] == [(3, 1), (3, 1)]
    store.away = True
    report = await check(False)
    assert "does not answer" in report.stores[1].away


# The command, and real deaths


def list_all_named(data: Path) -> list[str]:
    """Every blob that the database of a site names."""
    database = SqliteDatabase(data / "roseau.db")
    try:
        return sorted(name for part in PARTS for name in database.read_now(list_named, part))
    finally:
        database.close()


def verify(data: Path, *flags: str, **settings: str) -> Result:
    """`roseau media verify`."""
    return run("media", "verify", *flags, "--data", data, **settings)


@pytest.mark.parametrize("running", [True, False], ids=["served", "alone"])
def test_verify_says_what_is_wrong_and_mends_it(tmp_path: Path, running: bool) -> None:
    data, second = tmp_path / "data", tmp_path / "second"
    given = {"media_stores": str(second), "media_copies": "2"}
    ok("demo", "--accounts", "4", "--statuses", "20", "--data", data, **given)
    local = FolderBlobs(data / "media")
    assert list(FolderBlobs(second).names()) == list(local.names())
    # A demo draws more than it shows.
    names = list_all_named(data)
    assert len(names) > 3

    def examine() -> None:
        result = verify(data, **given)
        assert (result.status, result.err) == (0, "")
        assert result.out.splitlines() == [
            f"local: {len(names)} right, 0 missing, 0 wrong",
            f"{second}: {len(names)} right, 0 missing, 0 wrong",
        ]
        spoil(local, names[0])
        FolderBlobs(second).remove(names[1])
        mended = verify(data, "--repair", **given).out
        assert f"local: {len(names) - 1} right, 0 missing, 1 wrong, 1 of them mended" in mended
        assert f"{second}: {len(names) - 1} right, 1 missing, 0 wrong, 1 of them mended" in mended
        for place in (local, FolderBlobs(second)):
            spoil(place, names[2])
        lost = verify(data, "--json", **given)
        assert lost.status == 1
        assert f"1 of {len(names)} pictures are right in no store" in lost.err
        assert msgspec.json.decode(lost.out)["names"] == [names[2]]

    if running:
        with serving(data, **given):
            examine()
    else:
        examine()


def test_a_server_that_dies_between_two_places_finishes_later(tmp_path: Path) -> None:
    data = tmp_path / "data"
    bucket = BucketServer(tmp_path / "s3")
    given = {"media_stores": bucket.address}
    try:
        ok("init", "--domain", "example.org", "--data", data)
        ok("account", "create", "ada", "--email", "ada@example.org", "--data", data)
        token = ok("token", "create", "ada", "--scopes", "read write", "--data", data)
        bucket.pause()
        with serving(data, "--base-url", "http://example.org", **given) as served:
            sent = Thread(target=send, args=(served.address, token), daemon=True)
            sent.start()
            local = Blobs(data / "media")
            # Killed before it is noted as owed, the picture is nobody's: it was not acknowledged.
            owed = data / "media" / ".owed"
            until(lambda: list(local.names()) and any(path.is_file() for path in owed.rglob("*.png")))
            served.process.send_signal(signal.SIGKILL)
            served.process.wait(30)
        sent.join(30)
        name = next(local.names())
        assert list(bucket.folder.glob("media/??/??/*")) == []
        bucket.resume()
        with serving(data, "--base-url", "http://example.org", **given):
            until(lambda: (bucket.folder / "media" / name[:2] / name[2:4] / name).exists())
        assert os.listdir(bucket.folder / "media" / name[:2] / name[2:4]) == [name]
    finally:
        bucket.kill()


def send(address: str, token: str) -> None:
    """An upload that is not answered."""
    with pytest.raises(httpx2.HTTPError):
        httpx2.post(
            f"{address}/api/v2/media",
            headers={"Authorization": f"Bearer {token}", "Host": "example.org"},
            files={"file": ("a.png", encode(draw(30, 30), "png"))},
            timeout=30,
        )
