"""Pictures that the program draws for the demo: scenes, headers and avatars, the same for the same seed."""

import io
import math
from random import Random

from PIL import Image, ImageDraw

SCENES = ("shore", "reeds", "roofs", "stall", "flowers", "wheel", "peaks", "night")
#: Everything is drawn at twice its size and made smaller, which softens the edges.
OVERSIZE = 2
QUALITY = 86

Color = tuple[int, int, int]
Canvas = ImageDraw.ImageDraw

_SKIES: tuple[tuple[Color, Color], ...] = (
    ((244, 186, 128), (92, 120, 168)),
    ((250, 214, 180), (142, 168, 190)),
    ((214, 232, 238), (86, 140, 178)),
    ((246, 200, 196), (120, 104, 160)),
)
_DARK: tuple[tuple[Color, Color], ...] = (((44, 60, 98), (10, 16, 38)), ((70, 66, 110), (16, 18, 46)))
_WARM: tuple[Color, ...] = (
    (214, 82, 56),
    (232, 146, 48),
    (244, 196, 78),
    (188, 58, 84),
    (124, 148, 62),
    (96, 120, 72),
)
_GROUND: tuple[Color, ...] = ((38, 66, 62), (52, 84, 70), (30, 54, 74), (66, 76, 56))  # fmt: skip


def draw_scene(rng: Random, scene: str, width: int, height: int) -> Image.Image:
    """A picture of one of the `SCENES`."""
    picture = Image.new("RGB", (width * OVERSIZE, height * OVERSIZE))
    canvas = ImageDraw.Draw(picture)
    _DRAWERS[scene](rng, canvas, width * OVERSIZE, height * OVERSIZE)
    return picture.resize((width, height), Image.Resampling.BOX)


def draw_avatar(rng: Random, side: int) -> Image.Image:
    """A face of simple shapes on a plain ground."""
    size = side * OVERSIZE
    picture = Image.new("RGB", (size, size), rng.choice(_WARM))
    canvas = ImageDraw.Draw(picture)
    canvas.ellipse(
        (-size * 0.2, size * rng.uniform(0.62, 0.74), size * 1.2, size * 2.1), fill=rng.choice(_GROUND)
    )
    skin = rng.choice(((246, 214, 184), (224, 176, 136), (178, 124, 88), (122, 80, 58), (240, 226, 206)))
    hair = rng.choice(
        ((52, 38, 34), (122, 74, 40), (214, 176, 96), (220, 220, 216), (168, 62, 40), (38, 38, 60))
    )
    middle, eyes = size / 2, size * 0.44
    radius = size * rng.uniform(0.24, 0.29)
    _disc(canvas, middle, eyes - radius * rng.uniform(0.1, 0.3), radius * rng.uniform(1.1, 1.3), hair)
    _disc(canvas, middle, eyes + radius * 0.1, radius, skin)
    for direction in (-1, 1):
        _disc(canvas, middle + direction * radius * 0.38, eyes, radius * 0.09, (34, 30, 34))
    if rng.random() < 0.35:
        for direction in (-1, 1):
            x = middle + direction * radius * 0.38
            box = (x - radius * 0.27, eyes - radius * 0.27, x + radius * 0.27, eyes + radius * 0.27)
            canvas.ellipse(box, outline=(34, 30, 34), width=max(2, int(radius * 0.06)))
    smile = (middle - radius * 0.4, eyes + radius * 0.1, middle + radius * 0.4, eyes + radius * 0.68)
    canvas.arc(smile, 25, 155, fill=(96, 48, 48), width=max(2, int(radius * 0.07)))
    return picture.resize((side, side), Image.Resampling.BOX)


def encode(picture: Image.Image) -> bytes:
    """The picture as JPEG, without metadata."""
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def _mix(one: Color, other: Color, share: float) -> Color:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _fade(canvas: Canvas, width: float, top: float, bottom: float, colors: tuple[Color, Color]) -> None:
    """A sky: the second colour above, the first at the horizon."""
    for y in range(int(top), int(bottom)):
        canvas.line((0, y, width, y), fill=_mix(colors[1], colors[0], (y - top) / (bottom - top)))


def _disc(canvas: Canvas, x: float, y: float, radius: float, color: Color) -> None:
    canvas.ellipse((x - radius, y - radius, x + radius, y + radius), fill=color)


def _hills(rng: Random, canvas: Canvas, width: float, base: float, tall: float, color: Color) -> None:
    phase, waves = rng.uniform(0, 6), rng.uniform(1.2, 2.6)
    points = [(0.0, base)]
    for step in range(81):
        x = width * step / 80
        rise = math.sin(phase + waves * step / 13) + 0.4 * math.sin(phase * 2 + waves * step / 5)
        points.append((x, base - tall * (0.9 + 0.5 * rise)))
    canvas.polygon([*points, (width, base)], fill=color)


