"""What the tests of statuses say again and again: somebody posts, somebody does something with it."""

from typing import Any

from roseau.domain.relationships.blocking import block_account
from roseau.domain.relationships.following import follow_account


async def post(client: Any, member: Any, text: str = "Hello", /, **params: Any) -> dict[str, Any]:
    """A new status of the member's."""
    answer = await client.post("/api/v1/statuses", headers=member.auth, json={"status": text, **params})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def act(client: Any, member: Any, status: dict[str, Any], action: str, /, **params: Any) -> Any:
    """The answer to `POST /api/v1/statuses/:id/:action`."""
    return await client.post(f"/api/v1/statuses/{status['id']}/{action}", headers=member.auth, json=params)


async def done(client: Any, member: Any, status: dict[str, Any], action: str, /, **params: Any) -> Any:
    """The status that the action answers with."""
    answer = await act(client, member, status, action, **params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def read(client: Any, member: Any, path: str) -> Any:
    """What a GET answers, to the member or, with None, to anyone."""
    answer = await client.get(path, headers=member.auth if member else {})
    assert answer.status_code == 200, answer.text
    return answer.json()


def follow(server: Any, member: Any, other: Any) -> None:
    """The member follows the other, who lets them in."""
    server.database.write_now(follow_account, member.id, other.id)


def block(server: Any, member: Any, other: Any) -> None:
    """The member blocks the other."""
    server.database.write_now(block_account, member.id, other.id)
