import base64
import json

import httpx2
import pytest
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from roseau.kernel import clock
from roseau.kernel.errors import Invalid
from roseau.network.webpush import (
    MAX_PAYLOAD,
    PushOutcome,
    PushRequest,
    Subscription,
    VapidKeys,
    build_push,
    encrypt,
    from_base64,
    generate_vapid_keys,
    send_push,
    to_base64url,
    to_outcome,
    to_subscription,
)
from tests.network.guarded import mock

pytestmark = pytest.mark.anyio

VAPID = generate_vapid_keys()
AUTH = bytes(range(16))
ENDPOINT = "https://push.example:8443/send/abc?x=1"


class Phone:
    """The receiving side: reads a push off the wire with its own key and secret, and no code of ours."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def subscription(self, standard: bool) -> Subscription:
        return Subscription(ENDPOINT, self.point, AUTH, standard)

    def read(self, push: PushRequest) -> bytes:
        """RFC 8291 section 3.4 and its draft, from the receiver's end. Raises InvalidTag."""
        if push.headers["content-encoding"] == "aes128gcm":
            salt, size, theirs, sealed = push.body[:16], push.body[16:20], push.body[21:86], push.body[86:]
            assert (push.body[20], int.from_bytes(size, "big")) == (65, 4096)
            secret = self.derive(self.shared(theirs), AUTH, b"WebPush: info\0" + self.point + theirs, 32)
            key = self.derive(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
            nonce = self.derive(secret, salt, b"Content-Encoding: nonce\0", 12)
            padded = AESGCM(key).decrypt(nonce, sealed, None)
            assert padded[-1] == 2
            return padded[:-1]
        salt = from_base64(push.headers["encryption"].removeprefix("salt="))
        theirs = from_base64(dict(p.split("=", 1) for p in push.headers["crypto-key"].split(";"))["dh"])
        context = b"P-256\0\0\x41" + self.point + b"\0\x41" + theirs
        secret = self.derive(self.shared(theirs), AUTH, b"Content-Encoding: auth\0", 32)
        key = self.derive(secret, salt, b"Content-Encoding: aesgcm\0" + context, 16)
        nonce = self.derive(secret, salt, b"Content-Encoding: nonce\0" + context, 12)
        padded = AESGCM(key).decrypt(nonce, push.body, None)
        return padded[2 + int.from_bytes(padded[:2], "big") :]

    def shared(self, theirs: bytes) -> bytes:
        return self.key.exchange(
            ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs)
        )

    def derive(self, secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
        return HKDF(SHA256(), length, salt, info).derive(secret)


PHONE = Phone()


def push(payload: bytes = b"{}", standard: bool = True, **more: object) -> PushRequest:
    options: dict[str, object] = {"contact": "mailto:ops@roseau.example", "ttl": 3600}
    return build_push(PHONE.subscription(standard), payload, VAPID, **(options | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("standard", "payload", "point", "auth", "sender", "salt", "body"),
    [
        pytest.param(
            True,
            b"When I grow up, I want to be a watermelon",
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
            "BTBZMqHH6r4Tts7J_aSIgg",
            "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw",
            "DGv6ra1nlYgDCS1FRnbzlw",
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS"
            "6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qu"
            "lcy4a-fN",
            id="RFC 8291 appendix A",
        ),
        pytest.param(
            False,
            b"I am the walrus",
            "BCEkBjzL8Z3C-oi2Q7oE5t2Np-p7osjGLg93qUP0wvqRT21EEWyf0cQDQcakQMqz4hQKYOQ3il2nNZct4HgAUQU",
            "R29vIGdvbyBnJyBqb29iIQ",
            "nCScek-QpEjmOOlT-rQ38nZzvdPlqa00Zy0i6m2OJvY",
            "lngarbyKfMoi9Z75xYXmkg",
            "6nqAQUME8hNqw5J3kl8cpVVJylXKYqZOeseZG8UueKpA",
            id="draft-ietf-httpbis-encryption-encoding-02",
        ),
    ],
)
def test_published_examples(
    standard: bool, payload: bytes, point: str, auth: str, sender: str, salt: str, body: str
) -> None:
    subscription = to_subscription(ENDPOINT, point, auth, standard)
    key = ec.derive_private_key(int.from_bytes(from_base64(sender), "big"), ec.SECP256R1())
    assert to_base64url(encrypt(subscription, payload, key, from_base64(salt))) == body


@pytest.mark.parametrize("standard", [True, False])
@given(payload=st.binary(min_size=1, max_size=MAX_PAYLOAD))
def test_the_phone_reads_what_was_sent(standard: bool, payload: bytes) -> None:
    sent = push(payload, standard)
    assert PHONE.read(sent) == payload
    assert len(sent.body) <= 4096


@pytest.mark.parametrize("standard", [True, False])
def test_another_phone_reads_nothing_and_no_two_pushes_are_alike(standard: bool) -> None:
    with pytest.raises(InvalidTag):
        Phone().read(push(b"secret", standard))
    assert push(b"same", standard).body != push(b"same", standard).body


@pytest.mark.parametrize("standard", [True, False])
@pytest.mark.parametrize("size", [0, MAX_PAYLOAD + 1])
def test_a_payload_that_does_not_fit(standard: bool, size: int) -> None:
    with pytest.raises(ValueError, match=str(size)):
        push(b"x" * size, standard)


def read_token(token: str, keys: VapidKeys) -> dict[str, object]:
    """The claims of a token, its signature checked with the public key. Raises InvalidSignature."""
    signed, _, signature = token.rpartition(".")
    raw = from_base64(signature)
    assert len(raw) == 64
    pair = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), from_base64(keys.public_key))
    point.verify(pair, signed.encode(), ec.ECDSA(SHA256()))
    head, claims = (json.loads(from_base64(part)) for part in signed.split("."))
    assert head == {"typ": "JWT", "alg": "ES256"}
    return claims  # type: ignore[no-any-return]


