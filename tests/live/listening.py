"""Waits, never for long: for what a stream says, and for what the server does after it has answered."""

import queue
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from mastodon import Mastodon, StreamListener

T = TypeVar("T")
PATIENCE = 10.0


class Listener(StreamListener):
    """Keeps what a stream says, in its order, for `heard`."""

    def __init__(self) -> None:
        super().__init__()
        self._events: queue.Queue[tuple[str, Any]] = queue.Queue()

    def handle_heartbeat(self) -> None:
        """The stream is open."""
        self._events.put(("heartbeat", None))

    def on_update(self, status: Any) -> None:
        """A post."""
        self._events.put(("update", status))

    def on_status_update(self, status: Any) -> None:
        """A post that was edited."""
        self._events.put(("status.update", status))

    def on_delete(self, status_id: Any) -> None:
        """The id of a post that is gone."""
        self._events.put(("delete", status_id))

    def on_notification(self, notification: Any) -> None:
        """A notification."""
        self._events.put(("notification", notification))

    def heard(self, kind: str, about: Callable[[Any], bool] = lambda value: True) -> Any:
        """The next event of this kind for which `about` holds; others before it are passed over."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                event, value = self._events.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"the stream said no such {kind}") from None
            if event == kind and about(value):
                return value


@contextmanager
def listening(client: Mastodon) -> Iterator[Listener]:
    """Listens to the member's own stream, which is open when the block begins."""
    listener = Listener()
    handle = client.stream_user(listener, run_async=True)
    try:
        listener.heard("heartbeat")
        yield listener
    finally:
        # Closing alone would wait for the next word of the stream, which may be a quarter of a minute away.
        handle.closed = True
        handle.connection.raw.shutdown()
        handle.close()


def eventually(ask: Callable[[], T]) -> T:
    """The first answer that is true: home timelines, notifications and the index follow a post."""
    deadline = time.monotonic() + PATIENCE
    while not (answer := ask()):
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)
    return answer
