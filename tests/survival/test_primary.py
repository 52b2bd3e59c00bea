"""Several machines come to one primary at once, and none of them is forgotten."""

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from roseau.opening import open_database, open_site
from roseau.settings import Settings
from roseau.storage.database import Transaction
from roseau.storage.sqlite import SqliteDatabase
from roseau.storage.statements import statements
from roseau.survival.contract import Membership
from roseau.survival.reeds import pairing
from roseau.survival.reeds.primary import Primary
from roseau.survival.reeds.roster import Roster
from roseau.survival.reeds.sending import copy_database
from tests.survival.media import until
from tests.survival.reeds import RunningReed, to_machine


@pytest.fixture
def primary(tmp_path: Path) -> Iterator[Primary]:
    """A site in this process, which nobody is paired with."""
    data = tmp_path / "primary"
    settings = Settings(data=str(data), base_url="https://roseau.test", synchronous="OFF")
    database = open_database(settings)
    assert isinstance(database, SqliteDatabase)
    site = open_site(database, settings)
    opened = Primary(database, data, settings, site.data_key, site.base_url)
    opened.start()
    yield opened
    opened.close()
    database.close()


@pytest.fixture
def reeds(tmp_path: Path, primary: Primary) -> Iterator[list[RunningReed]]:
    """Three reeds that listen, and know the primary already; it does not know them."""
    made = [RunningReed(tmp_path / f"reed{number}") for number in range(3)]
    everybody = [primary.own, *(to_machine(reed.identity, reed.folder.name) for reed in made)]
    for reed in made:
        reed.start(Roster(machines=everybody))
    yield made
    for reed in made:
        reed.stop()


def to_request(primary: Primary, reed: RunningReed) -> pairing.PairRequest:
    """What a reed says that was given a code."""
    code = pairing.parse_code(primary.database.write_now(primary.invite))
    machine = to_machine(reed.identity, reed.folder.name, address=f"127.0.0.1:{reed.port}", role="joining")
    return pairing.to_request(code, machine)


def pair_all(primary: Primary, reeds: list[RunningReed]) -> list[pairing.PairAnswer]:
    """Pair them at the same moment."""
    requests = [to_request(primary, reed) for reed in reeds]

    async def pair() -> list[pairing.PairAnswer]:
        return await asyncio.gather(*(primary.pair(request) for request in requests))

    return asyncio.run(pair())


def members(primary: Primary) -> frozenset[str]:
    """Who counts."""
    return primary.shipper.memberships[0].reeds


def test_machines_that_are_paired_at_once_are_all_shipped_to(
    primary: Primary, reeds: list[RunningReed]
) -> None:
    answers = pair_all(primary, reeds)
    assert [bool(answer.proof) for answer in answers] == [True] * 3
    everybody = {reed.identity.id for reed in reeds}
    until(lambda: members(primary) == everybody)


def test_machines_that_are_counted_at_once_are_all_members(
    primary: Primary, reeds: list[RunningReed]
) -> None:
    everybody = frozenset(reed.identity.id for reed in reeds)
    with primary.changing:
        pair_all(primary, reeds)
        # Each of them has caught up, and waits to be counted.
        until(lambda: primary._counting == set(everybody))
        assert members(primary) == frozenset()
    until(lambda: members(primary) == everybody)
    assert (primary.shipper.epoch, primary.shipper.memberships[0].needed) == (3 + 1, 2)


def test_news_of_machines_does_not_end_an_agreement(primary: Primary, reeds: list[RunningReed]) -> None:
    pair_all(primary, reeds[:1])
    until(lambda: len(members(primary)) == 1 and len(primary.shipper.memberships) == 1)
    joint = Membership(1, frozenset({"of somebody who does not answer"}), 1)
    primary.shipper.memberships.append(joint)
    primary.shipper.acknowledged = 0
    primary.refresh()
    assert primary.shipper.memberships[1:] == [joint]


def test_a_base_copy_is_of_the_position_that_is_said(tmp_path: Path) -> None:
    """Also when others commit while it is made."""
    path = tmp_path / "site.db"
    writer = apsw.Connection(str(path))
    writer.pragma("journal_mode", "wal")
    writer.execute("CREATE TABLE log_position (epoch, number)")
    writer.execute("INSERT INTO log_position VALUES (1, 0)")

    def connect() -> apsw.Connection:
        def commit_first(cursor: apsw.Cursor, sql: str, values: object) -> bool:
            writer.execute("UPDATE log_position SET number = number + 1")
            return True

        reader = apsw.Connection(str(path))
        reader.exec_trace = commit_first
        return reader

    position = copy_database(connect, tmp_path / "copy.db")
    copy = apsw.Connection(str(tmp_path / "copy.db"))
    assert tuple(position) == copy.execute("SELECT epoch, number FROM log_position").get
    assert position.number < writer.execute("SELECT number FROM log_position").get


_long = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000) SELECT count(*) FROM n"
)
_count_long = statements(sqlite=_long, postgresql=_long)


def test_a_reader_who_is_at_work_does_not_stand_against_a_pairing(primary: Primary) -> None:
    began = threading.Event()

    def read(tx: Transaction) -> object:
        began.set()
        return tx.value(_count_long)

    reader = threading.Thread(target=primary.database.read_now, args=(read,))
    reader.start()
    assert began.wait(10)
    while reader.is_alive():
        primary.database.keep_whole()
        time.sleep(0.001)
    reader.join()
