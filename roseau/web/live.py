"""What changes while a page is open, as two numbers: new posts in its timeline, unread notifications.

`GET /live` is a stream of server-sent events, `GET /live/count` the same once, for who gets no stream.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from roseau.domain.notifications.official import OURS
from roseau.domain.notifications.reading import Choice, count_unread
from roseau.domain.statuses.loading import StatusView
from roseau.domain.timelines.queries import count_newer, list_list, list_public, list_tagged
from roseau.doors.server import Server, server_of
from roseau.kernel.errors import RoseauError, Unauthorized
from roseau.kernel.ids import parse_id
from roseau.kernel.text.searching import normalise_hashtag
from roseau.storage.database import Transaction
from roseau.storage.pages import Page
from roseau.streams import Channel, Ended, Subscription
from roseau.web.rendering import viewer_of
from roseau.web.sessions import session_of

#: Of other timelines than home no more than this is counted.
_MOST: Final = 40
#: A busy timeline is counted no more often than this (seconds).
_PAUSE: Final = 1.0
_HEARTBEAT: Final = b":\n\n"
_NO_STORE: Final = {"Cache-Control": "private, no-store"}

Count = Callable[[Transaction], int]


class Counts(msgspec.Struct, frozen=True):
    """What js/feed.js shows."""

    new: int
    unread: int


class _Watched(msgspec.Struct, frozen=True):
    """What a page wants to hear of."""

    member_id: int
    count: Count
    channels: tuple[Channel, ...]

    def look(self, tx: Transaction) -> Counts:
        return Counts(self.count(tx), count_unread(tx, self.member_id, Choice(known=OURS)))


def _watched(request: Request) -> _Watched:
    """What the page's address names; an unknown timeline has nothing new. Raises Unauthorized."""
    viewer = viewer_of(request)
    if viewer is None:
        raise Unauthorized("Sign in to see what is new.")
    member_id = viewer.account.id
    since = parse_id(request.query_params.get("since")) or 0
    kind, _, key = request.query_params.get("timeline", "").partition(":")
    own = Channel("user", member_id)
    list_id = parse_id(key)
    if kind == "home":
        return _Watched(member_id, partial(_newer_at_home, member_id, since), (own,))
    if kind == "list" and list_id:
        # Nothing of anybody else's list is counted; its channel only says when to count.
        count = partial(_newer_on_list, member_id, since, list_id)
        return _Watched(member_id, count, (own, Channel("list", list_id)))
    if kind in ("local", "public"):
        count = partial(_newer_in_public, member_id, since, kind == "local")
        return _Watched(member_id, count, (own, Channel("public:local" if kind == "local" else "public")))
    if kind == "tag" and (tag := normalise_hashtag(key)):
        count = partial(_newer_tagged, member_id, since, tag)
        return _Watched(member_id, count, (own, Channel("hashtag", tag)))
    return _Watched(member_id, _nothing, (own,))


def _nothing(tx: Transaction) -> int:
    return 0


def _newer_at_home(member_id: int, since: int, tx: Transaction) -> int:
    return count_newer(tx, member_id, since)


def _newer_on_list(member_id: int, since: int, list_id: int, tx: Transaction) -> int:
    return _of_others(member_id, list_list(tx, member_id, list_id, _page(since)))


def _newer_in_public(member_id: int, since: int, local: bool, tx: Transaction) -> int:
    return _of_others(member_id, list_public(tx, member_id, _page(since), local=local))


def _newer_tagged(member_id: int, since: int, tag: str, tx: Transaction) -> int:
    return _of_others(member_id, list_tagged(tx, member_id, _page(since), [tag]))


def _page(since: int) -> Page:
    return Page(limit=_MOST, since_id=since)


def _of_others(member_id: int, views: list[StatusView]) -> int:
    return sum(view.author.id != member_id for view in views)


async def count(request: Request) -> Response:
    """The numbers as they are now."""
    counts = await server_of(request).database.scan(_watched(request).look)
    return Response(msgspec.json.encode(counts), headers=_NO_STORE, media_type="application/json")


async def stream(request: Request) -> Response:
    """The numbers whenever they change, until the page is closed or the session ends."""
    session = session_of(request)
    return _Stream(server_of(request), _watched(request), session.id if session else None)


class _Stream(Response):
    def __init__(self, server: Server, watched: _Watched, session_id: int | None) -> None:
        super().__init__(headers=_NO_STORE | {"X-Accel-Buffering": "no"}, media_type="text/event-stream")
        del self.headers["content-length"]
        self.server = server
        self.watched = watched
        self.session_id = session_id
        self.shown: Counts | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hub = self.server.hub
        watched = self.watched
        subscription = await hub.subscribe(watched.member_id, watched.channels, session_id=self.session_id)
        gone = asyncio.ensure_future(_wait_until_gone(receive, subscription))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await _send_part(send, await self._to_frame() or _HEARTBEAT)
            while True:
                news = await subscription.receive()
                frame = await self._to_frame() if news else b""
                await _send_part(send, frame or _HEARTBEAT)
                if news:
                    await asyncio.sleep(_PAUSE)
        except Ended:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except asyncio.CancelledError:
            # The hub cut off a listener that does not read; whoever else cancels means it.
            if not subscription.ended:
                raise
        finally:
            gone.cancel()
            hub.unsubscribe(subscription)

    async def _to_frame(self) -> bytes:
        """The numbers, if they are others than before."""
        try:
            counts = await self.server.database.scan(self.watched.look)
        except RoseauError:
            # The database does not answer at the moment; the next signal asks again.
            return b""
        if counts == self.shown:
            return b""
        self.shown = counts
        return b"data: %b\n\n" % msgspec.json.encode(counts)


async def _send_part(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _wait_until_gone(receive: Receive, subscription: Subscription) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    subscription.end()


routes = [
    Route("/live", stream),
    Route("/live/count", count),
]
