"""Whether everything that was promised is there: what the ledger has as acknowledged, and follower counts."""

import asyncio
import hashlib
import math
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import msgspec

from roseau.drill.client import Answer, Caller, Road, Unanswered
from roseau.drill.ledger import Entry, Ledger
from roseau.drill.load import path_of
from roseau.drill.members import Browser, Member, Refused, sign_in_with_code

T = TypeVar("T")
Judge = Callable[[Caller, T], Awaitable[None]]

_CALLERS = 4
#: As many statuses as the API gives at once.
_AT_ONCE = 20
#: How long a picture that was acknowledged may take to be made after a crash, in seconds.
_MAKING_SECONDS = 30.0
_LOOK = 0.1
_TRIES = 5


class Loss(msgspec.Struct, frozen=True):
    """Something that was acknowledged and is not there, or is not the same."""

    entry: Entry
    why: str

    def __str__(self) -> str:
        return f"lost: {self.entry}: {self.why}"


class Findings(msgspec.Struct):
    """What is not as it was promised; `faults` is what is wrong besides losses."""

    lost: list[Loss] = []
    faults: list[str] = []


async def check(
    ledger: Ledger, road: Road, members: list[Member], promised_until: float | None = None
) -> Findings:
    """Hold the site against the ledger. What was acknowledged after that moment may count or not."""
    checker = _Checker(ledger, road, members, promised_until)
    posts = list(ledger.of("post"))
    await checker.each(_in_groups(posts, _AT_ONCE), checker.posts)
    for member in members:
        liked = [entry for entry in ledger.of("favourite") if entry.who == member.name]
        await checker.each(_in_groups(liked, _AT_ONCE), checker.favourites)
    await checker.each(list(ledger.of("upload")), checker.upload)
    await checker.each(list(ledger.of("token")), checker.token)
    await checker.each(list(ledger.of("push")), checker.push)
    await checker.each(list(ledger.of("session")), checker.session)
    await checker.each(list(ledger.of("second_factor")), checker.second_factor)
    await checker.each(members, checker.member)
    return checker.findings


async def check_pictures(ledger: Ledger, road: Road, members: list[Member]) -> Findings:
    """Only the pictures."""
    checker = _Checker(ledger, road, members)
    await checker.each(list(ledger.of("upload")), checker.upload)
    return checker.findings


def _in_groups(entries: list[Entry], size: int) -> list[list[Entry]]:
    return [entries[at : at + size] for at in range(0, len(entries), size)]


def _ids(entries: Iterable[Entry]) -> str:
    return "&".join(f"id[]={entry.key}" for entry in entries)


