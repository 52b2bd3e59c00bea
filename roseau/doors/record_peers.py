"""Jobs that make the daily roots of the record, and keep them with the peers: each fetches from the other.

What a stranger sends is never an address that we ask: peers are those of the settings, and the guarded
client reaches them.
"""

from urllib.parse import urlencode

import msgspec

from roseau.domain.moderation.record import peers
from roseau.domain.moderation.record.peers import (
    CONFIRM,
    CONFIRM_AFTER,
    GivenRoot,
    GivenRoots,
    PeerJob,
    host_of,
)
from roseau.domain.moderation.record.roots import make_root, plan_roots
from roseau.doors.server import Server
from roseau.network.refusals import Failure, Unreachable
from roseau.storage.database import Transaction
from roseau.storage.jobs import GiveUp, add_job

PATH = "/api/roseau/v1/moderation"
#: A thousand roots are a third of this, in bytes.
MOST_BYTES = 1_000_000
#: Pages of roots that are fetched in one go; the rest comes the next day.
MOST_PAGES = 20
_JSON = ("application/json",)


async def make_roots(server: Server, payload: bytes) -> None:
    """Make the roots of the days that are over, plan those of today, and visit the peers."""
    while await server.database.write(make_root):
        pass
    await server.database.write(_go_on, server)


def _go_on(tx: Transaction, server: Server) -> None:
    plan_roots(tx)
    peers.plan_visits(tx, server.site)


async def visit_peer(server: Server, payload: bytes) -> None:
    """Fetch a peer's new roots, tell it of ours, and have it asked later what it keeps."""
    peer = await _peer_of(server, payload)
    await _fetch(server, peer)
    body = msgspec.json.encode({"site": server.site.base_url})
    answer = await server.client.request(
        "POST",
        f"{peer}{PATH}/roots/announce",
        headers={"content-type": "application/json"},
        body=body,
        max_bytes=MOST_BYTES,
    )
    if answer.status == 404:
        raise GiveUp(f"{peer} does not know us as a peer: its people have to name {server.site.base_url}.")
    if answer.status >= 400:
        raise Unreachable(Failure.PROTOCOL)
    await server.database.write(_ask_later, peer)


def _ask_later(tx: Transaction, peer: str) -> None:
    add_job(tx, CONFIRM, PeerJob(peer), run_at=tx.now + CONFIRM_AFTER, dedupe=f"{CONFIRM}:{peer}")


async def fetch_roots(server: Server, payload: bytes) -> None:
    """Fetch a peer's new roots, because it has announced them."""
    await _fetch(server, await _peer_of(server, payload))


async def confirm_roots(server: Server, payload: bytes) -> None:
    """Ask a peer which of our roots it keeps."""
    peer = await _peer_of(server, payload)
    host = host_of(server.site.base_url)
    after = ""
    for _ in range(MOST_PAGES):
        given = await _get(server, f"{peer}{PATH}/peers/{host}?{urlencode({'after': after})}")
        if not given:
            break
        await server.database.write(peers.note_confirmation, server.site, host_of(peer), given)
        after = given[-1].day


async def _fetch(server: Server, peer: str) -> None:
    host = host_of(peer)
    # The last week is asked for again: it shows that the log still stands on what we keep.
    after = await server.database.read(peers.find_last_kept, host, 7)
    for _ in range(MOST_PAGES):
        given = await _get(server, f"{peer}{PATH}/roots?{urlencode({'after': after})}")
        if not given:
            break
        await server.database.write(peers.keep_roots, server.site, host, given)
        after = given[-1].day


async def _get(server: Server, url: str) -> list[GivenRoot]:
    """Roots, in the order of their days. Raises FetchError, GiveUp."""
    answer = await server.client.get(url, accept=_JSON, max_bytes=MOST_BYTES)
    if answer.status != 200:
        raise Unreachable(Failure.PROTOCOL)
    try:
        given = msgspec.json.decode(answer.body, type=GivenRoots).roots
    except msgspec.DecodeError as error:
        raise GiveUp(f"what {url} answers is no list of roots: {error}") from error
    days = [one.day for one in given]
    if days != sorted(set(days)):
        raise GiveUp(f"what {url} answers is not in the order of days")
    return given


async def _peer_of(server: Server, payload: bytes) -> str:
    """The peer of a job, if it still is one. Raises GiveUp."""
    peer = msgspec.json.decode(payload, type=PeerJob).peer
    if peer not in await server.database.read(peers.list_peers, server.site):
        raise GiveUp(f"{peer} is no peer any more")
    return peer
