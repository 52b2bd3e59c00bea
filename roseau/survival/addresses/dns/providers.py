"""Pointing names at one of the providers that dns-lexicon knows, through its command `lexicon`.

    lexicon:PROVIDER?zone=example.org&auth_token=TOKEN&ttl=60

Parameters besides zone, ttl and name are the provider's, and reach it as LEXICON_PROVIDER_… variables; those
that are set where Roseau runs count too. The command is a process of its own: it has its own libraries,
its own time limit, and whatever goes wrong in it is a sentence here.
"""

import os
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from roseau.survival.addresses.dns import KINDS, Change, HookFailed, Kind
from roseau.survival.addresses.dns.programs import run_program
from roseau.survival.addresses.dns.writing import Options, read_options

_WRITTEN: Final = re.compile(r"lexicon:(?P<provider>[a-z0-9]+)\?(?P<query>.*)")


class _Record(msgspec.Struct):
    name: str
    content: str
    type: str = ""


def open_part(text: str) -> "Lexicon":
    """Read `lexicon:PROVIDER?zone=ZONE&…`. Raises HookFailed, also when lexicon is not installed."""
    match = _WRITTEN.fullmatch(text)
    options = read_options(match["query"], None) if match else None
    if match is None or options is None or not options.others.get("zone"):
        raise HookFailed("dns_hook: a provider is written lexicon:PROVIDER?zone=example.org&auth_token=…")
    zone = options.others.pop("zone").lower().rstrip(".")
    # First beside the Python that runs Roseau, where `pip install 'roseau[dns]'` puts it.
    path = shutil.which("lexicon", path=str(Path(sys.executable).parent)) or shutil.which("lexicon")
    if path is None:
        raise HookFailed(
            "dns_hook names a provider of dns-lexicon, which is not installed: `pip install dns-lexicon`."
        )
    return Lexicon(path, match["provider"], zone, options)


class Lexicon(msgspec.Struct, frozen=True):
    """One zone at a provider."""

    path: str
    provider: str
    zone: str
    options: Options

    def covers(self, name: str) -> bool:
        """Whether the name is in the zone, or listed."""
        return self.options.covers(name, self.zone)

    def look(self, name: str, kind: Kind) -> tuple[str, ...]:
        """The records that the provider lists."""
        return tuple(
            sorted(
                record.content for record in self._list(kind, name) if record.name.rstrip(".").lower() == name
            )
        )

    def put(self, changes: Sequence[Change], ttl: int | None) -> None:
        """Make the new records before the old ones go, so that a name always has one."""
        for change in changes:
            for address in change.after:
                self._run("create", change.kind, change.name, address, ttl)
        for change in changes:
            for address in change.before or ():
                if address not in change.after:
                    self._run("delete", change.kind, change.name, address)

    def check(self) -> str:
        """Sign in and list."""
        for kind in KINDS:
            self._list(kind, self.zone)
        return f"{self.provider} lets us list the records of {self.zone}."

    def _list(self, kind: Kind, name: str) -> list[_Record]:
        printed = self._run("list", kind, name)
        try:
            return msgspec.json.decode(printed, type=list[_Record])
        except msgspec.DecodeError:
            raise HookFailed(f"lexicon answered something else than a list of records for {name}.") from None

    def _run(self, action: str, kind: Kind, name: str, content: str = "", ttl: int | None = None) -> str:
        words = [self.path, "--delegated", self.zone, self.provider, action, self.zone, kind]
        words += ["--name", name, "--output", "JSON"]
        if content:
            words += ["--content", content]
        if action == "create":
            words += ["--ttl", str(ttl or self.options.ttl)]
        given = {name: value for name, value in os.environ.items() if name.startswith("LEXICON_")}
        prefix = f"LEXICON_{self.provider.upper()}_"
        return run_program(
            words, given | {prefix + key.upper(): value for key, value in self.options.others.items()}
        )
