"""Blurhash: a picture as a blur, in some thirty characters (the format is described at blurha.sh)."""

import math

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"

Color = tuple[float, float, float]


def _to_linear(value: int) -> float:
    share = value / 255
    return share / 12.92 if share <= 0.04045 else math.pow((share + 0.055) / 1.055, 2.4)


_LINEAR = tuple(_to_linear(value) for value in range(256))


def encode(pixels: bytes, width: int, height: int, x: int = 4, y: int = 4) -> str:
    """Write the blurhash of an RGB picture, three bytes a pixel, row by row, with `x` by `y` components.

    The work grows with the area, so give it a thumbnail: 32 by 32 loses nothing that the hash can hold.
    Raises ValueError for components outside 1 to 9, or when `pixels` is not `width * height * 3` long.
    """
    if not (1 <= x <= 9 and 1 <= y <= 9):
        raise ValueError("A blurhash has 1 to 9 components each way")
    if width < 1 or height < 1 or len(pixels) != width * height * 3:
        raise ValueError("The pixels do not fill a picture of this size")
    first, *rest = _list_components(pixels, width, height, x, y)
    peak = max((abs(value) for component in rest for value in component), default=0.0)
    # The peak takes one digit, and everything after is told as a share of it.
    step = max(0, min(82, int(peak * 166 - 0.5))) if rest else 0
    scale = (step + 1) / 166 if rest else 1.0
    return (
        _to_digits((x - 1) + (y - 1) * 9, 1)
        + _to_digits(step, 1)
        + _to_digits(_pack_average(first), 4)
        + "".join(_to_digits(_pack_component(component, scale), 2) for component in rest)
    )


def _list_components(pixels: bytes, width: int, height: int, x: int, y: int) -> list[Color]:
    """Take the cosine transform along the rows, then down the columns: far fewer steps than both at once."""
    linear = [_LINEAR[value] for value in pixels]
    across = [_cosines(i, width) for i in range(x)]
    rows = []
    for start in range(0, len(linear), width * 3):
        channels = [linear[start + channel : start + width * 3 : 3] for channel in range(3)]
        rows.append([[_dot(cosines, channel) for channel in channels] for cosines in across])
    components = []
    for j in range(y):
        down = _cosines(j, height)
        for i in range(x):
            weight = (1 if i == j == 0 else 2) / (width * height)
            red, green, blue = (
                _dot(down, [row[i][channel] for row in rows]) * weight for channel in range(3)
            )
            components.append((red, green, blue))
    return components


def _cosines(frequency: int, length: int) -> list[float]:
    return [math.cos(math.pi * frequency * position / length) for position in range(length)]


def _dot(left: list[float], right: list[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


def _pack_average(color: Color) -> int:
    red, green, blue = (_to_srgb(value) for value in color)
    return (red << 16) + (green << 8) + blue


def _pack_component(color: Color, scale: float) -> int:
    red, green, blue = (_to_step(value / scale) for value in color)
    return (red * 19 + green) * 19 + blue


def _to_step(share: float) -> int:
    """Put -1 to 1 on nineteen steps that lie closer around zero, where the eye sees more."""
    bent = math.copysign(math.sqrt(abs(share)), share)
    return max(0, min(18, math.floor(bent * 9 + 9.5)))


def _to_srgb(value: float) -> int:
    share = max(0.0, min(1.0, value))
    bent = share * 12.92 if share <= 0.0031308 else 1.055 * math.pow(share, 1 / 2.4) - 0.055
    return int(bent * 255 + 0.5)


def _to_digits(value: int, length: int) -> str:
    digits = []
    for _ in range(length):
        value, digit = divmod(value, 83)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
