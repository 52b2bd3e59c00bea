"""Until when the certificate of an address is good, as whoever connects to it sees it."""

import asyncio
import ssl
from urllib.parse import urlsplit

from roseau.kernel import clock
from roseau.kernel.clock import Instant
from roseau.network.client import make_tls_context

SECONDS = 10


class BadCertificate(Exception):
    """The certificate is not accepted: expired, for another name, or signed by nobody known."""


async def find_expiry(url: str, context: ssl.SSLContext | None = None) -> Instant:
    """When the certificate of an https address ends. Raises BadCertificate; OSError when nobody answers.

    Only for addresses of the operator's own: it connects wherever the name leads.
    """
    parts = urlsplit(url)
    try:
        async with asyncio.timeout(SECONDS):
            _, writer = await asyncio.open_connection(
                parts.hostname, parts.port or 443, ssl=context or make_tls_context()
            )
    except ssl.SSLCertVerificationError as error:
        raise BadCertificate(error.verify_message) from error
    try:
        certificate = writer.get_extra_info("peercert")
    finally:
        writer.close()
    return Instant(int(ssl.cert_time_to_seconds(certificate["notAfter"])) * clock.SECOND)
