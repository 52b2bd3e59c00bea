"""Accounts as Mastodon's `Account` (docs.joinmastodon.org/entities/Account)."""

from collections.abc import Callable

import msgspec

from roseau.domain.accounts.loading import Account, AccountView, Field
from roseau.doors.addresses import account_url, avatar_url, header_url
from roseau.kernel import clock

_encode: Callable[[object], bytes] = msgspec.json.Encoder().encode

#: The roles that everyone is shown, by Mastodon's ids for them.
ROLE_IDS = {"moderator": "1", "admin": "2", "owner": "3"}
#: What a suspended account no longer says of itself.
_SUSPENDED = {
    "suspended": True, "display_name": "", "note": "", "fields": [], "locked": False, "bot": False,
    "discoverable": False, "indexable": False, "roles": [],
    "avatar_description": "", "header_description": "",
}  # fmt: skip


def to_account(base_url: str, view: AccountView) -> bytes:
    """The `Account` entity, encoded."""
    account = view.account
    # What seldom changes is encoded once and kept with the account; the counts are written beside it.
    static = account.encoded or _encode_static(base_url, account)
    last = (
        b"null" if view.last_status_at is None else b'"' + clock.to_date(view.last_status_at).encode() + b'"'
    )
    return b'%b,"followers_count":%d,"following_count":%d,"statuses_count":%d,"last_status_at":%b}' % (
        static, view.followers_count, view.following_count, view.statuses_count, last,
    )  # fmt: skip


def _encode_static(base_url: str, account: Account) -> bytes:
    entity = {
        "id": str(account.id),
        "username": account.username,
        "acct": account.acct,
        "display_name": account.display_name,
        "locked": account.locked,
        "bot": account.bot,
        "discoverable": account.discoverable,
        "indexable": account.indexable,
        "group": account.actor_type == "Group",
        "created_at": clock.to_date(account.created_at) + "T00:00:00.000Z",
        "note": account.note_html,
        "url": account.url or account_url(base_url, account),
        "uri": account.uri,
        "avatar": avatar_url(base_url, account),
        "avatar_static": avatar_url(base_url, account, static=True),
        "avatar_description": account.avatar_description,
        "header": header_url(base_url, account),
        "header_static": header_url(base_url, account, static=True),
        "header_description": account.header_description,
        "hide_collections": account.hide_collections,
        "show_media": account.show_media,
        "show_media_replies": account.show_media_replies,
        "show_featured": account.show_featured,
        "noindex": not account.indexable,
        "feature_approval": {"automatic": [], "manual": [], "current_user": "denied"},
        "emojis": [],
        "roles": [to_role(account.role)] if account.role in ROLE_IDS else [],
        "fields": [to_field(field, field.html) for field in account.fields],
    }
    if account.suspended_at is not None:
        entity |= _SUSPENDED | {
            name: f"{base_url}/{kind}s/original/missing.png"
            for kind in ("avatar", "header")
            for name in (kind, f"{kind}_static")
        }
    if account.limited_at is not None:
        entity["limited"] = True
    if account.memorial_at is not None:
        entity["memorial"] = True
    account.encoded = _encode(entity)[:-1]
    return account.encoded


def to_role(role: str) -> dict[str, str]:
    """The role as an account's public profile has it."""
    return {
        "id": ROLE_IDS.get(role, "-99"),
        "name": role.capitalize() if role in ROLE_IDS else "",
        "color": "",
    }


def to_field(field: Field, value: str) -> dict[str, str | None]:
    """A line of the profile's table, with its value as HTML or as it was typed."""
    verified = None if field.verified_at is None else clock.to_iso(field.verified_at)
    return {"name": field.name, "value": value, "verified_at": verified}
