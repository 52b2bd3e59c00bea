"""Strangers, liars and machines in the middle: what they learn, and that nothing wrong is believed."""

import hashlib
import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest
from cryptography import x509
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from roseau.survival import links, shipping, wire
from roseau.survival.contract import Position
from roseau.survival.identity import Identity, id_of
from roseau.survival.shipping import Unwitnessed
from tests.survival.between import Between, Direction
from tests.survival.copies import look
from tests.survival.media import until
from tests.survival.reeds import NAME, Pair, RunningReed, to_machine

FOREVER = 600.0
#: Hypothesis runs many examples on one reed on purpose: it has to bear them one after the other.
ONE_REED = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


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
    """A primary and its reed, which have a table and follow each other; nothing goes wrong unnoticed."""
    opened = Pair(tmp_path)
    failures = watch_loop(opened.reed)
    run(opened, "CREATE TABLE filler (id INTEGER PRIMARY KEY, text TEXT)")
    add(opened)
    yield opened
    opened.close()
    assert failures == []


def watch_loop(reed: RunningReed) -> list[Any]:
    """What nobody has caught in the reed's event loop."""
    failures: list[Any] = []
    reed._loop.set_exception_handler(lambda loop, context: failures.append(context))
    return failures


def run(pair: Pair, sql: str) -> None:
    """One commit, acknowledged by the reed."""
    pair.database.write_now(lambda tx: tx.script(sql))  # type: ignore[attr-defined]


def add(pair: Pair, size: int = 1_000) -> None:
    """A row of so many random bytes."""
    run(pair, f"INSERT INTO filler (text) VALUES (hex(randomblob({size})))")


def until_same(pair: Pair) -> None:
    """The reed follows, and has exactly what the primary has."""
    until(lambda: pair.link.live and pair.link.stored == pair.shipper.log.number)
    assert pair.reed.run(stored(pair.reed)) == pair.shipper.log.number
    copies = [look(folder, pair.folder / "aside") for folder in (pair.folder / "primary", pair.reed.folder)]
    assert copies[0] == copies[1]
    assert copies[0].number == pair.shipper.log.number


async def stored(reed: RunningReed) -> int:
    """How far the reed's copy has come on its disk."""
    return (await reed.reed.on_disk(lambda: reed.reed.standby)).number


def move(pair: Pair, port: int) -> None:
    """From now on the reed is called at another port."""
    moved = msgspec.structs.replace(pair.machine, address=f"127.0.0.1:{port}")
    pair.shipper.call(pair.shipper.set_roster(pair.roster(moved)))


def hang_up(pair: Pair) -> None:
    """End the connection, so that the primary has to call again."""

    async def end() -> None:
        if pair.reed.reed.primary is not None:
            pair.reed.reed.primary.close()

    pair.reed.run(end())


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
            line.sendall(pack(wire.Hello(epoch=1, purpose="ask")) + pack(wire.Lost()))
            said = line.recv(4096)
    return certificate, said


