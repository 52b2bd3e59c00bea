"""The hub: tails the log once for all open streams, and knows who listens to what.

A listener that does not keep up is cut off: it reconnects and resumes where it was, and nobody waits
for it. A listener whose token or login has ended is found at its next heartbeat.
"""

import asyncio
import logging
import traceback
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from sqlalchemy import select

from roseau.domain.events import to_event
from roseau.kernel.errors import RoseauError
from roseau.storage import events
from roseau.storage.database import Database, Transaction
from roseau.storage.schema.accounts import accounts, sessions, users
from roseau.storage.schema.oauth import oauth_tokens
from roseau.storage.statements import one_of, statement
from roseau.streams.dealing import Audience, Channel, Signal, list_signals

log = logging.getLogger("roseau.streams")

#: Events that are dealt with at a time, so that a flood of them leaves room for other work.
BATCH = 20
#: A listener may be this many signals behind before it is cut off.
MOST_WAITING = 500
#: A heartbeat comes this often (seconds), to a fifteenth of the listeners each second.
HEARTBEAT = 15
#: How far back in the log a listener can resume, and how many signals it is given then.
MOST_MISSED_EVENTS = 5_000
MOST_MISSED = 500
#: Without news the log is looked at this often all the same: another process may have written.
IDLE_SECONDS = 2.0


class Delivery(NamedTuple):
    """A signal, and the channel on which it came."""

    channel: Channel
    signal: Signal


class Ended(Exception):
    """The subscription is over: the listener was too slow, lost its right, or the server stops."""


class Subscription:
    """One listener. Made by `Hub.subscribe`; to be closed by whoever asked for it."""

    def __init__(self, account_id: int, token_id: int | None, session_id: int | None, slot: int) -> None:
        self.account_id = account_id
        self.token_id = token_id
        self.session_id = session_id
        self.slot = slot
        self.channels: set[Channel] = set()
        #: The last event of the log that is not for `receive` but for `Hub.list_missed` to tell.
        self.since = 0
        self._waiting: list[Delivery] = []
        self._news = asyncio.Event()
        self._ended = False
        self._task = asyncio.current_task()

    async def receive(self) -> list[Delivery]:
        """What came since the last call; waits for it. Empty at a heartbeat. Raises Ended."""
        if not self._ended:
            await self._news.wait()
        if self._ended:
            raise Ended
        self._news.clear()
        received, self._waiting = self._waiting, []
        return received

    def put(self, delivery: Delivery) -> None:
        """Hand over a signal; a listener that is too far behind is cut off."""
        if self._ended:
            return
        if len(self._waiting) >= MOST_WAITING:
            self.end()
            if self._task is not None:
                # It hangs in a send that the other side does not read.
                self._task.cancel()
            return
        self._waiting.append(delivery)
        self._news.set()

    def beat(self) -> None:
        """Let the listener show that it is alive."""
        self._news.set()

    def end(self) -> None:
        """There is nothing more to come."""
        self._ended = True
        self._waiting.clear()
        self._news.set()

    @property
    def ended(self) -> bool:
        """Whether there is nothing more to come."""
        return self._ended


_tokens = statement(
    select(oauth_tokens.c.id).where(one_of(oauth_tokens.c.id, "ids"), oauth_tokens.c.revoked_at.is_(None))
)
_sessions = statement(
    select(sessions.c.id).where(one_of(sessions.c.id, "ids"), sessions.c.revoked_at.is_(None))
)
_members = statement(
    select(users.c.account_id)
    .join(accounts, accounts.c.id == users.c.account_id)
    .where(
        one_of(users.c.account_id, "ids"),
        users.c.disabled_at.is_(None),
        accounts.c.suspended_at.is_(None),
        accounts.c.deleted_at.is_(None),
    )
)


