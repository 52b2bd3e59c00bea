"""Pictures that people send: what becomes of good ones, and that bad ones cost nothing but a refusal."""

import io
import random
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path

import pytest
from PIL import Image, ImageCms, PngImagePlugin

from roseau.domain.media.decoding import decode
from roseau.domain.media.decoding.decode import ImageRefused, decode_image
from roseau.domain.media.decoding.messages import Decoded, Limits, Purpose, Sizes, Variant
from tests.media.pictures import (
    FORMATS,
    draw,
    encode,
    huge_gif,
    huge_jpeg,
    huge_png,
    huge_webp,
    insert_png_chunk,
    swap_primaries,
    zlib_bomb,
)

pytestmark = pytest.mark.anyio

Send = Callable[..., Awaitable[Decoded]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def send(tmp_path: Path, out: Path) -> Send:
    async def send(data: bytes, sizes: Sizes | None = None, limits: Limits | None = None) -> Decoded:
        source = tmp_path / "upload"
        source.write_bytes(data)
        return await decode_image(source, out, sizes, limits)

    return send


async def refuse(send: Send, data: bytes, sizes: Sizes | None = None, limits: Limits | None = None) -> str:
    with pytest.raises(ImageRefused) as refused:
        await send(data, sizes, limits)
    assert str(refused.value)
    return refused.value.reason


def reopen(out: Path, variant: Variant | None) -> Image.Image:
    """Open a file that was made, after checking that it is what it is said to be."""
    assert variant is not None
    data = (out / variant.file).read_bytes()
    image = Image.open(io.BytesIO(data))
    assert (variant.size, variant.sha256) == (len(data), sha256(data).hexdigest())
    assert (variant.width, variant.height) == image.size
    assert variant.content_type == image.get_format_mimetype()
    return image


def near(image: Image.Image, at: tuple[int, int], colour: tuple[int, ...], slack: int = 24) -> bool:
    pixel = image.convert("RGBA" if len(colour) == 4 else "RGB").getpixel(at)
    assert isinstance(pixel, tuple)
    return all(abs(have - want) <= slack for have, want in zip(pixel, colour, strict=True))


@pytest.mark.parametrize(
    ("format", "original", "small"),
    [
        ("jpeg", "image/jpeg", "image/jpeg"),
        ("png", "image/png", "image/jpeg"),
        ("gif", "image/gif", "image/jpeg"),
        ("webp", "image/webp", "image/jpeg"),
        ("avif", "image/jpeg", "image/jpeg"),
        ("heic", "image/jpeg", "image/jpeg"),
    ],
)
async def test_every_format_is_read(send: Send, out: Path, format: str, original: str, small: str) -> None:
    decoded = await send(encode(draw(1200, 800), format))
    assert (decoded.format, decoded.original.content_type) == (format, original)
    assert decoded.small is not None and decoded.small.content_type == small
    assert decoded.static is None and not decoded.animated and not decoded.moving
    assert (decoded.frames, decoded.duration) == (1, 0)
    assert sorted(file.name for file in out.iterdir()) == sorted((decoded.original.file, decoded.small.file))
    for variant in (decoded.original, decoded.small):
        image = reopen(out, variant)
        assert near(image, (2, 2), (255, 0, 0)) and near(image, (image.width - 3, 2), (0, 255, 0))
    assert (decoded.original.width, decoded.original.height) == (1200, 800)
    assert decoded.small.width * decoded.small.height <= 640 * 360
    assert decoded.small.width / decoded.small.height == pytest.approx(1.5, abs=0.01)


@pytest.mark.parametrize(
    ("format", "original"),
    [("png", "image/png"), ("webp", "image/webp"), ("avif", "image/webp"), ("heic", "image/webp")],
)
async def test_what_is_transparent_stays_so(send: Send, out: Path, format: str, original: str) -> None:
    picture = draw(400, 300).convert("RGBA")
    picture.paste((0, 0, 0, 0), (100, 100, 300, 200))
    decoded = await send(encode(picture, format))
    assert decoded.original.content_type == original
    assert decoded.small is not None and decoded.small.content_type == "image/webp"
    for variant in (decoded.original, decoded.small):
        image = reopen(out, variant)
        assert near(image.getchannel("A"), (200, 150), (0, 0, 0), 8)
        assert near(image, (4, 4), (255, 0, 0, 255))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "I;16", "CMYK"])
