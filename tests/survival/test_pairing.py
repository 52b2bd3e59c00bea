"""Who gets in with a code, through the door: once, within the hour, and with the whole of what was proven."""

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from roseau.app import open_server
from roseau.doors.server import Server
from roseau.kernel import clock
from roseau.settings import Settings
from roseau.survival.reeds import pairing
from roseau.survival.reeds.identity import Identity
from roseau.survival.reeds.primary import Primary
from roseau.survival.reeds.roster import Machine
from tests.survival.reeds import to_machine

pytestmark = pytest.mark.anyio


@pytest.fixture
def database_kind() -> str:
    """Machines are paired with a site on SQLite."""
    return "sqlite"


@pytest.fixture
def server(settings: Settings) -> Iterator[Server]:
    """A site that nobody is paired with."""
    opened = open_server(settings)
    yield opened
    assert opened.survival is not None
    opened.survival.close()
    opened.database.close()


@pytest.fixture
def primary(server: Server) -> Primary:
    """Its survival."""
    assert isinstance(server.survival, Primary)
    return server.survival


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine that wants to be a reed. Nothing listens there."""
    (tmp_path / "reed").mkdir()
    return to_machine(Identity.of(tmp_path / "reed"), "garden", address="127.0.0.1:1", role="joining")


def invite(primary: Primary) -> pairing.Code:
    """What is in a new code."""
    return pairing.parse_code(primary.database.write_now(primary.invite))


def listed(primary: Primary) -> list[str]:
    """Who is listed besides the primary."""
    machines = primary.database.read_now(primary.load_roster).machines
    return [machine.name for machine in machines if machine.id != primary.identity.id]


async def ask(client: Any, request: pairing.PairRequest) -> Any:
    """The answer of the door."""
    return await client.post(
        pairing.PATH, content=msgspec.json.encode(request), headers={"Content-Type": "application/json"}
    )


async def test_a_code_opens_once(client: Any, primary: Primary, machine: Machine) -> None:
    code = invite(primary)
    request = pairing.to_request(code, machine)
    answer = await ask(client, request)
    assert answer.status_code == 200
    roster = pairing.check_answer(code, msgspec.json.decode(answer.content, type=pairing.PairAnswer))
    assert {one.id for one in roster.machines} == {primary.identity.id, machine.id}
    again = await ask(client, request)
    assert (again.status_code, again.json()["error"]) == (403, pairing.NotPaired.sentence)
    assert listed(primary) == ["garden"]


async def test_a_code_is_too_old_after_an_hour(
    client: Any, primary: Primary, machine: Machine, at: Callable[[float], None]
) -> None:
    early, late = invite(primary), invite(primary)
    at(3_590)
    assert (await ask(client, pairing.to_request(early, machine))).status_code == 200
    at(pairing.GOOD_FOR / clock.SECOND + 10)
    assert (await ask(client, pairing.to_request(late, machine))).status_code == 403


@pytest.mark.parametrize("field", ["name", "address", "web_address", "certificate", "sealing_key", "proof"])
async def test_what_is_altered_on_its_way_pairs_nobody(
    client: Any, primary: Primary, machine: Machine, tmp_path: Path, field: str
) -> None:
    (tmp_path / "thief").mkdir()
    thief = Identity.of(tmp_path / "thief")
    stolen = {
        "name": "thief",
        "address": "127.0.0.1:2",
        "web_address": "http://127.0.0.1:2",
        "certificate": base64.b64encode(thief.certificate).decode(),
        "sealing_key": base64.b64encode(thief.sealing_public).decode(),
        "proof": "0" * 64,
    }
    code = invite(primary)
    honest = pairing.to_request(code, machine)
    altered = msgspec.structs.replace(honest, **{field: stolen[field]})
    assert (await ask(client, altered)).status_code == 403
    assert listed(primary) == []
    # Whoever spoiled it could not use up the code.
    assert (await ask(client, honest)).status_code == 200


@pytest.mark.parametrize("said", [b"", b"{}", b"[]", b"\xff", b'{"invitation": 1}', b"null"])
async def test_rubbish_is_refused(client: Any, primary: Primary, said: bytes) -> None:
    answer = await client.post(pairing.PATH, content=said, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500
    assert listed(primary) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "x" * 100},
        {"name": "a\u202eb"},
        {"address": "nowhere"},
        {"certificate": b"no certificate"},
        {"sealing_key": b"short"},
    ],
    ids=str,
)
async def test_a_machine_has_to_describe_itself_as_one(
    client: Any, primary: Primary, machine: Machine, wrong: dict[str, Any]
) -> None:
    request = pairing.to_request(invite(primary), msgspec.structs.replace(machine, **wrong))
    assert (await ask(client, request)).status_code == 422
    assert listed(primary) == []


async def test_an_answer_from_somebody_else_is_not_believed(
    client: Any, primary: Primary, machine: Machine
) -> None:
    code, other = invite(primary), invite(primary)
    answer = msgspec.json.decode(
        (await ask(client, pairing.to_request(code, machine))).content, type=pairing.PairAnswer
    )
    altered = msgspec.structs.replace(answer.roster, needed=answer.roster.needed + 1)
    for believed, made in [
        (msgspec.structs.replace(answer, roster=altered), code),
        (msgspec.structs.replace(answer, proof=""), code),
        (answer, other),
    ]:
        with pytest.raises(pairing.NotPaired):
            pairing.check_answer(made, believed)


@pytest.mark.parametrize("text", ["", "roseau-", "roseau-!!!", "roseau-bm90aGluZw", "é"])
def test_what_is_no_code_is_said_to_be_none(text: str) -> None:
    with pytest.raises(pairing.WrongCode):
        pairing.parse_code(text)
