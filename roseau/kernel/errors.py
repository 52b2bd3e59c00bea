"""The one family of errors that a person or a client may meet.

Each carries an HTTP status, a stable code and a sentence that is safe to show. Doors turn them
into Mastodon's `{"error": "..."}`, a page, or a line on the terminal; nothing else is shown to anyone.
"""

from collections.abc import Callable, Mapping
from typing import ClassVar


def mark(sentence: str) -> str:
    """The sentence itself: `bin/messages` collects it where it stands apart from the error that says it."""
    return sentence


class RoseauError(Exception):
    """Something that was asked for cannot be done; `str(error)` says why to the person who asked."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    sentence: ClassVar[str] = "Something went wrong on this server. Nothing that was saved is lost."

    def __init__(self, sentence: str | None = None, *, values: Mapping[str, object] | None = None) -> None:
        """`values` are what `%(name)s` in the sentence stands for, so that it can be translated whole."""
        self.msgid = sentence or type(self).sentence
        self.values = values
        super().__init__(self.say(str))

    def say(self, gettext: Callable[[str], str]) -> str:
        """The sentence, translated."""
        sentence = gettext(self.msgid)
        return sentence % self.values if self.values else sentence


class BadRequest(RoseauError):
    """The request cannot be read: malformed body, wrong type, impossible parameter."""

    status, code, sentence = 400, "bad_request", "This request could not be read."


class Unauthorized(RoseauError):
    """No token or session, or one that is expired or revoked."""

    status, code, sentence = 401, "unauthorized", "The access token is invalid"


class Forbidden(RoseauError):
    """The caller is known and may not do this."""

    status, code, sentence = 403, "forbidden", "This action is not allowed"


class NotFound(RoseauError):
    """There is no such thing, or the caller may not know that there is."""

    status, code, sentence = 404, "not_found", "Record not found"


class Gone(RoseauError):
    """It was here and has been removed for good."""

    status, code, sentence = 410, "gone", "This is no longer here"


class TooLarge(RoseauError):
    """The body or a file is over the limit."""

    status, code, sentence = 413, "too_large", "This is larger than what this server accepts"


class UnsupportedType(RoseauError):
    """The body's content type is not one that this endpoint reads."""

    status, code, sentence = 415, "unsupported_type", "This content type is not accepted here"


class Problem(RoseauError):
    """One field of a form is not acceptable; part of `Invalid`."""

    status, code = 422, "problem"

    def __init__(self, field: str, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field
        self.reason = reason


class Invalid(RoseauError):
    """The request was understood and its content is not acceptable.

    `problems` names each field, with Mastodon's reason code (`ERR_BLANK`, `ERR_TAKEN`, ...).
    """

    status, code, sentence = 422, "invalid", "Validation failed"

    def __init__(
        self,
        sentence: str | None = None,
        problems: tuple[Problem, ...] = (),
        *,
        values: Mapping[str, object] | None = None,
    ) -> None:
        self.problems = problems
        super().__init__(sentence, values=values)

    def say(self, gettext: Callable[[str], str]) -> str:
        """The sentence, translated; without one of its own, what is wrong with each field."""
        if not self.problems or self.msgid != Invalid.sentence:
            return super().say(gettext)
        named = ", ".join(problem.say(gettext) for problem in self.problems)
        return gettext(mark("Validation failed: %(problems)s")) % {"problems": named}


class TooMany(RoseauError):
    """The caller asks too often; from `retry_at` (milliseconds since the epoch) it may ask `limit` times."""

    status, code, sentence = 429, "too_many_requests", "Too many requests"

    def __init__(self, sentence: str | None = None, retry_at: int = 0, limit: int = 0) -> None:
        super().__init__(sentence)
        self.retry_at = retry_at
        self.limit = limit


class Unavailable(RoseauError):
    """The server cannot save or answer at the moment; nothing was changed, and trying again is right."""

    status, code, sentence = (
        503,
        "unavailable",
        "This server cannot save at the moment. Try again in a minute.",
    )
