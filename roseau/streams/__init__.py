"""Open streams: who listens to what (`hub`), and what the log of events has for them (`dealing`).

Everything here deals in ids. `api/streaming.py` and `web/live.py` turn them into what each protocol sends.
"""

from roseau.streams.dealing import Channel, Signal
from roseau.streams.hub import Delivery, Ended, Hub, Subscription

__all__ = ["Channel", "Delivery", "Ended", "Hub", "Signal", "Subscription"]
