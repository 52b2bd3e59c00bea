"""The running server, as the doors see it."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from starlette.requests import HTTPConnection

from roseau.domain.site import Site
from roseau.doors.limits import Counter
from roseau.doors.networks import ShutOut
from roseau.kernel.errors import Unavailable
from roseau.network.client import GuardedClient
from roseau.settings import Settings
from roseau.storage.database import Database
from roseau.storage.stores.copies import Blobs
from roseau.streams import Hub
from roseau.survival.addresses.names import KnownNames
from roseau.survival.standing import Standing, Survival, condition_of
from roseau.survival.vault.keeper import Vaults
from roseau.survival.watching.watch import Watch


@dataclass(slots=True)
class Server:
    """Everything that lives as long as the process; made in `app.py`, handed to doors and worker."""

    database: Database
    site: Site
    blobs: Blobs
    folder: Path
    client: GuardedClient
    hub: Hub
    counter: Counter = field(default_factory=Counter)
    names: KnownNames = field(default_factory=KnownNames)
    shut_out: ShutOut = field(default_factory=ShutOut)
    #: What keeps the reeds; None until there are any, and in tests that need none.
    survival: Survival | None = None
    #: What keeps the vaults, if the settings name any.
    vaults: Vaults | None = None
    #: What notices trouble; it looks as long as the application lives.
    watch: Watch | None = None

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.site.settings

    def standing(self) -> Standing:
        """How the site stands at this moment: with its reeds, and with its own disk."""
        standing = self.standing_of_reeds()
        if self.watch and self.watch.stuck:
            standing = msgspec.structs.replace(standing, writable=False)
        return standing

    def standing_of_reeds(self) -> Standing:
        """How the site stands with its reeds at this moment."""
        return self.survival.standing() if self.survival else Standing()

    async def note(self, function: Callable[..., Any], *args: Any) -> None:
        """Write something down by the way, if anything can be saved: reading goes on without it."""
        if condition_of(self.standing()) not in ("refused", "superseded"):
            with suppress(Unavailable):
                await self.database.write(function, *args)


def server_of(request: HTTPConnection) -> Server:
    """The server that this request came to."""
    server: Server = request.app.state.server
    return server
