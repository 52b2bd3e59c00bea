"""The files of a reed are the primary's database at each moment, whatever comes in between."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as some
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from roseau.survival.reeds import files, standby
from roseau.survival.reeds.files import Misfit
from roseau.survival.reeds.log import Dropped
from roseau.survival.reeds.standby import Standby
from tests.survival.copies import LIMIT, Base, Facts, Fed, Writing, cut, facts_of


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an empty site, made once."""
    folder = tmp_path_factory.mktemp("template") / "site"
    site = Writing(folder)
    site.database.close()
    site.log.close()
    shutil.rmtree(folder / "log")
    return folder


@pytest.fixture
def site(tmp_path: Path, template: Path) -> Iterator[Writing]:
    """A site that has been written to."""
    opened = Writing(tmp_path / "site", template)
    for size in (10, 3_000, 20_000):
        opened.add(size)
    yield opened
    opened.close()


@pytest.fixture
def fed(site: Writing, tmp_path: Path) -> Iterator[Fed]:
    """A copy of it that is whole."""
    made = Fed(site, tmp_path / "copy")
    made.give_base(made.begin_base())
    made.catch_up()
    yield made
    made.copy.close()


# Whatever comes in between


class Copying(RuleBasedStateMachine):
    """A site that is written to and a copy that is fed, cut, crashed and begun anew in any order."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.site = Writing(self.folder / "site", type(self).template)
        self.fed = Fed(self.site, self.folder / "copy")
        self.base: Base | None = None
        self.acknowledged = 0

    @initialize()
    def begin(self) -> None:
        self.fed.give_base(self.fed.begin_base())

    @rule(sizes=some.lists(some.sampled_from([1, 500, 5_000, 60_000]), min_size=1, max_size=4))
    def write(self, sizes: list[int]) -> None:
        for size in sizes:
            self.site.add(size)

    @rule()
    def forget(self) -> None:
        self.site.write("DELETE FROM filler WHERE id % 3 = 0")

    @rule()
    def turn(self) -> None:
        self.site.turn()

    @rule(limit=some.sampled_from([50, 4_097, 30_000, 1 << 20]), times=some.integers(1, 6))
    def feed(self, limit: int, times: int) -> None:
        for _ in range(times):
            # A generation begins with its header in one piece.
            self.fed.feed(max(limit, 32) if self.fed.place is None else limit)

    @rule()
    def sync(self) -> None:
        self.acknowledged = max(self.acknowledged, self.fed.sync())

    @rule()
    def connect(self) -> None:
        self.fed.connect()
        assert self.fed.copy.number >= self.acknowledged
        self._go_on()

    @rule(by=some.integers(0, 40_000))
    def crash(self, by: int) -> None:
        """What was not synced is lost, from the end."""
        into = self.fed.copy._into
        if into is not None and into.database == self.fed.copy.database:
            cut(into.wal_path, min(by, into.written - into.synced))
        self.fed.reopen()
        assert self.fed.copy.number >= self.acknowledged
        self._go_on()

    def _go_on(self) -> None:
        if not self.fed.copy.number:
            self.fed.give_base(self.fed.begin_base())

    @precondition(lambda self: self.base is None)
    @rule()
    def prepare(self) -> None:
        self.base = self.fed.begin_base()

    @precondition(lambda self: self.base is not None)
    @rule()
    def restart_from_a_base_copy(self) -> None:
        """It may be older than what is there: what was acknowledged stays until the new copy has it."""
        assert self.base is not None
        if self.base.number >= self.acknowledged:
            self.fed.give_base(self.base)
        self.base = None

    def teardown(self) -> None:
        try:
            if self.acknowledged:
                self.fed.check(self.acknowledged)
            self.fed.connect()
            self._go_on()
            self.fed.catch_up()
            self.fed.check(self.site.number)
        finally:
            self.fed.copy.close()
            self.site.close()
            shutil.rmtree(self.folder)


def test_a_copy_is_the_site_at_its_number_whatever_happens(template: Path) -> None:
    Copying.template = template
    run_state_machine_as_test(
        Copying,
        settings=settings(
            max_examples=15,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )


# Base copies


def test_a_base_copy_counts_when_the_log_has_reached_it(site: Writing, tmp_path: Path) -> None:
    fed = Fed(site, tmp_path / "copy")
    fed.give_base(fed.begin_base())
    number = site.number
    end = site.log.end()
    while fed.feed(4_096 + 24):
        assert fed.sync() == (number if fed.place == end else 0)
    assert fed.copy.number == number
    fed.check(number)


def test_a_base_copy_on_its_way_hides_what_may_have_diverged(site: Writing, fed: Fed) -> None:
    site.add(100)
    fed.give_base(fed.begin_base())
    assert fed.copy.number == 0
    fed.catch_up()
    fed.check(site.number)


def test_a_base_copy_without_a_log_stands_alone(site: Writing, tmp_path: Path) -> None:
    fed = Fed(site, tmp_path / "copy")
    fed.give_base(fed.begin_base(), follows=False)
    assert fed.copy.number == site.number
    fed.check(site.number)
    site.turn()
    site.add(50)
    fed.place, fed.sent = None, fed.copy.number
    fed.catch_up()


def test_an_altered_base_copy_is_dropped(site: Writing, fed: Fed) -> None:
    base, number = fed.begin_base(), fed.copy.number
    fed.copy.begin_base(base.number, 10)
    fed.copy.add_base(base.path.read_bytes()[:-1] + b"!")
    with pytest.raises(Misfit, match="altered"):
        fed.copy.end_base(base.digest(), follows=False)
    assert fed.copy.number == number
    fed.connect()
    fed.catch_up()


def test_a_base_copy_of_another_position_is_refused(fed: Fed) -> None:
    base = fed.begin_base()
    fed.copy.begin_base(base.number + 1, 10)
    fed.copy.add_base(base.path.read_bytes())
    with pytest.raises(Misfit, match="another position"):
        fed.copy.end_base(base.digest(), follows=False)
    fed.connect()
    fed.catch_up()


@pytest.mark.parametrize("follows", [True, False])
def test_a_swap_that_is_interrupted_ends_with_one_of_the_two(
    site: Writing, fed: Fed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, follows: bool
) -> None:
    before = fed.copy.number
    site.turn()
    site.add(9_000)
    moments: list[Path] = []

    def remember() -> None:
        moments.append(tmp_path / f"moment{len(moments)}")
        shutil.copytree(fed.folder, moments[-1])

    def hook(owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def hooked(*args: Any, **kwargs: Any) -> Any:
            remember()
            return real(*args, **kwargs)

        monkeypatch.setattr(owner, name, hooked)

    fed.copy.begin_base(site.number, 10)
    base = fed.begin_base()
    fed.copy.add_base(base.path.read_bytes())
    for owner, name in (
        (Path, "rename"),
        (Path, "unlink"),
        (Path, "touch"),
        (shutil, "rmtree"),
        (standby, "sync"),
    ):
        hook(owner, name)
    fed.copy.end_base(base.digest(), follows=follows)
    if follows:
        fed.place, fed.sent = site.log.after_base(base.number), base.number
        while fed.feed():
            pass
        assert fed.sync() == site.number
    monkeypatch.undo()
    remember()
    assert len(moments) > 8
    numbers = []
    for moment in moments:
        opened = Standby(moment, LIMIT)
        opened.close()
        numbers.append(opened.number)
        assert facts_of(moment / "roseau.db") == site.facts[opened.number]
    assert set(numbers) == {before, site.number}
    # Once the decision has fallen, there is no way back.
    assert numbers == sorted(numbers)


# Generations


def test_a_generation_that_ended_is_kept_for_others(site: Writing, fed: Fed) -> None:
    for _ in range(3):
        site.turn()
        site.add(2_000)
        fed.catch_up()
    ended = fed.copy.log.segments()
    assert [one.number for one in ended[:-1]] == [one.number_before for one in ended[1:]]
    theirs = {one.salts: one for one in site.log.segments()}
    for one in ended[:-1]:
        assert one.path.read_bytes() == theirs[one.salts].path.read_bytes()


def test_a_generation_of_another_place_is_refused(site: Writing, fed: Fed) -> None:
    site.add(10)
    site.turn()
    site.add(10)
    last = site.log.segments()[-1]
    with pytest.raises(Misfit):
        fed.copy.write(last.salts, last.number_before, 0, last.number, last.path.read_bytes())
    fed.connect()
    fed.catch_up()
    fed.check(site.number)


def test_bytes_with_a_gap_are_refused(site: Writing, fed: Fed) -> None:
    site.add(10)
    place = fed.place
    assert place is not None
    with pytest.raises(Misfit, match="was next"):
        fed.copy.write(place.salts, 0, place.offset + 4_120, 99, b"x" * 4_120)
    assert fed.sync() < 99


# Full and failing disks


def test_a_full_disk_loses_nothing_and_is_caught_up(
    site: Writing, fed: Fed, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = fed.copy.number
    site.add(70_000)
    real = os.pwrite
    written: list[int] = []

    def full(descriptor: int, data: bytes, offset: int) -> int:
        if written:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(real(descriptor, data[: len(data) // 2], offset))
        return written[0]

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(OSError, match="No space"):
        fed.feed()
    monkeypatch.undo()
    fed.check(number)
    fed.connect()
    assert fed.copy.number == number
    fed.catch_up()
    fed.check(site.number)


def test_a_disk_that_is_nearly_full_is_not_filled(
    site: Writing, fed: Fed, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.add(10)
    usage = shutil.disk_usage(fed.folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=standby.SPARE_BYTES))
    with pytest.raises(OSError, match="no space left"):
        fed.feed()
    with pytest.raises(OSError, match="no space left"):
        fed.copy.begin_base(site.number, 1)


def test_what_the_disk_did_not_take_is_not_acknowledged(
    site: Writing, fed: Fed, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = fed.copy.number
    site.add(10)
    fed.feed()

    def fail(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", fail)
    with pytest.raises(OSError, match="Input"):
        fed.sync()
    monkeypatch.undo()
    assert fed.sync() == number
    fed.connect()
    fed.catch_up()


# What is proven


def test_a_stretch_is_proven_by_who_has_it(site: Writing, fed: Fed) -> None:
    segment = site.log.segments()[-1]
    expected = files.digest_of(segment.path, "nonce", 100, 4_000)
    assert fed.copy.prove("nonce", segment.salts, 100, 4_000) == expected
    assert fed.copy.prove("other", segment.salts, 100, 4_000) != expected
    assert fed.copy.prove("nonce", segment.salts, 100, segment.size + 1) == ""
    assert fed.copy.prove("nonce", "0" * 16, 100, 4_000) == ""


def test_a_copy_that_was_away_for_too_long_needs_a_base_copy(site: Writing, fed: Fed) -> None:
    for _ in range(3):
        site.turn()
        site.add(10)
    site.log.hold("test", site.number)
    site.log.trim()
    with pytest.raises(Dropped):
        fed.feed()
    fed.give_base(fed.begin_base())
    fed.catch_up()
    fed.check(site.number)


def test_facts_of_a_copy_are_those_of_the_site(site: Writing, fed: Fed) -> None:
    assert facts_of(fed.copy.database) == site.facts[site.number]
    assert isinstance(site.facts[site.number], Facts)
