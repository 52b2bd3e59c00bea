"""Strangers, liars and machines in the middle: what they learn, and that nothing wrong is believed."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import apsw
import pytest
from cryptography import x509

from roseau.survival.contract import Position
from roseau.survival.reeds import links, messages, shipping
from roseau.survival.reeds.identity import Identity, id_of
from roseau.survival.reeds.shipping import Unwitnessed
from tests.survival.attacked import add, hang_up, move, pack, stored, until_same, watched_pair
from tests.survival.between import Between, Direction
from tests.survival.media import until
from tests.survival.reeds import Pair, RunningReed, to_machine

FOREVER = 600.0


@pytest.fixture(autouse=True)
def _eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Links call again at once, except whom they distrust; writers give up soon."""
    monkeypatch.setattr(links, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(links, "LONGEST_PAUSE", 0.05)
    monkeypatch.setattr(shipping, "ADMIT_SECONDS", 0.1)


@pytest.fixture
def auditing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reeds are asked for proofs all the time."""
    monkeypatch.setattr(links, "PING_SECONDS", 0.05)
    monkeypatch.setattr(links, "AUDIT_SECONDS", 0.1)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """A primary and its reed."""
    with watched_pair(tmp_path) as opened:
        yield opened


def assert_distrusted(pair: Pair, sentence: str) -> None:
    """The reed is refused, shown with the reason, and not counted as answering."""
    until(lambda: pair.link.state == "refused")
    standing = pair.shipper.standing()
    (reed,) = standing.reeds
    assert (reed.state, standing.answering, standing.writable) == ("refused", 0, False)
    assert sentence in reed.reason
    before = pair.shipper.log.number
    with pytest.raises(Unwitnessed):
        add(pair)
    assert pair.shipper.log.number == before


# Strangers


def hail(port: int, identity: Identity | None) -> tuple[bytes, bytes]:
    """Call a port as somebody, trusting anybody; the certificate one sees there, and the answer."""
    context = (
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if identity is None
        else identity.calling(identity.certificate)
    )
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), timeout=10) as raw, context.wrap_socket(raw) as line:
        certificate = line.getpeercert(binary_form=True) or b""
        said = b""
        with suppress(OSError):
            line.sendall(pack(messages.Hello(epoch=1, purpose="ask")) + pack(messages.Lost()))
            said = line.recv(4096)
    return certificate, said


@pytest.mark.parametrize("known_as", ["nobody", "a stranger"])
def test_a_stranger_learns_the_hash_of_a_key(pair: Pair, tmp_path: Path, known_as: str) -> None:
    (tmp_path / "stranger").mkdir()
    stranger = None if known_as == "nobody" else Identity.of(tmp_path / "stranger")
    seen, said = hail(pair.reed.port, stranger)
    assert said == b""
    certificate = x509.load_der_x509_certificate(seen)
    names = [name.value for part in (certificate.subject, certificate.issuer) for name in part]
    assert set(names) == {pair.reed.identity.id} == {id_of(seen)}
    assert (certificate.serial_number, list(certificate.extensions)) == (1, [])
    # Whoever is known is answered, by the same way of asking.
    assert hail(pair.reed.port, pair.identity)[1] != b""


def test_an_impostor_at_the_address_of_a_reed_gets_nothing(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    impostor = RunningReed(tmp_path / "impostor")
    impostor.start(pair.roster(to_machine(impostor.identity, "garden", counted=True)))
    try:
        move(pair, impostor.port)
        until(lambda: pair.link.state == "silent")
        assert pair.link.reason == "it does not know this machine, or is another one"
        with pytest.raises(Unwitnessed):
            add(pair)
        assert impostor.reed.standby.number == 0 and not (impostor.folder / "roseau.db").exists()
    finally:
        impostor.stop()


# Liars


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (messages.Ack(number=10**9), "It claims to have stored what it was never sent."),
        (messages.Proof(digest=""), "It proves what it was not asked."),
        (messages.Hello(epoch=9, purpose="ship"), "It said Hello, which a reed does not."),
    ],
    ids=["acknowledges the future", "proves unasked", "asks itself"],
)
def test_a_reed_that_says_what_cannot_be(
    pair: Pair, said: messages.Message, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "LONGEST_PAUSE", FOREVER)
    acknowledged = pair.shipper.acknowledged

    async def say() -> None:
        assert pair.reed.reed.primary is not None
        await pair.reed.reed.primary.send(said)

    pair.reed.run(say())
    assert_distrusted(pair, sentence)
    assert pair.shipper.acknowledged == acknowledged


@pytest.mark.parametrize(
    ("epoch", "more", "mark", "sentence"),
    [
        (1, 1, None, "It claims to have commit"),
        (7, -1, None, "of epoch 7"),
        (1, 0, "0" * 16, "is not the one that this machine made."),
    ],
    ids=["ahead", "of a later epoch", "another commit"],
)
def test_a_reed_that_calls_itself_what_it_cannot_be(
    pair: Pair, epoch: int, more: int, mark: str | None, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "LONGEST_PAUSE", FOREVER)
    standby = pair.reed.reed.standby
    honest = standby.reread

    def lie() -> Any:
        copy = honest()
        position = Position(epoch, copy.position.number + more)
        return copy._replace(position=position, mark=mark or copy.mark)

    monkeypatch.setattr(standby, "reread", lie)
    hang_up(pair)
    assert_distrusted(pair, sentence)


def test_a_copy_with_another_history_is_not_taken_for_this_one(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "LONGEST_PAUSE", FOREVER)
    pair.reed.stop()
    with closing(apsw.Connection(str(pair.reed.folder / "roseau.db"))) as forger:
        forger.execute("UPDATE log_position SET mark = 'of somebody else'; DELETE FROM filler")
    pair.reed.start(pair.roster(pair.machine))
    assert_distrusted(pair, "is not the one that this machine made.")


def test_a_reed_that_acknowledges_without_storing_is_found_out(
    auditing: None, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    standby = pair.reed.reed.standby
    proofs = count_calls(monkeypatch, standby, "prove")
    until(lambda: len(proofs) >= 3)
    # An honest reed passes.
    assert pair.link.live
    monkeypatch.setattr(links, "LONGEST_PAUSE", FOREVER)
    claimed: list[int] = [0]
    monkeypatch.setattr(
        standby, "write", lambda salts, before, offset, through, data: claimed.append(through)
    )
    monkeypatch.setattr(standby, "sync", lambda: max(claimed))
    # It is believed once, and not for long.
    add(pair)
    assert_distrusted(pair, "It does not have on its disk what it says it has.")
    assert pair.link.stored == 0


def test_a_disk_that_forgets_is_found_out(
    auditing: None, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "LONGEST_PAUSE", FOREVER)
    for log in (pair.reed.folder / "roseau.db-wal", *(pair.reed.folder / "log").glob("*.wal")):
        log.write_bytes(bytes(log.stat().st_size))
    assert_distrusted(pair, "It does not have on its disk what it says it has.")


def count_calls(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> list[Any]:
    """What a method was called with, from now on."""
    calls: list[Any] = []
    honest: Callable[..., Any] = getattr(owner, name)

    def call(*args: Any) -> Any:
        calls.append(args)
        return honest(*args)

    monkeypatch.setattr(owner, name, call)
    return calls


def test_a_primary_of_a_lower_epoch_is_told(pair: Pair) -> None:
    notices: list[messages.Superseded] = []
    pair.shipper.on_overtaken = notices.append
    before = pair.reed.run(stored(pair.reed))
    pair.reed.run(pair.reed.reed.promise(5, "f" * 16))
    until(lambda: notices)
    assert (notices[0].epoch, notices[0].machine_id, notices[0].reigns) == (5, "f" * 16, False)
    assert_distrusted(pair, "It has promised a higher epoch.")
    assert pair.reed.run(stored(pair.reed)) == before


# In the middle


@pytest.fixture
def between(pair: Pair) -> Iterator[Between]:
    """A machine through which the primary reaches its reed."""
    opened = Between(pair.reed.port)
    move(pair, opened.port)
    until(lambda: pair.link.live)
    yield opened
    opened.close()


@pytest.mark.parametrize("direction", ["to the reed", "to the primary"])
def test_what_is_altered_on_its_way_is_not_stored(pair: Pair, between: Between, direction: Direction) -> None:
    states: list[str] = []
    pair.shipper.on_news = lambda link: states.append(link.state)
    for harm in ("flip", "cut", "drop", "repeat"):
        states.clear()
        between.harm = (direction, harm)
        # Its acknowledgement waits for the next connection, by which the commit comes whole.
        add(pair, 30_000)
        assert between.harm is None
        assert "silent" in states, harm
        until_same(pair)


def test_a_recorded_session_opens_nothing(pair: Pair, between: Between) -> None:
    add(pair)
    before = pair.shipper.log.number
    assert len(between.recorded) > 2_000
    with socket.create_connection(("127.0.0.1", pair.reed.port), timeout=10) as line, suppress(OSError):
        line.sendall(between.recorded)
        while line.recv(4096):
            pass
    assert pair.link.live and pair.reed.run(stored(pair.reed)) == before
    until_same(pair)
