"""Who a machine is: its keys, its certificate, and connections between machines that know each other.

Everything comes from the 32 bytes in `machine.key`. What counts is the key, which is pinned; a certificate
carries nothing else that says anything.
"""

import datetime
import hashlib
import os
import ssl
import tempfile
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.x509.oid import NameOID

from roseau.kernel.sealing import derive_key, to_sealing_public
from roseau.storage.secrets import read_machine_key

_BEGIN = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
_END = datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=datetime.UTC)


class Identity:
    """This machine's own keys."""

    def __init__(self, machine_key: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(derive_key(machine_key, "identity"))
        self.sealing_private = derive_key(machine_key, "sealing")
        self.sealing_public = to_sealing_public(self.sealing_private)
        self.certificate = _certify(self._private)
        self.id = id_of(self.certificate)

    @classmethod
    def of(cls, folder: Path) -> "Identity":
        """The identity of the machine whose data folder this is; made at first use."""
        return cls(read_machine_key(folder))

    def listening(self, known: Iterable[bytes]) -> ssl.SSLContext:
        """For a port that answers these certificates (DER) and nobody else."""
        return self._context(ssl.PROTOCOL_TLS_SERVER, known)

    def calling(self, certificate: bytes) -> ssl.SSLContext:
        """For calling the one machine that has this certificate (DER)."""
        return self._context(ssl.PROTOCOL_TLS_CLIENT, [certificate])

    def _context(self, side: int, known: Iterable[bytes]) -> ssl.SSLContext:
        context = ssl.SSLContext(side)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        for certificate in known:
            context.load_verify_locations(cadata=certificate)
        pem = self._private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        # The ssl module reads keys from files only; this one has no name by the time anybody could look.
        descriptor, name = tempfile.mkstemp(prefix="roseau-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(pem + to_pem(self.certificate))
            context.load_cert_chain(name)
        finally:
            os.unlink(name)
        return context


def _certify(private: Ed25519PrivateKey) -> bytes:
    """The same certificate each time: Ed25519 signs without chance (RFC 8032, section 5.1.6)."""
    # The name is the hash of the key and tells no more; by the name OpenSSL finds a certificate.
    nobody = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _to_id(private.public_key()))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(nobody)
        .issuer_name(nobody)
        .public_key(private.public_key())
        .serial_number(1)
        .not_valid_before(_BEGIN)
        .not_valid_after(_END)
        .sign(private, None)
    )
    return certificate.public_bytes(serialization.Encoding.DER)


def id_of(certificate: bytes) -> str:
    """The id of the machine with this certificate (DER). Raises ValueError when it is none."""
    public = x509.load_der_x509_certificate(certificate).public_key()
    if not isinstance(public, Ed25519PublicKey):
        raise ValueError("this is not the certificate of a machine of ours")
    return _to_id(public)


def _to_id(public: Ed25519PublicKey) -> str:
    return hashlib.sha256(public.public_bytes_raw()).hexdigest()[:16]


def to_pem(certificate: bytes) -> bytes:
    """A certificate (DER) as text."""
    return ssl.DER_cert_to_PEM_cert(certificate).encode()
