"""The running server, as the doors see it."""

from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import HTTPConnection

from roseau.domain.site import Site
from roseau.doors.limits import Counter
from roseau.network.client import GuardedClient
from roseau.settings import Settings
from roseau.storage.blobs import FolderBlobs
from roseau.storage.database import Database
from roseau.streams import Hub


@dataclass(slots=True)
class Server:
    """Everything that lives as long as the process; made in `app.py`, handed to doors and worker."""

    database: Database
    site: Site
    blobs: FolderBlobs
    folder: Path
    client: GuardedClient
    hub: Hub
    counter: Counter = field(default_factory=Counter)

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.site.settings


def server_of(request: HTTPConnection) -> Server:
    """The server that this request came to."""
    server: Server = request.app.state.server
    return server
