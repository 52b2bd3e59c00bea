"""Files that come with a request: kept beside the blobs, checked while they come in, gone afterwards."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from roseau.domain.media.decoding.decode import ImageRefused
from roseau.doors.forms import read_form, to_struct
from roseau.doors.multipart import Upload, discard_uploads
from roseau.kernel.errors import Invalid, RoseauError, TooLarge, Unavailable
from tests.doors.bodies import MULTIPART, make_request, multipart, part

pytestmark = pytest.mark.anyio

GIF = b"GIF89a" + bytes(200)


class Form(msgspec.Struct):
    file: Upload | None = None
    media: list[Upload] = []


def found_in(folder: Path) -> list[Path]:
    """Every file below it."""
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("chunk", [1, 100, 65_536])
async def test_a_file_is_kept_until_the_answer(tmp_path: Path, chunk: int) -> None:
    request = make_request(tmp_path, multipart(part("file", GIF, "x.gif")), MULTIPART, chunk=chunk)
    form = to_struct(await read_form(request, 1000, 1), Form)
    assert form.file is not None
    assert form.file.path.read_bytes() == GIF
    assert form.file.size == len(GIF)
    assert form.file.path.stat().st_mode & 0o777 == 0o600
    discard_uploads(request.scope)
    discard_uploads(request.scope)
    assert found_in(tmp_path) == []


@pytest.mark.parametrize(
    "filename",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "..",
        "C:\\\\x",
        "a" * 3000,
        "nul",
        ".htaccess",
        "x.php",
        "é😀",
        "%2e%2e%2f",
    ],
)
async def test_a_file_has_none_of_its_names(tmp_path: Path, filename: str) -> None:
    request = make_request(tmp_path / "in" / "side", multipart(part("file", GIF, filename)), MULTIPART)
    form = to_struct(await read_form(request, 1000, 1), Form)
    assert form.file is not None
    assert [path.parent for path in found_in(tmp_path)] == [tmp_path / "in" / "side" / "incoming"]
    assert form.file.path.suffix == ".part"


async def test_several_files_are_a_list(tmp_path: Path) -> None:
    body = multipart(part("media[]", GIF, "a"), part("media[]", b"", ""), part("media[]", GIF + b"x", "b"))
    form = to_struct(await read_form(make_request(tmp_path, body, MULTIPART), 1000, 4), Form)
    assert [upload.size for upload in form.media] == [len(GIF), len(GIF) + 1]


@pytest.mark.parametrize(
    ("parts", "error"),
    [
        ([part("file", GIF + bytes(1000), "x")], TooLarge),
        ([part("file", GIF, "x")] * 3, TooLarge),
        ([part("file", b"<svg>" + bytes(100), "x.png", b"Content-Type: image/png\r\n")], ImageRefused),
        ([part("file", b"GIF", "x.gif")], ImageRefused),
        ([part("file", GIF, "x"), part("status", b"\xff")], RoseauError),
        ([part("file", b"words")], Invalid),
    ],
    ids=["too large", "too many", "no picture", "too short", "broken later", "words"],
)
async def test_what_cannot_be_kept_leaves_nothing(
    tmp_path: Path, parts: list[bytes], error: type[RoseauError]
) -> None:
    request = make_request(tmp_path, multipart(*parts), MULTIPART)
    with pytest.raises(error):
        to_struct(await read_form(request, 1000, 2), Form)
    discard_uploads(request.scope)
    assert found_in(tmp_path) == []


async def test_a_client_that_goes_away_leaves_nothing(tmp_path: Path) -> None:
    request = make_request(tmp_path, part("file", GIF, "x"), MULTIPART, whole=False, chunk=90)
    with pytest.raises(RoseauError):
        await read_form(request, 1000, 1)
    discard_uploads(request.scope)
    assert found_in(tmp_path) == []


async def test_a_file_is_refused_at_its_first_bytes(tmp_path: Path) -> None:
    request = make_request(tmp_path, part("file", b"<html>" + bytes(900_000), "x"), MULTIPART, chunk=1000)
    with pytest.raises(ImageRefused):
        await read_form(request, 1_000_000, 1)
    rest: list[Any] = []
    while (message := await request.receive()).get("more_body"):
        rest.append(message)
    assert len(rest) > 800


async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    request = make_request(tmp_path, multipart(part("file", GIF, "x")), MULTIPART)
    (tmp_path / "incoming").rmdir()
    with pytest.raises(Unavailable):
        await read_form(request, 1000, 1)
