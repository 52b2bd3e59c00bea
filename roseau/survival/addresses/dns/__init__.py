"""Pointing the site's names at another machine: `open_hook(setting).point(names, address)`.

The setting names one hook or several, with spaces between them:

    rfc2136://KEY:SECRET@ns.example.org:53/example.org?algorithm=hmac-sha256&ttl=60
    lexicon:cloudflare?zone=example.net&auth_token=TOKEN
    command:/usr/local/bin/point-here

Each takes care of the names that are in its zone, or that its `name=` lists; a command takes any.
"""

import re
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from importlib import import_module
from ipaddress import ip_address
from typing import Final, Literal, Protocol, TypeVar

import msgspec

T = TypeVar("T")

Kind = Literal["A", "AAAA"]
KINDS: Final[tuple[Kind, ...]] = ("A", "AAAA")
TTL: Final = 60
TRIES: Final = 3
PAUSE_SECONDS: Final = 1.0

_MODULES: Final = {"rfc2136": "rfc2136", "lexicon": "providers", "command": "command"}
_NEXT_HOOK: Final = re.compile(r"\s+(?=(?:rfc2136|lexicon|command):)")


class HookFailed(RuntimeError):
    """A name could not be pointed; the message says why. `passing`: trying again may help."""

    def __init__(self, sentence: str, *, passing: bool = False) -> None:
        self.passing = passing
        super().__init__(sentence)


class Change(msgspec.Struct, frozen=True):
    """What the records of a name and kind were and are to be. `before` is None where a hook cannot know."""

    name: str
    kind: Kind
    before: tuple[str, ...] | None
    after: tuple[str, ...]


class Part(Protocol):
    """What each kind of hook can do."""

    def covers(self, name: str) -> bool:
        """Whether it takes care of this name."""
        ...

    def look(self, name: str, kind: Kind) -> tuple[str, ...] | None:
        """The records as they are, in order; None where it cannot know. Raises HookFailed."""
        ...

    def put(self, changes: Sequence[Change], ttl: int | None) -> None:
        """Make it so. Doing it twice is as good as once. Raises HookFailed."""
        ...

    def check(self) -> str:
        """Try everything that changes nothing; a sentence about it. Raises HookFailed."""
        ...


class Hook:
    """Every hook of the setting, as one."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = tuple(parts)

    def uncovered(self, names: Iterable[str]) -> list[str]:
        """The names that no hook takes care of."""
        return [name for name in names if not any(part.covers(name) for part in self._parts)]

    def point(
        self, names: Sequence[str], address: str, ttl: int | None = None, *, dry_run: bool = False
    ) -> list[Change]:
        """Point the names at an address, or at one of each kind with a comma between; what was changed.

        What pointed elsewhere is removed, of both kinds. Each hook is tried a few times, and all of them
        even when one fails. Raises HookFailed, also when no hook takes care of any of the names.
        """
        wanted = read_addresses(address)
        if len(self.uncovered(names)) == len(names):
            raise HookFailed(f"dns_hook is for none of these names: {', '.join(names) or 'there are none'}.")
        changed: list[Change] = []
        failures: list[HookFailed] = []
        for part in self._parts:
            covered = [name for name in names if part.covers(name)]
            try:
                changed += _persist(partial(_point, part, covered, wanted, ttl, dry_run))
            except HookFailed as failure:
                failures.append(failure)
        if failures:
            raise HookFailed(" ".join(map(str, failures)), passing=any(one.passing for one in failures))
        return changed

    def check(self) -> list[str]:
        """What each hook says of itself when everything is tried that changes nothing. Raises HookFailed."""
        return [_persist(part.check) for part in self._parts]


def open_hook(setting: str) -> Hook:
    """The hook that the setting `dns_hook` describes. Raises HookFailed when it cannot be read."""
    texts = [text for text in _NEXT_HOOK.split(setting.strip()) if text]
    if not texts:
        raise HookFailed(
            "The setting dns_hook is empty: names are pointed by hand, where the domain is managed."
        )
    return Hook([_open_part(text) for text in texts])


def _open_part(text: str) -> Part:
    kind = text.partition(":")[0]
    if kind not in _MODULES:
        raise HookFailed("dns_hook: a hook begins with rfc2136://, lexicon: or command:.")
    part: Part = import_module(f"{__name__}.{_MODULES[kind]}").open_part(text)
    return part


def read_addresses(text: str) -> dict[Kind, tuple[str, ...]]:
    """The addresses of each kind in a list with commas. Raises HookFailed."""
    found: dict[Kind, tuple[str, ...]] = {"A": (), "AAAA": ()}
    for written in text.split(","):
        try:
            address = ip_address(written.strip())
        except ValueError:
            raise HookFailed(f"{written.strip()!r} is not an IP address.") from None
        kind: Kind = "A" if address.version == 4 else "AAAA"
        found[kind] = tuple(sorted({*found[kind], str(address)}))
    return found


def _point(
    part: Part, names: Sequence[str], wanted: dict[Kind, tuple[str, ...]], ttl: int | None, dry_run: bool
) -> list[Change]:
    changes = [
        Change(name, kind, before, wanted[kind])
        for name in names
        for kind in KINDS
        if (before := part.look(name, kind)) != wanted[kind] and (before is not None or wanted[kind])
    ]
    if changes and not dry_run:
        part.put(changes, ttl)
    return changes


def _persist(attempt: Callable[[], T]) -> T:
    """Try a few times what may succeed when it is tried again."""
    for number in range(TRIES):
        try:
            return attempt()
        except HookFailed as failure:
            if not failure.passing or number == TRIES - 1:
                raise
        time.sleep(PAUSE_SECONDS * (number + 1))
    raise AssertionError("unreachable")
