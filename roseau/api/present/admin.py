"""What moderation apps read: Mastodon's `Admin::…` entities (docs.joinmastodon.org/entities)."""

import hashlib
from typing import Any

import msgspec

from roseau.api.present.accounts import to_account
from roseau.api.present.instance import to_rule
from roseau.api.present.roles import to_own_role
from roseau.api.present.statuses import to_status
from roseau.domain.moderation.blocks import CanonicalEmailBlock, EmailDomainBlock, IpBlock
from roseau.domain.moderation.servers.allows import DomainAllow
from roseau.domain.moderation.servers.permissions import DomainPermission
from roseau.domain.moderation.team.members import Member
from roseau.domain.moderation.team.permissions import decode_permissions
from roseau.domain.moderation.team.reports import Report
from roseau.domain.policy import Rule
from roseau.domain.site import Choices
from roseau.domain.statuses.loading import StatusView
from roseau.kernel import clock


def to_time(at: int | None) -> str | None:
    """A time as the API writes it, or null."""
    return None if at is None else clock.to_iso(at)


def to_admin_account(base_url: str, member: Member, *, private: bool = True) -> dict[str, Any]:
    """The `Admin::Account` entity; what only those may know who look after members needs `private`.

    No addresses of networks are kept on this site, so `ip` and `ips` are empty.
    """
    account = member.view.account
    held = decode_permissions(member.role, member.role_permissions)
    return {
        "id": str(account.id),
        "username": account.username,
        "domain": account.domain or None,
        "created_at": clock.to_iso(account.created_at),
        "email": member.email if private else "",
        "ip": None,
        "ips": [],
        "locale": member.locale if private else None,
        "invite_request": (member.reason or None) if private else None,
        "role": to_own_role(member.role, held) if account.local else None,
        "confirmed": member.confirmed,
        "approved": member.approved,
        "disabled": member.disabled,
        "silenced": account.limited_at is not None,
        "suspended": account.suspended_at is not None,
        "sensitized": member.sensitized,
        "account": msgspec.Raw(to_account(base_url, member.view)),
        "created_by_application_id": None,
        "invited_by_account_id": None if member.invited_by_id is None else str(member.invited_by_id),
    }


def to_admin_report(
    base_url: str,
    report: Report,
    people: dict[int, Member],
    statuses: dict[int, StatusView],
    rules: dict[int, Rule],
    choices: Choices,
    *,
    private: bool,
) -> dict[str, Any]:
    """The `Admin::Report` entity. `account` is null when it came from somebody without one."""

    def person(account_id: int | None) -> dict[str, Any] | None:
        member = people.get(account_id or 0)
        return None if member is None else to_admin_account(base_url, member, private=private)

    return {
        "id": str(report.id),
        "action_taken": report.resolved,
        "action_taken_at": to_time(report.resolved_at),
        "category": report.category,
        "comment": report.comment,
        "forwarded": report.forward,
        "created_at": clock.to_iso(report.received_at),
        "updated_at": clock.to_iso(report.resolved_at or report.received_at),
        "account": person(report.account_id),
        "target_account": person(report.target_account_id),
        "assigned_account": person(report.assignee_id),
        "action_taken_by_account": person(report.resolved_by_id),
        "statuses": [
            msgspec.Raw(to_status(base_url, statuses[status_id], 0))
            for status_id in report.status_ids
            if status_id in statuses
        ],
        "rules": [to_rule(rules[rule_id], choices) for rule_id in report.rule_ids if rule_id in rules],
    }


def digest_of(domain: str) -> str:
    """SHA-256 of a name: by it, whoever knows the name finds it in a list that hides it."""
    return hashlib.sha256(domain.encode()).hexdigest()


def to_domain_block(permission: DomainPermission) -> dict[str, Any]:
    """The `Admin::DomainBlock` entity."""
    return {
        "id": str(permission.id),
        "domain": permission.domain,
        "digest": digest_of(permission.domain),
        "created_at": clock.to_iso(permission.created_at),
        "severity": permission.severity,
        "reject_media": permission.reject_media,
        "reject_reports": permission.reject_reports,
        "private_comment": permission.private_comment or None,
        "public_comment": permission.public_comment or None,
        "obfuscate": permission.obfuscate,
    }


def to_domain_allow(allow: DomainAllow) -> dict[str, Any]:
    """The `Admin::DomainAllow` entity."""
    return {"id": str(allow.id), "domain": allow.domain, "created_at": clock.to_iso(allow.created_at)}


def to_email_domain_block(block: EmailDomainBlock) -> dict[str, Any]:
    """The `Admin::EmailDomainBlock` entity; how often it was met is not counted."""
    return {
        "id": str(block.id),
        "domain": block.domain,
        "created_at": clock.to_iso(block.created_at),
        "allow_with_approval": block.allow_with_approval,
        "history": [],
    }


def to_ip_block(block: IpBlock) -> dict[str, Any]:
    """The `Admin::IpBlock` entity."""
    return {
        "id": str(block.id),
        "ip": block.ip,
        "severity": block.severity,
        "comment": block.comment,
        "created_at": clock.to_iso(block.created_at),
        "expires_at": to_time(block.expires_at),
    }


def to_canonical_email_block(block: CanonicalEmailBlock) -> dict[str, Any]:
    """The `Admin::CanonicalEmailBlock` entity."""
    return {"id": str(block.id), "canonical_email_hash": block.canonical_email_hash}
