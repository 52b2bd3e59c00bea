"""The list of limited servers as others may read it: names that are hidden are known by their hash alone."""

import hashlib

import msgspec

from roseau.domain.moderation.servers.formats import Severity, obfuscate
from roseau.domain.moderation.servers.permissions import DomainPermission, list_all_domain_permissions
from roseau.storage.database import Transaction


class ShownServer(msgspec.Struct, frozen=True):
    """A server that is limited, and why; `digest` is SHA-256 of its whole name, hexadecimal."""

    domain: str
    digest: str
    severity: Severity
    comment: str
    reject_media: bool
    since: int


def list_shown_servers(tx: Transaction) -> list[ShownServer]:
    """Servers whose posts are limited or not taken in, by name. A `scan`."""
    return [to_shown(one) for one in list_all_domain_permissions(tx) if one.severity != "noop"]


def to_shown(permission: DomainPermission) -> ShownServer:
    """One of them as others may read it."""
    name = permission.domain
    return ShownServer(
        obfuscate(name) if permission.obfuscate else name,
        hashlib.sha256(name.encode()).hexdigest(),
        permission.severity,
        permission.public_comment,
        permission.reject_media,
        permission.created_at,
    )
