"""What is noticed while a site runs: its days, its changes, and its mails. Time is moved by hand."""

import json
import shutil
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from roseau.domain.accounts.mails import Mail
from roseau.doors.server import Server
from roseau.kernel import clock
from roseau.kernel.errors import Unavailable
from roseau.network.smtp import MailDelayed, MailRejected
from roseau.storage.database import Transaction
from roseau.storage.schema.watch import survival_changes
from roseau.storage.statements import statement
from roseau.survival.history import NIGHTLY, finish_backup, start_backup
from roseau.survival.standing import Condition, LinkStanding, Standing, condition_of
from roseau.survival.watching.alerts import QUIET, Alarm
from roseau.survival.watching.backup_facts import list_nights, load_backup_facts
from roseau.survival.watching.days import (
    Day,
    Sizes,
    Tally,
    Trouble,
    find_last_day,
    foresee_full,
    list_days,
    record_days,
    shape_of,
    split_days,
)
from roseau.survival.watching.watch import Watch, find_last_change

pytestmark = pytest.mark.anyio

NOON = 1_795_348_800_000
GB = 10**9

_changes = statement(select(survival_changes.c.kind, survival_changes.c.args).order_by(survival_changes.c.id))


def stand(answering: int = 1, *, needed: int = 1, counted: int = 1, **more: Any) -> Standing:
    """A primary with so many reeds that answer."""
    reeds = [
        LinkStanding(
            machine_id=str(number),
            name=f"reed-{number}",
            address="reed.test:7443",
            counted=True,
            state="following" if number < answering else "silent",
        )
        for number in range(counted)
    ]
    writable = more.pop("writable", answering >= needed)
    return Standing(
        role="primary",
        needed=needed,
        counted=counted,
        answering=answering,
        writable=writable,
        reeds=reeds,
        **more,
    )


ALONE = Standing()
OVER = Standing(role="superseded", superseded_by="paul", writable=False)


class Observed:
    """A watch whose clock, standing and postman are the test's."""

    def __init__(self, server: Server, at: Callable[[float], None]) -> None:
        self.standing = stand()
        self.sent: list[Mail] = []
        self.fails: Exception | None = None
        self.at, self.seconds = at, 0.0
        self.server = server
        self.watch = self._new()

    def _new(self) -> Watch:
        return Watch(
            self.server.database,
            lambda: self.server.site,
            self.server.folder,
            lambda: self.standing,
            self.send,
        )

    def restart(self) -> None:
        """Another process begins to watch the same site."""
        self.watch = self._new()

    async def send(self, mail: Mail) -> None:
        if self.fails:
            raise self.fails
        self.sent.append(mail)

    async def passing(self, seconds: float, standing: Standing | None = None, step: float = 3) -> None:
        """Let time pass, looking every few seconds."""
        self.standing = standing or self.standing
        until = self.seconds + seconds
        while self.seconds < until:
            self.seconds = min(self.seconds + step, until)
            self.at(self.seconds)
            await self.watch.tick()
            await self.watch.deliver()

    def subjects(self) -> list[str]:
        return [mail.subject.partition(" – ")[2] for mail in self.sent]

    def today(self) -> Day:
        day = self.server.database.read_now(find_last_day)
        assert day
        return day


