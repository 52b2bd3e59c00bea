"""Private conversations as Mastodon's `Conversation` (docs.joinmastodon.org/entities/Conversation)."""

from roseau.api.present.accounts import to_account
from roseau.api.present.statuses import to_status
from roseau.domain.statuses.conversations import Conversation


def to_conversation(base_url: str, conversation: Conversation, viewer: int) -> bytes:
    """The `Conversation` entity for the member who keeps it, encoded."""
    last = conversation.last_status
    return b'{"id":"%d","unread":%b,"accounts":[%b],"last_status":%b}' % (
        conversation.id,
        b"true" if conversation.unread else b"false",
        b",".join(to_account(base_url, person) for person in conversation.others),
        to_status(base_url, last, viewer) if last else b"null",
    )
