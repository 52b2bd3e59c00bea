"""Keys as nine words: there and back, however they are written, and what is said of a slip of the pen."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roseau.kernel.errors import Invalid
from roseau.kernel.words import KEY_BYTES, from_words, split_words, to_words

KEYS = st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES)
KEY = bytes(range(100, 100 + KEY_BYTES))


def test_the_words_are_those_of_the_paper() -> None:
    """Its first table: 127.0.0.1, 63.84.220.193 and 63.118.7.35."""
    key = bytes([127, 0, 0, 1, 63, 84, 220, 193, 63, 118, 7, 35, 0, 0, 0, 0])
    assert to_words(key)[:6] == ("lusab", "babad", "gutih", "tugad", "gutuk", "bisog")


@given(KEYS, st.sampled_from([" ", "\n", "-", ", ", "  \t", " 3. ", "\r\n\r\n"]), st.booleans())
def test_a_key_comes_back_however_it_is_written_down(key: bytes, between: str, capitals: bool) -> None:
    words = to_words(key)
    assert len(words) == 9
    assert all(re.fullmatch("([bdfghjklmnprstvz][aiou]){2}[bdfghjklmnprstvz]", word) for word in words)
    text = between.join(words)
    assert from_words(text.upper() if capitals else text) == key


@given(st.text())
def test_any_text_is_a_key_or_refused_with_a_sentence(text: str) -> None:
    try:
        key = from_words(text)
    except Invalid as error:
        assert str(error).endswith(".")
    else:
        assert list(to_words(key)) == split_words(text)


def test_one_wrong_letter_is_noticed_wherever_it_stands() -> None:
    words = to_words(KEY)
    text = " ".join(words)
    for place, letter in enumerate(text):
        kind = next((letters for letters in ("bdfghjklmnprstvz", "aiou") if letter in letters), "")
        for other in kind.replace(letter, ""):
            with pytest.raises(Invalid, match="do not fit together"):
                from_words(text[:place] + other + text[place + 1 :])


def test_words_that_changed_places_are_noticed() -> None:
    words = list(to_words(KEY))
    for one in range(len(words)):
        for other in range(one):
            swapped = words.copy()
            swapped[one], swapped[other] = words[other], words[one]
            with pytest.raises(Invalid, match="do not fit together"):
                from_words(" ".join(swapped))


def test_the_word_that_is_none_is_named_with_its_place() -> None:
    words = list(to_words(KEY))
    for wrong in ("reed", "lusabe", "lüsab", "lusbb", "x" * 100):
        words[4] = wrong
        with pytest.raises(Invalid, match="Word 5"):
            from_words(" ".join(words))


@pytest.mark.parametrize("count", [0, 1, 8])
def test_too_few_words_are_counted(count: int) -> None:
    with pytest.raises(Invalid, match=f"nine words. Found here: {count}."):
        from_words(" ".join(to_words(KEY)[:count]))