async def test_every_kind_of_pixel_is_read(send: Send, out: Path, mode: str) -> None:
    if mode == "I;16":
        picture = Image.frombytes("I;16", (90, 60), b"\x00\x80" * 90 * 60)
    else:
        grey = Image.new("RGB", (90, 60), (128, 128, 128))
        picture = grey.convert(mode, dither=Image.Dither.NONE, palette=Image.Palette.ADAPTIVE)
    decoded = await send(encode(picture, "jpeg" if mode == "CMYK" else "png"))
    wanted = (255,) * 3 if mode == "1" else (128,) * 3
    assert near(reopen(out, decoded.original), (45, 30), wanted, 6)


async def test_large_pictures_are_made_smaller_and_small_ones_never_larger(send: Send, out: Path) -> None:
    decoded = await send(encode(draw(4600, 2300), "jpeg"))
    assert 8_200_000 < decoded.original.width * decoded.original.height <= 3840 * 2160
    assert decoded.original.width / decoded.original.height == pytest.approx(2, abs=0.01)
    assert b"\xff\xc2" in (out / "original.jpg").read_bytes()  # a progressive frame
    tiny = await send(encode(draw(3, 2), "png"))
    assert tiny.small is not None
    assert (tiny.original.width, tiny.original.height, tiny.small.width, tiny.small.height) == (3, 2, 3, 2)


@pytest.mark.parametrize("format", ["jpeg", "png", "webp", "avif", "heic"])
async def test_nothing_but_pixels_is_kept(send: Send, out: Path, format: str) -> None:
    exif = Image.Exif()
    exif[0x010F] = "SECRET camera"
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 29.0), 29: "SECRET gps"})
    extra: dict[str, object] = {"exif": exif.tobytes(), "xmp": b"<x:xmpmeta>SECRET xmp</x:xmpmeta>"}
    profile = ImageCms.createProfile("sRGB")
    extra["icc_profile"] = ImageCms.ImageCmsProfile(profile).tobytes()
    if format == "png":
        notes = PngImagePlugin.PngInfo()
        notes.add_text("Comment", "SECRET text")
        notes.add_text("Author", "SECRET compressed", zip=True)
        notes.add_itxt("XML:com.adobe.xmp", "SECRET xmp")
        extra["pnginfo"] = notes
    if format == "jpeg":
        extra["comment"] = b"SECRET comment"
    data = encode(draw(300, 200), format, **extra)
    assert b"SECRET" in data
    await send(data)
    for file in out.iterdir():
        made = file.read_bytes()
        image = Image.open(io.BytesIO(made))
        assert not set(image.info) & {"exif", "xmp", "icc_profile", "comment", "Comment", "Author"}
        assert not any(
            word in made for word in (b"SECRET", b"Exif", b"eXIf", b"tEXt", b"iCCP", b"ICC_PROFILE")
        )


async def test_comments_in_a_gif_are_dropped(send: Send, out: Path) -> None:
    data = encode(draw(60, 40), "gif", comment=b"SECRET")
    assert b"SECRET" in data
    await send(data)
    assert b"SECRET" not in (out / "original.gif").read_bytes()


@pytest.mark.parametrize("orientation", range(1, 9))
async def test_pictures_are_turned_upright(send: Send, out: Path, orientation: int) -> None:
    # How to lay a picture down so that turning it as its orientation says sets it upright.
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    upright = draw(240, 120)
    lying = upright.transpose(Image.Transpose(undo[orientation])) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = await send(encode(lying, "jpeg", exif=exif.tobytes()))
    image = reopen(out, decoded.original)
    assert image.size == (240, 120)
    assert near(image, (3, 3), (255, 0, 0)) and near(image, (236, 3), (0, 255, 0))
    assert near(image, (3, 116), (0, 0, 255)) and near(image, (236, 116), (255, 255, 255))