class _Checker:
    def __init__(
        self, ledger: Ledger, road: Road, members: list[Member], promised_until: float | None = None
    ) -> None:
        self.findings = Findings()
        self._promised_until = promised_until or math.inf
        self._ledger = ledger
        self._road = road
        self._members = {member.name: member for member in members}

    async def each(self, things: list[T], judge: Judge[T]) -> None:
        """Judge them all, several at once."""
        waiting = list(reversed(things))

        async def work(caller: Caller) -> None:
            while waiting:
                thing = waiting.pop()
                try:
                    await judge(caller, thing)
                except (Unanswered, Refused) as error:
                    self.findings.faults.append(f"{judge.__name__} could not be checked: {error}")
            caller.close()

        await asyncio.gather(*(work(Caller(self._road)) for _ in range(_CALLERS)))

    async def _get(
        self, caller: Caller, path: str, token: str = "", cookies: dict[str, str] | None = None
    ) -> Answer:
        """The answer, asked for again while there is none: a connection may break on a bad line."""
        for _ in range(_TRIES - 1):
            try:
                answer = await caller.get(path, token=token, cookies=cookies)
            except Unanswered:
                await asyncio.sleep(_LOOK)
                continue
            if answer.status < 500:
                return answer
            await asyncio.sleep(_LOOK)
        return await caller.get(path, token=token, cookies=cookies)

    def _lose(self, entry: Entry, why: str) -> None:
        self.findings.lost.append(Loss(entry, why))

    async def posts(self, caller: Caller, entries: list[Entry]) -> None:
        """Posts are there, with their text."""
        token = self._members[entries[0].who].token
        answer = await self._get(caller, f"/api/v1/statuses?{_ids(entries)}", token)
        found = {status["id"]: status["content"] for status in answer.json()}
        for entry in entries:
            if entry.key not in found:
                self._lose(entry, "it is not there")
            elif found[entry.key] != f"<p>{entry.value}</p>":
                self._lose(entry, f"its text is {found[entry.key]!r}")

    async def favourites(self, caller: Caller, entries: list[Entry]) -> None:
        """Favourites of one member are there."""
        token = self._members[entries[0].who].token
        answer = await self._get(caller, f"/api/v1/statuses?{_ids(entries)}", token)
        liked = {status["id"] for status in answer.json() if status["favourited"]}
        for entry in entries:
            if entry.key not in liked:
                self._lose(entry, "it is not a favourite")

    async def upload(self, caller: Caller, entry: Entry) -> None:
        """A picture is there, byte for byte as it was first served."""
        path, _, digest = entry.value.partition(" ")
        if not path:
            path = await self._find_picture(caller, entry)
        if not path:
            return
        answer = await self._get(caller, path)
        if answer.status != 200:
            self._lose(entry, f"its file answers {answer.status}")
        elif digest and hashlib.sha256(answer.body).hexdigest() != digest:
            self._lose(entry, "its file is another one")

    async def _find_picture(self, caller: Caller, entry: Entry) -> str:
        """Where a picture is served whose making the load did not see; empty when it is lost."""
        until = time.monotonic() + _MAKING_SECONDS
        token = self._members[entry.who].token
        answer = await self._get(caller, f"/api/v1/media/{entry.key}", token)
        while answer.status == 206 and time.monotonic() < until:
            await asyncio.sleep(_LOOK)
            answer = await self._get(caller, f"/api/v1/media/{entry.key}", token)
        if answer.status != 200:
            self._lose(entry, f"it answers {answer.status}")
            return ""
        return path_of(answer.json()["url"])

    async def token(self, caller: Caller, entry: Entry) -> None:
        """A token opens the account that it was given for."""
        answer = await self._get(caller, "/api/v1/accounts/verify_credentials", entry.key)
        if answer.status != 200 or answer.json()["username"] != entry.who:
            self._lose(entry, f"it opens nothing ({answer.status})")

    async def push(self, caller: Caller, entry: Entry) -> None:
        """A subscription is still listed."""
        answer = await self._get(caller, "/api/v1/push/subscription", entry.key)
        if answer.status != 200 or answer.json()["endpoint"] != entry.value:
            self._lose(entry, f"it is not listed ({answer.status})")

    async def session(self, caller: Caller, entry: Entry) -> None:
        """A browser that was signed in still is."""
        answer = await self._get(caller, "/home", cookies={"session": entry.key})
        if answer.status != 200:
            self._lose(entry, f"its home page answers {answer.status}")

    async def second_factor(self, caller: Caller, entry: Entry) -> None:
        """A code is still asked for, and the right one opens the door."""
        member = self._members[entry.who]
        if not await sign_in_with_code(Browser(caller), member, entry.key, int(entry.value)):
            self._lose(entry, "no code was asked for")

    async def member(self, caller: Caller, member: Member) -> None:
        """The token from before the load works, follows are there, and the followers are counted right."""
        answer = await self._get(caller, f"/api/v1/accounts/{member.account_id}", member.token)
        if answer.status != 200:
            self.findings.faults.append(f"the account of {member.name} answers {answer.status}")
            return
        acknowledged = [entry for entry in self._ledger.of("follow") if entry.key == member.name]
        sure = {entry.who for entry in acknowledged if entry.answered_at < self._promised_until}
        perhaps = {entry.who for entry in self._ledger.of("follow", "unknown") if entry.key == member.name}
        perhaps |= {entry.who for entry in acknowledged}
        counted = answer.json()["followers_count"]
        if not len(sure) <= counted <= len(sure | perhaps):
            self.findings.faults.append(
                f"{member.name} has {counted} followers; {len(sure)} to {len(sure | perhaps)} were promised"
            )
        await self._follows(caller, member)

    async def _follows(self, caller: Caller, member: Member) -> None:
        promised = [entry for entry in self._ledger.of("follow") if entry.who == member.name]
        if not promised:
            return
        query = "&".join(f"id[]={self._members[entry.key].account_id}" for entry in promised)
        answer = await self._get(caller, f"/api/v1/accounts/relationships?{query}", member.token)
        if answer.status != 200:
            self.findings.faults.append(f"the token of {member.name} answers {answer.status}")
            return
        following = {relation["id"] for relation in answer.json() if relation["following"]}
        for entry in promised:
            if self._members[entry.key].account_id not in following:
                self._lose(entry, "it is not there")
