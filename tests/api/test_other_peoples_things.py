"""Ids of what is not one's own, on every endpoint that takes one: answered as if there were no such thing."""

import re
from typing import Any

import pytest

from roseau.api import ROUTES
from roseau.app import create_app
from tests.api.driving import Answer, Attempt, ask, bearer
from tests.doors.bodies import FORM
from tests.media.pictures import draw, encode

pytestmark = pytest.mark.anyio

#: What makes each of these endpoints go as far as looking for the thing.
FORM_BODY = "status=x&title=x&description=x&choices[]=0&account_ids[]={bob}&scheduled_at=4000-01-01T00:00:00Z"

#: Things that everybody may name; what is private about them is tested where they are at home.
EVERYBODYS = (
    "/api/v1/accounts/{id}",
    "/api/v1/suggestions/{id}",
    "/api/v1/tags/{name}",
    "/api/v1/timelines/tag/{name}",
)
#: Where a thing that only Bob may see is named, and what it is.
PRIVATE = {
    "/api/v1/statuses/{id}": "status",
    "/api/v1/polls/{id}": "poll",
    "/api/v1/conversations/{id}": "conversation",
    "/api/v1/notifications/{id}": "notification",
    "/api/v1/notifications/requests/{id}": "request",
    "/api/v2/notifications/{group_key}": "group",
    "/api/v1/media/{id}": "media",
    "/api/v1/follow_requests/{id}": "follower",
    "/api/v1/lists/{id}": "list",
    "/api/v1/timelines/list/{id}": "list",
    "/api/v1/featured_tags/{id}": "featured",
    "/api/v1/scheduled_statuses/{id}": "scheduled",
}
#: Where nothing to do is as good as done, for one's own as for anybody's.
IDEMPOTENT = {("POST", "/api/v2/notifications/{group_key}/dismiss")}


def named(path: str) -> str:
    """The part of the path up to the name of the thing."""
    return path[: path.index("}") + 1]


WITH_NAMES = [
    route
    for route in ROUTES
    if "{" in route.path
    and route.access not in ("open", "probe")
    and named(route.path) not in EVERYBODYS
    # What the team works with belongs to nobody; who of the team may is asked in `tests/api/admin/`.
    and not route.path.startswith("/api/v1/admin/")
]


def test_every_kind_of_thing_is_known_here() -> None:
    assert {named(route.path) for route in WITH_NAMES} - set(PRIVATE) == set()


class Things:
    """What is Bob's alone, by kind; made through the doors."""

    def __init__(self, app: Any, cast: Any) -> None:
        self._app = app
        self._cast = cast
        self.ids: dict[str, str] = {}
        self.made: set[str] = set()

    async def call(
        self, who: Any, method: str, path: str, body: str | bytes = "", kind: str = FORM
    ) -> Answer:
        """Ask as somebody."""
        raw = body.encode() if isinstance(body, str) else body
        headers = bearer(who.token, [(b"content-type", kind.encode())])
        return await ask(self._app, Attempt(method=method, path=path, headers=headers, body=raw))

    async def make(self, worker: Any) -> None:
        """Let Bob have one of each."""
        bob, zoe = self._cast.bob, self._cast.zoe
        status = (
            await self.call(bob, "POST", "/api/v1/statuses", "status=hush @zoe&visibility=direct")
        ).json()
        self.ids["status"] = status["id"]
        await self.call(zoe, "POST", f"/api/v1/statuses/{status['id']}/favourite")
        poll = "status=?&visibility=direct&poll[options][]=a&poll[options][]=b&poll[expires_in]=300"
        self.ids["poll"] = (await self.call(bob, "POST", "/api/v1/statuses", poll)).json()["poll"]["id"]
        self.ids["list"] = (await self.call(bob, "POST", "/api/v1/lists", "title=Friends")).json()["id"]
        featured = await self.call(bob, "POST", "/api/v1/featured_tags", "name=reeds")
        self.ids["featured"] = featured.json()["id"]
        picture = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n%b\r\n--b--\r\n'
        picture %= encode(draw(4, 4), "png")
        upload = await self.call(bob, "POST", "/api/v2/media", picture, "multipart/form-data; boundary=b")
        self.ids["media"] = upload.json()["id"]
        await self.call(bob, "PATCH", "/api/v1/accounts/update_credentials", "locked=1")
        await self.call(zoe, "POST", f"/api/v1/accounts/{bob.id}/follow")
        self.ids["follower"] = str(zoe.id)
        await worker.settle()
        notification = (await self.call(bob, "GET", "/api/v1/notifications")).json()[0]
        self.ids["notification"] = notification["id"]
        self.ids["group"] = notification["group_key"]
        conversation = (await self.call(bob, "GET", "/api/v1/conversations")).json()[0]
        self.ids["conversation"] = conversation["id"]
        self.made = set(self.ids)
        for kind in set(PRIVATE.values()) - self.made:
            self.ids[kind] = status["id"]


async def test_what_is_anothers_is_like_what_is_not_there(server: Any, cast: Any, worker: Any) -> None:
    app = create_app(server, start_worker=False)
    things = Things(app, cast)
    await things.make(worker)
    body = FORM_BODY.format(bob=cast.bob.id)
    wrong: list[str] = []
    for route in WITH_NAMES:
        answers = []
        for name in (things.ids[PRIVATE[named(route.path)]], "117000000000000000"):
            path = re.sub(r"\{.*?\}", name, route.path)
            answer = await things.call(cast.ada, route.method, path, "" if route.method == "GET" else body)
            answers.append((answer.status, answer.body))
        if answers[0] != answers[1] or (
            answers[0][0] != 404 and (route.method, route.path) not in IDEMPOTENT
        ):
            wrong.append(f"{route.method} {route.path}: {answers}")
    assert wrong == []
    # Nothing of it has changed: Bob finds everything as it was.
    for path, kind in PRIVATE.items():
        if kind in things.made and ("GET", path) in {(route.method, route.path) for route in ROUTES}:
            found = await things.call(cast.bob, "GET", re.sub(r"\{.*?\}", things.ids[kind], path))
            assert found.status == 200, (path, found)
