"""Days drawn as reeds: upright, bent by trouble, or flat where there was an outage that members could see."""

import zlib
from collections import Counter
from typing import Final

import msgspec

from roseau.survival.watching.days import Day, Shape, shape_of

#: The drawing's height, and how far apart the reeds stand, in its own units.
HEIGHT: Final = 118
STEP: Final = 12
#: What fits on a phone.
FEW: Final = 30

Days = list[tuple[str, Day | None]]


class Reed(msgspec.Struct, frozen=True):
    """One day's reed as an SVG path."""

    shape: Shape
    path: str


class Meadow(msgspec.Struct, frozen=True):
    """All the reeds: how wide the drawing is, and how many there are of each shape."""

    width: int
    reeds: list[Reed]
    counts: dict[str, int]


def draw_reeds(days: Days) -> Meadow:
    """The days as a drawing, the oldest on the left."""
    reeds = [_draw(number, name, shape_of(day)) for number, (name, day) in enumerate(days)]
    counts = Counter(reed.shape for reed in reeds)
    every = {shape: counts[shape] for shape in ("standing", "bent", "flat", "none")}
    # A bent reed lies over its neighbours, so it is drawn after them.
    order = {"none": 0, "standing": 1, "bent": 2, "flat": 3}
    # A reed that bends today needs room on its right.
    return Meadow((len(days) + 1) * STEP, sorted(reeds, key=lambda reed: order[reed.shape]), every)


def _draw(number: int, name: str, shape: Shape) -> Reed:
    # As high and as slanted as its day says, and always the same: no two reeds of a bank are alike.
    chance = zlib.crc32(name.encode())
    x, top, lean = number * STEP + STEP // 2, 22 + chance % 38, 2 + (chance >> 8) % 4
    match shape:
        case "none":
            return Reed(shape, f"M{x} {HEIGHT}v-5")
        case "standing":
            return Reed(shape, f"M{x} {HEIGHT}C{x} {top + 50} {x} {top + 24} {x + lean} {top}")
        case "bent":
            bow = 34 + chance % 14
            return Reed(shape, f"M{x} {HEIGHT}C{x} {bow + 34} {x + 3} {bow} {x + 18} {bow + 9}")
        case "flat":
            return Reed(shape, f"M{x - STEP // 2} {HEIGHT - 3}h{STEP}")


def list_troubled(days: Days) -> list[Day]:
    """The days on which something was not as it should be, the newest first."""
    return [day for _, day in reversed(days) if day and shape_of(day) in ("bent", "flat")]
