"""Streaming (docs.joinmastodon.org/methods/streaming): server-sent events, and a WebSocket for many streams.

Each event carries the number that it has in the log: a client that comes back with `Last-Event-ID` is
first given what it missed. What several listeners are sent is encoded once.
"""

import asyncio
from contextlib import suppress

import msgspec
from starlette.responses import Response
from starlette.routing import WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from roseau.api.present.conversations import to_conversation
from roseau.api.present.notifications import to_notification
from roseau.api.present.statuses import to_status
from roseau.api.routing import Call, Routes, to_error
from roseau.domain.notifications.official import OURS
from roseau.domain.notifications.reading import find_notification
from roseau.domain.statuses.conversations import load_conversation
from roseau.domain.statuses.loading import load_status
from roseau.doors import limits
from roseau.doors.callers import Caller, bearer_of, check_caller, find_caller
from roseau.doors.server import Server, server_of
from roseau.kernel.errors import BadRequest, NotFound, RoseauError, Unauthorized
from roseau.kernel.ids import parse_id
from roseau.kernel.text.searching import normalise_hashtag
from roseau.storage.database import Transaction
from roseau.streams import Channel, Delivery, Ended, Signal, Subscription
from roseau.streams.dealing import owns_list

routes = Routes()

READ = "read:statuses"
NOTIFICATIONS = "read:notifications"
#: Streams that one socket may have open, and the longest message that it may send (characters).
MOST_CHANNELS = 100
MOST_MESSAGE = 2_000
_PUBLIC = frozenset(f"public{where}{what}" for where in ("", ":local", ":remote") for what in ("", ":media"))
_BY_MEMBER = ("user", "user:notification", "direct")


class Wanted(msgspec.Struct):
    """What a client asks to hear: the name of a stream, and the hashtag or list that it is about."""

    type: str = ""
    stream: str = ""
    tag: str = ""
    list: str | int = ""


def find_channel(tx: Transaction, caller: Caller, wanted: Wanted) -> Channel:
    """The channel that is asked for. Raises BadRequest, Forbidden, NotFound."""
    name = wanted.stream
    if name in _PUBLIC:
        return Channel(name)
    if name in _BY_MEMBER:
        scope = NOTIFICATIONS if name == "user:notification" else READ
        check_caller(caller, scope, member=True, confirmed=True)
        return Channel(name, caller.viewer)
    if name in ("hashtag", "hashtag:local"):
        tag = normalise_hashtag(wanted.tag)
        if not tag:
            raise BadRequest("Missing tag name parameter")
        return Channel(name, tag)
    if name != "list":
        raise BadRequest("Unknown stream type")
    check_caller(caller, READ, member=True, confirmed=True)
    list_id = parse_id(str(wanted.list))
    if list_id is None:
        raise BadRequest("Missing list name parameter")
    if not owns_list(tx, caller.viewer, list_id):
        raise NotFound
    return Channel(name, list_id)


# What is sent


async def _encode(server: Server, signal: Signal) -> bytes | None:
    """What is new, as JSON; None when there is nothing to see any more. Encoded once for all listeners."""
    task = signal.made.get("json")
    if task is None:
        task = asyncio.ensure_future(server.database.read(_render, server.site.base_url, signal))
        signal.made["json"] = task
    # The first listener may go away while the others wait for what it began.
    encoded: bytes | None = await asyncio.shield(task)
    return encoded


def _render(tx: Transaction, base_url: str, signal: Signal) -> bytes | None:
    viewer, subject = signal.viewer_id, signal.subject_id
    if signal.kind == "delete":
        return str(subject).encode()
    if signal.kind == "notification":
        notification = find_notification(tx, viewer, subject)
        # Types that Mastodon does not have are told to those who ask for them by name; nobody can, here.
        if notification is None or notification.type in OURS:
            return None
        return to_notification(base_url, notification, viewer)
    if signal.kind in ("update", "status.update"):
        # As in Mastodon, without what the reader did with it: so it is the same for everyone.
        status = load_status(tx, viewer, subject)
        return None if status is None else to_status(base_url, status, 0)
    if signal.kind == "conversation":
        try:
            return to_conversation(base_url, load_conversation(tx, viewer, subject), viewer)
        except NotFound:
            return None
    return None


def _may_hear(caller: Caller, delivery: Delivery) -> bool:
    """The stream of a member brings notifications only to a token that may read them."""
    return delivery.signal.kind != "notification" or caller.has(NOTIFICATIONS)


# Server-sent events (html.spec.whatwg.org, section 9.2)


