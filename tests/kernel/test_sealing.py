"""Sealing to a public key: only its holder opens, under the same name, and nothing that was altered."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roseau.kernel import keys
from roseau.kernel.sealing import derive_key, seal_for, to_sealing_public, unseal_with

PRIVATE = bytes(range(32))
PUBLIC = to_sealing_public(PRIVATE)


@given(st.binary(max_size=200), st.text(max_size=20), st.binary(min_size=32, max_size=32))
def test_what_is_sealed_for_somebody_opens_with_their_key(value: bytes, name: str, private: bytes) -> None:
    sealed = seal_for(to_sealing_public(private), name, value)
    assert unseal_with(private, name, sealed) == value
    assert sealed != seal_for(to_sealing_public(private), name, value)


def test_nobody_else_opens_it_and_not_under_another_name() -> None:
    sealed = seal_for(PUBLIC, "one", b"value")
    for private, name in ((keys.new_key(), "one"), (PRIVATE, "other")):
        with pytest.raises(keys.Unsealable):
            unseal_with(private, name, sealed)


def test_any_altered_byte_and_any_cut_is_noticed() -> None:
    sealed = seal_for(PUBLIC, "one", b"value")
    altered = [sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :] for at in range(len(sealed))]
    cut = [sealed[:length] for length in range(len(sealed))]
    for wrong in [*altered, *cut, bytes(32) + sealed[32:]]:
        with pytest.raises(keys.Unsealable):
            unseal_with(PRIVATE, "one", wrong)


@given(st.binary(min_size=1, max_size=64), st.text(max_size=20))
def test_keys_are_derived_as_in_rfc_5869(seed: bytes, purpose: str) -> None:
    extracted = hmac.digest(bytes(32), seed, hashlib.sha256)
    assert derive_key(seed, purpose) == hmac.digest(
        extracted, f"roseau {purpose}".encode() + b"\x01", hashlib.sha256
    )
