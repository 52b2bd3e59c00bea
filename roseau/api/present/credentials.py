"""A member's own account as Mastodon's `CredentialAccount` and `Profile` entities."""

from typing import Any

import msgspec

from roseau.api.present.accounts import to_account, to_field
from roseau.api.present.roles import to_own_role
from roseau.domain.accounts.loading import AccountView
from roseau.domain.accounts.preferences import Preferences
from roseau.domain.moderation.vocabulary import Permission
from roseau.doors.addresses import avatar_url, header_url


class Credentials(msgspec.Struct):
    """What a member is told of their own account."""

    view: AccountView
    preferences: Preferences
    follow_requests_count: int
    #: What they may do in the team.
    permissions: frozenset[Permission] = frozenset()


def to_credentials(base_url: str, credentials: Credentials) -> bytes:
    """The `CredentialAccount` entity, encoded."""
    account, preferences = credentials.view.account, credentials.preferences
    source = {
        "privacy": preferences.default_privacy,
        "sensitive": preferences.default_sensitive,
        "language": preferences.default_language,
        "note": account.note,
        "fields": [to_field(field, field.value) for field in account.fields],
        "follow_requests_count": credentials.follow_requests_count,
        "hide_collections": account.hide_collections,
        "discoverable": account.discoverable,
        "indexable": account.indexable,
        "attribution_domains": preferences.attribution_domains,
        "quote_policy": preferences.quote_policy,
    }
    role = to_own_role(account.role, credentials.permissions)
    added = msgspec.json.encode({"source": source, "role": role})
    return to_account(base_url, credentials.view)[:-1] + b"," + added[1:]


def to_profile(
    base_url: str, credentials: Credentials, featured_tags: list[dict[str, Any]]
) -> dict[str, Any]:
    """The `Profile` entity: texts as they were typed, and as they are shown."""
    account = credentials.view.account
    return {
        "id": str(account.id),
        "display_name": account.display_name,
        "note": account.note,
        "fields": [to_field(field, field.value) for field in account.fields],
        "formatted_note": account.note_html,
        "formatted_fields": [to_field(field, field.html) for field in account.fields],
        "avatar": avatar_url(base_url, account) if account.avatar else None,
        "avatar_static": avatar_url(base_url, account, static=True) if account.avatar else None,
        "avatar_description": account.avatar_description,
        "header": header_url(base_url, account) if account.header else None,
        "header_static": header_url(base_url, account, static=True) if account.header else None,
        "header_description": account.header_description,
        "locked": account.locked,
        "bot": account.bot,
        "hide_collections": account.hide_collections,
        "discoverable": account.discoverable,
        "indexable": account.indexable,
        "show_media": account.show_media,
        "show_media_replies": account.show_media_replies,
        "show_featured": account.show_featured,
        "attribution_domains": credentials.preferences.attribution_domains,
        "featured_tags": featured_tags,
    }
