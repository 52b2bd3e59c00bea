"""What a caller may ask of the decoder, what it learns, and what parent and child say to each other."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Format = Literal["jpeg", "png", "gif", "webp", "avif", "heic"]
Purpose = Literal["attachment", "avatar", "header", "emoji"]
Reason = Literal[
    "unknown_format", "too_large", "too_many_pixels", "truncated", "bomb", "timeout", "memory", "corrupt"
]

CONTENT_TYPES: dict[Format, str] = {
    "jpeg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
    "avif": "image/avif",
    "heic": "image/heic",
}
EXTENSIONS: dict[Format, str] = {"jpeg": "jpg", "png": "png", "gif": "gif", "webp": "webp"}


class Limits(Struct, frozen=True, kw_only=True):
    """What one picture may cost.

    `max_animation_pixels` counts frames times area; an animation beyond it is kept as its first frame.
    `memory_bytes` by default is enough for 48 megapixels in every format but WebP, whose decoder holds the
    picture several times: there, some 30. After `wall_seconds` the child is killed whatever it does.
    """

    max_bytes: int = 40 * 1024 * 1024
    max_pixels: int = 50_000_000
    max_animation_pixels: int = 30_000_000
    max_output_bytes: int = 40 * 1024 * 1024
    memory_bytes: int = 512 * 1024 * 1024
    cpu_seconds: int = 10
    wall_seconds: float = 20.0


class Sizes(Struct, frozen=True):
    """Which versions to make, and how large; areas are in pixels. Pictures are never enlarged.

    The areas are those of Mastodon: an attachment fills at most one 4K screen, a header 1500 by 500.
    Both keep their proportions; an avatar is the square in the middle, and an emoji fits in a square.
    """

    purpose: Purpose = "attachment"
    original_pixels: int = 3840 * 2160
    small_pixels: int = 640 * 360
    header_pixels: int = 1500 * 500
    avatar_side: int = 400
    emoji_side: int = 128
    emoji_bytes: int = 256 * 1024


class Variant(Struct, frozen=True, kw_only=True):
    """One file that was made; `file` is its name in the target folder, `size` is in bytes."""

    file: str
    content_type: str
    width: int
    height: int
    size: int
    sha256: str


class Decoded(Struct, frozen=True, kw_only=True):
    """A picture that is safe to show, and what was learnt of it.

    `format`, `animated`, `frames` and `duration` (milliseconds, one run) tell of the file that was sent.
    `moving` says that `original` still moves: only GIF does, and only within the limits; it stays an image,
    where Mastodon makes a video of it. `small` is made for attachments, `static` for avatars, headers and
    emojis whose `original` moves.
    `average_color` is written `#rrggbb`.
    """

    format: Format
    original: Variant
    small: Variant | None
    static: Variant | None
    blurhash: str
    average_color: str
    animated: bool
    moving: bool
    frames: int
    duration: int


class Order(Struct, frozen=True, kw_only=True):
    """Parent to child: read this descriptor, write to those two."""

    format: Format
    source: int
    first: int
    second: int
    sizes: Sizes
    limits: Limits


# The first line of the child's answer. What goes wrong before it is the fault of the installation; what goes
# wrong after it is the fault of the picture.
CONFINED = b"confined"

# What the child says ends up in pages, and a picture may have taken it over: nothing is believed unread.
Side = Annotated[int, Meta(ge=1, le=100_000)]
Blurhash = Annotated[str, Meta(pattern=r"\A[0-9A-Za-z#$%*+,\-.:;=?@\[\]^_{|}~]{36}\Z")]
Color = Annotated[str, Meta(pattern=r"\A#[0-9a-f]{6}\Z")]


class Made(Struct, frozen=True):
    """Child to parent: one descriptor holds a picture of this format and size."""

    format: Literal["jpeg", "png", "gif", "webp"]
    width: Side
    height: Side


class Picture(Struct, frozen=True, kw_only=True, tag="picture"):
    """Child to parent: done. `first` is the original, `second` the small or the static version, if any."""

    first: Made
    second: Made | None
    blurhash: Blurhash
    average_color: Color
    moving: bool
    frames: Annotated[int, Meta(ge=1)]
    duration: Annotated[int, Meta(ge=0)]


class Refusal(Struct, frozen=True, tag="refusal"):
    """Child to parent: not this picture. `detail` is for the log, never for a page."""

    reason: Reason
    detail: str


class Failure(Struct, frozen=True, tag="failure"):
    """Child to parent: not now, for a reason that lies with this machine, such as a full disk."""

    detail: str
