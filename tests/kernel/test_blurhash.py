"""The blurhash encoder, against the reference port in Python and against pictures whose hash is known."""

import blurhash as reference
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roseau.kernel import blurhash


def encode_by_reference(pixels: bytes, width: int, x: int, y: int) -> str:
    colours = [list(pixels[at : at + 3]) for at in range(0, len(pixels), 3)]
    rows = [colours[at : at + width] for at in range(0, len(colours), width)]
    return reference.encode(rows, components_x=x, components_y=y)


@st.composite
def pictures(draw: st.DrawFn) -> tuple[bytes, int, int]:
    width, height = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    size = width * height * 3
    return draw(st.binary(min_size=size, max_size=size)), width, height


@given(pictures(), st.integers(1, 9), st.integers(1, 9))
def test_it_agrees_with_the_reference(picture: tuple[bytes, int, int], x: int, y: int) -> None:
    pixels, width, height = picture
    assert blurhash.encode(pixels, width, height, x, y) == encode_by_reference(pixels, width, x, y)


def test_one_component_is_the_average_colour() -> None:
    assert blurhash.encode(b"\xff\x00\x00" * 4, 2, 2, 1, 1) == "00TI:j"


def test_a_hash_of_four_by_four_has_36_characters_and_says_so_first() -> None:
    made = blurhash.encode(bytes(range(192)), 8, 8)
    assert len(made) == 4 + 2 * 16
    assert reference.components(made) == (4, 4)


@pytest.mark.parametrize(
    ("pixels", "width", "height", "x", "y"),
    [
        (b"abc", 1, 1, 0, 4),
        (b"abc", 1, 1, 4, 10),
        (b"abcd", 1, 1, 4, 4),
        (b"", 0, 0, 4, 4),
        (b"abc", -1, -1, 4, 4),
    ],
)
def test_what_is_not_a_picture_is_refused(pixels: bytes, width: int, height: int, x: int, y: int) -> None:
    with pytest.raises(ValueError, match=r"[Bb]lurhash|pixels"):
        blurhash.encode(pixels, width, height, x, y)
