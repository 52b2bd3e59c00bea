"""Moments as people type them: `2026-11-22 14:03`, or `-2h`."""

import re

import click

from roseau.kernel import clock

_AGO = re.compile(r"-\s*(\d{1,6})\s*([smhd])")
_UNITS = {"s": clock.SECOND, "m": clock.MINUTE, "h": clock.HOUR, "d": clock.DAY}


def parse_moment(text: str) -> int:
    """The moment in milliseconds; without a zone it is UTC. Raises ClickException."""
    text = text.strip()
    if match := _AGO.fullmatch(text):
        return clock.now() - int(match[1]) * _UNITS[match[2]]
    try:
        return clock.from_iso(text)
    except (ValueError, OverflowError):
        raise click.ClickException(
            f"{text!r} is no moment. Write it as in 2026-11-22T14:03 (UTC), or -2h for two hours ago."
        ) from None
