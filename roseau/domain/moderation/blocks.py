"""Who may not sign up, as the team decides it: providers of mail, networks, and people who were suspended."""

from ipaddress import ip_network

import msgspec
from sqlalchemy import bindparam, delete, or_, select, update

from roseau.domain.accounts.barring import SEVERITIES, Severity, hash_email
from roseau.domain.events import AccountRestored, AccountSuspended
from roseau.domain.moderation.measures.force import unended
from roseau.domain.moderation.team.permissions import require
from roseau.domain.relationships.blocking import to_domain
from roseau.domain.site import Site
from roseau.kernel import clock, ids
from roseau.kernel.errors import Invalid, NotFound, Problem
from roseau.storage.database import Transaction
from roseau.storage.pages import Page, Paged
from roseau.storage.schema.accounts import users
from roseau.storage.schema.cases import measures
from roseau.storage.schema.moderation import canonical_email_blocks, email_domain_blocks, ip_blocks
from roseau.storage.statements import statement, upsert

MAX_COMMENT = 1_000
#: A network that is larger than this would shut out half of the world.
WIDEST = {4: 8, 6: 16}
_HASH_DIGITS = 64


class EmailDomainBlock(msgspec.Struct, frozen=True):
    """A provider of mail, with the names under its own."""

    id: int
    domain: str
    allow_with_approval: bool
    created_at: int


class IpBlock(msgspec.Struct, frozen=True):
    """A network, as CIDR."""

    id: int
    ip: str
    severity: Severity
    comment: str
    created_at: int
    expires_at: int | None


class CanonicalEmailBlock(msgspec.Struct, frozen=True):
    """Somebody's mail address, hashed."""

    id: int
    canonical_email_hash: str
    account_id: int | None
    created_at: int


class IpBlockDraft(msgspec.Struct, frozen=True):
    """A network as somebody wants it held back; `lasts` in milliseconds, None for good."""

    ip: str
    severity: Severity = "no_access"
    comment: str = ""
    lasts: int | None = None


_e, _i, _c = email_domain_blocks.c, ip_blocks.c, canonical_email_blocks.c
_email_columns = [_e[name] for name in EmailDomainBlock.__struct_fields__]
_ip_columns = [_i[name] for name in IpBlock.__struct_fields__]
_canonical_columns = [_c[name] for name in CanonicalEmailBlock.__struct_fields__]
_emails = Paged[EmailDomainBlock](select(*_email_columns), _e.id, into=EmailDomainBlock)
_email = statement(select(*_email_columns).where(_e.id == bindparam("wanted")), into=EmailDomainBlock)
_add_email = statement(
    upsert(email_domain_blocks)
    .values(
        id=bindparam("id"),
        domain=bindparam("domain"),
        allow_with_approval=bindparam("allow_with_approval", type_=_e.allow_with_approval.type),
        created_at=bindparam("created_at"),
    )
    .on_conflict_do_nothing()
)
_drop_email = statement(delete(email_domain_blocks).where(_e.id == bindparam("wanted")))
_ips = Paged[IpBlock](select(*_ip_columns), _i.id, into=IpBlock)
_ip = statement(select(*_ip_columns).where(_i.id == bindparam("wanted")), into=IpBlock)
_add_ip = statement(
    upsert(ip_blocks)
    .values({name: bindparam(name) for name in IpBlock.__struct_fields__})
    .on_conflict_do_nothing()
)
_change_ip = statement(
    update(ip_blocks)
    .where(_i.id == bindparam("wanted"))
    .values({name: bindparam(name) for name in ("ip", "severity", "comment", "expires_at")})
)
_same_ip = statement(select(_i.id).where(_i.ip == bindparam("network")))
_drop_ip = statement(delete(ip_blocks).where(_i.id == bindparam("wanted")))
_drop_expired = statement(delete(ip_blocks).where(_i.expires_at < bindparam("now")))
_canonicals = Paged[CanonicalEmailBlock](select(*_canonical_columns), _c.id, into=CanonicalEmailBlock)
_canonical = statement(
    select(*_canonical_columns).where(
        or_(_c.id == bindparam("wanted"), _c.canonical_email_hash == bindparam("digest"))
    ),
    into=CanonicalEmailBlock,
)
_add_canonical = statement(
    upsert(canonical_email_blocks)
    .values({name: bindparam(name) for name in CanonicalEmailBlock.__struct_fields__})
    .on_conflict_do_nothing()
)
_drop_canonical = statement(delete(canonical_email_blocks).where(_c.id == bindparam("wanted")))
_drop_canonical_of = statement(delete(canonical_email_blocks).where(_c.account_id == bindparam("account")))
_suspended_for_good = statement(
    select(measures.c.id).where(
        measures.c.account_id == bindparam("account"),
        measures.c.kind == "suspend",
        measures.c.until_at.is_(None),
        unended(),
    )
)
_address_of = statement(select(users.c.email).where(users.c.account_id == bindparam("account")))


