"""Decodes a picture from a stranger: `decode_image` makes clean files of it, or says why not.

Each picture gets a process of its own, which can open nothing and reach no one. This side never decodes:
it looks at the first bytes, hands over three open files, keeps the time and checks what comes back.
"""

import asyncio
import functools
import hashlib
import importlib.util
import os
import signal
import sys
import tempfile
import weakref
from io import BufferedRandom, FileIO
from pathlib import Path
from typing import ClassVar, cast

import msgspec

from roseau.domain.media.decoding.messages import (
    CONFINED,
    CONTENT_TYPES,
    EXTENSIONS,
    Decoded,
    Failure,
    Format,
    Limits,
    Made,
    Order,
    Picture,
    Reason,
    Refusal,
    Sizes,
    Variant,
)
from roseau.domain.media.decoding.signatures import HEAD_BYTES, find_format
from roseau.kernel.errors import RoseauError, Unavailable, mark

# Two pictures at once keep two cores busy, and bound what decoding takes from the machine.
_AT_ONCE = 2
# No more of what the child says is kept; a child that says more has lost its mind.
_MOST_WORDS = 64 * 1024

# -I and -S: no environment, no working folder, no site-packages and so no code that others put there. The
# child finds the four packages it needs in the folders named to it, behind the standard library.
_FLAGS = ("-I", "-S")
_BOOTSTRAP = (
    "import sys; sys.path += sys.argv[1:]; from roseau.domain.media.decoding.child import main; main()"
)
# Threads with heaps of their own would reserve 64 MB each, of the little that the child may have.
_ENVIRONMENT = {"MALLOC_ARENA_MAX": "1"}
_PACKAGES = ("roseau", "msgspec", "PIL", "pillow_heif")

_SENTENCES: dict[Reason, str] = {
    "unknown_format": mark("This is not a picture that is accepted here: JPEG, PNG, GIF, WebP, AVIF or HEIC"),
    "too_large": mark("This picture is too large a file"),
    "too_many_pixels": mark("This picture has too many pixels. Make it smaller and try again"),
    "truncated": mark("This picture is incomplete: the end of the file is missing"),
    "bomb": mark("This picture claims to be far larger than its file can hold"),
    "timeout": mark("This picture takes too long to read"),
    "memory": mark("This picture takes too much memory to read. Make it smaller and try again"),
    "corrupt": mark("This picture is damaged and cannot be read"),
}

_turns: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = weakref.WeakKeyDictionary()


class ImageRefused(RoseauError):
    """The picture is not taken; `reason` says why to a program, `detail` to the log."""

    status: ClassVar[int] = 422
    code: ClassVar[str] = "image_refused"

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(_SENTENCES[reason])
        self.reason: Reason = reason
        self.detail = detail


class DecoderUnavailable(Unavailable):
    """The child cannot do its work, whatever the picture; `detail` tells the operator why."""

    code: ClassVar[str] = "decoder_unavailable"
    sentence: ClassVar[str] = "This server cannot read pictures at the moment. Try again later."

    def __init__(self, detail: str) -> None:
        super().__init__()
        self.detail = detail


async def decode_image(
    source: Path, target_folder: Path, sizes: Sizes | None = None, limits: Limits | None = None
) -> Decoded:
    """Decode the picture in `source` and write its versions into `target_folder`, which must exist.

    Files are named `original`, `small` and `static` with their extension, and appear only when all of them
    are whole; after a failure or a cancellation nothing is left, neither file nor process. At most two
    pictures are decoded at once, the others wait. Raises ImageRefused; DecoderUnavailable when the child
    cannot work, for want of disk space, say; OSError when one of the two paths cannot be used.
    """
    sizes, limits = sizes or Sizes(), limits or Limits()
    # Unbuffered, for the child shares this descriptor and its position.
    with source.open("rb", buffering=0) as picture:
        format = _find_format(picture, limits)
        async with _take_turn():
            with tempfile.TemporaryDirectory(prefix=".decoding-", dir=target_folder) as scratch:
                return await _decode(picture, format, Path(scratch), target_folder, sizes, limits)


def _take_turn() -> asyncio.Semaphore:
    # A semaphore belongs to one event loop, and a process may run several, one after the other.
    return _turns.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(_AT_ONCE))


def _find_format(picture: FileIO, limits: Limits) -> Format:
    size = os.fstat(picture.fileno()).st_size
    if size > limits.max_bytes:
        raise ImageRefused("too_large", f"{size} bytes")
    head = picture.read(HEAD_BYTES)
    picture.seek(0)
    format = find_format(head)
    if format is None:
        raise ImageRefused("unknown_format", f"starts with {head[:16]!r}")
    return format