class EventStream(Response):
    """An answer that goes on until one side has enough."""

    def __init__(self, call: Call, channel: Channel) -> None:
        super().__init__(
            headers=call.headers | {"Cache-Control": "private, no-store", "X-Accel-Buffering": "no"},
            media_type="text/event-stream",
        )
        del self.headers["content-length"]
        self.server = call.server
        self.caller = call.member
        self.channel = channel
        self.last_seen = parse_id(call.request.headers.get("last-event-id"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what comes; ends with the connection, the token or the server."""
        hub = self.server.hub
        subscription = await hub.subscribe(self.caller.viewer, [self.channel], token_id=self.caller.token_id)
        gone = asyncio.ensure_future(_wait_until_gone(receive, subscription))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await _send_part(send, b":)\n")
            if self.last_seen is not None:
                missed = await hub.list_missed(subscription, self.last_seen)
                if frames := await self._to_frames(missed):
                    await _send_part(send, frames)
            while True:
                deliveries = await subscription.receive()
                if frames := await self._to_frames(deliveries) if deliveries else b":thump\n":
                    await _send_part(send, frames)
        except Ended:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except asyncio.CancelledError:
            # The hub cut off a listener that does not read; whoever else cancels means it.
            if not subscription.ended:
                raise
        finally:
            gone.cancel()
            hub.unsubscribe(subscription)

    async def _to_frames(self, deliveries: list[Delivery]) -> bytes:
        frames: list[bytes] = []
        for delivery in deliveries:
            if _may_hear(self.caller, delivery):
                frames.append(delivery.signal.made.get("sse") or await self._to_frame(delivery.signal))
        return b"".join(frames)

    async def _to_frame(self, signal: Signal) -> bytes:
        encoded = await _encode(self.server, signal)
        if encoded is None:
            return b""
        frame = b"id: %d\nevent: %b\ndata: %b\n\n" % (signal.seq, signal.kind.encode(), encoded)
        signal.made["sse"] = frame
        return frame


async def _send_part(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _wait_until_gone(receive: Receive, subscription: Subscription) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    subscription.end()


class StreamQuery(msgspec.Struct):
    """What can be asked of a stream of events."""

    tag: str = ""
    list: str = ""
    only_media: bool = False


async def _open(call: Call, name: str) -> Response:
    form = await call.form(StreamQuery)
    if form.only_media and name in _PUBLIC:
        name += ":media"
    wanted = Wanted(stream=name, tag=form.tag, list=form.list)
    channel = await call.server.database.read(find_channel, call.member, wanted)
    return EventStream(call, channel)


@routes.get("/api/v1/streaming/health", access="probe")
async def health(call: Call) -> Response:
    """The streams are here."""
    return Response("OK", headers=call.headers, media_type="text/plain")


@routes.get("/api/v1/streaming/user", scope=READ)
async def user(call: Call) -> Response:
    """The member's home timeline, and notifications."""
    return await _open(call, "user")


@routes.get("/api/v1/streaming/user/notification", scope=NOTIFICATIONS)
async def user_notification(call: Call) -> Response:
    """The member's notifications."""
    return await _open(call, "user:notification")


@routes.get("/api/v1/streaming/direct", scope=READ)
async def direct(call: Call) -> Response:
    """The member's private conversations."""
    return await _open(call, "direct")


@routes.get("/api/v1/streaming/public", scope=READ)
async def public(call: Call) -> Response:
    """Everybody's public posts."""
    return await _open(call, "public")


@routes.get("/api/v1/streaming/public/local", scope=READ)
async def public_local(call: Call) -> Response:
    """Public posts of this site."""
    return await _open(call, "public:local")


@routes.get("/api/v1/streaming/public/remote", scope=READ)
async def public_remote(call: Call) -> Response:
    """Public posts of other sites."""
    return await _open(call, "public:remote")


@routes.get("/api/v1/streaming/hashtag", scope=READ)
async def hashtag(call: Call) -> Response:
    """Public posts with a hashtag."""
    return await _open(call, "hashtag")


@routes.get("/api/v1/streaming/hashtag/local", scope=READ)
async def hashtag_local(call: Call) -> Response:
    """Public posts of this site with a hashtag."""
    return await _open(call, "hashtag:local")


@routes.get("/api/v1/streaming/list", scope=READ)
async def of_list(call: Call) -> Response:
    """What the members of one of one's lists post."""
    return await _open(call, "list")


# The WebSocket (RFC 6455)


class Socket:
    """One WebSocket, with the streams that its client has open."""

    def __init__(
        self, websocket: WebSocket, server: Server, caller: Caller, subscription: Subscription
    ) -> None:
        self.websocket = websocket
        self.server = server
        self.caller = caller
        self.subscription = subscription
        #: What the client calls each channel: `["user"]`, `["hashtag", "Cats"]`.
        self.names: dict[Channel, list[str]] = {}

    async def listen(self) -> None:
        """Take what the client says, until it is gone."""
        try:
            while (message := await self.websocket.receive())["type"] != "websocket.disconnect":
                try:
                    await self.obey(message.get("text") or "")
                except RoseauError as error:
                    await self.websocket.send_json({"error": str(error), "status": error.status})
        except (WebSocketDisconnect, WebSocketDisconnected):
            # Gone, or closed by us, while we answered.
            pass
        self.subscription.end()

    async def obey(self, text: str) -> None:
        """Open or close a stream. Raises what `find_channel` raises."""
        try:
            wanted = msgspec.json.decode(text if len(text) <= MOST_MESSAGE else "", type=Wanted)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
            raise BadRequest("The message is not one that can be read") from error
        if wanted.type == "subscribe":
            await self.open(wanted)
        elif wanted.type == "unsubscribe":
            channel = await self.server.database.read(find_channel, self.caller, wanted)
            self.names.pop(channel, None)
            self.server.hub.ignore(self.subscription, channel)

    async def open(self, wanted: Wanted) -> None:
        """Open a stream; nothing happens when it is open."""
        channel = await self.server.database.read(find_channel, self.caller, wanted)
        if channel not in self.names and len(self.names) >= MOST_CHANNELS:
            raise BadRequest("Too many streams on one connection")
        about = {"list": str(wanted.list), "hashtag": wanted.tag, "hashtag:local": wanted.tag}
        self.names[channel] = [wanted.stream, *([about[wanted.stream]] if wanted.stream in about else [])]
        await self.server.hub.listen(self.subscription, channel)

    async def send(self, delivery: Delivery) -> None:
        """Send what is new on a stream that is open still."""
        names = self.names.get(delivery.channel)
        if names is None or not _may_hear(self.caller, delivery):
            return
        tail = delivery.signal.made.get("socket") or await self._to_tail(delivery.signal)
        if tail:
            await self.websocket.send_text('{"stream":' + msgspec.json.encode(names).decode() + tail)

    async def _to_tail(self, signal: Signal) -> str:
        """The end of the message, which is the same for every listener. The payload is JSON as text."""
        encoded = await _encode(self.server, signal)
        if encoded is None:
            return ""
        payload = msgspec.json.encode(encoded.decode()).decode()
        tail: str = f',"event":"{signal.kind}","payload":{payload}}}'
        signal.made["socket"] = tail
        return tail


async def _serve_socket(websocket: WebSocket) -> None:
    server = server_of(websocket)
    protocols = websocket.scope.get("subprotocols") or []
    # A page cannot set headers of a WebSocket, so its token may come as the protocol or in the query.
    token = bearer_of(websocket) or websocket.query_params.get("access_token") or next(iter(protocols), None)
    try:
        caller = await server.database.read(find_caller, token)
        check_caller(caller, None, member=True, confirmed=True)
        if caller is None:
            raise Unauthorized
        if server.settings.rate_limits:
            server.counter.spend(limits.BY_MEMBER, str(caller.viewer))
    except RoseauError as error:
        await websocket.send_denial_response(to_error(error))
        return
    await websocket.accept(subprotocol=token if token in protocols else None)
    subscription = await server.hub.subscribe(caller.viewer, token_id=caller.token_id)
    socket = Socket(websocket, server, caller, subscription)
    listening = asyncio.ensure_future(_start_socket(socket))
    try:
        while True:
            for delivery in await subscription.receive():
                await socket.send(delivery)
    except Ended:
        with suppress(WebSocketDisconnected, WebSocketDisconnect):
            await websocket.close(1001)
    except WebSocketDisconnect:
        pass
    except asyncio.CancelledError:
        if not subscription.ended:
            raise
    finally:
        listening.cancel()
        server.hub.unsubscribe(subscription)


async def _start_socket(socket: Socket) -> None:
    """Open the stream that the address names, if it does, then take what the client says."""
    query = socket.websocket.query_params
    if query.get("stream"):
        wanted = Wanted(stream=query["stream"], tag=query.get("tag", ""), list=query.get("list", ""))
        try:
            await socket.open(wanted)
        except RoseauError as error:
            await socket.websocket.send_json({"error": str(error), "status": error.status})
    await socket.listen()


#: Beside the table of endpoints, because it is no request that is answered.
SOCKETS = [WebSocketRoute("/api/v1/streaming", _serve_socket)]
