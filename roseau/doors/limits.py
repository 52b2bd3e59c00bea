"""Rate limits as Mastodon has them: fixed windows, counted in memory.

A restart forgets the counts: what they guard against is a flood, not a slow drip.
"""

from typing import NamedTuple

from roseau.kernel import clock
from roseau.kernel.errors import TooMany


class Limit(NamedTuple):
    """How many calls of one kind in how long (milliseconds)."""

    name: str
    calls: int
    window: int


BY_MEMBER = Limit("member", 1500, 5 * clock.MINUTE)
BY_ADDRESS = Limit("address", 300, 5 * clock.MINUTE)
UPLOADS = Limit("uploads", 30, 30 * clock.MINUTE)
DELETIONS = Limit("deletions", 30, 30 * clock.MINUTE)
POSTS = Limit("posts", 300, 3 * clock.HOUR)
FOLLOWS = Limit("follows", 400, clock.DAY)
SIGN_UPS = Limit("sign-ups", 5, 30 * clock.MINUTE)
SIGN_INS = Limit("sign-ins", 25, 5 * clock.MINUTE)
#: Pictures that have to be looked for in other stores.
FETCHES = Limit("fetches", 1200, 5 * clock.MINUTE)
#: Notices: of a member, and of an address without one.
REPORTS = Limit("reports", 60, clock.HOUR)
NOTICES = Limit("notices", 20, clock.HOUR)
#: Looks at notices by their numbers, so that nobody tries them through.
NUMBERS = Limit("numbers", 300, clock.HOUR)
APPS = Limit("apps", 25, 10 * clock.MINUTE)


class Spent(NamedTuple):
    """Where a caller stands: for the `X-RateLimit-*` headers."""

    limit: int
    remaining: int
    reset_at: int

    def headers(self) -> dict[str, str]:
        """As Mastodon sends them."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": clock.to_iso(self.reset_at),
        }


class Counter:
    """Counts calls by limit and caller; old windows are swept out when they pile up."""

    SWEEP_AT = 50_000

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, int], int] = {}

    def spend(self, limit: Limit, who: str) -> Spent:
        """Count one call. Raises TooMany when the window is used up."""
        now = clock.now()
        window = now // limit.window
        reset_at = (window + 1) * limit.window
        key = (limit.name, who, window)
        used = self._counts.get(key, 0) + 1
        if used > limit.calls:
            raise TooMany(retry_at=reset_at, limit=limit.calls)
        if len(self._counts) >= self.SWEEP_AT:
            self._sweep(now)
        self._counts[key] = used
        return Spent(limit.calls, limit.calls - used, reset_at)

    def _sweep(self, now: int) -> None:
        """Keep only what a window that may still be open has counted (the longest is a day)."""
        today = now - clock.DAY
        windows = {limit.name: limit.window for limit in globals().values() if isinstance(limit, Limit)}
        self._counts = {
            key: count
            for key, count in self._counts.items()
            if (key[2] + 1) * windows.get(key[0], clock.DAY) > today
        }