def _shore(rng: Random, canvas: Canvas, width: int, height: int) -> None:
    sky = rng.choice(_SKIES)
    line = height * rng.uniform(0.5, 0.62)
    _fade(canvas, width, 0, line, sky)
    sun = width * rng.uniform(0.2, 0.8)
    _disc(canvas, sun, line - height * rng.uniform(0.06, 0.2), height * 0.06, (255, 240, 206))
    for share in (0.3, 0.6):
        _hills(rng, canvas, width, line, height * 0.07 / (share + 0.3), _mix(sky[1], _GROUND[2], share))
    sea = _mix(sky[1], (20, 60, 96), 0.5)
    _fade(canvas, width, line, height, (_mix(sea, (10, 30, 56), 0.6), _mix(sea, sky[0], 0.4)))
    for _ in range(60):
        y = line + (height - line) * rng.random() ** 1.6
        x, half = sun + rng.gauss(0, 1) * (y - line + 40), width * 0.02 * rng.random()
        canvas.line((x - half, y, x + half, y), fill=_mix(sky[0], (255, 250, 230), 0.5), width=3)
    x, y, tall = width * rng.uniform(0.15, 0.85), line + height * 0.1, height * 0.12
    canvas.polygon([(x, y), (x, y - tall), (x + tall * 0.5, y)], fill=(250, 246, 238))
    canvas.polygon(
        [(x - tall * 0.3, y + 6), (x + tall * 0.6, y + 6), (x + tall * 0.4, y + 30)], fill=(74, 48, 42)
    )


def _reeds(rng: Random, canvas: Canvas, width: int, height: int) -> None:
    sky = rng.choice((*_SKIES, *_DARK))
    line = height * 0.58
    _fade(canvas, width, 0, line, sky)
    _disc(
        canvas,
        width * rng.uniform(0.55, 0.85),
        height * 0.2,
        height * 0.07,
        _mix(sky[0], (255, 255, 245), 0.7),
    )
    _hills(rng, canvas, width, line, height * 0.05, _mix(sky[1], _GROUND[0], 0.6))
    _fade(canvas, width, line, height, (_mix(sky[1], (12, 30, 36), 0.5), _mix(sky[0], sky[1], 0.3)))
    for _ in range(38):
        x, tall, lean = rng.uniform(0, width * 0.7), height * rng.uniform(0.3, 0.75), rng.uniform(-0.05, 0.22)
        tip = (x + tall * lean, height - tall)
        color = _mix(_GROUND[1], (170, 180, 110), rng.random() * 0.6)
        canvas.line((x, height, x + tall * lean * 0.35, height - tall * 0.55, *tip), fill=color, width=7)
        if rng.random() < 0.6:
            canvas.line((*tip, tip[0] + tall * lean * 0.2, tip[1] - tall * 0.13), fill=(96, 62, 40), width=19)


def _roofs(rng: Random, canvas: Canvas, width: int, height: int) -> None:
    sky = rng.choice((*_SKIES, *_DARK))
    _fade(canvas, width, 0, height, sky)
    for row in range(4):
        x, base = -width * 0.05, height * (0.52 + 0.16 * row)
        while x < width:
            wide, tall = width * rng.uniform(0.09, 0.17), height * rng.uniform(0.08, 0.2)
            wall = _mix((228, 214, 190), sky[1], 0.45 - 0.1 * row)
            canvas.rectangle((x, base - tall, x + wide, height), fill=_mix(wall, rng.choice(_WARM), 0.12))
            roof = _mix(rng.choice(_WARM[:4]), sky[1], 0.42 - 0.1 * row)
            top = base - tall - wide * rng.uniform(0.3, 0.5)
            canvas.polygon(
                [(x - 8, base - tall), (x + wide / 2, top), (x + wide + 8, base - tall)], fill=roof
            )
            for place in (0.25, 0.62):
                lit = (252, 220, 130) if rng.random() < 0.4 else _mix(wall, (40, 46, 70), 0.6)
                left, upper = x + wide * place, base - tall * 0.75
                canvas.rectangle((left, upper, left + wide * 0.16, upper + wide * 0.22), fill=lit)
            x += wide * rng.uniform(0.9, 1.05)