# Providers of mail


def list_email_domain_blocks(tx: Transaction, page: Page) -> list[EmailDomainBlock]:
    """The providers, the newest first."""
    return _emails.fetch(tx, page)


def find_email_domain_block(tx: Transaction, block_id: int) -> EmailDomainBlock:
    """One of them. Raises NotFound."""
    found = tx.one(_email, wanted=block_id)
    if found is None:
        raise NotFound
    return found


def block_email_domain(
    tx: Transaction, by_id: int, name: str, *, allow_with_approval: bool = False
) -> EmailDomainBlock:
    """Let nobody sign up with this provider, or only after somebody has read the request.

    Raises Forbidden, Invalid.
    """
    require(tx, by_id, "manage_blocks")
    domain = to_domain(name.strip().removeprefix("@"))
    block = EmailDomainBlock(ids.new_id(), domain, allow_with_approval, tx.now)
    if not tx.run(_add_email, **msgspec.structs.asdict(block)):
        raise Invalid(problems=(Problem("domain", "ERR_TAKEN", "Domain has already been taken"),))
    return block


def unblock_email_domain(tx: Transaction, by_id: int, block_id: int) -> None:
    """Let people sign up with the provider again. Raises Forbidden, NotFound."""
    require(tx, by_id, "manage_blocks")
    if not tx.run(_drop_email, wanted=block_id):
        raise NotFound


# Networks


def list_ip_blocks(tx: Transaction, page: Page) -> list[IpBlock]:
    """The networks, the newest first."""
    return _ips.fetch(tx, page)


def find_ip_block(tx: Transaction, block_id: int) -> IpBlock:
    """One of them. Raises NotFound."""
    found = tx.one(_ip, wanted=block_id)
    if found is None:
        raise NotFound
    return found


def block_ip(tx: Transaction, by_id: int, draft: IpBlockDraft) -> IpBlock:
    """Hold a network back. Raises Forbidden, Invalid."""
    require(tx, by_id, "manage_blocks")
    network = _check(draft)
    block = IpBlock(ids.new_id(), network, draft.severity, draft.comment.strip(), tx.now, _end(tx, draft))
    if not tx.run(_add_ip, **msgspec.structs.asdict(block)):
        raise Invalid(problems=(Problem("ip", "ERR_TAKEN", "IP has already been taken"),))
    return block


def change_ip_block(tx: Transaction, by_id: int, block_id: int, draft: IpBlockDraft) -> IpBlock:
    """Hold it back otherwise. Raises Forbidden, NotFound, Invalid."""
    require(tx, by_id, "manage_blocks")
    network = _check(draft)
    if tx.value(_same_ip, network=network) not in (None, block_id):
        raise Invalid(problems=(Problem("ip", "ERR_TAKEN", "IP has already been taken"),))
    changed = tx.run(
        _change_ip,
        wanted=block_id,
        ip=network,
        severity=draft.severity,
        comment=draft.comment.strip(),
        expires_at=_end(tx, draft),
    )
    if not changed:
        raise NotFound
    return find_ip_block(tx, block_id)


def _end(tx: Transaction, draft: IpBlockDraft) -> int | None:
    return None if draft.lasts is None else tx.now + draft.lasts


