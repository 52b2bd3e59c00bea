"""What the site depends on elsewhere, and until when it is good: its certificate, its domain.

The certificate is looked at each day by connecting to the site's own address; the domain each week by
asking its registry over RDAP (RFC 9224 finds the registry's server, RFC 9083 has the answer).
"""

import ipaddress
from typing import Literal
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import bindparam, select

from roseau.domain.site import Site
from roseau.kernel import clock
from roseau.network.certificates import BadCertificate, find_expiry
from roseau.network.client import GuardedClient
from roseau.network.refusals import FetchError
from roseau.storage.database import Database, Transaction
from roseau.storage.jobs import add_job
from roseau.storage.schema.watch import dependencies
from roseau.storage.statements import statement, upsert

JOB = "dependencies"
#: The list of RDAP servers by top-level domain.
BOOTSTRAP = "https://data.iana.org/rdap/dns.json"
EVERY = {"certificate": clock.DAY, "domain": 7 * clock.DAY}
_JSON = ("application/json", "application/rdap+json")

Name = Literal["certificate", "domain"]
State = Literal["good", "bad", "unknown", "none"]


class Dependency(msgspec.Struct, frozen=True):
    """One thing: `until` when it is good; `detail` says what is wrong, or why nothing is known.

    `none` is what the site does without, such as a certificate on a plain http address.
    """

    name: str
    state: State
    until: int | None
    detail: str
    looked_at: int


class _Event(msgspec.Struct, rename="camel"):
    event_action: str = ""
    event_date: str = ""


class _Registered(msgspec.Struct, rename="camel"):
    events: list[_Event] = []


class _Servers(msgspec.Struct):
    services: list[tuple[list[str], list[str]]]


_columns = [dependencies.c[name] for name in Dependency.__struct_fields__]
_all = statement(select(*_columns), into=Dependency)
_new = upsert(dependencies).values(
    name=bindparam("name"),
    state=bindparam("state"),
    until=bindparam("until"),
    detail=bindparam("detail"),
    looked_at=bindparam("looked_at"),
)
_keep = statement(
    _new.on_conflict_do_update(
        index_elements=["name"],
        set_={name: _new.excluded[name] for name in ("state", "until", "detail", "looked_at")},
    )
)


def load_dependencies(tx: Transaction) -> dict[str, Dependency]:
    """What was found out at the last look, by name."""
    return {row.name: row for row in tx.all(_all)}


def plan_look(tx: Transaction) -> None:
    """Have everything looked at whose time has come; nothing is asked for twice."""
    if list_due(load_dependencies(tx), tx.now):
        add_job(tx, JOB, {}, dedupe=JOB)


def list_due(known: dict[str, Dependency], now: int) -> list[str]:
    """What was not looked at for too long."""
    return [
        name for name, every in EVERY.items() if name not in known or now - known[name].looked_at >= every
    ]


async def look_at_dependencies(database: Database, client: GuardedClient, site: Site) -> None:
    """Look at what is due, and keep what was found."""
    for name in list_due(await database.read(load_dependencies), clock.now()):
        found = await (look_at_certificate(site) if name == "certificate" else look_at_domain(client, site))
        await database.write(_write_down, found)


def _write_down(tx: Transaction, found: Dependency) -> None:
    tx.run(_keep, **msgspec.structs.asdict(found))


async def look_at_certificate(site: Site) -> Dependency:
    """Connect to the site as a member does, and read until when its certificate is good."""
    if not site.secure:
        return _found("certificate", "none")
    try:
        return _found("certificate", "good", until=await find_expiry(site.base_url))
    except BadCertificate as error:
        return _found("certificate", "bad", detail=str(error))
    except OSError:
        return _found("certificate", "unknown", detail="unreachable")


async def look_at_domain(client: GuardedClient, site: Site) -> Dependency:
    """Ask the registry until when the domain is paid for. Names of a registered domain lead to it."""
    host = urlsplit(site.base_url).hostname or ""
    if "." not in host or host.endswith((".onion", ".localhost", ".test", ".local")) or _is_address(host):
        return _found("domain", "none")
    try:
        server = await _find_registry(client, host)
        if server is None:
            return _found("domain", "unknown", detail="no_registry")
        labels = host.split(".")
        # A name does not say where the registered domain in it begins: the longest is asked first.
        for first in range(len(labels) - 1):
            expires_at = await _ask_registry(client, f"{server}domain/{'.'.join(labels[first:])}")
            if expires_at is not None:
                return _found("domain", "good", until=expires_at)
        return _found("domain", "unknown", detail="no_date")
    except FetchError:
        return _found("domain", "unknown", detail="unreachable")
    except (msgspec.DecodeError, ValueError):
        return _found("domain", "unknown", detail="unreadable")


async def _find_registry(client: GuardedClient, host: str) -> str | None:
    listed = await client.get(BOOTSTRAP, accept=_JSON, max_bytes=4_000_000)
    top = host.rpartition(".")[2]
    for endings, servers in msgspec.json.decode(listed.body, type=_Servers).services:
        if top in endings:
            safe = [server for server in servers if server.startswith("https://")]
            return f"{safe[0].rstrip('/')}/" if safe else None
    return None


async def _ask_registry(client: GuardedClient, url: str) -> int | None:
    answer = await client.get(url, accept=_JSON)
    if answer.status != 200:
        return None
    events = msgspec.json.decode(answer.body, type=_Registered).events
    return next(
        (clock.from_iso(event.event_date) for event in events if event.event_action == "expiration"), None
    )


def _found(name: Name, state: State, *, until: int | None = None, detail: str = "") -> Dependency:
    return Dependency(name, state, until, detail, clock.now())


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
