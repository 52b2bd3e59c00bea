"""What has run out is forgotten, and nothing else is."""

from typing import Any

import pytest
from sqlalchemy import func, select

from roseau.domain.accounts.expiry import forget_expired
from roseau.domain.accounts.links import find_link, make_link
from roseau.domain.accounts.sessions import find_session, open_session
from roseau.storage.schema.accounts import accounts, sessions
from roseau.storage.schema.site import one_time_links
from roseau.storage.statements import statement

pytestmark = pytest.mark.anyio


def count(server: Any, table: Any) -> int:
    """How many rows a table has."""
    return int(
        server.database.read_now(lambda tx: tx.value(statement(select(func.count()).select_from(table))))
    )


async def test_links_and_sessions_go_when_they_have_run_out(server: Any, cast: Any, at: Any) -> None:
    link = server.database.write_now(make_link, "reset_password", cast.ada.id)
    session = server.database.write_now(open_session, cast.ada.id)
    server.database.write_now(forget_expired)
    assert server.database.read_now(find_link, "reset_password", link)
    assert server.database.read_now(find_session, session)
    at(2 * 86_400)
    server.database.write_now(forget_expired)
    assert (count(server, one_time_links), count(server, sessions)) == (0, 1)
    at(181 * 86_400)
    server.database.write_now(forget_expired)
    assert count(server, sessions) == 0


async def test_a_name_is_free_again_when_nobody_confirmed_it(
    client: Any, server: Any, cast: Any, at: Any
) -> None:
    nora = cast.join("nora", confirmed=False)
    assert cast.ada.id
    at(6 * 86_400)
    server.database.write_now(forget_expired)
    assert count(server, accounts) == 2
    at(8 * 86_400)
    server.database.write_now(forget_expired)
    assert count(server, accounts) == 1
    # The token must not live on as if it were the application's own.
    assert (await client.get("/api/v1/preferences", headers=nora.auth)).status_code == 401
    assert cast.join("Nora").id != nora.id