def _check(draft: IpBlockDraft) -> str:
    """The network, written the one way. Raises Invalid."""
    problem = None
    try:
        network = ip_network(draft.ip.strip(), strict=False)
    except ValueError:
        raise Invalid(problems=(Problem("ip", "ERR_INVALID", "IP is not an address or network"),)) from None
    if network.prefixlen < WIDEST[network.version]:
        problem = Problem("ip", "ERR_INVALID", "IP is a network of far too many")
    elif draft.severity not in SEVERITIES:
        problem = Problem("severity", "ERR_INCLUSION", "Severity is not one that there is")
    elif len(draft.comment) > MAX_COMMENT:
        problem = Problem("comment", "ERR_TOO_LONG", "Comment is too long")
    elif draft.lasts is not None and not 0 < draft.lasts <= 3650 * clock.DAY:
        problem = Problem("expires_in", "ERR_INVALID", "A block ends in the future, within ten years")
    if problem:
        raise Invalid(problems=(problem,))
    return str(network)


def unblock_ip(tx: Transaction, by_id: int, block_id: int) -> None:
    """Hold the network back no more. Raises Forbidden, NotFound."""
    require(tx, by_id, "manage_blocks")
    if not tx.run(_drop_ip, wanted=block_id):
        raise NotFound


def forget_ip_blocks(tx: Transaction) -> None:
    """Drop those whose time is over."""
    tx.run(_drop_expired, now=tx.now)


# People who were suspended for good


def list_canonical_email_blocks(tx: Transaction, page: Page) -> list[CanonicalEmailBlock]:
    """The hashes, the newest first."""
    return _canonicals.fetch(tx, page)


def find_canonical_email_block(tx: Transaction, block_id: int) -> CanonicalEmailBlock:
    """One of them. Raises NotFound."""
    found = tx.one(_canonical, wanted=block_id, digest="")
    if found is None:
        raise NotFound
    return found


def find_block_of_address(tx: Transaction, email: str) -> CanonicalEmailBlock | None:
    """The block that keeps this address out."""
    return tx.one(_canonical, wanted=0, digest=hash_email(email))


def block_email(tx: Transaction, by_id: int, *, email: str = "", digest: str = "") -> CanonicalEmailBlock:
    """Keep an address out, given as such or as its hash. Raises Forbidden, Invalid."""
    require(tx, by_id, "manage_blocks")
    wanted = hash_email(email) if "@" in email else digest.strip().lower()
    if len(wanted) != _HASH_DIGITS or any(sign not in "0123456789abcdef" for sign in wanted):
        raise Invalid(
            problems=(Problem("canonical_email_hash", "ERR_INVALID", "An address or its SHA-256 is needed"),)
        )
    if not _keep_out(tx, wanted, None):
        raise Invalid(
            problems=(Problem("canonical_email_hash", "ERR_TAKEN", "This address is blocked already"),)
        )
    return _find_by_hash(tx, wanted)


def _keep_out(tx: Transaction, digest: str, account_id: int | None) -> bool:
    block = CanonicalEmailBlock(ids.new_id(), digest, account_id, tx.now)
    return tx.run(_add_canonical, **msgspec.structs.asdict(block)) == 1


def _find_by_hash(tx: Transaction, digest: str) -> CanonicalEmailBlock:
    found = tx.one(_canonical, wanted=0, digest=digest)
    if found is None:
        raise NotFound
    return found


def unblock_email(tx: Transaction, by_id: int, block_id: int) -> None:
    """Keep the address out no more. Raises Forbidden, NotFound."""
    require(tx, by_id, "manage_blocks")
    if not tx.run(_drop_canonical, wanted=block_id):
        raise NotFound


def block_address(tx: Transaction, account_id: int) -> None:
    """Keep the address of a member out who is suspended for good; nothing for accounts without a login."""
    email = tx.value(_address_of, account=account_id)
    if email:
        _keep_out(tx, hash_email(email), account_id)


def follow_suspension(tx: Transaction, site: Site, event: AccountSuspended | AccountRestored) -> None:
    """The reaction: an address is kept out as long as its owner is suspended for good."""
    if tx.value(_suspended_for_good, account=event.account_id) is None:
        release_address(tx, event.account_id)
    else:
        block_address(tx, event.account_id)


def release_address(tx: Transaction, account_id: int) -> None:
    """The suspension has ended: the address may be used again."""
    tx.run(_drop_canonical_of, account=account_id)
