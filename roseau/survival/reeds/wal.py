"""Reading SQLite's write-ahead log from its file (https://sqlite.org/fileformat2.html#walformat)."""

import os
import struct
from collections.abc import Iterator
from typing import NamedTuple

HEADER_BYTES = 32
FRAME_HEADER_BYTES = 24
_MAGIC = (0x377F0682, 0x377F0683)
_HEADER = struct.Struct(">8I")
_FRAME = struct.Struct(">6I")
#: Frames that are read at once; one by one, reading costs more than copying the pages does.
_AT_ONCE = 256


class NotALog(ValueError):
    """These bytes are not the beginning of a write-ahead log."""


class Header(NamedTuple):
    """What the log's header says: the size of a page, and the salts that name the generation."""

    page_size: int
    salts: str


class Frame(NamedTuple):
    """One page in the log. `pages` is the database's size in pages if the frame ends a commit, else 0."""

    page: int
    pages: int
    offset: int


def parse_header(data: bytes) -> Header:
    """The header of a log. Raises NotALog."""
    if len(data) < HEADER_BYTES:
        raise NotALog("the header is not whole")
    magic, version, page_size, _, *_ = _HEADER.unpack_from(data)
    # SQLite writes 1 for 65 536, which does not fit its older field.
    page_size = 65_536 if page_size == 1 else page_size
    if magic not in _MAGIC or version != 3_007_000 or page_size < 512 or page_size & (page_size - 1):
        raise NotALog("it does not begin as one")
    return Header(page_size, data[16:24].hex())


def read_header(descriptor: int) -> Header | None:
    """The header of the log in an open file; None when the file is empty."""
    data = os.pread(descriptor, HEADER_BYTES, 0)
    return parse_header(data) if data else None


def end_of(header: Header, frames: int) -> int:
    """Where the bytes of so many frames end."""
    return HEADER_BYTES + frames * (FRAME_HEADER_BYTES + header.page_size)


def list_frames(descriptor: int, header: Header, start: int, end: int) -> Iterator[Frame]:
    """The frames between two offsets, in order; those of another generation end the list."""
    step = FRAME_HEADER_BYTES + header.page_size
    salts = bytes.fromhex(header.salts)
    for block in range(max(start, HEADER_BYTES), end - step + 1, step * _AT_ONCE):
        data = os.pread(descriptor, min(step * _AT_ONCE, end - block), block)
        for place in range(0, len(data) - step + 1, step):
            if data[place + 8 : place + 16] != salts:
                return
            page, pages, *_ = _FRAME.unpack_from(data, place)
            yield Frame(page, pages, block + place)
