"""The pictures of a demo as blobs: drawn once, shared by as many posts and profiles as there are."""

from random import Random
from typing import Any

import msgspec
from PIL import Image

from roseau.cli.demo.pictures import SCENES, draw_avatar, draw_scene, encode
from roseau.kernel import blurhash
from roseau.storage.blobs import FolderBlobs

MOST_AVATARS, MOST_HEADERS, MOST_PICTURES = 96, 24, 40
AVATAR_SIDE = 400
HEADER_SIZE = (1500, 500)
SHAPES = ((1200, 800), (1200, 900), (900, 1200), (1200, 1200))
SMALL = 400 / 1200


class Drawn(msgspec.Struct, frozen=True):
    """A picture that posts may show; `meta` as the attachment's row has it."""

    scene: str
    file: str
    small_file: str
    meta: str
    blurhash: str


class Gallery(msgspec.Struct, frozen=True):
    """Everything that was drawn; avatars and headers by the names of their blobs."""

    avatars: list[str]
    headers: list[tuple[str, str]]
    pictures: list[Drawn]


def draw_gallery(rng: Random, blobs: FolderBlobs, people: int, posts: int) -> Gallery:
    """Draw enough for that many people and posts; beyond some dozens they share."""
    avatars = [_keep(blobs, draw_avatar(rng, AVATAR_SIDE)) for _ in range(min(people, MOST_AVATARS))]
    headers = []
    for _ in range(max(4, min(people // 3, MOST_HEADERS))):
        scene = rng.choice(SCENES)
        headers.append((scene, _keep(blobs, draw_scene(rng, scene, *HEADER_SIZE))))
    wanted = max(len(SCENES), min(posts // 12, MOST_PICTURES))
    pictures = [_draw(rng, blobs, SCENES[number % len(SCENES)]) for number in range(wanted)]
    return Gallery(avatars, headers, pictures)


def _draw(rng: Random, blobs: FolderBlobs, scene: str) -> Drawn:
    picture = draw_scene(rng, scene, *rng.choice(SHAPES))
    small = picture.resize(
        (round(picture.width * SMALL), round(picture.height * SMALL)), Image.Resampling.BOX
    )
    tiny = picture.resize((32, 32), Image.Resampling.BOX)
    meta = {"original": _measure(picture), "small": _measure(small)}
    return Drawn(
        scene,
        _keep(blobs, picture),
        _keep(blobs, small),
        msgspec.json.encode(meta).decode(),
        blurhash.encode(tiny.tobytes(), 32, 32),
    )


def _measure(picture: Image.Image) -> dict[str, Any]:
    width, height = picture.size
    return {"width": width, "height": height, "size": f"{width}x{height}", "aspect": width / height}


def _keep(blobs: FolderBlobs, picture: Image.Image) -> str:
    return blobs.put_bytes(encode(picture), "jpg")
