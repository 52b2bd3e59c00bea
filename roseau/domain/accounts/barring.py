"""Who may not sign up: providers of mail, networks, and people who were suspended for good.

Who is barred is decided in moderation (`moderation/blocks.py`); here it is only looked up. The exchangers of
a mail domain (MX) are not: a command asks nobody on the network.
"""

import hashlib
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, Literal

from sqlalchemy import bindparam, or_, select

from roseau.domain.accounts.names import email_key
from roseau.domain.policy import names_above
from roseau.kernel.errors import Problem
from roseau.storage.database import Transaction
from roseau.storage.schema.moderation import canonical_email_blocks, email_domain_blocks, ip_blocks
from roseau.storage.statements import one_of, statement

Severity = Literal["sign_up_requires_approval", "sign_up_block", "no_access"]
Network = IPv4Network | IPv6Network
#: From the mildest to the hardest: of several blocks, the hardest counts.
SEVERITIES: tuple[Severity, ...] = ("sign_up_requires_approval", "sign_up_block", "no_access")

_b = ip_blocks.c
_networks = statement(
    select(_b.ip, _b.severity).where(or_(_b.expires_at.is_(None), _b.expires_at > bindparam("now")))
)
_providers = statement(
    select(email_domain_blocks.c.domain, email_domain_blocks.c.allow_with_approval).where(
        one_of(email_domain_blocks.c.domain, "names", "TEXT")
    )
)
_canonical = statement(
    select(canonical_email_blocks.c.id).where(
        canonical_email_blocks.c.canonical_email_hash == bindparam("digest")
    )
)


def canonical_email(email: str) -> str:
    """A mail address without what providers ignore: lower case, no dots and no `+…` before the @."""
    local, _, domain = email_key(email).rpartition("@")
    return f"{local.partition('+')[0].replace('.', '')}@{domain}"


def hash_email(email: str) -> str:
    """SHA-256 of the canonical address, hexadecimal: enough to know it again, not enough to write to it."""
    return hashlib.sha256(canonical_email(email).encode()).hexdigest()


def check_mail(tx: Transaction, email: str) -> tuple[Problem | None, bool]:
    """Why nobody may sign up with this address, or None; and whether somebody has to let its owner in."""
    domain = email_key(email).rpartition("@")[2]
    found = tx.all(_providers, names=list(names_above(domain)))
    if any(not row.allow_with_approval for row in found):
        return Problem("email", "ERR_BLOCKED", "Email contains a disallowed e-mail provider"), False
    if is_address_barred(tx, email):
        # The same as for an address that is in use: whoever was suspended is not told by a form.
        return Problem("email", "ERR_TAKEN", "Email has already been taken"), False
    return None, bool(found)


def is_address_barred(tx: Transaction, email: str) -> bool:
    """Whether somebody with this address was suspended for good."""
    return tx.value(_canonical, digest=hash_email(email)) is not None


def list_networks(tx: Transaction) -> list[tuple[Network, Severity]]:
    """The networks that are held back, and how."""
    return [(ip_network(row.ip), row.severity) for row in tx.all(_networks, now=tx.now)]


def severity_of(networks: list[tuple[Network, Severity]], address: str) -> Severity | None:
    """How an address is held back: by the hardest of the networks that it is in."""
    try:
        ip: Any = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    ip = getattr(ip, "ipv4_mapped", None) or ip
    found = [severity for network, severity in networks if ip.version == network.version and ip in network]
    return max(found, key=SEVERITIES.index, default=None)


def check_network(tx: Transaction, address: str) -> Severity | None:
    """How whoever calls from this address is held back; None: not at all."""
    return severity_of(list_networks(tx), address) if address else None
