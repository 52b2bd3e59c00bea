"""Web push: encrypted for one subscription (RFC 8291), signed by this server (RFC 8292), sent guarded."""

import base64
import secrets
import struct
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from roseau.kernel import clock
from roseau.kernel.errors import Invalid
from roseau.network.client import GuardedClient, origin, read_url
from roseau.network.refusals import Refused, Unreachable

Urgency = Literal["very-low", "low", "normal", "high"]

# A push service takes 4096 bytes of body; in `aes128gcm` 86 of them are the header and 17 the tag
# and the delimiter (RFC 8291 section 4). The legacy coding has a little more room, which is not used.
MAX_PAYLOAD = 3993
RECORD_SIZE = 4096
# RFC 8292 section 2 allows at most a day; half of it forgives clocks that are wrong.
TOKEN_LIFE = 12 * clock.HOUR
RETRY_DEFAULT = 5 * clock.MINUTE
RETRY_MOST = clock.DAY


class VapidKeys(msgspec.Struct, frozen=True):
    """This server's key pair for push services, base64url without padding; apps are shown `public_key`."""

    private_key: str
    public_key: str

    def __repr__(self) -> str:
        """Without the private key."""
        return f"VapidKeys(public_key={self.public_key!r})"


class Subscription(msgspec.Struct, frozen=True):
    """Where a browser or an app receives: its address, its public point (65 bytes), its secret (16 bytes).

    `standard` is false for clients that read only the draft coding `aesgcm`, which is Mastodon's default.
    """

    endpoint: str
    p256dh: bytes
    auth: bytes
    standard: bool = False


class PushRequest(msgspec.Struct, frozen=True):
    """A push ready to be posted."""

    url: str
    headers: dict[str, str]
    body: bytes


class PushOutcome(msgspec.Struct, frozen=True):
    """What became of a push.

    `gone`: the subscription is to be forgotten. `retry`: to be tried again in `retry_after`
    milliseconds. `rejected`: the push service will not take this push, now or later.
    """

    kind: Literal["delivered", "gone", "retry", "rejected"]
    status: int = 0
    retry_after: int = 0


def generate_vapid_keys() -> VapidKeys:
    """Make this server's key pair."""
    key = ec.generate_private_key(ec.SECP256R1())
    number = key.private_numbers().private_value.to_bytes(32, "big")
    return VapidKeys(to_base64url(number), to_base64url(_point(key)))


def to_subscription(endpoint: str, p256dh: str, auth: str, standard: bool = False) -> Subscription:
    """Read what a client sent. Raises Invalid when the address is not https or the keys are not keys."""
    try:
        if read_url(endpoint).scheme != "https":
            raise Invalid("Validation failed: Endpoint is not an https address")
        point, secret = from_base64(p256dh), from_base64(auth)
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except Refused as error:
        raise Invalid(f"Validation failed: Endpoint: {error}") from error
    except ValueError as error:
        raise Invalid("Validation failed: Key p256dh or auth is not a key") from error
    if len(point) != 65 or len(secret) != 16:
        raise Invalid("Validation failed: Key p256dh or auth has the wrong length")
    return Subscription(endpoint, point, secret, standard)


def build_push(
    subscription: Subscription,
    payload: bytes,
    vapid: VapidKeys,
    *,
    contact: str,
    ttl: int,
    urgency: Urgency = "normal",
    topic: str | None = None,
) -> PushRequest:
    """Encrypt and sign a push. `ttl` in seconds; `contact` is a mailto: or https: address of the operator.

    A later push of the same `topic` (at most 32 characters of base64url) replaces one not yet
    delivered. Raises ValueError for a payload that is empty or over 3993 bytes.
    """
    token = _sign_token(subscription.endpoint, contact, vapid)
    headers = {"content-type": "application/octet-stream", "ttl": str(ttl), "urgency": urgency}
    if topic is not None:
        headers["topic"] = topic
    key, salt = ec.generate_private_key(ec.SECP256R1()), secrets.token_bytes(16)
    body = encrypt(subscription, payload, key, salt)
    if subscription.standard:
        headers["content-encoding"] = "aes128gcm"
        headers["authorization"] = f"vapid t={token}, k={vapid.public_key}"
    else:
        # draft-ietf-webpush-encryption-04 and draft-ietf-webpush-vapid-01, as Mastodon sends them.
        headers["content-encoding"] = "aesgcm"
        headers["encryption"] = f"salt={to_base64url(salt)}"
        headers["crypto-key"] = f"dh={to_base64url(_point(key))};p256ecdsa={vapid.public_key}"
        headers["authorization"] = f"WebPush {token}"
    return PushRequest(subscription.endpoint, headers, body)


