"""Networks that are not answered at all: the blocks of the severity `no_access`, as the doors know them."""

from ipaddress import IPv4Network, IPv6Network

from starlette.requests import HTTPConnection

from roseau.domain.accounts.barring import Severity, list_networks, severity_of
from roseau.kernel import clock
from roseau.kernel.errors import Forbidden
from roseau.storage.database import Database, Transaction

#: How long the doors go on with what they know (milliseconds).
KNOWN_FOR = 10 * clock.SECOND


class ShutOut:
    """What one process knows of these networks."""

    __slots__ = ("_known_at", "_networks")

    def __init__(self) -> None:
        self._known_at = 0
        self._networks: list[tuple[IPv4Network | IPv6Network, Severity]] = []

    async def check(self, database: Database, request: HTTPConnection) -> None:
        """Let a request pass whose address is in none of them. Raises Forbidden."""
        now = clock.now()
        if not self._known_at <= now < self._known_at + KNOWN_FOR:
            self._known_at = now
            self._networks = await database.read(_find)
        if self._networks and request.client and severity_of(self._networks, request.client.host):
            raise Forbidden("This site does not answer to your network.")


def _find(tx: Transaction) -> list[tuple[IPv4Network | IPv6Network, Severity]]:
    return [(network, severity) for network, severity in list_networks(tx) if severity == "no_access"]
