"""The log of a primary is its write-ahead log, byte for byte, for as long as somebody may need it."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from roseau.survival.reeds.log import Dropped, Place, Segment, read_piece
from tests.survival.copies import LIMIT, Fed, Writing


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Writing]:
    """A site that keeps its log."""
    opened = Writing(tmp_path / "site")
    yield opened
    opened.close()


def wal_of(site: Writing) -> bytes:
    """The write-ahead log that SQLite writes, as long as its commits."""
    end = site.log.end()
    assert end is not None
    return (site.folder / "roseau.db-wal").read_bytes()[: end.offset]


def add_generations(site: Writing, count: int) -> None:
    """Commits, each in a generation of its own."""
    for _ in range(count):
        site.turn()
        site.add(2_000)


def test_the_newest_generation_is_the_write_ahead_log(site: Writing) -> None:
    for size in (1, 9_000, 200):
        site.add(size)
        assert site.log.segments()[-1].path.read_bytes() == wal_of(site)


def test_generations_follow_each_other(site: Writing) -> None:
    add_generations(site, 3)
    segments = site.log.segments()
    assert [one.number for one in segments[:-1]] == [one.number_before for one in segments[1:]]
    assert len({one.salts for one in segments}) == len(segments) == 4
    assert segments[-1].number == site.number
    assert [one.path.stat().st_size for one in segments] == [one.size for one in segments]


def test_it_goes_on_after_a_restart(site: Writing, tmp_path: Path) -> None:
    add_generations(site, 2)
    fed = Fed(site, tmp_path / "copy")
    fed.give_base(fed.begin_base())
    fed.catch_up()
    before = [(one.salts, one.number_before, one.size) for one in site.log.segments()]
    site.close()
    site.open()
    assert [(one.salts, one.number_before, one.size) for one in site.log.segments()] == before
    site.add(50)
    assert site.log.segments()[-1].path.read_bytes() == wal_of(site)
    fed.catch_up()
    fed.check(site.number)
    fed.copy.close()


def test_a_write_by_other_means_breaks_it(site: Writing) -> None:
    """What lies between is not known: whoever is behind gets a base copy."""
    add_generations(site, 2)
    place, number = site.log.end(), site.number
    site.close()
    with closing(apsw.Connection(str(site.folder / "roseau.db"))) as other:
        other.execute("INSERT INTO filler (text) VALUES ('by other means')")
        other.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    site.open()
    site.add(10)
    assert [one.number_before for one in site.log.segments()] == [number]
    with pytest.raises(Dropped):
        site.log.follow(place, number - 1)
    with pytest.raises(Dropped):
        site.log.after_base(number - 1)


@pytest.mark.parametrize("lost", ["all", "the newest"])
def test_what_a_crash_has_lost_breaks_it(site: Writing, lost: str) -> None:
    add_generations(site, 2)
    number, newest = site.number, site.log.segments()[-1].path
    site.close()
    if lost == "all":
        shutil.rmtree(site.folder / "log")
    else:
        newest.unlink()
    site.open()
    site.add(10)
    assert [one.number_before for one in site.log.segments()] == [number]
    assert sorted((site.folder / "log").glob("*.wal")) == [site.log.segments()[0].path]
    # The generation itself is whole: it can be laid over a base copy of that moment.
    assert site.log.after_base(number) == Place(site.log.segments()[0].salts, 0)
    assert site.log.segments()[0].path.read_bytes() == wal_of(site)


def test_a_copy_that_the_crash_has_cut_is_made_again(site: Writing) -> None:
    add_generations(site, 1)
    site.add(5_000)
    path = site.log.segments()[-1].path
    site.close()
    path.write_bytes(path.read_bytes()[:100])
    site.open()
    assert site.log.segments()[-1].path == path
    assert path.read_bytes() == wal_of(site)


def test_it_is_kept_for_whoever_needs_it(site: Writing) -> None:
    add_generations(site, 4)
    needed = site.log.segments()[2].number_before
    site.log.hold("far behind", needed)
    site.log.hold("test", site.number)
    site.log.trim()
    assert site.log.segments()[0].number_before == needed
    assert not any(path.name < site.log.segments()[0].path.name for path in (site.folder / "log").iterdir())
    site.log.hold("far behind", None)
    site.log.trim()
    assert len(site.log.segments()) == 1


def test_it_is_not_kept_beyond_its_limit(site: Writing, monkeypatch: pytest.MonkeyPatch) -> None:
    add_generations(site, 4)
    sizes = [one.size for one in site.log.segments()]
    monkeypatch.setattr(site.log, "_limit", sum(sizes[-2:]))
    site.log.trim()
    assert [one.size for one in site.log.segments()] == sizes[-2:]
    monkeypatch.setattr(site.log, "_limit", 0)
    site.log.trim()
    # The newest is written to.
    assert len(site.log.segments()) == 1
    assert sum(sizes) < LIMIT


def test_a_piece_of_what_was_dropped_is_not_read(site: Writing) -> None:
    add_generations(site, 2)
    oldest = site.log.segments()[0]
    site.log.hold("test", site.number)
    site.log.trim()
    with pytest.raises(Dropped):
        read_piece(oldest, 0, 100)


def test_what_is_behind_is_counted(site: Writing) -> None:
    site.add(10)
    number, size = site.number, site.log.segments()[-1].size
    assert site.log.bytes_behind(number) == 0
    site.add(10)
    assert site.log.bytes_behind(number) == site.log.segments()[-1].size - size
    add_generations(site, 1)
    assert site.log.bytes_behind(site.number - 1) == site.log.segments()[-1].size


def test_commits_are_found_by_where_they_end() -> None:
    segment = Segment(Path("x"), "00", 4, 4, 0)
    for end, number in ((100, 5), (300, 6), (450, 7)):
        segment.add(end, number)
    assert [segment.find_number(offset) for offset in (0, 99, 100, 299, 449, 450)] == [0, 0, 5, 5, 6, 7]
    assert [segment.find_end(number) for number in (4, 5, 6, 7, 9)] == [0, 100, 300, 450, 450]
