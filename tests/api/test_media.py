"""Uploads, through the API."""

import asyncio
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from roseau.api import media as media_api
from roseau.domain.media import cleanup, uploads
from roseau.domain.media.decoding.decode import DecoderUnavailable
from roseau.kernel import clock
from roseau.kernel.errors import Unavailable
from roseau.settings import Settings
from roseau.storage.schema.media import media_attachments
from roseau.storage.statements import statement
from tests.media.pictures import draw, encode, huge_png

pytestmark = pytest.mark.anyio

PNG = encode(draw(50, 60), "png")
_rows = statement(media_attachments.select())


async def upload(client: Any, who: Any, data: bytes = PNG, version: int = 2, **parts: Any) -> Any:
    """Send a file as clients do."""
    return await client.post(
        f"/api/v{version}/media",
        headers=who.auth,
        files={"file": ("../../etc/passwd", data)} | parts.pop("files", {}),
        data=parts,
    )


def waiting(server: Any) -> list[str]:
    """What lies beside the blobs."""
    return sorted(path.name for path in server.blobs.incoming.iterdir())


def rows(server: Any) -> list[Any]:
    """Every attachment there is."""
    return server.database.read_now(lambda tx: tx.all(_rows))


@pytest.mark.parametrize("version", [1, 2])
async def test_a_picture_is_made_at_once(client: Any, cast: Any, server: Any, version: int) -> None:
    answer = await upload(client, cast.ada, version=version, description="Four\nquarters", focus="-0.5,0.3")
    assert answer.status_code == 200, answer.text
    entity = answer.json()
    assert entity["type"] == "image"
    assert entity["description"] == "Four\nquarters"
    assert entity["meta"] == {
        "original": {"width": 50, "height": 60, "size": "50x60", "aspect": 50 / 60},
        "small": {"width": 50, "height": 60, "size": "50x60", "aspect": 50 / 60},
        "focus": {"x": -0.5, "y": 0.3},
    }
    assert len(entity["blurhash"]) > 6
    assert entity["remote_url"] is entity["text_url"] is entity["preview_remote_url"] is None
    for name in ("url", "preview_url"):
        file = await client.get(entity[name])
        assert file.status_code == 200
        assert file.headers["content-type"] in ("image/png", "image/jpeg")
    assert waiting(server) == []
    shown = await client.get(f"/api/v1/media/{entity['id']}", headers=cast.ada.auth)
    assert (shown.status_code, shown.json()) == (200, entity)


async def test_a_claimed_upload_is_in_its_status(client: Any, cast: Any) -> None:
    first, second = [(await upload(client, cast.ada)).json() for _ in range(2)]
    status = await client.post(
        "/api/v1/statuses",
        headers=cast.ada.auth,
        data={"media_ids[]": [second["id"], first["id"]]},
    )
    assert status.status_code == 200, status.text
    assert status.json()["media_attachments"] == [second, first]
    again = await client.post("/api/v1/statuses", headers=cast.ada.auth, data={"media_ids[]": [first["id"]]})
    assert again.status_code == 422
    address = f"/api/v1/media/{first['id']}"
    assert (await client.put(address, headers=cast.ada.auth, data={"description": "x"})).status_code == 404
    removal = await client.delete(address, headers=cast.ada.auth)
    assert removal.status_code == 422
    assert removal.json() == {"error": "Media attachment is currently used by a status"}


