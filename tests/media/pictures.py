"""Pictures for the tests, honest ones and others, all made on the spot."""

import io
import struct
import zlib

import pillow_heif
from PIL import Image

FORMATS = ("jpeg", "png", "gif", "webp", "avif", "heic")


def draw(width: int, height: int) -> Image.Image:
    """Draw four quarters: red and green above, blue and white below."""
    image = Image.new("RGB", (width, height), (255, 255, 255))
    image.paste((255, 0, 0), (0, 0, width // 2, height // 2))
    image.paste((0, 255, 0), (width // 2, 0, width, height // 2))
    image.paste((0, 0, 255), (0, height // 2, width // 2, height))
    return image


def encode(image: Image.Image, format: str, **options: object) -> bytes:
    """Write a picture in a format named as Roseau names it, with Pillow's options."""
    file = io.BytesIO()
    if format == "heic":
        pillow_heif.from_pillow(image).save(file, quality=95, **options)
    else:
        quality = {"quality": 95} if format in ("jpeg", "webp", "avif") else {}
        image.save(file, format.upper(), **quality, **options)
    return file.getvalue()


def png_chunk(name: bytes, data: bytes) -> bytes:
    """Write one chunk with its length and checksum."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def insert_png_chunk(png: bytes, name: bytes, data: bytes) -> bytes:
    """Put a chunk behind the header of a PNG."""
    return png[:33] + png_chunk(name, data) + png[33:]


def zlib_bomb() -> bytes:
    """Pack 64 MB of zeros into 64 kB."""
    return zlib.compress(bytes(64 * 1024 * 1024), 9)


def huge_png() -> bytes:
    """Make a whole and valid PNG of 30 000 by 30 000 black pixels, some 110 kB long."""
    squeeze = zlib.compressobj(9)
    pixels = b"".join(squeeze.compress(bytes(3751)) for _ in range(30_000)) + squeeze.flush()
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", pixels) + png_chunk(b"IEND", b"")


def huge_gif() -> bytes:
    """Make a GIF of one pixel on a screen of four thousand million."""
    gif = encode(Image.new("P", (1, 1)), "gif")
    return gif[:6] + b"\xff\xff\xff\xff" + gif[10:]


def huge_jpeg() -> bytes:
    """Make a JPEG whose frame header claims 65 000 by 65 000 pixels."""
    jpeg = encode(Image.new("RGB", (8, 8)), "jpeg")
    frame = jpeg.index(b"\xff\xc0")
    return jpeg[: frame + 5] + struct.pack(">HH", 65_000, 65_000) + jpeg[frame + 9 :]


def huge_webp() -> bytes:
    """Make an animated WebP with a canvas of 16 383 by 16 383 pixels and frames of eight by eight."""
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    webp = encode(frames[0], "webp", save_all=True, append_images=frames[1:])
    at = webp.index(b"VP8X") + 12
    return webp[:at] + b"\xfe\x3f\x00\xfe\x3f\x00" + webp[at + 6 :]


def swap_primaries(profile: bytes) -> bytes:
    """Exchange red and blue in an ICC profile, by the names in its table of tags."""
    return profile.replace(b"rXYZ", b"?XYZ", 1).replace(b"bXYZ", b"rXYZ", 1).replace(b"?XYZ", b"bXYZ", 1)
