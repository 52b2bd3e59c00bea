"""Erasure is proven: a site, its reed, its vault and its backup from before open nothing after."""

import gzip
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from roseau.control import ask_server
from roseau.domain.moderation.evidence import Erased, KeyMissing, open_evidence, snapshot_name
from roseau.kernel import clock
from roseau.kernel.errors import Gone
from roseau.opening import open_database, open_site
from roseau.operations import LIST_EVIDENCE, Nothing
from roseau.settings import Settings
from roseau.steering import STATUS
from roseau.storage.evidence_keys import EvidenceKeys
from roseau.storage.statements import statements
from tests.cli.running import ROOT, Served, call, clean_environment, ok, serving
from tests.moderation.acting import WHY
from tests.survival.media import until
from tests.survival.reeds import free_ports, reed_process

TEXT = "I know where she lives, and tonight she will see."
_SEALED = "SELECT hash, content, key_id FROM snapshots"
_sealed = statements(_SEALED, _SEALED)


class Places(NamedTuple):
    """Where everything is, and the key before it was destroyed."""

    data: Path
    reed: Path
    backup: Path
    vault: Path
    words: Path
    moment: str
    key_id: str
    key: bytes
    served: Served


def open_in(folder: Path, aside: Path) -> bytes:
    """What the evidence in a data folder says, read in a copy of it. Raises what opening raises."""
    shutil.rmtree(aside, ignore_errors=True)
    shutil.copytree(folder, aside, ignore=shutil.ignore_patterns("*.sock", "roseau.db-shm", "media"))
    settings = Settings(data=str(aside), synchronous="OFF")
    database = open_database(settings)
    try:
        site = open_site(database, settings)

        def read(tx: Any) -> bytes:
            [row] = tx.all(_sealed)
            return open_evidence(tx, site, snapshot_name(row[0]), row[1], row[2])

        return database.read_now(read)
    finally:
        database.close()


def report_a_threat(served: Served, data: Path) -> None:
    """Ada threatens, and Bob reports it."""
    tokens = {
        name: ok("token", "create", name, "--scopes", "read write", "--data", data) for name in ("ada", "bob")
    }
    status, post = call(served.address, "POST", "/api/v1/statuses", tokens["ada"], {"status": TEXT})
    assert status == 200, post
    form = {"account_id": post["account"]["id"], "status_ids[]": post["id"], "reason": "threat_to_life"}
    status, answer = call(served.address, "POST", "/api/v1/reports", tokens["bob"], form)
    assert status == 200, answer


class Site(NamedTuple):
    """A server that runs, with a case that is preserved, and its reed."""

    data: Path
    reed: Path
    served: Served
    key_id: str
    key: bytes
    #: Where the first machine can listen for others, and where the reed's server is once it is promoted.
    port: int
    later: str


@contextmanager
def site_with_reed(folder: Path, **settings: str) -> Iterator[Site]:
    """Start both, wait until spare keys lie on both, and have a threat reported."""
    data, reed = folder / "data", folder / "reed"
    port, reed_port, later_port, other_port = free_ports(4)
    ok("init", "--domain", f"127.0.0.1:{port}", "--base-url", f"http://127.0.0.1:{port}", "--data", data)
    for name in ("ada", "bob"):
        ok("account", "create", name, "--email", f"{name}@example.org", "--data", data)
    lines = ok("recovery", "make", "--data", data).splitlines()
    (folder / "words").write_text(" ".join(line.split()[-1] for line in lines))
    with serving(data, "--port", str(port), **settings) as served:
        code = ok("reed", "invite", "--data", data).split()[-1]
        words = ["--listen", f"127.0.0.1:{reed_port}", "--port", str(later_port), "--code", code]
        with reed_process(reed, *words):
            until(lambda: ask_server(data, STATUS, Nothing()).standing.needed == 1)
            until(lambda: set(EvidenceKeys(reed).list_ids()) >= set(EvidenceKeys(data).list_ids()) != set())
            report_a_threat(served, data)
            [preserved] = ask_server(data, LIST_EVIDENCE, Nothing())
            key = EvidenceKeys(data).find(preserved.key_id)
            assert key is not None
            later = f"http://127.0.0.1:{later_port}"
            yield Site(data, reed, served, preserved.key_id, key, other_port, later)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Places]:
    """A site with a preserved case, its reed, its vault and its backup; the server runs."""
    vault, backup = tmp_path / "vault", tmp_path / "before.tar.gz"
    ok("vault", "init", vault)
    with site_with_reed(tmp_path, vaults=str(vault)) as site:
        ok("backup", backup, "--data", site.data)
        until(lambda: any(vault.rglob("base/*.sealed")))
        moment = clock.to_iso(clock.now())
        time.sleep(0.01)
        words = tmp_path / "words"
        yield Places(site.data, site.reed, backup, vault, words, moment, site.key_id, site.key, site.served)


