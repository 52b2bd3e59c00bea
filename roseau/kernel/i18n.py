"""Two languages: which one to answer in, its sentences, its numbers, dates and times.

English is the source; the others live in `roseau/locale/LANGUAGE/LC_MESSAGES/roseau.po`. A catalogue is
part of the program as its code is: read from the package and compiled in memory when it is first needed.
"""

from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib import resources
from io import BytesIO, StringIO
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale, dates, numbers, units
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from roseau.kernel.clock import DAY, HOUR, MINUTE, to_datetime

LANGUAGES: Final = ("en", "fr")
"""The languages of the pages, the source first."""

_LOCALES: Final = {"en": Locale("en", "GB"), "fr": Locale("fr", "FR")}
_MOMENTS: Final = {"en": "d MMMM y, HH:mm", "fr": "d MMMM y 'à' HH:mm"}


def from_po(text: str) -> GNUTranslations:
    """Translations from the text of a .po file. Raises babel's PoFileError when it is malformed."""
    compiled = BytesIO()
    write_mo(compiled, read_po(StringIO(text), abort_invalid=True))
    compiled.seek(0)
    return GNUTranslations(compiled)


@cache
def translations(language: str) -> NullTranslations:
    """What `gettext`, `ngettext`, `pgettext` and `npgettext` answer in this language."""
    if language == LANGUAGES[0]:
        return NullTranslations()
    path = resources.files("roseau") / "locale" / language / "LC_MESSAGES" / "roseau.po"
    return from_po(path.read_text("utf-8"))


def choose_language(accept_language: str, chosen: str | None = None) -> str:
    """The member's own choice, else the best of an Accept-Language header (RFC 9110 12.5.4), else English."""
    if chosen in LANGUAGES:
        return str(chosen)
    best, best_weight = LANGUAGES[0], 0.0
    for item in accept_language[:500].split(","):
        tag, _, parameters = item.partition(";")
        language = tag.strip().lower().partition("-")[0]
        weight = _weight(parameters)
        if language in LANGUAGES and weight > best_weight:
            best, best_weight = language, weight
    return best


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0


def format_number(language: str, number: int) -> str:
    """A whole number: `1,204`; `1 204` in French."""
    return numbers.format_decimal(number, locale=_LOCALES[language])


def format_count(language: str, number: int) -> str:
    """A count where space is short: exact below ten thousand, then `12K`."""
    if number < 10_000:
        return format_number(language, number)
    return numbers.format_compact_decimal(number, locale=_LOCALES[language], fraction_digits=1)


def format_percent(language: str, part: int, whole: int) -> str:
    """A share of a whole: `64%`; `64 %` in French. A share of nothing is nothing."""
    return numbers.format_percent(part / whole if whole else 0, locale=_LOCALES[language])


def format_size(language: str, size: int) -> str:
    """So many bytes, in thousands: `41.5 GB`; `41,5 Go` in French."""
    steps = ("byte", "kilobyte", "megabyte", "gigabyte", "terabyte")
    power = min(len(f"{max(size, 1):d}") - 1, 14) // 3
    amount = size / 1000**power
    rounded = round(amount) if amount >= 100 or not power else round(amount, 1)
    return units.format_unit(rounded, f"digital-{steps[power]}", length="short", locale=_LOCALES[language])


def format_date(language: str, instant: int, zone: str = "UTC") -> str:
    """A day: `22 November 2026`."""
    return dates.format_date(
        to_datetime(instant).astimezone(_zone(zone)), "d MMMM y", locale=_LOCALES[language]
    )


def format_moment(language: str, instant: int, zone: str = "UTC") -> str:
    """A day and an hour, `22 November 2026, 10:07 UTC`; without a zone where it is the reader's own."""
    known = _zone(zone)
    moment = to_datetime(instant)
    text = dates.format_datetime(moment, _MOMENTS[language], tzinfo=known, locale=_LOCALES[language])
    return f"{text} UTC" if known.key == "UTC" else text


def format_ago(language: str, instant: int, now: int, zone: str = "UTC") -> str:
    """How long ago, shortly: `now`, `8 min`, `11 h`, `3 d`; after a week the day, `12 Mar`, `12 Mar 2024`."""
    words = translations(language)
    elapsed = now - instant
    if elapsed < MINUTE:
        return words.gettext("now")
    if elapsed < HOUR:
        return words.gettext("%(count)s min") % {"count": elapsed // MINUTE}
    if elapsed < DAY:
        return words.gettext("%(count)s h") % {"count": elapsed // HOUR}
    if elapsed < 7 * DAY:
        return words.gettext("%(count)s d") % {"count": elapsed // DAY}
    moment = to_datetime(instant).astimezone(_zone(zone))
    same_year = moment.year == to_datetime(now).astimezone(_zone(zone)).year
    return dates.format_date(moment, "d MMM" if same_year else "d MMM y", locale=_LOCALES[language])


def format_remaining(language: str, until: int, now: int) -> str:
    """How long until then, in words: `3 days`, `2 hours`, `1 minute`."""
    seconds = max(until - now, MINUTE) // 1000
    return dates.format_timedelta(seconds, locale=_LOCALES[language], threshold=1)


def format_duration(language: str, seconds: float) -> str:
    """How long something takes, in words: `4 seconds`, `3 minutes`, `2 days`."""
    return dates.format_timedelta(max(round(seconds), 1), locale=_LOCALES[language], threshold=2)


def language_names(language: str) -> list[tuple[str, str]]:
    """Codes and names, in this language, of the languages that a post may be in; sorted by name."""
    names = _LOCALES[language].languages
    found = [(code, names[code]) for code in _POST_LANGUAGES if code in names]
    return sorted(
        ((code, name[:1].upper() + name[1:]) for code, name in found), key=lambda item: _folded(item[1])
    )


def country_names(language: str) -> dict[str, str]:
    """ISO 3166 code -> the name of the country, in this language."""
    return {code: name for code, name in _LOCALES[language].territories.items() if len(code) == 2}


# fmt: off
_POST_LANGUAGES: Final = (
    "af", "am", "ar", "az", "be", "bg", "bn", "br", "bs", "ca", "co", "cs", "cy", "da", "de", "el", "en",
    "eo", "es", "et", "eu", "fa", "fi", "fr", "ga", "gd", "gl", "he", "hi", "hr", "ht", "hu", "hy", "id",
    "is", "it", "ja", "ka", "kab", "kk", "km", "ko", "ku", "la", "lb", "ln", "lt", "lv", "mg", "mk", "ml",
    "mn", "ms", "mt", "my", "nb", "nl", "nn", "oc", "pa", "pl", "pt", "rn", "ro", "ru", "rw", "sc", "sg",
    "sk", "sl", "sq", "sr", "sv", "sw", "ta", "te", "th", "tl", "tr", "uk", "ur", "uz", "vi", "wo", "zh",
)
# fmt: on


def _folded(name: str) -> str:
    return name.casefold().translate(str.maketrans("éèêëàâçîïôöûü", "eeeeaaciioouu"))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")
