"""The name and the mail address of somebody without an account, sealed in their notice."""

import msgspec

from roseau.domain.site import Site
from roseau.kernel import keys


def seal_contact(site: Site, notice_id: int, contact: tuple[str, str] | None) -> bytes | None:
    """Name and address, as `notices.contact` has them."""
    if contact is None:
        return None
    return keys.seal(site.data_key, f"notice contact {notice_id}", msgspec.json.encode(contact))


def open_contact(site: Site, notice_id: int, sealed: bytes | None) -> tuple[str, str] | None:
    """Name and address; None where there are none, or they are forgotten."""
    if sealed is None:
        return None
    opened = keys.unseal(site.data_key, f"notice contact {notice_id}", bytes(sealed))
    return msgspec.json.decode(opened, type=tuple[str, str])
