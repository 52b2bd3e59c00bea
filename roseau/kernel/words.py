"""A key as nine words to write down: `to_words(key)`, and `from_words(text)` back.

The words are proquints (Wilkerson, "A Proposal for Proquints", arXiv:0901.4016): sixteen bits are five
letters, a consonant and a vowel in turn, that can be said in English as in French. Eight words carry the
key, the ninth is a checksum.
"""

import hashlib
import re

from roseau.kernel.errors import Invalid

KEY_BYTES = 16
COUNT = 9

_CONSONANTS = "bdfghjklmnprstvz"
_VOWELS = "aiou"
_WORD = re.compile(f"(?:[{_CONSONANTS}][{_VOWELS}]){{2}}[{_CONSONANTS}]")
# Whatever is not a letter separates: people number the words, and write hyphens, commas and new lines.
_LETTERS = re.compile(r"[^\W\d_]+")


def to_words(key: bytes) -> tuple[str, ...]:
    """The nine words of a key of 16 bytes."""
    return tuple(_to_word(pair) for pair in _pairs(key + _checksum(key)))


def from_words(text: str) -> bytes:
    """The key that was written down. Raises Invalid, which says what is wrong with the words."""
    words = split_words(text)
    for place, word in enumerate(words, 1):
        if not _WORD.fullmatch(word):
            raise Invalid(
                "Word %(place)s, “%(word)s”, is misspelt: each word has five letters, such as lusab.",
                values={"place": place, "word": word[:40]},
            )
    if len(words) != COUNT:
        raise Invalid("A recovery key has nine words. Found here: %(count)s.", values={"count": len(words)})
    written = b"".join(_from_word(word) for word in words)
    key = written[:KEY_BYTES]
    if written[KEY_BYTES:] != _checksum(key):
        raise Invalid(
            "The words do not fit together: one is another than on your paper, or two changed places."
        )
    return key


def split_words(text: str) -> list[str]:
    """The words in what somebody typed, in small letters."""
    return _LETTERS.findall(text.lower())


def _pairs(data: bytes) -> list[int]:
    return [int.from_bytes(data[at : at + 2]) for at in range(0, len(data), 2)]


def _checksum(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()[:2]


def _to_word(pair: int) -> str:
    return "".join(
        (
            _CONSONANTS[pair >> 12],
            _VOWELS[pair >> 10 & 3],
            _CONSONANTS[pair >> 6 & 15],
            _VOWELS[pair >> 4 & 3],
            _CONSONANTS[pair & 15],
        )
    )


def _from_word(word: str) -> bytes:
    first, one, middle, two, last = tuple(word)
    pair = (
        _CONSONANTS.index(first) << 12
        | _VOWELS.index(one) << 10
        | _CONSONANTS.index(middle) << 6
        | _VOWELS.index(two) << 4
        | _CONSONANTS.index(last)
    )
    return pair.to_bytes(2)
