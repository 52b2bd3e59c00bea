"""Daily roots: made for every day, published, proven from, and kept by peers who notice a rewriting."""

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from roseau.app import create_app, open_server
from roseau.domain.moderation import log
from roseau.domain.moderation.record import peers, roots
from roseau.domain.moderation.record.merkle import follow_path
from roseau.domain.moderation.record.verifying import verify_log
from roseau.domain.site import choose
from roseau.doors import record_peers
from roseau.doors.server import Server
from roseau.kernel import clock
from roseau.kernel.errors import NotFound
from roseau.settings import Settings
from roseau.storage.jobs import GiveUp
from roseau.worker import Worker
from tests.moderation.acting import rows, value
from tests.moderation.reasons import change
from tests.network.guarded import make_client

pytestmark = pytest.mark.anyio

OURS, THEIRS = "https://roseau.test", "https://peer.example"
API = "/api/roseau/v1/moderation"
At = Callable[[float], None]
DAY = 86_400.0


def append(server: Server, *kinds: str, **body: Any) -> None:
    """Entries of these kinds, one transaction each."""
    for kind in kinds:
        server.database.write_now(log.append, kind, body)


def make_all(server: Server) -> list[str]:
    """Make every root that is missing; the days."""
    days = []
    while day := server.database.write_now(roots.make_root):
        days.append(day)
    return days


def verify(server: Server) -> Any:
    """Hold the log against its own roots."""
    entries = server.database.read_now(log.list_entries, 0, 10_000)
    return verify_log(entries, roots.to_checkable(server.database.read_now(roots.list_roots)))


