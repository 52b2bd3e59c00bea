"""The decoding process: reads one order, locks itself in, makes the files, answers, ends."""

import errno
import io
import os
import sys
from typing import BinaryIO

import msgspec
from PIL import Image, ImageFile

from roseau.domain.media.decoding import raster
from roseau.domain.media.decoding.confinement import confine
from roseau.domain.media.decoding.containers import Contents, read_contents
from roseau.domain.media.decoding.messages import (
    CONFINED,
    Failure,
    Format,
    Limits,
    Made,
    Order,
    Picture,
    Reason,
    Refusal,
    Sizes,
)
from roseau.kernel import blurhash

# A real picture, however flat, has far fewer pixels than this to a byte of file.
_BOMB_PIXELS_PER_BYTE = 100
_THUMBNAIL_SIDE = 32
_ORIGINAL_QUALITY = 90
_SMALL_QUALITY = 85

_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS}
# Pillow's encoders and its quantiser have no better words for memory that they did not get.
_MEMORY_WORDS = ("memory", "when writing", "quantization error")
# Of compressed text and colour profiles in a PNG.
_BOMB_WORDS = ("too large", "too much")


class Unfit(Exception):
    """This picture is not taken, for the reason given."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason: Reason = reason


def main() -> None:
    """Carry out the order on standard input. Errors that no picture should cause end in a traceback."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    opener = raster.load_opener(order.format)
    with (
        open(order.source, "rb") as source,
        open(order.first, "wb") as first,
        open(order.second, "wb") as second,
    ):
        confine(order.limits)
        _say(CONFINED + b"\n")
        _say(msgspec.json.encode(_answer(order, opener, source, first, second)))
        # Python's own way out would look for modules and files that are out of reach, and what is left to be
        # written after a failure is of no use to anyone.
        os._exit(0)


def _say(words: bytes) -> None:
    sys.stdout.buffer.write(words)
    sys.stdout.buffer.flush()


def _answer(
    order: Order, opener: raster.Opener, source: BinaryIO, first: BinaryIO, second: BinaryIO
) -> Picture | Refusal | Failure:
    try:
        data = source.read()
        contents = read_contents(order.format, data)
        if not contents.whole:
            raise Unfit("truncated", "the container stops early")
        image = opener(io.BytesIO(data))
        _check_pixels(image.size, len(data), order.limits)
        picture = _make(order, image, contents, first, second)
        first.flush()
        second.flush()
        return picture
    except Unfit as unfit:
        return Refusal(unfit.reason, str(unfit))
    except MemoryError:
        return Refusal("memory", "out of memory")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        return Refusal("bomb", str(error))
    except (OSError, SyntaxError, ValueError, EOFError, RuntimeError) as error:
        if isinstance(error, OSError) and error.errno in _DISK_ERRORS:
            return Failure(str(error))
        return Refusal(_find_reason(error), f"{type(error).__name__}: {error}")


def _find_reason(error: Exception) -> Reason:
    """Tell errors apart, those of the decoders by their words: they have no types for it."""
    if isinstance(error, OSError) and error.errno == errno.EFBIG:
        return "too_large"
    words = str(error).lower()
    if any(word in words for word in _MEMORY_WORDS):
        return "memory"
    return "bomb" if any(word in words for word in _BOMB_WORDS) else "corrupt"


def _check_pixels(size: tuple[int, int], length: int, limits: Limits) -> None:
    pixels = size[0] * size[1]
    if pixels > limits.max_pixels:
        bomb = pixels > length * _BOMB_PIXELS_PER_BYTE
        raise Unfit("bomb" if bomb else "too_many_pixels", f"{size[0]} x {size[1]} pixels in {length} bytes")


def _make(
    order: Order, image: ImageFile.ImageFile, contents: Contents, first: BinaryIO, second: BinaryIO
) -> Picture:
    size = raster.fit(order.sizes, image.size)
    frames = max(1, len(contents.delays))
    moving = (
        order.format == "gif"
        and frames > 1
        and frames * image.size[0] * image.size[1] <= order.limits.max_animation_pixels
    )
    still = raster.read_still(image, size)
    if moving:
        original = _write_moving(image, size, contents, first)
    else:
        original = _write(still, _choose_format(order, still), _ORIGINAL_QUALITY, first)
    if order.sizes.purpose == "emoji" and first.tell() > order.sizes.emoji_bytes:
        raise Unfit("too_large", f"the emoji takes {first.tell()} bytes")
    small = raster.shrink(still, raster.fit_area(still.size, order.sizes.small_pixels))
    thumbnail = raster.flatten(small, _THUMBNAIL_SIDE)
    return Picture(
        first=original,
        second=_write_second(order.sizes, still, small, moving, second),
        blurhash=blurhash.encode(thumbnail.tobytes(), _THUMBNAIL_SIDE, _THUMBNAIL_SIDE, 4, 4),
        average_color="#" + raster.flatten(thumbnail, 1).tobytes().hex(),
        moving=moving,
        frames=frames,
        duration=sum(contents.delays) if frames > 1 else 0,
    )


def _choose_format(order: Order, still: Image.Image) -> raster.OutputFormat:
    """Keep the format of the file, unless browsers or emoji pickers want another."""
    kept: dict[Format, raster.OutputFormat] = {"jpeg": "jpeg", "png": "png", "gif": "gif", "webp": "webp"}
    if order.sizes.purpose == "emoji":
        return "png"
    return kept.get(order.format, "webp" if still.mode == "RGBA" else "jpeg")


def _write_second(
    sizes: Sizes, still: Image.Image, small: Image.Image, moving: bool, file: BinaryIO
) -> Made | None:
    if sizes.purpose == "attachment":
        return _write(small, "webp" if small.mode == "RGBA" else "jpeg", _SMALL_QUALITY, file)
    return _write(still, "png", _ORIGINAL_QUALITY, file) if moving else None


def _write(image: Image.Image, format: raster.OutputFormat, quality: int, file: BinaryIO) -> Made:
    raster.write_picture(image, format, quality, file)
    return Made(format, *image.size)


def _write_moving(
    image: ImageFile.ImageFile, size: tuple[int, int], contents: Contents, file: BinaryIO
) -> Made:
    loop = image.info.get("loop")
    frames = raster.read_frames(image, size, len(contents.delays))
    raster.write_animation(frames, contents.delays, loop if isinstance(loop, int) else None, file)
    return Made("gif", *size)
