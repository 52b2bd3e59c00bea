"""What went wrong, in the language of the person who reads it."""

from roseau.kernel.errors import RoseauError
from roseau.kernel.i18n import LANGUAGES, translations


def known_language(tag: str) -> str:
    """The language that a tag such as `fr-CA` stands for, English when it is not one of ours."""
    language = tag.replace("_", "-").partition("-")[0].strip().lower()
    return language if language in LANGUAGES else LANGUAGES[0]


def sentence_of(error: RoseauError, language: str) -> str:
    """The error's sentence; what has no translation stays English."""
    return error.say(translations(language).gettext)
