"""Where log lines go: standard error, one line each, in UTC."""

import logging
import sys
import time

from roseau.settings import Settings

LEVELS = {"requests": logging.INFO, "events": logging.INFO, "quiet": logging.ERROR}


def log_to_stderr(settings: Settings) -> None:
    """One line per request, per job and per event that matters."""
    handler = logging.StreamHandler(sys.stderr)
    formatter = logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s %(message)s")
    formatter.converter = time.gmtime
    formatter.default_time_format = "%Y-%m-%dT%H:%M:%S"
    formatter.datefmt = "%Y-%m-%dT%H:%M:%S"
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("roseau").setLevel(LEVELS[settings.log])
    if settings.log == "quiet":
        logging.getLogger().setLevel(logging.ERROR)
