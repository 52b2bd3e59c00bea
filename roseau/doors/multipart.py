"""Multipart bodies: text parts in memory, files on disk beside the blobs, nothing larger than allowed.

A file is refused while it comes in: at its first bytes when it is no picture (all that is uploaded
here is), and as soon as it is too large. What its part says of its name and type is not believed.
"""

import os
import secrets
from collections.abc import MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from roseau.domain.media.decoding.decode import ImageRefused
from roseau.domain.media.decoding.signatures import HEAD_BYTES, find_format
from roseau.doors.server import server_of
from roseau.kernel.errors import BadRequest, RoseauError, TooLarge, Unavailable, UnsupportedType, mark

MAX_PARTS = 1_000
_CANNOT_SAVE = "This server cannot save files at the moment. Try again in a minute."
_UNREADABLE = mark("The multipart body could not be read.")


@dataclass(slots=True, frozen=True)
class Upload:
    """A file that came with the request; it goes when the request is answered, unless it was moved away.

    Where forms are read forgivingly, a file that is refused has its `error`, and nothing at its path.
    """

    path: Path
    size: int
    error: RoseauError | None = None


def discard_uploads(scope: MutableMapping[str, Any]) -> None:
    """Remove the files of a request that nobody took over."""
    for path in scope.get("state", {}).pop("uploads", ()):
        with suppress(OSError):
            path.unlink(missing_ok=True)


async def read_multipart(
    request: Request,
    max_text: int,
    max_file: int,
    max_files: int,
    *,
    forgiving: bool = False,
    pictures: bool = True,
) -> list[tuple[str, str | Upload]]:
    """The parts in order; sizes in bytes. File fields that were left empty are left out.

    `forgiving`: a file that is refused does not take the rest of the form with it. `pictures` False: files
    may be anything. Raises BadRequest, TooLarge, UnsupportedType, ImageRefused, Unavailable.
    """
    _, options = parse_options_header(request.headers.get("content-type"))
    boundary = options.get(b"boundary", b"")
    if not boundary:
        raise BadRequest(_UNREADABLE)
    limit = max_text + max_file * max_files
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared[:18]) > limit + MAX_PARTS * 1024:
        raise TooLarge
    reader = _Reader(request, max_text, max_file, max_files, forgiving, pictures)
    came = False
    try:
        parser = MultipartParser(boundary, reader.callbacks())
        async for chunk in request.stream():
            came = came or bool(chunk)
            # Inline: a chunk goes to the page cache, which takes less than a hop to another thread.
            parser.write(chunk)
        parser.finalize()
    except (FormParserError, ClientDisconnect, UnicodeDecodeError) as error:
        raise BadRequest(_UNREADABLE) from error
    except OSError as error:
        raise Unavailable(_CANNOT_SAVE) from error
    finally:
        reader.close()
    if came and not reader.ended:
        raise BadRequest("The multipart body is incomplete.")
    return reader.parts


@dataclass(slots=True)
class _Part:
    """What is known so far of the part that is coming in."""

    name: str = ""
    disposition: bytes = b""
    size: int = 0
    is_file: bool = False
    #: The text; of a file only its beginning, until `file` is there.
    data: bytearray = field(default_factory=bytearray)
    file: BinaryIO | None = None
    #: Why it is not taken; the rest of it is passed over.
    error: RoseauError | None = None


class _Reader:
    """Takes the parts from the parser, one after the other."""

    def __init__(
        self,
        request: Request,
        max_text: int,
        max_file: int,
        max_files: int,
        forgiving: bool,
        pictures: bool,
    ) -> None:
        self.parts: list[tuple[str, str | Upload]] = []
        self.ended = False
        self._folder = server_of(request).blobs.incoming
        self._paths: list[Path] = request.scope.setdefault("state", {}).setdefault("uploads", [])
        self._text_left = max_text
        self._max_file = max_file
        self._files_left = max_files
        self._left = max_text + max_file * max_files
        self._forgiving = forgiving
        self._pictures = pictures
        self._part = _Part()
        self._header = self._value = b""

    def callbacks(self) -> Any:
        """What the parser calls."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._read_header_name,
            "on_header_value": self._read_header_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._start,
            "on_part_data": self._read,
            "on_part_end": self._end,
            "on_end": self._finish,
        }

    def close(self) -> None:
        """Let go of the file that was being written."""
        if self._part.file is not None:
            self._part.file.close()

    def _begin(self) -> None:
        if len(self.parts) >= MAX_PARTS:
            raise TooLarge("This form has too many parts.")
        self._part = _Part()

    def _read_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _read_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._part.disposition = self._value
        self._header = self._value = b""

    def _start(self) -> None:
        _, options = parse_options_header(self._part.disposition)
        if b"name" not in options:
            raise BadRequest("A part of the multipart body has no name.")
        self._part.name = options[b"name"].decode()
        self._part.is_file = b"filename" in options

    def _read(self, data: bytes, start: int, end: int) -> None:
        # What is passed over was sent as well.
        self._left -= end - start
        if self._left < 0:
            raise TooLarge
        if self._part.error is None:
            try:
                self._take(data, start, end)
            except (ImageRefused, TooLarge) as error:
                self._refuse(error)

    def _refuse(self, error: RoseauError) -> None:
        if not (self._forgiving and self._part.is_file):
            raise error
        self.close()
        self._part.error = error
        self._part.file = None
        self._part.data.clear()

    def _take(self, data: bytes, start: int, end: int) -> None:
        part = self._part
        part.size += end - start
        if part.file is not None:
            self._check_size(part)
            part.file.write(data[start:end])
            return
        part.data += data[start:end]
        if not part.is_file:
            if part.size > self._text_left:
                raise TooLarge
        elif part.size >= HEAD_BYTES:
            self._open(part)

    def _check_size(self, part: _Part) -> None:
        if part.size > self._max_file:
            raise TooLarge("This file is larger than what this server accepts.")

    def _open(self, part: _Part) -> None:
        """Enough of the file is here to see what it is: keep it, or refuse it."""
        if self._max_file == 0:
            raise UnsupportedType("No file is expected here.")
        if self._files_left == 0:
            raise TooLarge("These are more files than can be sent at once.")
        self._check_size(part)
        if self._pictures and find_format(bytes(part.data[:HEAD_BYTES])) is None:
            raise ImageRefused("unknown_format")
        self._files_left -= 1
        path = self._folder / f"{secrets.token_hex(16)}.part"
        part.file = _create(path)
        self._paths.append(path)
        part.file.write(part.data)

    def _end(self) -> None:
        part = self._part
        if not part.is_file:
            self._text_left -= part.size
            self.parts.append((part.name, part.data.decode()))
        elif part.size:
            if part.file is None and part.error is None:
                try:
                    self._open(part)
                except (ImageRefused, TooLarge) as error:
                    self._refuse(error)
            self.close()
            path = self._paths[-1] if part.error is None else self._folder
            self.parts.append((part.name, Upload(path, part.size, part.error)))

    def _finish(self) -> None:
        self.ended = True


def _create(path: Path) -> BinaryIO:
    """A new file that nobody else can read. Unbuffered: what cannot be written is an error at once."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", buffering=0)
