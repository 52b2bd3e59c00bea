"""From a file that somebody sent to blobs that are safe to show, through the decoder's own process."""

import asyncio
import tempfile
from pathlib import Path
from typing import Protocol

import msgspec

from roseau.domain.media.decoding.decode import decode_image
from roseau.domain.media.decoding.messages import Decoded, Limits, Purpose, Sizes, Variant
from roseau.kernel.errors import Unavailable
from roseau.settings import Settings
from roseau.storage.database import Database
from roseau.storage.stores.copies import Blobs

CANNOT_SAVE = "This server cannot save files at the moment. Try again in a minute."


class Workshop(Protocol):
    """What work on files needs of the running server."""

    @property
    def database(self) -> Database: ...
    @property
    def blobs(self) -> Blobs: ...
    @property
    def settings(self) -> Settings: ...


class Picture(msgspec.Struct, frozen=True):
    """What was made of a file; the names are of blobs, `second` is the small or the still one, or empty."""

    decoded: Decoded
    first: str
    second: str


def limits_of(settings: Settings) -> Limits:
    """What one picture may cost on this site."""
    return Limits(
        max_bytes=settings.max_image_bytes,
        max_pixels=settings.max_image_pixels,
        memory_bytes=settings.decode_memory,
        cpu_seconds=settings.decode_seconds,
        wall_seconds=2.0 * settings.decode_seconds,
    )


async def make_picture(workshop: Workshop, source: Path, purpose: Purpose) -> Picture:
    """Decode `source`, which stays, and keep its versions as blobs, all of them in as many stores as asked.

    Raises ImageRefused for a picture that is not taken, Unavailable when it cannot be decoded or saved now.
    """
    try:
        with tempfile.TemporaryDirectory(prefix=".making-", dir=workshop.blobs.incoming) as name:
            folder = Path(name)
            decoded = await decode_image(source, folder, Sizes(purpose), limits_of(workshop.settings))
            second = decoded.small or decoded.static
            return Picture(
                decoded,
                await _keep(workshop, folder, decoded.original),
                await _keep(workshop, folder, second) if second else "",
            )
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unavailable(CANNOT_SAVE) from error


async def _keep(workshop: Workshop, folder: Path, variant: Variant) -> str:
    extension = variant.file.rpartition(".")[2]
    # Written through to the disk before anything names it, which takes too long for the event loop.
    return await asyncio.to_thread(workshop.blobs.put_file, folder / variant.file, extension)