class Hub:
    """Everyone who listens. One for each server; `run` for a server, `step` and `beat` for tests."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cursor = database.read_now(events.find_last_event)
        self._news = asyncio.Event()
        # Whoever subscribes while events are being dealt out would miss them: they come one after the other.
        self._dealing = asyncio.Lock()
        self._listeners: dict[Channel, set[Subscription]] = {}
        self._subscriptions: set[Subscription] = set()
        self._slots = 0
        self._closed = False
        database.on_events.append(self.wake)

    def wake(self) -> None:
        """There are new events in the log."""
        self._news.set()

    def __len__(self) -> int:
        """How many listen."""
        return len(self._subscriptions)

    # Listeners

    async def subscribe(
        self,
        account_id: int,
        channels: Iterable[Channel] = (),
        *,
        token_id: int | None = None,
        session_id: int | None = None,
    ) -> Subscription:
        """Listen to these channels from now on. The caller has made sure that the member may.

        The subscription ends when the token or session it came with is revoked, or the member's login ends.
        """
        self._slots += 1
        subscription = Subscription(account_id, token_id, session_id, self._slots % HEARTBEAT)
        async with self._dealing:
            if self._closed:
                subscription.end()
            subscription.since = self._cursor
            self._subscriptions.add(subscription)
            for channel in channels:
                self._add(subscription, channel)
        return subscription

    async def listen(self, subscription: Subscription, channel: Channel) -> None:
        """Listen to one more channel."""
        async with self._dealing:
            self._add(subscription, channel)

    def _add(self, subscription: Subscription, channel: Channel) -> None:
        if subscription in self._subscriptions:
            subscription.channels.add(channel)
            self._listeners.setdefault(channel, set()).add(subscription)

    def ignore(self, subscription: Subscription, channel: Channel) -> None:
        """Listen to a channel no longer."""
        subscription.channels.discard(channel)
        listeners = self._listeners.get(channel)
        if listeners is not None:
            listeners.discard(subscription)
            if not listeners:
                del self._listeners[channel]

    def unsubscribe(self, subscription: Subscription) -> None:
        """Listen to nothing any more."""
        for channel in list(subscription.channels):
            self.ignore(subscription, channel)
        self._subscriptions.discard(subscription)
        subscription.end()

    async def list_missed(self, subscription: Subscription, after: int) -> list[Delivery]:
        """What a listener missed since event `after`, the last it was told: all up to its subscription."""
        if after >= subscription.since:
            return []
        return await self._database.scan(_list_missed, subscription, after)

    # The log

    async def run(self) -> None:
        """Tell everyone what comes, until cancelled; then every subscription has ended."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._follow())
                group.create_task(self._keep_beating())
        finally:
            self.close()

    def close(self) -> None:
        """End every subscription, now and to come: the server stops."""
        self._closed = True
        for subscription in self._subscriptions:
            subscription.end()

    async def _follow(self) -> None:
        while True:
            try:
                self._news.clear()
                while await self.step():
                    await asyncio.sleep(0)
            except RoseauError:  # the database does not answer: what it holds is told when it does again
                log.warning("streams_wait\n%s", traceback.format_exc())
                await asyncio.sleep(IDLE_SECONDS)
            except Exception:  # one event that cannot be told must not silence all that come after it
                log.error("streams_failed\n%s", traceback.format_exc())
                await self._start_over()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), IDLE_SECONDS)

    async def _start_over(self) -> None:
        """Go on behind what could not be told. Who listens is hung up on, and asks for what it missed."""
        for subscription in self._subscriptions:
            subscription.end()
        with suppress(RoseauError):
            self._cursor = await self._database.read(events.find_last_event)

    async def _keep_beating(self) -> None:
        slot = 0
        while True:
            await asyncio.sleep(1)
            slot = (slot + 1) % HEARTBEAT
            with suppress(RoseauError):
                await self.beat(slot)

    async def step(self) -> int:
        """Deal with the next events; how many they were."""
        async with self._dealing:
            told = self._database.told
            if not self._subscriptions:
                last = await self._database.read(events.find_last_event)
                self._cursor = max(self._cursor, last if told is None else min(last, told))
                return 0
            audience = _to_audience(self._listeners, self._subscriptions)
            last, signals = await self._database.read(_deal, self._cursor, told, audience)
            dealt = last - self._cursor
            self._cursor = last
            for signal in signals:
                self._send(signal)
            return dealt

    def _send(self, signal: Signal) -> None:
        for channel in signal.channels:
            delivery = Delivery(channel, signal)
            for subscription in self._listeners.get(channel, ()):
                if subscription.account_id not in signal.hidden_from:
                    subscription.put(delivery)

    async def beat(self, slot: int | None = None) -> None:
        """Let the listeners of this slot (None: all) show themselves; end those who lost their right."""
        asked = [item for item in self._subscriptions if slot is None or item.slot == slot]
        if not asked:
            return
        lost = await self._database.read(_list_lost, asked)
        for subscription in asked:
            if subscription in lost:
                subscription.end()
            else:
                subscription.beat()


def _to_audience(channels: Iterable[Channel], subscriptions: Iterable[Subscription]) -> Audience:
    open_channels: dict[str, set[int | str]] = defaultdict(set)
    for channel in channels:
        open_channels[channel.name].add(channel.key)
    return Audience(dict(open_channels), {item.account_id for item in subscriptions})


def _deal(tx: Transaction, after: int, told: int | None, audience: Audience) -> tuple[int, list[Signal]]:
    """The next signals, but for those of commits that are not acknowledged yet."""
    signals: list[Signal] = []
    last = after
    for row in events.list_events(tx, after, BATCH):
        if told is not None and row.seq > told:
            break
        last = row.seq
        event = to_event(row.kind, row.payload)
        if event is not None:
            signals += list_signals(tx, row.seq, event, audience)
    return last, signals


def _list_missed(tx: Transaction, subscription: Subscription, after: int) -> list[Delivery]:
    audience = _to_audience(subscription.channels, [subscription])
    missed: list[Delivery] = []
    position = max(after, subscription.since - MOST_MISSED_EVENTS)
    while position < subscription.since:
        rows = events.list_events(tx, position, 500)
        for row in rows:
            position = row.seq
            event = to_event(row.kind, row.payload) if position <= subscription.since else None
            for signal in list_signals(tx, row.seq, event, audience) if event else ():
                if subscription.account_id not in signal.hidden_from:
                    missed += [Delivery(channel, signal) for channel in signal.channels]
        if not rows:
            break
    return missed[-MOST_MISSED:]


def _list_lost(tx: Transaction, asked: list[Subscription]) -> set[Subscription]:
    tokens = {item.token_id for item in asked if item.token_id is not None}
    held = {item.session_id for item in asked if item.session_id is not None}
    good = {
        "tokens": set(tx.values(_tokens, ids=list(tokens))) if tokens else set(),
        "sessions": set(tx.values(_sessions, ids=list(held))) if held else set(),
        "members": set(tx.values(_members, ids=list({item.account_id for item in asked}))),
    }
    return {
        item
        for item in asked
        if item.account_id not in good["members"]
        or (item.token_id is not None and item.token_id not in good["tokens"])
        or (item.session_id is not None and item.session_id not in good["sessions"])
    }
