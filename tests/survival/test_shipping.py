"""What members meet when commits have to reach reeds: waiting, refusal, and reeds that catch up."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import httpx2
import pytest

from roseau.app import open_server
from roseau.domain.site import choose
from roseau.doors.server import Server
from roseau.settings import Settings
from roseau.storage import migrations
from roseau.streams import Channel
from roseau.survival.contract import Membership
from roseau.survival.reeds import links, messages, shipping
from roseau.survival.reeds.files import open_reading, read_copy
from roseau.survival.reeds.machines import begin_epoch, keep_machine
from roseau.survival.reeds.primary import Primary
from roseau.survival.reeds.roster import Roster
from roseau.survival.reeds.shipping import NotPrimary, Unwitnessed
from roseau.worker import Worker
from tests.cli.running import ok, run
from tests.conftest import Cast
from tests.survival.between import Between
from tests.survival.media import until
from tests.survival.reeds import RunningReed, to_machine

pytestmark = pytest.mark.anyio


@pytest.fixture
def database_kind() -> str:
    """Reeds are SQLite's."""
    return "sqlite"


@pytest.fixture
def server(settings: Settings) -> Iterator[Server]:
    """A site, and whoever is counted ships no more before it is closed."""
    opened = open_server(settings)
    yield opened
    assert opened.survival is not None
    opened.survival.close()
    opened.database.close()


class Group:
    """The reeds of a site, each behind a machine that can stop carrying."""

    def __init__(self, server: Server, folder: Path) -> None:
        assert isinstance(server.survival, Primary)
        self.primary = server.survival
        self.reeds = [RunningReed(folder / f"reed{number}") for number in range(3)]
        self.roster = Roster(
            machines=[self.primary.own, *(to_machine(reed.identity, reed.folder.name) for reed in self.reeds)]
        )
        for reed in self.reeds:
            reed.start(self.roster)
        self.between = [Between(reed.port) for reed in self.reeds]
        self.primary.database.write_now(self._list)
        self.primary.refresh()
        until(lambda: self.answering == len(self.reeds))

    def _list(self, tx: Any) -> None:
        keep_machine(tx, self.primary.own)
        for reed, between in zip(self.reeds, self.between, strict=True):
            address = f"127.0.0.1:{between.port}"
            keep_machine(tx, to_machine(reed.identity, reed.folder.name, address=address, counted=True))
        reeds = frozenset(reed.identity.id for reed in self.reeds)
        begin_epoch(tx, Membership(2, reeds, 2), self.primary.identity.id, "tests")

    @property
    def answering(self) -> int:
        """How many reeds answer."""
        return self.primary.standing().answering

    @property
    def number(self) -> int:
        """How many commits the primary has."""
        return self.primary.shipper.log.number

    def link(self, index: int) -> links.Link:
        """The link to a reed."""
        return self.primary.shipper.links[self.reeds[index].identity.id]

    def stop(self, *indexes: int) -> None:
        """These reeds are away, and it is known."""
        for index in indexes:
            self.reeds[index].stop()
        until(lambda: not any(self.link(index).live for index in indexes))

    def until_whole(self, index: int) -> None:
        """This reed has everything on its disk."""
        until(lambda: self.link(index).live and self.link(index).stored == self.number)
        assert read_copy(self.reeds[index].folder / "roseau.db").position == (2, self.number)

    def close(self) -> None:
        """End the reeds."""
        for reed, between in zip(self.reeds, self.between, strict=True):
            between.close()
            reed.stop()


