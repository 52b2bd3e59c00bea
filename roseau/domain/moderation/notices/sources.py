"""Where notices come from, as it is kept: a hash that is the same for one source, and tells nothing."""

import hashlib
import hmac

from roseau.domain.moderation.notices.drafts import NoticeDraft
from roseau.domain.site import Site
from roseau.kernel.sealing import derive_key


def hash_source(site: Site, source: str) -> str:
    """32 hexadecimal digits for a source in clear: a network address, a mail address, a domain."""
    key = derive_key(site.data_key, "notice source")
    return hmac.new(key, source.strip().lower().encode(), hashlib.sha256).hexdigest()[:32]


def source_of(site: Site, draft: NoticeDraft) -> str:
    """The source of a notice: the member, else where it came from, else who signed it, else its channel.

    Of a flag it is the server: it can make as many accounts as it likes.
    """
    if draft.account_id is not None and draft.channel != "ap_flag":
        return hash_source(site, f"account:{draft.account_id}")
    if draft.source:
        return hash_source(site, draft.source)
    if draft.contact is not None and draft.contact[1]:
        return hash_source(site, draft.contact[1])
    return hash_source(site, f"channel:{draft.channel}")
