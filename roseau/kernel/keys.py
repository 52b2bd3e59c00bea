"""Secrets: hashed where they only need to be recognised, sealed where they need to be read again.

Tokens are random, so a plain SHA-256 recognises them; passwords go through Argon2id. Sealed values
are AES-256-GCM under the site's data key, bound to their name, so that one cannot be put in another's place.
"""

import base64
import hashlib
import hmac
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_NONCE_BYTES = 12

# OWASP's second choice: 19 MiB and two passes, so that a sign-in fits a small machine.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Verifying against it takes as long as against a real one, so that time does not tell who has an account.
_NOBODY = _hasher.hash(secrets.token_urlsafe(16))


class Unsealable(ValueError):
    """The sealed value was made under another key or name, or was altered."""


def new_token(size: int = 32) -> str:
    """A random secret to hand out: `size` bytes as URL-safe text."""
    return secrets.token_urlsafe(size)


def hash_token(token: str) -> str:
    """What is stored of a random token, to recognise it by."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def hash_password(password: str) -> str:
    """Argon2id of a password; takes tens of milliseconds on purpose."""
    return _hasher.hash(password)


def verify_password(stored: str, password: str) -> bool:
    """Whether it is that password. Takes as long when `stored` is empty (nobody has that name)."""
    try:
        return _hasher.verify(stored or _NOBODY, password) and bool(stored)
    except (VerificationError, InvalidHashError):
        return False


def same(one: str, other: str) -> bool:
    """Compare two secrets in a time that does not depend on where they differ."""
    return hmac.compare_digest(one.encode(), other.encode())


def new_key() -> bytes:
    """A fresh 256-bit key."""
    return secrets.token_bytes(KEY_BYTES)


def seal(key: bytes, name: str, value: bytes) -> bytes:
    """Encrypt a secret; it opens only under the same key and name."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, value, name.encode())


def unseal(key: bytes, name: str, sealed: bytes) -> bytes:
    """The secret back. Raises Unsealable."""
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], name.encode())
    except (InvalidTag, ValueError) as error:
        raise Unsealable(f"the secret {name!r} does not open with this key") from error


def new_recovery_codes(count: int = 10) -> list[str]:
    """Codes for the day the phone is lost: 50 random bits each, in an alphabet without look-alikes."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return [
        "-".join("".join(secrets.choice(alphabet) for _ in range(5)) for _ in range(2)) for _ in range(count)
    ]


def code_challenge(verifier: str) -> str:
    """The S256 challenge of a PKCE verifier (RFC 7636, section 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def sign(key: bytes, purpose: str, message: str) -> str:
    """A short signature, for values that travel through a browser and come back."""
    digest = hmac.new(key, f"{purpose}\0{message}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:24]).decode()
