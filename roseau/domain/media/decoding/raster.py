"""From the bytes of a picture to clean pixels and back: one decoder, upright, sRGB, to size, no metadata."""

import copy
import importlib
import io
import math
import warnings
from collections.abc import Callable, Iterator
from typing import IO, Literal

from PIL import (
    GifImagePlugin,
    Image,
    ImageCms,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from roseau.domain.media.decoding.messages import Format, Sizes

Opener = Callable[[IO[bytes]], ImageFile.ImageFile]
OutputFormat = Literal["jpeg", "png", "gif", "webp"]

_OPENERS: dict[Format, tuple[str, str]] = {
    "jpeg": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "png": ("PIL.PngImagePlugin", "PngImageFile"),
    "gif": ("PIL.GifImagePlugin", "GifImageFile"),
    "webp": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "avif": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "heic": ("pillow_heif.as_plugin", "HeifImageFile"),
}
_WRITERS = (JpegImagePlugin, PngImagePlugin, GifImagePlugin, WebPImagePlugin)
# Nothing can be imported once the process is confined, and Pillow imports these late: `copy` for palettes,
# and its TIFF module to read Exif, where the orientation is; that is never used to open a file.
_NEEDED_LATER = (copy, TiffImagePlugin)

_SRGB = ImageCms.createProfile("sRGB")
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def load_opener(format: Format) -> Opener:
    """Import the one decoder that this format needs, and make Pillow forget how to find any other."""
    module, name = _OPENERS[format]
    opener: Opener = getattr(importlib.import_module(module), name)
    # "2" is how Pillow notes that it has imported all of its plugins, so that it never does.
    Image._initialized = 2
    Image.OPEN.clear()
    # The size was judged before; whatever Pillow still finds too large has grown since.
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    # A frame that uses the palette of the first one stays in it: smaller, quicker and without loss.
    GifImagePlugin.LOADING_STRATEGY = GifImagePlugin.LoadingStrategy.RGB_AFTER_DIFFERENT_PALETTE_ONLY
    if format == "avif":
        vars(importlib.import_module(module))["DEFAULT_MAX_THREADS"] = 1
    if format == "heic":
        vars(importlib.import_module("pillow_heif.options")).update(DECODE_THREADS=1, THUMBNAILS=False)
    return opener


def fit(sizes: Sizes, size: tuple[int, int]) -> tuple[int, int]:
    """Say how large the original of a picture of this size becomes."""
    match sizes.purpose:
        case "attachment":
            return fit_area(size, sizes.original_pixels)
        case "header":
            return fit_area(size, sizes.header_pixels)
        case "avatar":
            side = min(sizes.avatar_side, *size)
            return side, side
        case "emoji":
            scale = min(1.0, sizes.emoji_side / max(size))
            return _scale(size, scale)


def fit_area(size: tuple[int, int], pixels: int) -> tuple[int, int]:
    """Shrink a size, proportions kept, until it covers at most this many pixels."""
    area = size[0] * size[1]
    return size if area <= pixels else _scale(size, math.sqrt(pixels / area))


def _scale(size: tuple[int, int], scale: float) -> tuple[int, int]:
    return max(1, int(size[0] * scale)), max(1, int(size[1] * scale))


def shrink(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Bring a picture to this size, cutting evenly off the two sides that stick out."""
    if image.size == size:
        return image
    width, height = image.size
    scale = min(width / size[0], height / size[1])
    # A difference below a pixel is rounding of the proportions, not something to cut.
    cut_x, cut_y = ((have - want * scale) / 2 for have, want in zip(image.size, size, strict=True))
    left, top = (cut if cut >= 1 else 0.0 for cut in (cut_x, cut_y))
    box = (left, top, width - left, height - top)
    # Hamming is as clean as bicubic when shrinking and takes two thirds of the time.
    return image.resize(size, Image.Resampling.HAMMING, box=box, reducing_gap=2.0)


def read_still(image: ImageFile.ImageFile, size: tuple[int, int]) -> Image.Image:
    """Decode the first frame, upright, in sRGB, in `size`; RGB, or RGBA if something shines through it.

    `size` is as the file stores the picture: it is turned last, when there is least of it.
    """
    orientation = _read_orientation(image)
    profile = image.info.get("icc_profile")
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        # The JPEG decoder can leave out detail that is not wanted: a half, a quarter or an eighth.
        scale = max(size[0] / image.size[0], size[1] / image.size[1])
        image.draft(None, _scale(image.size, scale))
    image.load()
    still = _to_srgb(shrink(_to_resizable(image), size), profile)
    if orientation in _TURNS:
        still = still.transpose(_TURNS[orientation])
    return _clean(still)


def _read_orientation(image: Image.Image) -> int:
    try:
        orientation = image.getexif().get(_ORIENTATION)
    except (SyntaxError, ValueError, OSError, EOFError):
        # A picture with broken Exif is still a picture.
        return 1
    return orientation if isinstance(orientation, int) else 1


def _to_resizable(image: Image.Image) -> Image.Image:
    """Widen what can only be resized by dropping pixels: palettes, bits, one transparent colour."""
    if image.mode == "I;16":
        # Its own conversion cuts sixteen bits off at 255.
        image = image.point(lambda value: value * (1 / 256)).convert("L")
    if image.has_transparency_data:
        return image if image.mode == "RGBA" else image.convert("RGBA")
    return image if image.mode in ("L", "RGB", "CMYK") else image.convert("RGB")


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    if profile:
        try:
            converted = ImageCms.profileToProfile(image, io.BytesIO(profile), _SRGB, outputMode=mode)
        except (ImageCms.PyCMSError, OSError):
            # A profile that is broken, or of another colour space than the picture, says nothing.
            converted = None
        if converted is not None:
            return converted
    if image.mode == mode and not isinstance(image, ImageFile.ImageFile):
        return image
    # `convert` copies if need be: what is written must not be what was read, with all that hangs on it.
    return image.convert(mode)


def _clean(image: Image.Image) -> Image.Image:
    """Keep the pixels alone, and no alpha where nothing shines through."""
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        image = image.convert("RGB")
    image.info.clear()
    return image


def read_frames(image: ImageFile.ImageFile, size: tuple[int, int], count: int) -> Iterator[Image.Image]:
    """Decode the frames of a GIF one after the other, each complete and in `size`."""
    for index in range(count):
        image.seek(index)
        yield _copy_frame(image) if image.size == size else _clean(shrink(image.convert("RGBA"), size))


def _copy_frame(image: Image.Image) -> Image.Image:
    """Keep the palette of a frame, and of all that is noted beside it only which colour is none."""
    frame = image.copy()
    transparency = frame.info.get("transparency")
    frame.info.clear()
    if frame.mode == "P":
        # Pillow's GIF writer reads a palette to which transparency was applied, which has four bytes a
        # colour, as if it had three.
        frame.putpalette(frame.getpalette() or [])
        if transparency is not None:
            frame.info["transparency"] = transparency
    return frame


def write_picture(image: Image.Image, format: OutputFormat, quality: int, file: IO[bytes]) -> None:
    """Encode a picture, and nothing but the picture."""
    match format:
        case "jpeg":
            image.save(file, "JPEG", quality=quality, progressive=True)
        case "webp":
            # Method 2 of 6: at 4K the higher ones take seconds to save a few percent.
            image.save(file, "WEBP", quality=quality, method=2)
        case "png":
            image.save(file, "PNG", compress_level=4)
        case "gif":
            image.save(file, "GIF")


def write_animation(
    frames: Iterator[Image.Image], delays: tuple[int, ...], loop: int | None, file: IO[bytes]
) -> None:
    """Encode the frames of an animation as GIF; `loop` 0 is for ever, None is once."""
    first = next(frames)
    repeat = {} if loop is None else {"loop": loop}
    # Each frame replaces the whole of the one before, for that may have been less transparent.
    first.save(file, "GIF", save_all=True, append_images=frames, duration=list(delays), disposal=2, **repeat)


def flatten(image: Image.Image, side: int) -> Image.Image:
    """Squeeze a picture into a small opaque square, on white, to measure its colours."""
    small = image.resize((side, side), Image.Resampling.BOX, reducing_gap=2.0)
    if small.mode != "RGBA":
        return small
    page = Image.new("RGBA", small.size, "white")
    page.alpha_composite(small)
    return page.convert("RGB")
