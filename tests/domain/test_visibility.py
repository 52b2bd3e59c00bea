"""Who may see what: visibility x relation to the author x state of the status x way of reading it.

What somebody may not see has to answer exactly like what does not exist, whatever they try.
"""

from typing import Any, NamedTuple

import pytest
from sqlalchemy import bindparam, update

from roseau.domain.statuses.loading import StatusView
from roseau.domain.timelines.queries import list_account_statuses
from roseau.storage.pages import Page
from roseau.storage.schema.accounts import accounts
from roseau.storage.schema.statuses import statuses
from roseau.storage.statements import statement
from tests.api.acting import act, block, follow, post, read

pytestmark = pytest.mark.anyio

VISIBILITIES = ("public", "unlisted", "private", "direct")
#: How each of the cast stands to Ada, who writes. Blocked people were followers or mentioned before.
RELATIONS = {
    "ada": "author",
    "fay": "follower",
    "meg": "mentioned",
    "sid": "stranger",
    "bob": "blocked by the author",
    "ben": "mentioned and blocked by the author",
    "ike": "blocking the author",
    "": "anonymous",
}
STATES = ("standing", "deleted", "hidden", "author suspended", "local only")
MISSING = "77"

READING = (
    ("GET", "/api/v1/statuses/{id}"),
    ("GET", "/api/v1/statuses/{id}/context"),
    ("GET", "/api/v1/statuses/{id}/history"),
    ("GET", "/api/v1/statuses/{id}/source"),
    ("GET", "/api/v1/statuses/{id}/favourited_by"),
    ("GET", "/api/v1/statuses/{id}/reblogged_by"),
    ("GET", "/api/v1/polls/{poll}"),
)
ACTING = (
    ("POST", "/api/v1/statuses/{id}/favourite"),
    ("POST", "/api/v1/statuses/{id}/unfavourite"),
    ("POST", "/api/v1/statuses/{id}/reblog"),
    ("POST", "/api/v1/statuses/{id}/unreblog"),
    ("POST", "/api/v1/statuses/{id}/bookmark"),
    ("POST", "/api/v1/statuses/{id}/unbookmark"),
    ("POST", "/api/v1/statuses/{id}/mute"),
    ("POST", "/api/v1/statuses/{id}/unmute"),
    ("POST", "/api/v1/statuses/{id}/pin"),
    ("POST", "/api/v1/statuses/{id}/unpin"),
    ("POST", "/api/v1/polls/{poll}/votes?choices[]=0"),
    ("POST", "/api/v1/statuses?status=Well&visibility=direct&in_reply_to_id={id}"),
)
#: Only the author's to do: to everyone else nothing is there.
OWNING = (
    ("PUT", "/api/v1/statuses/{id}?status=Mine"),
    ("DELETE", "/api/v1/statuses/{id}"),
)

_hide = statement(update(statuses).where(statuses.c.account_id == bindparam("author")).values(hidden_at=1))
_suspend = statement(update(accounts).where(accounts.c.id == bindparam("author")).values(suspended_at=1))


def may_see(relation: str, visibility: str, state: str) -> bool:
    """The rule, written down a second time and in other words."""
    if state in ("deleted", "hidden", "author suspended") or "blocked by" in relation:
        return False
    if relation == "author":
        return True
    if relation == "anonymous" and state == "local only":
        return False
    readers = {"private": ("follower", "mentioned"), "direct": ("mentioned",)}
    return relation in readers[visibility] if visibility in readers else True


class Scene(NamedTuple):
    """What Ada wrote, by visibility, and what she answered."""

    root: dict[str, Any]
    written: dict[str, dict[str, Any]]


@pytest.fixture(params=STATES)
def state(request: pytest.FixtureRequest) -> str:
    """What has become of the statuses."""
    return str(request.param)


@pytest.fixture
async def scene(client: Any, cast: Any, server: Any, worker: Any, state: str) -> Scene:
    """Ada's statuses in that state, each marked before by everyone who could see it then."""
    members = [getattr(cast, name) for name in RELATIONS if name]
    for follower in (cast.fay, cast.bob):
        follow(server, follower, cast.ada)
    root = await post(client, cast.olga, "Who is there?")
    written = {}
    for visibility in VISIBILITIES:
        written[visibility] = status = await post(
            client, cast.ada, f"It is me, @meg and @ben, {visibility}", visibility=visibility,
            in_reply_to_id=root["id"], local_only=state == "local only",
            poll={"options": ["yes", "no"], "expires_in": 600},
        )  # fmt: skip
        for member in members:
            for action in ("bookmark", "favourite"):
                assert (await act(client, member, status, action)).status_code in (200, 404)
    block(server, cast.ada, cast.bob)
    block(server, cast.ada, cast.ben)
    block(server, cast.ike, cast.ada)
    if state == "deleted":
        for status in written.values():
            await client.delete(f"/api/v1/statuses/{status['id']}", headers=cast.ada.auth)
    if state == "hidden":
        server.database.write_now(lambda tx: tx.run(_hide, author=cast.ada.id))
    if state == "author suspended":
        server.database.write_now(lambda tx: tx.run(_suspend, author=cast.ada.id))
    return Scene(root, written)