def encrypt(
    subscription: Subscription, payload: bytes, key: ec.EllipticCurvePrivateKey, salt: bytes
) -> bytes:
    """The payload sealed for the subscription, as one record. Use the key and the salt once only."""
    if not 0 < len(payload) <= MAX_PAYLOAD:
        raise ValueError(f"A push carries 1 to {MAX_PAYLOAD} bytes, not {len(payload)}.")
    theirs, ours = subscription.p256dh, _point(key)
    receiver = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs)
    shared = key.exchange(ec.ECDH(), receiver)
    if subscription.standard:
        # RFC 8291 section 3.4; the header and the closing delimiter are those of RFC 8188 section 2.
        secret = _derive(shared, subscription.auth, b"WebPush: info\0" + theirs + ours, 32)
        seal = AESGCM(_derive(secret, salt, b"Content-Encoding: aes128gcm\0", 16))
        nonce = _derive(secret, salt, b"Content-Encoding: nonce\0", 12)
        header = salt + struct.pack("!LB", RECORD_SIZE, len(ours)) + ours
        return header + seal.encrypt(nonce, payload + b"\2", None)
    # The draft names both points in the context of each key, and starts the record with a padding length.
    context = b"P-256\0" + struct.pack("!H", len(theirs)) + theirs + struct.pack("!H", len(ours)) + ours
    secret = _derive(shared, subscription.auth, b"Content-Encoding: auth\0", 32)
    seal = AESGCM(_derive(secret, salt, b"Content-Encoding: aesgcm\0" + context, 16))
    nonce = _derive(secret, salt, b"Content-Encoding: nonce\0" + context, 12)
    return seal.encrypt(nonce, b"\0\0" + payload, None)


async def send_push(client: GuardedClient, push: PushRequest, timeout: float = 15) -> PushOutcome:
    """Post a push and say what became of it; never raises for what the other side does."""
    try:
        answer = await client.request(
            "POST",
            push.url,
            headers=push.headers,
            body=push.body,
            max_bytes=16_384,
            truncate=True,
            timeout=timeout,
        )
    except Refused:
        return PushOutcome("rejected")
    except Unreachable:
        return PushOutcome("retry", retry_after=RETRY_DEFAULT)
    return to_outcome(answer.status, answer.headers.get("retry-after"))


def to_outcome(status: int, retry_after: str | None) -> PushOutcome:
    """Read a push service's answer (RFC 8030 sections 5 and 7.3)."""
    if 200 <= status < 300:
        return PushOutcome("delivered", status)
    if status in (404, 410):
        return PushOutcome("gone", status)
    if status in (408, 425, 429) or status >= 500:
        return PushOutcome("retry", status, to_delay(retry_after))
    return PushOutcome("rejected", status)


def to_delay(retry_after: str | None) -> int:
    """Read Retry-After, seconds or a date (RFC 9110 10.2.3), as milliseconds from now: at most a day."""
    said = (retry_after or "").strip()
    if said.isascii() and said.isdigit():
        return min(int(said[:9]) * clock.SECOND, RETRY_MOST)
    try:
        at = parsedate_to_datetime(said)
    except ValueError:
        return RETRY_DEFAULT
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return min(max(int(at.timestamp() * 1000) - clock.now(), 0), RETRY_MOST)


def to_base64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def from_base64(text: str) -> bytes:
    """Read base64 in either alphabet, padded or not: apps send all four. Raises ValueError."""
    plain = text.strip().rstrip("=").replace("-", "+").replace("_", "/")
    return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)


def _sign_token(endpoint: str, contact: str, vapid: VapidKeys) -> str:
    # RFC 8292 section 2; ES256 signatures are the two numbers side by side (RFC 7518 section 3.4).
    scheme, host, port = origin(read_url(endpoint))
    netloc = f"[{host}]" if ":" in host else host
    audience = f"{scheme}://{netloc}" if port == 443 else f"{scheme}://{netloc}:{port}"
    header = {"typ": "JWT", "alg": "ES256"}
    claims = {"aud": audience, "exp": (clock.now() + TOKEN_LIFE) // clock.SECOND, "sub": contact}
    signed = f"{to_base64url(msgspec.json.encode(header))}.{to_base64url(msgspec.json.encode(claims))}"
    key = ec.derive_private_key(int.from_bytes(from_base64(vapid.private_key), "big"), ec.SECP256R1())
    r, s = decode_dss_signature(key.sign(signed.encode("ascii"), ec.ECDSA(SHA256())))
    return f"{signed}.{to_base64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def _derive(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(secret)


def _point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
