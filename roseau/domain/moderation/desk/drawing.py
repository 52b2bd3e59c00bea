"""Draws a document as PDF: a program of its own, JSON of a `Document` in, the file out.

The library that draws takes memory and time to load; a server that makes a pack once a year does without.
"""

import io
import sys
from functools import cache
from importlib.resources import as_file, files
from typing import Any, Final
from xml.sax.saxutils import escape

import msgspec
from reportlab.lib.colors import HexColor  # type: ignore[import-untyped]
from reportlab.lib.pagesizes import A4, landscape  # type: ignore[import-untyped]
from reportlab.lib.styles import ParagraphStyle  # type: ignore[import-untyped]
from reportlab.lib.units import mm  # type: ignore[import-untyped]
from reportlab.pdfbase.pdfmetrics import registerFont  # type: ignore[import-untyped]
from reportlab.pdfbase.ttfonts import TTFont  # type: ignore[import-untyped]
from reportlab.platypus import LongTable, Paragraph, SimpleDocTemplate, Spacer  # type: ignore[import-untyped]

from roseau.domain.moderation.desk.documents import Document

_TEXT, _BOLD = "DejaVuSans", "DejaVuSans-Bold"
_INK, _FAINT, _LINE, _HEAD = (
    HexColor("#1b2624"),
    HexColor("#55615e"),
    HexColor("#c6d0cd"),
    HexColor("#e8efed"),
)
#: Stands for a character that the font does not have.
_MISSING: Final = "\u25a1"
_MOST_CELL: Final = 1_500


def draw(document: Document) -> bytes:
    """The document, on A4 across."""
    font = _fonts()
    width = landscape(A4)[0] - 24 * mm
    total = sum(document.widths)
    story: list[Any] = [_paragraph(document.title, _HEADING, font)]
    story += [_paragraph(text, _BODY, font) for text in document.paragraphs]
    if document.rows:
        cells = [[_paragraph(cell, _COLUMN, font) for cell in document.head]]
        cells += [[_paragraph(cell[:_MOST_CELL], _CELL, font) for cell in row] for row in document.rows]
        table = LongTable(cells, [width * share / total for share in document.widths], repeatRows=1)
        table.setStyle(_TABLE)
        story += [Spacer(1, 3 * mm), table]
    file = io.BytesIO()
    # `invariant` leaves out the time and the random number that every other PDF has.
    template = SimpleDocTemplate(
        file, pagesize=landscape(A4), leftMargin=12 * mm, rightMargin=12 * mm, topMargin=12 * mm,
        bottomMargin=14 * mm, title=document.title, author="", lang=document.language, invariant=1,
    )  # fmt: skip
    foot = _spell(document.footer, font)

    def write_foot(canvas: Any, _: Any) -> None:
        canvas.setFont(_TEXT, 7)
        canvas.setFillColor(_FAINT)
        canvas.drawString(12 * mm, 8 * mm, foot)
        canvas.drawRightString(landscape(A4)[0] - 12 * mm, 8 * mm, str(canvas.getPageNumber()))

    template.build(story, onFirstPage=write_foot, onLaterPages=write_foot)
    return file.getvalue()


_BODY: Final = ParagraphStyle("body", fontName=_TEXT, fontSize=9, leading=12.5, textColor=_INK, spaceAfter=5)
_HEADING: Final = ParagraphStyle(
    "heading", parent=_BODY, fontName=_BOLD, fontSize=15, leading=19, spaceAfter=8
)
# An address has no spaces at which it could be broken; this breaks it anywhere.
_CELL: Final = ParagraphStyle("cell", parent=_BODY, fontSize=7, leading=9, spaceAfter=0, wordWrap="CJK")
_COLUMN: Final = ParagraphStyle("column", parent=_CELL, fontName=_BOLD, wordWrap="")
_TABLE: Final = [
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ("BACKGROUND", (0, 0), (-1, 0), _HEAD),
    ("LINEBELOW", (0, 0), (-1, -1), 0.4, _LINE),
    ("LEFTPADDING", (0, 0), (-1, -1), 3),
    ("RIGHTPADDING", (0, 0), (-1, -1), 3),
    ("TOPPADDING", (0, 0), (-1, -1), 2.5),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
]


@cache
def _fonts() -> frozenset[int]:
    """Make the fonts known; the characters that they have."""
    folder = files("roseau.domain.moderation.desk") / "fonts"
    known: frozenset[int] = frozenset()
    for name in (_BOLD, _TEXT):
        with as_file(folder / f"{name}.ttf") as path:
            font = TTFont(name, str(path))
            registerFont(font)
        known = frozenset(font.face.charToGlyph)
    return known


def _paragraph(text: str, style: Any, known: frozenset[int]) -> Any:
    return Paragraph(escape(_spell(text, known)).replace("\n", "<br/>"), style)


def _spell(text: str, known: frozenset[int]) -> str:
    return "".join(letter if letter == "\n" or ord(letter) in known else _MISSING for letter in text)


if __name__ == "__main__":
    sys.stdout.buffer.write(draw(msgspec.json.decode(sys.stdin.buffer.read(), type=Document)))