def _stall(rng: Random, canvas: Canvas, width: int, height: int) -> None:
    canvas.rectangle((0, 0, width, height), fill=(94, 66, 46))
    stripe = width / 12
    first, second = rng.choice(_WARM), (250, 244, 232)
    for number in range(13):
        color = second if number % 2 else first
        canvas.rectangle((number * stripe, 0, (number + 1) * stripe, height * 0.2), fill=color)
        _disc(canvas, (number + 0.5) * stripe, height * 0.2, stripe / 2, color)
    columns = 4
    for row in range(3):
        for column in range(columns):
            left, top = width * (column + 0.06) / columns, height * (0.32 + row * 0.23)
            right, bottom = width * (column + 0.94) / columns, top + height * 0.2
            canvas.rectangle((left, top, right, bottom), fill=(172, 130, 84))
            color, radius = rng.choice(_WARM), (right - left) / 9
            for number in range(28):
                x = left + radius + (number % 7) * (right - left - 2 * radius) / 6
                y = top + radius + (number // 7) * (bottom - top - 2 * radius) / 3
                _disc(canvas, x, y, radius * 0.95, _mix(color, (255, 240, 220), rng.uniform(0, 0.25)))


def _flowers(rng: Random, canvas: Canvas, width: int, height: int) -> None:
    _fade(
        canvas,
        width,
        0,
        height,
        (rng.choice(((238, 228, 206), (224, 234, 226), (236, 222, 224))), (250, 246, 236)),
    )
    canvas.rectangle((0, height * 0.88, width, height), fill=(92, 66, 48))
    for _ in range(26):
        x, top, petal = (
            rng.uniform(0, width),
            height * rng.uniform(0.2, 0.7),
            height * rng.uniform(0.03, 0.055),
        )
        canvas.line((x, height * 0.9, x + rng.uniform(-30, 30), top), fill=(84, 124, 70), width=9)
        color = rng.choice(_WARM[:4])
        for turn in range(9):
            angle = turn * math.tau / 9
            _disc(canvas, x + math.cos(angle) * petal, top + math.sin(angle) * petal, petal * 0.62, color)
        _disc(canvas, x, top, petal * 0.6, (250, 214, 92))


def _wheel(rng: Random, canvas: Canvas, width: int, height: int) -> None:
    wall = rng.choice(((226, 206, 176), (206, 216, 214), (224, 190, 170)))
    canvas.rectangle((0, 0, width, height), fill=wall)
    for row in range(0, height, height // 14):
        canvas.line((0, row, width, row), fill=_mix(wall, (120, 100, 90), 0.14), width=5)
    canvas.rectangle((0, height * 0.84, width, height), fill=_mix(wall, (60, 60, 66), 0.6))
    radius, y = height * 0.24, height * 0.62
    back, front = (width * 0.5 - radius * 1.25, y), (width * 0.5 + radius * 1.25, y)
    for x, _ in (back, front):
        box = (x - radius, y - radius, x + radius, y + radius)
        canvas.ellipse(box, outline=(40, 40, 46), width=15)
        for spoke in range(12):
            angle = spoke * math.tau / 12
            canvas.line(
                (x, y, x + math.cos(angle) * radius, y + math.sin(angle) * radius),
                fill=(120, 120, 124),
                width=3,
            )
    color = rng.choice(_WARM)
    saddle, pedal = (
        (width * 0.5 - radius * 0.75, y - radius * 1.3),
        (width * 0.5 - radius * 0.1, y + radius * 0.1),
    )
    bar = (width * 0.5 + radius * 0.85, y - radius * 1.25)
    for start, end in (
        (back, saddle),
        (saddle, pedal),
        (pedal, bar),
        (saddle, bar),
        (back, pedal),
        (bar, front),
    ):
        canvas.line((*start, *end), fill=color, width=19)
    canvas.line((saddle[0] - 60, saddle[1] - 12, saddle[0] + 60, saddle[1] - 12), fill=(60, 40, 34), width=31)
    canvas.line((bar[0] - 10, bar[1] - 60, bar[0] + 90, bar[1] - 50), fill=(60, 40, 34), width=19)


def _peaks(rng: Random, canvas: Canvas, width: int, height: int) -> None:
    sky = rng.choice(_SKIES)
    line = height * 0.6
    _fade(canvas, width, 0, line, sky)
    _fade(canvas, width, line, height, (_mix(sky[0], sky[1], 0.7), _mix(sky[1], (20, 50, 70), 0.4)))
    for number in range(3):
        x, half = width * (0.2 + 0.3 * number + rng.uniform(-0.05, 0.05)), width * rng.uniform(0.17, 0.26)
        tall = height * rng.uniform(0.3, 0.45)
        for flip, share in ((1, 0.0), (-0.55, 0.4)):
            stone = _mix(_mix((84, 94, 118), sky[1], 0.2), sky[1], share)
            canvas.polygon([(x - half, line), (x, line - tall * flip), (x + half, line)], fill=stone)
            cap = tall * flip * 0.66
            snow = [
                (x - half * 0.34, line - cap),
                (x, line - tall * flip),
                (x + half * 0.34, line - cap),
                (x, line - cap * 0.9),
            ]
            canvas.polygon(snow, fill=_mix((250, 250, 252), sky[1], share))


def _night(rng: Random, canvas: Canvas, width: int, height: int) -> None:
    sky = rng.choice(_DARK)
    _fade(canvas, width, 0, height, sky)
    for _ in range(260):
        size = rng.choice((1.5, 2, 3, 5))
        _disc(
            canvas,
            rng.uniform(0, width),
            rng.uniform(0, height * 0.85),
            size,
            _mix(sky[0], (255, 252, 236), 0.85),
        )
    x = -20.0
    while x < width:
        tall, half = height * rng.uniform(0.12, 0.34), width * rng.uniform(0.012, 0.03)
        canvas.polygon([(x - half, height), (x, height - tall), (x + half, height)], fill=(6, 10, 18))
        x += half * rng.uniform(0.7, 1.6)
    canvas.rectangle((0, height * 0.95, width, height), fill=(6, 10, 18))


_DRAWERS = {
    "shore": _shore,
    "reeds": _reeds,
    "roofs": _roofs,
    "stall": _stall,
    "flowers": _flowers,
    "wheel": _wheel,
    "peaks": _peaks,
    "night": _night,
}
