"""What the texts of hooks have in common: parameters behind a question mark, and which names are meant."""

from collections.abc import Sequence
from urllib.parse import parse_qsl

import msgspec

from roseau.survival.addresses.dns import TTL, HookFailed


class Options(msgspec.Struct, frozen=True):
    """The parameters of a hook; `others` are those of its kind."""

    ttl: int
    names: tuple[str, ...]
    others: dict[str, str]

    def covers(self, name: str, zone: str) -> bool:
        """Whether a name is meant: one that is listed, or any in the zone when none is."""
        if self.names:
            return name in self.names
        return name == zone or name.endswith(f".{zone}")


def read_options(query: str, known: Sequence[str] | None) -> Options:
    """The parameters of a hook; `known` are those of its kind, None allows any. Raises HookFailed."""
    # A plus is one: secrets are full of them.
    pairs = parse_qsl(query.replace("+", "%2B"), keep_blank_values=True)
    ttl, names, others = str(TTL), [], {}
    for key, value in pairs:
        if key == "ttl":
            ttl = value
        elif key == "name":
            names += [name.strip().lower().rstrip(".") for name in value.split(",")]
        elif known is None or key in known:
            others[key] = value
        else:
            raise HookFailed(f"dns_hook: there is no parameter {key!r}.")
    if not ttl.isdecimal() or not 1 <= int(ttl) <= 86_400:
        raise HookFailed("dns_hook: ttl is a number of seconds, at most a day.")
    return Options(int(ttl), tuple(filter(None, names)), others)
