"""A site is lost and comes back from its vault, by commands alone."""

import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from roseau.cli.moments import parse_moment
from roseau.kernel import clock, keys
from roseau.kernel.words import to_words
from roseau.storage.blobs import FolderBlobs, hash_file
from roseau.survival.vault.keeper import MEMORY
from roseau.survival.vault.shelf import FolderShelf
from roseau.survival.vault.verifying import verify_vault
from tests.cli.running import PATIENCE, Served, call, ok, run, serving
from tests.survival.keeping import KeptSite


def wait_until(true: Callable[[], bool]) -> None:
    """Wait for something that the server does by itself."""
    until = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < until
        time.sleep(0.05)


def post(served: Served, token: str, text: str) -> str:
    """Post something; its id."""
    status, answer = call(served.address, "POST", "/api/v1/statuses", token, {"status": text})
    assert status == 200, answer
    return str(answer["id"])


def pictures_of(data: Path) -> dict[str, str]:
    """Each picture of a site by its name."""
    blobs = FolderBlobs(data / "media")
    return {name: hash_file(blobs.path_of(name)) for name in blobs.names()}


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A site that was killed and wiped: where its vault is, its words, and what it had acknowledged."""
    folder = tmp_path_factory.mktemp("lost")
    data, vault = folder / "data", folder / "vault"
    ok("demo", "--accounts", "4", "--statuses", "25", "--data", data)
    token = ok("token", "create", "demo", "--data", data)
    words = " ".join(line.split()[-1] for line in ok("recovery", "make", "--data", data).splitlines())
    assert "can be used" in ok("vault", "init", vault)
    with serving(data, vaults=str(vault)) as served:
        early = post(served, token, "before the moment")
        wait_until(lambda: any(vault.rglob("base/*.sealed")))
        moment = clock.to_iso(clock.now())
        time.sleep(0.01)
        late = post(served, token, "after the moment")
        pictures = pictures_of(data)
        wait_until(lambda: len(list(vault.glob("*/blobs/*/*.sealed"))) == len(pictures) > 3)
        # Stopped in good order, so that the last commit is surely sent.
        served.end(signal.SIGTERM)
    (folder / "words").write_text(words)
    shutil.copytree(data, folder / "kept")
    shutil.rmtree(data)
    return {
        "folder": str(folder),
        "vault": str(vault),
        "words": str(folder / "words"),
        "token": token,
        "early": early,
        "late": late,
        "moment": moment,
    }


def restore(lost: dict[str, str], data: Path, *more: str) -> str:
    """Restore the lost site; what is said."""
    return ok("restore", "--from", lost["vault"], "--words-from", lost["words"], *more, "--data", data)


def status_of(served: Served, lost: dict[str, str], which: str) -> int:
    """Whether a post is there."""
    return call(served.address, "GET", f"/api/v1/statuses/{lost[which]}", lost["token"])[0]


def test_everything_comes_back(lost: dict[str, str], tmp_path: Path) -> None:
    said = restore(lost, tmp_path / "new")
    assert "the last in the vault" in said and "pictures came with it" in said
    before = pictures_of(Path(lost["folder"], "kept"))
    assert pictures_of(tmp_path / "new") == before and len(before) > 3
    assert not (tmp_path / "new" / MEMORY).exists()
    with serving(tmp_path / "new") as served:
        assert status_of(served, lost, "early") == 200
        assert status_of(served, lost, "late") == 200
        post(served, lost["token"], "and it goes on")


def test_a_moment_comes_back(lost: dict[str, str], tmp_path: Path) -> None:
    said = restore(lost, tmp_path / "new", "--at", lost["moment"])
    assert lost["moment"] in said
    with serving(tmp_path / "new") as served:
        assert status_of(served, lost, "early") == 200
        assert status_of(served, lost, "late") == 404


def bases(vault: Path) -> list[Path]:
    """The base copies in a vault, of every volume."""
    return list(vault.rglob("base/*.sealed"))


def test_a_restored_site_goes_on_in_the_same_vault(lost: dict[str, str], tmp_path: Path) -> None:
    """In a volume of its own and a higher epoch, so that nothing of the two lives is mixed."""
    vault = Path(shutil.copytree(lost["vault"], tmp_path / "vault"))
    first = lost | {"vault": str(vault)}
    restore(first, tmp_path / "new", "--at", lost["moment"])
    with serving(tmp_path / "new", vaults=str(vault)) as served:
        again = post(served, lost["token"], "another life")
        # A slow machine may have begun a volume anew before, so volumes are told apart by their epochs.
        wait_until(lambda: len({path.name.partition("-")[0] for path in bases(vault)}) == 2)
        served.end(signal.SIGTERM)
    restore(first, tmp_path / "newer")
    with serving(tmp_path / "newer") as served:
        assert status_of(served, lost | {"again": again}, "again") == 200
        assert status_of(served, lost, "late") == 404


def refuse(said: str, data: Path, *words: str, stdin: str = "") -> None:
    """The restore fails with a sentence and leaves the folder empty."""
    refused = run("restore", "--data", data, *words, stdin=stdin)
    assert refused.status in (1, 2) and said in refused.err, refused.err
    assert not data.exists() or {path.name for path in data.iterdir()} <= {"roseau.lock"}


def test_what_cannot_be_restored_leaves_nothing_behind(lost: dict[str, str], tmp_path: Path) -> None:
    data, vault = tmp_path / "new", lost["vault"]
    source = ("--words-from", "-")
    good = Path(lost["words"]).read_text()
    other = " ".join(to_words(keys.new_key()[:16]))
    refuse("These words open nothing", data, "--from", vault, *source, stdin=other)
    refuse("nine words", data, "--from", vault, *source, stdin="lusab babad")
    refuse("reaches back to", data, "--from", vault, "--at", "2020-01-01", *source, stdin=good)
    refuse("no moment", data, "--from", vault, "--at", "teatime", *source, stdin=good)
    refuse("nowhere", data, "--from", str(tmp_path / "nowhere"), *source, stdin=good)
    refuse("Name either", data)
    for path in Path(shutil.copytree(vault, tmp_path / "bad")).rglob("base/*.sealed"):
        path.write_bytes(path.read_bytes()[:-1])
    refuse("No base copy", data, "--from", str(tmp_path / "bad"), *source, stdin=good)


def test_damage_is_said_and_the_rest_comes_back(lost: dict[str, str], tmp_path: Path) -> None:
    vault = Path(shutil.copytree(lost["vault"], tmp_path / "vault"))
    newest = max(vault.rglob("log/*/*.sealed"))
    newest.write_bytes(newest.read_bytes()[:-1])
    picture = min(vault.glob("*/blobs/*/*.sealed"))
    picture.write_bytes(b"roseau vault 1\n")
    result = run(
        "restore", "--from", vault, "--words-from", lost["words"], "--data", tmp_path / "new"
    )  # fmt: skip
    assert result.status == 0, result.err
    assert newest.name in result.err and picture.name in result.err
    assert "where the vault breaks off" in result.out


def test_vaults_are_listed_and_verified(lost: dict[str, str], tmp_path: Path) -> None:
    vault = lost["vault"]
    listed = ok("vault", "list", vault).splitlines()
    assert listed[0].split("\t")[0] == vault and listed[-1].split("\t")[1].endswith("pictures")
    assert ok("vault", "list", vaults=vault).splitlines() == listed
    assert "were read back" in ok("vault", "verify", vault)
    assert "were opened" in ok("vault", "verify", vault, "--open", "--words-from", lost["words"])
    bad = Path(shutil.copytree(vault, tmp_path / "bad"))
    piece = min(bad.rglob("log/*/*.sealed"))
    piece.write_bytes(piece.read_bytes().replace(b"made_at", b"made_by"))
    found = run("vault", "verify", bad)
    assert found.status == 1 and piece.name in found.out and "wrong" in found.err
    assert run("vault", "verify").status == 1
    none = run("vault", "verify", vault, "--words-from", "-", stdin=" ".join(to_words(bytes(16))))
    assert none.status == 1 and "open nothing" in none.err


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-22 14:03", "2026-11-22T14:03:00.000Z"),
        ("2026-11-22T14:03:05+01:00", "2026-11-22T13:03:05.000Z"),
        ("-2h", "2026-11-30T22:00:00.000Z"),
        ("-3 d", "2026-11-28T00:00:00.000Z"),
    ],
)
def test_moments(text: str, moment: str) -> None:
    clock.set_clock(lambda: clock.from_iso("2026-12-01") / 1000)
    try:
        assert clock.to_iso(parse_moment(text)) == moment
    finally:
        clock.set_clock(None)


def test_a_picture_is_kept_as_long_as_a_moment_that_shows_it(
    tmp_path: Path, at: Callable[[float], None]
) -> None:
    kept = KeptSite(tmp_path / "data", tmp_path / "vault")
    kept.make_key()
    blobs = FolderBlobs(kept.folder / "media")
    name = blobs.put_bytes(b"a picture", "png")
    stays = blobs.put_bytes(b"another", "png")
    at(0)
    kept.keeper.step()
    assert len(kept.objects("/blobs/")) == 2
    blobs.remove(name)
    for day in (1, 20, 30):
        at(day * 86400)
        kept.keeper.step()
        assert len(kept.objects("/blobs/")) == 2
    at(32 * 86400)
    kept.keeper.step()
    assert len(kept.objects("/blobs/")) == 1
    assert verify_vault(FolderShelf(kept.vault), kept.private, lambda done, total: None).wrong == []
    assert list(FolderBlobs(kept.folder / "media").names()) == [stays]
    kept.close()