@pytest.fixture
def observed(
    server: Server, cast: Any, at: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> Observed:
    assert cast.olga
    # The disk of whoever runs the tests may be full.
    monkeypatch.setattr(
        shutil, "disk_usage", lambda folder: type("Disk", (), {"total": 100 * GB, "free": 50 * GB})
    )
    at(0)
    return Observed(server, at)


# Days


@pytest.mark.parametrize(
    ("standing", "condition"),
    [
        (ALONE, "alone"),
        (Standing(writable=False), "refused"),
        (stand(1), "holding"),
        (stand(1, counted=2), "reed_missing"),
        (stand(0), "refused"),
        (stand(2, needed=2, counted=3), "reed_missing"),
        (OVER, "superseded"),
    ],
)
def test_the_gravest_word_wins(standing: Standing, condition: Condition) -> None:
    assert condition_of(standing) == condition


@given(st.integers(0, 10**13), st.integers(0, 20 * clock.DAY))
def test_the_days_between_two_moments_are_all_of_the_time(begin: int, length: int) -> None:
    parts = list(split_days(begin, begin + length))
    assert sum(spent for _, spent in parts) == length
    assert len({day for day, _ in parts}) == len(parts)
    assert all(0 < spent <= clock.DAY for _, spent in parts)


@given(st.lists(st.integers(0, 5_000), max_size=30))
def test_no_millisecond_of_trouble_is_lost_between_two_records(spans: list[int]) -> None:
    tally, at, written = Tally(), NOON, 0
    for span in spans:
        tally.add("refused", at, at + span)
        at += span
        written += sum(trouble.refused for trouble in tally.take_seconds().values())
    assert written == sum(spans) // 1000


def test_seconds_that_could_not_be_written_count_later() -> None:
    tally = Tally()
    tally.add("down", NOON, NOON + 2500)
    tally.give_back(tally.take_seconds())
    assert tally.take_seconds()["2026-11-22"].down == 2


def a_day(**given: Any) -> Day:
    empty = dict.fromkeys(Day.__struct_fields__, 0) | {"day": "2026-11-22", "measured_at": None}
    return Day(**(empty | given))


@pytest.mark.parametrize(
    ("day", "shape"),
    [
        (None, "none"),
        (a_day(), "standing"),
        (a_day(seconds_reed_missing=59), "standing"),
        (a_day(seconds_reed_missing=60), "bent"),
        (a_day(seconds_refused=1), "bent"),
        (a_day(seconds_refused=30, down_seconds=30), "flat"),
        (a_day(down_seconds=60), "flat"),
    ],
)
def test_how_a_day_is_drawn(day: Day | None, shape: str) -> None:
    assert shape_of(day) == shape


def growing(days: int, each: int, free: int = 100 * GB) -> list[Day]:
    return [
        a_day(day=f"2026-11-{number + 1:02}", media_bytes=number * each, free_bytes=free,
              measured_at=NOON + number * clock.DAY)
        for number in range(days)
    ]  # fmt: skip


def test_a_forecast_needs_seven_days() -> None:
    assert foresee_full(growing(6, GB)) is None
    assert foresee_full(growing(7, GB)) == NOON + 6 * clock.DAY + 100 * clock.DAY


def test_what_does_not_grow_is_never_full() -> None:
    assert foresee_full(growing(9, 0)) is None
    assert foresee_full(growing(9, -GB)) is None


def test_days_add_up_and_gaps_stay_empty(server: Server, at: Callable[[float], None]) -> None:
    at(0)
    now = clock.now()
    yesterday = clock.to_date(now - clock.DAY)

    def record(tx: Transaction) -> list[tuple[str, Day | None]]:
        record_days(tx, {yesterday: Trouble(refused=5)}, None, now)
        record_days(tx, {yesterday: Trouble(refused=7, reed_missing=1)}, Sizes(1, 2, 3, 4), now)
        return list_days(tx, 4)

    days = server.database.write_now(record)
    assert [name for name, _ in days] == [clock.to_date(now - back * clock.DAY) for back in (3, 2, 1, 0)]
    assert days[0][1] is None and days[1][1] is None
    assert days[2][1] and (days[2][1].seconds_refused, days[2][1].seconds_reed_missing) == (12, 1)
    assert days[3][1] and days[3][1].sizes == Sizes(1, 2, 3, 4)


# The watch


async def test_an_ordinary_minute_is_recorded_once(observed: Observed) -> None:
    await observed.passing(200)
    day = observed.today()
    assert (day.seconds_refused, day.seconds_reed_missing, day.down_seconds) == (0, 0, 0)
    assert day.measured_at and day.database_bytes > 0
    assert observed.sent == []
    assert observed.server.database.read_now(lambda tx: [row.kind for row in tx.all(_changes)]) == ["holding"]


async def test_a_missing_reed_is_counted_and_mailed_after_a_minute(observed: Observed) -> None:
    await observed.passing(9, stand(2, counted=2))
    await observed.passing(57, stand(1, counted=2))
    assert observed.sent == []
    await observed.passing(9)
    assert observed.subjects() == ["A standby does not answer"]
    assert "reed-1" in observed.sent[0].text and "/control" in observed.sent[0].text
    await observed.passing(3600)
    assert len(observed.sent) == 1
    assert 3600 < observed.today().seconds_reed_missing < 3700


async def test_refused_writes_are_mailed_within_seconds_although_nothing_can_be_written(
    observed: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    await observed.passing(9)

    async def refuse(*args: Any, **kw: Any) -> None:
        raise Unavailable

    with monkeypatch.context() as patch:
        patch.setattr(type(observed.server.database), "write", refuse)
        await observed.passing(15, stand(0), step=3)
        assert observed.subjects() == ["Nothing can be saved"]
        assert "Needed: 1" in observed.sent[0].text and "reed-0" in observed.sent[0].text
        await observed.passing(300)
    await observed.passing(6, stand(1))
    # What was noticed meanwhile is written down now.
    assert 312 <= observed.today().seconds_refused <= 318
    kinds = observed.server.database.read_now(lambda tx: [row.kind for row in tx.all(_changes)])
    assert kinds == ["holding", "refused", "holding"]


async def test_a_full_disk_is_named_where_no_standby_is_needed(observed: Observed) -> None:
    await observed.passing(15, Standing(writable=False))
    assert "disk of this machine is full" in observed.sent[0].text


async def test_a_disk_that_takes_nothing_is_noticed_although_no_standby_is_missing(
    observed: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    await observed.passing(9, ALONE)

    async def refuse(*args: Any, **kw: Any) -> None:
        raise Unavailable

    with monkeypatch.context() as patch:
        patch.setattr(type(observed.server.database), "write", refuse)
        await observed.passing(90)
        assert observed.watch.stuck and observed.subjects() == ["Nothing can be saved"]
    await observed.passing(6)
    kinds = observed.server.database.read_now(lambda tx: [row.kind for row in tx.all(_changes)])
    assert kinds == ["alone", "refused", "alone"]
    assert 33 <= observed.today().seconds_refused <= 42


async def test_it_is_over_after_a_quarter_of_an_hour_of_quiet(observed: Observed) -> None:
    await observed.passing(120, stand(1, counted=2))
    await observed.passing(QUIET / 1000 - 30, stand(2, counted=2), step=30)
    assert observed.subjects() == ["A standby does not answer"]
    await observed.passing(90, step=30)
    assert observed.subjects() == ["A standby does not answer", "It is over"]
    assert "Every standby answers again." in observed.sent[1].text


async def test_trouble_that_comes_and_goes_is_one_trouble(observed: Observed) -> None:
    for _ in range(6):
        await observed.passing(90, stand(1, counted=2))
        await observed.passing(300, stand(2, counted=2), step=30)
    assert observed.subjects() == ["A standby does not answer"]


async def test_trouble_that_lasts_is_mailed_again_after_six_hours(observed: Observed) -> None:
    await observed.passing(30, stand(0))
    await observed.passing(6 * 3600 - 60, step=25)
    assert len(observed.sent) == 1
    await observed.passing(120, step=25)
    assert len(observed.sent) == 2


async def test_a_restart_mails_nothing_again(observed: Observed) -> None:
    await observed.passing(120, stand(1, counted=2))
    since = observed.watch.since
    observed.restart()
    await observed.passing(120)
    assert len(observed.sent) == 1
    assert observed.watch.since == since


async def test_the_superseded_machine_says_who_reigns_and_writes_nothing(observed: Observed) -> None:
    await observed.passing(66)
    before = observed.today()
    await observed.passing(200, OVER)
    assert observed.subjects() == ["Another machine runs the site"]
    assert "paul" in observed.sent[0].text and "roseau demote" in observed.sent[0].text
    assert observed.today() == before


async def test_an_outage_is_found_by_whoever_runs_next(observed: Observed) -> None:
    await observed.passing(61)
    last_seen = observed.today().seen_at
    observed.restart()
    observed.seconds += 1000
    await observed.passing(66)
    gap = (clock.now() - last_seen) // 1000
    assert gap - 140 < observed.today().down_seconds <= gap - 60


async def test_a_short_restart_is_no_outage(observed: Observed) -> None:
    await observed.passing(66)
    observed.restart()
    observed.seconds += 40
    await observed.passing(66)
    assert observed.today().down_seconds == 0


async def test_a_process_that_stood_still_was_down(observed: Observed) -> None:
    await observed.passing(9)
    await observed.passing(600, step=600)
    await observed.passing(66)
    assert observed.today().down_seconds == 600


async def test_a_disk_that_fills_up_is_mailed(observed: Observed, monkeypatch: pytest.MonkeyPatch) -> None:
    await observed.passing(9)
    disk = type("Disk", (), {"total": 100 * GB, "free": 9 * GB})
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: disk)
    await observed.passing(90)
    assert observed.subjects() == ["The disk is almost full"]
    assert "9 GB" in observed.sent[0].text


async def test_a_failed_backup_and_one_that_nobody_proved_are_mailed(observed: Observed) -> None:
    def fail(tx: Transaction) -> None:
        finish_backup(tx, start_backup(tx, NIGHTLY, "/backups"), 0, error="No space left on device.")

    observed.server.database.write_now(fail)
    await observed.passing(66)
    assert observed.subjects() == ["The backup failed"]
    assert "No space left on device." in observed.sent[0].text
    observed.seconds += 3 * 24 * 3600
    await observed.passing(66)
    assert observed.subjects()[1:] == ["The backup failed", "No backup was proven for three days"]

    def prove(tx: Transaction) -> None:
        finish_backup(tx, start_backup(tx, NIGHTLY, "/backups"), 5, proven=True)

    observed.server.database.write_now(prove)
    await observed.passing(QUIET / 1000 + 120, step=29)
    assert observed.subjects()[3:] == ["It is over", "It is over"]
    nights = list_nights(observed.server.database.read_now(load_backup_facts))
    assert [good for _, good in nights] == [None, None, None, False, None, None, True]


async def test_everyone_who_runs_the_site_is_told_in_their_language(observed: Observed, cast: Any) -> None:
    cast.join("adele", role="admin", locale="fr")
    cast.join("mona", role="moderator")
    await observed.passing(15, stand(0))
    assert {mail.recipient for mail in observed.sent} == {"olga@roseau.test", "adele@roseau.test"}


async def test_a_mail_that_cannot_leave_now_leaves_later(observed: Observed) -> None:
    observed.fails = MailDelayed()
    await observed.passing(15, stand(0))
    assert observed.sent == []
    observed.fails = None
    await observed.passing(30)
    assert observed.sent == []
    await observed.passing(60)
    assert observed.subjects() == ["Nothing can be saved"]


async def test_a_mail_that_can_never_be_delivered_is_dropped(observed: Observed) -> None:
    observed.fails = MailRejected()
    await observed.passing(15, stand(0))
    observed.fails = None
    await observed.passing(200)
    assert observed.sent == []


async def test_since_when_is_kept_with_what_fills_the_sentence(observed: Observed) -> None:
    await observed.passing(66, stand(1, counted=2))
    change = observed.server.database.read_now(find_last_change)
    assert change and change.kind == "reed_missing" and change.at == observed.watch.since
    assert json.loads(change.args) == {"names": "reed-1", "needed": 1, "answering": 1}


def test_an_alarm_that_is_superseded_declares_nothing_over() -> None:
    alarm = Alarm({"refused": NOON})
    assert alarm.look({"superseded": {"names": "paul"}}, NOON + 10 * QUIET)[1] == []
    assert alarm.look({"superseded": {"names": "paul"}}, NOON + 20 * QUIET)[1] == []