def readers(cast: Any, state: str) -> list[tuple[str, Any]]:
    """Everyone who can still call, with how they stand to the author."""
    return [
        (relation, getattr(cast, name) if name else None)
        for name, relation in RELATIONS.items()
        if not (relation == "author" and state == "author suspended")
    ]


async def answer(client: Any, member: Any, way: tuple[str, str], id: str, poll: str) -> tuple[int, str]:
    """Status and body of the answer."""
    method, path = way
    got = await client.request(method, path.format(id=id, poll=poll), headers=member.auth if member else {})
    return got.status_code, got.text


async def test_what_may_not_be_seen_is_not_there(
    client: Any, cast: Any, server: Any, scene: Scene, state: str
) -> None:
    counts = [
        (status["favourites_count"], status["reblogs_count"], status["replies_count"])
        for status in await seen_by_id(client, cast.ada, scene, state)
    ]
    for relation, member in readers(cast, state):
        ways = [*READING, *ACTING, *(OWNING if relation != "author" else ())]
        missing = {way: await answer(client, member, way, MISSING, MISSING) for way in ways}
        for visibility, status in scene.written.items():
            known = (status["id"], status["poll"]["id"])
            for way in ways:
                if may_see(relation, visibility, state) and way not in OWNING:
                    continue
                got = await answer(client, member, way, *known)
                assert got == missing[way], (relation, visibility, way)
    after = await seen_by_id(client, cast.ada, scene, state)
    assert counts == [
        (status["favourites_count"], status["reblogs_count"], status["replies_count"]) for status in after
    ]


async def test_what_may_be_seen_is_there(client: Any, cast: Any, scene: Scene, state: str) -> None:
    for relation, member in readers(cast, state):
        for visibility, status in scene.written.items():
            if not may_see(relation, visibility, state):
                continue
            known = (status["id"], status["poll"]["id"])
            for way in READING:
                code, text = await answer(client, member, way, *known)
                wanted = 401 if member is None and way[1].endswith("source") else 200
                assert code == wanted, (relation, visibility, way, text)
            for way in ACTING if member else ():
                code, text = await answer(client, member, way, *known)
                assert code in (200, 403, 422), (relation, visibility, way, text)


async def seen_by_id(client: Any, member: Any, scene: Scene, state: str) -> list[Any]:
    """What asking for all of them at once gives; nothing when the author cannot ask."""
    if state == "author suspended":
        return []
    path = "/api/v1/statuses?" + "&".join(f"id[]={status['id']}" for status in scene.written.values())
    return list(await read(client, member, path))


async def test_lists_hold_what_may_be_seen(
    client: Any, cast: Any, server: Any, scene: Scene, state: str
) -> None:
    for relation, member in readers(cast, state):
        expected = [
            status["id"]
            for visibility, status in scene.written.items()
            if may_see(relation, visibility, state)
        ]
        path = "/api/v1/statuses?" + "&".join(f"id[]={status['id']}" for status in scene.written.values())
        assert [status["id"] for status in await read(client, member, path)] == expected, relation

        listed: list[StatusView] = server.database.read_now(
            list_account_statuses, member.id if member else 0, cast.ada.id, Page()
        )
        assert sorted(str(view.id) for view in listed) == expected, relation

        context = await read(client, member, f"/api/v1/statuses/{scene.root['id']}/context")
        # Whom one blocks one does not meet in a conversation, though their posts can be looked up.
        met = [] if relation == "blocking the author" else expected
        assert [status["id"] for status in context["descendants"]] == met, relation

        for kind in ("bookmarks", "favourites") if member else ():
            marked = await read(client, member, f"/api/v1/{kind}")
            assert sorted(status["id"] for status in marked) == expected, (relation, kind)


async def test_a_reblog_shows_nothing_that_its_reader_may_not_see(
    client: Any, cast: Any, server: Any, state: str
) -> None:
    status = await post(client, cast.ada, local_only=state == "local only")
    reblog = (await act(client, cast.olga, status, "reblog")).json()
    block(server, cast.ada, cast.bob)
    if state == "deleted":
        await client.delete(f"/api/v1/statuses/{status['id']}", headers=cast.ada.auth)
    if state == "hidden":
        server.database.write_now(lambda tx: tx.run(_hide, author=cast.ada.id))
    if state == "author suspended":
        server.database.write_now(lambda tx: tx.run(_suspend, author=cast.ada.id))
    for name in ("sid", "bob", ""):
        relation, member = RELATIONS[name], getattr(cast, name) if name else None
        code, _ = await answer(client, member, READING[0], reblog["id"], MISSING)
        assert (code == 200) == may_see(relation, "public", state), relation