def test_the_standard_push_is_signed(noon: int) -> None:
    sent = push(urgency="high", topic="mentions")
    scheme, token, key = sent.headers["authorization"].replace(",", "").split(" ")
    assert (scheme, key) == ("vapid", f"k={VAPID.public_key}")
    assert read_token(token.removeprefix("t="), VAPID) == {
        "aud": "https://push.example:8443",
        "exp": (noon + 12 * clock.HOUR) // 1000,
        "sub": "mailto:ops@roseau.example",
    }
    with pytest.raises(InvalidSignature):
        read_token(token.removeprefix("t="), generate_vapid_keys())
    assert sent.url == ENDPOINT
    wanted = {"ttl": "3600", "urgency": "high", "topic": "mentions"}
    assert wanted.items() <= sent.headers.items()
    assert sent.headers["content-encoding"] == "aes128gcm"
    assert "crypto-key" not in sent.headers


def test_the_legacy_push_is_signed_in_its_own_headers() -> None:
    sent = push(standard=False)
    scheme, token = sent.headers["authorization"].split(" ")
    assert scheme == "WebPush"
    assert read_token(token, VAPID)["aud"] == "https://push.example:8443"
    assert sent.headers["content-encoding"] == "aesgcm"
    assert sent.headers["crypto-key"].endswith(f";p256ecdsa={VAPID.public_key}")
    assert "=" not in sent.headers["encryption"].removeprefix("salt=")


@pytest.mark.parametrize(
    ("endpoint", "audience"),
    [
        ("https://push.example/a", "https://push.example"),
        ("https://push.example:443/a", "https://push.example"),
        ("https://[2606:4700::1]:8443/a", "https://[2606:4700::1]:8443"),
        ("https://äpfel.example/", "https://xn--pfel-koa.example"),
    ],
)
def test_the_audience_is_the_origin_of_the_endpoint(endpoint: str, audience: str) -> None:
    point = PHONE.subscription(True).p256dh
    sent = build_push(Subscription(endpoint, point, AUTH), b"x", VAPID, contact="https://r.example", ttl=0)
    assert read_token(sent.headers["authorization"].split(" ")[1], VAPID)["aud"] == audience


