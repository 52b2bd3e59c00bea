"""What went wrong, in the language of the person who reads it."""

from roseau.kernel.errors import Invalid, RoseauError
from roseau.kernel.i18n import LANGUAGES, translations


def known_language(tag: str) -> str:
    """The language that a tag such as `fr-CA` stands for, English when it is not one of ours."""
    language = tag.replace("_", "-").partition("-")[0].strip().lower()
    return language if language in LANGUAGES else LANGUAGES[0]


def sentence_of(error: RoseauError, language: str) -> str:
    """The error's sentence; what has no translation stays English."""
    gettext = translations(language).gettext
    if isinstance(error, Invalid) and error.problems:
        problems = ", ".join(gettext(str(problem)) for problem in error.problems)
        return gettext("Validation failed: %(problems)s") % {"problems": problems}
    return gettext(str(error))
