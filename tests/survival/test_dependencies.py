"""What the site depends on: when its certificate ends, until when its domain is paid for."""

import asyncio
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from roseau.domain.site import Site
from roseau.doors.server import Server
from roseau.kernel import clock
from roseau.network.certificates import BadCertificate, find_expiry
from roseau.reactions import JOBS
from roseau.settings import Settings
from roseau.storage.jobs import claim_jobs, finish_jobs
from roseau.survival.watching import dependencies
from roseau.survival.watching.dependencies import BOOTSTRAP, JOB, load_dependencies, look_at_domain, plan_look
from tests.network.guarded import mock

pytestmark = pytest.mark.anyio

LISTED = {"services": [[["org", "net"], ["https://rdap.example/"]], [["fr"], ["http://unsafe.example/"]]]}
EXPIRY = {"events": [{"eventAction": "registration", "eventDate": "2001-01-01T00:00:00Z"},
                     {"eventAction": "expiration", "eventDate": "2027-11-04T12:00:00Z"}]}  # fmt: skip

UNDATED = {"events": [{"eventAction": "expiration"}]}


def site_at(url: str) -> Site:
    return Site(url, Settings(), b"")


def registry(answers: dict[str, Any]) -> Callable[[httpx2.Request], httpx2.Response]:
    """A list of registries and one registry that knows these domains."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        if str(request.url) == BOOTSTRAP:
            return httpx2.Response(200, json=LISTED)
        found = answers.get(request.url.path.removeprefix("/domain/"))
        return httpx2.Response(200, json=found) if found is not None else httpx2.Response(404)

    return answer


async def test_the_registered_domain_is_found_above_the_name() -> None:
    client, sent = mock(registry({"reeds.org": EXPIRY}))
    found = await look_at_domain(client, site_at("https://social.reeds.org"))
    assert (found.state, found.until) == ("good", clock.from_iso("2027-11-04T12:00:00Z"))
    assert [request.url.path for request in sent[1:]] == ["/domain/social.reeds.org", "/domain/reeds.org"]


@pytest.mark.parametrize(
    ("url", "answers", "state", "detail"),
    [
        ("https://reeds.org", {}, "unknown", "no_date"),
        ("https://reeds.org", {"reeds.org": {"events": []}}, "unknown", "no_date"),
        ("https://reeds.org", {"reeds.org": {"events": 3}}, "unknown", "unreadable"),
        ("https://reeds.org", {"reeds.org": UNDATED}, "unknown", "unreadable"),
        ("https://reeds.fr", {}, "unknown", "no_registry"),
        ("https://reeds.example", {}, "unknown", "no_registry"),
        ("http://10.0.0.1:8000", {}, "none", ""),
        ("http://[::1]:8000", {}, "none", ""),
        ("http://localhost:8000", {}, "none", ""),
        ("http://abcdefgh.onion", {}, "none", ""),
    ],
)  # fmt: skip
async def test_what_is_not_known_is_said_to_be_so(
    url: str, answers: dict[str, Any], state: str, detail: str
) -> None:
    client, _ = mock(registry(answers))
    found = await look_at_domain(client, site_at(url))
    assert (found.state, found.detail, found.until) == (state, detail, None)


async def test_a_registry_that_does_not_answer_is_not_an_end() -> None:
    client, _ = mock(lambda request: httpx2.Response(500))
    assert (await look_at_domain(client, site_at("https://reeds.org"))).state == "unknown"

    def refuse(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("no")

    client, _ = mock(refuse)
    found = await look_at_domain(client, site_at("https://reeds.org"))
    assert (found.state, found.detail) == ("unknown", "unreachable")


def make_certificate(folder: Path, until: datetime) -> Path:
    """A certificate for localhost and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(until - timedelta(days=90))
        .not_valid_after(until)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + secret)
    return path


@pytest.mark.parametrize("days", [30, -1])
async def test_the_certificate_is_read_as_members_see_it(tmp_path: Path, days: int) -> None:
    until = (datetime.now(UTC) + timedelta(days=days)).replace(microsecond=0)
    path = make_certificate(tmp_path, until)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(path)
    trusting = ssl.create_default_context(cafile=str(path))

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    listener = await asyncio.start_server(answer, "localhost", 0, ssl=serving)
    url = f"https://localhost:{listener.sockets[0].getsockname()[1]}"
    async with listener:
        if days > 0:
            assert await find_expiry(url, trusting) == int(until.timestamp() * 1000)
        else:
            with pytest.raises(BadCertificate, match="expired"):
                await find_expiry(url, trusting)
        with pytest.raises(BadCertificate):
            await find_expiry(url)


async def test_nobody_there_is_not_a_bad_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nobody(url: str) -> int:
        raise ConnectionRefusedError

    monkeypatch.setattr(dependencies, "find_expiry", nobody)
    found = await dependencies.look_at_certificate(site_at("https://reeds.org"))
    assert (found.state, found.detail) == ("unknown", "unreachable")
    assert (await dependencies.look_at_certificate(site_at("http://reeds.org"))).state == "none"


async def test_each_is_looked_at_when_its_time_has_come(
    server: Server, at: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def expire(url: str) -> int:
        return clock.now() + 40 * clock.DAY

    monkeypatch.setattr(dependencies, "find_expiry", expire)
    server.client, sent = mock(registry({}))
    for day, looks in ((0, 1), (0.5, 0), (1.1, 1), (8, 1)):
        at(day * 24 * 3600)
        for _ in range(2):
            server.database.write_now(plan_look)
        jobs = [job for job in server.database.write_now(claim_jobs, 20) if job.kind == JOB]
        assert len(jobs) == looks, day
        for job in jobs:
            await JOBS[JOB](server, job.payload.encode())
            server.database.write_now(finish_jobs, [job.id])
    kept = server.database.read_now(load_dependencies)
    assert kept["certificate"].until == clock.now() + 40 * clock.DAY
    # The site of these tests has a name that nobody can register.
    assert kept["domain"].state == "none" and sent == []