def test_keys_are_made_anew_and_not_shown() -> None:
    one, two = generate_vapid_keys(), generate_vapid_keys()
    assert one != two
    assert (len(from_base64(one.private_key)), len(from_base64(one.public_key))) == (32, 65)
    assert one.private_key not in repr(one)


def test_keys_are_read_in_every_base64_that_apps_send() -> None:
    point = PHONE.subscription(True).p256dh
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for text in (encode(point).decode(), encode(point).decode().rstrip("=")):
            read = to_subscription(ENDPOINT, text, encode(AUTH).decode())
            assert (read.p256dh, read.auth, read.standard) == (point, AUTH, False)


@pytest.mark.parametrize(
    ("endpoint", "p256dh", "auth"),
    [
        ("http://push.example/", "", ""),
        ("push.example", "", ""),
        ("https://user@push.example/", "", ""),
        (ENDPOINT, "not base64 at all!", to_base64url(AUTH)),
        (ENDPOINT, to_base64url(b"\4" + bytes(64)), to_base64url(AUTH)),
        (ENDPOINT, VAPID.public_key, to_base64url(AUTH[:15])),
        (ENDPOINT, VAPID.public_key, ""),
        (ENDPOINT, "", to_base64url(AUTH)),
        (ENDPOINT, "é", "é"),
    ],
    # The keys are made anew, and the workers of a test run have to agree on the names of tests.
    ids=["http", "no scheme", "user", "not base64", "not a point", "short", "no auth", "no key", "not ascii"],
)
def test_subscriptions_that_are_none(endpoint: str, p256dh: str, auth: str) -> None:
    with pytest.raises(Invalid):
        to_subscription(endpoint, p256dh, auth)


@given(st.text(), st.text(), st.text())
def test_any_subscription_is_read_or_invalid(endpoint: str, p256dh: str, auth: str) -> None:
    with pytest.raises(Invalid):
        to_subscription(endpoint, p256dh, auth)
    with pytest.raises(Invalid):
        to_subscription(ENDPOINT, p256dh, auth)


@pytest.mark.parametrize(
    ("status", "retry_after", "outcome"),
    [
        (201, None, PushOutcome("delivered", 201)),
        (404, None, PushOutcome("gone", 404)),
        (410, None, PushOutcome("gone", 410)),
        (429, "120", PushOutcome("retry", 429, 120_000)),
        (429, None, PushOutcome("retry", 429, 300_000)),
        (503, "Sun, 22 Nov 2026 12:10:00 GMT", PushOutcome("retry", 503, 600_000)),
        (503, "Sun, 22 Nov 2026 11:00:00 GMT", PushOutcome("retry", 503, 0)),
        (503, "9" * 40, PushOutcome("retry", 503, clock.DAY)),
        (500, "soon", PushOutcome("retry", 500, 300_000)),
        (500, "-5", PushOutcome("retry", 500, 300_000)),
        (400, None, PushOutcome("rejected", 400)),
        (403, None, PushOutcome("rejected", 403)),
        (413, None, PushOutcome("rejected", 413)),
        (301, None, PushOutcome("rejected", 301)),
    ],
)
def test_answers_of_push_services(
    status: int, retry_after: str | None, outcome: PushOutcome, noon: int
) -> None:
    assert to_outcome(status, retry_after) == outcome


@given(st.text())
def test_any_retry_after_is_a_delay_of_at_most_a_day(text: str) -> None:
    assert 0 <= to_outcome(503, text).retry_after <= clock.DAY


async def test_a_push_is_posted_as_built() -> None:
    client, sent = mock(lambda request: httpx2.Response(201))
    built = push(b"bonjour", topic="t")
    assert await send_push(client, built) == PushOutcome("delivered", 201)
    assert (sent[0].method, str(sent[0].url), sent[0].content) == ("POST", ENDPOINT, built.body)
    assert built.headers.items() <= dict(sent[0].headers).items()


async def test_a_push_that_cannot_be_sent() -> None:
    def fail(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("no")

    client, sent = mock(fail)
    assert (await send_push(client, push())).kind == "retry"
    assert (await send_push(client, PushRequest("https://10.0.0.1/push", {}, b"x"))).kind == "rejected"
    assert len(sent) == 1
