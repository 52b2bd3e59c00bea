"""The languages: complete, well written, and chosen as the reader wishes."""

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bin.lib import messages
from roseau.kernel import i18n
from roseau.kernel.clock import DAY, HOUR, MINUTE, SECOND

NOON = 1_795_348_800_000


def strings(given: object) -> tuple[str, ...]:
    """A sentence, or its forms for one and for many."""
    return tuple(given) if isinstance(given, (list, tuple)) else (str(given),)


FRENCH = messages.read(messages.catalogue("fr"), "fr")
ENTRIES = [
    (sources, text)
    for message in FRENCH
    if message.id
    for sources, texts in [(strings(message.id), strings(message.string))]
    for text in texts
]


@pytest.mark.parametrize("language", i18n.LANGUAGES[1:])
def test_every_sentence_is_translated(language: str) -> None:
    assert messages.untranslated(language) == []


@pytest.mark.parametrize("language", i18n.LANGUAGES[1:])
def test_no_catalogue_holds_what_is_not_said_any_more(language: str) -> None:
    assert messages.unused(language) == []


def test_the_sentences_of_errors_are_collected() -> None:
    found = messages.extract()
    assert found.get("This server cannot save at the moment. Try again in a minute.")
    assert found.get("Skip to content")
    assert found.get("Write", "verb")


@pytest.mark.parametrize("text", [text for _, text in ENTRIES])
def test_french_is_set_as_french_is(text: str) -> None:
    assert not re.search(r"(?<!\u202f)[;!?](?!\w)", text), "U+202F stands before ; ! ?"
    assert not re.search(r"(?<!\u00a0):(?=\s|$)", text), "U+00A0 stands before :"
    assert not re.search(r"«(?!\u00a0)|(?<!\u00a0)»", text), "U+00A0 stands inside « »"
    assert "'" not in re.sub(r"%\(\w+\)s", "", text), "the apostrophe is ’"
    assert "..." not in text, "the ellipsis is …"


@pytest.mark.parametrize(("sources", "text"), ENTRIES)
def test_what_is_filled_in_is_the_same_in_both_languages(sources: tuple[str, ...], text: str) -> None:
    def places(sentence: str) -> set[str]:
        return set(re.findall(r"%\(\w+\)s|\{\w+\}|<\w+>", sentence))

    # The form for one may do without the number.
    assert places(text) in [places(source) for source in sources] or not text


@pytest.mark.parametrize(
    ("header", "chosen", "language"),
    [
        ("", None, "en"),
        ("fr", None, "fr"),
        ("fr-CA,fr;q=0.8,en;q=0.5", None, "fr"),
        ("en;q=0.2, fr;q=0.9", None, "fr"),
        ("de, nl;q=0.9", None, "en"),
        ("de, fr;q=0.1", None, "fr"),
        ("fr;q=0", None, "en"),
        ("fr;q=2, en;q=0.1", None, "en"),
        ("fr;q=x, en;q=0.1", None, "en"),
        ("FR", None, "fr"),
        ("fr", "en", "en"),
        ("en", "fr", "fr"),
        ("fr", "tlh", "fr"),
    ],
)
def test_the_language_is_the_members_or_else_the_browsers(
    header: str, chosen: str | None, language: str
) -> None:
    assert i18n.choose_language(header, chosen) == language


@given(st.text(alphabet=string.printable + "é\x00", max_size=80), st.none() | st.text(max_size=5))
def test_whatever_a_browser_says_there_is_a_language(header: str, chosen: str | None) -> None:
    assert i18n.choose_language(header, chosen) in i18n.LANGUAGES


@pytest.mark.parametrize(
    ("elapsed", "english", "french"),
    [
        (-5 * SECOND, "now", "à l’instant"),
        (59 * SECOND, "now", "à l’instant"),
        (8 * MINUTE, "8 min", "8\u00a0min"),
        (11 * HOUR, "11 h", "11\u00a0h"),
        (3 * DAY, "3 d", "3\u00a0j"),
        (30 * DAY, "23 Oct", "23 oct."),
        (400 * DAY, "18 Oct 2025", "18 oct. 2025"),
    ],
)
def test_how_long_ago_in_few_characters(elapsed: int, english: str, french: str) -> None:
    assert i18n.format_ago("en", NOON - elapsed, NOON) == english
    assert i18n.format_ago("fr", NOON - elapsed, NOON) == french


def test_numbers_and_days_are_written_as_in_the_language() -> None:
    assert i18n.format_number("en", 12_345) == "12,345"
    assert i18n.format_number("fr", 12_345) == "12\u202f345"
    assert i18n.format_count("en", 12_345) == "12.3K"
    assert i18n.format_percent("fr", 55, 86) == "64\u00a0%"
    assert i18n.format_percent("en", 1, 0) == "0%"
    assert i18n.format_date("fr", NOON) == "22 novembre 2026"
    assert i18n.format_date("en", NOON, "Pacific/Auckland") == "23 November 2026"
    assert i18n.format_moment("en", NOON, "Nowhere/At/All") == "22 November 2026, 12:00 UTC"
    assert i18n.format_remaining("fr", NOON + 3 * DAY, NOON) == "3\u00a0jours"


def test_plurals_are_those_of_the_language() -> None:
    french = i18n.translations("fr")
    english = i18n.translations("en")
    assert [french.ngettext("%(num)s day", "%(num)s days", number) for number in (0, 1, 2)] == [
        "%(num)s jour",
        "%(num)s jour",
        "%(num)s jours",
    ]
    assert english.ngettext("%(num)s day", "%(num)s days", 0) == "%(num)s days"
    assert french.pgettext("verb", "Write") == "Écrire"
