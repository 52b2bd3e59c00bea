"""Documents as PDF, the same bytes for the same facts: a heading, paragraphs, a table over many pages."""

import subprocess
import sys
from collections.abc import Sequence

import msgspec

from roseau.kernel.errors import Unavailable

_DRAWING = "roseau.domain.moderation.desk.drawing"
_SECONDS = 120


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """What is printed. `widths` are shares of the page's width, one for each column."""

    language: str
    title: str
    paragraphs: Sequence[str]
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    widths: Sequence[float]
    footer: str


def to_pdf(document: Document) -> bytes:
    """The document, on A4 across, drawn by another process: not for the event loop. Raises Unavailable."""
    try:
        drawn = subprocess.run(
            [sys.executable, "-m", _DRAWING],
            input=msgspec.json.encode(document),
            capture_output=True,
            timeout=_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise Unavailable("The PDF could not be drawn on this machine.") from error
    return drawn.stdout
