"""What somebody may do in the team, as Mastodon's `Role` tells it (docs.joinmastodon.org/entities/Role)."""

from collections.abc import Iterable
from typing import Any

from roseau.api.present.accounts import ROLE_IDS, to_role
from roseau.domain.moderation.vocabulary import Permission

#: Mastodon's bits, as far as there is something here that they open.
_BITS: dict[Permission, int] = {
    "view_audit_log": 1 << 2,
    "view_cases": 1 << 4,
    "manage_federation": 1 << 5,
    "manage_settings": 1 << 6,
    "manage_blocks": 1 << 7,
    "manage_appeals": 1 << 9,
    "manage_users": 1 << 10,
    "manage_rules": 1 << 12,
    "manage_roles": 1 << 17,
}
_ADMINISTRATOR = 1
#: Seen by apps before they offer figures, and rights over logins and data.
_VIEW_DASHBOARD, _MANAGE_ACCESS, _DELETE_DATA = 1 << 3, 1 << 18, 1 << 19
_INVITE_PEOPLE = 1 << 16


def to_bits(role: str, permissions: Iterable[Permission]) -> int:
    """The sum of Mastodon's bits for these permissions; everybody may invite people."""
    held = frozenset(permissions)
    bits = _INVITE_PEOPLE | sum(bit for name, bit in _BITS.items() if name in held)
    if "view_cases" in held:
        bits |= _VIEW_DASHBOARD
    if "manage_users" in held:
        bits |= _MANAGE_ACCESS
    if role in ("admin", "owner") and "manage_settings" in held:
        bits |= _ADMINISTRATOR | _DELETE_DATA
    return bits


def to_own_role(role: str, permissions: Iterable[Permission]) -> dict[str, Any]:
    """The role of a member as they themselves and the team see it."""
    return to_role(role) | {
        "permissions": str(to_bits(role, permissions)),
        "highlighted": role in ROLE_IDS,
    }