async def test_what_is_said_of_an_upload_can_change(client: Any, cast: Any) -> None:
    entity = (await upload(client, cast.ada, description="old", focus="1,1")).json()
    address = f"/api/v1/media/{entity['id']}"
    changed = await client.put(address, headers=cast.ada.auth, json={"description": "new"})
    assert changed.json() == entity | {"description": "new"}
    changed = await client.put(address, headers=cast.ada.auth, data={"focus": "0.25,-2"})
    assert changed.json()["meta"]["focus"] == {"x": 0.25, "y": -1.0}
    assert changed.json()["description"] == "new"
    changed = await client.put(address, headers=cast.ada.auth, data={"focus": "", "description": " "})
    assert changed.json()["description"] is None
    assert "focus" not in changed.json()["meta"]
    thumbnail = encode(draw(20, 10), "jpeg")
    changed = await client.put(address, headers=cast.ada.auth, files={"thumbnail": ("t", thumbnail)})
    assert changed.status_code == 200, changed.text
    assert changed.json()["meta"]["small"]["size"] == "20x10"
    assert changed.json()["url"] == entity["url"]
    assert changed.json()["preview_url"] != entity["preview_url"]
    assert (await client.get(address, headers=cast.ada.auth)).json() == changed.json()


async def test_a_thumbnail_may_come_along(client: Any, cast: Any) -> None:
    answer = await upload(client, cast.ada, files={"thumbnail": ("t.jpg", encode(draw(16, 8), "jpeg"))})
    assert answer.json()["meta"]["original"]["size"] == "50x60"
    assert answer.json()["meta"]["small"]["size"] == "16x8"


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"description": "x" * 1501}, "Description is too long (maximum is 1500 characters)"),
        ({"focus": "1"}, "Focus is invalid"),
        ({"focus": "nan,0"}, "Focus is invalid"),
        ({"focus": "0,1e999"}, "Focus is invalid"),
        ({"focus": "left,right"}, "Focus is invalid"),
    ],
)
async def test_what_is_said_has_limits(
    client: Any, cast: Any, server: Any, parts: dict[str, str], words: str
) -> None:
    answer = await upload(client, cast.ada, **parts)
    assert answer.status_code == 422
    assert answer.json()["error"] == f"Validation failed: {words}"
    assert rows(server) == []
    assert waiting(server) == []


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(1)</script>" + bytes(100)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (SVG, "not a picture"),
        (HTML, "not a picture"),
        (b"MZ" + bytes(5000), "not a picture"),
        (b"\x00\x00\x00\x18ftypmp42" + bytes(500), "not a picture"),
        (PNG[: len(PNG) // 2], "incomplete"),
        (huge_png(), "pixels|far larger"),
        (b"\xff\xd8\xff" + b"\x00" * 500, "damaged|incomplete"),
        (b"GIF89a" + HTML, "damaged|incomplete"),
    ],
    ids=["svg", "html", "program", "video", "truncated", "bomb", "no-jpeg", "html-as-gif"],
)
async def test_what_is_no_picture_is_refused(
    client: Any, cast: Any, server: Any, data: bytes, words: str
) -> None:
    answer = await upload(client, cast.ada, data)
    assert answer.status_code == 422
    assert any(word in answer.json()["error"] for word in words.split("|")), answer.text
    assert waiting(server) == []
    assert list(server.blobs.names()) == []
    for row in rows(server):
        assert row.state == "failed"
        shown = await client.get(f"/api/v1/media/{row.id}", headers=cast.ada.auth)
        assert (shown.status_code, shown.json()) == (422, answer.json())
        posted = await client.post(
            "/api/v1/statuses", headers=cast.ada.auth, data={"media_ids[]": [str(row.id)]}
        )
        assert posted.status_code == 422


async def test_no_file_is_a_problem_of_the_form(client: Any, cast: Any) -> None:
    for answer in (
        await client.post("/api/v2/media", headers=cast.ada.auth),
        await client.post("/api/v2/media", headers=cast.ada.auth, data={"file": "words"}),
        await upload(client, cast.ada, b""),
    ):
        assert answer.status_code == 422
        assert "file" in answer.json()["error"].lower()