async def test_colours_become_srgb(send: Send, out: Path) -> None:
    profile = swap_primaries(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    data = encode(Image.new("RGB", (50, 50), (255, 0, 0)), "png", icc_profile=profile)
    assert near(reopen(out, (await send(data)).original), (25, 25), (0, 0, 255))


@pytest.mark.parametrize(
    "profile", [b"rubbish", ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()]
)
async def test_a_profile_that_does_not_fit_is_ignored(send: Send, out: Path, profile: bytes) -> None:
    data = encode(draw(50, 50), "png", icc_profile=profile)
    assert near(reopen(out, (await send(data)).original), (2, 2), (255, 0, 0))


async def test_what_is_told_of_a_picture(send: Send) -> None:
    decoded = await send(encode(Image.new("RGB", (64, 48), (255, 0, 0)), "png"))
    assert decoded.average_color == "#ff0000"
    assert (
        decoded.blurhash.startswith("U") and decoded.blurhash[2:6] == "TI:j" and len(decoded.blurhash) == 36
    )
    clear = await send(encode(Image.new("RGBA", (64, 48), (255, 0, 0, 0)), "png"))
    assert clear.average_color == "#ffffff"


@pytest.mark.parametrize(
    ("purpose", "size", "made"),
    [
        ("avatar", (640, 480), (400, 400)),
        ("avatar", (90, 300), (90, 90)),
        ("header", (1500, 1500), (866, 866)),
        ("header", (1200, 400), (1200, 400)),
        ("emoji", (512, 256), (128, 64)),
        ("emoji", (20, 30), (20, 30)),
    ],
)
async def test_each_purpose_has_its_size(
    send: Send, out: Path, purpose: Purpose, size: tuple[int, int], made: tuple[int, int]
) -> None:
    decoded = await send(encode(draw(*size), "jpeg"), Sizes(purpose))
    assert (decoded.original.width, decoded.original.height) == made
    assert decoded.original.content_type == ("image/png" if purpose == "emoji" else "image/jpeg")
    assert decoded.small is None and decoded.static is None
    assert [file.name for file in out.iterdir()] == [decoded.original.file]


async def test_an_avatar_is_the_middle_of_the_picture(send: Send, out: Path) -> None:
    wide = Image.new("RGB", (900, 300), (0, 0, 255))
    wide.paste((255, 0, 0), (302, 0, 598, 300))
    image = reopen(out, (await send(encode(wide, "png"), Sizes("avatar"))).original)
    assert image.size == (300, 300)
    assert near(image, (5, 150), (255, 0, 0)) and near(image, (294, 150), (255, 0, 0))


def animate(format: str, size: tuple[int, int] = (200, 100), count: int = 4) -> bytes:
    frames = [Image.new("RGBA", size, (0, 0, 0, 0)) for _ in range(count)]
    for index, frame in enumerate(frames):
        frame.paste((255, 0, 0, 255), (50 + index * 20, 10, 80 + index * 20, 60))
    delays = [100 + 10 * index for index in range(count)]
    return encode(
        frames[0], format, save_all=True, append_images=frames[1:], duration=delays, loop=0, disposal=2
    )


@pytest.mark.parametrize("format", ["gif", "png", "webp"])
async def test_an_animation_is_known_as_one(send: Send, out: Path, format: str) -> None:
    decoded = await send(animate(format))
    assert decoded.animated and (decoded.frames, decoded.duration) == (4, 460)
    assert decoded.moving == (format == "gif")
    image = reopen(out, decoded.original)
    assert getattr(image, "n_frames", 1) == (4 if format == "gif" else 1)
    assert near(reopen(out, decoded.small), (60, 40), (255, 0, 0))


async def test_a_gif_keeps_its_movement(send: Send, out: Path) -> None:
    image = reopen(out, (await send(animate("gif"))).original)
    assert image.info["loop"] == 0
    for index in range(4):
        image.seek(index)
        frame = image.convert("RGBA")
        assert image.info["duration"] == 100 + 10 * index
        assert near(frame, (65 + index * 20, 40), (255, 0, 0, 255))
        assert all(
            near(frame.getchannel("A"), (x, 40), (0, 0, 0), 0) for x in (45 + index * 20, 85 + index * 20)
        )


async def test_a_long_animation_is_kept_as_its_first_frame(send: Send, out: Path) -> None:
    decoded = await send(animate("gif"), limits=Limits(max_animation_pixels=79_999))
    assert (decoded.animated, decoded.moving, decoded.frames) == (True, False, 4)
    assert getattr(reopen(out, decoded.original), "n_frames", 1) == 1


@pytest.mark.parametrize(("purpose", "size"), [("avatar", (100, 100)), ("emoji", (128, 64))])
async def test_what_moves_has_a_still_version(
    send: Send, out: Path, purpose: Purpose, size: tuple[int, int]
) -> None:
    decoded = await send(animate("gif"), Sizes(purpose))
    moving, still = reopen(out, decoded.original), reopen(out, decoded.static)
    assert (moving.format, getattr(moving, "n_frames", 1), moving.size) == ("GIF", 4, size)
    assert (still.format, still.size) == ("PNG", size)


async def test_an_emoji_that_stays_too_large_is_refused(send: Send, out: Path) -> None:
    noise = [Image.effect_noise((128, 128), 200) for _ in range(30)]
    data = encode(noise[0], "gif", save_all=True, append_images=noise[1:], duration=50)
    assert await refuse(send, data, Sizes("emoji")) == "too_large"
    assert not list(out.iterdir())


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (huge_png, "bomb"),
        (huge_gif, "bomb"),
        (huge_jpeg, "bomb"),
        (huge_webp, "bomb"),
        (lambda: insert_png_chunk(encode(draw(9, 9), "png"), b"zTXt", b"a\0\0" + zlib_bomb()), "bomb"),
        (lambda: insert_png_chunk(encode(draw(9, 9), "png"), b"iCCP", b"a\0\0" + zlib_bomb()), "bomb"),
        (lambda: encode(Image.effect_noise((600, 500), 90), "png"), "too_many_pixels"),
    ],
    ids=["png", "gif", "jpeg", "webp", "zTXt", "iCCP", "honest"],
)
async def test_bombs_do_not_go_off(send: Send, data: Callable[[], bytes], reason: str) -> None:
    limits = Limits() if reason == "bomb" else Limits(max_pixels=299_999)
    assert await refuse(send, data(), limits=limits) == reason


