"""A draft: what somebody wants to post, checked. Whoever holds a `Draft` need not ask again."""

import re
from typing import Literal

import msgspec

from roseau.domain.accounts.preferences import Visibility
from roseau.domain.site import Site
from roseau.kernel.errors import Invalid
from roseau.kernel.html import clean_text
from roseau.kernel.text.counting import count_characters

ContentType = Literal["text/plain", "text/markdown"]

#: A link counts 23 characters however long it is; this is the end of all counting.
MAX_RAW = 20_000
MAX_OPTIONS = 8
MAX_OPTION_CHARACTERS = 80
SHORTEST_POLL = 5 * 60
LONGEST_POLL = 2_629_746

_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*\Z")


class PollDraft(msgspec.Struct):
    """A question to ask; `expires_in` in seconds."""

    options: list[str]
    expires_in: int
    multiple: bool = False
    hide_totals: bool = False


class Draft(msgspec.Struct, kw_only=True):
    """What is to be posted. Made by `check_draft`."""

    text: str = ""
    content_type: ContentType = "text/plain"
    spoiler_text: str = ""
    sensitive: bool = False
    visibility: Visibility = "public"
    local_only: bool = False
    language: str | None = None
    in_reply_to_id: int | None = None
    media_ids: list[int] = []
    poll: PollDraft | None = None


def check_draft(site: Site, draft: Draft) -> Draft:
    """The draft, cleaned, if it can be posted. Raises Invalid with the sentence that Mastodon has for it."""
    draft.text = clean_text(draft.text)
    draft.spoiler_text = clean_text(draft.spoiler_text).replace("\n", " ").strip()
    if not draft.text.strip() and not draft.media_ids and draft.poll is None:
        if not draft.spoiler_text:
            raise Invalid("Validation failed: Text can't be blank")
        # As in Mastodon, a warning without a text is the text.
        draft.text, draft.spoiler_text = draft.spoiler_text, ""
    limit = site.settings.max_characters
    raw = len(draft.text) + len(draft.spoiler_text)
    if raw > max(MAX_RAW, limit) or count_characters(draft.text, draft.spoiler_text) > limit:
        raise Invalid(
            "Validation failed: Text character limit of %(limit)s exceeded", values={"limit": limit}
        )
    if len(draft.media_ids) > site.settings.max_media:
        most = {"most": site.settings.max_media}
        raise Invalid("Validation failed: Cannot attach more than %(most)s files", values=most)
    if len(set(draft.media_ids)) != len(draft.media_ids):
        draft.media_ids = list(dict.fromkeys(draft.media_ids))
    if draft.language is not None and not _LANGUAGE.match(draft.language):
        draft.language = None
    if draft.poll is not None:
        _check_poll(draft.poll)
    return draft


def _check_poll(poll: PollDraft) -> None:
    poll.options = [clean_text(option).strip() for option in poll.options]
    poll.options = [option for option in poll.options if option]
    if len(poll.options) < 2:
        raise Invalid("Validation failed: Options must be more than one item")
    if len(poll.options) > MAX_OPTIONS:
        raise Invalid(
            "Validation failed: Options can't contain more than %(most)s items", values={"most": MAX_OPTIONS}
        )
    if any(count_characters(option) > MAX_OPTION_CHARACTERS for option in poll.options):
        raise Invalid(
            "Validation failed: Options can't be longer than %(most)s characters each",
            values={"most": MAX_OPTION_CHARACTERS},
        )
    if len(set(poll.options)) != len(poll.options):
        raise Invalid("Validation failed: Options contain duplicate items")
    if poll.expires_in > LONGEST_POLL:
        raise Invalid("Validation failed: Expires at is too far into the future")
    if poll.expires_in < SHORTEST_POLL:
        raise Invalid("Validation failed: Expires at is too soon")
