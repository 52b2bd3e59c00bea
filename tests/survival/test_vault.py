"""A vault: any moment can be restored from it, and it survives what happens to a server."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

from roseau.kernel import clock
from roseau.survival.vault.restoring import NothingToRestore, Restored, find_volumes, restore_database
from roseau.survival.vault.shelf import FolderShelf, ShelfAway
from roseau.survival.vault.verifying import verify_vault
from tests.survival.keeping import KeptSite, title_of

At = Callable[[float], None]


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[KeptSite]:
    """A site with a recovery key and an empty vault."""
    site = KeptSite(tmp_path / "data", tmp_path / "vault")
    site.make_key()
    yield site
    site.close()


def restore(kept: KeptSite, at: int | None = None) -> tuple[str, Restored]:
    """The title of the site as it was then, and what the restore says."""
    target = kept.folder.parent / "restored.db"
    target.unlink(missing_ok=True)
    shelf = FolderShelf(kept.vault)
    volumes = find_volumes(shelf, kept.private)
    restored = restore_database(shelf, volumes, kept.private, at, target, lambda done, total: None)
    assert not restored.broken_off or restored.troubles
    beside = {path.name for path in target.parent.iterdir() if path.name.startswith("restored.db")}
    assert beside <= {"restored.db", "restored.db-wal", "restored.db-shm"}
    return title_of(target), restored


def live(kept: KeptSite, at: At, source: random.Random, moments: int) -> dict[int, str]:
    """A life of commits, turns of the log, base copies and uploads; the title at each second."""
    titles: dict[int, str] = {}
    for second in range(1, moments):
        at(second * 3600)
        for count in range(source.randrange(1, 6)):
            kept.title(f"{second} {count} " + "x" * source.randrange(9000))
        if source.random() < 0.3:
            kept.turn()
        if source.random() < 0.6:
            kept.keeper.step(now=True)
            kept.log.trim()
        kept.title(f"second {second}")
        titles[clock.now()] = f"second {second}"
    kept.keeper.step(now=True)
    return titles


@pytest.mark.parametrize("seed", range(3))
def test_every_moment_can_be_restored(kept: KeptSite, at: At, seed: int) -> None:
    at(0)
    kept.title("second 0")
    kept.keeper.step()
    began = clock.now()
    titles = live(kept, at, random.Random(seed), 60)
    assert len(kept.objects("/base/")) >= 2
    assert len({path.parent for path in kept.objects("/log/")}) > 3
    for moment, title in list(titles.items())[::4]:
        assert moment > began
        assert restore(kept, moment + 1)[0] == title
    assert restore(kept)[0] == list(titles.values())[-1]
    found = verify_vault(FolderShelf(kept.vault), kept.private, lambda done, total: None)
    assert found.wrong == [] and found.objects == len(kept.objects())
    assert verify_vault(FolderShelf(kept.vault), None, lambda done, total: None).wrong == []


def test_a_restored_database_is_whole(kept: KeptSite, at: At) -> None:
    live(kept, at, random.Random(9), 20)
    restore(kept)
    connection = apsw.Connection(str(kept.folder.parent / "restored.db"))
    assert connection.execute("PRAGMA integrity_check").get == "ok"
    connection.close()


def test_a_moment_before_the_vault_began_is_refused(kept: KeptSite) -> None:
    kept.keeper.step()
    with pytest.raises(NothingToRestore, match="reaches back to"):
        restore(kept, clock.now() - clock.DAY)


def test_nothing_is_written_before_there_is_a_key(tmp_path: Path) -> None:
    site = KeptSite(tmp_path / "data", tmp_path / "vault")
    site.keeper.step()
    assert site.keeper.standing.state == "waiting" and "recovery make" in site.keeper.standing.reason
    assert site.objects() == []
    site.make_key()
    site.keeper.step()
    assert site.keeper.standing.state == "holding"
    assert site.objects("/base/")
    site.close()


def test_a_restart_goes_on_with_the_same_volume(kept: KeptSite) -> None:
    kept.keeper.step()
    kept.title("before")
    kept.keeper.step(now=True)
    for title in ("while it was sent", "not yet sent"):
        kept.close()
        kept.open()
        kept.title(title)
        kept.keeper.step(now=True)
    assert len(kept.objects("/base/")) == 1
    assert restore(kept)[0] == "not yet sent"


def test_what_was_not_sent_before_a_restart_is_sent_after_it(kept: KeptSite) -> None:
    kept.keeper.step()
    for number in range(5):
        kept.title(f"unsent {number}")
        kept.turn()
    kept.close()
    kept.open()
    kept.keeper.step(now=True)
    assert len(kept.objects("/base/")) == 1
    assert restore(kept)[0] == "unsent 4"


def test_a_log_that_broke_begins_a_new_volume(kept: KeptSite, at: At) -> None:
    at(0)
    kept.keeper.step()
    kept.title("old")
    kept.keeper.step(now=True)
    kept.close()
    # Somebody wrote beside the server: nothing proves what came between.
    connection = apsw.Connection(str(kept.folder / "roseau.db"))
    connection.execute("UPDATE site_settings SET value = '\"beside\"' WHERE name = 'title'")
    connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    connection.close()
    at(60)
    kept.open()
    kept.title("new")
    kept.keeper.step(now=True)
    assert len(kept.objects("/base/")) == 2
    assert len({path.relative_to(kept.vault).parts[1] for path in kept.objects()}) == 2
    assert restore(kept)[0] == "new"
    at(30)
    assert restore(kept, clock.now())[0] == "old"


def test_a_data_folder_that_was_put_back_does_not_go_on_with_what_came_later(kept: KeptSite) -> None:
    """The machine was set back to an earlier state, with the same generation of the log in it."""
    kept.keeper.step()
    kept.title("shared")
    kept.keeper.step(now=True)
    kept.close()
    earlier = {path: path.read_bytes() for path in kept.folder.rglob("*") if path.is_file()}
    kept.open()
    kept.title("later, and then lost")
    kept.keeper.step(now=True)
    kept.close()
    for path in kept.folder.rglob("*"):
        if path.is_file() and path not in earlier:
            path.unlink()
    for path, content in earlier.items():
        path.write_bytes(content)
    kept.open()
    kept.title("another life, with a longer title so that the log is longer " + "x" * 20_000)
    kept.keeper.step(now=True)
    assert len(kept.objects("/base/")) == 2
    assert restore(kept)[0].startswith("another life")


def test_a_new_recovery_key_begins_anew_and_the_old_words_open_what_was(kept: KeptSite) -> None:
    kept.title("old words")
    kept.keeper.step()
    old = kept.words
    kept.make_key()
    kept.title("new words")
    kept.keeper.step(now=True)
    assert restore(kept)[0] == "new words"
    kept.words = old
    assert restore(kept)[0] == "old words"


def test_other_words_open_nothing(kept: KeptSite) -> None:
    kept.keeper.step()
    kept.make_key()
    with pytest.raises(NothingToRestore, match="These words open nothing"):
        restore(kept)


def test_the_vault_can_be_away_and_misses_nothing(kept: KeptSite) -> None:
    kept.keeper.step()
    away = kept.vault.rename(kept.vault.with_name("elsewhere"))
    for number in range(4):
        kept.title(f"away {number}")
        kept.turn()
        with pytest.raises(ShelfAway, match="vault"):
            kept.keeper.step(now=True)
        kept.log.trim()
    away.rename(kept.vault)
    kept.keeper.step(now=True)
    assert len(kept.objects("/base/")) == 1
    assert restore(kept)[0] == "away 3"


def test_a_vault_that_was_away_too_long_gets_a_base_copy(tmp_path: Path) -> None:
    site = KeptSite(tmp_path / "data", tmp_path / "vault", survival_log_bytes=2**20)
    site.make_key()
    site.keeper.step()
    away = site.vault.rename(site.vault.with_name("elsewhere"))
    for number in range(6):
        site.title(f"{number}" + "x" * 400_000)
        site.turn()
        site.log.trim()
    away.rename(site.vault)
    site.keeper.step(now=True)
    assert len(site.objects("/base/")) == 2
    assert restore(site)[0].startswith("5x")
    site.close()


def test_what_is_older_than_the_days_that_are_kept_goes(kept: KeptSite, at: At) -> None:
    titles: dict[int, str] = {}
    for day in range(40):
        at(day * 86400)
        kept.keeper.step()
        kept.title(f"day {day}")
        titles[clock.now()] = f"day {day}"
        kept.turn()
        kept.keeper.step(now=True)
    horizon = clock.now() - 30 * clock.DAY
    bases = kept.objects("/base/")
    assert 31 <= len(bases) <= 33
    assert kept.keeper.standing.oldest_at == int(bases[0].name.split("-")[2].partition(".")[0]) <= horizon
    for moment, title in titles.items():
        if moment >= horizon:
            assert restore(kept, moment + 1)[0] == title
    assert len({path.parent for path in kept.objects("/log/")}) <= 33
    assert verify_vault(FolderShelf(kept.vault), None, lambda done, total: None).wrong == []


def test_small_pieces_are_gathered_when_a_generation_is_finished(kept: KeptSite) -> None:
    kept.keeper.step()
    for number in range(8):
        kept.title(f"{number}")
        kept.keeper.step(now=True)
    assert len(kept.objects("/log/")) == 9
    kept.turn()
    kept.title("next")
    kept.keeper.step(now=True)
    assert len(kept.objects("/log/")) == 2
    assert restore(kept)[0] == "next"


def test_nothing_readable_lies_in_a_vault(kept: KeptSite) -> None:
    kept.title("a secret that nobody should read")
    kept.keeper.step()
    for path in kept.objects():
        content = path.read_bytes()
        assert b"nobody should read" not in content and b"SQLite" not in content
        assert path.stat().st_mode & 0o077 == 0
    assert list((kept.folder / "base").iterdir()) == []