@pytest.mark.parametrize("format", FORMATS)
async def test_a_picture_that_stops_early_is_refused(send: Send, out: Path, format: str) -> None:
    data = encode(draw(200, 150), format)
    for tenth in range(10):
        reason = await refuse(send, data[: len(data) * tenth // 10])
        assert reason == ("truncated" if tenth else "unknown_format")
    assert not list(out.iterdir())


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\xff", b"<!DOCTYPE html><script>alert(1)</script>", b"%PDF-1.7\n", b"PK\x03\x04",
        b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', b"8BPS\0\1", b"\0\0\1\0\1\0\x10\x10",
        b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", encode(draw(9, 9), "bmp"), encode(draw(9, 9), "tiff"),
    ],
)  # fmt: skip
async def test_what_is_no_picture_is_refused_unopened(
    send: Send, monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    monkeypatch.setattr(decode, "_ask_child", None)
    assert await refuse(send, data) == "unknown_format"


@pytest.mark.parametrize("format", FORMATS)
async def test_a_file_that_only_starts_like_a_picture_is_refused(send: Send, format: str) -> None:
    lie = encode(draw(80, 60), format)[:64] + b"<html><script>alert(1)</script></html>" * 99
    assert await refuse(send, lie) in ("truncated", "corrupt")
    png = encode(draw(80, 60), "png")
    assert await refuse(send, encode(draw(80, 60), "jpeg")[:4] + png) in ("truncated", "corrupt")


@pytest.mark.parametrize("format", FORMATS)
async def test_what_trails_a_picture_is_gone(send: Send, out: Path, format: str) -> None:
    await send(encode(draw(80, 60), format) + b"<html><script>alert(1)</script></html>")
    assert all(b"<script>" not in file.read_bytes() for file in out.iterdir())


async def test_a_file_that_is_too_large_is_refused_unopened(
    send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decode, "_ask_child", None)
    data = encode(draw(80, 60), "png")
    assert await refuse(send, data, limits=Limits(max_bytes=len(data) - 1)) == "too_large"


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("seed", range(3))
async def test_flipped_bits_end_in_a_picture_or_a_refusal(
    send: Send, out: Path, format: str, seed: int
) -> None:
    chance = random.Random(f"{format} {seed}")
    data = bytearray(encode(draw(120, 90), format))
    for _ in range(1 + seed * 10):
        data[chance.randrange(12, len(data))] ^= 1 << chance.randrange(8)
    try:
        decoded = await send(bytes(data))
    except ImageRefused:
        assert not list(out.iterdir())
    else:
        reopen(out, decoded.original).load()
