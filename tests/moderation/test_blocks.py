"""Who may not sign up: providers of mail, networks, people who were suspended for good."""

from collections.abc import Callable
from typing import Any

import httpx2
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roseau.app import create_app
from roseau.domain.accounts.barring import canonical_email, hash_email, severity_of
from roseau.domain.accounts.signup import Application, sign_up
from roseau.domain.moderation import blocks
from roseau.domain.moderation.blocks import IpBlockDraft
from roseau.domain.moderation.team import acting
from roseau.domain.site import choose
from roseau.doors.server import Server
from roseau.kernel import clock
from roseau.kernel.errors import Forbidden, Invalid
from roseau.worker import Worker
from tests.conftest import BASE_URL, Cast
from tests.moderation.acting import make_moderator, rows, value
from tests.moderation.test_servers import write_rules

pytestmark = pytest.mark.anyio


@pytest.fixture
def mona(server: Server, cast: Cast) -> int:
    """A moderator."""
    return make_moderator(cast).id


def join(server: Server, email: str = "new@mail.example", address: str = "", name: str = "newt") -> int:
    """Sign up; the account's id."""
    application = Application(
        username=name, email=email, password_hash="x", agreement=True, reason="Please", address=address
    )
    return server.database.write_now(sign_up, server.site, application)


def approved(server: Server, account_id: int) -> bool:
    return value(server, "SELECT approved_at FROM users WHERE account_id = :id", id=account_id) is not None


def wrong(error: Invalid) -> set[tuple[str, str]]:
    return {(problem.field, problem.reason) for problem in error.problems}


@pytest.mark.parametrize("email", ["a@trash.example", "a@Deep.Trash.Example"])
def test_nobody_signs_up_with_a_provider_that_is_blocked(server: Server, mona: int, email: str) -> None:
    block = server.database.write_now(blocks.block_email_domain, mona, "trash.example")
    with pytest.raises(Invalid) as error:
        join(server, email)
    assert wrong(error.value) == {("email", "ERR_BLOCKED")}
    assert join(server, "a@nottrash.example")
    server.database.write_now(blocks.unblock_email_domain, mona, block.id)
    assert join(server, email, name="other")


def test_a_provider_may_be_let_in_after_somebody_has_looked(server: Server, mona: int) -> None:
    server.database.write_now(
        lambda tx: blocks.block_email_domain(tx, mona, "odd.example", allow_with_approval=True)
    )
    assert not approved(server, join(server, "a@odd.example"))
    assert approved(server, join(server, "a@even.example", name="other"))


@pytest.mark.parametrize("severity", ["sign_up_block", "no_access"])
@pytest.mark.parametrize("address", ["10.1.2.3", "::ffff:10.1.2.3"])
def test_nobody_signs_up_from_a_network_that_is_blocked(
    server: Server, mona: int, severity: Any, address: str
) -> None:
    server.database.write_now(blocks.block_ip, mona, IpBlockDraft("10.1.2.0/24", severity))
    with pytest.raises(Forbidden):
        join(server, address=address)
    assert join(server, address="10.1.3.3")


def test_from_some_networks_people_wait(server: Server, mona: int, at: Callable[[float], None]) -> None:
    draft = IpBlockDraft("2001:db8::/32", "sign_up_requires_approval", lasts=clock.HOUR)
    server.database.write_now(blocks.block_ip, mona, draft)
    assert not approved(server, join(server, address="2001:db8::1"))
    at(3700)
    assert approved(server, join(server, "b@mail.example", "2001:db8::1", "other"))
    server.database.write_now(blocks.forget_ip_blocks)
    assert rows(server, "SELECT id FROM ip_blocks") == []


def test_a_site_by_invitation_does_not_open_for_those_who_have_to_wait(server: Server, mona: int) -> None:
    settings = msgspec.structs.replace(server.site.settings, registrations="invitation")
    server.site = msgspec.structs.replace(server.site, settings=settings)
    server.database.write_now(blocks.block_ip, mona, IpBlockDraft("10.0.0.0/8", "sign_up_requires_approval"))
    with pytest.raises(Invalid) as error:
        join(server, address="10.1.2.3")
    assert ("invite_code", "ERR_INVALID") in wrong(error.value)


async def test_a_network_without_access_is_answered_nothing(
    server: Server, mona: int, at: Callable[[float], None]
) -> None:
    server.database.write_now(blocks.block_ip, mona, IpBlockDraft("10.9.9.9", "no_access"))
    app = create_app(server, start_worker=False)

    async def ask(address: str, path: str) -> int:
        transport = httpx2.ASGITransport(app=app, client=(address, 1), raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url=BASE_URL) as client:
            return (await client.get(path)).status_code

    for path in ("/about", "/api/v2/instance"):
        assert await ask("10.9.9.9", path) == 403
        assert await ask("10.9.9.8", path) == 200
    assert await ask("10.9.9.9", "/health") == 200


async def test_the_address_of_somebody_who_was_suspended_is_kept_out(
    server: Server, cast: Cast, mona: int, worker: Worker, at: Callable[[float], None]
) -> None:
    write_rules(server)
    bad = join(server, "b.ad+one@mail.example")
    action = acting.Action(type="suspend", text="Threats.")
    server.database.write_now(acting.act, server.site, mona, bad, action)
    await worker.settle()
    with pytest.raises(Invalid) as error:
        join(server, "bad+two@mail.example", name="again")
    assert wrong(error.value) == {("email", "ERR_TAKEN")}
    assert "bad" not in str(rows(server, "SELECT canonical_email_hash FROM canonical_email_blocks"))
    at(60)
    server.database.write_now(acting.lift, server.site, mona, bad, "suspend")
    await worker.settle()
    assert join(server, "bad+two@mail.example", name="again")


async def test_for_a_time_the_address_is_not_kept(
    server: Server, cast: Cast, mona: int, worker: Worker
) -> None:
    write_rules(server)
    action = acting.Action(type="silence", text="Loud.")
    server.database.write_now(acting.act, server.site, mona, cast.ada.id, action)
    await worker.settle()
    assert rows(server, "SELECT id FROM canonical_email_blocks") == []


@given(st.text(alphabet="ab.+@", max_size=20), st.text(max_size=30))
def test_any_text_has_a_canonical_form(local: str, tail: str) -> None:
    form = canonical_email(local + tail)
    assert canonical_email(form) == form
    assert len(hash_email(local + tail)) == 64


@given(st.text(max_size=30))
def test_what_is_no_address_is_in_no_network(text: str) -> None:
    assert severity_of([], text) is None


# Contact points


@pytest.mark.parametrize("missing", ["contact_authorities", "contact_users"])
def test_nobody_signs_up_where_nobody_can_be_reached(server: Server, missing: str) -> None:
    server.database.write_now(lambda tx: choose(tx, None, **{missing: ""}))
    with pytest.raises(Forbidden):
        join(server)
    server.database.write_now(lambda tx: choose(tx, None, **{missing: "x@roseau.test"}))
    assert join(server)