def pack(message: wire.Message, body: bytes = b"") -> bytes:
    """A message as it is sent."""
    head = msgspec.msgpack.encode(message)
    return struct.pack(">II", len(head), len(body)) + head + body


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
        (wire.Ack(number=10**9), "It claims to have stored what it was never sent."),
        (wire.Proof(digest=""), "It proves what it was not asked."),
        (wire.Hello(epoch=9, purpose="ship"), "It said Hello, which a reed does not."),
    ],
    ids=["acknowledges the future", "proves unasked", "asks itself"],
)
def test_a_reed_that_says_what_cannot_be(
    pair: Pair, said: wire.Message, sentence: str, monkeypatch: pytest.MonkeyPatch
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
    notices: list[wire.Superseded] = []
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


# Rubbish


def exhaust(line: socket.socket) -> None:
    """Hear everything until the reed has hung up."""
    with suppress(OSError):
        while line.recv(4096):
            pass


@ONE_REED
@given(data=st.binary(max_size=2_000))
@example(data=b"GET / HTTP/1.1\r\n\r\n")
@example(data=b"\x16\x03\x01\xff\xff")
def test_bytes_on_the_port_do_no_harm(pair: Pair, data: bytes) -> None:
    with socket.create_connection(("127.0.0.1", pair.reed.port), timeout=20) as line:
        line.sendall(data)
        line.shutdown(socket.SHUT_WR)
        exhaust(line)
    assert pair.link.live


#: What a known machine says first; each of these is answered.
GREETINGS = {
    "ship": [],
    "ask": [wire.Lost()],
    "blobs": [wire.BlobHas(name=NAME)],
}


def speak(pair: Pair, purpose: wire.Purpose, data: bytes) -> None:
    """Say something to the reed as the primary does, once it has answered, until it has hung up."""
    context = pair.identity.calling(pair.reed.identity.certificate)
    with (
        socket.create_connection(("127.0.0.1", pair.reed.port), timeout=20) as raw,
        context.wrap_socket(raw, suppress_ragged_eofs=True) as line,
    ):
        greeting = [wire.Hello(epoch=1, purpose=purpose), *GREETINGS[purpose]]
        line.sendall(b"".join(pack(message) for message in greeting))
        assert line.recv(4096)
        with suppress(OSError):
            line.sendall(data)
            socket.socket.shutdown(line, socket.SHUT_WR)
        exhaust(line)


lengths = st.sampled_from([-(2**63), -1, 0, 1, 33, 5_000, 2**40, 2**63 - 1])
PRESENT = "the present generation"
words = st.sampled_from([PRESENT, PRESENT, "", "0" * 16, "../../machine.key", "\0", "é"])
messages = st.one_of(
    st.builds(wire.Frames, salts=words, before=lengths, offset=lengths, through=lengths),
    st.builds(wire.BaseBegin, number=lengths, size=lengths),
    st.builds(wire.Piece),
    st.builds(wire.BaseEnd, sha256=words, follows=st.booleans()),
    st.builds(wire.Audit, nonce=words, salts=words, start=lengths, end=lengths),
    st.builds(wire.Fetch, epoch=lengths, number=lengths, mark=words, salts=words, offset=lengths),
    st.builds(wire.Ack, number=lengths),
    st.builds(wire.BlobGet, name=words),
)


def name_present(pair: Pair, message: wire.Message) -> wire.Message:
    """The message, about the generation that is being written if it is about that."""
    place = pair.shipper.log.end()
    assert place is not None
    if getattr(message, "salts", "") != PRESENT:
        return message
    return msgspec.structs.replace(message, salts=place.salts)  # type: ignore[call-arg]


NO_LOG = wire.Frames(salts="0" * 16, before=0, offset=0, through=1)


@ONE_REED
@example(purpose="ship", said=[(NO_LOG, b"")], rest=b"")
@example(purpose="ship", said=[(NO_LOG, b"x" * 100)], rest=b"")
@example(purpose="ship", said=[(wire.Audit(nonce="", salts=PRESENT, start=-1, end=9), b"")], rest=b"")
@example(
    purpose="ask", said=[(wire.Fetch(epoch=1, number=1, mark="", salts=PRESENT, offset=-9), b"")], rest=b""
)
@example(purpose="ship", said=[(wire.BaseBegin(number=1, size=-1), b""), (NO_LOG, b"x" * 50)], rest=b"")
@example(
    purpose="ship",
    said=[
        (wire.BaseBegin(number=0, size=0), b""),
        (wire.BaseEnd(sha256=hashlib.sha256().hexdigest(), follows=True), b""),
        (NO_LOG, b"x" * 100),
    ],
    rest=b"",
)
@given(
    purpose=st.sampled_from(["ship", "ask", "blobs"]),
    said=st.lists(st.tuples(messages, st.binary(max_size=100)), max_size=4),
    rest=st.binary(max_size=50),
)
def test_nonsense_from_a_known_machine_does_no_harm(
    pair: Pair, purpose: wire.Purpose, said: list[tuple[wire.Message, bytes]], rest: bytes
) -> None:
    spoken = [pack(name_present(pair, message), body) for message, body in said]
    speak(pair, purpose, b"".join(spoken) + rest)
    add(pair)
    until_same(pair)


@pytest.mark.parametrize("lengths", [(2**32 - 1, 0), (10, 2**32 - 1), (wire.LONGEST_HEAD + 1, 0)])
@pytest.mark.parametrize("greeted", [True, False])
def test_a_message_that_is_too_long_is_not_waited_for(
    pair: Pair, lengths: tuple[int, int], greeted: bool
) -> None:
    context = pair.identity.calling(pair.reed.identity.certificate)
    with (
        socket.create_connection(("127.0.0.1", pair.reed.port), timeout=10) as raw,
        context.wrap_socket(raw) as line,
    ):
        hello = pack(wire.Hello(epoch=1, purpose="ask")) if greeted else b""
        line.sendall(hello + struct.pack(">II", *lengths) + b"x" * 100)
        # It hangs up though this side still could go on.
        with suppress(ConnectionError, ssl.SSLError):
            assert line.recv(4096) == b""
    assert pair.link.live
