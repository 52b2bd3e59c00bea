"""What follows from what comes to an end: a consequence of a consequence has no further one."""

from typing import Any

import pytest

from roseau.domain.events import to_event
from roseau.reactions import REACTIONS, react
from roseau.storage import events
from roseau.storage.database import Transaction

pytestmark = pytest.mark.anyio


async def test_a_chain_of_events_is_at_most_two_long(client: Any, cast: Any, server: Any) -> None:
    """Live one busy minute, then let every reader react to every event, and see what each emits."""
    ada, bob, zoe = cast.ada, cast.bob, cast.zoe

    async def do(who: Any, path: str, **data: str) -> Any:
        answer = await client.post(f"/api/v1/{path}", headers=who.auth, data=data)
        assert answer.status_code == 200, answer.text
        return answer.json()["id"]

    await do(bob, f"accounts/{ada.id}/follow")
    await do(bob, f"accounts/{zoe.id}/follow")
    post = await do(ada, "statuses", status="Hello @bob #reeds")
    await do(bob, f"statuses/{post}/favourite")
    await do(bob, f"statuses/{post}/reblog")
    await do(bob, "statuses", status="@ada quietly", visibility="direct")
    await do(bob, f"accounts/{ada.id}/unfollow")
    await do(ada, f"accounts/{bob.id}/block")

    depth: dict[int, int] = {}
    position = 0
    while recorded := await server.database.read(events.list_events, position, 1):
        row = recorded[0]
        position = row.seq

        def let_all_react(tx: Transaction, row: Any = row) -> None:
            for reader in REACTIONS:
                happened = to_event(row.kind, row.payload)
                assert happened is not None
                react(tx, server.site, reader, happened)

        before = await server.database.read(events.find_last_event)
        await server.database.write(let_all_react)
        after = await server.database.read(events.find_last_event)
        for seq in range(before + 1, after + 1):
            depth[seq] = depth.get(row.seq, 0) + 1
    assert position > 10
    assert max(depth.values()) == 1


async def test_reacting_twice_changes_nothing_more(client: Any, cast: Any, server: Any, worker: Any) -> None:
    """At least once is what is promised: a worker that dies before its cursor is moved reacts again."""
    await client.post(f"/api/v1/accounts/{cast.ada.id}/follow", headers=cast.bob.auth)
    await client.post("/api/v1/statuses", headers=cast.ada.auth, data={"status": "Hello @bob"})
    await worker.settle()
    first = await client.get("/api/v1/notifications", headers=cast.bob.auth)
    for reader in REACTIONS:
        await server.database.write(events.move_cursor, reader, 0)
    await worker.settle()
    again = await client.get("/api/v1/notifications", headers=cast.bob.auth)
    assert again.json() == first.json()
    home = await client.get("/api/v1/timelines/home", headers=cast.bob.auth)
    assert len(home.json()) == 1