async def _decode(
    picture: FileIO, format: Format, scratch: Path, target_folder: Path, sizes: Sizes, limits: Limits
) -> Decoded:
    second_name = "small" if sizes.purpose == "attachment" else "static"
    with (scratch / "first").open("x+b") as first, (scratch / "second").open("x+b") as second:
        order = Order(
            format=format,
            source=picture.fileno(),
            first=first.fileno(),
            second=second.fileno(),
            sizes=sizes,
            limits=limits,
        )
        made = await _ask_child(order)
        original = await _describe(first, made.first, "original")
        other = await _describe(second, made.second, second_name) if made.second else None
    (scratch / "first").replace(target_folder / original.file)
    if other:
        (scratch / "second").replace(target_folder / other.file)
    return Decoded(
        format=format,
        original=original,
        small=other if second_name == "small" else None,
        static=other if second_name == "static" else None,
        blurhash=made.blurhash,
        average_color=made.average_color,
        animated=made.frames > 1,
        moving=made.moving,
        frames=made.frames,
        duration=made.duration,
    )


async def _ask_child(order: Order) -> Picture:
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *_FLAGS, "-c", _BOOTSTRAP, *_find_folders(),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            pass_fds=(order.source, order.first, order.second),
            env=_ENVIRONMENT, cwd="/", start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise DecoderUnavailable(str(error)) from error
    stdin = cast(asyncio.StreamWriter, process.stdin)
    stdout, stderr = (cast(asyncio.StreamReader, stream) for stream in (process.stdout, process.stderr))
    try:
        async with asyncio.timeout(order.limits.wall_seconds):
            stdin.write(msgspec.json.encode(order))
            stdin.close()
            answer, complaint = await asyncio.gather(_read(stdout), _read(stderr))
            status = await process.wait()
    except TimeoutError:
        raise ImageRefused("timeout", f"still at work after {order.limits.wall_seconds} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return _judge(status, answer, complaint)


async def _read(stream: asyncio.StreamReader) -> bytes:
    """Read to the end, so that the other side never waits, and keep the beginning."""
    words = bytearray()
    while chunk := await stream.read(_MOST_WORDS):
        words += chunk[: _MOST_WORDS - len(words)]
    return bytes(words)


def _judge(status: int, answer: bytes, complaint: bytes) -> Picture:
    """Tell a picture, a refusal, a decoder that the picture brought down, and one that cannot run here."""
    confined, _, reply = answer.partition(b"\n")
    last_words = complaint.decode(errors="replace").strip().rpartition("\n")[2]
    if confined != CONFINED:
        raise DecoderUnavailable(f"the child ended with {status}: {last_words}")
    if status == -signal.SIGXCPU:
        raise ImageRefused("timeout", "out of processor time")
    if status == -signal.SIGKILL:
        raise ImageRefused("memory", "killed, most likely because the machine ran out of memory")
    try:
        verdict = msgspec.json.decode(reply, type=Picture | Refusal | Failure)
    except msgspec.DecodeError as error:
        raise ImageRefused("corrupt", f"the child ended with {status}: {last_words or error}") from error
    if isinstance(verdict, Refusal):
        raise ImageRefused(verdict.reason, verdict.detail)
    if isinstance(verdict, Failure):
        raise DecoderUnavailable(verdict.detail)
    return verdict


async def _describe(file: BufferedRandom, made: Made, name: str) -> Variant:
    """Measure what the child wrote, believing no more of what it says than the file bears out."""
    file.seek(0)
    if find_format(file.read(HEAD_BYTES)) != made.format:
        raise ImageRefused("corrupt", f"{name} is not what the child said")
    file.seek(0)
    digest = await asyncio.to_thread(hashlib.file_digest, file, "sha256")
    return Variant(
        file=f"{name}.{EXTENSIONS[made.format]}",
        content_type=CONTENT_TYPES[made.format],
        width=made.width,
        height=made.height,
        size=os.fstat(file.fileno()).st_size,
        sha256=digest.hexdigest(),
    )


@functools.cache
def _find_folders() -> tuple[str, ...]:
    """Name the folders in which the child finds the packages it needs, without importing any of them here."""
    folders: dict[str, None] = {}
    for package in _PACKAGES:
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            raise DecoderUnavailable(f"the package {package} is not installed")
        folders[str(Path(spec.origin).resolve().parent.parent)] = None
    return tuple(folders)
