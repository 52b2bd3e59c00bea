"""Sealing to somebody: whoever has the public key can seal, only the holder of the private one opens.

Built as HPKE's base mode is (RFC 9180, section 4.1): an X25519 key made for this one value, a key derived
from what both sides can compute, and AES-256-GCM. It is not HPKE on the wire.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from roseau.kernel.keys import KEY_BYTES, Unsealable

# The derived key opens one value only, so its nonce need not be random.
_NONCE = bytes(12)


def derive_key(seed: bytes, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose, from a secret that serves several (HKDF-SHA256, RFC 5869)."""
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"roseau {purpose}".encode()).derive(seed)


def to_sealing_public(private: bytes) -> bytes:
    """The X25519 public key, 32 bytes, of a private one (RFC 7748, section 6.1)."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def seal_for(public: bytes, name: str, value: bytes) -> bytes:
    """Encrypt for the holder of that public key, who learns nothing of the sender; bound to `name`."""
    once = X25519PrivateKey.generate()
    once_public = once.public_key().public_bytes_raw()
    shared = once.exchange(X25519PublicKey.from_public_bytes(public))
    cipher = AESGCM(_key_of(shared, once_public, public))
    return once_public + cipher.encrypt(_NONCE, value, name.encode())


def unseal_with(private: bytes, name: str, sealed: bytes) -> bytes:
    """The value back. Raises Unsealable."""
    once_public, encrypted = sealed[:KEY_BYTES], sealed[KEY_BYTES:]
    own = X25519PrivateKey.from_private_bytes(private)
    try:
        shared = own.exchange(X25519PublicKey.from_public_bytes(once_public))
        cipher = AESGCM(_key_of(shared, once_public, own.public_key().public_bytes_raw()))
        return cipher.decrypt(_NONCE, encrypted, name.encode())
    except (InvalidTag, ValueError) as error:
        raise Unsealable(f"the secret {name!r} was not sealed for this key") from error


def _key_of(shared: bytes, once_public: bytes, public: bytes) -> bytes:
    return derive_key(shared + once_public + public, "sealed box")
