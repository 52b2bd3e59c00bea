"""A notice as it comes in, by whichever door, and what is answered to whoever brought it."""

import msgspec

from roseau.domain.moderation.vocabulary import Category, Channel

#: Mastodon's limit for the comment of a report; letters and mails may say more.
MAX_COMMENT = 1_000
MAX_LETTER = 100_000
#: What people without an account may name at once (DSA art. 16), and what a letter may.
MAX_URLS = 100
MAX_LETTER_URLS = 10_000
MAX_URL = 2_000


class NoticeDraft(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody says is wrong: about statuses by id, an account, or anything by its address."""

    channel: Channel
    #: One of `vocabulary.REASONS`; empty: as the category and the rules say.
    reason: str = ""
    #: Empty: as the reason says.
    category: Category | None = None
    comment: str = ""
    language: str = "en"
    account_id: int | None = None
    #: Name and mail address of somebody without an account; either may be empty.
    contact: tuple[str, str] | None = None
    good_faith: bool = False
    forward: bool = False
    target_account_id: int | None = None
    status_ids: tuple[int, ...] = ()
    #: Mastodon's collections: they are written down by id, since this site has none.
    collection_ids: tuple[int, ...] = ()
    rule_ids: tuple[int, ...] = ()
    uris: tuple[str, ...] = ()
    #: Where it came from, in clear: a network address, a mail address, a domain. Only its hash is kept.
    source: str = ""
    #: The mail that it was, as it came.
    original: bytes | None = None
    #: Of a letter or order: when the answer is owed.
    deadline_at: int | None = None
    #: When it came, if that was before now.
    received_at: int | None = None


class Filed(msgspec.Struct, frozen=True):
    """What became of a notice; the cases and the items are in the order of what it named."""

    notice_id: int
    number: str
    case_ids: tuple[int, ...]
    item_ids: tuple[int, ...]
