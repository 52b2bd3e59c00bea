"""What time it is, and how times are written.

A time is an integer: milliseconds since 1970-01-01 UTC, in storage as in the domain
(docs/decisions/0002). Only the edges turn it into text, here.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import NewType

Instant = NewType("Instant", int)

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Tests put their own hand on the clock with `set_clock`; nothing else does.
_read_clock = time.time


def now() -> Instant:
    """The present, in milliseconds since the epoch."""
    return Instant(int(_read_clock() * 1000))


def set_clock(read: object = None) -> None:
    """Let tests move time: `read` answers seconds since the epoch; None gives the real clock back."""
    global _read_clock
    _read_clock = read if callable(read) else time.time


def to_datetime(instant: int) -> datetime:
    """The same moment as an aware UTC datetime."""
    return _EPOCH + timedelta(milliseconds=instant)


def to_iso(instant: int) -> str:
    """As Mastodon writes times: `2026-11-22T10:07:37.000Z`."""
    seconds, millis = divmod(instant, 1000)
    moment = time.gmtime(seconds)
    return (
        f"{moment.tm_year:04d}-{moment.tm_mon:02d}-{moment.tm_mday:02d}"
        f"T{moment.tm_hour:02d}:{moment.tm_min:02d}:{moment.tm_sec:02d}.{millis:03d}Z"
    )


def to_date(instant: int) -> str:
    """The UTC day, `2026-11-22`."""
    return to_iso(instant)[:10]


def from_iso(text: str) -> Instant:
    """Read an ISO 8601 time; one without a zone is taken as UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return Instant((moment - _EPOCH) // timedelta(milliseconds=1))
