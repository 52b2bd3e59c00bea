"""Whether a picture file is whole, and how it moves, read from its container without decoding a pixel."""

import struct
from collections.abc import Iterator

import msgspec

from roseau.domain.media.decoding.messages import Format


class Contents(msgspec.Struct, frozen=True):
    """`whole` is False when the file stops early; `delays` has one entry a frame, in milliseconds."""

    whole: bool
    delays: tuple[int, ...] = ()


def read_contents(format: Format, data: bytes) -> Contents:
    """Walk the container of a file of this format.

    Only GIF, PNG and WebP tell of frames here: AVIF and HEIC sequences are read as their first picture.
    """
    match format:
        case "jpeg":
            return Contents(_jpeg_is_whole(data))
        case "png":
            return _read_png(data)
        case "gif":
            return _read_gif(data)
        case "webp":
            return _read_webp(data)
        case "avif" | "heic":
            return Contents(_iso_is_whole(data))


def _jpeg_is_whole(data: bytes) -> bool:
    """Look for the end marker after the first scan (ITU-T T.81, annex B).

    Compressed data never holds the two bytes of a marker, and a thumbnail, which has an end marker of its
    own, lies in a segment before the scan.
    """
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == 0xDA:
            return data.find(b"\xff\xd9", at) >= 0
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:
            at += 2
            continue
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    # Between segments only markers may stand, so the file is broken rather than cut, unless it has ended.
    return at + 4 <= len(data)


def _read_png(data: bytes) -> Contents:
    """Walk the chunks up to IEND; fcTL chunks are frames (PNG third edition, sections 5.3 and 11.3.6)."""
    at = 8
    delays: list[int] = []
    while at + 12 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        after = at + 12 + length
        if after > len(data):
            break
        if name == b"fcTL" and length == 26:
            numerator, denominator = struct.unpack_from(">HH", data, at + 8 + 20)
            delays.append(numerator * 1000 // (denominator or 100))
        if name == b"IEND":
            return Contents(True, tuple(delays))
        at = after
    return Contents(False, tuple(delays))


def _read_gif(data: bytes) -> Contents:
    """Walk the blocks up to the trailer (GIF89a specification, sections 17 to 27)."""
    if len(data) < 13:
        return Contents(False)
    at, delay = 13 + _colour_table_length(data[10]), 0
    delays: list[int] = []
    while at < len(data):
        kind = data[at]
        if kind == 0x3B:
            return Contents(True, tuple(delays))
        if kind == 0x21:
            if data[at + 1 : at + 3] == b"\xf9\x04":
                delay = int.from_bytes(data[at + 4 : at + 6], "little") * 10
            at = _skip_sub_blocks(data, at + 2)
        elif kind == 0x2C and at + 10 < len(data):
            delays.append(delay)
            delay = 0
            at = _skip_sub_blocks(data, at + 11 + _colour_table_length(data[at + 9]))
        elif kind == 0x2C:
            break
        else:
            # Stray bytes between blocks are skipped, as every browser does.
            at += 1
    return Contents(False, tuple(delays))


def _colour_table_length(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _skip_sub_blocks(data: bytes, at: int) -> int:
    while at < len(data) and data[at]:
        at += 1 + data[at]
    return at + 1


def _read_webp(data: bytes) -> Contents:
    """Trust the length that RIFF declares, and walk the chunks for frames (RFC 9649, section 2.7)."""
    end = 8 + int.from_bytes(data[4:8], "little")
    at = 12
    delays: list[int] = []
    while at + 8 <= min(end, len(data)):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        if data[at : at + 4] == b"ANMF":
            delays.append(int.from_bytes(data[at + 20 : at + 23], "little"))
        at += 8 + length + (length & 1)
    return Contents(end <= len(data), tuple(delays))


def _iso_is_whole(data: bytes) -> bool:
    """A still picture needs its `meta` box and, complete, the `mdat` box that holds the coded pixels."""
    return {b"meta", b"mdat"} <= set(_complete_boxes(data))


def _complete_boxes(data: bytes) -> Iterator[bytes]:
    """Name each top-level box that lies within the file (ISO/IEC 14496-12, section 4.2)."""
    at = 0
    while at + 8 <= len(data):
        length, header = int.from_bytes(data[at : at + 4], "big"), 8
        if length == 1:
            length, header = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        elif length == 0:
            length = len(data) - at
        if length < header or at + length > len(data):
            return
        yield data[at + 4 : at + 8]
        at += length
