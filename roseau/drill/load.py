"""A load of members who write: posts, pictures, follows, favourites, sign-ins, tokens, second factors.

Each client does one thing after another at its own pace; whatever the site promises goes into the ledger.
"""

import asyncio
import base64
import hashlib
import io
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from itertools import permutations

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from PIL import Image

from roseau.drill.client import Caller, Road, Unanswered
from roseau.drill.ledger import Entry, Kind, Ledger
from roseau.drill.members import (
    Application,
    Browser,
    Member,
    Refused,
    enable_second_factor,
    expect,
    grant_token,
    sign_in,
)

#: Members who only write, and those who sign in once and turn codes on.
WRITERS, CAREFUL = 8, 6
MEMBERS = WRITERS + CAREFUL
#: What an upload is told whose file disappears before it is stored.
_LOST = "Send it again"
#: Seconds until somebody who got no answer tries again: from, to.
_AGAIN = (0.1, 0.3)

Step = Callable[[], Awaitable[None]]


class Load:
    """Clients that write until they are told to stop. `rate`: posts a second of all together."""

    def __init__(
        self,
        road: Road,
        ledger: Ledger,
        members: list[Member],
        application: Application,
        source: random.Random,
        rate: float,
    ) -> None:
        self.road = road
        self.ledger = ledger
        self._writers, self._careful = members[:WRITERS], members[WRITERS:]
        self._application = application
        self._source = source
        self._rate = rate
        self._pairs = list(permutations(self._writers, 2))
        source.shuffle(self._pairs)
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()

    def start(self) -> None:
        """Begin."""
        each = self._rate / WRITERS
        steps = [(self._posting(member, Caller(self.road)), each) for member in self._writers]
        steps += [
            (self._uploading(Caller(self.road)), self._rate / 20),
            (self._favouring(Caller(self.road)), self._rate / 12),
            (self._following(Caller(self.road)), self._rate / 12),
            (self._signing_in(Caller(self.road)), self._rate / 60),
            (self._being_careful(Caller(self.road)), self._rate / 90),
        ]
        self._tasks = [asyncio.create_task(self._repeat(step, pace)) for step, pace in steps]

    async def stop(self) -> None:
        """End when the answers that are on their way have come. Raises what a client stumbled over."""
        self._stopping.set()
        await asyncio.gather(*self._tasks)
        self.ledger.close_open()

    async def abandon(self) -> None:
        """End at once, whatever is on its way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def look(self) -> None:
        """Raises what a client stumbled over."""
        for task in self._tasks:
            if task.done():
                task.result()

    async def _repeat(self, step: Step, pace: float) -> None:
        while not self._stopping.is_set():
            before = len(self.ledger.entries)
            try:
                await step()
                pause = self._source.expovariate(pace)
            except Unanswered:
                pause = self._source.uniform(*_AGAIN)
            except Refused as refused:
                if len(self.ledger.entries) == before:
                    self.ledger.refusals.append(str(refused))
                pause = 1 / pace
            try:
                await asyncio.wait_for(self._stopping.wait(), pause)
            except TimeoutError:
                continue

    @contextmanager
    def _asking(self, kind: Kind, member: Member, key: str = "", value: str = "") -> Iterator[Entry]:
        """A request that goes into the ledger, whatever comes of it; the block acknowledges it."""
        entry = self.ledger.send(kind, member.name, key, value)
        try:
            yield entry
        except Unanswered as unanswered:
            if entry.outcome == "sent":
                self.ledger.leave_open(entry, str(unanswered))
            raise
        except Refused as refused:
            if entry.outcome == "sent":
                self.ledger.refuse(entry, str(refused))
            raise

    def _posting(self, member: Member, caller: Caller) -> Step:
        async def post() -> None:
            text = f"{member.name} writes {self._source.getrandbits(64):016x}"
            with self._asking("post", member, value=text) as entry:
                answer = await caller.post("/api/v1/statuses", {"status": text}, token=member.token)
                self.ledger.acknowledge(entry, key=expect(answer, 200).json()["id"])

        return post

    def _uploading(self, caller: Caller) -> Step:
        async def upload() -> None:
            member = self._source.choice(self._writers)
            picture = draw(self._source)
            with self._asking("upload", member) as entry:
                answer = await caller.upload("/api/v1/media", picture, token=member.token)
                if answer.status == 422 and _LOST in answer.text:
                    # The disk on which it lay before it was stored is gone: nothing was promised.
                    raise Unanswered(_LOST)
                media = expect(answer, 200, 202).json()
                self.ledger.acknowledge(entry, key=media["id"])
            if media["url"]:
                path = path_of(media["url"])
                served = expect(await caller.get(path), 200)
                self.ledger.note(entry, f"{path} {hashlib.sha256(served.body).hexdigest()}")

        return upload

    def _favouring(self, caller: Caller) -> Step:
        async def favour() -> None:
            posts = list(self.ledger.of("post"))
            if not posts:
                return
            member = self._source.choice(self._writers)
            status = self._source.choice(posts).key
            with self._asking("favourite", member, status) as entry:
                answer = await caller.post(f"/api/v1/statuses/{status}/favourite", token=member.token)
                expect(answer, 200)
                self.ledger.acknowledge(entry)

        return favour

    def _following(self, caller: Caller) -> Step:
        async def follow() -> None:
            if not self._pairs:
                return
            follower, followed = self._pairs[-1]
            with self._asking("follow", follower, followed.name) as entry:
                path = f"/api/v1/accounts/{followed.account_id}/follow"
                expect(await caller.post(path, token=follower.token), 200)
                self.ledger.acknowledge(entry)
            self._pairs.pop()

        return follow

    def _signing_in(self, caller: Caller) -> Step:
        """Sign in, let an application in, and let it be woken."""

        async def enter() -> None:
            member = self._source.choice(self._writers)
            browser = Browser(caller)
            await self._open_session(browser, member)
            with self._asking("token", member) as entry:
                token = await grant_token(browser, caller, self._application)
                self.ledger.acknowledge(entry, key=token)
            endpoint = f"https://push.drill.example/{self._source.getrandbits(64):016x}"
            with self._asking("push", member, token, endpoint) as entry:
                form = to_subscription(endpoint, self._source)
                expect(await caller.post("/api/v1/push/subscription", form, token=token), 200)
                self.ledger.acknowledge(entry)

        return enter

    def _being_careful(self, caller: Caller) -> Step:
        """Sign in as somebody new and turn codes on."""

        async def secure() -> None:
            if not self._careful:
                return
            member = self._careful[-1]
            browser = Browser(caller)
            await self._open_session(browser, member)
            # Whoever gets no answer now may have turned codes on: they are left alone from here on.
            self._careful.pop()
            with self._asking("second_factor", member) as entry:
                secret, step = await enable_second_factor(browser, member)
                self.ledger.acknowledge(entry, key=secret, value=str(step))

        return secure

    async def _open_session(self, browser: Browser, member: Member) -> None:
        with self._asking("session", member) as entry:
            await sign_in(browser, member)
            self.ledger.acknowledge(entry, key=browser.cookies["session"])


def path_of(url: str) -> str:
    """The part of an address behind the server's name."""
    return "/" + url.partition("://")[2].partition("/")[2]


def draw(source: random.Random) -> bytes:
    """A small picture unlike any other, as PNG."""
    picture = Image.frombytes("RGB", (12, 12), source.randbytes(12 * 12 * 3))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def to_subscription(endpoint: str, source: random.Random) -> dict[str, str]:
    """A form that asks for pushes to an endpoint, of nothing: the drill has no push service."""
    point = ec.generate_private_key(ec.SECP256R1()).public_key()
    public = point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return {
        "subscription[endpoint]": endpoint,
        "subscription[keys][p256dh]": base64.urlsafe_b64encode(public).decode().rstrip("="),
        "subscription[keys][auth]": base64.urlsafe_b64encode(source.randbytes(16)).decode().rstrip("="),
        "data[alerts][follow]": "false",
    }