@pytest.fixture
def noon(at: At) -> Callable[[float], None]:
    """Put the clock to noon so many days after tomorrow."""
    start = clock.now()
    first = (clock.DAY - start % clock.DAY + clock.DAY // 2) / 1000

    def put(days: float) -> None:
        at(first + days * DAY)

    put(0)
    return put


async def test_each_day_with_entries_gets_its_root(server: Server, noon: At) -> None:
    append(server, "notice", "notice", "decision", number=1)
    assert make_all(server) == []
    noon(1)
    append(server, "appeal")
    assert len(make_all(server)) == 1
    noon(5)
    append(server, "notice")
    noon(6)
    # The site was away for days, and one of them had no entries.
    assert len(make_all(server)) == 2
    found = server.database.read_now(roots.list_roots)
    assert [(one.first_seq, one.last_seq) for one in found] == [(1, 3), (4, 4), (5, 5)]
    assert verify(server).findings == []


async def test_the_job_makes_what_is_missing_and_plans_the_next(
    server: Server, worker: Worker, noon: At
) -> None:
    append(server, "notice")
    noon(1)
    server.database.write_now(roots.plan_roots)
    await worker.settle()
    assert len(server.database.read_now(roots.list_roots)) == 1
    append(server, "notice")
    noon(2)
    await worker.settle()
    assert len(server.database.read_now(roots.list_roots)) == 2
    assert (
        value(server, "SELECT count(*) FROM jobs WHERE kind = 'moderation_roots' AND failed_at IS NULL") == 1
    )


async def test_a_clock_that_was_put_back_makes_no_second_root_for_a_day(server: Server, noon: At) -> None:
    noon(1)
    append(server, "notice")
    noon(2)
    assert len(make_all(server)) == 1
    noon(1)
    append(server, "notice")
    noon(5)
    (first,) = make_all(server)
    assert value(server, "SELECT count(*) FROM log_roots") == 2
    assert first > value(server, "SELECT min(day) FROM log_roots")
    assert verify(server).findings == []


async def test_what_the_database_was_made_to_forget_is_found(server: Server, noon: At) -> None:
    append(server, "notice", "decision", "appeal", number=1)
    noon(1)
    make_all(server)
    # Whoever owns the database can drop a trigger.
    drop = "DROP TRIGGER moderation_log_not_deleted"
    if server.database.dialect == "postgresql":
        drop = "DROP TRIGGER moderation_log_append_only ON moderation_log"
    change(server, drop)
    change(server, "DELETE FROM moderation_log WHERE seq = 3")
    assert [one.trouble for one in verify(server).findings] == ["cut"]


async def test_roots_are_published_a_page_at_a_time(
    client: httpx2.AsyncClient, server: Server, noon: At
) -> None:
    assert (await client.get(f"{API}/roots")).json() == {"site": OURS, "roots": []}
    append(server, "notice")
    noon(1)
    append(server, "notice")
    noon(2)
    make_all(server)
    both = (await client.get(f"{API}/roots")).json()["roots"]
    assert [one["last_seq"] for one in both] == [1, 2]
    later = (await client.get(f"{API}/roots", params={"after": both[0]["day"]})).json()["roots"]
    assert later == both[1:]
    assert (await client.get(f"{API}/roots", params={"after": "x"})).status_code == 400


async def test_an_entry_is_proven_to_be_under_its_root(server: Server, noon: At) -> None:
    append(server, "notice", "notice")
    append(server, "decision", number=7)
    append(server, "appeal", "delivery")
    with pytest.raises(NotFound):
        server.database.read_now(roots.prove_decision, 7)
    noon(1)
    make_all(server)
    proof = server.database.read_now(roots.prove_decision, 7)
    assert json.loads(proof.body) == {"number": 7}
    leaf = log.hash_entry(bytes.fromhex(proof.previous), proof.seq, proof.at, proof.kind, proof.body)
    assert leaf.hex() == proof.hash
    path = [bytes.fromhex(one) for one in proof.path]
    assert follow_path(leaf, proof.leaf_index, proof.tree_size, path) == bytes.fromhex(proof.root)
    assert server.database.read_now(roots.list_roots)[0].root == proof.root


# Peers


@pytest.fixture
async def peer(server: Server, tmp_path: Path) -> AsyncIterator[Server]:
    """Another site in this process; each reaches the other through its guarded client, and they are peers."""
    settings = Settings(data=str(tmp_path / "peer"), base_url=THEIRS, rate_limits=False, synchronous="OFF")
    other = open_server(settings)
    for one, url, listed in ((server, THEIRS, other), (other, OURS, server)):
        one.database.write_now(lambda tx, url=url: choose(tx, None, record_peers=(url,)))
        one.client = make_client(httpx2.ASGITransport(app=create_app(listed, start_worker=False)), site=url)
    async with server.client, other.client:
        yield other
    other.database.close()


async def exchange(server: Server, peer: Server, noon: At, day: float) -> None:
    """A day goes by: roots, announcements, fetches, confirmations."""
    for hour in (0.0, 0.01, 0.02, 0.03):
        noon(day + hour)
        await Worker(server).settle()
        await Worker(peer).settle()


async def test_two_sites_keep_each_others_roots(
    server: Server, peer: Server, client: httpx2.AsyncClient, noon: At
) -> None:
    append(server, "notice", "decision", number=1)
    append(peer, "notice")
    for one in (server, peer):
        one.database.write_now(roots.plan_roots)
    await exchange(server, peer, noon, 1)
    (ours,) = server.database.read_now(roots.list_roots)
    (theirs,) = peer.database.read_now(roots.list_roots)
    assert list(ours.kept_by) == ["peer.example"]
    assert list(theirs.kept_by) == ["roseau.test"]
    (kept,) = peer.database.read_now(peers.list_kept, "roseau.test")
    assert (kept.root, kept.tip, kept.last_seq) == (ours.root, ours.tip, 2)
    public = (await client.get(f"{API}/peers/peer.example")).json()
    assert [one["root"] for one in public["roots"]] == [theirs.root]
    assert public["conflicts"] == []
    append(server, "notice")
    await exchange(server, peer, noon, 2)
    assert [one.last_seq for one in peer.database.read_now(peers.list_kept, "roseau.test")] == [2, 3]


async def test_a_rewritten_log_is_noticed_on_both_sides(
    server: Server, peer: Server, cast: Any, noon: At
) -> None:
    assert cast.olga
    append(server, "notice", "decision", number=1)
    server.database.write_now(roots.plan_roots)
    peer.database.write_now(roots.plan_roots)
    await exchange(server, peer, noon, 1)
    (kept,) = peer.database.read_now(peers.list_kept, "roseau.test")
    change(server, "UPDATE log_roots SET root = :root", root="0" * 64)
    await exchange(server, peer, noon, 2)
    (theirs,) = peer.database.read_now(peers.list_conflicts)
    assert (theirs.whose, theirs.root, theirs.day) == ("theirs", "0" * 64, kept.day)
    (ours,) = server.database.read_now(peers.list_conflicts)
    assert (ours.whose, ours.root, ours.peer) == ("ours", kept.root, "peer.example")
    # What was kept first stays, and those who run the site have a mail, once.
    assert peer.database.read_now(peers.list_kept, "roseau.test") == [kept]
    await exchange(server, peer, noon, 3)
    written = (Path(server.folder) / "mail").glob("*")
    assert sum(OURS in path.read_text() and "rewritten" in path.read_text() for path in written) == 1


async def test_only_peers_are_fetched_from(client: httpx2.AsyncClient, server: Server) -> None:
    for said in ("https://stranger.example", "http://127.0.0.1", "", "no address", OURS):
        assert (await client.post(f"{API}/roots/announce", json={"site": said})).status_code == 404
    assert rows(server, "SELECT kind FROM jobs WHERE kind LIKE 'record_%'") == []
    assert (await client.post(f"{API}/roots/announce", content=b"[")).status_code in (400, 404, 422)


async def test_announcements_make_one_fetch_however_many_there_are(
    client: httpx2.AsyncClient, server: Server, noon: At
) -> None:
    server.database.write_now(lambda tx: choose(tx, None, record_peers=(THEIRS,)))
    for _ in range(5):
        answer = await client.post(f"{API}/roots/announce", json={"site": f"{THEIRS}/"})
        assert answer.status_code == 202
    ((payload,),) = rows(server, "SELECT payload FROM jobs WHERE kind = 'record_fetch'")
    assert json.loads(payload) == {"peer": THEIRS}


ROOT = {"day": "2026-11-01", "first_seq": 1, "last_seq": 2, "root": "a" * 64, "tip": "b" * 64}


@pytest.mark.parametrize(
    "answer",
    [
        {"roots": [ROOT | {"day": "x"}]},
        {"roots": [ROOT | {"root": "<script>"}]},
        {"roots": [ROOT | {"last_seq": -1}]},
        {"roots": [ROOT | {"first_seq": 2**70}]},
        {"roots": [ROOT, ROOT]},
        {"roots": [ROOT | {"day": "2026-11-02"}, ROOT]},
        {"roots": [ROOT] * 1_001},
        {"roots": "many"},
        [],
    ],
)
async def test_what_a_peer_answers_is_checked(server: Server, answer: Any) -> None:
    server.database.write_now(lambda tx: choose(tx, None, record_peers=(THEIRS,)))
    server.client = make_client(httpx2.MockTransport(lambda request: httpx2.Response(200, json=answer)))
    with pytest.raises(GiveUp):
        await record_peers.fetch_roots(server, json.dumps({"peer": THEIRS}).encode())
    assert rows(server, "SELECT day FROM peer_roots") == []


async def test_a_day_that_has_not_come_and_an_empty_range_are_not_kept(server: Server) -> None:
    given = [peers.GivenRoot(**ROOT | {"day": "2999-01-01"}), peers.GivenRoot(**ROOT | {"first_seq": 3})]  # type: ignore[arg-type]
    assert server.database.write_now(peers.keep_roots, server.site, "peer.example", given) == 0


async def test_a_peer_that_does_not_know_us_is_not_asked_for_ever(server: Server) -> None:
    server.database.write_now(lambda tx: choose(tx, None, record_peers=(THEIRS,)))

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.method == "POST":
            return httpx2.Response(404, json={"error": "Record not found"})
        return httpx2.Response(200, json={"roots": []})

    server.client = make_client(httpx2.MockTransport(answer))
    with pytest.raises(GiveUp, match="does not know us"):
        await record_peers.visit_peer(server, json.dumps({"peer": THEIRS}).encode())