def says(data: Path, words: str) -> bool:
    """Whether the list of evidence says so."""
    return words in ok("evidence", "list", "--data", data)


def test_a_promoted_reed_opens_evidence_and_the_former_primary_destroys_its_key_when_it_is_back(
    tmp_path: Path,
) -> None:
    aside = tmp_path / "aside"
    with site_with_reed(tmp_path) as site:
        site.served.end(signal.SIGKILL)
        assert "Promoted" in ok("promote", "--data", site.reed)
        until(lambda: is_up(site.later))
        assert says(site.reed, "\tkept")
        assert TEXT.encode() in open_in(site.reed, aside)
        ok("evidence", "erase", "--yes", "--force", WHY, site.key_id, "--data", site.reed)
        until(lambda: says(site.reed, "erased here, waits for primary"))
        assert EvidenceKeys(site.data).find(site.key_id) == site.key
        command = [sys.executable, "-m", "roseau", "demote", "--data", str(site.data)]
        command += ["--listen", f"127.0.0.1:{site.port}"]
        with subprocess.Popen(
            command, cwd=ROOT, env=clean_environment(log="quiet"), stdout=subprocess.DEVNULL
        ) as back:
            try:
                until(lambda: EvidenceKeys(site.data).is_gone(site.key_id))
                until(lambda: says(site.reed, "\terased 20"))
            finally:
                back.terminate()
        with pytest.raises(Gone):
            open_in(site.data, aside)


def is_up(address: str) -> bool:
    """Whether a server answers there."""
    try:
        return call(address, "GET", "/api/v2/instance")[0] == 200
    except OSError:
        return False


def test_erasure(running: Places, tmp_path: Path) -> None:
    places, aside = running, tmp_path / "aside"
    before = tmp_path / "before"
    shutil.copytree(places.data, before, ignore=shutil.ignore_patterns("*.sock", "roseau.db-shm"))

    # Before: it opens on the primary and on the reed, each with what is in its own folder.
    assert TEXT.encode() in open_in(places.data, aside)
    assert EvidenceKeys(places.reed).find(places.key_id) == places.key
    until(lambda: TEXT.encode() in open_in(places.reed, aside))

    # The key is in no database, no log, no backup and no vault, neither plain nor as its file has it.
    kept = (places.data / "evidence" / f"{places.key_id}.key").read_bytes()
    for name, content in everything(places, before):
        assert places.key not in content and places.key.hex().encode() not in content, name
        assert name.startswith(("data/evidence/", "before/evidence/")) or kept not in content, name

    ok("evidence", "erase", "--yes", "--force", WHY, places.key_id, "--data", places.data)
    until(lambda: "\terased 20" in ok("evidence", "list", "--data", places.data))
    until(lambda: EvidenceKeys(places.reed).is_gone(places.key_id))

    # After: the primary, and the primary's database as it was before with the folder as it is now.
    with pytest.raises(Erased):
        open_in(places.data, aside)
    shutil.rmtree(before / "evidence")
    shutil.copytree(places.data / "evidence", before / "evidence")
    with pytest.raises(KeyMissing):
        open_in(before, aside)
    # The reed, and the same.
    until(lambda: is_erased(places.reed, aside))
    (before / "machine.key").write_bytes((places.reed / "machine.key").read_bytes())
    shutil.rmtree(before / "evidence")
    shutil.copytree(places.reed / "evidence", before / "evidence")
    assert EvidenceKeys(before).find(places.key_id) is None

    # A backup from before, restored: also beside the keys that the machine has now.
    restored = tmp_path / "restored"
    ok("restore", places.backup, "--data", restored)
    assert_key_is_missing(restored, aside)
    shutil.copytree(places.data / "evidence", restored / "evidence", dirs_exist_ok=True)
    assert_key_is_missing(restored, aside)

    # The vault, at a moment before; stopped in good order, the server sends it all that it lacks.
    places.served.end(signal.SIGTERM)
    returned = tmp_path / "returned"
    ok(
        *("restore", "--from", places.vault, "--words-from", places.words, "--at", places.moment),
        *("--data", returned),
    )
    assert_key_is_missing(returned, aside)


def assert_key_is_missing(folder: Path, aside: Path) -> None:
    """The evidence is in the database, as it was, and nobody can open it."""
    with pytest.raises(KeyMissing):
        open_in(folder, aside)


def is_erased(folder: Path, aside: Path) -> bool:
    """Whether this copy of the database knows that it was erased."""
    try:
        open_in(folder, aside)
    except Gone as error:
        return isinstance(error, Erased)
    return False


def everything(places: Places, before: Path) -> Iterator[tuple[str, bytes]]:
    """Every file of every machine and copy; a backup unpacked too."""
    for root in (places.data, places.reed, places.vault, before):
        for path in root.rglob("*"):
            if path.is_file():
                yield path.relative_to(root.parent).as_posix(), path.read_bytes()
    yield "backup", gzip.decompress(places.backup.read_bytes())
