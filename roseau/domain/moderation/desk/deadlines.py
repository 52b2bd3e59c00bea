"""Reads in a letter, in English or French, by when its sender wants an answer.

Where a letter can be read in two ways the earlier moment counts. A day without an hour ends where it ends
first on earth (UTC+14), and a letter that names several moments is owed an answer at the first.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from roseau.kernel import clock

#: Later than this is no deadline, but a date that the letter speaks of.
_FURTHEST: Final = 92 * clock.DAY
_MOST_TEXT: Final = 60_000
_MOST_FOUND: Final = 200

_NUMBERS: Final = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "ten": 10, "twelve": 12,
    "twenty-four": 24, "twenty four": 24, "forty-eight": 48, "forty eight": 48, "seventy-two": 72,
    "seventy two": 72,
    "une": 1, "un": 1, "deux": 2, "trois": 3, "quatre": 4, "cinq": 5, "sept": 7, "huit": 8, "dix": 10,
    "douze": 12, "vingt-quatre": 24, "quarante-huit": 48, "soixante-douze": 72,
}  # fmt: skip
_MONTHS: Final = {
    "jan": 1, "janvier": 1, "feb": 2, "fev": 2, "fév": 2, "mar": 3, "apr": 4, "avr": 4, "may": 5, "mai": 5,
    "jun": 6, "juin": 6, "jul": 7, "juil": 7, "aug": 8, "aou": 8, "aoû": 8, "sep": 9, "oct": 10, "nov": 11,
    "dec": 12, "déc": 12,
}  # fmt: skip
_ZONES: Final = {
    "utc": 0, "gmt": 0, "z": 0, "cet": 60, "cest": 120, "hec": 60, "hnec": 60, "heec": 120, "wet": 0,
    "bst": 60, "ist": 330, "est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360,
    "pst": -480, "pdt": -420,
}  # fmt: skip
_PLACES: Final = {
    "et": "America/New_York",
    "ct": "America/Chicago",
    "pt": "America/Los_Angeles",
    "eastern": "America/New_York",
    "pacific": "America/Los_Angeles",
    "paris": "Europe/Paris",
    "berlin": "Europe/Berlin",
    "london": "Europe/London",
    "londres": "Europe/London",
}
#: The first place on earth where a day ends.
_FIRST: Final = timezone(timedelta(hours=14))

_AMOUNT: Final = (
    r"(?P<amount>\d{1,3}|"
    + "|".join(sorted(_NUMBERS, key=len, reverse=True))
    + r")(?:\s*\(\s*(?P<again>\d{1,3})\s*\))?"
)
_UNIT: Final = (
    r"\s*-?\s*(?P<working>business|working|calendar)?\s*"
    r"(?P<unit>hours?|hrs?|heures?|days?|jours?|minutes?|mins?|weeks?|semaines?|h|d|j)\b\s*(?P<after>ouvr\w+)?"
)
_SPAN: Final = re.compile(
    r"\b(?:within(?:\s+(?:the\s+)?(?:next|following)|\s+a\s+period\s+of)?|in\s+the\s+next|in\s+no\s+more\s+than"
    r"|no\s+later\s+than|not\s+later\s+than|at\s+(?:the\s+)?latest(?:\s+within)?|you\s+have|allow(?:ing)?\s+you"
    r"|deadline(?:\s+is|\s+of|\s*:)?|sous(?:\s+un\s+d[ée]lai\s+de)?|dans\s+(?:un|le)\s+d[ée]lai\s+(?:maximum\s+|maximal\s+)?"
    r"(?:de|d['’])|dans\s+les|d['’]ici|vous\s+(?:avez|disposez\s+de)|au\s+plus\s+tard\s+(?:dans|sous)(?:\s+les)?)\s*"
    + _AMOUNT
    + _UNIT,
    re.IGNORECASE,
)
_SPAN_BEFORE: Final = re.compile(
    r"\b"
    + _AMOUNT
    + _UNIT
    + r"\s+(?:to\s+(?:respond|reply|comply|remove|act)|deadline|from\s+(?:receipt|now|the)"
    r"|(?:pour|afin\s+de)\s+(?:r[ée]pondre|retirer|agir)|(?:[àa]\s+compter|d[èe]s)\b)",
    re.IGNORECASE,
)
_OPENING: Final = re.compile(
    r"\b(?:(?P<by>(?:on\s+or\s+before|by|until|no\s+later\s+than|not\s+later\s+than|latest(?:\s+by)?|deadline(?:\s+is)?\s*:?"
    r"|due(?:\s+date)?(?:\s+by|\s*:)?|d['’]ici(?:\s+au)?|au\s+plus\s+tard|jusqu['’]au|[ée]ch[ée]ance\s*:?|date\s+limite\s*:?))"
    r"|(?P<before>before|prior\s+to|avant))\s+(?:the\s+|le\s+|du\s+)?(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day,?\s+"
    r"|(?:lun|mar|mercre|jeu|vendre|same)di,?\s+|dimanche,?\s+)?",
    re.IGNORECASE,
)
_DATES: Final = (
    re.compile(r"(?P<y>20\d\d)-(?P<m>\d\d)-(?P<d>\d\d)"),
    re.compile(
        r"(?P<d>\d{1,2})(?:st|nd|rd|th|er)?\s+(?:of\s+)?(?P<name>[a-zéû]{3,9})\.?,?\s+(?P<y>20\d\d)", re.I
    ),
    re.compile(r"(?P<name>[a-zéû]{3,9})\.?\s+(?P<d>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<y>20\d\d)", re.I),
    re.compile(r"(?P<a>\d{1,2})[/.](?P<b>\d{1,2})[/.](?P<y>20\d\d)"),
)
_HOUR: Final = re.compile(
    r"[\sT,]*(?:(?:at|à|a|by)\s+)?(?P<h>\d{1,2})\s*(?:[:h.]\s*(?P<min>\d\d)?)?(?::\d\d)?\s*(?P<half>[ap]\.?m\b\.?)?",
    re.I,
)
_ZONE: Final = re.compile(
    r"[\s,(]*(?:(?:heure\s+(?:de|d['’])\s*)|(?:time\s+in\s+))?(?:(?P<zone>[A-Za-z]{1,8})\b|(?P<offset>[+-]\d\d):?(?P<offmin>\d\d))"
)
_HOUR_FIRST: Final = re.compile(
    r"\b(?:by|before|avant|d['’]ici)\s+(?P<h>\d{1,2})(?:[:h.]\s*(?P<min>\d\d)?)?\s*(?P<half>[ap]\.?m\b\.?)?"
    r"\s*(?P<zone>[A-Za-z]{1,8})?\s*,?\s*(?:on|le|du)\s+",
    re.IGNORECASE,
)


def find_deadline(text: str, received_at: int, language: str = "en") -> int | None:
    """The first moment by which the letter wants an answer; None when it names none that can be one."""
    # With single spaces only, no expression has two ways to share a run of them.
    text = " ".join(text[:_MOST_TEXT].split())
    found = [*_list_spans(text, received_at), *_list_moments(text, language)]
    # A moment before the letter came is something that it speaks of.
    return min((at for at in found if received_at < at <= received_at + _FURTHEST), default=None)


def _list_spans(text: str, received_at: int) -> Iterator[int]:
    for expression in (_SPAN, _SPAN_BEFORE):
        for count, span in enumerate(expression.finditer(text)):
            if count >= _MOST_FOUND:
                break
            # What somebody writes in figures behind the word is what counts.
            amount = int(span["again"] or _NUMBERS.get(span["amount"].lower(), 0) or span["amount"])
            # Working days are counted as days: that is the earlier moment.
            yield received_at + amount * _length_of(span["unit"].lower())


def _length_of(unit: str) -> int:
    if unit.startswith("m"):
        return clock.MINUTE
    if unit.startswith("h"):
        return clock.HOUR
    return 7 * clock.DAY if unit.startswith(("w", "s")) else clock.DAY


def _list_moments(text: str, language: str) -> Iterator[int]:
    for count, opening in enumerate(_OPENING.finditer(text)):
        if count >= _MOST_FOUND:
            break
        yield from _read_moment(text, opening.end(), language, ends=opening["by"] is not None)
    for count, opening in enumerate(_HOUR_FIRST.finditer(text)):
        if count >= _MOST_FOUND:
            break
        zone = _to_zone(opening["zone"], language)
        hour = _to_hour(opening)
        for _, days in _read_days(text, opening.end()):
            yield from (_at(day, hour, zone) for day in days if hour)


def _read_days(text: str, start: int) -> Iterator[tuple[int, list[datetime]]]:
    """The day that stands there, in each way it can be read, and where it ends."""
    for expression in _DATES:
        found = expression.match(text, start)
        if found is None:
            continue
        named = found.groupdict()
        if "name" in named:
            month = _to_month(named["name"])
            pairs = [(month, int(named["d"]))]
        elif "a" in named:
            # 04/05: which is the month is said nowhere.
            pairs = [(int(named["b"]), int(named["a"])), (int(named["a"]), int(named["b"]))]
        else:
            pairs = [(int(named["m"]), int(named["d"]))]
        days = [day for month, number in pairs if (day := _to_day(int(named["y"]), month, number))]
        yield found.end(), days
        return


def _read_moment(text: str, start: int, language: str, *, ends: bool) -> Iterator[int]:
    for end, days in _read_days(text, start):
        hour: tuple[int, int] | None = None
        zone: tzinfo | None = None
        found = _HOUR.match(text, end)
        if found and (found["min"] or found["half"] or "h" in found[0].lower()):
            hour = _to_hour(found)
            said = _ZONE.match(text, found.end())
            if said and said["offset"]:
                sign = -1 if said["offset"].startswith("-") else 1
                minutes = abs(int(said["offset"])) * 60 + int(said["offmin"])
                zone = timezone(timedelta(minutes=sign * min(minutes, 14 * 60)))
            else:
                zone = _to_zone(said["zone"] if said else None, language)
        for day in days:
            if hour is not None and zone is not None:
                yield _at(day, hour, zone)
            else:
                yield _at(day, (24, 0) if ends else (0, 0), _FIRST)


def _to_hour(found: re.Match[str]) -> tuple[int, int] | None:
    hour, minute = int(found["h"]), int(found["min"] or 0)
    half = (found["half"] or "").lower()
    if half.startswith("p") and hour < 12:
        hour += 12
    if half.startswith("a") and hour == 12:
        hour = 0
    return (hour, minute) if hour <= 24 and minute < 60 else None


def _to_zone(name: str | None, language: str) -> tzinfo:
    known = (name or "").lower()
    if known in _ZONES:
        return timezone(timedelta(minutes=_ZONES[known]))
    if known in _PLACES:
        return ZoneInfo(_PLACES[known])
    return ZoneInfo("Europe/Paris") if language == "fr" else UTC


def _to_month(name: str) -> int:
    name = name.lower()
    return next((_MONTHS[name[:size]] for size in (7, 4, 3) if name[:size] in _MONTHS), 0)


def _to_day(year: int, month: int, day: int) -> datetime | None:
    try:
        return datetime(year, month, day)  # noqa: DTZ001 (its zone is read after it)
    except ValueError:
        return None


def _at(day: datetime, hour: tuple[int, int], zone: tzinfo) -> int:
    moment = day.replace(tzinfo=zone) + timedelta(hours=hour[0], minutes=hour[1])
    return int(moment.timestamp() * 1000)
