"""Rubbish on a reed's port, from strangers and from machines that it knows."""

import hashlib
import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from roseau.survival.reeds import links, messages, wire
from tests.survival.attacked import add, pack, until_same, watched_pair
from tests.survival.reeds import NAME, Pair

#: Hypothesis runs many examples on one reed on purpose: it has to bear them one after the other.
ONE_REED = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    """A primary and its reed; the link calls again at once."""
    monkeypatch.setattr(links, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(links, "LONGEST_PAUSE", 0.05)
    with watched_pair(tmp_path) as opened:
        yield opened


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
GREETINGS: dict[messages.Purpose, list[messages.Message]] = {
    "ship": [],
    "ask": [messages.Lost()],
    "blobs": [messages.BlobHas(name=NAME)],
}


def speak(pair: Pair, purpose: messages.Purpose, data: bytes) -> None:
    """Say something to the reed as the primary does, once it has answered, until it has hung up."""
    context = pair.identity.calling(pair.reed.identity.certificate)
    with (
        socket.create_connection(("127.0.0.1", pair.reed.port), timeout=20) as raw,
        context.wrap_socket(raw, suppress_ragged_eofs=True) as line,
    ):
        greeting = [messages.Hello(epoch=1, purpose=purpose), *GREETINGS[purpose]]
        line.sendall(b"".join(pack(message) for message in greeting))
        assert line.recv(4096)
        with suppress(OSError):
            line.sendall(data)
            socket.socket.shutdown(line, socket.SHUT_WR)
        exhaust(line)


lengths = st.sampled_from([-(2**63), -1, 0, 1, 33, 5_000, 2**40, 2**63 - 1])
PRESENT = "the present generation"
words = st.sampled_from([PRESENT, PRESENT, "", "0" * 16, "../../machine.key", "\0", "é"])
sayings = st.one_of(
    st.builds(messages.Frames, salts=words, before=lengths, offset=lengths, through=lengths),
    st.builds(messages.BaseBegin, number=lengths, size=lengths),
    st.builds(messages.Piece),
    st.builds(messages.BaseEnd, sha256=words, follows=st.booleans()),
    st.builds(messages.Audit, nonce=words, salts=words, start=lengths, end=lengths),
    st.builds(messages.Fetch, epoch=lengths, number=lengths, mark=words, salts=words, offset=lengths),
    st.builds(messages.Ack, number=lengths),
    st.builds(messages.BlobGet, name=words),
)


def name_present(pair: Pair, message: messages.Message) -> messages.Message:
    """The message, about the generation that is being written if it is about that."""
    place = pair.shipper.log.end()
    assert place is not None
    if getattr(message, "salts", "") != PRESENT:
        return message
    return msgspec.structs.replace(message, salts=place.salts)


NO_LOG = messages.Frames(salts="0" * 16, before=0, offset=0, through=1)


@ONE_REED
@example(purpose="ship", said=[(NO_LOG, b"")], rest=b"")
@example(purpose="ship", said=[(NO_LOG, b"x" * 100)], rest=b"")
@example(purpose="ship", said=[(messages.Audit(nonce="", salts=PRESENT, start=-1, end=9), b"")], rest=b"")
@example(
    purpose="ask",
    said=[(messages.Fetch(epoch=1, number=1, mark="", salts=PRESENT, offset=-9), b"")],
    rest=b"",
)
@example(purpose="ship", said=[(messages.BaseBegin(number=1, size=-1), b""), (NO_LOG, b"x" * 50)], rest=b"")
@example(
    purpose="ship",
    said=[
        (messages.BaseBegin(number=0, size=0), b""),
        (messages.BaseEnd(sha256=hashlib.sha256().hexdigest(), follows=True), b""),
        (NO_LOG, b"x" * 100),
    ],
    rest=b"",
)
@given(
    purpose=st.sampled_from(["ship", "ask", "blobs"]),
    said=st.lists(st.tuples(sayings, st.binary(max_size=100)), max_size=4),
    rest=st.binary(max_size=50),
)
def test_nonsense_from_a_known_machine_does_no_harm(
    pair: Pair, purpose: messages.Purpose, said: list[tuple[messages.Message, bytes]], rest: bytes
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
        hello = pack(messages.Hello(epoch=1, purpose="ask")) if greeted else b""
        line.sendall(hello + struct.pack(">II", *lengths) + b"x" * 100)
        # It hangs up though this side still could go on.
        with suppress(ConnectionError, ssl.SSLError):
            assert line.recv(4096) == b""
    assert pair.link.live
