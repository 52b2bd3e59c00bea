"""Signing the site's manifests: `issue_manifest` whenever an address changes, `rotate_key` for a new key.

The keys are secrets of the site (`site-key-1`, `site-key-2`, ...): the present one, and its successor, which
the manifests name before it is needed.
"""

import hashlib
from typing import NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, select

from roseau.domain.names import DOORS, list_names
from roseau.domain.site import Site
from roseau.storage.database import Transaction
from roseau.storage.schema.addresses import site_manifests
from roseau.storage.secrets import find_secret, keep_secret
from roseau.storage.statements import insertion, statement
from roseau.survival.addresses.manifest import (
    Document,
    Manifest,
    Signed,
    sign_manifest,
    to_plain_address,
    to_public_text,
    to_site_id,
)


class Issued(NamedTuple):
    """A manifest, and which of the site's keys signed it, counted from 1."""

    manifest: Manifest
    generation: int


class Answer(NamedTuple):
    """What the site answers at `/.well-known/roseau-manifest`."""

    body: bytes
    etag: str


_newest = statement(
    select(site_manifests.c.payload, site_manifests.c.signature, site_manifests.c.generation)
    .order_by(site_manifests.c.number.desc())
    .limit(1)
)
_last_of_each_key = statement(
    select(site_manifests.c.payload, site_manifests.c.signature)
    .where(
        site_manifests.c.number.in_(
            select(func.max(site_manifests.c.number)).group_by(site_manifests.c.generation)
        )
    )
    .order_by(site_manifests.c.number)
)
_add = insertion(site_manifests, "number generation payload signature issued_at")


def find_manifest(tx: Transaction) -> Issued | None:
    """The manifest in force; None before the first."""
    row = tx.one(_newest)
    if row is None:
        return None
    return Issued(msgspec.json.decode(row.payload, type=Manifest), row.generation)


def issue_manifest(tx: Transaction, site: Site) -> Manifest:
    """The manifest in force: a new one if the site's addresses are not those that the last one names."""
    return _bring_up(tx, site).manifest


def rotate_key(tx: Transaction, site: Site) -> Manifest:
    """Let the successor sign from now on, and name the one that will come after it; the new manifest."""
    present = _bring_up(tx, site)
    return _issue(tx, site, present, present.generation + 1).manifest


def load_signing_key(tx: Transaction, site: Site) -> bytes:
    """The private half of the key that signs now, made at first need."""
    return _load_key(tx, site, _bring_up(tx, site).generation)


def _bring_up(tx: Transaction, site: Site) -> Issued:
    present = find_manifest(tx)
    return _issue(tx, site, present, present.generation if present else 1)


def _issue(tx: Transaction, site: Site, present: Issued | None, generation: int) -> Issued:
    private = _load_key(tx, site, generation)
    key = to_public_text(private)
    names = list_names(tx, site)
    # The time stands in the number, so that a site that was restored from a copy goes on above what it lost.
    number = max(tx.now // 1000, present.manifest.number + 1 if present else 1)
    manifest = Manifest(
        site=present.manifest.site if present else to_site_id(key),
        number=number,
        issued_at=tx.now,
        names=tuple(to_plain_address(name.url) for name in names if name.kind in DOORS),
        gateways=tuple(name.url for name in names if name.kind == "gateway"),
        mirrors=tuple(name.url for name in names if name.kind == "mirror"),
        key=key,
        successor=to_public_text(_load_key(tx, site, generation + 1)),
    )
    if present and _says_the_same(present.manifest, manifest):
        return present
    signed = sign_manifest(manifest, private)
    tx.run(
        _add,
        number=number,
        generation=generation,
        payload=signed.payload,
        signature=signed.signature,
        issued_at=tx.now,
    )
    return Issued(manifest, generation)


def _says_the_same(one: Manifest, other: Manifest) -> bool:
    return one == msgspec.structs.replace(other, number=one.number, issued_at=one.issued_at)


def _load_key(tx: Transaction, site: Site, generation: int) -> bytes:
    name = f"site-key-{generation}"
    private = find_secret(tx, site.data_key, name)
    if private is None:
        private = Ed25519PrivateKey.generate().private_bytes_raw()
        keep_secret(tx, site.data_key, name, private)
    return private


def load_answer(tx: Transaction) -> Answer | None:
    """The document of the manifest in force, ready to be sent; None before the first."""
    rows = [Signed(row.payload, row.signature) for row in tx.all(_last_of_each_key)]
    if not rows:
        return None
    newest = rows.pop()
    body = msgspec.json.encode(Document(newest.payload, newest.signature, tuple(rows)))
    return Answer(body, f'"{hashlib.sha256(body).hexdigest()[:16]}"')