async def test_an_upload_is_its_owners_alone(client: Any, cast: Any) -> None:
    entity = (await upload(client, cast.ada)).json()
    address = f"/api/v1/media/{entity['id']}"
    for answer in (
        await client.get(address, headers=cast.bob.auth),
        await client.put(address, headers=cast.bob.auth, data={"description": "mine"}),
        await client.put(address, headers=cast.bob.auth, files={"thumbnail": ("t", PNG)}),
        await client.delete(address, headers=cast.bob.auth),
        await client.get("/api/v1/media/1", headers=cast.ada.auth),
        await client.get("/api/v1/media/99999999999999999999999", headers=cast.ada.auth),
    ):
        assert (answer.status_code, answer.json()) == (404, {"error": "Record not found"})
    stolen = await client.post(
        "/api/v1/statuses", headers=cast.bob.auth, data={"status": "mine", "media_ids[]": entity["id"]}
    )
    assert stolen.status_code == 422
    assert (await client.delete(address, headers=cast.ada.auth)).json() == {}
    assert (await client.get(address, headers=cast.ada.auth)).status_code == 404


class TestSlow:
    """Pictures that take longer than an answer may be held back."""

    @pytest.fixture(autouse=True)
    def hurry(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(media_api, "PATIENCE", 0.01)

    @pytest.fixture
    def gate(self, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
        """No picture is made before this is set."""
        opened = asyncio.Event()
        make = uploads.make_picture

        async def wait(*args: Any) -> Any:
            await opened.wait()
            return await make(*args)

        monkeypatch.setattr(uploads, "make_picture", wait)
        return opened

    async def test_the_answer_comes_before_the_picture(
        self, client: Any, cast: Any, server: Any, gate: asyncio.Event
    ) -> None:
        answer = await upload(client, cast.ada)
        assert answer.status_code == 202
        entity = answer.json()
        assert entity["url"] is None
        address = f"/api/v1/media/{entity['id']}"
        assert (await client.get(address, headers=cast.ada.auth)).status_code == 206
        described = await client.put(address, headers=cast.ada.auth, data={"focus": "0.5,0.5"})
        assert described.status_code == 206
        early = await client.post(
            "/api/v1/statuses", headers=cast.ada.auth, data={"media_ids[]": entity["id"]}
        )
        assert early.status_code == 422
        gate.set()
        await uploads.process_media(server, int(entity["id"]))
        done = await client.get(address, headers=cast.ada.auth)
        assert done.status_code == 200
        assert done.json()["url"]
        assert done.json()["meta"]["focus"] == {"x": 0.5, "y": 0.5}
        assert waiting(server) == []

    async def test_the_job_takes_up_what_a_dead_process_left(
        self, client: Any, cast: Any, server: Any, worker: Any, gate: asyncio.Event,
        at: Callable[[float], None],
    ) -> None:  # fmt: skip
        entity = (await upload(client, cast.ada)).json()
        # The process dies: its task is gone, the file, the row and the job are there.
        uploads._in_hand[int(entity["id"])].cancel()
        await asyncio.sleep(0)
        gate.set()
        await worker.settle()
        assert rows(server)[0].state == "processing"
        at(61)
        await worker.settle()
        assert rows(server)[0].state == "ready"
        assert waiting(server) == []

    async def test_a_decoder_that_cannot_run_is_tried_again(
        self, client: Any, cast: Any, server: Any, worker: Any, monkeypatch: pytest.MonkeyPatch,
        at: Callable[[float], None],
    ) -> None:  # fmt: skip
        make = uploads.make_picture

        async def fail(*args: Any) -> Any:
            raise DecoderUnavailable("no seccomp here")

        monkeypatch.setattr(uploads, "make_picture", fail)
        monkeypatch.setattr(media_api, "PATIENCE", 5.0)
        answer = await upload(client, cast.ada)
        assert answer.status_code == 503
        at(61)
        await worker.settle()
        assert rows(server)[0].state == "processing"
        monkeypatch.setattr(uploads, "make_picture", make)
        at(61 + 16)
        await worker.settle()
        assert rows(server)[0].state == "ready"


class TestLimits:
    """Limits are the site's settings."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return msgspec.structs.replace(settings, max_image_bytes=4096, max_image_pixels=10_000)

    async def test_a_file_that_is_too_large_is_refused(self, client: Any, cast: Any, server: Any) -> None:
        answer = await upload(client, cast.ada, PNG + bytes(4096))
        assert answer.status_code == 413
        assert answer.json() == {"error": "This file is larger than what this server accepts."}
        assert waiting(server) == []

    async def test_a_picture_with_too_many_pixels_is_refused(self, client: Any, cast: Any) -> None:
        answer = await upload(client, cast.ada, encode(draw(101, 100), "png"))
        assert answer.status_code == 422
        assert "pixels" in answer.json()["error"]


async def test_what_nobody_uses_is_swept(
    client: Any, cast: Any, server: Any, worker: Any, at: Callable[[float], None]
) -> None:
    kept = (await upload(client, cast.ada, encode(draw(40, 40), "png"))).json()
    posted = await client.post("/api/v1/statuses", headers=cast.ada.auth, data={"media_ids[]": kept["id"]})
    assert posted.status_code == 200
    dropped = (await upload(client, cast.ada, encode(draw(30, 30), "png"))).json()
    # The same bytes as the first: its blobs are shared, and stay.
    twin = (await upload(client, cast.ada, encode(draw(40, 40), "png"))).json()
    assert twin["url"] == kept["url"]
    (server.blobs.incoming / "half").write_bytes(b"half a file")
    at(20 * 3600)
    assert await cleanup.sweep(server) == 0
    assert len(rows(server)) == 3
    at(3 * 24 * 3600)
    await worker.settle()
    assert [str(row.id) for row in rows(server)] == [kept["id"]]
    assert waiting(server) == []
    for url, status in ((kept["url"], 200), (kept["preview_url"], 200), (dropped["url"], 404)):
        assert (await client.get(url)).status_code == status
    # The next sweep is planned.
    late = (await upload(client, cast.ada, encode(draw(30, 30), "png"))).json()
    at(6 * 24 * 3600)
    await worker.settle()
    assert (await client.get(late["url"])).status_code == 404


async def test_a_blob_that_is_put_again_while_swept_stays(server: Any, tmp_path: Path) -> None:
    name = server.blobs.put_bytes(b"picture", "png")
    now = clock.now()
    assert server.blobs.list_older(name[:2], now + 60_000) == {name}
    assert not server.blobs.remove_older(name, now - 60_000)
    assert server.blobs.path_of(name).read_bytes() == b"picture"
    assert server.blobs.remove_older(name, now + 60_000)
    assert not server.blobs.remove_older(name, now + 60_000)
    assert list(server.blobs.names()) == []


async def test_profile_pictures_are_blobs(server: Any, tmp_path: Path) -> None:
    still, moving = tmp_path / "still", tmp_path / "moving"
    still.write_bytes(PNG)
    frames = [draw(20, 20), draw(20, 20).rotate(90)]
    moving.write_bytes(encode(frames[0], "gif", save_all=True, append_images=frames[1:], duration=100))
    name, same = await uploads.process_profile_picture(server, still, "avatar")
    assert name == same
    name, frozen = await uploads.process_profile_picture(server, moving, "avatar")
    assert (name.rpartition(".")[2], frozen.rpartition(".")[2]) == ("gif", "png")
    header, _ = await uploads.process_profile_picture(server, still, "header")
    assert server.blobs.path_of(header).is_file()
    assert still.is_file()


async def test_a_full_disk_is_told_and_leaves_nothing(
    client: Any, cast: Any, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> Any:
        raise OSError(28, "No space left on device")

    class Full(io.RawIOBase):
        write = fail

    monkeypatch.setattr("roseau.doors.multipart._create", lambda path: Full())
    answer = await upload(client, cast.ada)
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    monkeypatch.undo()
    monkeypatch.setattr(uploads, "_take_over", lambda moves: (_ for _ in ()).throw(Unavailable()))
    assert (await upload(client, cast.ada)).status_code == 503
    assert waiting(server) == []
    assert rows(server) == []


async def test_custom_emojis_are_none_yet(client: Any) -> None:
    answer = await client.get("/api/v1/custom_emojis")
    assert (answer.status_code, answer.json()) == (200, [])