@pytest.fixture
def group(server: Server, cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Group]:
    """Three reeds, two of which have to have every commit. Ada is there already."""
    monkeypatch.setattr(links, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(links, "LONGEST_PAUSE", 0.05)
    monkeypatch.setattr(shipping, "ADMIT_SECONDS", 0.1)
    assert cast.ada.token
    opened = Group(server, tmp_path)
    yield opened
    opened.primary.close()
    opened.close()


async def post(client: httpx2.AsyncClient, cast: Cast, text: str, **headers: str) -> Any:
    """Ada posts."""
    form = {"status": text}
    return await client.post("/api/v1/statuses", data=form, headers=cast.ada.auth | headers)


async def texts(client: httpx2.AsyncClient, cast: Cast) -> list[str]:
    """What Ada's profile has."""
    path = f"/api/v1/accounts/{cast.ada.id}/statuses"
    answer = await client.get(path, headers=cast.ada.auth)
    assert answer.status_code == 200
    return [status["content"] for status in answer.json()]


async def eventually(condition: Callable[[], object]) -> None:
    """Wait for something while requests are under way."""
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


def delay(group: Group, monkeypatch: pytest.MonkeyPatch, *indexes: int) -> threading.Event:
    """The disks of these reeds take until the event is set."""
    done = threading.Event()
    for index in indexes:
        standby = group.reeds[index].reed.standby
        monkeypatch.setattr(standby, "sync", lambda sync=standby.sync: done.wait(30) and sync())
    return done


async def test_two_of_three_are_enough(client: Any, cast: Cast, group: Group) -> None:
    group.stop(0)
    assert (await post(client, cast, "one is away")).status_code == 200
    assert group.primary.standing().writable
    group.reeds[0].start(group.roster)
    group.until_whole(0)


async def test_one_of_three_is_not(client: Any, cast: Cast, group: Group) -> None:
    assert (await post(client, cast, "before")).status_code == 200
    group.stop(0, 1)
    before = group.number
    answer = await post(client, cast, "nobody sees this")
    assert (answer.status_code, answer.json()["error"]) == (503, Unwitnessed.sentence)
    # Nothing was written, and reading goes on.
    assert group.number == before
    assert await texts(client, cast) == ["<p>before</p>"]
    group.reeds[1].start(group.roster)
    await eventually(lambda: group.answering == 2)
    assert (await post(client, cast, "after")).status_code == 200


async def test_nobody_is_told_before_two_disks_have_it(
    client: Any, cast: Cast, group: Group, server: Server, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    await server.hub.step()
    listener = await server.hub.subscribe(cast.ada.id, [Channel("user", cast.ada.id)])
    told = server.database.told
    before = group.number
    done = delay(group, monkeypatch, 0, 1)
    answer = asyncio.create_task(post(client, cast, "not yet"))
    await eventually(lambda: group.number > before and group.link(2).stored == group.number)
    await server.hub.step()
    assert not answer.done() and server.database.told == told
    assert group.primary.shipper.acknowledged == before
    assert listener._waiting == []
    done.set()
    assert (await answer).status_code == 200
    await worker.settle()
    await server.hub.step()
    assert await asyncio.wait_for(listener.receive(), 10)


async def test_a_repeated_request_waits_for_the_first_ones_commit(
    client: Any, cast: Cast, group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = group.number
    done = delay(group, monkeypatch, 0, 1)
    key = {"Idempotency-Key": "the same"}
    first = asyncio.create_task(post(client, cast, "once", **key))
    await eventually(lambda: group.number > before)
    committed = group.number
    again = asyncio.create_task(post(client, cast, "once", **key))
    await eventually(lambda: len(group.primary.shipper._pending) == 2)
    assert group.number == committed and not first.done() and not again.done()
    done.set()
    assert (await first).json()["id"] == (await again).json()["id"]


async def test_a_commit_that_is_not_acknowledged_in_time_is_not_promised(
    client: Any, cast: Cast, group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipping, "ACKNOWLEDGE_SECONDS", 0.1)
    done = delay(group, monkeypatch, 0, 1)
    assert (await post(client, cast, "perhaps")).status_code == 503
    done.set()
    await eventually(lambda: group.primary.shipper.acknowledged == group.number)
    # It was saved later, as any interrupted request may be.
    assert await texts(client, cast) == ["<p>perhaps</p>"]


async def test_a_stalled_reed_is_skipped_and_catches_up(client: Any, cast: Cast, group: Group) -> None:
    group.between[0].flowing.clear()
    for number in range(20):
        assert (await post(client, cast, f"{number} " + "x" * 400)).status_code == 200
    assert group.link(0).stored < group.number
    assert len(group.primary.standing().reeds) == 3
    group.between[0].flowing.set()
    group.until_whole(0)


async def test_what_survival_writes_for_itself_waits_for_nobody(group: Group) -> None:
    group.stop(0, 1, 2)
    before = group.number
    group.primary.database.write_alone(choose, None, title="Alone")
    assert group.number == before + 1
    with pytest.raises(Unwitnessed):
        group.primary.database.write_now(choose, None, title="Together")
    group.reeds[1].start(group.roster)
    group.until_whole(1)


async def forget_log(client: httpx2.AsyncClient, cast: Cast, group: Group) -> None:
    """Let a generation of the log end, and drop it: whoever is away has nothing to go on from."""
    assert (await post(client, cast, "missed")).status_code == 200
    with closing(group.primary.database.connect(writable=True)) as connection:
        connection.execute("SELECT count(*) FROM statuses").fetchall()
        logged, copied = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        assert logged == copied > 0
    log = group.primary.shipper.log
    assert (await post(client, cast, "a new generation")).status_code == 200
    await eventually(lambda: group.link(1).stored == group.link(2).stored == log.number)
    log._limit = 0
    log.trim()
    assert len(log.segments()) == 1


@pytest.mark.parametrize("kept", [True, False], ids=["by the log", "by a base copy"])
async def test_an_absent_reed_catches_up_while_others_write(
    client: Any, cast: Cast, group: Group, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    states: list[str] = []
    group.stop(0)

    def note(link: links.Link) -> None:
        if link is group.link(0):
            states.append(link.state)

    monkeypatch.setattr(group.primary.shipper, "on_news", note)
    if not kept:
        await forget_log(client, cast, group)
    writing = [asyncio.create_task(post(client, cast, f"number {number}")) for number in range(30)]
    await asyncio.to_thread(group.reeds[0].start, group.roster)
    assert {(await answer).status_code for answer in writing} == {200}
    await eventually(lambda: group.link(0).live)
    group.until_whole(0)
    assert ("copying" in states) is not kept


async def test_a_superseded_primary_writes_nothing(client: Any, cast: Cast, group: Group) -> None:
    assert (await post(client, cast, "the last word")).status_code == 200
    group.primary.supersede(messages.Superseded(epoch=9, reigns=True, name="another"))
    before = group.number
    answer = await post(client, cast, "too late")
    assert (answer.status_code, answer.json()["error"]) == (503, NotPrimary.sentence)
    assert group.number == before
    assert await texts(client, cast) == ["<p>the last word</p>"]
    assert group.primary.standing().superseded_by == "another"


def close_site(server: Server, group: Group) -> None:
    """End the server; its reeds go on."""
    group.primary.close()
    server.database.close()


async def test_a_command_without_a_server_waits_for_the_reeds_too(
    server: Server, cast: Cast, group: Group, settings: Settings
) -> None:
    folder = Path(settings.data)
    close_site(server, group)
    words = ("token", "create", "ada", "--scopes", "read", "--data", str(folder))
    assert await asyncio.to_thread(ok, *words)
    for reed in group.reeds[1:]:
        reed.stop()
    # The third reed may have been the one that was not waited for.
    number = read_copy(folder / "roseau.db").position.number
    assert [read_copy(reed.folder / "roseau.db").position.number for reed in group.reeds].count(number) >= 2
    refused = await asyncio.to_thread(run, *words)
    assert refused.status == 1 and Unwitnessed.sentence in refused.err
    assert read_copy(folder / "roseau.db").position.number == number


async def test_a_migration_is_shipped_like_any_write(
    server: Server, group: Group, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    close_site(server, group)
    known = migrations.list_migrations("sqlite")
    later = known | {"9999_later": "CREATE TABLE later (id INTEGER PRIMARY KEY)"}
    monkeypatch.setattr(migrations, "list_migrations", lambda dialect: later)
    opened = open_server(settings)
    try:
        assert isinstance(opened.survival, Primary)
        group.primary = opened.survival
        for index, reed in enumerate(group.reeds):
            await asyncio.to_thread(group.until_whole, index)
            with closing(open_reading(reed.folder / "roseau.db")) as copy:
                assert copy.execute("SELECT count(*) FROM later").get == 0
    finally:
        group.primary.close()
        opened.database.close()
