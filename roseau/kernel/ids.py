"""Ids: 63 bits, sortable by time, one space for everything, decimal strings outside.

As Mastodon's: 48 bits of milliseconds since the epoch, then 16 bits. Ours count upwards within a
millisecond from a random start, so that two ids made at once by one process never collide and
rarely by two; the primary key catches what is left.
"""

import itertools
import secrets
import threading

from roseau.kernel import clock

SEQUENCE_BITS = 16
MAX_ID = (1 << 63) - 1

_lock = threading.Lock()
_sequence = itertools.count(secrets.randbelow(1 << SEQUENCE_BITS))
_last = 0


def new_id(at: int | None = None) -> int:
    """A new id. With `at` it sorts as if made at that moment (for imports and the demo)."""
    global _last
    with _lock:
        low = next(_sequence) & ((1 << SEQUENCE_BITS) - 1)
        if at is not None:
            return (at << SEQUENCE_BITS) | low
        made = (clock.now() << SEQUENCE_BITS) | low
        # The order of ids is the order of making, also within one millisecond and when the clock is set back.
        if made <= _last:
            made = _last + 1
        _last = made
        return made


def first_id_at(at: int) -> int:
    """The smallest id that could have been made at that moment, for searches by time."""
    return at << SEQUENCE_BITS


def time_of(identifier: int) -> int:
    """When the id was made, in milliseconds since the epoch."""
    return identifier >> SEQUENCE_BITS


def parse_id(text: str | None) -> int | None:
    """Read an id from outside; None for anything that is not a decimal number of 63 bits."""
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 19:
        return None
    value = int(text)
    return value if value <= MAX_ID else None
